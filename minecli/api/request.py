"""What `estimate` was asked for, fully resolved: what a run folder stores and a resumed run reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from minecli.errors import DataError, UsageError
from minecli.estimators.registry import ESTIMATORS
from minecli.tables.files.options import READING_FIELDS, Reading

if TYPE_CHECKING:
    from minecli.estimators.facts import Facts
    from minecli.tables.files.opened import OpenTable
    from minecli.tables.groups import Groups

_CONFIDENCE_LOW, _CONFIDENCE_HIGH = 0.5, 0.9999
Configs = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything that decides the numbers. Device and threads are not in it: they decide the speed.

    `estimators` is empty where the kinds of the data are to choose; `resolved` fills it once they are known.
    `settings` are options of the command line that wait for that choice.
    """

    source: str | tuple[str, ...]
    x: tuple[str, ...]
    z: tuple[str, ...]
    estimators: Configs
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

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON values."""
        content = asdict(self)
        content["estimators"] = {name: asdict(config) for name, config in self.estimators.items()}
        del content["reading"]
        content |= self.reading.to_json()
        return {k: list(v) if isinstance(v, tuple) else v for k, v in content.items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Request:
        """The request that `to_json` wrote; DataError where the content is something else."""
        try:
            values = dict(content)
            configs = values.pop("estimators")
            values["estimators"] = {name: ESTIMATORS[name].config(**c) for name, c in configs.items()}
            values["reading"] = Reading.from_json(values)
            values = {key: value for key, value in values.items() if key not in READING_FIELDS}
            for key in ("x", "z", "categorical", "numeric"):
                values[key] = tuple(values.get(key, ()))
            if isinstance(values["source"], list):
                values["source"] = tuple(values["source"])
            return cls(**values)
        except (KeyError, TypeError, AttributeError) as problem:
            raise DataError(
                f"config.json is not one this version of minecli wrote ({problem})",
                hint="start the run again in another folder",
            ) from None

    def resolved(self, facts: Facts | None, configs_of: Callable[[Sequence[str]], Configs] | None = None) -> Request:
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

        return load_groups(
            self.source if table is None else table,
            self.x,
            self.z,
            reading=self.reading,
            categorical=self.categorical,
            numeric=self.numeric,
            constant="allow",
            missing=self.missing,
            sample=self.sample,
            seed=self.seed,
            stdin=stdin,
        )
