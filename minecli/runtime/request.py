"""What a command was asked for, fully resolved: what a run folder stores and a resumed run reads.

Everything in a request decides the numbers. Device and threads are not in it: they decide the speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self, TypeVar, get_type_hints

from minecli.errors import DataError, UsageError

# Of the form in which requests are stored. A form that older versions cannot read gets the next number.
VERSION = 1
_OWN_FOLDER = "start the run again in another folder"

Kind = TypeVar("Kind")


@dataclass(frozen=True, kw_only=True)
class Request:
    """The base of all requests; a subclass names its command and has fields of plain values and of configs.

    `SPREAD` names fields that are dataclasses whose entries stand beside the other fields in JSON.
    """

    COMMAND: ClassVar[str]
    SPREAD: ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON values, tuples as lists."""
        content = asdict(self)
        for name in self.SPREAD:
            content |= content.pop(name)
        return {name: _lists(value) for name, value in content.items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The request that `to_json` wrote; fields that are not there have their defaults.

        Raises:
            DataError: the content is something else.
            UsageError: it is of another command, or a value is no longer admissible.
        """
        values, hints = dict(content), get_type_hints(cls)
        if (command := values.pop("command", cls.COMMAND)) != cls.COMMAND:
            raise UsageError(
                f"this is a run of `minecli {command}`, not of `minecli {cls.COMMAND}`",
                hint=f"it is for minecli {command}",
            )
        for name in cls.SPREAD:
            values[name] = {f.name: values.pop(f.name) for f in fields(hints[name]) if f.name in values}
        return from_plain(cls.with_configs(values), cls)

    @classmethod
    def with_configs(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The values with those made into configs whose classes other values name."""
        return values

    def to_stored(self) -> dict[str, Any]:
        """What a run's folder holds of the request: whose it is, in which form, and its JSON."""
        return {"request_version": VERSION, "command": self.COMMAND, **self.to_json()}

    @classmethod
    def from_stored(cls, content: Mapping[str, Any]) -> Self:
        """The request of a run's folder.

        Raises:
            UsageError: it was stored by a later version; and what `from_json` raises.
        """
        values = dict(content)
        if values.pop("request_version", VERSION) != VERSION:
            raise UsageError("the run was started by a later version of minecli", hint="install that version")
        return cls.from_json(values)


def from_plain(values: Any, kind: type[Kind]) -> Kind:
    """A dataclass from plain JSON values, each held against its field's type.

    >>> from minecli.mine.config import TrainingConfig
    >>> from_plain({"hidden": "many"}, TrainingConfig)
    Traceback (most recent call last):
    minecli.errors.DataError: config.json is not one this version of minecli wrote (Expected `int`, got `str` - at \
`$.hidden`) (start the run again in another folder)

    Raises:
        DataError: a value of another type, one that is lacking, or one that is no field.
    """
    import msgspec

    try:
        if isinstance(values, Mapping):
            unknown = [name for name in values if name not in {f.name for f in fields(kind)}]  # type: ignore[arg-type]
            if unknown:
                raise msgspec.ValidationError(f"there is no {unknown[0]}")
        return msgspec.convert(values, kind)
    except (msgspec.ValidationError, RecursionError) as problem:
        raise DataError(f"config.json is not one this version of minecli wrote ({problem})", hint=_OWN_FOLDER) from None


def _lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value
