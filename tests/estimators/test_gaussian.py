"""The Gaussian closed form: exact values, exact bias, standard error, degenerate columns."""

import json
import math

import numpy as np
import pytest

from minecli.errors import DataError, UsageError
from minecli.estimators.config import GaussianConfig
from minecli.estimators.context import Context
from minecli.estimators.gaussian import estimate_gaussian, plug_in_excess
from minecli.result import DiagnosticCode, Severity, Status


def gaussian(n, d=1, rho=0.6, seed=0):
    g = np.random.default_rng(seed)
    x = g.standard_normal((n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * g.standard_normal((n, d))


def estimate(x, z, context=None, **config):
    return estimate_gaussian(x, z, GaussianConfig(**config), context or Context())


def test_equals_the_log_determinants():
    x, z = gaussian(60, 3)
    x = x @ np.array([[1, 2, 0], [0, 1, 3], [1, 0, 1.0]])
    both = np.cov(np.hstack([x, z]), rowvar=False)
    expected = 0.5 * (
        np.linalg.slogdet(both[:3, :3])[1] + np.linalg.slogdet(both[3:, 3:])[1] - np.linalg.slogdet(both)[1]
    )
    # Condition numbers below 1e3 lose three of sixteen digits.
    assert estimate(x, z, bias_correction=False).mi_nats == pytest.approx(expected, abs=1e-12)


def test_one_column_each_is_the_correlation():
    x, z = gaussian(60)
    r = np.corrcoef(x[:, 0], z[:, 0])[0, 1]
    result = estimate(x, z, bias_correction=False)
    assert result.mi_nats == pytest.approx(-0.5 * math.log(1 - r**2), abs=1e-14)
    assert result.details["canonical_correlations"] == pytest.approx([abs(r)], abs=1e-14)


def test_affine_maps_change_nothing():
    x, z = gaussian(80, 2)
    mixed = x @ np.array([[1.0, 2.0], [3.0, -1.0]]) + 5
    assert estimate(mixed, 1e6 * z).mi_nats == pytest.approx(estimate(x, z).mi_nats, abs=1e-12)


def test_swapping_the_sides_changes_nothing():
    x, z = gaussian(80, 2)
    swapped, straight = estimate(z, x[:, :1]), estimate(x[:, :1], z)
    assert swapped.mi_nats == pytest.approx(straight.mi_nats, abs=1e-13)
    assert swapped.standard_error_nats == pytest.approx(straight.standard_error_nats, abs=1e-13)


def test_ranks_make_monotone_maps_change_nothing():
    x, z = gaussian(80, 2)
    assert estimate(np.exp(x), z**3, preprocess="rank").mi_nats == pytest.approx(
        estimate(x, z, preprocess="rank").mi_nats, abs=1e-13
    )


@pytest.mark.parametrize(("n", "d", "rho"), [(20, 1, 0.5), (30, 5, 0.3), (30, 5, 0.8)])
def test_the_correction_removes_the_excess_exactly(n, d, rho):
    values = np.array([estimate(*gaussian(n, d, rho, seed)).mi_nats for seed in range(400)])
    truth = -0.5 * d * math.log(1 - rho**2)
    error = values.std(ddof=1) / math.sqrt(400)
    # Student's t with 399 degrees of freedom: false-fail rate 1e-5 at 4.5. The excess removed is 3 to 20 such errors.
    assert abs(values.mean() - truth) < 4.5 * error
    assert plug_in_excess(n, d, d) > 1.5 * error


def test_the_excess_is_near_its_leading_term():
    # The next term is about d_x d_z (d_x + d_z) / (4 n^2).
    assert plug_in_excess(100_000, 3, 4) == pytest.approx(12 / 200_000, abs=2 * 12 * 7 / (4 * 1e10))


@pytest.mark.parametrize(("d", "rho"), [(1, 0.2), (1, 0.9), (5, 0.5)])
def test_the_standard_error_and_the_interval_match_repeated_draws(d, rho):
    results = [estimate(*gaussian(400, d, rho, seed)) for seed in range(300)]
    values = np.array([r.mi_nats for r in results])
    ratio = math.sqrt(np.mean([r.standard_error_nats**2 for r in results])) / values.std(ddof=1)
    # 300 draws know the scatter to 4.1 %, and the formula was within 13 %; 4.5 of the former: false-fail rate 7e-6.
    assert abs(ratio - 1) < 0.13 + 4.5 * 0.041
    truth = -0.5 * d * math.log(1 - rho**2)
    # Binomial(300, 0.935) is below 260 with probability 1e-5.
    assert sum(truth in r.interval for r in results) >= 260


@pytest.mark.parametrize("rho", [0.0, 0.05])
def test_the_interval_covers_weak_dependence(rho):
    truth = -0.5 * math.log(1 - rho**2)
    covered = sum(truth in estimate(*gaussian(1000, 1, rho, seed)).interval for seed in range(200))
    # Binomial(200, 0.95) is below 175 with probability 1e-5; bounds symmetric in nats cover 79 % of rho = 0.05.
    assert covered >= 175


def test_a_linear_function_has_infinite_information():
    x, z = gaussian(50, 2)
    result = estimate(x, np.c_[z[:, 0], x @ [2.0, -1.0] + 3])
    assert (result.mi_nats, result.status, result.interval) == (None, Status.INFINITE, None)
    assert result.details["canonical_correlations"][0] == pytest.approx(1.0, abs=1e-13)


def test_almost_linear_is_finite():
    x, z = gaussian(200, 1, 0.0)
    # ln(1e5) up to the scatter of the two sample variances, 1 / sqrt(200) each; 5 of these.
    assert estimate(x, x + 1e-5 * z).mi_nats == pytest.approx(math.log(1e5), abs=5 * math.sqrt(2 / 200))


def test_redundant_columns_are_left_out_and_said():
    x, z = gaussian(100, 2)
    result = estimate(np.c_[x, x.sum(axis=1), np.ones(100)], z)
    # The redundant sum loses a few bits more.
    assert result.mi_nats == pytest.approx(estimate(x, z).mi_nats, abs=1e-12)
    assert [d.code for d in result.diagnostics] == [
        DiagnosticCode.CONSTANT_COLUMN,
        DiagnosticCode.REDUNDANT_COLUMNS,
    ]
    assert all(d.severity is Severity.NOTE for d in result.diagnostics)
    assert result.diagnostics[1].message.startswith("2 of the x columns are linear combinations")
    assert result.details["rank_x"] == 2


@pytest.mark.parametrize("preprocess", ["rank", "none"])
def test_huge_values_stay_finite(preprocess):
    x, z = gaussian(100)
    x[3] = 1e300
    result = estimate(x, z, preprocess=preprocess)
    assert math.isfinite(result.mi_nats)
    assert math.isfinite(result.standard_error_nats)


def test_too_few_rows():
    x, z = gaussian(7, 3)
    with pytest.raises(DataError) as error:
        estimate(x, z)
    assert str(error.value) == (
        "7 rows are too few for the correlations of 3 + 3 columns; at least 8 are needed "
        "(give more rows or fewer columns)"
    )
    assert estimate(*gaussian(8, 3)).status is Status.CONVERGED


def test_other_bad_input():
    x, z = gaussian(30)
    with pytest.raises(DataError, match="every column of x is constant"):
        estimate(0 * x, z)
    with pytest.raises(ValueError, match="x has 30 rows, z has 29"):
        estimate(x, z[1:])
    with pytest.raises(UsageError, match=r"^preprocess is 'standardize'; it must be one of rank, none$"):
        GaussianConfig(preprocess="standardize")


def test_details_are_plain_json_and_progress_is_told():
    heard = []
    result = estimate(*gaussian(50, 2), Context(observer=heard.append))
    assert json.loads(json.dumps(dict(result.details), allow_nan=False)) == result.details
    assert (heard[-1].stage, heard[-1].step, heard[-1].total) == ("gaussian", 1, 1)
