"""Neighbour counts by SciPy's KD-tree, and by a sorted column where a side has one column: for low dimension."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np

from minecli.estimators.nearest.neighbours import Array, Counts, Integers, Rule


class TreeSearch:
    """Counts over `points`, shape (n, d_x + d_z), in O(n log n) for few columns; exact, ties included."""

    method: Literal["tree", "brute"] = "tree"
    chunk_rows = 16_384
    # Rows of neighbouring leaves find the same nodes in the cache: 1.1 instead of 3.0 microseconds per query among 5
    # million rows of 1+1 columns, where the rows are asked about in the order of x.
    run = 256

    def __init__(self, points: Array, d_x: int, k: int, threads: int) -> None:
        self._points, self._d_x, self._k, self._threads = points, d_x, k, threads
        self._tree = _build(points, leaf_rows=16)
        self.order = np.asarray(self._tree.indices, dtype=np.int64)
        self._x = _ball_counter(points[:, :d_x], threads)
        self._z = _ball_counter(points[:, d_x:], threads)

    def counts(self, rows: Integers, rule: Rule, k: int | None = None) -> Counts:
        """As `Search.counts`."""
        here, k = self._points[rows], k or self._k
        if rule is Rule.RECTANGLE:
            return self._rectangle_counts(here, k)
        distances, _ = self._tree.query(here, k=[k + 1], p=np.inf, workers=self._threads)
        eps = distances[:, 0]
        if rule is Rule.MIXTURE:
            return self._mixture_counts(here, eps, k)
        return self._cube_counts(here, eps, k, closed=rule is Rule.CLOSED_CUBE)

    def _cube_counts(self, here: Array, eps: Array, k: int, *, closed: bool) -> Counts:
        reached = eps if closed else np.nextafter(eps, 0.0)
        neighbours = np.full(len(here), k, dtype=np.int64)
        return Counts(neighbours, *self._sides(here, reached, reached), np.full(len(here), closed))

    def _mixture_counts(self, here: Array, eps: Array, k: int) -> Counts:
        inner, outer = self._cube_counts(here, eps, k, closed=False), self._cube_counts(here, eps, k, closed=True)
        at_edge = (outer.x - inner.x) + (outer.z - inner.z)
        duplicated, crowded = eps == 0.0, at_edge > 1
        joint = inner.joint
        joint[duplicated] = self._within_joint(here[duplicated], eps[duplicated])
        joint[crowded] = self._within_joint(here[crowded], eps[crowded]) - 1
        x, z = np.where(crowded, outer.x, inner.x), np.where(crowded, outer.z, inner.z)
        return Counts(joint, x, z, crowded)

    def _rectangle_counts(self, here: Array, k: int) -> Counts:
        n, d_x = len(self._points), self._d_x
        # One neighbour more than needed shows whether the k-th distance is shared.
        distances, indices = self._tree.query(here, k=min(k + 2, n), p=np.inf, workers=self._threads)
        eps = distances[:, k]
        shared = (distances[:, k + 1 :] == eps[:, None]).any(axis=1)
        gaps = np.abs(self._points[indices[:, : k + 1]] - here[:, None, :])
        eps_x = np.where(shared, eps, gaps[:, :, :d_x].max(axis=(1, 2)))
        eps_z = np.where(shared, eps, gaps[:, :, d_x:].max(axis=(1, 2)))
        joint = np.full(len(here), k, dtype=np.int64)
        joint[shared] = self._within_joint(here[shared], eps[shared]) - 1
        return Counts(joint, *self._sides(here, eps_x, eps_z), np.ones(len(here), dtype=bool))

    def _sides(self, here: Array, eps_x: Array, eps_z: Array) -> tuple[Integers, Integers]:
        d_x = self._d_x
        return self._x.within(here[:, :d_x], eps_x) - 1, self._z.within(here[:, d_x:], eps_z) - 1

    def _within_joint(self, centres: Array, radii: Array) -> Integers:
        return _within(self._tree, centres, radii, self._threads)


def _build(points: Array, leaf_rows: int) -> Any:
    from scipy.spatial import cKDTree

    # A median split needs many rounds on columns with repeated values; the midpoint split does not, builds in
    # half the time and is as fast to query (within 10 % from 1+1 to 5+5 columns).
    return cKDTree(points, leafsize=leaf_rows, balanced_tree=False)


def _within(tree: Any, centres: Array, radii: Array, threads: int) -> Integers:
    if not len(centres):
        return np.empty(0, dtype=np.int64)
    counts = tree.query_ball_point(centres, radii, p=np.inf, workers=threads, return_length=True)
    return np.asarray(counts, dtype=np.int64)


class _BallCounter(Protocol):
    def within(self, centres: Array, radii: Array) -> Integers:
        """How many of all rows lie not farther than `radii`, shape (rows,), from `centres`; itself included."""
        ...


def _ball_counter(side: Array, threads: int) -> _BallCounter:
    return _SortedColumn(side[:, 0]) if side.shape[1] == 1 else _SideTree(side, threads)


class _SideTree:
    def __init__(self, side: Array, threads: int) -> None:
        # A ball in one side holds many rows, and counting a leaf is cheaper than descending: 136 instead of 171
        # microseconds per ball in 5 columns, 12 instead of 14 in 2, at 100,000 rows.
        self._tree, self._threads = _build(side, leaf_rows=32), threads

    def within(self, centres: Array, radii: Array) -> Integers:
        return _within(self._tree, centres, radii, self._threads)


class _SortedColumn:
    def __init__(self, column: Array) -> None:
        self._sorted = np.sort(column)

    def within(self, centres: Array, radii: Array) -> Integers:
        """Count by bisection, then settle the rows whose bound was rounded.

        A row j belongs where the rounded difference |x_j - centre| is at most the radius; `centre + radius` is
        rounded as well and may fall on the wrong side of x_j. Rounded subtraction is monotone, so the true edge
        is found by moving over whole runs of equal values.
        """
        centre = centres[:, 0]
        upper = np.searchsorted(self._sorted, centre + radii, side="right")
        lower = np.searchsorted(self._sorted, centre - radii, side="left")
        self._settle_upper(upper, centre, radii)
        self._settle_lower(lower, centre, radii)
        return np.asarray(upper - lower, dtype=np.int64)

    def _settle_upper(self, edge: Integers, centre: Array, radii: Array) -> None:
        column, last = self._sorted, len(self._sorted) - 1
        while True:
            above, below = column[np.minimum(edge, last)], column[np.maximum(edge - 1, 0)]
            short = np.flatnonzero((edge <= last) & (above - centre <= radii))
            far = np.flatnonzero((edge > 0) & (below - centre > radii))
            if not (len(short) or len(far)):
                return
            edge[short] = np.searchsorted(column, above[short], side="right")
            edge[far] = np.searchsorted(column, below[far], side="left")

    def _settle_lower(self, edge: Integers, centre: Array, radii: Array) -> None:
        column, last = self._sorted, len(self._sorted) - 1
        while True:
            above, below = column[np.minimum(edge, last)], column[np.maximum(edge - 1, 0)]
            short = np.flatnonzero((edge > 0) & (centre - below <= radii))
            far = np.flatnonzero((edge <= last) & (centre - above > radii))
            if not (len(short) or len(far)):
                return
            edge[short] = np.searchsorted(column, below[short], side="left")
            edge[far] = np.searchsorted(column, above[far], side="right")
