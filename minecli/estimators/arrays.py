"""Arrays as every estimator takes them for granted: checked once, before the first of them is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minecli.errors import DataError, UsageError

Array = npt.NDArray[np.float64]

# In one row no dependence can be seen; several estimators need more, and say so themselves.
FEWEST_ROWS = 2
_NUMBERS = "biuf"


def checked_arrays(x: Any, z: Any) -> tuple[Array, Array]:
    """x, shape (n, d_x), and z, shape (n, d_z), as finite float64 arrays of n >= 2 rows; row i belongs to row i.

    Raises UsageError for other shapes and for what holds no numbers, DataError for a value that is not finite and
    for too few rows. What is float64 already is not copied.

    >>> checked_arrays([[1, 2], [3, 4]], [[0.5], [0.25]])[0].dtype
    dtype('float64')
    >>> checked_arrays([[1.0], [float("nan")]], [[0.5], [0.25]])
    Traceback (most recent call last):
    minecli.errors.DataError: x holds nan in row 1, column 0, both counted from 0 (leave the row out of x and z)
    """
    both = _two_dimensional("x", x), _two_dimensional("z", z)
    rows = [len(values) for values in both]
    if rows[0] != rows[1]:
        raise UsageError(f"x has {rows[0]} rows and z has {rows[1]}", hint="row i of x belongs to row i of z")
    if rows[0] < FEWEST_ROWS:
        raise DataError(f"x and z have {rows[0]} rows; at least {FEWEST_ROWS} are needed", hint="give more rows")
    for name, values in zip("xz", both, strict=True):
        _refuse_not_finite(name, values)
    return both


def _two_dimensional(name: str, given: Any) -> Array:
    try:
        values = np.asarray(given)
    except ValueError:
        raise UsageError(
            f"{name} is no array: its rows differ in length", hint=f"{name} must be of shape (n, d)"
        ) from None
    if values.dtype.kind not in _NUMBERS:
        raise UsageError(f"{name} holds {values.dtype} values; it must hold numbers")
    if values.ndim != 2 or values.shape[1] == 0:
        hint = f"{name}[:, None] makes one column of it" if values.ndim == 1 else ""
        raise UsageError(f"{name} has the shape {values.shape}; it must be (n, d) with d of at least 1", hint=hint)
    return np.asarray(values, dtype=np.float64)


def _refuse_not_finite(name: str, values: Array) -> None:
    finite = np.isfinite(values)
    if finite.all():
        return
    row, column = (int(place) for place in np.argwhere(~finite)[0])
    raise DataError(
        f"{name} holds {values[row, column]} in row {row}, column {column}, both counted from 0",
        hint="leave the row out of x and z",
    )
