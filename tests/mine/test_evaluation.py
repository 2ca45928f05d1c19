"""Held-out evaluation: equal to the plain formula over all pairs, honest about its spread, bounded in memory."""

import math

import numpy as np
import pytest
import torch

from minecli import events
from minecli.mine import evaluation
from minecli.mine.canonical import canonical_correlations
from minecli.mine.evaluation import bound_of, criterion_of, fit_weights, row_terms, score_matrix
from minecli.mine.objectives import BOUNDS, smile_objective
from minecli.mine.statistics_network import GaussianBase, StatisticsNetwork

OBJECTIVES = {name: bound.objective() for name, bound in BOUNDS.items()}

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


def terms(net, x, z, bound="donsker-varadhan", weights=(1.0,), shifts=10**6, should_stop=events.never):
    tx, tz = torch.from_numpy(x)[None], torch.from_numpy(z)[None]
    return row_terms(
        net,
        lambda where: (tx[:, where].expand(net.models, -1, -1), tz[:, where].expand(net.models, -1, -1)),
        len(x),
        shifts_per_row=shifts,
        weights=weights,
        objective=OBJECTIVES[bound] if isinstance(bound, str) else bound,
        generator=torch.Generator().manual_seed(0),
        should_stop=should_stop,
    )


@pytest.mark.parametrize("bound", [*OBJECTIVES.values(), smile_objective(0.3)], ids=[*OBJECTIVES, "smile-0.3"])
def test_equals_the_bound_over_all_off_diagonal_pairs(bound):
    net, (x, z) = fitted_network(), gaussian(40, 0)
    px, pz = torch.from_numpy(x), torch.from_numpy(z)
    left, right = px.repeat_interleave(40, 0)[None], pz.repeat(40, 1)[None]
    grid = net(net.project_x(left), net.project_z(right)).view(40, 40)
    others = torch.stack([torch.cat([row[:i], row[i + 1 :]]) for i, row in enumerate(grid)], 1)
    found = terms(net, x, z, bound)
    # Sums of 1560 terms of size one in another order.
    assert found.value_nats == pytest.approx(bound.value_of(grid.diagonal(), others).item(), abs=1e-12)


@pytest.mark.parametrize("bound", ["donsker-varadhan", "nwj"])
def test_effective_rows_are_those_of_the_weights_of_all_pairs(bound):
    net, (x, z) = fitted_network(), gaussian(40, 0)
    scores = score_matrix(net, torch.from_numpy(x)[None], torch.from_numpy(z)[None], range(40))[0]
    weights = torch.stack([torch.roll(scores.exp()[s], -s) for s in range(1, 40)])  # of row i's z, by shift
    effective = [(side.sum() ** 2 / side.square().sum()).item() for side in (scores[1:].exp().sum(0), weights.sum(0))]
    assert terms(net, x, z, bound).effective_rows == pytest.approx(min(effective), rel=1e-9)


class ScoresOfZ:
    """T(x, z) = z, whatever x."""

    models = 1

    def project_x(self, x):
        return x[..., 0]

    def project_z(self, z):
        return z[..., 0]

    def score(self, left, right, shifts):
        return torch.stack([torch.roll(right, s, 1) for s in shifts], 1)


def test_a_z_that_outweighs_all_others_leaves_few_effective_rows():
    x, z = np.zeros((200, 1)), np.zeros((200, 1))
    assert terms(ScoresOfZ(), x, z, "info-nce").effective_rows == pytest.approx(200.0)
    # e^z = 398 against the 199 others: it carries w = 2/3 of every row's sum, so that the shares are 200 w and 1 - w.
    z[7] = math.log(398.0)
    expected = 200**2 / ((200 * 2 / 3) ** 2 + 199 * (200 / 3 / 199) ** 2)
    assert terms(ScoresOfZ(), x, z, "info-nce").effective_rows == pytest.approx(expected, rel=1e-9)


def test_the_ceiling_is_that_of_the_re_pairings_there_are():
    x, z = gaussian(40, 0)
    assert terms(fitted_network(), x, z, "info-nce", shifts=10).ceiling_nats == math.log(11)
    assert terms(fitted_network(), x, z, "info-nce").ceiling_nats == math.log(40)
    assert terms(fitted_network(), x, z).ceiling_nats == math.inf


@pytest.mark.parametrize("bound", ["donsker-varadhan", "info-nce", "smile", "jensen-shannon"])
def test_mean_of_the_log_ratios_is_the_estimate(bound):
    found = terms(fitted_network(), *gaussian(200, 1), bound)
    assert float(found.log_ratio.mean()) == pytest.approx(found.value_nats, abs=1e-12)


@pytest.mark.parametrize("bound", OBJECTIVES)
def test_weight_zero_is_nothing(bound):
    # Exactly so, but for the sum of 49 weights of InfoNCE.
    assert terms(fitted_network(), *gaussian(50, 2), bound, weights=[0.0]).value_nats == pytest.approx(0.0, abs=1e-14)


def test_blocks_and_chunks_change_only_which_pairs_are_used(monkeypatch):
    net, (x, z) = fitted_network(), gaussian(400, 3)
    whole = terms(net, x, z)
    monkeypatch.setattr(evaluation, "CHUNK_PAIRS", 700)
    assert terms(net, x, z).value_nats == pytest.approx(whole.value_nats, abs=1e-12)
    monkeypatch.setattr(evaluation, "BLOCK_ROWS", 101)
    # Pairs within blocks of 100: a quarter of the pairs, whose mean of e^T has a relative error below 0.02.
    assert terms(net, x, z).value_nats == pytest.approx(whole.value_nats, abs=5 * 0.02)


@pytest.mark.parametrize("bound", [*OBJECTIVES.values(), smile_objective(0.3)], ids=[*OBJECTIVES, "smile-0.3"])
def test_influence_predicts_the_spread_over_new_rows(bound):
    net = fitted_network()
    runs = [terms(net, *gaussian(300, 1000 + s), bound=bound, shifts=64) for s in range(200)]
    observed = np.std([r.value_nats for r in runs], ddof=1)
    predicted = np.sqrt(np.mean([float(r.influence.var()) / 300 for r in runs]))
    # The standard deviation of 200 values is uncertain by 1 / sqrt(400) = 5 %: four of them.
    assert observed == pytest.approx(predicted, rel=0.2)


@pytest.mark.parametrize("bound", OBJECTIVES.values(), ids=OBJECTIVES)
def test_weights_mend_a_score_that_is_too_large_and_silence_noise(bound):
    x, z = (torch.from_numpy(v)[None] for v in gaussian(4000, 4))
    shifts = [0, *range(1, 400, 13)]
    good = score_matrix(fitted_network(), x, z, shifts)
    assert fit_weights(good, bound) == pytest.approx([1.0], abs=0.15)
    assert fit_weights(score_matrix(fitted_network(2.0), x, z, shifts), bound) == pytest.approx([0.5], abs=0.1)
    reversed_z = score_matrix(fitted_network(), x, -z, shifts)
    assert fit_weights(reversed_z, bound) == [0.0]
    with_noise = fit_weights(torch.cat([reversed_z, good]), bound)
    assert with_noise == pytest.approx([0.0, 1.0], abs=0.15)
    assert sum(with_noise) <= 1.0


def test_weights_are_those_of_a_search_over_a_grid():
    """Two networks, each of which knows half of the truth: the best combination beats both."""
    objective = OBJECTIVES["donsker-varadhan"]
    x, z = (torch.from_numpy(v)[None] for v in gaussian(4000, 4))
    whole = score_matrix(fitted_network(2.0), x, z, [0, *range(1, 400, 13)])
    noise = torch.randn(whole.shape, generator=torch.Generator().manual_seed(0), dtype=F64)
    scores = torch.cat([whole + 1.5 * noise, whole - 1.5 * noise])
    steps = torch.linspace(0.0, 1.0, 101).tolist()
    value = {
        (a, b): criterion_of((a * scores[0] + b * scores[1])[None], objective).item()
        for a in steps[::2]
        for b in steps[::2]
        if a + b <= 1.0
    }
    best = max(value, key=value.__getitem__)
    found = fit_weights(scores, objective)
    assert found == pytest.approx(best, abs=0.03)
    assert max(value[a, b] for a, b in value if not (a and b)) < value[best] - 0.01


def test_a_combination_is_the_weighted_sum_of_its_scores():
    net, (x, z) = fitted_network(), gaussian(200, 6)
    base = GaussianBase([canonical_correlations(*gaussian(200_000, 99))] * 2, 200_000)
    twice = StatisticsNetwork(2, 1, 1, hidden=2, generator=torch.Generator().manual_seed(0), base=base, dtype=F64)
    with torch.no_grad():  # a network without anything to say beside one that says twice as much
        twice.base.gain.copy_(torch.tensor([[0.0], [2.0]]))
    both = terms(twice, x, z, weights=[0.5, 0.5])
    assert both.value_nats == pytest.approx(terms(net, x, z).value_nats, abs=1e-12)


def test_smile_does_not_choose_by_its_own_value():
    # Scores three times too large and a narrow clip: SMILE prefers the largest, which is far above the truth.
    x, z = (torch.from_numpy(v)[None] for v in gaussian(4000, 4))
    scores, objective = score_matrix(fitted_network(3.0), x, z, [0, *range(1, 400, 13)]), smile_objective(0.5)
    truth = -0.5 * math.log(1 - RHO**2)
    assert bound_of(scores, objective).item() > truth + 0.2
    (scale,) = fit_weights(scores, objective)
    assert scale == pytest.approx(1 / 3, abs=0.1)
    # A lower bound up to the noise of 4000 rows, of which the log ratio has a standard deviation of 0.6.
    assert criterion_of(scale * scores, objective).item() < truth + 4 * 0.6 / math.sqrt(4000)


def test_stop_is_obeyed():
    assert terms(fitted_network(), *gaussian(50, 5), should_stop=lambda: True) is None
