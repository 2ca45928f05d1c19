"""What a comparison of methods is asked for, the bounds that the information can be trained by, and presets."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal, TypeVar

from minecli.errors import UsageError
from minecli.runtime.request import Request
from minecli.settings import SEED
from minecli.tables.files.options import DEFAULT_READING, READING_FIELDS, Reading
from minecli.tables.wanted import Wanted

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from minecli.tables.groups import OneGroup
    from minecli.tables.kinds import Array
    from minecli.tables.origins import Origin

Settings = TypeVar("Settings", bound="DataclassInstance")

BOUNDS = ("donsker-varadhan", "nwj")
# What earlier versions knew of reading; a run of theirs has these alone in its mark.
_FIRST_OPTIONS = ("input_format", "delimiter", "na_values")
# A run of a version before these were there has none of them, and is still a run.
_KINDS = ("categorical", "numeric")
# What changes neither the numbers nor the data.
_ELSEWHERE = ("methods", "preset", "data_root", "utility_target")


@dataclass(frozen=True, kw_only=True)
class ComparisonRequest(Request):
    """Everything that decides the numbers. Device and threads are not in it: they decide the speed.

    `dataset` is a name of `NAMED`, or a table's source where `x` selects columns of it; `data_root` is where the files
    of a named data set are. `categorical` and `numeric` select columns of a table that are labels or numbers whatever
    their types say.
    """

    SPREAD = ("reading",)
    METHODS: ClassVar[Collection[str]]
    NAMED: ClassVar[tuple[str, ...]]
    ROOTED: ClassVar[tuple[str, ...]]
    FOLDERS: ClassVar[bool] = False
    CONFIG: ClassVar[type[Any]]
    # Fields of the config that earlier versions lacked; their defaults are what those did.
    LATER: ClassVar[frozenset[str]] = frozenset()
    # The methods that a setting is for, of those that are not for all.
    USED_BY: ClassVar[Mapping[str, Sequence[str]]] = MappingProxyType({})

    dataset: str
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    preset: str
    config: Any
    data_root: str | None = None
    x: tuple[str, ...] = ()
    reading: Reading = field(default_factory=Reading)
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    missing: Literal["error", "drop", "learn"] = "error"
    sample: int | None = None

    def __post_init__(self) -> None:
        if not self.x and self.dataset not in self.NAMED and not self.is_folder:
            raise self._unknown()
        if self.x and self.dataset in self.NAMED:
            raise UsageError(
                f"--x names columns of a table, and '{self.dataset}' is none",
                hint=f"leave it out, or name a file: minecli {self.COMMAND} ./{self.dataset} --x a,b",
            )
        for name in _KINDS:
            if getattr(self, name) and not self.is_table:
                raise UsageError(
                    f"--{name} names columns of a table, and '{self.dataset}' is none", hint=f"leave --{name} out"
                )
        if self._of_tables and not self.is_table:
            raise UsageError(f"`{self._of_tables[0]}` is for tables, and '{self.dataset}' is none", hint="leave it out")
        if self.missing == "learn" and not self.learns_missing:
            raise UsageError("--missing is 'learn'; it must be error or drop", hint="--missing drop leaves rows out")
        if self.data_root is not None and self.dataset not in self.ROOTED:
            raise UsageError(f"--data-root is for {' and '.join(self.ROOTED)} alone", hint="leave it out")
        for method in self.methods:
            if method not in self.METHODS:
                near = difflib.get_close_matches(method, self.METHODS, n=1)
                raise UsageError(
                    f"there is no method '{method}'; there are {', '.join(self.METHODS)}",
                    hint=f"did you mean {near[0]}?" if near else "try --method mine",
                )
        if not self.methods or len(set(self.methods)) < len(self.methods):
            raise UsageError("--method names a method twice, or none", hint="try --method mine")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise UsageError(
                f"--seeds holds {', '.join(map(str, self.seeds))}; seeds are different whole numbers of at least 0",
                hint="try --seeds 3",
            )
        for seed in self.seeds:
            SEED.check("seeds", seed)

    @property
    def _of_tables(self) -> list[str]:
        """What is asked of the reading of a table, but for the kinds of its columns."""
        reading = [name for name in READING_FIELDS if getattr(self.reading, name) != getattr(DEFAULT_READING, name)]
        return reading + [
            name for name, usual in (("missing", "error"), ("sample", None)) if getattr(self, name) != usual
        ]

    @property
    def is_table(self) -> bool:
        """Whether the data are columns of a user's table."""
        return bool(self.x)

    @property
    def is_folder(self) -> bool:
        """Whether the data are a folder of images."""
        return self.FOLDERS and not self.x and self.dataset not in self.NAMED and os.path.isdir(self.dataset)

    @property
    def learns_missing(self) -> bool:
        """Whether its models can have missing values."""
        return False

    @property
    def root(self) -> Path | None:
        """Where the files of a named data set are."""
        return None if self.data_root is None else Path(self.data_root)

    @property
    def wanted(self) -> Wanted:
        """How the table that is learnt is read, and which of its rows are used."""
        kinds = {name: getattr(self, name) for name in _KINDS}
        return Wanted(reading=self.reading, missing=self.missing, sample=self.sample, **kinds)

    def load(self, stdin: BinaryIO | None) -> OneGroup:
        """Read the columns of the user's table; see `tables.groups.load_group` for the errors."""
        from minecli.tables.groups import load_group

        return load_group(self.dataset, self.x, self.wanted, stdin=stdin)

    def load_known(
        self, source: str, origins: Sequence[Origin], stdin: BinaryIO | None, whole: bool = False
    ) -> tuple[Array, dict[str, Any]]:
        """Read the columns of another table as a run knows them, and all of them as they are where the `whole` is
        wanted; see `tables.known_columns.load_known_rows`."""
        from minecli.tables.known_columns import load_known_rows

        wanted = Wanted(reading=self.reading, missing=self.missing)
        return load_known_rows(source, origins, wanted, stdin=stdin, whole=whole)

    def marked(self, method: str) -> dict[str, Any]:
        """What a method's checkpoint belongs to, as plain JSON values."""
        usual = Reading().to_json() | {key: [] for key in _KINDS}
        mark = {
            k: v
            for k, v in self.to_json().items()
            if k not in _ELSEWHERE and (k in _FIRST_OPTIONS or k not in usual or v != usual[k])
        }
        later = {f.name: f.default for f in fields(self.CONFIG) if f.name in self.LATER}
        config = {k: v for k, v in mark["config"].items() if k not in later or v != later[k]}
        return mark | {"config": config, "method": method}

    def _unknown(self) -> UsageError:
        named = f"there are {', '.join(self.NAMED)}, and tables with --x COLS"
        if self.dataset == "-" or any(sign in self.dataset for sign in "./*"):
            if self.FOLDERS and not os.path.exists(self.dataset) and "://" not in self.dataset and self.dataset != "-":
                return UsageError(
                    f"there is no folder or file '{self.dataset}'", hint="name a folder of images, or a table with --x"
                )
            return UsageError(
                f"--x does not say which columns of '{self.dataset}' are to be learnt",
                hint=f"minecli columns {self.dataset} shows them; then try --x NAME,NAME",
            )
        near = difflib.get_close_matches(self.dataset, self.NAMED, n=1)
        return UsageError(
            f"there is no data set '{self.dataset}'; {named}",
            hint=f"did you mean {near[0]}?" if near else f"try minecli {self.COMMAND} {self.NAMED[0]}",
        )


def changed_preset(presets: Mapping[str, Settings], name: str, changes: Mapping[str, Any]) -> Settings:
    """The preset of that name with some fields changed; None changes nothing, nor does what is no field.

    >>> from minecli.mine.config import TrainingConfig
    >>> changed_preset({"quick": TrainingConfig()}, "quick", {"max_steps": 100, "layers": None, "x": 7}).max_steps
    100

    Raises:
        UsageError: no such preset, or a value out of its range.
    """
    if name not in presets:
        raise UsageError(f"preset '{name}' is not known; there are {', '.join(presets)}", hint="try --preset quick")
    base = presets[name]
    known = {field.name for field in fields(base)}
    return replace(base, **{k: v for k, v in changes.items() if v is not None and k in known})
