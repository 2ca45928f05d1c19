r"""Do rows depend on their neighbours in the file? The evidence, and how many independent rows they are worth.

Two series that have nothing to do with each other look dependent where both move slowly: close rows are close in x
and close in z. With the autocorrelations :math:`\rho_x(l)` and :math:`\rho_z(l)` at lag l, n rows say about as much on
the dependence of x and z as :math:`n / \tau` independent ones,

.. math:: \tau = 1 + 2 \sum_{l=1}^{n/2} (1 - l/n) \rho_x(l) \rho_z(l)

(Bartlett 1935). Where one side's rows are independent, :math:`\tau` is 1 whatever the other does, and indeed rows may
then be re-paired freely. The correlations are those of ranks, and of the distances of ranks from the middle (so that
series whose spread alone changes slowly are seen); of the columns of a side, the pair with the largest
:math:`\tau` counts.

Labels come in groups in most files, because somebody wrote them group by group, and say nothing about time: two sides
of labels are not examined, and numbers beside labels are examined within the rows of a label.

A file that was sorted by a column of x or z shows the same slow movement though its rows are independent. There,
differences of rows one and two apart tell: of independent rows with a trend both are as large, of a series the latter
are larger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minecli.estimators.significance import largest_by_chance

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Below, nothing can be said; above, a stretch of the file tells enough.
FEWEST_ROWS = 40
MOST_ROWS = 2**16
# Rows times columns that are transformed: about a second of one core.
MOST_VALUES = 2**23
# Standard deviations that tell an excess from chance, beside those of the largest of all pairs of columns.
_SIGMAS = 4.0
# Errors up to 1.4 times those of independent rows are not worth a doubt: many files are in some order.
LEAST_EXCESS = 1.0
# E (u_{i+2} - u_i)^2 / E (u_{i+1} - u_i)^2 - 1: 0 of independent rows, phi of an autoregressive series.
_LOCAL_DEPENDENCE = 0.2


@dataclass(frozen=True)
class RowOrder:
    """What the order of the rows shows. `inflation` is tau, `effective_rows` is n / tau; `dependent` says whether tau
    is beyond chance and matters; `sorted_by` names a column in whose order the file is, where that explains it."""

    dependent: bool
    inflation: float
    effective_rows: float
    sorted_by: str | None = None


def row_order(
    x: Array,
    z: Array,
    names: tuple[tuple[str, ...], tuple[str, ...]] | None = None,
    labels: tuple[Flags, Flags] | None = None,
) -> RowOrder:
    """Find out whether the rows of x, shape (n, d_x), and z, shape (n, d_z), depend on their neighbours in the file.

    Args:
        x, z: finite; row i of one belongs to row i of the other, both in the order of the file.
        names: of the columns of both, to name a column that the file is sorted by.
        labels: which columns of both hold labels, shapes (d_x,) and (d_z,); None for none.

    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.standard_normal((2, 1000, 1))
    >>> row_order(a, b).dependent
    False
    >>> row_order(a.cumsum(0), b.cumsum(0)).dependent
    True
    """
    n = len(x)
    if n < FEWEST_ROWS:
        return RowOrder(False, 1.0, float(n))
    stretch = _stretch(n, x.shape[1] + z.shape[1])
    sides = [x[stretch], z[stretch]]
    labelled = labels or (np.zeros(x.shape[1], bool), np.zeros(z.shape[1], bool))
    numbers, categories = (
        [side[:, wanted] for side, wanted in zip(sides, flags, strict=True)]
        for flags in ((~labelled[0], ~labelled[1]), labelled)
    )
    scored = [row_scores(side) for side in numbers]
    excess = max(
        _excess(*scored),
        _excess(_within(numbers[0], categories[1]), row_scores(categories[1])),
        _excess(_within(numbers[1], categories[0]), row_scores(categories[0])),
    )
    if excess > 0.0 and (place := _sorted_column(x, z)) is not None:
        side, column = place
        if _local_dependence(row_scores(sides[1 - side])) < _LOCAL_DEPENDENCE + 4.0 / math.sqrt(len(sides[0])):
            name = names[side][column] if names else f"{'xz'[side]} column {column + 1}"
            return RowOrder(False, 1.0, float(n), sorted_by=name)
    return RowOrder(excess > 0.0, 1.0 + excess, n / (1.0 + excess))


def _ranks(column: Array) -> Array:
    """From 1, equal values sharing their mean rank; scipy.stats takes half a second to load."""
    _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    mean: Array = np.cumsum(counts) - 0.5 * (counts - 1)
    return mean[inverse]


def _within(numbers: Array, labels: Array) -> Array:
    """The scores of numbers, shape (n, d), by their ranks among the rows with the same labels, shape (n, columns);
    nothing where nearly every row has labels of its own."""
    if not (numbers.shape[1] and labels.shape[1]):
        return np.empty((0, len(numbers)))
    _, codes = np.unique(labels, axis=0, return_inverse=True)
    codes = codes.reshape(-1)
    sizes = np.bincount(codes)
    if len(sizes) > len(codes) / 5:
        return np.empty((0, len(numbers)))
    before = np.cumsum(sizes) - sizes
    ranks = []
    for column in numbers.T:
        _, dense = np.unique(column, return_inverse=True)
        key = np.asarray(codes * (dense.max() + 1) + dense, dtype=np.float64)
        ranks.append((_ranks(key) - before[codes]) / (sizes[codes] + 1.0))
    return row_scores(np.stack(ranks, axis=1))


def _stretch(n: int, columns: int) -> slice:
    """Consecutive rows from the middle of the file."""
    rows = min(n, max(FEWEST_ROWS, min(MOST_ROWS, MOST_VALUES // (2 * columns))))
    start = (n - rows) // 2
    return slice(start, start + rows)


def row_scores(side: Array, *, constant: bool = False) -> Array:
    """Ranks of the columns of `side`, shape (n, d), then their distances from the middle, standardised, shape (2 d, n).

    Constant ones are left out, or are zeros where `constant` asks for them.

    >>> row_scores(np.array([[5.0], [6.0], [9.0]])).round(2).tolist()
    [[-1.22, 0.0, 1.22], [0.71, -1.41, 0.71]]
    """
    ranks = np.stack([_ranks(column) for column in side.T]) if side.shape[1] else np.empty((0, len(side)))
    both = np.vstack([ranks, np.abs(ranks - ranks.mean(axis=1, keepdims=True))])
    both -= both.mean(axis=1, keepdims=True)
    spread = both.std(axis=1, keepdims=True)
    standardised: Array = both / np.where(spread > 0.0, spread, 1.0)
    return standardised if constant else standardised[spread[:, 0] > 0.0]


def _autocorrelations(scores: Array) -> npt.NDArray[np.float32]:
    """At lags 1 .. n/2, shape (columns, n/2), by Fourier transform."""
    from scipy.fft import irfft, next_fast_len, rfft

    n = scores.shape[1]
    length = next_fast_len(2 * n, real=True)
    correlations = np.empty((len(scores), n // 2), dtype=np.float32)
    for i, series in enumerate(scores):
        power = np.abs(rfft(series, length)) ** 2
        correlations[i] = irfft(power, length)[1 : n // 2 + 1] / n
    return correlations


def _excess(x: Array, z: Array) -> float:
    r"""2 sum_l rho_x(l) rho_z(l), the largest over pairs of columns that is beyond chance and matters; 0 if none is.

    The sample's rho already falls by 1 - l / n. Where x and z depend on each other their sample autocorrelations share
    their noise, which adds c^2 (1 - l / n) / n to the expected product at lag l, c being the correlation of the two;
    that is taken off. Where the rows of one side are independent, the sum scatters by
    :math:`2 \sqrt{\sum_l \rho(l)^2 / n}` with the other side's rho; the larger of both is chance.
    """
    if not (len(x) and len(z)):
        return 0.0
    n = x.shape[1]
    of_x, of_z = _autocorrelations(x), _autocorrelations(z)
    shared = np.square(x @ z.T / n) * float((1.0 - np.arange(1, n // 2 + 1) / n).sum()) / n
    excess = 2.0 * (of_x @ of_z.T - shared)
    squares = np.maximum(np.square(of_x).sum(axis=1)[:, None], np.square(of_z).sum(axis=1)[None, :])
    sigmas = _SIGMAS + largest_by_chance(excess.size)
    beyond_chance = excess[excess > np.maximum(LEAST_EXCESS, sigmas * 2.0 * np.sqrt(np.maximum(squares, 0.5) / n))]
    return float(beyond_chance.max()) if beyond_chance.size else 0.0


def _sorted_column(x: Array, z: Array) -> tuple[int, int] | None:
    """The side (0, 1) and number of a column that never falls, or never rises, from row to row."""
    for s, side in enumerate((x, z)):
        for j in range(side.shape[1]):
            steps = np.diff(side[:, j])
            if (steps >= 0.0).all() or (steps <= 0.0).all():
                return s, j
    return None


def _local_dependence(scores: Array) -> float:
    """How much larger differences of rows two apart are than those of neighbours, the largest over columns."""
    near = np.square(scores[:, 1:] - scores[:, :-1]).mean(axis=1)
    far = np.square(scores[:, 2:] - scores[:, :-2]).mean(axis=1)
    varying = near > 0.0
    return float((far[varying] / near[varying] - 1.0).max()) if varying.any() else 1.0
