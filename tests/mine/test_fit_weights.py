"""Combining networks on validation rows: good ones are chosen, noise is silenced, weights never sum to more than 1."""

import itertools
import math

import numpy as np
import pytest
import torch

from minecli.mine import evaluation
from minecli.mine.evaluation import criterion_of, fit_weights
from minecli.mine.objectives import BOUNDS

OBJECTIVES = {name: bound.objective() for name, bound in BOUNDS.items()}

F64 = torch.float64
RHO = 0.6
DV = OBJECTIVES["donsker-varadhan"]
# InfoNCE contrasts within a row; the others take all re-paired rows together.
ALL = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)


def log_ratio(seed, rows=3000, shifts=24):
    """The true log density ratio of a Gaussian, in nats, for joint and re-paired rows: shape (1, 1 + shifts, rows)."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(rows)
    z = RHO * x + math.sqrt(1 - RHO**2) * rng.standard_normal(rows)
    r2 = RHO**2

    def ratio(b):
        return -0.5 * math.log(1 - r2) - (r2 * (x**2 + b**2) - 2 * RHO * x * b) / (2 * (1 - r2))

    return torch.from_numpy(np.stack([ratio(np.roll(z, 17 * s)) for s in range(1 + shifts)]))[None]


def noise(shape, seed, size=1.0):
    return size * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


@ALL
@pytest.mark.parametrize("networks", [1, 3])
def test_noise_is_silenced(objective, networks, seed):
    # Scores that depend on nothing: for 3000 rows a weight of 0.1 on noise of size 3 costs 0.1^2 9 / 2 = 0.045 nats and
    # gains at most 0.1 * 3 * 3 / sqrt(3000) = 0.016. Small weights may be a chance gain, of 1e-4 nats.
    scores = noise((networks, 25, 3000), seed, 3.0)
    weights = fit_weights(scores, objective)
    assert sum(weights) <= 0.1
    # Joint rows that score lower than re-paired ones: no weight can be of use.
    scores[:, 0] -= 1.0
    assert fit_weights(scores, objective) == [0.0] * networks


@ALL
def test_the_good_network_of_two_is_preferred(objective, seed):
    good = log_ratio(seed)
    bad = noise(good.shape, seed, 2.0)
    assert fit_weights(torch.cat([good, bad]), objective) == pytest.approx([1.0, 0.0], abs=0.15)
    assert fit_weights(torch.cat([bad, good]), objective) == pytest.approx([0.0, 1.0], abs=0.15)


def test_a_combination_beats_both_networks_alone(seed):
    # Each network has the truth and an error of its own; the mean of two has half of the errors' variance.
    good = log_ratio(seed)
    scores = torch.cat([good + noise(good.shape, seed + m, 1.0) for m in range(2)])
    weights = fit_weights(scores, DV)
    combined = criterion_of(torch.einsum("m,msb->sb", torch.tensor(weights, dtype=F64), scores)[None], DV).item()
    alone = [
        max(criterion_of(alpha * scores[m : m + 1], DV).item() for alpha in np.linspace(0.0, 1.0, 101))
        for m in range(2)
    ]
    # Independent errors of variance 1 beside a signal of variance 0.5: a sixth of the information of 0.223 and more.
    assert combined > max(alone) + 0.02
    assert weights[0] == pytest.approx(weights[1], abs=0.1)


@ALL
def test_no_point_of_a_grid_is_better(objective, seed):
    good = log_ratio(seed, rows=1000)
    scores = torch.cat([1.5 * good + noise(good.shape, seed, 0.7), 0.8 * good + noise(good.shape, seed + 1, 0.3)])
    grid = [(a, b) for a, b in itertools.product(np.linspace(0.0, 1.0, 26), repeat=2) if a + b <= 1.0]

    def value(weights):
        return criterion_of((weights[0] * scores[0] + weights[1] * scores[1])[None], objective).item()

    # Weights are rounded down to 0.01; the criterion's slope in each of them is at most the scores' size, 1.
    assert value(fit_weights(scores, objective)) > max(map(value, grid)) - 2 * 0.01


@pytest.mark.parametrize("networks", [1, 2, 3, 7, 16])
def test_the_sum_stays_below_one(networks, seed):
    good = log_ratio(seed, rows=1000)
    # Scores that are all too small want weights above 1, whose sum is what is limited.
    scores = torch.cat([0.3 * good + noise(good.shape, seed + m, 0.05) for m in range(networks)])
    weights = fit_weights(scores, DV)
    assert min(weights) >= 0.0
    assert 1.0 - 0.01 * networks <= sum(weights) <= 1.0 + 1e-12  # the sum of such numbers is rounded itself


@pytest.mark.parametrize("below", [0.0009, 0.0006, 0.0004, 0.0001])
def test_rounding_cannot_lift_the_sum_of_many_above_one(monkeypatch, below):
    class Found:
        # Fifteen weights that are rounded up, if any are, and one that takes what they leave.
        x = np.array([0.05 - below] * 15 + [0.25 + 15 * below])
        fun = -1.0

    monkeypatch.setattr(evaluation, "minimize", lambda *args, **more: Found)
    assert sum(fit_weights(torch.zeros(16, 3, 5), DV)) <= 1.0 + 1e-12


def test_single_precision_is_good_enough():
    good = log_ratio(0, rows=500)
    scores = torch.cat([2.0 * good, noise(good.shape, 0)])
    assert fit_weights(scores.float(), DV) == pytest.approx(fit_weights(scores, DV), abs=0.011)
