"""Targets that are numbers: loss, answers, metrics and the bound on I(Z;Y), against what is known of them."""

import io
import math

import numpy as np
import pytest
import torch
from ib_toys import CPU, config, request
from scipy import stats

from minecli.apps.ensembles.results import TrainedMethod
from minecli.apps.ib.choice import IbPhases, error_name
from minecli.apps.ib.labelled_rows import Classified, Part
from minecli.apps.ib.networks import Noise
from minecli.apps.ib.regression import (
    NUMBER_DEFINITIONS,
    NumberAnswers,
    NumberBottleneck,
    compare_numbers,
    gaussian_loss,
    number_answers,
    number_information,
    number_metrics,
    paired_difference,
)
from minecli.apps.ib.results import comparisons, definitions_for, method_entry
from minecli.apps.ib.training import IbTraining

SCALE = (100.0, 20.0)


def lines(count=200, seed=0, noise=0.3):
    """Rows of three columns and a number that the first decides but for its noise, in units of its deviation."""
    draws = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 3, generator=draws)
    y = math.sqrt(1.0 - noise**2) * x[:, 0] + noise * torch.randn(count, generator=draws)
    return Part(x, y, SCALE)


def numbers(count=200, tested=100, choosing=40):
    return Classified(lines(count), lines(tested, 1), choosing, ())


def answers(mean, deviation=1.0, unit=1.0, targets=None):
    """One model that says these means with one deviation."""
    mean = torch.tensor(np.array([mean]), dtype=torch.float64)
    y = torch.tensor(targets, dtype=torch.float64)
    normal = torch.distributions.Normal(mean, deviation)
    each = [torch.tensor([v], dtype=torch.float64) for v in (deviation, unit)]
    return NumberAnswers(mean, mean, normal.log_prob(y), normal.cdf(y), *each)


def test_the_loss_is_the_mean_of_minus_the_log_density():
    said = torch.tensor([[[0.5, 0.0], [1.0, math.log(2.0)], [0.0, 0.0], [3.0, math.log(2.0)]]])
    targets = torch.tensor([[1.0, 2.0]])
    known = [stats.norm(m, s).logpdf(y) for m, s, y in ((0.5, 1, 1), (1, 2, 2), (0, 1, 1), (3, 2, 2))]
    assert float(gaussian_loss(said, targets)) == pytest.approx(-np.mean(known))


def test_the_metrics_are_what_they_are_called():
    y = [0.0, 1.0, 2.0, 5.0]
    found = number_metrics(answers([0.5, 1.0, 1.0, 5.0], 0.5, unit=20.0, targets=y), torch.tensor(y), 0)
    assert set(found) == set(NUMBER_DEFINITIONS) - {"last_rmse", "oracle_rmse"}
    assert found["rmse"] == found["one_draw_rmse"] == pytest.approx(20.0 * math.sqrt(1.25 / 4))
    assert found["r2"] == pytest.approx(1.0 - 1.25 / 14.0)
    assert found["nll_nats"] == pytest.approx(-np.mean(stats.norm([0.5, 1, 1, 5], 0.5).logpdf(y)))
    # One row lies two deviations away.
    assert found["coverage_90_percent"] == 75.0


def test_the_intervals_of_the_true_distribution_cover_what_they_say():
    rng = np.random.default_rng(0)
    mean = rng.normal(size=20_000)
    y = mean + 0.4 * rng.normal(size=20_000)
    for deviation, most, least in ((0.4, 0.01, 0.0), (0.8, 0.5, 0.1)):
        found = number_metrics(answers(mean, deviation, targets=y), torch.tensor(y), 0)
        assert least <= found["interval_error"] <= most
    assert found["coverage_90_percent"] > 99.0


def test_a_target_without_spread_has_no_r2():
    y = [1.0, 1.0, 1.0]
    assert number_metrics(answers([1.0, 1.1, 0.9], targets=y), torch.tensor(y), 0)["r2"] is None


def test_the_bound_on_the_information_reaches_that_of_a_normal_pair_and_not_more():
    rng, rho = np.random.default_rng(0), 0.9
    z = rng.normal(size=2000)
    y = rho * z + math.sqrt(1 - rho**2) * rng.normal(size=2000)
    known = -0.5 * math.log(1 - rho**2)
    best, error = number_information(answers(rho * z, math.sqrt(1 - rho**2), targets=y), torch.tensor(y), 0)
    assert best == pytest.approx(known, abs=4.0 * error)
    # Answers that are worse, in place or in width, say less; those of other rows nothing.
    for mean, deviation in ((0.5 * z, 0.436), (rho * z, 1.0), (rho * z, 0.2)):
        assert number_information(answers(mean, deviation, targets=y), torch.tensor(y), 0)[0] < best
    assert number_information(answers(np.roll(rho * z, 1), 1.0, targets=y), torch.tensor(y), 0)[0] < 0.0
    exact = number_information(answers(y[:50], 1e-3, targets=y[:50]), torch.tensor(y[:50]), 0)[0]
    assert exact <= math.log(50) + 1e-9


def test_answers_are_averaged_over_draws_and_a_seed_is_not_moved_by_others():
    network = NumberBottleneck("mine-additive", config(), 3, [0, 1], SCALE)
    data = lines(30)
    found = number_answers(network, data.x, data.labels, Noise([0, 1], CPU, "t"), 5)
    alone = number_answers(
        NumberBottleneck("mine-additive", config(), 3, [1], SCALE), data.x, data.labels, Noise([1], CPU, "t"), 5
    )
    torch.testing.assert_close(found.mean[1], alone.mean[0])
    z = network.encode(data.x.expand(2, -1, -1), Noise([0, 1], CPU, "t"), 5).z
    mean = network.logits(z).view(2, 5, 30, 2)[..., 0]
    torch.testing.assert_close(found.mean, mean.mean(1).double(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.first, mean[:, 0].double(), rtol=1e-5, atol=1e-6)
    densities = torch.distributions.Normal(mean.double(), 1.0).log_prob(data.labels.double()).exp().mean(1)
    torch.testing.assert_close(found.log_likelihood.exp(), densities, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def learnt():
    found = IbPhases(request("dvb", betas=(1e-3,), epochs=30, learning_rate=5e-3), numbers(), "dvb")
    assert found.run()
    return found


def test_a_number_is_learnt_with_its_deviation(learnt):
    entry = method_entry(TrainedMethod("dvb", learnt, 0.0, True), learnt.data)
    for seed in entry["seeds"]:
        metrics = seed["metrics"]
        assert set(metrics) <= set(definitions_for(learnt.data))
        # The noise is .3 of a deviation of 20.
        assert 5.0 < metrics["rmse"] < 10.0
        assert metrics["oracle_rmse"] <= metrics["last_rmse"]
        assert metrics["nll_nats"] < 1.0
        assert metrics["coverage_90_percent"] > 70.0
        assert 0.5 < seed["label_information"]["nats"] < seed["label_information"]["ceiling_nats"] == math.log(100)
        assert "confusion" not in seed
    assert error_name(entry["seeds"][0]["metrics"]) == "rmse"
    assert entry["binomial_error_percent"] is None


def test_a_stopped_run_goes_on(learnt):
    how, saved = {"betas": (1e-3,), "epochs": 30, "learning_rate": 5e-3}, []
    stop = iter([False] * 100 + [True])
    first = IbPhases(request("dvb", **how), numbers(), "dvb")

    def save(state, at_once):
        file = io.BytesIO()
        torch.save(state, file)
        saved.append(file.getvalue())

    assert not first.run(should_stop=lambda: next(stop), save=save)
    second = IbPhases(request("dvb", **how), numbers(), "dvb")
    second.load_state_dict(torch.load(io.BytesIO(saved[-1]), weights_only=True))
    assert second.run()
    entries = [method_entry(TrainedMethod("dvb", each, 0.0, True), each.data) for each in (second, learnt)]
    assert entries[0] == entries[1]


def test_beta_weighs_the_same_as_with_classes():
    settings = config(epochs=30, learning_rate=5e-3)
    strong = IbTraining(lines(), lines(100, 1), "dvb", settings, [(0, 0.0), (0, 10.0)], 0, CPU)
    strong.run()
    free, squeezed = (history[-1].metrics for history in strong.history)
    assert free["r2"] > 0.7
    assert squeezed["r2"] < 0.1
    assert squeezed["label_information_nats"] < 0.1


def test_methods_are_compared_by_squared_errors(learnt):
    other = IbPhases(request("baseline", epochs=1), numbers(), "baseline")
    assert other.run()
    found = comparisons([TrainedMethod("baseline", other, 0.0, True), TrainedMethod("dvb", learnt, 0.0, True)])
    (one,) = found["comparisons"]
    assert (one["method"], one["reference"]) == ("baseline", "dvb")
    r2 = [method_entry(TrainedMethod(e.method, e, 0.0, True), e.data)["summary"]["r2"]["mean"] for e in (other, learnt)]
    assert one["difference_percent"] == pytest.approx(100.0 * (r2[1] - r2[0]))
    assert one["difference_percent"] > 10.0
    assert 0.0 < one["p_value"] < 1.0


def test_the_paired_test_of_one_seed_is_students():
    rng = np.random.default_rng(0)
    a, b = rng.random((1, 30)), rng.random((1, 30)) + 0.1
    difference, error, p = paired_difference(a, b)
    known = stats.ttest_rel(a[0], b[0])
    assert (difference / error, p) == (pytest.approx(known.statistic), pytest.approx(known.pvalue))
    assert paired_difference(a, a) == (0.0, 0.0, 1.0)
    several = compare_numbers("a", rng.random((3, 30)), "b", rng.random((3, 30)))
    assert 0.0 < several.p_value < 1.0
