"""What tables of compared methods share: cells, the line on what was run, and the lines on what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

# Blanks between two columns.
_BETWEEN = 2

QUICK = "the quick preset is small: it shows the effect, not what the methods can do"


def cell(value: Mapping[str, Any] | None) -> str:
    """A mean over seeds with its standard error, without spaces around the sign: cells are not to be broken.

    >>> cell({"mean": 9.731, "standard_error": 0.214, "seeds": 3}), cell(None)
    ('9.73±0.21', '-')
    """
    if value is None or value["mean"] is None:
        return "-"
    error = "" if value["standard_error"] is None else f"±{value['standard_error']:.2g}"
    return f"{value['mean']:.3g}{error}"


def counted(count: int, what: str) -> str:
    """So many of something, in words.

    >>> counted(1, "seed"), counted(10_000, "row")
    ('1 seed', '10,000 rows')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def diverged(payload: Mapping[str, Any]) -> list[str]:
    """One line per seed that diverged."""
    return [
        f"{entry['method']}: seed {s['seed']} diverged at step {s['broken_at_step']}"
        for entry in payload["methods"]
        for s in entry["seeds"]
        if s["broken_at_step"] is not None
    ]


def split_tables(head: str, labels: Sequence[str], columns: Mapping[str, Sequence[str]], width: int) -> list[Table]:
    """Rows by columns as few tables as the width allows, and these about equally wide.

    Args:
        head, labels: the first column of each table.
        columns: from a column's head, which may break between words, to its cells, which may not.
    """
    beside = max(len(head), *map(len, labels))
    needed = {name: _BETWEEN + _least_width(name, cells) for name, cells in columns.items()}
    fewest = len(_filled(beside, needed, width))
    found = (_filled(beside, needed, limit) for limit in range(1, width + 1))
    blocks = next(blocks for blocks in found if len(blocks) == fewest)
    return [_table(head, labels, {name: columns[name] for name in block}) for block in blocks]


def _least_width(name: str, cells: Sequence[str]) -> int:
    return max(len(part) for part in (*name.split(), *cells))


def _filled(beside: int, needed: Mapping[str, int], width: int) -> list[list[str]]:
    """Tables filled one after the other, with at least one column in each."""
    blocks: list[list[str]] = [[]]
    taken = beside
    for name, own in needed.items():
        if blocks[-1] and taken + own > width:
            blocks.append([])
            taken = beside
        blocks[-1].append(name)
        taken += own
    return blocks


def _table(head: str, labels: Sequence[str], columns: Mapping[str, Sequence[str]]) -> Table:
    import textwrap

    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column(head, no_wrap=True)
    for name, cells in columns.items():
        # Broken here, since a table that is squeezed would break or cut cells as well.
        table.add_column(textwrap.fill(name, _least_width(name, cells)), justify="right", no_wrap=True)
    for line in zip(labels, *columns.values(), strict=True):
        table.add_row(*line)
    return table
