"""What tables of compared methods share: cells, the line on what was run, and the lines on what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

QUICK = "the quick preset is small: it shows the effect, not what the methods can do"


def cell(value: Mapping[str, Any] | None) -> str:
    """A mean over seeds with its standard error, without spaces around the sign: cells are not to be broken.

    >>> cell({"mean": 9.731, "standard_error": 0.214, "seeds": 3}), cell(None)
    ('9.73±0.21', '-')
    """
    if value is None or value["mean"] is None:
        return "-"
    error = "" if value["standard_error"] is None else f"±{value['standard_error']:.2g}"
    return f"{value['mean']:.3g}{error}"


def counted(count: int, what: str) -> str:
    """So many of something, in words.

    >>> counted(1, "seed"), counted(10_000, "row")
    ('1 seed', '10,000 rows')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def diverged(payload: Mapping[str, Any]) -> list[str]:
    """One line per seed that diverged."""
    return [
        f"{entry['method']}: seed {s['seed']} diverged at step {s['broken_at_step']}"
        for entry in payload["methods"]
        for s in entry["seeds"]
        if s["broken_at_step"] is not None
    ]
