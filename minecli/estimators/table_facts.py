"""The facts of two groups of a table's columns: found with the columns' names, and told to whoever reads the result."""

from __future__ import annotations

from typing import Any

from minecli.estimators.facts import Block, Facts, find_facts
from minecli.tables.groups import Group, Groups


def facts_of(groups: Groups, *, ordered: bool) -> Facts | None:
    """What the data are; `ordered` says whether the order of the rows may mean something. None where a side is
    constant: there is nothing to know of it.
    """
    if groups.constant:
        return None
    x, z = groups.x, groups.z
    blocks = (_blocks(x), _blocks(z))
    dropped = groups.rows_dropped
    return find_facts(x.values, z.values, (x.names, z.names), blocks=blocks, rows_dropped=dropped, ordered=ordered)


def _blocks(group: Group) -> list[Block]:
    """The columns of the table in a group's array: labels make one block, the entries of a list one each."""
    blocks, start = [], 0
    for column in group.columns:
        if column.kind == "list":
            blocks += [Block(group.names[start + i], start + i) for i in range(column.width)]
        elif column.width:
            blocks.append(Block(column.name, start, column.width))
        start += column.width
    return blocks


def data_facts(groups: Groups, facts: Facts | None) -> dict[str, Any]:
    """What a reader of the result needs to know about the data; `facts` is None where a side is constant."""
    sides = {
        side: {
            "dimensions": group.values.shape[1],
            "columns": [column.name for column in group.columns],
            "encodings": {column.name: column.encoding for column in group.columns},
            "kind": str(known.kind) if known else None,
            "entropy_nats": known.entropy_nats if known else None,
        }
        for side, group, known in (("x", groups.x, facts and facts.x), ("z", groups.z, facts and facts.z))
    }
    return {
        "source": groups.source,
        "format": groups.format,
        "n": int(groups.x.values.shape[0]),
        "rows_read": groups.rows_read,
        "rows_dropped": groups.rows_dropped,
        "rows_sampled_from": groups.rows_sampled_from,
        **sides,
        "copied_share": facts.copies if facts else None,
        "rows_depend": facts.order.dependent if facts else None,
        "effective_rows": facts.order.effective_rows if facts else None,
        "sorted_by": facts.order.sorted_by if facts else None,
        "determined": facts.determined if facts else None,
        "notes": list(groups.notes),
    }
