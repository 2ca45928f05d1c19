"""What classifiers minimise, against torch's own functions and distributions."""

import re

import pytest
import torch
from ib_toys import config, request, training
from torch.distributions import Categorical, Independent, Normal, kl_divergence
from torch.nn import functional

from minecli.apps.ib.config import METHODS, IbConfig, preset
from minecli.apps.ib.labelled_rows import Part
from minecli.apps.ib.networks import Coded
from minecli.apps.ib.training import class_weights, classification_loss, divergence_from_prior
from minecli.errors import UsageError

MODELS, ROWS, CLASSES, DRAWS = 2, 5, 4, 3


def answers():
    draws = torch.Generator().manual_seed(0)
    logits = 2.0 * torch.randn(MODELS, DRAWS * ROWS, CLASSES, generator=draws, dtype=torch.float64)
    return logits, torch.randint(CLASSES, (MODELS, ROWS), generator=draws)


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("label-smoothing", "confidence-penalty")])
def test_cross_entropy(method):
    logits, labels = answers()
    found = classification_loss(method, logits, labels, config())
    for m in range(MODELS):
        # The first draws of all rows come first.
        each = [functional.cross_entropy(part, labels[m]) for part in logits[m].split(ROWS)]
        torch.testing.assert_close(found[m], torch.stack(each).mean())


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_label_smoothing(smoothing):
    logits, labels = answers()
    found = classification_loss("label-smoothing", logits[:, :ROWS], labels, config(smoothing=smoothing))
    for m in range(MODELS):
        expected = functional.cross_entropy(logits[m, :ROWS], labels[m], label_smoothing=smoothing)
        torch.testing.assert_close(found[m], expected)


@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
def test_the_confidence_penalty_rewards_entropy(weight):
    logits, labels = answers()
    found = classification_loss("confidence-penalty", logits[:, :ROWS], labels, config(confidence_weight=weight))
    for m in range(MODELS):
        own = logits[m, :ROWS]
        entropy = Categorical(logits=own).entropy().mean()
        torch.testing.assert_close(found[m], functional.cross_entropy(own, labels[m]) - weight * entropy)


def test_the_divergence_is_that_of_distributions():
    draws = torch.Generator().manual_seed(1)
    mean = torch.randn(MODELS, ROWS, 3, generator=draws, dtype=torch.float64)
    deviation = torch.rand(MODELS, ROWS, 3, generator=draws, dtype=torch.float64) + 0.01
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    expected = kl_divergence(Independent(Normal(mean, deviation), 1), prior).mean(-1)
    torch.testing.assert_close(divergence_from_prior(Coded(mean, mean, deviation)), expected)
    still = Coded(mean, torch.zeros_like(mean), torch.ones_like(mean))
    assert divergence_from_prior(still).tolist() == [0.0, 0.0]
    assert torch.isfinite(divergence_from_prior(Coded(mean, mean, torch.zeros_like(mean)))).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"betas": (-1.0,)}, "betas is -1.0"),
        ({"betas": (float("nan"),)}, "betas is nan"),
        ({"betas": ()}, "betas is (); it must be 1 to 64 numbers"),
        ({"betas": (1.0, 1.0)}, "betas names a value twice"),
        ({"betas": (0.0, 1.0), "choose": False}, "nothing would choose among 2 values of --beta"),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"averaging": 1.0}, "averaging is 1.0"),
        ({"noise": -0.1}, "noise is -0.1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"decay": 0.0}, "decay is 0.0"),
        ({"rows": 19}, "rows is 19"),
        ({"bound": "smile"}, "bound is 'smile'; it must be one of donsker-varadhan, nwj"),
    ],
)
def test_settings_out_of_range_are_refused(changes, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        IbConfig(**changes)


def test_the_paper_preset_is_that_of_the_protocol():
    paper = preset("paper")
    assert (paper.hidden, paper.layers, paper.code_dim, paper.batch_size, paper.epochs) == (1024, 2, 256, 100, 200)
    assert (paper.learning_rate, paper.decay, paper.decay_epochs, paper.averaging) == (1e-4, 0.97, 2, 0.999)
    assert (paper.test_draws, paper.betas, paper.statistics_hidden) == (12, (1e-3,), 512)
    assert (paper.statistics_noise, paper.hidden_noise, paper.rows) == (0.3, 0.5, 60_000)
    with pytest.raises(UsageError, match="preset 'best' is not known; there are quick, medium, good, paper"):
        preset("best")


def test_balanced_weights_make_every_class_count_the_same():
    labels = torch.tensor([0] * 6 + [1] * 2 + [2])
    weights = class_weights(labels, 3)
    totals = [float(weights[c] * (labels == c).sum()) for c in range(3)]
    assert totals == pytest.approx([3.0, 3.0, 3.0])
    logits = torch.randn(1, 9, 3, generator=torch.Generator().manual_seed(0))
    found = classification_loss("baseline", logits, labels[None], config(), weights)
    own = [
        classification_loss("baseline", logits[:, labels == c], labels[None, labels == c], config()) for c in range(3)
    ]
    torch.testing.assert_close(found, torch.stack(own).mean(0))


def test_rare_classes_are_found_by_balanced_weights():
    draws = torch.Generator().manual_seed(0)
    labels = (torch.arange(400) % 10 == 0).long()
    part = Part(labels[:, None] + torch.randn(400, 2, generator=draws), labels)
    errors = []
    for weights in ("none", "balanced"):
        ib = training("baseline", rows=part, held_out=part, epochs=10, learning_rate=1e-2, class_weights=weights)
        ib.run()
        errors.append(ib.history[0][-1].metrics["balanced_error_percent"])
    assert errors[1] < errors[0] - 5.0


def test_runs_of_versions_without_weights_go_on():
    mark = request().marked("mine-gaussian")
    assert "class_weights" not in mark["config"]
    assert request(class_weights="balanced").marked("mine-gaussian") != mark
