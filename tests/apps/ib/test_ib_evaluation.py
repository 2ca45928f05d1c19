"""Error, likelihood, calibration and paired tests, on answers made by hand."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from ib_toys import CPU, blobs, training
from scipy.stats import t as student

from minecli.apps.ib import networks
from minecli.apps.ib.evaluation import (
    Answers,
    answers_of,
    binomial_error_percent,
    calibration_error,
    compare,
    entropy,
    error_percent,
    mcnemar,
    metrics_of,
)
from minecli.apps.ib.networks import Bottleneck, Coded, Noise


class Spoken(Bottleneck):
    """Says what it was told to, (models, draws, n, classes) probabilities of the rows that x counts."""

    def __init__(self, probabilities, stochastic=True):
        torch.nn.Module.__init__(self)
        self.said, self.stochastic = torch.tensor(probabilities), stochastic
        self.classifier = torch.nn.Linear(1, len(self.said))
        self.seen = []

    def encode(self, x, noise, draws=1):
        rows = x[0, :, 0].long()
        self.seen.append((self.training, draws, len(rows)))
        return Coded(self.said[:, :draws, rows].log().flatten(1, 2))

    def logits(self, z):
        return z + 3.0


# Two draws of one model on three rows.
TWO_DRAWS = [[[[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], [[0.5, 0.5], [0.8, 0.2], [0.4, 0.6]]]]
LABELS = torch.tensor([0, 1, 1])
X = torch.arange(3.0)[:, None]


def asked(probabilities=TWO_DRAWS, draws=2, stochastic=True):
    network = Spoken(probabilities, stochastic)
    return network, answers_of(network, X, LABELS, Noise([0], CPU, "x"), draws)


@pytest.mark.parametrize("at_once", [2, 4, 1000])
def test_probabilities_are_averaged_over_draws(monkeypatch, at_once):
    monkeypatch.setattr(networks, "_ROWS_AT_ONCE", at_once)
    network, answers = asked()
    torch.testing.assert_close(answers.probabilities, torch.tensor([[[0.7, 0.3], [0.6, 0.4], [0.3, 0.7]]]))
    torch.testing.assert_close(answers.first, torch.tensor(TWO_DRAWS)[:, 0])
    logs = [math.log(p) for p in (0.9, 0.6, 0.8, 0.5, 0.2, 0.6)]
    assert answers.single_log_likelihood.mean(1).tolist() == pytest.approx([sum(logs) / 6], rel=1e-6)
    assert [n for *_, n in network.seen] == {2: [1, 1, 1], 4: [2, 1], 1000: [3]}[at_once]
    assert not any(in_training for in_training, *_ in network.seen)
    assert network.training
    found = metrics_of(answers, LABELS, 0)
    assert found["error_percent"] == pytest.approx(100 / 3)
    assert found["one_draw_error_percent"] == 0.0
    assert found["nll_nats"] == pytest.approx(-(math.log(0.7) + math.log(0.4) + math.log(0.7)) / 3)
    assert found["label_information_nats"] == pytest.approx(entropy(LABELS) + sum(logs) / 6)


def test_what_draws_nothing_is_asked_once():
    network, answers = asked(stochastic=False, draws=12)
    assert [draws for _, draws, _ in network.seen] == [1]
    torch.testing.assert_close(answers.probabilities, answers.first)


def test_answers_that_are_not_finite_are_noticed():
    said = [TWO_DRAWS[0], [[[math.nan, 0.1], [0.4, 0.6], [0.2, 0.8]], TWO_DRAWS[0][1]]]
    assert asked(said)[1].finite == [True, False]


def test_a_certain_wrong_answer_has_a_finite_likelihood():
    p = torch.tensor([[[1.0, 0.0]]])
    found = metrics_of(Answers(p, p, torch.tensor([-700.0])), torch.tensor([1]), 0)
    assert found["nll_nats"] == pytest.approx(-math.log(1e-12))
    assert found["error_percent"] == 100.0


def test_calibration():
    # Bins of a fifteenth: two rows with 0.95 of which one is right, three with 0.6 of which all are.
    p = torch.tensor([[0.95, 0.05], [0.05, 0.95], [0.6, 0.4], [0.6, 0.4], [0.4, 0.6]])
    labels = torch.tensor([0, 0, 0, 0, 1])
    assert calibration_error(p, labels) == pytest.approx((2 * abs(0.5 - 0.95) + 3 * abs(1.0 - 0.6)) / 5)
    assert calibration_error(torch.eye(2), torch.tensor([0, 1])) == 0.0
    assert calibration_error(torch.eye(2), torch.tensor([1, 0])) == 1.0
    # In one bin, too sure here and not sure enough there cancel.
    assert calibration_error(p, labels, bins=1) == pytest.approx(abs(0.8 - (2 * 0.95 + 3 * 0.6) / 5))


def test_error_and_entropy():
    p = torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2], [0.1, 0.1, 0.8], [0.4, 0.3, 0.3]])
    assert error_percent(p, torch.tensor([1, 1, 2, 2])) == 50.0
    assert entropy(torch.tensor([0, 0, 0, 3])) == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert entropy(torch.tensor([2, 2])) == 0.0


@pytest.mark.parametrize("method", ["baseline", "mine-additive"])
def test_the_information_about_the_label_is_at_most_its_entropy(method):
    ib = training(method, rows=blobs(600, distance=9.0), held_out=blobs(60, seed=1, distance=9.0), learning_rate=1e-2)
    ib.run()
    known = ib.history[0][-1].metrics["label_information_nats"]
    assert 0.9 * math.log(3) < known <= math.log(3) + 1e-6


def counted_p(own, other):
    """The two-sided p-value by counting all ways in which the rows could have fallen."""
    n = own + other
    heads = [sum(way) for way in product((0, 1), repeat=n)]
    return sum(abs(h - n / 2) >= abs(own - n / 2) for h in heads) / len(heads)


@pytest.mark.parametrize(("own", "other"), [(0, 1), (1, 1), (2, 7), (9, 1), (3, 3), (0, 10)])
def test_mcnemar_is_the_counted_binomial(own, other):
    wrong = np.array([True] * own + [False] * other + [True] * 4 + [False] * 5)
    reference = np.array([False] * own + [True] * other + [True] * 4 + [False] * 5)
    found = mcnemar(wrong, reference)
    assert (found["only_method_wrong"], found["only_reference_wrong"]) == (own, other)
    assert found["p_value"] == pytest.approx(counted_p(own, other))


def test_methods_that_never_differ_have_no_evidence():
    wrong = np.array([[True, False, False], [False, False, True]])
    found = compare("a", wrong, "b", wrong)
    assert (found.difference_percent, found.standard_error_percent, found.p_value) == (0.0, 0.0, 1.0)
    assert [pair["p_value"] for pair in found.mcnemar] == [1.0, 1.0]


def test_the_paired_test_is_over_rows_and_seeds():
    a = np.array([[True, True, False, False, True], [True, False, False, False, True]])
    b = np.array([[False, True, False, False, False], [False, False, True, False, False]])
    found = compare("a", a, "b", b)
    rows = [100.0, 0.0, -50.0, 0.0, 100.0]
    assert found.difference_percent == pytest.approx(np.mean(rows))
    by_rows, by_seeds = np.var(rows, ddof=1) / 5, np.var([40.0, 20.0], ddof=1) / 2
    assert found.standard_error_percent == pytest.approx(math.sqrt(by_rows + by_seeds))
    freedom = (by_rows + by_seeds) ** 2 / by_seeds**2
    score = found.difference_percent / found.standard_error_percent
    assert found.p_value == pytest.approx(2 * student.sf(score, freedom))
    assert compare("b", b, "a", a).difference_percent == -found.difference_percent
    assert [(p["only_method_wrong"], p["only_reference_wrong"]) for p in found.mcnemar] == [(2, 0), (2, 1)]


def test_methods_alike_are_seldom_told_apart_when_seeds_differ():
    draws, told = np.random.default_rng(0), 0
    for _ in range(300):
        a, b = (draws.random((3, 2000)) < draws.normal(0.05, 0.01, (3, 1)) for _ in range(2))
        told += compare("a", a, "b", b).p_value < 0.05
    assert told / 300 < 0.1


def test_of_one_seed_the_p_value_is_that_of_mcnemar():
    a, b = np.zeros((1, 50), bool), np.zeros((1, 50), bool)
    a[0, :3] = True
    found = compare("a", a, "b", b)
    assert found.p_value == found.mcnemar[0]["p_value"] == pytest.approx(0.25)


def test_what_both_get_wrong_cancels():
    draws = np.random.default_rng(0)
    shared = draws.random((1, 2000)) < 0.3
    better = shared & (np.arange(2000) % 20 > 0)[None]
    found = compare("a", shared, "b", better)
    assert found.p_value < 1e-4
    assert found.standard_error_percent < binomial_error_percent(30.0, 2000) / 2


def test_the_binomial_error():
    draws = np.random.default_rng(1).binomial(500, 0.1, 20_000) / 5.0
    assert binomial_error_percent(10.0, 500) == pytest.approx(draws.std(), rel=0.02)
    assert binomial_error_percent(0.0, 10) == pytest.approx(100 * math.sqrt(0.5 / 11 * 10.5 / 11 / 10))
