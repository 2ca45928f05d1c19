"""Numbers as atoms and normal scores."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from minecli.apps.datasets.number_scale import NumberScale


def test_scores_are_normal_whatever_the_numbers(seed):
    rng = np.random.default_rng(seed)
    for values in (rng.exponential(3.0, 4000), np.exp(5.0 * rng.standard_normal(4000)), rng.uniform(-1, 1, 4000)):
        scale = NumberScale.of(values)
        assert len(scale.atoms) == 0
        scores = scale.scores_of(values)
        # 4,000 ranks are spread over the normal's as evenly as they can be.
        assert kstest(scores, "norm").statistic < 0.002
        # Between a thousand quantiles values lie on straight lines.
        back = scale.values_of(np.zeros(4000, np.int64), scores)
        assert np.abs(back - values).max() <= np.diff(np.sort(values)).max() * 4
        assert back.min() == values.min()
        assert back.max() == values.max()


def test_values_that_many_share_are_atoms_and_come_back_exactly(seed):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(1000) < 0.3, 0.0, rng.exponential(2.0, 1000))
    scale = NumberScale.of(values)
    assert scale.atoms.tolist() == [0.0]
    chosen = scale.chosen(values)
    assert chosen.tolist() == (values != 0.0).astype(int).tolist()
    back = scale.values_of(chosen, scale.scores_of(values))
    assert (back[values == 0.0] == 0.0).all()
    np.testing.assert_allclose(back, values, rtol=1e-9)


def test_few_values_are_all_atoms_and_unknown_ones_the_nearest():
    scale = NumberScale.of(np.repeat([1.0, 2.0, 5.0], [90, 9, 1]))
    assert scale.atoms.tolist() == [1.0, 2.0, 5.0]
    assert not scale.continuous
    assert scale.chosen(np.array([1.4, 9.0])).tolist() == [0, 2]
    assert scale.values_of(np.array([2, 0]), np.zeros(2)).tolist() == [5.0, 1.0]


def test_few_rows_that_all_differ_have_no_atoms():
    scale = NumberScale.of(np.arange(8.0))
    assert (len(scale.atoms), len(scale.values)) == (0, 8)


def test_values_beyond_those_known_are_held_at_the_ends():
    scale = NumberScale.of(np.arange(100.0))
    assert scale.scores_of(np.array([-5.0, 500.0])).tolist() == [scale.scores[0], scale.scores[-1]]
    assert scale.values_of(np.zeros(2, np.int64), np.array([-9.0, 9.0])).tolist() == [0.0, 99.0]


@given(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=60))
def test_every_number_comes_back(listed):
    values = np.array(listed)
    scale = NumberScale.of(values)
    again = NumberScale.from_json(json.loads(json.dumps(scale.to_json())))
    back = again.values_of(again.chosen(values), again.scores_of(values) if again.continuous else np.zeros(len(values)))
    np.testing.assert_allclose(back, values, rtol=1e-6, atol=1e-9 * np.abs(values).max())


@pytest.mark.parametrize(
    "content",
    [
        {"atoms": [], "values": [], "scores": [], "typical": 0.0},
        {"atoms": [], "values": [1.0, 1.0], "scores": [0.0, 1.0], "typical": 0.0},
        {"atoms": [], "values": [1.0], "scores": [], "typical": 0.0},
    ],
)
def test_what_is_in_disorder_is_refused(content):
    with pytest.raises(ValueError, match="disorder"):
        NumberScale.from_json(content)
