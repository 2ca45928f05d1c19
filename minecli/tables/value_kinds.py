"""What the values of a column are like, however it is stored: continuous, with atoms, or discrete.

    discrete      one or two levels; or at most 64, with at least five rows each on average
    with atoms    other values that repeat too often for numbers of a density: copies, heaps, coarse rounding
    continuous    all else

Numbers that were rounded, and be it to float32, repeat by chance where there are many rows. In long data such ties
are no atoms: on the places that such numbers can take, rows that fall at random tie now and then, and only ties beyond
those count. Whole numbers may be codes: of these every tie counts.

Values are read in order and block by block, so that beyond them little memory is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
# Gives the sorted values from one row up to, but not including, another.
Block = Callable[[int, int], npt.NDArray[Any]]

MOST_LEVELS = 64
ROWS_PER_LEVEL = 5
# Ties that chance explains are taken off from here on, stretch by stretch of so many rows.
LONG = 10_000
_STRETCH = 1000
# Shares of the rows: of those whose value occurs at least three times, and at least twice.
_FEW_TRIPLES = 0.01
_FEW_PAIRS = 0.05
# With more rows per place than that, ties are the rule and no accident.
_MOST_PER_PLACE = 2.0
_BLOCK_ROWS = 1 << 18
_BLOCK_STRETCHES = 256


class ValueKind(StrEnum):
    """What the values of a column are; the words are those a person reads."""

    CONTINUOUS = "continuous"
    ATOMS = "with atoms"
    DISCRETE = "discrete"


@dataclass(frozen=True)
class Ties:
    """How often values repeat: the number of rows and of different values, and the rows whose value occurs at least
    twice, and at least three times. The numbers are those of one column, or arrays over several columns."""

    rows: Any
    levels: Any
    pairs: Any
    triples: Any

    @classmethod
    def of_counts(cls, counts: npt.NDArray[np.int64]) -> Ties:
        """The ties among values of which each level occurs so often.

        >>> Ties.of_counts(np.array([1, 2, 3]))
        Ties(rows=6, levels=3, pairs=5, triples=3)
        """
        pairs, triples = (int(counts[counts >= least].sum()) for least in (2, 3))
        return cls(int(counts.sum()), len(counts), pairs, triples)

    @classmethod
    def of_sorted(cls, rows: int, block: Block) -> Ties:
        """The ties among `rows` values, of which `block` gives those of some places in their order.

        >>> values = np.array([0, 1, 1, 2, 2, 2])
        >>> Ties.of_sorted(6, lambda start, stop: values[start:stop])
        Ties(rows=6, levels=3, pairs=5, triples=3)
        """
        changes = alone = twice = 0
        for start in range(0, rows, _BLOCK_ROWS):
            stop = min(start + _BLOCK_ROWS, rows)
            # Whether each value equals the next one, from the one before the block to the last in it.
            left, right = max(start - 1, 0), min(stop + 2, rows)
            values = block(left, right)
            before, after = int(start == 0), max(0, stop + 2 - rows)
            same = np.pad(values[1:] == values[:-1], (before, after))
            changes += int(np.count_nonzero(~same[1 : stop - start + 1]))
            alone += int(np.count_nonzero(~(same[:-2] | same[1:-1])))
            twice += int(np.count_nonzero(same[1:-1] & ~(same[:-2] | same[2:])))
        return cls(rows, changes, rows - alone, rows - alone - 2 * twice)

    def discrete_and_repeating(self, by_chance: tuple[float, float] = (0.0, 0.0)) -> tuple[Any, Any]:
        """Whether the values are discrete, and whether they repeat more than numbers of a density and than the shares
        of triples and pairs `by_chance`."""
        rows = np.maximum(self.rows, 1)
        few = (self.levels <= 2) | ((self.levels <= MOST_LEVELS) & (rows >= ROWS_PER_LEVEL * self.levels))
        repeating = (self.triples / rows - by_chance[0] > _FEW_TRIPLES) | (
            self.pairs / rows - by_chance[1] > _FEW_PAIRS
        )
        return few, repeating


def value_kind(values: Array) -> ValueKind:
    """The kind of values, shape (n,), finite and at least one; see the module's docstring. They are sorted once.

    >>> draws = np.random.default_rng(0).standard_normal(1000)
    >>> [value_kind(v).value for v in (draws, np.maximum(draws, 0.0), np.round(draws))]
    ['continuous', 'with atoms', 'discrete']
    """
    ordered = np.sort(values)

    def block(start: int, stop: int) -> Array:
        return ordered[start:stop]

    return kind_of(Ties.of_sorted(len(ordered), block), block)


def kind_of(ties: Ties, block: Block) -> ValueKind:
    """The kind of values with such ties, of which `block` gives those of some places in their order, as float64.

    >>> values = np.array([0.0, 1.0, 1.0])
    >>> kind_of(Ties(3, 2, 2, 0), lambda start, stop: values[start:stop]).value
    'discrete'
    """
    few, repeating = ties.discrete_and_repeating()
    if few:
        return ValueKind.DISCRETE
    if repeating and ties.rows >= LONG and not _whole(ties.rows, block):
        _, repeating = ties.discrete_and_repeating(_ties_by_chance(ties.rows, block))
    return ValueKind.ATOMS if repeating else ValueKind.CONTINUOUS


def kinds_of_columns(ordered: Array, rows: npt.NDArray[np.int64]) -> list[ValueKind]:
    """The kinds of several columns, shape (columns, fewer than LONG), each sorted and used up to its number of `rows`.

    >>> kinds_of_columns(np.array([[1.0, 1.0, np.nan], [1.0, 2.0, 3.0]]), np.array([2, 3]))
    [<ValueKind.DISCRETE: 'discrete'>, <ValueKind.CONTINUOUS: 'continuous'>]
    """
    places = np.arange(1, ordered.shape[1] + 1)
    same = np.zeros((len(ordered), ordered.shape[1] + 1), dtype=np.bool_)
    same[:, 1:-1] = (ordered[:, 1:] == ordered[:, :-1]) & (places[:-1] < rows[:, None])
    before, after = same[:, :-1], same[:, 1:]
    used = places <= rows[:, None]
    levels = np.count_nonzero(used & ~before, axis=1)
    alone = np.count_nonzero(used & ~(before | after), axis=1)
    twice = np.count_nonzero(after[:, :-1] & ~(before[:, :-1] | after[:, 1:]), axis=1)
    few, repeating = Ties(rows, levels, rows - alone, rows - alone - 2 * twice).discrete_and_repeating()
    words = (ValueKind.CONTINUOUS, ValueKind.ATOMS, ValueKind.DISCRETE)
    return [words[place] for place in np.where(few, 2, repeating).tolist()]


def levels(values: npt.NDArray[Any]) -> int:
    """How many different values there are among values, shape (n,), finite.

    >>> levels(np.array([2.0, 0.0, 2.0, -0.0]))
    2
    """
    ordered = np.sort(values)
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + bool(len(ordered))


def _whole(rows: int, block: Block) -> bool:
    parts = (block(start, min(start + _BLOCK_ROWS, rows)) for start in range(0, rows, _BLOCK_ROWS))
    return all(np.array_equal(part, np.floor(part)) for part in parts)


def _ties_by_chance(rows: int, block: Block) -> tuple[float, float]:
    """The shares of rows whose value at least two others have, and at least one other, if rows fell at random on the
    places that values can take. These lie as far apart as the two nearest levels of a stretch of the sorted values;
    a stretch with too few places for its rows does not count.
    """
    edges = np.linspace(0, rows, rows // _STRETCH + 1).astype(np.int64)
    sizes = np.diff(edges)
    nearest, width = map(np.concatenate, zip(*_stretches(edges, block), strict=True))
    places = np.divide(width, nearest, out=np.zeros(len(sizes)), where=np.isfinite(nearest)) + 1.0
    # Rows that share the place of a given one follow a Poisson law.
    others = sizes / places
    alone = np.exp(-others)
    chance = np.stack([1.0 - alone * (1.0 + others), 1.0 - alone])
    chance[:, sizes > _MOST_PER_PLACE * places] = 0.0
    triples, pairs = (chance * sizes).sum(axis=1) / rows
    return float(triples), float(pairs)


def _stretches(edges: npt.NDArray[np.int64], block: Block) -> Iterator[tuple[Array, Array]]:
    """Of stretches between `edges`, some at a time: how far the two nearest levels lie apart, and the two ends."""
    for first in range(0, len(edges) - 1, _BLOCK_STRETCHES):
        here = edges[first : first + _BLOCK_STRETCHES + 1]
        ordered, starts, last = block(int(here[0]), int(here[-1])), here[:-1] - here[0], here[1:] - here[0] - 1
        gaps = np.diff(ordered, append=np.inf)
        gaps[gaps == 0.0] = np.inf
        # The gap to the next stretch is no part of this one.
        gaps[last] = np.inf
        yield np.minimum.reduceat(gaps, starts), ordered[last] - ordered[starts]
