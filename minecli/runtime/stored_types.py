"""Whether plain JSON values are of the types that a dataclass's fields have."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


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


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:
    outer, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if outer is Literal:
        return value in inner
    if outer in (Union, types.UnionType):
        return any(_fits(value, each) for each in inner)
    if outer is tuple:
        return isinstance(value, list) and all(_fits(each, inner[0]) for each in value)
    if outer is not None and issubclass(outer, Mapping):
        return isinstance(value, dict) and all(_fits(k, inner[0]) and _fits(v, inner[1]) for k, v in value.items())
    if hint is float:
        hint = int | float
    # To Python, true is a whole number.
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
