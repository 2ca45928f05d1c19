import math

import numpy as np
import pytest

from minecli.apps.datasets.synthetic import (
    ARC_NOISE,
    ARC_TURNS,
    GRID_STD,
    arc_at,
    gaussians25,
    grid_means,
    spiral,
)
from minecli.errors import UsageError


@pytest.mark.parametrize("make", [spiral, gaussians25])
def test_shape_type_and_seed(make):
    rows = make(500, np.random.default_rng(3))
    assert rows.shape == (500, 2)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, make(500, np.random.default_rng(3)))
    assert not np.array_equal(rows, make(500, np.random.default_rng(4)))


@pytest.mark.parametrize("make", [spiral, gaussians25])
def test_no_rows_are_refused(make):
    with pytest.raises(UsageError, match="rows is 0; it must be at least 1"):
        make(0, np.random.default_rng(0))


def test_the_arm_winds_twice_and_grows_outward():
    arc = arc_at(np.linspace(0.0, ARC_TURNS, 2001))
    radius = np.linalg.norm(arc, axis=1)
    np.testing.assert_allclose(radius, np.linspace(1 / 3, 5 / 3, 2001))
    turned = np.unwrap(np.arctan2(arc[:, 0], arc[:, 1]))
    assert turned[-1] - turned[0] == pytest.approx(2 * math.pi * ARC_TURNS)
    # It starts straight up: sine first.
    np.testing.assert_allclose(arc[0], [0.0, 1 / 3], atol=1e-12)


def test_the_spiral_has_the_moments_of_its_definition():
    # Means of 100,000 rows: the standard errors are below 0.004, so that 0.02 is beyond five of them.
    rows = spiral(100_000, np.random.default_rng(0)).astype(np.float64)
    arc = arc_at(np.linspace(0, ARC_TURNS, 20_001))
    np.testing.assert_allclose(rows.mean(0), arc.mean(0), atol=0.02)
    expected = np.cov(arc, rowvar=False) + ARC_NOISE**2 * np.eye(2)
    np.testing.assert_allclose(np.cov(rows, rowvar=False), expected, atol=0.02)


def test_the_grid_has_25_means_with_equal_weight_and_the_given_spread():
    means = grid_means()
    assert sorted(map(tuple, means)) == [(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]
    rows = gaussians25(50_000, np.random.default_rng(0)).astype(np.float64)
    gaps = rows[:, None] - means
    nearest = np.linalg.norm(gaps, axis=2).argmin(1)
    # Binomial counts with standard deviation 44: five of them are 220.
    np.testing.assert_allclose(np.bincount(nearest, minlength=25), 2000, atol=220)
    residual = gaps[np.arange(len(rows)), nearest]
    # The standard error of a standard deviation of 50,000 values is 0.3 %.
    np.testing.assert_allclose(residual.std(0), GRID_STD, rtol=0.015)
    assert abs(np.corrcoef(residual, rowvar=False)[0, 1]) < 0.025
