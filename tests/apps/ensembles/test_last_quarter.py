"""What stands beside a method's last metrics: the mean of late evaluations, and the share of shortened steps."""

import pytest

from minecli.apps.ensembles.results import add_clipped_share, last_quarter
from minecli.apps.ensembles.training import Evaluation


def history(**values):
    steps = range(10, 101, 10)
    return [Evaluation.of(step, {}, {name: each[i] for name, each in values.items()}) for i, step in enumerate(steps)]


def test_the_last_quarter_is_the_mean_of_its_evaluations_alone():
    kls = [None] * 7 + [0.3, 0.1, 0.2]
    assert last_quarter(history(kl=kls), 100) == {"kl": pytest.approx(0.2)}


def test_the_last_quarter_of_a_metric_that_was_missing_once_is_unknown():
    assert last_quarter(history(kl=[0.5] * 8 + [None, 0.1], modes=[3.0] * 10), 100) == {"kl": None, "modes": 3.0}


def test_a_model_that_diverged_before_has_no_last_quarter():
    assert last_quarter(history(kl=[0.1] * 10)[:7], 100) == {}
    assert last_quarter([], 100) == {}


def test_the_share_of_shortened_steps_is_of_the_seeds_that_have_one():
    entry = {"seeds": [{"seed": 0}, {"seed": 1}]}
    add_clipped_share(entry, [0.2, 0.4])
    assert [seed["clipped_share"] for seed in entry["seeds"]] == [0.2, 0.4]
    assert entry["clipped_share"]["mean"] == pytest.approx(0.3)
    add_clipped_share(entry, [None, None])
    assert entry["clipped_share"]["mean"] is None
