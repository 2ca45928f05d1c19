"""The estimator for mixtures: closed forms of discrete, continuous and mixed data."""

import math

import numpy as np
import pytest
from slow_knn import slow_terms

from minecli.errors import DataError, UsageError
from minecli.estimators.config import KsgConfig, MixedKsgConfig
from minecli.estimators.context import Context
from minecli.estimators.nearest.ksg import estimate_ksg
from minecli.estimators.nearest.mixed_ksg import estimate_mixed_ksg
from minecli.estimators.nearest.neighbours import Rule
from minecli.estimators.nearest.scaling import rescale
from minecli.result import Status


def estimate(x, z, **config):
    return estimate_mixed_ksg(x, z, MixedKsgConfig(**config), Context())


def column(values):
    return np.asarray(values, dtype=float)[:, None]


def plug_in(x, z):
    """sum p ln(p / (p_x p_z)) of the observed frequencies."""
    _, i = np.unique(x, return_inverse=True)
    _, j = np.unique(z, return_inverse=True)
    table = np.zeros((i.max() + 1, j.max() + 1))
    np.add.at(table, (i.ravel(), j.ravel()), 1.0 / len(x))
    inside = table > 0
    return float((table * np.log(table / np.outer(table.sum(1), table.sum(0)), where=inside, out=0 * table)).sum())


def test_discrete_columns_give_the_corrected_plug_in_value():
    g = np.random.default_rng(0)
    x = g.integers(0, 3, 3000)
    z = np.where(g.random(3000) < 0.7, x, g.integers(0, 3, 3000))
    correction = -(9 - 3 - 3 + 1) / (2 * 3000)
    # psi(m) = ln m - 1 / (2 m) - 1 / (12 m^2) + ...: over 9 cells, 6 margins and n the last terms add up to at most
    # (81 / 0.09 + ...) / (12 * 3000^2) < 1e-5.
    assert estimate(column(x), column(z)).mi_nats == pytest.approx(plug_in(x, z) + correction, abs=1e-5)


def test_a_deterministic_label_gives_its_entropy():
    x = np.repeat([0.0, 1.0, 2.0, 3.0], 250)
    # ln 4 = psi(1000) - psi(250) up to (1/250 - 1/1000) / 2.
    assert estimate(column(x), column(x)).mi_nats == pytest.approx(math.log(4), abs=0.0016)


@pytest.mark.parametrize("d", [1, 3])
def test_continuous_columns_give_ksg_exactly(d):
    g = np.random.default_rng(1)
    x = g.standard_normal((400, d))
    z = x + g.standard_normal((400, d))
    assert estimate(x, z).mi_nats == estimate_ksg(x, z, KsgConfig(), Context()).mi_nats


@pytest.mark.parametrize("search", ["tree", "brute"])
@pytest.mark.parametrize("step", [0.03, 0.3, 1.0])
def test_equals_the_slow_version_on_rounded_values(search, step):
    g = np.random.default_rng(2)
    x = g.standard_normal((200, 1))
    x, z = (np.round(v / step) * step for v in (x, 0.6 * x + 0.8 * g.standard_normal((200, 1))))
    expected = slow_terms(rescale(x, "rank"), rescale(z, "rank"), 3, Rule.MIXTURE).mean()
    # The counts are equal; only the order of summation differs.
    assert estimate(x, z, search=search).mi_nats == pytest.approx(expected, abs=1e-10)


def test_a_label_and_its_gaussian_scores():
    g = np.random.default_rng(3)
    label = g.integers(0, 2, 2000)
    score = 2 * label - 1 + g.standard_normal(2000)
    at = np.linspace(-9, 9, 20001)
    density = 0.5 * (np.exp(-0.5 * (at - 1) ** 2) + np.exp(-0.5 * (at + 1) ** 2)) / math.sqrt(2 * math.pi)
    truth = -np.trapezoid(density * np.log(density), at) - 0.5 * math.log(2 * math.pi * math.e)
    # At n = 500 the bias was below 0.008 and the standard deviation 0.028; the latter halves at 2,000.
    # 4.5 of these: false-fail rate 7e-6.
    assert abs(estimate(column(label), column(score)).mi_nats - truth) < 0.008 + 4.5 * 0.014


def test_an_integer_and_a_uniform_on_top_of_it():
    g = np.random.default_rng(4)
    x = g.integers(0, 5, 2000)
    z = x + 2 * g.random(2000)
    truth = math.log(5) - 0.8 * math.log(2)  # Gao et al. 2017, section 4: m = 5
    # At n = 500 the bias was -0.013 at most and the standard deviation 0.025, half of it at 2,000;
    # 4.5 of these: false-fail rate 7e-6.
    assert abs(estimate(column(x), column(z)).mi_nats - truth) < 0.013 + 4.5 * 0.0125


def test_rounding_moves_it_far_less_than_ksg():
    g = np.random.default_rng(5)
    x = g.standard_normal((1000, 1))
    z = 0.6 * x + 0.8 * g.standard_normal((1000, 1))
    rounded = np.round(x, 1), np.round(z, 1)
    truth = -0.5 * math.log(0.64)
    # Over 10 draws: bias +0.035, standard deviation below 0.04 (KSG: +0.19); 4.5 of these, false-fail rate 7e-6.
    assert abs(estimate(*rounded).mi_nats - truth) < 0.035 + 4.5 * 0.04


def test_ties_are_counted_but_not_warned_of():
    x = np.random.default_rng(6).integers(0, 4, (300, 2)).astype(float)
    result = estimate(x[:, :1], x[:, 1:])
    assert result.diagnostics == ()
    assert result.details["tied_share_x"] == 1.0
    assert result.trustworthy
    assert result.estimator == "mixed-ksg"
    assert result.mi_nats in result.interval


def test_a_repeated_continuous_column_has_infinite_information():
    x = np.random.default_rng(7).standard_normal((100, 1))
    assert estimate(x, -x).status is Status.INFINITE


def test_errors_are_those_of_ksg():
    with pytest.raises(DataError, match="2 rows are too few for k = 3 neighbours"):
        estimate(column([0, 1]), column([0, 1]))
    with pytest.raises(DataError, match="every column of x is constant"):
        estimate(column([1] * 9), column(range(9)))
    with pytest.raises(UsageError, match="k is 0"):
        MixedKsgConfig(k=0)
    with pytest.raises(UsageError, match="search is 'x'"):
        MixedKsgConfig(search="x")
