"""Identities of the bounds, exact in float64, and their values at the optimum on Gaussian data."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given

from minecli.mine.bounds import donsker_varadhan, info_nce, jensen_shannon, log_mean_exp, nwj, smile, tuba

F64 = torch.float64
# Sums of a few hundred float64 terms of size one lose at most some hundreds of units of the last place, 2e-16.
ROUNDING = 1e-12


def normal_scores(seed, scale=1.0, rows=20, shifts=3):
    """T on 20 joint pairs and on 3 re-pairings of the same rows."""
    rng = np.random.default_rng(seed)
    return tuple(scale * torch.from_numpy(rng.standard_normal(size)) for size in (rows, (shifts, rows)))


def table_scores():
    """A 2 x 2 table with joint counts 3 1 / 1 3: every pair as often as it occurs, scored by the log ratio.

    Joint: the 8 observations. Product of the marginals: each observation's x with either z, both equally likely.
    """
    same, other = math.log((3 / 8) / (1 / 4)), math.log((1 / 8) / (1 / 4))
    joint = torch.tensor([same, same, same, other] * 2, dtype=F64)
    marginal = torch.tensor([[same] * 8, [other] * 8], dtype=F64)
    mi = 0.75 * same + 0.25 * other
    return joint, marginal, mi


def test_bounds_equal_the_mi_at_the_optimum():
    joint, marginal, mi = table_scores()
    assert donsker_varadhan(joint, marginal).item() == pytest.approx(mi, abs=ROUNDING)
    assert nwj(joint + 1.0, marginal + 1.0).item() == pytest.approx(mi, abs=ROUNDING)
    assert tuba(joint, marginal).item() == pytest.approx(mi, abs=ROUNDING)
    assert smile(joint, marginal, clip=1.0).item() == pytest.approx(mi, abs=ROUNDING)


def test_jensen_shannon_is_twice_the_divergence_at_the_optimum_and_less_elsewhere():
    joint, marginal, _ = table_scores()
    p, q = (3 / 8, 1 / 8), (1 / 4, 1 / 4)
    twice = sum(2 * (a * math.log(2 * a / (a + b)) + b * math.log(2 * b / (a + b))) for a, b in zip(p, q, strict=True))
    assert jensen_shannon(joint, marginal).item() == pytest.approx(twice, abs=ROUNDING)
    for factor, constant in ((1.0, 0.01), (1.0, -0.01), (1.01, 0.0), (0.99, 0.0)):
        assert jensen_shannon(factor * joint + constant, factor * marginal + constant) < twice - 1e-7


def gaussian_scores(rho, samples, rows, shifts, seed):
    """The log ratio of a bivariate Gaussian on `samples` independent samples of `rows` rows."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, rows, generator=g, dtype=F64)
    z = rho * x + math.sqrt(1 - rho * rho) * torch.randn(samples, rows, generator=g, dtype=F64)

    def log_ratio(z):
        return -0.5 * math.log(1 - rho**2) - (rho**2 * (x**2 + z**2) - 2 * rho * x * z) / (2 * (1 - rho**2))

    return log_ratio(z), torch.stack([log_ratio(torch.roll(z, s, 1)) for s in range(1, shifts + 1)], 1)


RHO, SHIFTS = 0.5, 64
OFF = 0.7  # what is added where a bound does not mind, and a baseline takes away where it does


@pytest.mark.parametrize(
    ("bound", "bias"),
    [
        (lambda j, m: donsker_varadhan(j + OFF, m + OFF), 0.0),
        (lambda j, m: nwj(j + 1.0, m + 1.0), 0.0),
        (lambda j, m: tuba(j + OFF, m + OFF, torch.full_like(j, OFF)), 0.0),
        # To second order in 1/K, with chi^2 = E_P[e^T] - 1 = rho^2 / (1 - rho^2); the third order is 1/64 of it.
        (lambda j, m: info_nce(j + OFF, m + OFF), -(RHO**2) / (1 - RHO**2) / (2 * SHIFTS)),
    ],
    ids=["donsker-varadhan", "nwj", "tuba", "info-nce"],
)
def test_lower_bounds_equal_the_mi_of_a_gaussian_at_the_optimum(bound, bias, seed):
    values = bound(*gaussian_scores(RHO, 50, 2000, SHIFTS, seed))
    truth = -0.5 * math.log(1 - RHO**2)
    error = values.std().item() / math.sqrt(50)
    # Five standard errors from 50 samples: false-fail rate 8e-6 each. They are about 0.002, so an error of 0.012 nats
    # (of 0.144) would be found.
    assert error < 0.003
    assert abs(values.mean().item() - truth - bias) < 5 * error


@given(constant=st.floats(-50.0, 50.0), seed=st.integers(0, 1000))
def test_donsker_varadhan_ignores_a_constant(constant, seed):
    joint, marginal = normal_scores(seed)
    shifted = donsker_varadhan(joint + constant, marginal + constant)
    assert shifted.item() == pytest.approx(donsker_varadhan(joint, marginal).item(), abs=50 * ROUNDING)


@given(seed=st.integers(0, 1000))
def test_info_nce_ignores_a_function_of_x_and_tuba_one_that_the_baseline_shares(seed):
    joint, marginal = normal_scores(seed)
    of_x, baseline = normal_scores(seed + 1)[0], normal_scores(seed + 2)[0]
    moved = joint + of_x, marginal + of_x
    assert info_nce(*moved).item() == pytest.approx(info_nce(joint, marginal).item(), abs=ROUNDING)
    expected = tuba(joint, marginal, baseline).item()
    assert tuba(*moved, baseline + of_x).item() == pytest.approx(expected, abs=1e2 * ROUNDING)


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 5.0), constant=st.floats(-3.0, 3.0))
def test_order_of_nwj_tuba_and_donsker_varadhan(seed, scale, constant):
    joint, marginal = normal_scores(seed, scale)
    dv = donsker_varadhan(joint, marginal).item()
    # Values of e^T up to e^20 are summed.
    rounding = ROUNDING * (1.0 + math.exp(marginal.max().item()))
    best = log_mean_exp(marginal.flatten())
    assert nwj(joint, marginal).item() <= dv + rounding
    assert tuba(joint, marginal, torch.full_like(joint, constant)).item() <= dv + rounding
    assert tuba(joint, marginal, best.expand(20)).item() == pytest.approx(dv, abs=rounding)
    assert tuba(joint, marginal, torch.ones_like(joint)).item() == pytest.approx(
        nwj(joint, marginal).item(), abs=rounding
    )
    # A baseline for every x can do better than any constant, and none does better than its own row's mean of e^T.
    by_row = tuba(joint, marginal, log_mean_exp(marginal, 0)).item()
    assert by_row >= dv - rounding
    assert by_row >= tuba(joint, marginal, log_mean_exp(marginal, 0) + constant * joint).item() - rounding


@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize("gap", [0.0, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("shifts", [1, 6, 255])
def test_info_nce_never_exceeds_its_ceiling(dtype, gap, shifts):
    joint = torch.randn(3, 50, generator=torch.Generator().manual_seed(0), dtype=dtype) + gap
    marginal = torch.randn(3, shifts, 50, generator=torch.Generator().manual_seed(1), dtype=dtype)
    ceiling = torch.tensor(math.log(shifts + 1), dtype=dtype)
    assert (info_nce(joint, marginal) <= ceiling).all()
    if gap >= 30.0:
        assert torch.allclose(info_nce(joint, marginal), ceiling.expand(3))


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 5.0))
def test_smile_without_a_clip_is_donsker_varadhan_and_with_one_no_lower_bound(seed, scale):
    joint, marginal = normal_scores(seed, scale)
    dv = donsker_varadhan(joint, marginal).item()
    for clip in (math.inf, marginal.abs().max().item()):
        assert smile(joint, marginal, clip).item() == dv
    # A constant T holds no information; beyond the clip SMILE is the excess.
    constant = torch.full_like(joint, 5.0 + scale), torch.full_like(marginal, 5.0 + scale)
    assert smile(*constant, clip=5.0).item() == pytest.approx(scale, abs=ROUNDING)


def test_no_value_overflows_the_logarithm():
    assert log_mean_exp(torch.tensor([1e4, 1e4])).item() == 1e4
    assert log_mean_exp(torch.tensor([-1e4, -1e4])).item() == -1e4
    high, low = torch.full((4,), 1e4), torch.full((2, 4), -1e4)
    for value in (donsker_varadhan(high, low), info_nce(high, low), smile(high, low, 5.0), jensen_shannon(high, low)):
        assert math.isfinite(value.item())


@pytest.mark.parametrize("bound", [donsker_varadhan, nwj, tuba, info_nce, jensen_shannon])
def test_leading_axes_are_kept_and_a_missing_one_is_refused(bound):
    joint, marginal = torch.randn(5, 2, 4), torch.randn(5, 2, 3, 4)
    values = bound(joint, marginal)
    assert values.shape == (5, 2)
    assert torch.allclose(values[3, 1], bound(joint[3, 1], marginal[3, 1]))
    with pytest.raises(ValueError, match="t_marginal"):
        bound(joint, marginal[:, :, 0])
