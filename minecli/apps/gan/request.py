"""What `minecli gan` was asked for, fully resolved: what a run folder stores and a resumed run reads."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from minecli.apps.gan.config import METHODS, GanConfig
from minecli.errors import DataError, UsageError

DATASETS = ("spiral", "gaussians25")


@dataclass(frozen=True, kw_only=True)
class GanRequest:
    """Everything that decides the numbers. Device and threads are not in it: they decide the speed."""

    dataset: str
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    preset: str
    config: GanConfig

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            near = difflib.get_close_matches(self.dataset, DATASETS, n=1)
            raise UsageError(
                f"there is no data set '{self.dataset}'; there are {', '.join(DATASETS)}",
                hint=f"did you mean {near[0]}?" if near else f"try minecli gan {DATASETS[0]}",
            )
        for method in self.methods:
            if method not in METHODS:
                raise UsageError(
                    f"there is no method '{method}'; there are {', '.join(METHODS)}", hint="try --method mine"
                )
        if not self.methods or len(set(self.methods)) < len(self.methods):
            raise UsageError("--method names a method twice, or none", hint="try --method gan,mine")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise UsageError(
                f"--seeds holds {', '.join(map(str, self.seeds))}; seeds are different whole numbers of at least 0",
                hint="try --seeds 3",
            )

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON values."""
        content = asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in content.items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> GanRequest:
        """The request that `to_json` wrote; DataError where the content is something else."""
        try:
            values = dict(content)
            values["config"] = GanConfig(**values["config"])
            values["methods"], values["seeds"] = tuple(values["methods"]), tuple(values["seeds"])
            return cls(**values)
        except (KeyError, TypeError) as problem:
            raise DataError(
                f"config.json is not one this version of minecli wrote ({problem})",
                hint="start the run again in another folder",
            ) from None
