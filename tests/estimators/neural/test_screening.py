"""Weights of features: large where the other side is told about, small for many that tell nothing, never 0."""

import numpy as np
import pytest

from minecli.estimators.neural import screening
from minecli.estimators.neural.screening import MOST_AMPLIFIED, screen


def noise(seed, columns, rows=3000):
    return np.random.default_rng(seed).standard_normal((rows, columns))


def test_the_relevant_among_many_stand_out(seed):
    x, z = noise(seed, 60), noise(seed + 1000, 40)
    z[:, 7] += x[:, 11]
    own, other = screen(x, z, 0, 0)
    assert own.argmax() == 11
    assert other.argmax() == 7
    assert own[11] == pytest.approx(MOST_AMPLIFIED)  # one of 60 would need sqrt(60 / 1.3)
    irrelevant = np.delete(own, 11)
    # The largest of 60 * 80 correlations by chance exceeds its expected square by 5 / n less than once in 100 draws.
    assert irrelevant.max() <= own[11] * max(4 / 60, np.sqrt(5 / 3000 / 0.4))
    assert irrelevant.min() > 0.0


def test_a_square_speaks_for_its_feature_only_where_it_may(seed):
    x, z = noise(seed, 20), noise(seed + 1000, 20)
    z[:, 0] += np.square(x[:, 5])
    assert screen(x, z, 20, 20)[0].argmax() == 5
    silent = screen(x, z, 5, 20)[0]
    assert silent[5] < silent.max() or np.ptp(silent) == 0.0


def test_nothing_relevant_changes_nothing():
    x = np.tile([[1.0], [-1.0], [1.0], [-1.0]], (500, 3))
    z = np.tile([[1.0], [1.0], [-1.0], [-1.0]], (500, 2))  # orthogonal to x exactly
    own, other = screen(x, z, 3, 2)
    assert own.tolist() == [1.0] * 3
    assert other.tolist() == [1.0] * 2


def test_few_features_are_all_kept_at_full_weight(seed):
    x, z = noise(seed, 4), noise(seed + 1000, 4)
    z[:, 0] += x[:, 0]
    assert np.ptp(screen(x, z, 4, 4)[0]) == 0.0


def test_constant_features_and_wide_sides_are_finite(monkeypatch):
    x, z = noise(0, 30), noise(1, 30)
    x[:, 3] = 7.0
    z[:, 0] += x[:, 0]
    monkeypatch.setattr(screening, "MOST_PRODUCTS", 1.0)  # then the fewest rows are used
    own, other = screen(x, z, 30, 30)
    assert np.isfinite(own).all()
    assert np.isfinite(other).all()
    assert own.argmax() == 0
