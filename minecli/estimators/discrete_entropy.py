r"""Entropies of discrete variables from the counts of their levels, with corrections for the bias of few rows.

By default those of Chao, Wang and Jost, "Entropy and the species accumulation curve" (Methods in Ecology and Evolution
4, 2013): levels that were not seen are reckoned with, as the numbers of those seen once and twice tell of them.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from minecli.estimators.config import Correction

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Nodes of the integral in `unseen_nats`: its integrand falls off doubly exponentially above them and as e^u below.
_STEP = 0.1
_NODES = np.exp(np.arange(-60.0, 5.0, _STEP))


def entropy(counts: Integers, correction: Correction) -> float:
    """Return the entropy in nats of a variable whose levels were seen `counts` times, shape (levels,), all above 0.

    With c the counts, n their sum, K their number, and psi the digamma function:

    - "none": -sum c/n ln(c/n), on average too low;
    - "miller-madow": (K - 1) / (2 n) more (Miller 1955), which is right where every level was seen several times;
    - "chao-wang-jost": sum c/n (psi(n) - psi(c)) + `unseen_nats`, after Chao, Wang and Jost (2013).

    >>> [round(entropy(np.array([6, 3, 1]), how), 4) for how in ("none", "miller-madow", "chao-wang-jost")]
    [0.8979, 0.9979, 1.009]
    """
    n = int(counts.sum())
    return float(_logarithm(n, correction) - _weights(counts, correction).sum() / n) + _added(counts, n, correction)


def entropies_without_one(counts: Integers, correction: Correction) -> Array:
    """Return the entropy without one row of each level in turn, in nats, shape (levels,), as the jackknife asks for it.

    >>> entropies_without_one(np.array([2, 1]), "none").round(4).tolist()  # of counts (1, 1), and of (2, 0)
    [0.6931, 0.0]
    """
    n = int(counts.sum())
    weights = _weights(counts, correction)
    sums = weights.sum() - weights + _weights(counts - 1, correction)
    added = np.empty(len(counts))
    # What is added changes with the levels seen once and twice alone: four cases in all.
    for cases in (counts == 1, counts == 2, counts == 3, counts > 3):
        if cases.any():
            first = int(np.argmax(cases))
            less = counts.copy()
            less[first] -= 1
            added[cases] = _added(less, n - 1, correction)
    return np.asarray(_logarithm(n - 1, correction) - sums / (n - 1) + added)


def singletons(counts: Integers) -> tuple[int, float]:
    """Return how many levels were seen once, and what the unseen ones add to the entropy, in nats: `unseen_nats`.

    >>> singletons(np.array([4, 2, 1, 1, 1])) == (3, unseen_nats(3, 1, 9))
    True
    """
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once, unseen_nats(once, twice, int(counts.sum()))


def unseen_nats(once: int, twice: int, n: int) -> float:
    """Return what the levels that n rows did not show add to the entropy, in nats, as `once` and `twice` tell, the
    numbers of levels that were seen once and twice.

    It is f/n (1 - A)^(1-n) (-ln A - sum_{r<n} (1 - A)^r / r) with f = once and A = 2 t / ((n - 1) f + 2 t), t = twice
    (where no level was seen twice 2 / ((n - 1) (f - 1) + 2)), after Chao, Wang and Jost (2013). As the brackets cancel
    for large n, it is computed as f/n (1 - A) times the integral of e^-nt / (1 - (1 - A) e^-t) over t > 0.

    >>> round(unseen_nats(3, 1, 10), 6), unseen_nats(0, 4, 10)
    (0.221881, 0.0)
    """
    if once == 0:
        return 0.0
    share = 2.0 * twice / ((n - 1) * once + 2.0 * twice) if twice else 2.0 / ((n - 1) * (once - 1) + 2.0)
    if share >= 1.0:
        return 0.0
    # The trapezium rule in u = ln(n t): exact to rounding, as the integrand is analytic within pi / 2 of the real line.
    values = _NODES * np.exp(-_NODES) / -np.expm1(math.log1p(-share) - _NODES / n)
    return once / n * (1.0 - share) * _STEP * float(values.sum()) / n


def _logarithm(n: int, correction: Correction) -> float:
    """psi(n) or ln n, in nats."""
    from scipy.special import digamma

    return float(digamma(n)) if correction == "chao-wang-jost" else math.log(n)


def _weights(counts: Integers, correction: Correction) -> Array:
    """c psi(c) or c ln c of every count, 0 where it is 0."""
    from scipy.special import digamma, xlogy

    if correction != "chao-wang-jost":
        return np.asarray(xlogy(counts, counts))
    return np.asarray(counts * digamma(np.maximum(counts, 1)))


def _added(counts: Integers, n: int, correction: Correction) -> float:
    """What the correction adds to the entropy, in nats; counts may be 0."""
    if correction == "none":
        return 0.0
    if correction == "miller-madow":
        return (int((counts > 0).sum()) - 1) / (2.0 * n)
    return singletons(counts)[1]
