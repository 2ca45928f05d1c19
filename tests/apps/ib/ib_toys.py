"""Small data and small settings for tests of the information bottleneck."""

import torch

from minecli.apps.ib.config import IbConfig, IbRequest
from minecli.apps.ib.labelled_rows import Classified, Part
from minecli.apps.ib.training import IbTraining

CPU = torch.device("cpu")
SMALL = {
    "code_dim": 4, "hidden": 16, "epochs": 3, "batch_size": 20, "learning_rate": 1e-3, "decay": 1.0, "least_steps": 1,
    "averaging": 0.9, "test_draws": 3, "noise_dim": 3, "statistics_hidden": 16, "evaluate_every": 1,
    "information_steps": 10,
}  # fmt: skip
QUIET = {"statistics_noise": 0.0, "hidden_noise": 0.0}


def config(**changes):
    return IbConfig(**(SMALL | changes))


def blobs(count=120, seed=0, nuisance=4, distance=3.0, classes=3):
    """Rows of two columns around a centre per class, and columns that say nothing about it."""
    draws = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    angle = 2.0 * torch.pi * labels / classes
    centre = distance * torch.stack([angle.cos(), angle.sin()], 1)
    x = torch.cat([centre + torch.randn(count, 2, generator=draws), torch.randn(count, nuisance, generator=draws)], 1)
    return Part(x, labels)


def classified(count=120, tested=60, choosing=40):
    return Classified(blobs(count), blobs(tested, seed=1), choosing, ("a", "b", "c"))


def training(method="mine-gaussian", models=((0, 1e-2),), chosen_epoch=None, rows=None, held_out=None, **changes):
    rows, held_out = blobs() if rows is None else rows, blobs(60, seed=1) if held_out is None else held_out
    return IbTraining(rows, held_out, method, config(**changes), models, 3, CPU, chosen_epoch)


def request(method="mine-gaussian", seeds=(0, 1), **changes):
    return IbRequest(dataset="mnist", methods=(method,), seeds=seeds, preset="quick", config=config(**changes))


def weights(network):
    return [p.detach().clone() for p in network.parameters()]
