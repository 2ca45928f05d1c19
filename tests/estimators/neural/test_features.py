"""What the network sees: fitted on training rows, finite for whatever the data hold, blind to monotone maps."""

import numpy as np
import pytest

from minecli.errors import DataError
from minecli.estimators.neural.features import MOST_KNOTS, FeatureMap, fit_knots, require_representable


def test_rank_features_are_scores_bent_values_products_and_a_radius(seed):
    x = np.random.default_rng(seed).standard_normal((2000, 3))
    features = FeatureMap(x, "rank")(x)
    assert features.shape == (2000, 10)
    # Scores of 2000 training rows are the normal quantiles of (i - 1/2) / n: variance 1 less the tails' share.
    assert np.allclose(features[:, :3].std(0), 1.0, atol=0.01)
    assert np.abs(features[:, [3, 4, 5, 9]]).max() <= 4.0
    energy = 4.0 * np.tanh(np.square(features[:, :3]).mean(1) / 4.0)
    turning = features[:, :3] * ((energy - energy.mean()) / energy.std())[:, None]
    assert np.allclose(features[:, 6:9], turning, atol=1e-12)


def test_weights_multiply_the_features():
    x = np.random.default_rng(0).standard_normal((100, 2))
    plain, weighed = FeatureMap(x, "rank"), FeatureMap(x, "rank")
    weighed.weights = np.arange(7.0)
    assert np.array_equal(weighed(x), plain(x) * np.arange(7.0))


def test_scores_do_not_change_under_monotone_maps(seed):
    x = np.random.default_rng(seed).standard_normal((500, 1))
    plain, mapped = FeatureMap(x, "rank")(x), FeatureMap(np.exp(3 * x), "rank")(np.exp(3 * x))
    assert np.allclose(plain[:, 0], mapped[:, 0], atol=1e-12)


def test_many_values_are_thinned_to_knots_and_stay_monotone(seed):
    column = np.random.default_rng(seed).standard_normal(20_000)
    knots = fit_knots(column)
    assert len(knots.values) <= MOST_KNOTS
    exact = np.argsort(np.argsort(column))
    # Between knots five ranks apart the map is linear: off by at most five ranks where the density is flat.
    from scipy.special import ndtr

    assert np.abs(ndtr(knots(column)) - (exact + 0.5) / 20_000).max() < 10 / 20_000
    assert (np.diff(knots(np.sort(column))) >= 0.0).all()


def test_values_outside_the_training_range_do_not_extrapolate():
    x = np.random.default_rng(0).standard_cauchy((1000, 2))
    fitted = FeatureMap(x, "rank")
    far = fitted(np.array([[1e300, -1e300], [np.finfo(float).max, np.finfo(float).min]]))
    assert np.isfinite(far).all()
    assert np.abs(far[:, [0, 1, 2, 3, 6]]).max() <= 4.0
    # A score of at most 3.3 times a mean square that is bent at 4 and has a standard deviation of about 1.
    assert np.abs(far[:, 4:6]).max() <= 16.0
    assert far[0, 0] == fitted(x)[:, 0].max()


def test_a_map_fitted_with_a_huge_value_still_separates_the_others():
    x = np.random.default_rng(0).standard_normal((1000, 1))
    x[17] = 1e300
    features = FeatureMap(x, "rank")(x)
    assert np.isfinite(features).all()
    assert len(np.unique(features[:, 0])) == 1000


@pytest.mark.parametrize("preprocess", ["rank", "standardize", "none"])
def test_constant_and_two_valued_columns_are_finite(preprocess):
    x = np.column_stack([np.full(50, 3.0), np.arange(50) % 2])
    assert np.isfinite(FeatureMap(x, preprocess)(x)).all()


def test_indicator_of_a_rare_level_is_scaled_by_its_own_spread():
    x = (np.arange(1000) % 100 == 0).astype(float)[:, None]
    features = FeatureMap(x, "rank")(x)
    assert np.ptp(features[:, 1]) > 1.0


def test_standardize_is_fitted_to_training_rows_and_bent_at_ten():
    training, other = np.array([[0.0], [2.0]]), np.array([[4.0]])
    assert FeatureMap(training, "standardize")(other).item() == pytest.approx(10.0 * np.tanh(0.3))


def test_none_passes_through():
    x = np.arange(6.0).reshape(3, 2)
    assert FeatureMap(x, "none")(x) is x


def test_values_beyond_single_precision_are_refused_when_passed_through():
    x, z = np.array([[1e300]]), np.array([[1.0]])
    with pytest.raises(
        DataError, match=r"x holds a value of magnitude 1e\+300, beyond the range of float32 .*--preprocess"
    ):
        require_representable(x, z, "float32")
    require_representable(x, z, "float64")
