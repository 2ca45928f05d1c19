"""What is built for samples of a shape: sizes by the settings, streams by name, and nothing but tensors by model."""

from dataclasses import replace

import pytest
import torch

from minecli.apps.adversarial.config import AdversarialConfig
from minecli.apps.adversarial.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
    build_pair_discriminator,
    build_statistics_network,
)
from minecli.apps.ensembles.training import only_model

SMALL = AdversarialConfig(
    noise_dim=1, code_dim=4, generator_hidden=8, discriminator_hidden=8, generator_filters=2, discriminator_filters=2,
    statistics_filters=2, image_layers=3, joint_units=6,
)  # fmt: skip
SHAPES = [(3,), (2, 16, 16), (1, 28, 28), (3, 32, 32), (1, 64, 64)]


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# What is built for a shape, the shapes of what it is fed, and that of what comes out.
BUILT = {
    "generator": (lambda s, x: build_generator(s, x, SMALL), lambda x: [(5,)], lambda x: x),
    "bounded": (lambda s, x: build_generator(s, x, SMALL, bounded=True), lambda x: [(5,)], lambda x: x),
    "discriminator": (lambda s, x: build_discriminator(s, x, SMALL), lambda x: [x], lambda x: ()),
    "joint": (lambda s, x: build_discriminator(s, x, SMALL, latent=5), lambda x: [x, (5,)], lambda x: ()),
    "pairs": (lambda s, x: build_pair_discriminator(s, x, SMALL, "cycles"), lambda x: [x, x], lambda x: ()),
    "encoder": (lambda s, x: build_encoder(s, x, SMALL, 7), lambda x: [x], lambda x: (7,)),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", BUILT)
def test_a_model_is_what_it_would_be_alone(name, shape):
    build, fed, returned = BUILT[name]
    given = [noise(3, 4, *each, seed=i) for i, each in enumerate(fed(shape))]
    network = build((5, 7, 6), shape)
    together = network(*given)
    assert together.shape == (3, 4, *returned(shape))
    torch.testing.assert_close(together[1:2], build((7,), shape)(*(g[1:2] for g in given)), rtol=1e-4, atol=1e-5)
    # What a run has kept of one seed is cut out in this way.
    every = network.eval()(*given)
    torch.testing.assert_close(only_model(network, 1)(*(g[1:2] for g in given)), every[1:2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bounded_generators_stay_in_range(shape):
    latent = 1e4 * noise(2, 6, 5)
    free = build_generator((0, 1), shape, SMALL).eval()(latent)
    bounded = build_generator((0, 1), shape, SMALL, bounded=True).eval()(latent)
    assert bounded.abs().max() <= 1.0
    torch.testing.assert_close(bounded, torch.tanh(free) if len(shape) == 1 else free)


@pytest.mark.parametrize("shape", [*SHAPES, (5,)], ids=str)
def test_a_discriminator_of_pairs_sees_both(shape):
    network = build_pair_discriminator((0, 1), shape, SMALL, "cycles")
    pair = noise(2, 4, *shape, seed=1).requires_grad_(), noise(2, 4, *shape, seed=2).requires_grad_()
    for slope in torch.autograd.grad(network(*pair).square().sum(), pair):
        assert slope.flatten(2).abs().sum(2).min() > 0
    for parameter in network.parameters():
        assert parameter.shape[0] == 2


@pytest.mark.parametrize("shape", [(3,), (1, 16, 16)], ids=str)
def test_streams_are_named(shape):
    def first(network):
        return next(network.parameters())

    same = [first(build_pair_discriminator((0,), shape, SMALL, "cycles")) for _ in range(2)]
    assert torch.equal(*same)
    assert not torch.equal(same[0], first(build_pair_discriminator((0,), shape, SMALL, "others")))
    joint = build_discriminator((0,), (2 * shape[0], *shape[1:]), SMALL)
    assert not torch.equal(same[0], first(joint))


def test_settings_decide_sizes():
    joint = build_discriminator((0,), (1, 28, 28), SMALL, latent=5)
    assert [tuple(c.weight.shape[1:3]) for c in joint.features.convolutions] == [(2, 1), (4, 2), (8, 4)]
    assert joint.hidden.weight.shape == (1, 8 * 4**2 + 8, 6)
    generator = build_generator((0,), (1, 28, 28), SMALL)
    assert [tuple(d.weight.shape[1:3]) for d in generator.deconvolutions] == [(8, 4), (4, 2), (2, 1)]


@pytest.mark.parametrize(("side", "layers"), [(16, 2), (28, 3), (32, 3), (64, 4), (65, 5)])
def test_statistics_networks_halve_to_four_pixels(side, layers):
    network = build_statistics_network((0, 1), (3, side, side), SMALL)
    assert len(network.kernels) == layers
    assert network.wide.shape[1] == 2**layers * (4 if side != 65 else 3) ** 2
    assert network.score_rows(noise(2, 3, 3, side, side), noise(2, 3, 4), [0, 1]).shape == (2, 2, 3)


def test_perceptrons_score_images_as_rows_of_pixels():
    shape = (3, 8, 8)
    settings = replace(SMALL, statistics_arch="mlp", discriminator_hidden=16)
    of_images, of_rows = (build_statistics_network((0, 1), s, settings) for s in (shape, (192,)))
    for parameter in (*of_images.parameters(), *of_rows.parameters()):
        parameter.data = torch.ones_like(parameter) / 50
    x, z = noise(2, 5, *shape), noise(2, 5, SMALL.code_dim, seed=1)
    assert torch.equal(of_images.score_rows(x, z, [0, 2]), of_rows.score_rows(x.flatten(2), z, [0, 2]))
    assert sum(p.numel() for p in of_images.parameters()) == sum(p.numel() for p in of_rows.parameters())
