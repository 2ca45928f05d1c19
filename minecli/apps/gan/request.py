"""What `minecli gan` was asked for, fully resolved: what a run folder stores and a resumed run reads."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from minecli.apps.gan.config import METHODS, STACKED, GanConfig
from minecli.errors import DataError, UsageError

TOYS = ("spiral", "gaussians25")
DATASETS = (*TOYS, STACKED)
_LISTS = ("methods", "seeds", "x", "na_values")


@dataclass(frozen=True, kw_only=True)
class GanRequest:
    """Everything that decides the numbers. Device and threads are not in it: they decide the speed.

    `dataset` is a name of `DATASETS`, or a table's source where `x` selects columns of it; `data_root` is where
    MNIST's files are, None to have them fetched.
    """

    dataset: str
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    preset: str
    config: GanConfig
    data_root: str | None = None
    x: tuple[str, ...] = ()
    input_format: str | None = None
    delimiter: str | None = None
    na_values: tuple[str, ...] = ()
    missing: Literal["error", "drop"] = "error"
    sample: int | None = None

    def __post_init__(self) -> None:
        if not self.x and self.dataset not in DATASETS:
            raise _unknown(self.dataset)
        if self.x and self.dataset in DATASETS:
            raise UsageError(
                f"--x names columns of a table, and '{self.dataset}' is none",
                hint=f"leave it out, or name a file: minecli gan ./{self.dataset} --x a,b",
            )
        if self.data_root is not None and self.dataset != STACKED:
            raise UsageError(f"--data-root is for {STACKED} alone", hint="leave it out")
        for method in self.methods:
            if method not in METHODS:
                near = difflib.get_close_matches(method, METHODS, n=1)
                raise UsageError(
                    f"there is no method '{method}'; there are {', '.join(METHODS)}",
                    hint=f"did you mean {near[0]}?" if near else "try --method mine",
                )
        if not self.methods or len(set(self.methods)) < len(self.methods):
            raise UsageError("--method names a method twice, or none", hint="try --method gan,mine")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise UsageError(
                f"--seeds holds {', '.join(map(str, self.seeds))}; seeds are different whole numbers of at least 0",
                hint="try --seeds 3",
            )

    @property
    def is_table(self) -> bool:
        """Whether the data are columns of a user's table."""
        return bool(self.x)

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
            values |= {name: tuple(values[name]) for name in _LISTS}
            return cls(**values)
        except (KeyError, TypeError) as problem:
            raise DataError(
                f"config.json is not one this version of minecli wrote ({problem})",
                hint="start the run again in another folder",
            ) from None


def _unknown(dataset: str) -> UsageError:
    if dataset == "-" or any(sign in dataset for sign in "./*"):
        return UsageError(
            f"--x does not say which columns of '{dataset}' are to be learnt",
            hint=f"minecli columns {dataset} shows them; then try --x NAME,NAME",
        )
    near = difflib.get_close_matches(dataset, DATASETS, n=1)
    return UsageError(
        f"there is no data set '{dataset}'; there are {', '.join(DATASETS)}, and tables with --x COLS",
        hint=f"did you mean {near[0]}?" if near else f"try minecli gan {DATASETS[0]}",
    )
