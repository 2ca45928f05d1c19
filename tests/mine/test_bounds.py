"""Identities of the bounds, exact in float64."""

import math

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from minecli.mine.bounds import BOUNDS, OFFSETS, donsker_varadhan, log_mean_exp, nwj

# Sums of a few hundred float64 terms of size one lose at most some hundreds of units of the last place, 2e-16.
ROUNDING = 1e-12


def vector(rng, size):
    return torch.from_numpy(rng.standard_normal(size))


def table_scores():
    """A 2 x 2 table with joint counts 3 1 / 1 3: every pair as often as it occurs, scored by the log ratio.

    Joint: the 8 observations. Product of the marginals: all four cells equally likely.
    """
    same, other = math.log((3 / 8) / (1 / 4)), math.log((1 / 8) / (1 / 4))
    joint = torch.tensor([same] * 6 + [other] * 2, dtype=torch.float64)
    marginal = torch.tensor([same, same, other, other], dtype=torch.float64)
    mi = 0.75 * same + 0.25 * other
    return joint, marginal, mi


def test_both_bounds_equal_the_mi_at_the_optimum():
    joint, marginal, mi = table_scores()
    assert donsker_varadhan(joint, marginal).item() == pytest.approx(mi, abs=ROUNDING)
    assert nwj(joint + 1.0, marginal + 1.0).item() == pytest.approx(mi, abs=ROUNDING)


@given(constant=st.floats(-50.0, 50.0), seed=st.integers(0, 1000))
def test_donsker_varadhan_ignores_a_constant(constant, seed):
    import numpy as np

    rng = np.random.default_rng(seed)
    joint, marginal = vector(rng, 20), vector(rng, 30)
    shifted = donsker_varadhan(joint + constant, marginal + constant)
    assert shifted.item() == pytest.approx(donsker_varadhan(joint, marginal).item(), abs=50 * ROUNDING)


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_network_that_knows_nothing_gives_zero(bound):
    t = torch.full((3, 7), OFFSETS[bound], dtype=torch.float64)
    assert BOUNDS[bound](t, t).tolist() == pytest.approx([0.0] * 3, abs=ROUNDING)


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 5.0))
def test_nwj_never_exceeds_donsker_varadhan(seed, scale):
    import numpy as np

    rng = np.random.default_rng(seed)
    joint, marginal = scale * vector(rng, 20), scale * vector(rng, 30)
    assert nwj(joint, marginal) <= donsker_varadhan(joint, marginal) + ROUNDING


def test_no_value_overflows_the_logarithm():
    assert log_mean_exp(torch.tensor([1e4, 1e4])).item() == 1e4
    assert log_mean_exp(torch.tensor([-1e4, -1e4])).item() == -1e4
