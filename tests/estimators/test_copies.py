"""Copies of rows are found; what repeats for another reason is not taken for one."""

import numpy as np
import pytest

from minecli.estimators.copies import kinds_and_copies
from minecli.estimators.facts import FEW_COPIES
from minecli.runtime.seeds import generator
from minecli.tables.value_kinds import ValueKind

N = 2000


def fahrenheit(rng):
    celsius = (15 + 8 * rng.standard_normal(N)).round(1)
    return celsius, np.round(1.8 * celsius + 32)


def price_and_total(rng):
    price, amount = rng.integers(1, 40, N) + 0.99, rng.integers(1, 6, N)
    return price, price * amount


def zeros_together(rng):
    on = rng.random(N) < 0.5
    return tuple(np.where(on, rng.lognormal(size=N), 0.0) for _ in range(2))


def a_few_zeros_together(rng):
    on = rng.random(N) < 0.97
    return tuple(np.where(on, rng.standard_normal(N), 0.0) for _ in range(2))


def a_marker_of_missing_values(rng):
    gone = rng.random(N) < 0.05
    return tuple(np.where(gone, -999.0, rng.standard_normal(N)) for _ in range(2))


def clipped(rng):
    g = rng.standard_normal(N)
    return np.clip(g, -1.0, 1.0), np.clip(g + 0.1 * rng.standard_normal(N), -1.0, 1.0)


def counts(rng):
    mean = rng.gamma(2.0, 3.0, N)
    return rng.poisson(mean) * 1.0, rng.poisson(mean) * 1.0


@pytest.mark.parametrize(
    "make",
    [fahrenheit, price_and_total, zeros_together, a_few_zeros_together, a_marker_of_missing_values, clipped, counts],
)
def test_values_that_occur_often_are_no_copies(make, seed):
    for draw in range(5):
        kinds, share = kinds_and_copies(make(generator(seed, "copies", make.__name__, draw)))
        assert share <= FEW_COPIES
        assert ValueKind.CONTINUOUS not in kinds or make is a_few_zeros_together


def twice(rng):
    return [np.tile(side, 2) for side in rng.standard_normal((2, N))]


def ten_times(rng):
    return [np.tile(side, 10) for side in rng.standard_normal((2, N // 10))]


def bootstrap(rng):
    chosen = rng.integers(0, N, N)
    return [side[chosen] for side in rng.standard_normal((2, N))]


def oversampled(rng):
    x, y = rng.standard_normal((2, N)), (rng.random(N) < 0.05) * 1.0
    again = np.r_[np.arange(N), np.repeat(np.flatnonzero(y), 18)]
    return x[0][again], x[1][again], y[again]


@pytest.mark.parametrize("make", [twice, ten_times, bootstrap, oversampled])
def test_copies_of_rows_are_found(make, seed):
    for draw in range(5):
        kinds, share = kinds_and_copies(make(generator(seed, "copies", make.__name__, draw)))
        assert share > 0.2
        assert kinds[0] is ValueKind.CONTINUOUS
