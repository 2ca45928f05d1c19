"""The table of objectives: complete, zero where nothing is known, and the baseline that one of them has learnt."""

import math

import pytest
import torch

from minecli.mine.canonical import canonical_correlations
from minecli.mine.config import TrainingConfig
from minecli.mine.gradient import MovingAverageDenominator
from minecli.mine.objectives import BOUNDS
from minecli.mine.statistics_network import GaussianBase, StatisticsNetwork

OBJECTIVES = {name: bound.objective() for name, bound in BOUNDS.items()}

F64 = torch.float64


def test_every_name_is_an_objective():
    assert len(OBJECTIVES) == len(BOUNDS) >= 6
    for name in BOUNDS:
        assert TrainingConfig(bound=name).objective() is OBJECTIVES[name]


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_a_network_that_knows_nothing_gives_zero(objective):
    joint, marginal = torch.zeros(3, 7, dtype=F64), torch.zeros(3, 2, 7, dtype=F64)
    for value in (objective.value_of, objective.criterion_of):
        assert value(joint, marginal).tolist() == pytest.approx([0.0] * 3, abs=1e-12)


def test_what_is_no_lower_bound_does_not_choose():
    certain = {OBJECTIVES[name].value for name, bound in BOUNDS.items() if bound.lower_bound}
    for name, bound in BOUNDS.items():
        assert bound.lower_bound or OBJECTIVES[name].criterion in certain


def network(baseline, base=None, ceiling=math.inf):
    return StatisticsNetwork(
        2,
        1,
        1,
        hidden=8,
        ceiling=ceiling,
        generator=torch.Generator().manual_seed(0),
        base=base,
        baseline=baseline,
        dtype=F64,
    )


def gaussian_base():
    g = torch.Generator().manual_seed(1)
    x = torch.randn(500, 1, generator=g, dtype=F64)
    z = x + torch.randn(500, 1, generator=g, dtype=F64)
    return GaussianBase([canonical_correlations(x.numpy(), z.numpy())] * 2, 500)


@pytest.mark.parametrize("with_base", [False, True])
def test_the_baseline_is_nothing_at_first_and_a_function_of_x_later(with_base):
    g = torch.Generator().manual_seed(2)
    x, z = torch.randn(2, 6, 1, generator=g, dtype=F64), torch.randn(2, 6, 1, generator=g, dtype=F64)
    plain, net = (network(b, gaussian_base() if with_base else None) for b in (False, True))

    def scores(n):
        return n.score(n.project_x(x), n.project_z(z), range(6))  # every x with every z

    with torch.no_grad():
        assert torch.equal(scores(net), scores(plain))
        net.baseline_readout.normal_(generator=g)
        net.baseline_bias.fill_(0.5)
        taken = scores(plain) - scores(net)
    assert torch.allclose(taken, taken[:, :1].expand(2, 6, 6))
    assert taken.abs().min() > 0.0
    assert taken[0].std() > 0.1
    alone = net.select([1])
    with torch.no_grad():
        kept = alone.score(alone.project_x(x[1:]), alone.project_z(z[1:]), range(6))
    assert torch.allclose(kept, scores(net)[1:])
    twin = network(True, gaussian_base() if with_base else None)
    twin.load_state_dict(net.state_dict())
    assert torch.equal(scores(twin), scores(net))


def test_the_baseline_learns_the_mean_of_e_to_the_t():
    """T = x + z fixed: tuba's best a(x) is E_z[e^T] = e^(x + 1/2)."""
    g = torch.Generator().manual_seed(3)
    x, z = torch.randn(2, 4000, 1, generator=g, dtype=F64), torch.randn(2, 4000, 1, generator=g, dtype=F64)
    net, fixed = network(True), x[..., 0]
    optimizer = torch.optim.Adam([net.baseline_readout, net.baseline_bias, *net.x_tower.weights, net.bias], lr=0.02)
    for _ in range(300):
        log_baseline = -net(net.project_x(x), net.project_z(z))  # readout is 0: all there is to the score
        t = torch.stack([fixed + torch.roll(z[..., 0], s, 1) for s in (0, 1, 2)], 1) - log_baseline[:, None]
        optimizer.zero_grad()
        (-OBJECTIVES["tuba"].ascent(t[:, 0], t[:, 1:], MovingAverageDenominator(0.0))).sum().backward()
        optimizer.step()
    inner = fixed.abs() < 1.5
    # The mean of e^z over 4000 rows has a relative error of 0.02; the rest is what eight units leave unlearnt.
    assert (log_baseline - (fixed + 0.5))[inner].abs().max() < 0.15
