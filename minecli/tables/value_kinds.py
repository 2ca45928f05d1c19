"""What the values of a column are like, however it is stored: continuous, with atoms, or discrete.

    discrete      one or two levels; or at most 64, with at least five rows each on average
    with atoms    other values that repeat too often for numbers of a density: copies, heaps, coarse rounding
    continuous    all else

Numbers that were rounded, and be it to float32, repeat by chance where there are many rows. In long data such ties
are no atoms: on the places that such numbers can take, rows that fall at random tie now and then, and only ties beyond
those count. Whole numbers may be codes: of these every tie counts.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MOST_LEVELS = 64
ROWS_PER_LEVEL = 5
# Shares of the rows: of those whose value occurs at least three times, and at least twice.
_FEW_TRIPLES = 0.01
_FEW_PAIRS = 0.05
# Ties that chance explains are taken off from here on, stretch by stretch of so many rows.
_LONG = 10_000
_STRETCH = 1000
# With more rows per place than that, ties are the rule and no accident.
_MOST_PER_PLACE = 2.0


class ValueKind(StrEnum):
    """What the values of a column are; the words are those a person reads."""

    CONTINUOUS = "continuous"
    ATOMS = "with atoms"
    DISCRETE = "discrete"


def value_kind(values: Array) -> ValueKind:
    """The kind of values, shape (n,), finite; see the module's docstring. They are sorted once.

    >>> draws = np.random.default_rng(0).standard_normal(1000)
    >>> [value_kind(v).value for v in (draws, np.maximum(draws, 0.0), np.round(draws))]
    ['continuous', 'with atoms', 'discrete']
    """
    ordered = np.sort(values)
    counts = _counts(ordered)
    rows, found = len(values), len(counts)
    if found <= 2 or (found <= MOST_LEVELS and rows >= ROWS_PER_LEVEL * found):
        return ValueKind.DISCRETE
    triples, pairs = (float(counts[counts >= least].sum()) / rows for least in (3, 2))
    if triples <= _FEW_TRIPLES and pairs <= _FEW_PAIRS:
        return ValueKind.CONTINUOUS
    rounded = rows >= _LONG and not np.array_equal(ordered, np.floor(ordered))
    by_chance = _ties_by_chance(ordered) if rounded else (0.0, 0.0)
    if triples - by_chance[0] > _FEW_TRIPLES or pairs - by_chance[1] > _FEW_PAIRS:
        return ValueKind.ATOMS
    return ValueKind.CONTINUOUS


def levels(values: Array) -> int:
    """How many different values there are among values, shape (n,), finite.

    >>> levels(np.array([2.0, 0.0, 2.0, -0.0]))
    2
    """
    return len(_counts(np.sort(values)))


def _counts(ordered: Array) -> npt.NDArray[np.int64]:
    """How often each level occurs among sorted values."""
    if len(ordered) == 0:
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.diff(starts, prepend=0, append=len(ordered))


def _ties_by_chance(ordered: Array) -> tuple[float, float]:
    """The shares of rows whose value at least two others have, and at least one other, if rows fell at random on the
    places that values can take. These lie as far apart as the two nearest levels of a stretch of the sorted values;
    a stretch with too few places for its rows does not count.
    """
    edges = np.linspace(0, len(ordered), len(ordered) // _STRETCH + 1).astype(np.int64)
    sizes = np.diff(edges)
    gaps = np.diff(ordered, append=np.inf)
    gaps[gaps == 0.0] = np.inf
    # The gap to the next stretch is no part of this one.
    gaps[edges[1:] - 1] = np.inf
    nearest = np.minimum.reduceat(gaps, edges[:-1])
    width = ordered[edges[1:] - 1] - ordered[edges[:-1]]
    places = np.divide(width, nearest, out=np.zeros(len(sizes)), where=np.isfinite(nearest)) + 1.0
    # Rows that share the place of a given one follow a Poisson law.
    others = sizes / places
    alone = np.exp(-others)
    chance = np.stack([1.0 - alone * (1.0 + others), 1.0 - alone])
    chance[:, sizes > _MOST_PER_PLACE * places] = 0.0
    triples, pairs = (chance * sizes).sum(axis=1) / len(ordered)
    return float(triples), float(pairs)
