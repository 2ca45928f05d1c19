"""Settings of compared methods: where they start from, and the bounds that the information can be trained by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from minecli.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")

BOUNDS = ("donsker-varadhan", "nwj")


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
