"""The table of levels: exact values, invariances, bias, interval, and warnings where the table is too thin."""

import json
import math

import numpy as np
import pytest
from scipy.special import digamma, xlogy
from scipy.stats import binom
from sklearn.metrics import mutual_info_score

from minecli.errors import DataError, UsageError
from minecli.estimators.config import PlugInConfig
from minecli.estimators.context import Context
from minecli.estimators.contingency import contingency_table, level_codes
from minecli.estimators.discrete_entropy import entropy, unseen_nats
from minecli.estimators.plug_in import estimate_plug_in
from minecli.estimators.registry import ESTIMATORS
from minecli.result import DiagnosticCode, Severity, Status
from minecli.runtime.seeds import generator

CORRECTIONS = ["none", "miller-madow", "chao-wang-jost"]


def rows_of(counts):
    """One row per count of the table, as columns of codes."""
    counts = np.asarray(counts)
    x, z = np.indices(counts.shape)
    return tuple(np.repeat(side.ravel(), counts.ravel())[:, None] * 1.0 for side in (x, z))


def estimate(x, z, context=None, **config):
    return estimate_plug_in(x, z, PlugInConfig(**config), context or Context())


def dependent(levels, share=0.3):
    return (1 - share) * np.full((levels, levels), 1 / levels**2) + share * np.eye(levels) / levels


def information(p):
    return float(np.sum(p * np.log(p / np.outer(p.sum(axis=1), p.sum(axis=0)))))


def draws(p, n, many, seed, *names):
    return generator(seed, "plug-in", *names).multinomial(n, p.ravel(), size=many).reshape(many, *p.shape)


def test_a_small_table_by_hand():
    # p = 4/10, 1/10, 2/10, 3/10; margins 1/2, 1/2 and 6/10, 4/10.
    x, z = rows_of([[4, 1], [2, 3]])
    expected = 0.4 * math.log(0.4 / 0.3) + 0.1 * math.log(0.1 / 0.2) + 0.2 * math.log(0.2 / 0.3) + 0.3 * math.log(1.5)
    plain = estimate(x, z, correction="none")
    assert plain.mi_nats == pytest.approx(expected, abs=1e-15)
    assert estimate(x, z, correction="miller-madow").mi_nats == pytest.approx(expected - 1 / 20, abs=1e-15)
    assert plain.details == {
        "correction": "none",
        "levels_x": 2,
        "levels_z": 2,
        "cells_occupied": 4,
        "smallest_expected_count": pytest.approx(2.0, abs=1e-15),
        "plug_in_nats": plain.mi_nats,
        "subtracted_nats": 0.0,
        "entropy_x_nats": pytest.approx(math.log(2), abs=1e-15),
        "entropy_z_nats": pytest.approx(-0.6 * math.log(0.6) - 0.4 * math.log(0.4), abs=1e-15),
        "determined": None,
    }
    corrected = estimate(x, z)
    seen = sum(c * digamma(c) for c in (4, 1, 2, 3)) - sum(c * digamma(c) for c in (5, 5, 6, 4))
    assert corrected.mi_nats == pytest.approx(seen / 10 + digamma(10) - unseen_nats(1, 1, 10), abs=1e-14)
    assert corrected.details["subtracted_nats"] == pytest.approx(expected - corrected.mi_nats, abs=1e-14)


@pytest.mark.parametrize(("once", "twice", "n"), [(1, 3, 20), (7, 0, 100), (50, 20, 500), (900, 800, 4000)])
def test_the_unseen_are_the_series(once, twice, n):
    share = 2 * twice / ((n - 1) * once + 2 * twice) if twice else 2 / ((n - 1) * (once - 1) + 2)
    r = np.arange(n, n + 40 / share)
    # -ln A = sum over all r of (1 - A)^r / r; e^-40 is far below rounding.
    series = once / n * np.sum((1 - share) ** (r - n + 1) / r)
    assert unseen_nats(once, twice, n) == pytest.approx(series, rel=1e-11)


def test_the_uncorrected_value_is_scikit_learns(seed):
    for counts in draws(dependent(6), 300, 5, seed, "sklearn"):
        x, z = rows_of(counts)
        assert estimate(x, z, correction="none").mi_nats == pytest.approx(
            mutual_info_score(x[:, 0], z[:, 0]), abs=1e-14
        )


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_names_of_levels_order_of_rows_and_of_sides_change_nothing(correction, seed):
    x, z = rows_of(draws(dependent(5), 200, 1, seed, "names")[0])
    straight = estimate(x, z, correction=correction)
    order = generator(seed, "order").permutation(len(x))
    names = np.array([3.7, -1e300, 0.1, 5e-324, 12.0])
    others = [
        estimate(x[order], z[order], correction=correction),
        estimate(z, x, correction=correction),
        estimate(names[x[:, 0].astype(int)][:, None], z, correction=correction),
    ]
    for other in others:
        assert other.mi_nats == pytest.approx(straight.mi_nats, abs=1e-13)
        assert other.standard_error_nats == pytest.approx(straight.standard_error_nats, rel=1e-9)
        assert other.interval.low_nats == pytest.approx(straight.interval.low_nats, abs=1e-11)


def test_levels_are_distinct_rows(seed):
    g = generator(seed, "levels")
    side = np.c_[g.integers(-2, 3, size=(400, 2)), g.choice([0.1, 0.2, 0.30000000000000004, 0.3], size=400)]
    side[::7, 0] = -0.0
    _, expected = np.unique(side + 0.0, axis=0, return_inverse=True)
    assert level_codes(side).tolist() == expected.ravel().tolist()
    # So many columns that the codes have to be renumbered on the way: 5^40 combinations.
    wide = np.repeat(g.standard_normal((5, 40)), 80, axis=0)[g.permutation(400)]
    _, expected = np.unique(wide, axis=0, return_inverse=True)
    assert level_codes(wide).tolist() == expected.ravel().tolist()
    assert level_codes(np.array([[1e308], [-1e308], [1e308]])).tolist() == [1, 0, 1]


def test_dummies_are_as_good_as_codes(seed):
    x, z = rows_of(draws(dependent(30), 2000, 1, seed, "dummies")[0])
    dummies = (x == np.arange(30.0)) * 1.0
    assert estimate(dummies, z).mi_nats == pytest.approx(estimate(x, z).mi_nats, abs=1e-13)
    many = estimate(dummies, (z == np.arange(30.0)) * 0.25)
    assert many.details["levels_x"] == many.details["levels_z"] == 30


def test_the_table_holds_occupied_cells_alone():
    n = 50_000
    codes = np.arange(n)[:, None] * 1.0
    table = contingency_table(codes, codes[::-1])
    assert len(table.counts) == n
    assert (table.x_of + table.z_of == n - 1).all()


@pytest.mark.parametrize("correction", CORRECTIONS)
@pytest.mark.parametrize(
    "counts", [[[9, 1, 0], [2, 3, 4], [0, 2, 1]], [[1, 0], [1, 2]], [[5, 0, 0], [0, 3, 0], [0, 0, 1]]]
)
def test_the_jackknife_leaves_out_each_row(correction, counts):
    from minecli.estimators.plug_in import standard_errors

    def value(x, z):
        table = contingency_table(x, z)
        x, z, both = (entropy(c, correction) for c in (table.x_counts, table.z_counts, table.counts))
        return x + z - both

    x, z = rows_of(counts)
    n = len(x)
    kept = ~np.eye(n, dtype=bool)
    without = np.array([value(x[rows], z[rows]) for rows in kept])
    errors = standard_errors(contingency_table(x, z), correction)
    assert errors.bias == pytest.approx((n - 1) * (without.mean() - value(x, z)), abs=1e-12)
    jackknife = (n - 1) * without.var()
    second = errors.at_zero**2
    assert errors.total**2 == pytest.approx(second + max(0.0, jackknife - 2 * second), abs=1e-12)


def plug_in_bias(p, n):
    """The exact mean error of the plug-in value: each count is binomial."""
    k = np.arange(n + 1)

    def mean_entropy(shares):
        distinct, times = np.unique(np.round(shares, 12), return_counts=True)
        return -sum(
            m * (binom.pmf(k, n, share) @ xlogy(k / n, k / n)) for share, m in zip(distinct, times, strict=True)
        )

    return mean_entropy(p.sum(axis=1)) + mean_entropy(p.sum(axis=0)) - mean_entropy(p.ravel()) - information(p)


@pytest.mark.parametrize(
    ("levels", "share", "n"), [(2, 0.1, 500), (5, 0.5, 1000), (10, 0.1, 500), (20, 0.8, 500), (30, 0.0, 500)]
)
def test_the_correction_leaves_less_than_a_third_of_the_bias(levels, share, n, seed):
    p = dependent(levels, share)
    details = [estimate(*rows_of(counts)).details for counts in draws(p, n, 60, seed, "bias", levels, n)]
    subtracted = np.array([d["subtracted_nats"] for d in details])
    bias = plug_in_bias(p, n)
    # What is left was measured to be 5 % at most; what is subtracted scatters by 15 % at most, its mean by 2 %.
    assert subtracted.std(ddof=1) < 0.3 * bias
    assert abs(bias - subtracted.mean()) < bias / 3
    plain = np.array([d["plug_in_nats"] for d in details])
    # False-fail rate of 4.5 standard errors of a mean of 60: 3e-5.
    assert abs(plain.mean() - information(p) - bias) < 4.5 * plain.std(ddof=1) / math.sqrt(60)


@pytest.mark.parametrize(("levels", "share", "n"), [(2, 0.0, 500), (2, 0.1, 500), (5, 0.0, 1000), (10, 0.1, 500)])
def test_the_interval_covers_weak_dependence(levels, share, n, seed):
    p = dependent(levels, share)
    results = [estimate(*rows_of(counts)) for counts in draws(p, n, 200, seed, "coverage", levels, n)]
    covered = sum(information(p) in r.interval for r in results)
    # Binomial(200, 0.94) is below 173 with probability 3e-5; bounds symmetric in nats cover 81 % of the second case.
    assert covered >= 173
    assert all(r.interval.low_nats < r.mi_nats < r.interval.high_nats for r in results)


def test_the_standard_error_matches_repeated_draws(seed):
    p = dependent(5, 0.5)
    results = [estimate(*rows_of(counts)) for counts in draws(p, 1000, 200, seed, "error")]
    ratio = np.mean([r.standard_error_nats for r in results]) / np.std([r.mi_nats for r in results], ddof=1)
    # 200 draws know the scatter to 5 %; 4.5 of these and 5 % for the formula.
    assert 0.72 < ratio < 1.28


def test_a_side_that_the_other_determines_has_its_entropy(seed):
    x = generator(seed, "determined").integers(6, size=(1000, 1)) * 1.0
    of_x = np.floor(x / 2) ** 2
    result = estimate(x, of_x)
    assert result.details["determined"] == "z"
    assert estimate(of_x, x).details["determined"] == "x"
    assert estimate(x, -x).details["determined"] == "both"
    assert result.mi_nats == pytest.approx(result.details["entropy_z_nats"], abs=1e-13)
    shares = np.bincount(of_x[:, 0].astype(int)) / 1000
    logs = np.log(shares[shares > 0])
    variance = shares[shares > 0] @ logs**2 - (shares[shares > 0] @ logs) ** 2
    second = (3 - 1) / (2 * 1000**2)
    # The delta method for an entropy, and what is left of the scatter where levels are even; the jackknife differs by
    # terms of order 1/n from the former.
    expected = math.sqrt(second + max(0.0, variance / 1000 - 2 * second))
    assert result.standard_error_nats == pytest.approx(expected, rel=0.05)
    assert math.log(3) in result.interval


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_rows_add_up_to_the_value(correction, seed):
    x, z = rows_of(draws(dependent(4), 300, 1, seed, "rows")[0])
    result = estimate(x, z, correction=correction)
    terms = np.asarray(result.pointwise_nats)
    assert terms.shape == (300,)
    assert terms.mean() == pytest.approx(result.mi_nats, abs=1e-14)
    same = (x[:, 0] == 1) & (z[:, 0] == 1)
    ratio = same.mean() / ((x == 1).mean() * (z == 1).mean())
    expected = math.log(ratio) + result.mi_nats - result.details["plug_in_nats"]
    assert terms[same] == pytest.approx(expected, abs=1e-13)


def warnings(result):
    return [(d.code, d.severity) for d in result.diagnostics]


FEW = [(DiagnosticCode.THIN_TABLE, Severity.WARNING)]


def test_thin_tables_warn(seed):
    g = generator(seed, "thin")
    x, z = g.integers(30, size=(2, 500, 1)) * 1.0
    thin = estimate(x, z)
    assert warnings(thin) == FEW
    assert thin.diagnostics[0].message.startswith(f"500 rows fill {thin.details['cells_occupied']} cells, ")
    assert "the value is probably too high, by up to about 0." in thin.diagnostics[0].message
    # The uncorrected value is off long before the corrected one is.
    x, z = g.integers(10, size=(2, 500, 1)) * 1.0
    assert warnings(estimate(x, z)) == []
    assert warnings(estimate(x, z, correction="none")) == FEW
    assert warnings(estimate(*g.integers(30, size=(2, 10_000, 1)) * 1.0)) == []


def test_continuous_values_warn(seed):
    g = generator(seed, "continuous")
    x, z = g.standard_normal((2, 2000, 1))
    label = (z > 0) * 1.0
    for result in (estimate(x, z), estimate(x, label), estimate(label, x), estimate(np.round(x, 3), label)):
        assert warnings(result) == FEW
    assert "x has 2000 different values in 2000 rows" in estimate(x, label).diagnostics[0].message
    assert "probably far too high" in estimate(x, label).diagnostics[0].message
    # One row in ten is continuous: the table takes each of these for determined.
    some = np.where(g.random((2000, 1)) < 0.1, x, 0.0)
    assert warnings(estimate(some, label)) == FEW
    assert warnings(estimate(np.round(x), label)) == []


def test_constant_columns():
    x, z = rows_of([[5, 2], [1, 7]])
    with pytest.raises(DataError, match="every column of z is constant"):
        estimate(x, 0 * z)
    with pytest.raises(ValueError, match="x has 15 rows, z has 14"):
        estimate(x, z[1:])
    beside = estimate(np.c_[x, np.ones(15)], z)
    assert beside.mi_nats == estimate(x, z).mi_nats
    assert beside.diagnostics[0].code is DiagnosticCode.CONSTANT_COLUMN


def test_two_rows_are_no_trouble():
    x = np.array([[0.0], [1.0]])
    for correction in CORRECTIONS:
        result = estimate(x, x, correction=correction)
        assert math.isfinite(result.mi_nats)
        assert result.interval.low_nats < result.interval.high_nats
        assert warnings(result) == FEW


def test_settings_details_and_progress():
    heard = []
    x, z = rows_of([[5, 2], [1, 7]])
    result = estimate(x, z, Context(observer=heard.append, confidence=0.5))
    assert result.status is Status.CONVERGED
    assert json.loads(json.dumps(dict(result.details), allow_nan=False)) == result.details
    assert (heard[-1].stage, heard[-1].step, heard[-1].total) == ("plug-in", 1, 1)
    wide = estimate(x, z).interval
    assert wide.low_nats < result.interval.low_nats < result.interval.high_nats < wide.high_nats
    with pytest.raises(UsageError, match=r"^correction is 'shrinkage'; it must be one of "):
        PlugInConfig(correction="shrinkage")
    names = list(ESTIMATORS)
    assert names.index("plug-in") == names.index("gaussian") - 1
    assert ESTIMATORS["plug-in"].kind == "table"
