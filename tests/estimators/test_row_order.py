"""Rows that depend on their neighbours in the file: found where they do, not where they do not."""

import numpy as np
import pytest
from scipy.signal import lfilter

from minecli.estimators.row_order import FEWEST_ROWS, row_order
from minecli.runtime.seeds import generator


def series(rng, n, phi):
    """An autoregressive series; phi = 1 is a random walk."""
    return lfilter([1.0], [1.0, -phi], rng.standard_normal(n + 500))[500:, None]


@pytest.mark.parametrize("phi", [0.85, 0.9, 0.98, 1.0])
@pytest.mark.parametrize("n", [500, 2000])
def test_independent_series_that_move_slowly_are_found_and_shuffled_ones_are_not(phi, n, seed):
    found = shuffled = 0
    for draw in range(40):
        rng = generator(seed, "row-order", n, str(phi), draw)
        x, z = series(rng, n, phi), series(rng, n, phi)
        found += row_order(x, z).dependent
        order = rng.permutation(n)
        shuffled += row_order(x[order], z[order]).dependent
    assert found == 40
    # Beyond four standard deviations of what independent rows give: hardly ever.
    assert shuffled == 0


def test_effective_rows_are_those_of_bartlett(seed):
    """Two AR(1) series with phi = 0.9: tau = (1 + 0.81) / (1 - 0.81) = 9.53."""
    rng = generator(seed, "row-order", "bartlett")
    found = row_order(series(rng, 50_000, 0.9), series(rng, 50_000, 0.9))
    assert found.inflation == pytest.approx(9.53, rel=0.15)
    assert found.effective_rows == pytest.approx(50_000 / found.inflation)


@pytest.mark.parametrize("strength", [0.0, 0.9, 1.0])
def test_dependence_between_the_sides_is_no_dependence_between_rows(strength, seed):
    for draw in range(40):
        rng = generator(seed, "row-order", "sides", draw)
        x, noise = rng.standard_normal((2, 500, 1))
        assert not row_order(x, strength * x + (1 - strength) * noise).dependent


def test_one_side_alone_may_move_slowly(seed):
    rng = generator(seed, "row-order", "one-side")
    assert not row_order(series(rng, 2000, 0.99), rng.standard_normal((2000, 1))).dependent


def test_one_pair_of_many_columns_is_enough_and_many_columns_alone_are_not(seed):
    rng = generator(seed, "row-order", "columns")
    x, z = rng.standard_normal((500, 50)), rng.standard_normal((500, 30))
    assert not row_order(x, z).dependent
    x[:, 17], z[:, 3] = series(rng, 500, 0.95)[:, 0], series(rng, 500, 0.95)[:, 0]
    assert row_order(x, z).dependent


@pytest.mark.parametrize("interleaved", [False, True])
def test_many_rows_of_each_subject(interleaved, seed):
    rng = generator(seed, "row-order", "subjects")
    x, z = (np.repeat(rng.standard_normal(60), 40) + 0.3 * rng.standard_normal(2400) for _ in range(2))
    if interleaved:
        x, z = (v.reshape(60, 40).T.ravel() for v in (x, z))
    found = row_order(x[:, None], z[:, None])
    assert found.dependent
    assert found.effective_rows < 300


def test_slowly_changing_spread_is_seen(seed):
    rng = generator(seed, "row-order", "spread")
    x, z = (np.exp(series(rng, 2000, 0.97)) * rng.standard_normal((2000, 1)) for _ in range(2))
    assert row_order(x, z).dependent


@pytest.mark.parametrize("by", ["x", "z", "label"])
def test_a_sorted_file_of_independent_rows_is_fine(by, seed):
    for draw in range(20):
        rng = generator(seed, "row-order", "sorted", draw)
        x = rng.standard_normal(1000)
        z = 0.7 * x + 0.7 * rng.standard_normal(1000)
        if by == "label":
            z = (z > 0.0) * 1.0
        order = np.argsort(x if by == "x" else z, kind="stable")
        found = row_order(x[order, None], z[order, None], (("age",), ("born",)))
        assert not found.dependent
        assert found.sorted_by == ("age" if by == "x" else "born")


def test_a_series_beside_its_time_is_not_excused_by_being_sorted(seed):
    rng = generator(seed, "row-order", "time")
    assert row_order(np.arange(1000.0)[:, None], series(rng, 1000, 1.0)).dependent


def test_few_rows_and_constant_columns_say_nothing():
    few = np.arange(FEWEST_ROWS - 1.0)[:, None]
    assert not row_order(few, few).dependent
    flat = np.zeros((100, 1))
    assert not row_order(flat, np.arange(100.0)[:, None]).dependent


def test_labels_in_groups_are_no_series(seed):
    rng = generator(seed, "row-order", "labels")
    species = np.repeat(np.arange(20), 100)
    x, z = species[:, None] % 7 * 1.0, (rng.random(20) < 0.5)[species][:, None] * 1.0
    marked = (np.array([True]), np.array([True]))
    assert row_order(x, z).dependent
    assert not row_order(x, z, labels=marked).dependent


@pytest.mark.parametrize("moves", [False, True])
def test_numbers_beside_labels_are_examined_within_a_label(moves, seed):
    """Rows grouped by class are fine; a slow series beside a state that changes slowly is not."""
    for draw in range(20):
        rng = generator(seed, "row-order", "state", draw)
        state = (series(rng, 2000, 0.99) > 0.0) * 1.0
        x = series(rng, 2000, 0.99) if moves else state + rng.standard_normal((2000, 1))
        assert row_order(x, state, labels=(np.array([False]), np.array([True]))).dependent is moves
