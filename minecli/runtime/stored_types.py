"""Whether plain JSON values are of the types that a dataclass's fields have."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, get_type_hints

import msgspec


def require_types(kind: type, values: Mapping[str, Any]) -> None:
    """TypeError for the first value that is not what JSON has for the type of the field of that name: lists for tuples,
    objects for mappings. Names that are no fields are left to the class.

    >>> from minecli.events import Event
    >>> require_types(Event, {"stage": "mine", "step": 10, "values": {"rate": 1}})
    >>> require_types(Event, {"step": True})
    Traceback (most recent call last):
    TypeError: step is True
    """
    hints = _hints(kind)
    for name, value in values.items():
        if name in hints and not _fits(value, hints[name]):
            raise TypeError(f"{name} is {repr(value)[:50]}")


_hints = functools.cache(get_type_hints)


def _fits(value: Any, hint: Any) -> bool:
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError:
        return False
    return True
