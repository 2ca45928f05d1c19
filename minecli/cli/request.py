"""What `minecli estimate` was asked for, fully resolved: what a run folder stores and a resumed run reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from minecli.cli.settings import default_configs
from minecli.errors import UsageError
from minecli.estimators.registry import stored_configs
from minecli.runtime.request import Request
from minecli.tables.files.options import Reading

if TYPE_CHECKING:
    from minecli.estimators.facts import Block, Facts
    from minecli.tables.groups import Group, Groups

_CONFIDENCE_LOW, _CONFIDENCE_HIGH = 0.5, 0.9999


@dataclass(frozen=True, kw_only=True)
class EstimateRequest(Request):
    """Everything that decides the numbers. Device and threads are not in it: they decide the speed.

    `estimators` is empty where the kinds of the data are to choose; `resolved` fills it, with the settings in
    `settings`, once they are known.
    """

    COMMAND = "estimate"
    SPREAD = ("reading",)

    source: str | tuple[str, ...]
    x: tuple[str, ...]
    z: tuple[str, ...]
    estimators: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    independent_rows: bool = False
    reading: Reading = field(default_factory=Reading)
    missing: Literal["error", "drop"] = "error"
    sample: int | None = None
    seed: int = 0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"--seed is {self.seed}; it must be at least 0", hint="try --seed 0")
        if not _CONFIDENCE_LOW <= self.confidence <= _CONFIDENCE_HIGH:
            raise UsageError(
                f"--confidence is {self.confidence}; it must be from {_CONFIDENCE_LOW} to {_CONFIDENCE_HIGH}",
                hint="try --confidence 0.95",
            )
        if self.sample is not None and self.sample < 1:
            raise UsageError(f"--sample is {self.sample}; it must be at least 1", hint="try --sample 10000")

    @classmethod
    def with_configs(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The values with those of `estimators` made into the configs of the registry."""
        return values | {"estimators": stored_configs(values.get("estimators"))}

    def resolved(self, facts: Facts) -> EstimateRequest:
        """The request with estimators that fit the kinds of the data, where none was named."""
        if self.estimators:
            return self
        from minecli.estimators.choice import default_estimators

        return replace(self, estimators=default_configs(default_estimators(facts), self.settings), settings={})

    def load(self, stdin: BinaryIO) -> Groups:
        """Read the columns this request names."""
        from minecli.tables.groups import load_groups
        from minecli.tables.wanted import Wanted

        wanted = Wanted(
            reading=self.reading,
            categorical=self.categorical,
            numeric=self.numeric,
            missing=self.missing,
            sample=self.sample,
            seed=self.seed,
        )
        return load_groups(self.source, self.x, self.z, wanted, constant="allow", stdin=stdin)


def facts_of(groups: Groups, *, ordered: bool) -> Facts:
    """What the data are; `ordered` says whether the order of the rows may mean something."""
    from minecli.estimators.facts import find_facts

    x, z = groups.x, groups.z
    blocks = (_blocks(x), _blocks(z))
    dropped = groups.rows_dropped
    return find_facts(x.values, z.values, (x.names, z.names), blocks=blocks, rows_dropped=dropped, ordered=ordered)


def _blocks(group: Group) -> list[Block]:
    """The columns of the table in a group's array: labels make one block, the entries of a list one each."""
    from minecli.estimators.facts import Block

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
