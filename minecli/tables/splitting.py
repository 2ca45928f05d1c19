"""Which rows train, which stop the training, which are held out: index arithmetic alone, for the whole package.

cross_fit            every row is held out once: rows are put in random order on a circle; fold k's held-out part is
                     the k-th of `folds` consecutive arcs, its validation part the arc right behind, and all the
                     rest trains
everything           no row is held out: all of them train, and all are evaluated
hold_out             a share of the rows at random
stratified_order     an order whose every stretch has about each class's share: any first or last part of it may be
                     held out
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minecli.errors import DataError, UsageError

Indices = npt.NDArray[np.integer[Any]]

# Per fold: two rows held out, two to validate and two to train with would be the least that can be computed; ten
# rows per fold is the least for which the answer is not noise alone.
ROWS_PER_FOLD = 10

VALIDATION_SHARE = 0.125
# More validation rows do not stop the training any better; they are put to use as training rows.
MOST_VALIDATION_ROWS = 8192


@dataclass(frozen=True)
class Part:
    """The rows of one fold: how many train, a function from places among these (each in 0 .. training_rows-1) to rows,
    so that they need not all be listed, the rows that choose when to stop, and those that are held out."""

    training_rows: int
    training: Callable[[Indices], Indices]
    validation: Indices
    held_out: Indices


@dataclass(frozen=True)
class CrossFit:
    """A partition of the rows 0 .. n-1 for cross-fitting; see the module's docstring.

    `order` has shape (n,): the row at each place of the circle.

    >>> parts = cross_fit(100, 5, np.random.default_rng(0))
    >>> [len(parts.held_out(0)), len(parts.validation(0)), len(parts.training(0))]
    [20, 10, 70]
    >>> sorted(np.concatenate([parts.held_out(k) for k in range(5)])) == list(range(100))
    True
    """

    order: Indices
    folds: int
    validation_rows: int

    def _arc(self, start: int, length: int) -> Indices:
        return self.order.take(np.arange(start, start + length), mode="wrap")

    def _bounds(self, fold: int) -> tuple[int, int]:
        n = len(self.order)
        return n * fold // self.folds, n * (fold + 1) // self.folds

    def held_out(self, fold: int) -> Indices:
        """The rows that neither training nor stopping of this fold sees, shape (n // folds,) or one more."""
        start, end = self._bounds(fold)
        return self.order[start:end]

    def validation(self, fold: int) -> Indices:
        """The rows that choose when to stop; shape (validation_rows,) in every fold."""
        return self._arc(self._bounds(fold)[1], self.validation_rows)

    @property
    def training_rows(self) -> int:
        """How many rows train a fold, the same number for all."""
        longest = -(-len(self.order) // self.folds)
        return len(self.order) - longest - self.validation_rows

    def training(self, fold: int, places: Indices | None = None) -> Indices:
        """The fold's training rows at `places`, each in 0 .. training_rows-1, shape (places,), in random order; all by
        default."""
        start = self._bounds(fold)[1] + self.validation_rows
        chosen = np.arange(self.training_rows) if places is None else places
        return self.order.take(start + chosen, mode="wrap")

    def parts(self) -> list[Part]:
        """The folds, each with its rows."""
        return [self._part(fold) for fold in range(self.folds)]

    def _part(self, fold: int) -> Part:
        def training(places: Indices) -> Indices:
            return self.training(fold, places)

        return Part(self.training_rows, training, self.validation(fold), self.held_out(fold))


def cross_fit(rows: int, folds: int, rng: np.random.Generator) -> CrossFit:
    """Partition `rows` rows at random into `folds` folds with validation parts.

    Raises:
        DataError: too few rows for so many folds.
        UsageError: fewer than two folds.

    >>> cross_fit(30, 5, np.random.default_rng(0))
    Traceback (most recent call last):
    minecli.errors.DataError: 30 rows are too few for 5 folds; at least 50 are needed (use fewer folds: --folds 3)
    """
    if folds < 2:
        raise UsageError(f"folds is {folds}; it must be at least 2", hint="or --protocol paper, which has none")
    if rows < ROWS_PER_FOLD * folds:
        fewer = rows // ROWS_PER_FOLD
        hint = f"use fewer folds: --folds {fewer}" if fewer >= 2 else "collect more rows"
        least = ROWS_PER_FOLD * folds
        raise DataError(f"{rows} rows are too few for {folds} folds; at least {least} are needed", hint=hint)
    rest = rows - -(-rows // folds)
    return CrossFit(
        random_order(rows, rng), folds, share_of(rest, VALIDATION_SHARE, least=2, most=MOST_VALIDATION_ROWS)
    )


def everything(rows: int, rng: np.random.Generator) -> Part:
    """All rows as those that train and those that are evaluated, in the same random order; none stops the training.

    >>> part = everything(4, np.random.default_rng(0))
    >>> part.training_rows, sorted(part.held_out.tolist()), len(part.validation)
    (4, [0, 1, 2, 3], 0)
    """
    # In random order, like the folds: rows that lie together in a sorted table must not be paired with one another.
    order = random_order(rows, rng)
    return Part(rows, order.take, order[:0], order)


def share_of(rows: int, share: float, *, least: int = 1, most: int | None = None) -> int:
    """How many of so many rows a share is, to the nearest whole number, at least `least` and at most `most`.

    >>> share_of(60_000, 1 / 6), share_of(2, 0.2), share_of(1000, 0.2, most=100)
    (10000, 1, 100)
    """
    count = max(least, round(share * rows))
    return count if most is None else min(count, most)


def hold_out(
    rows: int, share: float, rng: np.random.Generator, most: int | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows to learn from and those held out, a share of all at random and at most `most`, each in ascending order
    and of shape (rows of its side,).

    >>> learnt, held_out = hold_out(10, 0.2, np.random.default_rng(0))
    >>> len(held_out), sorted([*learnt.tolist(), *held_out.tolist()]) == list(range(10))
    (2, True)
    """
    order, count = random_order(rows, rng).astype(np.int64), share_of(rows, share, most=most)
    return np.sort(order[count:]), np.sort(order[:count])


def stratified_order(labels: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """The rows in an order in which every stretch has about each class's share: rows of a class are shuffled and laid
    out evenly.

    Args:
        labels: the class of each row, shape (n,).

    >>> labels = np.array([0] * 8 + [1] * 4)
    >>> np.bincount(labels[stratified_order(labels, np.random.default_rng(0))[:3]]).tolist()
    [2, 1]
    """
    place = np.empty(len(labels))
    for each in np.unique(labels):
        own = np.flatnonzero(labels == each)
        place[rng.permutation(own)] = (np.arange(len(own)) + 0.5) / len(own)
    return np.argsort(place, kind="stable")


def random_order(rows: int, rng: np.random.Generator) -> Indices:
    """The rows 0 .. rows-1 in random order, shape (rows,).

    >>> sorted(random_order(3, np.random.default_rng(0)).tolist())
    [0, 1, 2]
    """
    # Half the memory where it does: tables of ten million rows are to fit beside their own order.
    order: Indices = np.arange(rows, dtype=np.int32 if rows < 2**31 else np.int64)
    rng.shuffle(order)
    return order
