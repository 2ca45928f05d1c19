"""T(x, z) of images and vectors: what it computes, how pairs are made, and that it learns."""

import pytest
import torch
from torch.nn import functional

from minecli.mine import batched_convolution
from minecli.mine.config import TrainingConfig
from minecli.mine.convolutional_statistics import ConvolutionalStatisticsNetwork, halved_sides
from minecli.mine.gradient import MovingAverageDenominator
from minecli.mine.sampling import random_shifts
from minecli.mine.training import ascend


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(*seeds, started=True):
    """One that is not zero any more, unless asked."""
    net = ConvolutionalStatisticsNetwork(len(seeds), 2, 3, filters=4, units=8, generators=generators(*seeds)).double()
    if started:
        net.readout.data = torch.stack([noise(8, 1, seed=s) for s in seeds])
        for biases in (*net.biases, net.wide_bias):
            biases.data = torch.stack([noise(*biases.shape[1:], seed=s) for s in seeds])
    return net


def scores(net, x, z, shifts):
    return net.score(net.project_x(x), net.project_z(z), shifts)


def test_it_starts_from_zero():
    net = network(0, 1, started=False)
    assert net.models == 2
    assert not scores(net, noise(2, 5, 2, 28, 28), noise(2, 5, 3), [0, 1]).any()


def test_it_is_the_table_of_the_supplement():
    net, x, z = network(0), noise(1, 5, 2, 28, 28), noise(1, 5, 3)
    maps = x[0]
    for kernel, dynamic, bias in zip(net.kernels, net.dynamic, net.biases, strict=True):
        moved = functional.conv2d(maps, kernel[0], None, 2, 2) + (z[0] @ dynamic[0] + bias[0])[:, :, None, None]
        maps = functional.elu(moved)
    assert maps.shape == (5, 16, 4, 4)
    t = (maps.flatten(1) @ net.wide[0] + net.wide_bias[0]) @ net.readout[0]
    torch.testing.assert_close(net(net.project_x(x), net.project_z(z))[0], t[:, 0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("folded", [False, True])
def test_a_model_is_what_it_would_be_alone(folded, monkeypatch):
    x, z = noise(3, 5, 2, 28, 28), noise(3, 5, 3)
    alone = scores(network(7), x[1:2], z[1:2], [0, 2])
    monkeypatch.setattr(batched_convolution, "prefers_folding", lambda images: folded)
    together = scores(network(5, 7, 6), x, z, [0, 2])
    torch.testing.assert_close(together[1:2], alone, rtol=1e-9, atol=1e-12)


def test_models_do_not_mix():
    net = network(5, 6)
    scores(net, noise(2, 5, 2, 28, 28), noise(2, 5, 3), [0, 1])[0].square().sum().backward()
    for name, parameter in net.named_parameters():
        assert not parameter.grad[1].any(), name
        assert parameter.grad[0].any(), name


def test_re_pairing_is_a_pass_over_shifted_vectors():
    net, x, z = network(5, 6), noise(2, 5, 2, 28, 28), noise(2, 5, 3)
    t = scores(net, x, z, [0, 2, 4])
    assert t.shape == (2, 3, 5)
    for i, shift in enumerate((0, 2, 4)):
        expected = net(net.project_x(x), net.project_z(torch.roll(z, shift, 1)))
        torch.testing.assert_close(t[:, i], expected, rtol=1e-10, atol=1e-12)
    # Row i of x with row i - s of z, to the letter.
    pair = net(net.project_x(x[:, 3:4]), net.project_z(z[:, 1:2]))
    torch.testing.assert_close(t[:, 1, 3:4], pair, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_every_layer_hears_of_z(layer):
    net, x, z = network(5), noise(1, 5, 2, 28, 28), noise(1, 5, 3)
    for i, weight in enumerate(net.dynamic):
        if i != layer:
            weight.data.zero_()
    moved = scores(net, x, z + 1.0, [0]) - scores(net, x, z, [0])
    assert moved.abs().min() > 1e-3


def test_gradients_reach_images_and_vectors():
    net = network(5, 6)
    x, z = noise(2, 5, 2, 28, 28).requires_grad_(), noise(2, 5, 3).requires_grad_()
    slopes = torch.autograd.grad(scores(net, x, z, [0])[:, 0, 0].sum(), (x, z))
    for slope in slopes:
        assert slope[:, 0].flatten(1).abs().sum(1).min() > 0
        assert not slope[:, 1:].any()


@pytest.mark.parametrize(("side", "layers", "smallest"), [(16, 2, 4), (28, 3, 4), (32, 3, 4), (32, 5, 1), (64, 4, 4)])
def test_any_side_is_halved(side, layers, smallest):
    net = ConvolutionalStatisticsNetwork(
        2, 3, 5, filters=2, units=8, side=side, layers=layers, generators=generators(0, 1)
    ).double()
    net.readout.data = noise(2, 8, 1)
    maps = [2 * 2**i for i in range(layers)]
    assert [tuple(k.shape) for k in net.kernels] == [
        (2, b, a, 5, 5) for a, b in zip([3, *maps], maps, strict=False)
    ]  # fmt: skip
    assert net.wide.shape == (2, maps[-1] * smallest**2, 8)
    x, z = noise(2, 4, 3, side, side).requires_grad_(), noise(2, 4, 5).requires_grad_()
    t = scores(net, x, z, [0, 1])
    assert t.shape == (2, 2, 4)
    alone = ConvolutionalStatisticsNetwork(
        1, 3, 5, filters=2, units=8, side=side, layers=layers, generators=generators(1)
    )
    alone.double().load_state_dict({name: value[1:] for name, value in net.state_dict().items()})
    torch.testing.assert_close(scores(alone, x[1:], z[1:], [0, 1])[0], t[1], rtol=1e-9, atol=1e-12)
    for slope in torch.autograd.grad(t[:, 0].sum(), (x, z)):
        assert slope.flatten(2).abs().sum(2).min() > 0


def test_halving_rounds_up_and_ends_at_a_pixel():
    assert halved_sides(17, 5) == (17, 9, 5, 3, 2, 1)
    assert halved_sides(16, 4) == (16, 8, 4, 2, 1)
    for side, layers in ((16, 5), (16, 0), (1, 1)):
        with pytest.raises(ValueError, match=f"a side of {side} can be halved 1 to"):
            halved_sides(side, layers)


def test_there_is_one_generator_per_model():
    with pytest.raises(ValueError, match="2 models need as many generators, not 1"):
        ConvolutionalStatisticsNetwork(2, 1, 1, generators=generators(0))


def test_ascending_finds_what_brightness_says_of_z():
    # Both models see noisy images as bright as the first component of their own z; the bound is taken on fresh pairs.
    config = TrainingConfig(gradient_clip=1e3)
    net = ConvolutionalStatisticsNetwork(2, 1, 2, filters=4, units=32, generators=generators(0, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    average, draws = MovingAverageDenominator(config.ema_decay), torch.Generator().manual_seed(0)

    def batch(rows):
        z = 2.0 * torch.rand(2, rows, 2, generator=draws) - 1.0
        return z[..., :1, None, None] + 0.5 * torch.randn(2, rows, 1, 28, 28, generator=draws), z

    for _ in range(120):
        ascend(net, optimizer, average, *batch(64), random_shifts(64, 1, draws), config)
    with torch.no_grad():
        t = scores(net, *batch(300), [0, 1, 2, 3])
        bound = config.objective().value_of(t[:, 0], t[:, 1:])
    assert bound.min() > 0.5
