"""The loop: it learns, stops, resumes to the bit, and says how it ended."""

import math

import pytest
import torch

from minecli.errors import UsageError
from minecli.mine.config import TrainingConfig
from minecli.mine.evaluation import bound_of, score_matrix
from minecli.mine.objectives import BOUNDS
from minecli.mine.statistics_network import StatisticsNetwork
from minecli.mine.training import Training
from minecli.result import Status

CONFIG = TrainingConfig(hidden=16, max_steps=120, batch_size=64, evaluate_every=20, patience=3, learning_rate=5e-3)


def gaussian_batch(step, rho=0.9, b=64, models=2):
    g = torch.Generator().manual_seed(step)
    x = torch.randn(models, b, 1, generator=g)
    return x, rho * x + math.sqrt(1 - rho * rho) * torch.randn(models, b, 1, generator=g)


def training(config=CONFIG, batch=gaussian_batch, validated=True, seed=0):
    net = StatisticsNetwork(2, 1, 1, hidden=config.hidden, ceiling=7.0, generator=torch.Generator().manual_seed(seed))
    held = batch(10**6)

    def validate(network):
        return bound_of(score_matrix(network, *held, [0, 5, 11, 23]), config.objective())

    return Training(net, batch, validate if validated else None, config, seed)


@pytest.mark.parametrize("bound", BOUNDS)
def test_learns_a_gaussian(bound):
    shifts = 7 if bound == "info-nce" else 1
    config = TrainingConfig(**{**vars(CONFIG), "bound": bound, "max_steps": 400, "marginal_shifts": shifts})
    job = training(config)
    job.run("mine")
    x, z = gaussian_batch(10**7, b=4000)
    value = bound_of(score_matrix(job.best, x, z, [0, *range(1, 2000, 100)]), config.objective())
    # Truth 0.830. The log ratio has standard deviation 1.1: standard error 0.018 at 4000 rows; the rest, 0.1, is what
    # 400 steps may leave unlearnt. A network that has learnt nothing gives 0.
    assert (value - 0.830).abs().max() < 0.1 + 4 * 0.018


def test_resumed_run_equals_the_uninterrupted_one(tmp_path):
    whole = training()
    whole.run("mine")
    first = training()
    first.run("mine", should_stop=lambda: first.step == 50)
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second = training(seed=0)
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert second.step == 50
    second.run("mine")
    assert second.history == whole.history
    for a, b in zip(second.best.parameters(), whole.best.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_run_that_has_ended_stays_ended():
    job = training()
    status = job.run("mine")
    again = training()
    again.load_state_dict(job.state_dict())
    assert again.run("mine", should_stop=lambda: True) is status
    assert again.step == job.step


def test_interruption_saves_first():
    saved = []
    job = training()
    assert job.run("mine", should_stop=lambda: job.step == 7, save=saved.append) is Status.INTERRUPTED
    assert saved[-1]["step"] == 7


def test_stops_when_validation_does_not_rise():
    config = TrainingConfig(**{**vars(CONFIG), "max_steps": 2000, "evaluate_every": 10, "warmup_share": 0.01})
    job = training(config, batch=lambda step: gaussian_batch(step, rho=0.0))
    assert job.run("mine") is Status.CONVERGED
    assert job.step < 2000


def test_says_when_the_steps_were_too_few():
    config = TrainingConfig(**{**vars(CONFIG), "max_steps": 40, "evaluate_every": 10})
    job = training(config)
    assert job.run("mine") is Status.MAX_STEPS
    assert job.still_rising()


def test_nonfinite_features_end_the_run():
    def poisoned(step):
        x, z = gaussian_batch(step)
        return (x * float("nan"), z) if step == 30 else (x, z)

    assert training(batch=poisoned).run("mine") is Status.NONFINITE


def test_without_validation_the_last_average_is_kept():
    job = training(validated=False)
    assert job.run("mine") is Status.CONVERGED
    for a, b in zip(job.best.parameters(), job.averaged.parameters(), strict=True):
        assert torch.equal(a, b)


def test_best_weights_are_kept_per_model():
    job = training()
    values = iter([[1.0, 0.0], [0.5, 2.0]])
    job.validate = lambda network: torch.tensor(next(values))
    job._advance()
    job._evaluate()
    first = job.best.bias.clone()
    job._advance()
    job._evaluate()
    assert torch.equal(job.best.bias[0], first[0])
    assert torch.equal(job.best.bias[1], job.averaged.bias[1])
    assert job.best_nats.tolist() == [1.0, 2.0]


def test_evaluation_changes_nothing_that_training_uses():
    watched, plain = training(), training()
    for _ in range(5):
        watched._advance()
        watched._evaluate()
        plain._advance()
    assert torch.equal(watched.average.log_average, plain.average.log_average)
    assert torch.equal(watched.network.bias, plain.network.bias)


def test_schedule_rises_then_falls():
    job = training()
    rates = [job.learning_rate(s) for s in range(CONFIG.max_steps)]
    peak = round(CONFIG.warmup_share * CONFIG.max_steps)
    assert max(rates) == rates[peak] == pytest.approx(CONFIG.learning_rate)
    assert rates == sorted(rates[:peak]) + sorted(rates[peak:], reverse=True)
    assert rates[-1] < 0.01 * CONFIG.learning_rate


def test_progress_is_reported():
    seen = []
    job = training()
    job.run("mine", observer=seen.append)
    assert [e.step for e in seen][:2] == [1, 20]
    assert all(e.total == CONFIG.max_steps and "validation_nats" in e.values for e in seen)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hidden", 0),
        ("layers", 1.5),
        ("max_steps", True),
        ("batch_size", 1),
        ("learning_rate", 0.0),
        ("learning_rate", math.nan),
        ("ema_decay", 1.0),
        ("weight_average", -0.1),
        ("warmup_share", 1.0),
        ("bound", "dv"),
    ],
)
def test_settings_out_of_range_are_named(field, value):
    with pytest.raises(UsageError, match=f"{field} is .*must be"):
        TrainingConfig(**{field: value})


def test_weight_decay_shrinks_each_model_by_its_own_strength_and_biases_not_at_all():
    plain, decayed = training(), training()
    decayed.weight_decay = torch.tensor([0.0, 10.0])
    plain._advance()
    decayed._advance()
    factor = 1.0 - 10.0 * plain.learning_rate(0)
    for before, after in zip(plain.network.decaying(), decayed.network.decaying(), strict=True):
        assert torch.equal(after[0], before[0])
        assert torch.allclose(after[1], factor * before[1], rtol=1e-6)
    assert torch.equal(plain.network.bias, decayed.network.bias)
    assert torch.equal(plain.network.readout, decayed.network.readout)


def test_a_decay_beyond_all_measure_leaves_nothing_instead_of_exploding():
    job = training()
    job.weight_decay = torch.tensor([0.0, 1e6])
    for _ in range(3):
        job._advance()
    for weight in job.network.decaying():
        assert weight[0].abs().max() > 0.0
        assert weight[1].abs().max() == 0.0
    assert all(p.isfinite().all() for p in job.network.parameters())
