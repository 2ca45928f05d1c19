"""Held-out evaluation: equal to the plain formula over all pairs, honest about its spread, bounded in memory."""

import math

import numpy as np
import pytest
import torch

from minecli import events
from minecli.mine import evaluation
from minecli.mine.bounds import donsker_varadhan, nwj
from minecli.mine.canonical import canonical_correlations
from minecli.mine.evaluation import fit_scale, held_out_terms, score_matrix
from minecli.mine.statistics_network import GaussianBase, StatisticsNetwork

F64 = torch.float64
RHO = 0.6


def gaussian(rows, seed, rho=RHO):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 1))
    z = rho * x + math.sqrt(1 - rho * rho) * rng.standard_normal((rows, 1))
    return x, z


def fitted_network(gain=1.0):
    """T is the log ratio of a Gaussian fitted to a large sample: fixed, and close to the optimum."""
    base = GaussianBase([canonical_correlations(*gaussian(200_000, 99))], 200_000)
    net = StatisticsNetwork(1, 1, 1, hidden=2, generator=torch.Generator().manual_seed(0), base=base, dtype=F64)
    with torch.no_grad():
        net.base.gain.fill_(gain)
    return net


def terms(net, x, z, bound="donsker-varadhan", scale=1.0, shifts=10**6, should_stop=events.never):
    tx, tz = torch.from_numpy(x)[None], torch.from_numpy(z)[None]
    return held_out_terms(
        net,
        lambda where: (tx[:, where], tz[:, where]),
        len(x),
        shifts_per_row=shifts,
        scale=scale,
        bound=bound,
        generator=torch.Generator().manual_seed(0),
        should_stop=should_stop,
    )


@pytest.mark.parametrize("bound", ["donsker-varadhan", "nwj"])
def test_equals_the_bound_over_all_off_diagonal_pairs(bound):
    net, (x, z) = fitted_network(), gaussian(40, 0)
    px, pz = torch.from_numpy(x), torch.from_numpy(z)
    left, right = px.repeat_interleave(40, 0)[None], pz.repeat(40, 1)[None]
    grid = net(net.project_x(left), net.project_z(right)).view(40, 40)
    joint, off = grid.diagonal(), grid[~torch.eye(40, dtype=torch.bool)]
    expected = donsker_varadhan(joint, off) if bound == "donsker-varadhan" else nwj(joint + 1.0, off + 1.0)
    found = terms(net, x, z, bound)
    # Sums of 1560 terms of size one in another order.
    assert found.value_nats == pytest.approx(expected.item(), abs=1e-12)
    weights = grid.exp() * (1.0 - torch.eye(40, dtype=F64))
    effective = [(side.sum() ** 2 / side.square().sum()).item() for side in (weights.sum(0), weights.sum(1))]
    assert found.effective_rows == pytest.approx(min(effective), rel=1e-9)


def test_mean_of_the_log_ratios_is_the_estimate():
    found = terms(fitted_network(), *gaussian(200, 1))
    assert float(found.log_ratio.mean()) == pytest.approx(found.value_nats, abs=1e-12)


def test_scale_zero_is_exactly_nothing():
    assert terms(fitted_network(), *gaussian(50, 2), scale=0.0).value_nats == 0.0


def test_blocks_and_chunks_change_only_which_pairs_are_used(monkeypatch):
    net, (x, z) = fitted_network(), gaussian(400, 3)
    whole = terms(net, x, z)
    monkeypatch.setattr(evaluation, "CHUNK_PAIRS", 700)
    assert terms(net, x, z).value_nats == pytest.approx(whole.value_nats, abs=1e-12)
    monkeypatch.setattr(evaluation, "BLOCK_ROWS", 101)
    # Pairs within blocks of 100: a quarter of the pairs, whose mean of e^T has a relative error below 0.02.
    assert terms(net, x, z).value_nats == pytest.approx(whole.value_nats, abs=5 * 0.02)


@pytest.mark.parametrize("bound", ["donsker-varadhan", "nwj"])
def test_influence_predicts_the_spread_over_new_rows(bound):
    net = fitted_network()
    runs = [terms(net, *gaussian(300, 1000 + s), bound=bound, shifts=64) for s in range(200)]
    observed = np.std([r.value_nats for r in runs], ddof=1)
    predicted = np.sqrt(np.mean([float(r.influence.var()) / 300 for r in runs]))
    # The standard deviation of 200 values is uncertain by 1 / sqrt(400) = 5 %: four of them.
    assert observed == pytest.approx(predicted, rel=0.2)


def test_fit_scale_mends_a_score_that_is_too_large_and_silences_noise():
    x, z = (torch.from_numpy(v)[None] for v in gaussian(4000, 4))
    shifts = [0, *range(1, 400, 13)]
    good = fit_scale(score_matrix(fitted_network(), x, z, shifts), "donsker-varadhan")
    loud = fit_scale(score_matrix(fitted_network(2.0), x, z, shifts), "donsker-varadhan")
    assert good.item() == pytest.approx(1.0, abs=0.15)
    assert loud.item() == pytest.approx(0.5, abs=0.1)
    reversed_z = fit_scale(score_matrix(fitted_network(), x, -z, shifts), "donsker-varadhan")
    assert reversed_z.item() == 0.0


def test_stop_is_obeyed():
    assert terms(fitted_network(), *gaussian(50, 5), should_stop=lambda: True) is None
