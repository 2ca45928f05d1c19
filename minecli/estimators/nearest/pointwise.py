"""One term per row, whose mean is the estimate: where in the data the dependence sits, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minecli import events
from minecli.estimators.nearest.neighbours import Counts, Integers, Rule, Search

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pointwise:
    """The terms in nats, shape (n,), NaN where the run was stopped before; `rows_done` of them are numbers."""

    terms: Array
    rows_done: int

    @property
    def complete(self) -> bool:
        """Whether every row has its term."""
        return self.rows_done == len(self.terms)

    @property
    def mean(self) -> float | None:
        """The estimate in nats, from the rows that are done; None where none is."""
        return float(np.nanmean(self.terms)) if self.rows_done else None


def local_terms(counts: Counts, n: int, rule: Rule) -> Array:
    """Return the rows' contributions in nats, shape (rows,), after Kraskov et al. 2004.

    Rows with open counts follow equation (8), psi(k) + psi(n) - psi(n_x + 1) - psi(n_z + 1). Rows with closed counts
    follow equation (9) under RECTANGLE, psi(k) - 1/k + psi(n) - psi(n_x) - psi(n_z), and otherwise the same without
    1/k, which is the price of fitting the rectangle to the neighbours.

    >>> one = np.array([1])
    >>> local_terms(Counts(joint=one, x=0 * one, z=0 * one, closed=one == 0), 2, Rule.CUBE).round(12).tolist()
    [1.0]
    """
    from scipy.special import digamma

    itself = np.where(counts.closed, 0, 1)
    fitted = 1.0 / counts.joint if rule is Rule.RECTANGLE else 0.0
    sides = digamma(counts.x + itself) + digamma(counts.z + itself)
    return np.asarray(digamma(counts.joint) - fitted + digamma(n) - sides, dtype=np.float64)


def pointwise_terms(
    search: Search,
    rule: Rule,
    *,
    report: Callable[[int], None],
    should_stop: Callable[[], bool] = events.never,
) -> Pointwise:
    """Compute the terms of all rows, in chunks.

    Args:
        search: over all n rows.
        rule: how neighbours are counted.
        report: hears after every chunk how many rows are done.
        should_stop: is asked before every chunk; once it answers yes, the terms of the rows left over stay NaN.

    >>> from minecli.estimators.nearest.neighbours_tree import TreeSearch
    >>> points = np.random.default_rng(0).standard_normal((100, 2))
    >>> done = []
    >>> pointwise_terms(TreeSearch(points, 1, 3, 1), Rule.CUBE, report=done.append).complete, done
    (True, [100])
    """
    n = len(search.order)
    terms = np.full(n, np.nan)
    rows_done = 0
    for rows in _chunks(search):
        if should_stop():
            break
        terms[rows] = local_terms(search.counts(rows, rule), n, rule)
        rows_done += len(rows)
        report(rows_done)
    return Pointwise(terms, rows_done)


def _chunks(search: Search) -> Iterator[Integers]:
    """Deal the runs of the search's order out to the chunks in turn.

    So a run that is stopped has seen rows from everywhere, and rows that are close are still asked about together.
    """
    n, run = len(search.order), search.run
    chunks = max(1, -(-n // search.chunk_rows))
    for c in range(chunks):
        starts = np.arange(c * run, n, chunks * run)
        places = (starts[:, None] + np.arange(run)).ravel()
        yield search.order[places[places < n]]
