"""How numbers are written in tables for people; JSON has them in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# A value that does not exist.
NONE = "-"


def counted(count: int, what: str) -> str:
    """So many of something, in words.

    >>> counted(1, "seed"), counted(10_000, "row")
    ('1 seed', '10,000 rows')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def three_places(value: float | None, *, signed: bool = False) -> str:
    """A value in nats to three places; nothing where there is none.

    >>> three_places(0.12345), three_places(0.5, signed=True), three_places(None)
    ('0.123', '+0.500', '')
    """
    if value is None:
        return ""
    return f"{value:+.3f}" if signed else f"{value:.3f}"


def three_digits(value: float | None) -> str:
    """A value to three digits, but with all that stand before the point.

    >>> three_digits(0.12345), three_digits(1000.0), three_digits(None)
    ('0.123', '1000', '-')
    """
    if value is None:
        return NONE
    return f"{value:.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def two_digits(value: float | None) -> str:
    """A standard error, of which two digits are enough.

    >>> two_digits(0.10892), two_digits(None)
    ('0.11', '-')
    """
    return NONE if value is None else f"{value:.2g}"


def mean_and_error(summary: Mapping[str, Any] | None) -> str:
    """A mean over seeds with its standard error, without spaces around the sign, so that no line breaks there.

    Args:
        summary: with "mean" and "standard_error", each a number or None; or None.

    >>> mean_and_error({"mean": 9.731, "standard_error": 0.214, "seeds": 3}), mean_and_error(None)
    ('9.73±0.21', '-')
    """
    if summary is None or summary["mean"] is None:
        return NONE
    error = "" if summary["standard_error"] is None else f"±{two_digits(summary['standard_error'])}"
    return f"{three_digits(summary['mean'])}{error}"


def mean_share(summary: Mapping[str, Any] | None) -> str:
    """The mean of a share over seeds in percent; for `summary` see `mean_and_error`.

    >>> mean_share({"mean": 0.42, "standard_error": None, "seeds": 1}), mean_share(None)
    ('42%', '-')
    """
    return NONE if summary is None or summary["mean"] is None else f"{summary['mean']:.0%}"


def p_value(value: float) -> str:
    """A p-value in the manner of statistical tables, without the 0 before the point.

    >>> p_value(0.0312), p_value(1e-7), p_value(1.0)
    ('.031', '<.001', '1')
    """
    return "<.001" if value < 0.001 else f"{value:.2g}".lstrip("0") if value < 1.0 else "1"
