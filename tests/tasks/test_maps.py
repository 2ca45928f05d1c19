"""Every map against a formula of its own, and against its inverse: injective maps keep the information."""

import math

import numpy as np
import pytest
from inverse_maps import inverse
from scipy import linalg, stats

from minecli.tasks.maps import (
    Asinh,
    Chain,
    HalfCube,
    Identity,
    NormalCdf,
    NormalToMixture,
    Spiral,
    SwissRoll,
    Wiggly,
)
from minecli.tasks.public import PUBLIC

GRID = np.linspace(-6.0, 6.0, 4001)[:, None]
MIXTURE = NormalToMixture(means=(-1.0, 3.0), weights=(0.5, 0.5))
WAVES = Wiggly(((0.4, 1.0, 0.0), (0.2, 1.7, 1.0), (0.03, 3.3, -2.5)))
ELEMENTWISE = {
    "identity": Identity(),
    "normal_cdf": NormalCdf(),
    "half_cube": HalfCube(),
    "asinh": Asinh(),
    "wiggly": WAVES,
    "mixture": MIXTURE,
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_maps_increase_and_come_back(name):
    image = ELEMENTWISE[name].forward(GRID)
    assert np.all(np.diff(image[:, 0]) > 0)
    # At 6 the normal distribution function is within 1e-9 of 1, where rounding moves its inverse by about 1e-8.
    assert np.allclose(inverse(ELEMENTWISE[name], image), GRID, rtol=0, atol=1e-6)


def test_half_cube_and_asinh_and_normal_cdf_by_value():
    values = np.array([[-4.0, 0.0, 9.0]])
    assert HalfCube().forward(values).tolist() == [[-8.0, 0.0, 27.0]]
    assert np.allclose(Asinh().forward(np.sinh(values)), values, rtol=1e-14)
    assert np.allclose(NormalCdf().forward(values), stats.norm.cdf(values), rtol=1e-13)


def test_wiggly_by_value():
    expected = 1.3 + 0.4 * math.sin(1.3) + 0.2 * math.sin(1.7 * 1.3 + 1) + 0.03 * math.sin(3.3 * 1.3 - 2.5)
    assert WAVES.forward(np.array([[1.3]]))[0, 0] == pytest.approx(expected, rel=1e-15)


def test_wiggly_refuses_waves_that_might_turn_back():
    with pytest.raises(ValueError, match="may turn back"):
        Wiggly(((0.5, 2.0, 0.0),))


def test_every_wave_in_use_keeps_a_slope():
    task = PUBLIC["wiggly-1v1-normal-0.75"]
    # 1 less the sums of amplitude times frequency.
    assert task.x_map.least_slope == pytest.approx(1 - (0.4 + 0.34 + 0.099))
    assert task.z_map.least_slope == pytest.approx(1 - (0.16 + 0.221 + 0.086))


def test_mixture_has_the_area_of_the_normal_at_every_quantile():
    image = MIXTURE.forward(GRID)
    below = 0.5 * stats.norm.cdf(image + 1) + 0.5 * stats.norm.cdf(image - 3)
    above = 0.5 * stats.norm.sf(image + 1) + 0.5 * stats.norm.sf(image - 3)
    # Relative, so that both tails count, far beyond what a sample can show.
    assert np.allclose(below[GRID < 0], stats.norm.cdf(GRID[GRID < 0]), rtol=1e-12, atol=0)
    assert np.allclose(above[GRID >= 0], stats.norm.sf(GRID[GRID >= 0]), rtol=1e-12, atol=0)


@pytest.mark.parametrize("plane", [(0, 1), (1, 2)])
def test_spiral_is_the_exponential_of_a_generator(plane, seed):
    rows = np.random.default_rng(seed).standard_normal((20, 4))
    generator = np.zeros((4, 4))
    generator[plane] = 1.0
    generator[plane[::-1]] = -1.0
    turned = [linalg.expm(generator * 0.25 * (row @ row)) @ row for row in rows]
    spiral = Spiral(plane=plane, speed=0.25)
    assert np.allclose(spiral.forward(rows), turned, rtol=0, atol=1e-12)
    assert np.allclose(inverse(spiral, spiral.forward(rows)), rows, rtol=0, atol=1e-12)


def test_swiss_roll_never_meets_itself():
    u = np.linspace(0.0, 1.0, 501)[:, None]
    roll = SwissRoll().forward(u)
    t = 1.5 * np.pi * (1 + 2 * u)
    assert np.allclose(roll, np.hstack([t * np.cos(t), t * np.sin(t)]) / 21)
    assert np.all(np.diff(np.hypot(*roll.T)) > 0)
    assert np.allclose(inverse(SwissRoll(), roll), u, rtol=0, atol=1e-12)


def test_chain_goes_in_order_and_back():
    chain = Chain((NormalCdf(), SwissRoll()))
    normal = np.array([[-1.0], [0.5]])
    assert np.array_equal(chain.forward(normal), SwissRoll().forward(NormalCdf().forward(normal)))
    assert np.allclose(inverse(chain, chain.forward(normal)), normal, rtol=0, atol=1e-12)
