"""Column maps: what they do, what they leave alone, and that no finite value breaks them."""

import numpy as np
import pytest

from minecli.estimators.nearest.scaling import normal_scores, rescale

HUGE = np.array([[-1.7e308], [0.0], [1e-300], [2.0], [1.7e308]])


@pytest.mark.parametrize("preprocess", ["rank", "standardize", "none"])
def test_finite_stays_finite_and_the_input_is_untouched(preprocess):
    columns = HUGE.copy()
    assert np.isfinite(rescale(columns, preprocess)).all()
    assert (columns == HUGE).all()


def test_none_copies():
    columns = HUGE.copy()
    copied = rescale(columns, "none")
    assert (copied == columns).all()
    assert copied is not columns


def test_standardized_columns_have_unit_deviation_and_median_zero():
    columns = np.random.default_rng(0).standard_normal((101, 3)) * [1.0, 1e200, 1e-200] + 5
    scaled = rescale(columns[:, :2], "standardize")
    # Rounding of 101 squares.
    np.testing.assert_allclose(scaled.std(axis=0), 1.0, atol=1e-13)
    assert (np.median(scaled, axis=0) == 0.0).all()


def test_one_huge_value_leaves_the_others_apart():
    columns = np.r_[np.arange(10.0), 1e300][:, None]
    assert len(np.unique(rescale(columns, "standardize"))) == 11
    assert len(np.unique(rescale(columns, "rank"))) == 11


@pytest.mark.parametrize("preprocess", ["rank", "standardize"])
def test_a_constant_column_becomes_zeros(preprocess):
    assert (rescale(np.full((4, 1), 3e307), preprocess) == 0.0).all()


def test_equal_values_stay_equal_and_order_is_kept():
    column = np.array([3.0, 1.0, 3.0, 2.0, 9.0])
    scores = normal_scores(column)
    assert scores[0] == scores[2]
    assert (np.argsort(scores, kind="stable") == np.argsort(column, kind="stable")).all()


@pytest.mark.parametrize("n", [2, 7, 100])
def test_scores_of_a_reversed_column_are_exactly_opposite(n):
    column = np.random.default_rng(n).integers(0, 60, n).astype(float)
    assert (normal_scores(-column) == -normal_scores(column)).all()
