"""What `estimate` was asked for, fully resolved: what a run folder stores and a resumed run reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from minecli.estimators.registry import ESTIMATORS, stored_configs
from minecli.runtime.request import Request
from minecli.settings import MOST_SEED, check, number, switch, texts, whole
from minecli.tables.files.options import Reading

if TYPE_CHECKING:
    from minecli.estimators.facts import Facts
    from minecli.tables.files.opened import OpenTable
    from minecli.tables.groups import Groups

Configs = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class EstimateRequest(Request):
    """Everything that decides the numbers. Device and threads are not in it: they decide the speed.

    `estimators` is empty where the kinds of the data are to choose; `resolved` fills it once they are known.
    `settings` are options of the command line that wait for that choice.
    """

    COMMAND = "estimate"
    SPREAD = ("reading",)

    source: str | tuple[str, ...]
    x: tuple[str, ...]
    z: tuple[str, ...]
    estimators: Configs
    settings: Mapping[str, Any] = field(default_factory=dict)
    categorical: tuple[str, ...] = texts("Columns to use as labels, whatever their type.", "COLS")
    numeric: tuple[str, ...] = texts("Columns to use as numbers, text among them.", "COLS")
    independent_rows: bool = switch(False, "Rows are independent, whatever their order in the file suggests.")
    reading: Reading = field(default_factory=Reading)
    missing: Literal["error", "drop"] = "error"
    sample: int | None = whole(None, "Use N rows chosen at random (by --seed).", hint="try `sample=10000`")
    seed: int = whole(0, "Where all randomness comes from.", least=0, most=MOST_SEED, hint="try `seed=0`")
    confidence: float = number(
        0.95, "Coverage of the intervals.", least=0.5, most=0.9999, metavar="LEVEL", hint="try `confidence=0.95`"
    )

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def with_configs(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The values with those of `estimators` made into the configs of the registry."""
        return values | {"estimators": stored_configs(values.get("estimators"))}

    def resolved(
        self, facts: Facts | None, configs_of: Callable[[Sequence[str]], Configs] | None = None
    ) -> EstimateRequest:
        """The request with estimators that fit the kinds of the data, where none was named.

        Args:
            facts: of the data; None, where a side is constant, leaves the request as it is.
            configs_of: the configs of the estimators chosen; otherwise their defaults.
        """
        if self.estimators or facts is None:
            return self
        from minecli.estimators.choice import default_estimators

        chosen = default_estimators(facts)
        configs = configs_of(chosen) if configs_of else {name: ESTIMATORS[name].config() for name in chosen}
        return replace(self, estimators=configs, settings={})

    def load(self, stdin: BinaryIO | None = None, table: OpenTable | None = None) -> Groups:
        """Read the columns this request names, from its source, or from a `table` in memory that the source names."""
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
        source = self.source if table is None else table
        return load_groups(source, self.x, self.z, wanted, constant="allow", stdin=stdin)
