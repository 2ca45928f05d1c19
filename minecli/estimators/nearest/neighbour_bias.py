r"""How much of the information nearest neighbours miss, judged from the data: wider neighbourhoods, fewer rows.

A nearest-neighbour estimate takes the density to be constant within a neighbourhood. Where it is not, the value is
wrong by an amount that grows with the share :math:`s = k / n` of the rows that a neighbourhood holds. Two changes make
neighbourhoods wider, and both are measured on the very same rows, so that most of the sampling noise cancels:

- k' = 10 neighbours instead of k, in the same search: the value moves by K;
- k neighbours among a random half of the rows: it moves by H.

Where a density has edges, neighbourhoods that lie across one are a share of about :math:`s^a`, :math:`a = 1 / d` in d
dimensions (smooth densities have a = 2/d, and less is missing). A bias of :math:`-B (s / s_0)^a` makes
:math:`K = -B (r^a - 1)`, r = k'/k, and :math:`H = -B (2^a - 1)`. Least squares give B, the nats that may be missing at
k and n, and its error. In many dimensions a is small: neighbourhoods hardly grow, so that shifts that can hardly be
seen tell of a large B; its error then says that nothing can be said.

Of 8 x 8 squares of a checkerboard (0.693 nats) 500 rows show 0.392, and B is 0.28; of 4 x 4 and 1,000 rows 0.610 and
0.11. Of smooth densities B is about twice what is missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minecli.estimators.nearest.neighbours import Integers, Rule, Search
from minecli.estimators.nearest.pointwise import local_terms

Array = npt.NDArray[np.float64]

WIDER_NEIGHBOURS = 10
# Query rows: shifts of single rows scatter by about 0.7 nats, so that these give an error of 0.01.
MOST_QUERIES = {"tree": 8192, "brute": 4096}
# A table of fewer rows cannot be halved sensibly.
FEWEST_ROWS = 60
_SIGMAS = 1.0


@dataclass(frozen=True)
class BiasSignal:
    """What wider neighbourhoods show, in nats: the two shifts with their errors, and what is missing by them."""

    neighbours: int
    shift_by_neighbours_nats: float
    shift_by_rows_nats: float
    missing_nats: float
    missing_error_nats: float

    @property
    def margin_nats(self) -> float:
        """How far off the value may be: what is missing, either way, and its error."""
        return abs(self.missing_nats) + _SIGMAS * self.missing_error_nats

    def details(self) -> dict[str, float]:
        """The fields by the names that the JSON has for them."""
        return {
            "wider_neighbours": self.neighbours,
            "shift_by_neighbours_nats": self.shift_by_neighbours_nats,
            "shift_by_rows_nats": self.shift_by_rows_nats,
            "missing_nats": self.missing_nats,
            "missing_error_nats": self.missing_error_nats,
        }


def wider(k: int) -> int:
    """How many neighbours make the wider neighbourhood.

    >>> wider(3), wider(10)
    (10, 31)
    """
    return max(WIDER_NEIGHBOURS, 3 * k + 1)


@dataclass(frozen=True)
class Half:
    """A search over half of the rows alone: over `rows`, shape (n / 2,), in this order."""

    search: Search
    rows: Integers


def bias_signal(whole: Array, search: Search, half: Half, k: int, rule: Rule, dimensions: int) -> BiasSignal:
    """Compare every row's term with those of wider neighbourhoods: of more neighbours, and of neighbours in a half.

    Args:
        whole: every row's term in nats, shape (n,).
        search: over all n rows.
        half: a random half of them.
        k: neighbours of the estimate.
        rule: how they are counted.
        dimensions: in how many directions neighbours spread, x and z together.
    """
    n, rows = len(whole), half.rows
    places = _evenly(len(rows), MOST_QUERIES[search.method])
    queries, many = _evenly(n, MOST_QUERIES[search.method]), wider(k)
    by_neighbours = local_terms(search.counts(queries, rule, many), n, rule) - whole[queries]
    by_rows = local_terms(half.search.counts(places, rule), len(rows), rule) - whole[rows[places]]
    shifts = [(float(d.mean()), float(d.std()) / math.sqrt(len(d))) for d in (by_neighbours, by_rows)]
    missing, error = missing_nats(shifts, [many / k, n / len(rows)], dimensions)
    return BiasSignal(many, shifts[0][0], shifts[1][0], missing, error)


def missing_nats(shifts: list[tuple[float, float]], widths: list[float], dimensions: int) -> tuple[float, float]:
    """Fit B to shifts (value, error) that neighbourhoods wider by the factors `widths` cause; return (B, its error).

    >>> b, error = missing_nats([(-0.1, 0.01), (-0.04, 0.01)], [10 / 3, 2.0], 2)
    >>> round(b, 3), round(error, 3)
    (0.116, 0.011)
    """
    growth = np.array([width ** (1.0 / dimensions) - 1.0 for width in widths])
    # Errors of 0 (all terms alike, as of a table's cells) must not divide by 0.
    values, errors = np.array([s for s, _ in shifts]), np.array([max(e, 1e-9) for _, e in shifts])
    weights = growth / errors**2
    precision = float(weights @ growth)
    return -float(weights @ values) / precision, 1.0 / math.sqrt(precision)


def _evenly(n: int, most: int) -> Integers:
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))
