"""Settings: fields of the configs, each with its default, its range and the sentence that explains it, said once.

What the command line offers, what Python may pass and what a run folder may hold are all held against the same field.
A config declares its fields by `whole`, `number`, `numbers`, `choice` and `switch`, and calls `check` when it is made.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from minecli.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Beyond it a count is a slip of the keyboard: nothing here could be allocated or waited for.
MOST = 1_000_000_000
# More columns than a table in memory can have.
MOST_COLUMNS = 1_000_000
# Random streams are named by any number that fits into eight bytes.
MOST_SEED = 2**63 - 1


class SettingError(UsageError):
    """A setting has a value that it cannot have.

    `problem` begins with the name of the field, `name`; the command line puts the option in its place.
    """

    def __init__(self, problem: str, *, name: str = "", hint: str = "") -> None:
        super().__init__(problem, hint=hint)
        self.name = name


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a field may hold: values of `kind`, at least `least`, above `above`, below `below`, at most `most`, or one
    of `choices`; several of them where it is `repeated`. `help` is a sentence, `metavar` stands for a value in it, and
    `hint` says what to try after a wrong one."""

    kind: type
    help: str
    default: object = None
    metavar: str = "N"
    least: float = -math.inf
    above: float = -math.inf
    below: float = math.inf
    most: float = math.inf
    choices: Collection[object] = ()
    repeated: int = 0
    fewest: int = 1
    hint: str = ""

    def check(self, name: str, value: object) -> None:
        """SettingError unless a field called `name` may hold `value`."""
        if self.repeated:
            if not isinstance(value, tuple | list) or not self.fewest <= len(value) <= self.repeated:
                what = "texts" if self.kind is str else "numbers"
                raise self._wrong(name, f"is {value!r}; it must be {self.fewest} to {self.repeated} {what}")
            for each in value:
                self._check_one(name, each)
        else:
            self._check_one(name, value)

    def _wrong(self, name: str, rest: str) -> SettingError:
        return SettingError(f"{name} {rest}", name=name, hint=self.hint)

    def _check_one(self, name: str, value: object) -> None:
        if self.choices:
            if value not in self.choices or isinstance(value, bool):
                allowed = ", ".join(map(str, self.choices))
                raise self._wrong(name, f"is {value!r}; it must be one of {allowed}")
        elif self.kind is bool:
            if not isinstance(value, bool):
                raise self._wrong(name, f"is {value!r}; it must be true or false")
        elif self.kind is int:
            self._check_whole(name, value)
        elif self.kind is float:
            self._check_number(name, value)
        elif not isinstance(value, str):
            raise self._wrong(name, f"is {value!r}; it must be a text")

    def _check_whole(self, name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < self.least:
            rest = f"is {value!r}; it must be a whole number of at least {self.least:g}"
            raise self._wrong(name, rest)
        if value > self.most:
            raise self._wrong(name, f"is {value}; it must be at most {self.most}")

    def _check_number(self, name: str, value: object) -> None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_finite = is_number and math.isfinite(value)  # type: ignore[arg-type]
        if is_finite and self.least <= value < self.below and self.above < value <= self.most:  # type: ignore[operator]
            return
        kind = "a finite number" if is_number and not is_finite else "a number"
        limits = [f"of at least {self.least:g}"] if self.least > -math.inf else []
        limits += [f"above {self.above:g}"] if self.above > -math.inf else []
        limits += [f"below {self.below:g}"] if self.below < math.inf else []
        limits += [f"of at most {self.most:g}"] if self.most < math.inf else []
        raise self._wrong(name, f"is {value!r}; it must be {kind} {' and '.join(limits)}".rstrip())


SEED = Setting(kind=int, help="Where all randomness comes from.", least=0, most=MOST_SEED, hint="try `seed=0`")


def whole(default: int | None, help: str, *, least: int = 1, most: int = MOST, **more: Any) -> Any:
    """A field for a whole number of at least `least` and at most `most`.

    >>> @dataclass(frozen=True)
    ... class Config:
    ...     folds: int = whole(5, "Parts for cross-fitting.", least=2)
    ...     __post_init__ = lambda self: check(self)
    >>> Config(folds=1)
    Traceback (most recent call last):
    minecli.settings.SettingError: folds is 1; it must be a whole number of at least 2
    """
    return _field(default, Setting(kind=int, help=help, least=least, most=most, **more))


def number(default: float | None, help: str, **more: Any) -> Any:
    """A field for a finite number, within the `least`, `above`, `below` and `most` that are given."""
    return _field(default, Setting(kind=float, help=help, **more))


def numbers(default: tuple[float, ...], help: str, *, at_most: int, kind: type = float, **more: Any) -> Any:
    """A field for a tuple of one to `at_most` such numbers, or whole ones where `kind` is int."""
    return _field(default, Setting(kind=kind, help=help, repeated=at_most, **more))


def text(default: str | None, help: str, metavar: str) -> Any:
    """A field for a text."""
    return _field(default, Setting(kind=str, help=help, metavar=metavar))


def texts(help: str, metavar: str, default: tuple[str, ...] = ()) -> Any:
    """A field for any number of texts."""
    return _field(default, Setting(kind=str, help=help, metavar=metavar, repeated=MOST, fewest=0))


def choice(default: object, help: str, choices: Collection[object], **more: Any) -> Any:
    """A field for one of several words or numbers."""
    return _field(default, Setting(kind=type(default), help=help, choices=choices, **more))


def switch(default: bool | None, help: str) -> Any:
    """A field that is on or off, or, by default None, left to what is seen."""
    return _field(default, Setting(kind=bool, help=help))


def _field(default: object, setting: Setting) -> Any:
    return field(default=default, metadata={"setting": replace(setting, default=default)})


@cache
def settings_of(config: type[DataclassInstance]) -> Mapping[str, Setting]:
    """The settings of a config class by their names, in the order of its fields.

    >>> from minecli.mine.config import TrainingConfig
    >>> settings_of(TrainingConfig)["batch_size"].least
    2
    """
    settings: dict[str, Setting] = {}
    for name in (f.name for f in fields(config)):
        # A subclass that only changes a default says nothing of the range, which stays.
        inherited = (base.__dataclass_fields__.get(name) for base in config.__mro__ if is_dataclass(base))
        setting = next((f.metadata["setting"] for f in inherited if f is not None and "setting" in f.metadata), None)
        if setting is not None:
            settings[name] = setting
    return MappingProxyType(settings)


def check(config: DataclassInstance) -> None:
    """SettingError for the first field that holds what it may not; None is right where it is the default."""
    defaults = {f.name: f.default for f in fields(config)}
    for name, setting in settings_of(type(config)).items():
        value = getattr(config, name)
        if not (value is None and defaults[name] is None):
            setting.check(name, value)
