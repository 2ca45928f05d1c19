"""Encoders: where their noise is, the layout of draws, and the statistics network's noise."""

import pytest
import torch
from ib_toys import CPU, config
from torch.nn import functional

from minecli.apps.ib.config import METHODS
from minecli.apps.ib.networks import Bottleneck, Noise, is_stochastic, mean_codes
from minecli.apps.ib.statistics_networks import NoisyStatistics

INPUTS, ROWS, SEEDS = 5, 7, (3, 8)


def network(method, **changes):
    return Bottleneck(method, config(**changes), INPUTS, 3, SEEDS)


def rows():
    return torch.randn(2, ROWS, INPUTS, generator=torch.Generator().manual_seed(0))


def noise(*names):
    return Noise(SEEDS, CPU, *names)


def passed_through(net, x):
    """What the layers make of their input, without noise."""
    for layer in net.hidden:
        x = functional.relu(x @ layer.weight + layer.bias)
    return x if net.code is None else x @ net.code.weight + net.code.bias


@pytest.mark.parametrize("method", METHODS)
def test_which_methods_draw_codes(method):
    net = network(method).eval()
    one, same, other = (net.encode(rows(), noise(name)).z for name in ("a", "a", "b"))
    assert one.shape == (2, ROWS, 4 if is_stochastic(method) else 16)
    assert torch.equal(one, same)
    assert torch.equal(one, other) != is_stochastic(method)
    assert is_stochastic(method) == (method[:3] in ("dvb", "min"))
    assert net.logits(one).shape == (2, ROWS, 3)


@pytest.mark.parametrize("method", ["baseline", "label-smoothing", "confidence-penalty", "dropout"])
def test_deterministic_encoders_have_no_noise(method):
    net = network(method).eval()
    torch.testing.assert_close(net.encode(rows(), noise("a")).z, passed_through(net, rows()))
    assert torch.equal(net.encode(rows(), noise("a"), 3).z, net.encode(rows(), noise("a")).z.repeat(1, 3, 1))


def test_dropout_is_in_training_alone_and_keeps_the_mean():
    net = network("dropout", dropout=0.5, hidden=2000, layers=1)
    dropped, whole = net.train().encode(rows(), noise("a")).z, net.eval().encode(rows(), noise("a")).z
    active = whole > 0.0
    kept = dropped[active] > 0.0
    assert kept.float().mean() == pytest.approx(0.5, abs=0.02)
    torch.testing.assert_close(dropped[active][kept], 2.0 * whole[active][kept])


@pytest.mark.parametrize("method", ["mine-additive", "dvb-additive"])
def test_additive_noise_is_on_the_input(method):
    net = network(method, noise=0.7)
    found = net.encode(rows(), noise("a"), 2)
    disturbed = rows().repeat(1, 2, 1) + 0.7 * noise("a").normal(2 * ROWS, INPUTS)
    code = passed_through(net, disturbed)
    torch.testing.assert_close(found.z if found.mean is None else found.mean, code[..., :4])
    silent = network(method, noise=0.0).encode(rows(), noise("a"))
    clean = passed_through(net, rows())[..., :4]
    torch.testing.assert_close(silent.z if silent.mean is None else silent.mean, clean)


def test_noise_of_the_input_is_drawn_once_where_that_is_asked():
    once = network("dvb-additive").encode(rows(), noise("a"), 3, fresh_inputs=False)
    assert once.z.shape == (2, 3 * ROWS, 4)
    torch.testing.assert_close(once.mean, network("dvb-additive").encode(rows(), noise("a")).mean)
    alone = network("mine-additive").encode(rows(), noise("a"), 3, fresh_inputs=False).z
    torch.testing.assert_close(alone, network("mine-additive").encode(rows(), noise("a")).z)


def test_propagated_noise_is_beside_the_input():
    net = network("mine-propagated", noise_dim=3)
    assert net.hidden[0].weight.shape == (2, INPUTS + 3, 16)
    beside = torch.cat([rows().repeat(1, 2, 1), noise("a").normal(2 * ROWS, 3)], -1)
    torch.testing.assert_close(net.encode(rows(), noise("a"), 2).z, passed_through(net, beside))


def test_a_gaussian_code_has_the_moments_it_says():
    net = network("mine-gaussian")
    found = net.encode(rows(), noise("a"), 4000)
    mean, raw = passed_through(net, rows()).chunk(2, -1)
    torch.testing.assert_close(found.mean, mean)
    torch.testing.assert_close(found.deviation, functional.softplus(raw - 5.0))
    # The first draws of all rows come first.
    draws = found.z.view(2, 4000, ROWS, 4)
    standard = (draws - mean[:, None]) / found.deviation[:, None]
    torch.testing.assert_close(standard.mean(1), torch.zeros(2, ROWS, 4), rtol=0, atol=0.08)
    torch.testing.assert_close(standard.std(1), torch.ones(2, ROWS, 4), rtol=0, atol=0.06)


@pytest.mark.parametrize("method", ["mine-gaussian", "mine-additive", "mine-propagated", "dvb-additive"])
def test_the_first_draws_come_first(method):
    net = network(method)
    few, many = net.encode(rows()[:, :1], noise("a"), 5).z, net.encode(rows(), noise("b"), 300).z
    assert few.shape == (2, 5, 4)
    means = many.view(2, 300, ROWS, 4).mean(1)
    alone = net.encode(rows()[:, 2:3], noise("c"), 300).z.mean(1)
    spread = many.view(2, 300, ROWS, 4).std(1)[:, 2]
    assert ((means[:, 2] - alone).abs() < 5.0 * spread * (2 / 300) ** 0.5 + 1e-6).all()


def test_mean_codes_are_exact_where_they_can_be():
    gaussian = network("mine-gaussian")
    exact = passed_through(gaussian, rows())[..., :4]
    torch.testing.assert_close(mean_codes(gaussian, rows(), noise("a"), 5), exact)
    additive = network("mine-additive")
    drawn = additive.encode(rows(), noise("a"), 5).z.view(2, 5, ROWS, 4).mean(1)
    torch.testing.assert_close(mean_codes(additive, rows(), noise("a"), 5), drawn)
    still = network("baseline")
    torch.testing.assert_close(mean_codes(still, rows(), noise("a"), 5), passed_through(still, rows()))


def test_weights_are_those_of_glorot_and_biases_zero():
    net = network("mine-additive", hidden=300, code_dim=100)
    weight = net.code.weight[0].detach()
    reach = (6.0 / 400) ** 0.5
    assert 0.98 * reach < weight.abs().max() <= reach
    assert weight.std() == pytest.approx((2.0 / 400) ** 0.5, rel=0.02)
    assert not torch.equal(net.code.weight[0], net.code.weight[1])
    assert all((layer.bias == 0.0).all() for layer in (*net.hidden, net.code, net.classifier))


def test_scores_are_of_re_paired_rows():
    t = NoisyStatistics(config(), INPUTS, SEEDS)
    z = torch.randn(2, ROWS, 4, generator=torch.Generator().manual_seed(1))
    found = t.score_rows(rows(), z, [0, 1, 3])
    assert found.shape == (2, 3, ROWS)
    for place, shift in enumerate((0, 1, 3)):
        for i in range(ROWS):
            # Nothing but this pair decides its score.
            pair = z[:, (i - shift) % ROWS][:, None]
            alone = t.score_rows(rows()[:, i : i + 1], pair, [0])
            torch.testing.assert_close(found[:, place, i], alone[:, 0, 0])


def test_the_statistics_network_has_its_noise_only_while_it_is_told():
    t = NoisyStatistics(config(), INPUTS, SEEDS)
    z = torch.zeros(2, ROWS, 4)
    plain = t.score_rows(rows(), z, [0, 1])
    assert torch.equal(plain, t.score_rows(rows(), z, [0, 1]))
    t.noise = noise("a")
    first, second = t.score_rows(rows(), z, [0, 1]), t.score_rows(rows(), z, [0, 1])
    assert not torch.equal(first, second)
    assert not torch.equal(first, plain)
    t.on_input = t.on_hidden = 0.0
    assert torch.equal(t.score_rows(rows(), z, [0, 1]), plain)
