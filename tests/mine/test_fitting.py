"""Networks built, trained, combined and evaluated: the whole way on rows whose information is known."""

import itertools
import math
from types import SimpleNamespace

import pytest
import torch

from minecli.errors import UsageError
from minecli.mine import fitting as fitting_module
from minecli.mine.ceilings import score_ceiling
from minecli.mine.config import TrainingConfig
from minecli.mine.fitting import (
    CheckpointFile,
    EvaluationRows,
    Fitting,
    NetworkShape,
    ValidationRows,
    shifted_scores,
)
from minecli.result import Status

CONFIG = TrainingConfig(hidden=8, max_steps=60, batch_size=64, evaluate_every=10, learning_rate=1e-2)
MODELS = 2


def gaussian(name, count, models=MODELS, rho=0.9):
    draws = torch.Generator().manual_seed(name)
    x = torch.randn(models, count, 1, generator=draws)
    return x, rho * x + math.sqrt(1 - rho * rho) * torch.randn(models, count, 1, generator=draws)


def draws(seed):
    return torch.Generator().manual_seed(seed)


def made(config=CONFIG, validated=True):
    shape = NetworkShape(models=MODELS, x_features=1, z_features=1, ceiling=score_ceiling(1000))
    unseen = gaussian(10**6, 500)
    rows = ValidationRows(lambda n, shifts: shifted_scores(n, *unseen, shifts, draws(1)), config.objective(), 4, 16)
    network = shape.build(config, draws(0))
    return Fitting(network, lambda step: gaussian(step, 64), rows if validated else None, config, seed=3)


def evaluation(count=1000):
    x, z = gaussian(10**7, count, models=1)
    return EvaluationRows(lambda where: (x[:, where], z[:, where]), count, 32, draws(2))


def test_the_whole_way_ends_at_the_information_of_rows_never_seen():
    fitting = made(TrainingConfig(**{**vars(CONFIG), "max_steps": 300}))
    assert fitting.train("mine") in (Status.CONVERGED, Status.MAX_STEPS)
    ((first, second),) = fitting.validation.weights(fitting.training.best, members=2)
    assert 0.5 < first + second <= 1.0
    terms = fitting.terms({0: first, 1: second}, evaluation())
    # Truth 0.830. The log ratio's standard deviation of 1.1 gives 0.035 at 1000 rows, of which four; the rest, 0.1, is
    # what 300 steps may leave unlearnt. Networks that have learnt nothing give 0.
    assert terms.value_nats == pytest.approx(0.830, abs=0.1 + 4 * 0.035)
    assert terms.shifts_per_row == 32
    assert terms.log_ratio.shape == terms.influence.shape == (1000,)


def test_networks_without_weight_are_not_computed_and_change_nothing(monkeypatch):
    fitting = made()
    fitting.train("mine")
    selected = []
    real = type(fitting.training.best).select
    monkeypatch.setattr(
        type(fitting.training.best), "select", lambda self, models: selected.append(list(models)) or real(self, models)
    )
    alone, beside = fitting.terms({1: 0.7}, evaluation()), fitting.terms({0: 0.0, 1: 0.7}, evaluation())
    assert alone.value_nats == beside.value_nats
    assert fitting.terms({0: 0.0, 1: 0.0}, evaluation()).value_nats == 0.0
    assert selected == [[1], [1], [0]]
    # Both together are neither of them.
    assert fitting.terms({0: 0.5, 1: 0.5}, evaluation()).value_nats not in (0.0, alone.value_nats)


def test_members_side_by_side_share_a_combination():
    fitting = made()
    fitting.train("mine")
    together, apart = (fitting.validation.weights(fitting.training.best, members) for members in (2, 1))
    assert [len(each) for each in together] == [2]
    assert [len(each) for each in apart] == [1, 1]
    assert fitting.validation(fitting.training.best).shape == (2,)


def test_without_validation_the_steps_are_used_up():
    fitting = made(validated=False)
    fitting.train("mine")
    assert fitting.training.step == CONFIG.max_steps


def test_a_checkpoint_resumes_to_the_bit_and_counts_the_seconds(monkeypatch, tmp_path):
    ticks = itertools.count(step=100.0)
    monkeypatch.setattr(fitting_module, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    whole, file = made(), CheckpointFile(tmp_path / "state.pt", "mine and no other")
    whole.train("mine")
    first = made()
    assert first.train("mine", should_stop=lambda: first.training.step == 25, checkpoint=file) is Status.INTERRUPTED
    second = made()
    second.train("mine", checkpoint=file)
    assert second.training.history == whole.training.history
    for a, b in zip(second.training.best.parameters(), whole.training.best.parameters(), strict=True):
        assert torch.equal(a, b)
    # A clock that ticks at every question: the seconds before the interruption are among those after it.
    assert 0.0 < first.seconds < second.seconds
    with pytest.raises(UsageError, match="belongs to other data or other settings"):
        made().train("mine", checkpoint=CheckpointFile(file.path, "another"))


def test_an_evaluation_that_is_stopped_has_no_terms():
    fitting = made(validated=False)
    assert fitting.terms({0: 1.0}, evaluation(), should_stop=lambda: True) is None


def test_scores_have_the_joint_pairs_first():
    fitting, (x, z) = made(), gaussian(5, 50)
    fitting.train("mine")
    network = fitting.training.best
    scores = shifted_scores(network, x, z, 3, draws(0))
    with torch.no_grad():
        joint = network(network.project_x(x), network.project_z(z))
    assert scores.shape == (MODELS, 4, 50)
    assert torch.allclose(scores[:, 0], joint, atol=1e-6)
    assert shifted_scores(network, x, z, 10**6, draws(0)).shape == (MODELS, 50, 50)
