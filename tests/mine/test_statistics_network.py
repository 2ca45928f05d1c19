"""The batched network: additive first layer, independent models, the Gaussian base, the ceiling."""

import numpy as np
import pytest
import torch
from scipy import stats

from minecli.mine.canonical import canonical_correlations
from minecli.mine.statistics_network import GaussianBase, StatisticsNetwork

ROUNDING = 1e-10
F64 = torch.float64


def network(models=3, layers=2, tower_layers=0, ceiling=float("inf"), base=None, seed=0):
    made = StatisticsNetwork(
        models,
        2,
        1,
        hidden=8,
        layers=layers,
        tower_layers=tower_layers,
        ceiling=ceiling,
        generator=torch.Generator().manual_seed(seed),
        base=base,
        dtype=F64,
    )
    with torch.no_grad():  # the readout starts from zero; give it something to say
        made.readout.normal_(generator=torch.Generator().manual_seed(seed + 1))
    return made


def rows(models=3, b=6, seed=2):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(models, b, 2, generator=g, dtype=F64), torch.randn(models, b, 1, generator=g, dtype=F64)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_equals_a_perceptron_on_concatenated_rows(layers):
    net, (x, z) = network(layers=layers), rows()
    for m in range(3):
        first = torch.cat([net.x_tower.weights[0][m], net.z_tower.weights[0][m]], 0)
        h = torch.cat([x[m], z[m]], 1) @ first + net.bias[m]
        h = torch.nn.functional.silu(h)
        for w, b in zip(net.weights, net.biases, strict=True):
            h = torch.nn.functional.silu(h @ w[m] + b[m])
        expected = (h @ net.readout[m])[:, 0]
        assert torch.allclose(net(net.project_x(x), net.project_z(z))[m], expected, atol=ROUNDING)


@pytest.mark.parametrize("tower_layers", [1, 3])
def test_towers_are_perceptrons_of_one_side(tower_layers):
    net, (x, z) = network(layers=1, tower_layers=tower_layers), rows()
    with torch.no_grad():
        for bias in [*net.x_tower.biases, *net.z_tower.biases]:
            bias.normal_(generator=torch.Generator().manual_seed(5))
    sides = []
    for tower, h in ((net.x_tower, x[0]), (net.z_tower, z[0])):
        for w, b in zip(list(tower.weights)[:-1], tower.biases, strict=True):
            h = torch.nn.functional.silu(h @ w[0] + b[0])
        sides.append(h @ tower.weights[-1][0])
    expected = (torch.nn.functional.silu(sides[0] + sides[1] + net.bias[0]) @ net.readout[0])[:, 0]
    t = net(net.project_x(x), net.project_z(z))
    assert torch.allclose(t[0], expected, atol=ROUNDING)
    t.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_decay_applies_to_the_weights_between_units_alone():
    net = network(layers=3, tower_layers=2)
    assert len(net.decaying()) == 2 * 3 + 2
    others = {id(p) for p in net.parameters()} - {id(p) for p in net.decaying()}
    assert {id(net.readout), id(net.bias), *map(id, net.biases), *map(id, net.x_tower.biases)} <= others


def test_score_repairs_as_the_rows_would_be():
    net, (x, z) = network(), rows()
    px, pz = net.project_x(x), net.project_z(z)
    scores = net.score(px, pz, [0, 2])
    assert torch.allclose(scores[:, 0], net(px, pz), atol=ROUNDING)
    assert torch.allclose(scores[:, 1], net(px, net.project_z(torch.roll(z, 2, 1))), atol=ROUNDING)


def test_models_do_not_influence_each_other_and_can_be_taken_out():
    net, (x, z) = network(), rows()
    before = net(net.project_x(x), net.project_z(z))
    alone = net.select([1])
    assert torch.equal(alone(alone.project_x(x[1:2]), alone.project_z(z[1:2])), before[1:2])
    with torch.no_grad():
        net.x_tower.weights[0][0] += 1.0
    after = net(net.project_x(x), net.project_z(z))
    assert torch.equal(before[1:], after[1:])
    assert not torch.equal(before[0], after[0])


def test_ceiling_bounds_scores_and_leaves_small_ones_alone():
    free, bounded, (x, z) = network(), network(ceiling=7.0), rows()
    t, c = free(free.project_x(x), free.project_z(z)), bounded(bounded.project_x(x), bounded.project_z(z))
    assert torch.allclose(c, 7.0 * torch.tanh(t / 7.0), atol=ROUNDING)
    far = bounded(bounded.project_x(1e30 * x), bounded.project_z(1e30 * z))
    assert far.isfinite().all()
    assert far.abs().max() <= 7.0


def test_every_parameter_receives_a_gradient():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 2))
    z = x[:, :1] + rng.standard_normal((500, 1))
    net = network(base=GaussianBase([canonical_correlations(x, z)] * 3, 500))
    a, b = rows()
    net(net.project_x(a), net.project_z(b)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad.flatten(1).abs().sum(1) > 0).all(), name


def project(base, side, columns):
    return base.project(side, base.variates(side, columns))


def test_base_is_the_log_density_ratio_of_its_gaussian():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((4000, 2))
    z = 0.7 * x[:, ::-1] + rng.standard_normal((4000, 2))
    fit = canonical_correlations(x, z)
    base = GaussianBase([fit], 4000)
    u = (x - fit.x_mean) @ fit.x_weights
    v = (z - fit.z_mean) @ fit.z_weights
    r = base.correlations[0].numpy()
    cross = np.diag(r)
    joint = stats.multivariate_normal(np.zeros(4), np.block([[np.eye(2), cross], [cross, np.eye(2)]]))
    expected = joint.logpdf(np.c_[u, v]) - stats.norm.logpdf(u).sum(1) - stats.norm.logpdf(v).sum(1)
    (xv, xe), (zv, ze) = (
        project(base, s, torch.from_numpy(np.ascontiguousarray(a))[None]) for s, a in zip("xz", (x, z), strict=True)
    )
    assert np.allclose(((xv * zv).sum(-1) + xe + ze)[0].numpy(), expected, atol=1e-8)


def test_a_fresh_network_scores_what_its_base_says():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((300, 2))
    z = x[:, :1] + rng.standard_normal((300, 1))
    base = GaussianBase([canonical_correlations(x, z)], 300)
    net = StatisticsNetwork(1, 2, 1, hidden=4, generator=torch.Generator().manual_seed(0), base=base, dtype=F64)
    a, b = rows(models=1)
    (xv, xe), (zv, ze) = project(base, "x", a), project(base, "z", b)
    assert torch.allclose(net(net.project_x(a), net.project_z(b)), (xv * zv).sum(-1) + xe + ze, atol=ROUNDING)


def test_towers_see_the_leading_variates_the_more_correlated_the_larger():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2000, 12))
    z = x[:, ::-1] * np.linspace(0.5, 2.0, 12) + rng.standard_normal((2000, 12))
    fit = canonical_correlations(x, z)
    base = GaussianBase([fit], 2000)
    seen = base.features(base.variates("x", torch.from_numpy(x)[None]))[0].numpy()
    assert seen.shape == (2000, 8)
    expected = 3.0 * np.sqrt(base.correlations[0].numpy()[:8]) * fit.x_variates[:, :8]
    assert np.allclose(seen, expected, atol=1e-9)
    # One side of a single column has a single variate.
    assert GaussianBase([canonical_correlations(x, z[:, :1])], 2000).shown == 1


def test_a_perfect_correlation_stays_finite():
    x = np.random.default_rng(3).standard_normal((100, 1))
    base = GaussianBase([canonical_correlations(x, x)], 100)
    variates, energy = project(base, "x", torch.from_numpy(x)[None])
    assert variates.isfinite().all()
    assert energy.isfinite().all()
