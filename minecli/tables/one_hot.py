"""Levels as 0/1 columns, and back: one column for each level, but for two levels one in all, for the second of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minecli.tables.kinds import Array, Mask

Codes = npt.NDArray[np.integer[Any]]


def shown_levels(count: int) -> range:
    """Which of so many levels have a column: all, but of two levels the second alone.

    >>> list(shown_levels(2)), list(shown_levels(3))
    ([1], [0, 1, 2])
    """
    return range(1, 2) if count == 2 else range(count)


def one_hot(codes: Codes, count: int) -> Mask:
    """The columns of levels, shape (n, columns), true where a row has the column's level.

    Args:
        codes: the level of each row, shape (n,), from 0 up to but not including `count`.

    >>> one_hot(np.array([0, 1]), 2).tolist(), one_hot(np.array([2, 0]), 3).tolist()
    ([[False], [True]], [[False, False, True], [True, False, False]])
    """
    block: Mask = codes[:, None] == np.array(shown_levels(count))
    return block


def nearest_levels(block: Array) -> Codes:
    """The level of each row, shape (n,), that is nearest to any finite numbers in its columns, shape (n, columns): of
    one column the second level from 0.5 on, of more the one with the largest number, the first where several have it.

    >>> nearest_levels(np.array([[0.4], [0.5]])).tolist(), nearest_levels(np.array([[0.1, 0.3, 0.2]])).tolist()
    ([0, 1], [1])
    """
    codes: Codes = (block[:, 0] >= 0.5).astype(np.int64) if block.shape[1] == 1 else block.argmax(axis=1)
    return codes
