"""The DCGAN of several models: shapes, what it is made of, and that its models do not know of one another."""

import pytest
import torch
from torch.nn import functional

from minecli.apps.adversarial.image_networks import (
    ImageDiscriminator,
    ImageEncoder,
    ImageGenerator,
    ImagePairDiscriminator,
    NoisyImageEncoder,
)
from minecli.mine import batched_convolution


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Those of stacked digits, with two channels.
DIGITS = (2, 28, 28)

# What is built, and what it is fed: rows per model and shapes of a row.
NETWORKS = {
    "generator": (lambda g: ImageGenerator(g, 6, DIGITS, 4), [(6, (6,))]),
    "discriminator": (lambda g: ImageDiscriminator(g, DIGITS, 4), [(6, DIGITS)]),
    "packs": (lambda g: ImageDiscriminator(g, DIGITS, 4, pack=3), [(6, DIGITS)]),
    "joint": (lambda g: ImageDiscriminator(g, DIGITS, 4, latent=6, joint_units=10), [(6, DIGITS), (6, (6,))]),
    "direct": (lambda g: ImageDiscriminator(g, DIGITS, 4, latent=6, direct=True), [(6, DIGITS), (6, (6,))]),
    "pairs": (lambda g: ImagePairDiscriminator(g, (1, 17, 17), 4, 3), [(6, (1, 17, 17)), (6, (1, 17, 17))]),
    "encoder": (lambda g: ImageEncoder(g, DIGITS, 4, 6), [(6, DIGITS)]),
    "noisy": (lambda g: NoisyImageEncoder(g, DIGITS, 4, 6, noise_channels=3), [(6, (5, 28, 28))]),
}
RETURNS = {
    "generator": (6, *DIGITS), "discriminator": (6,), "packs": (2,), "joint": (6,), "direct": (6,), "pairs": (6,),
    "encoder": (6, 6), "noisy": (6, 6),
}  # fmt: skip


@pytest.fixture(params=NETWORKS)
def case(request):
    """A network of seeds, what it is to be fed for so many models, and the shape of what it returns per model."""
    build, rows = NETWORKS[request.param]
    return (
        lambda *seeds: build(generators(*seeds)).double(),
        lambda models: [noise(models, b, *shape, seed=i) for i, (b, shape) in enumerate(rows)],
        RETURNS[request.param],
    )


@pytest.mark.parametrize("folded", [False, True])
def test_a_model_is_what_it_would_be_alone(case, folded, monkeypatch):
    network, inputs, returned = case
    given = inputs(3)
    alone = network(7)(*(i[1:2] for i in given))
    monkeypatch.setattr(batched_convolution, "prefers_folding", lambda images: folded)
    together = network(5, 7, 6)(*given)
    assert together.shape == (3, *returned)
    torch.testing.assert_close(together[1:2], alone, rtol=1e-9, atol=1e-12)


def test_models_do_not_mix(case):
    network, inputs, _ = case
    both = network(5, 6)
    both(*inputs(2))[0].square().sum().backward()
    for name, parameter in both.named_parameters():
        assert not parameter.grad[1].any(), name
        assert parameter.grad[0].any(), name


def test_running_statistics_serve_evaluation(case):
    network, inputs, _ = case
    both, given = network(5, 6), inputs(2)
    for _ in range(200):
        trained = both(*given)
    # The running variance is the unbiased one, hence the tolerance.
    torch.testing.assert_close(both.eval()(*given), trained, rtol=0.2, atol=0.02)


def test_everything_of_a_model_can_be_copied_by_its_index(case):
    # Training keeps the last whole generator of each model in this way.
    network, inputs, _ = case
    source, target = network(5, 6), network(7, 8)
    source(*inputs(2))
    for name, tensor in target.state_dict().items():
        tensor[1] = source.state_dict()[name][1]
    given = inputs(2)
    torch.testing.assert_close(target.eval()(*given)[1], source.eval()(*given)[1])


def test_the_generator_is_a_dcgan():
    net = ImageGenerator(generators(0), 5, (3, 28, 28), 4)
    assert [tuple(d.weight.shape) for d in net.deconvolutions] == [
        (1, 32, 16, 5, 5), (1, 16, 8, 5, 5), (1, 8, 4, 5, 5), (1, 4, 3, 5, 5)
    ]  # fmt: skip
    latent = torch.randn(1, 6, 5, generator=torch.Generator().manual_seed(1))
    maps = (latent[0] @ net.first.weight[0]).view(6, 32, 2, 2)
    for deconvolution, output_padding in zip(net.deconvolutions, (1, 0, 1, 1), strict=True):
        maps = functional.relu(functional.batch_norm(maps, None, None, training=True))
        bias = None if deconvolution.bias is None else deconvolution.bias[0]
        maps = functional.conv_transpose2d(maps, deconvolution.weight[0], bias, 2, 2, output_padding)
    torch.testing.assert_close(net(latent)[0], torch.tanh(maps))
    assert [d.bias is None for d in net.deconvolutions] == [True, True, True, False]
    assert net(1e3 * latent).abs().max() <= 1.0


def test_the_discriminator_is_a_dcgans():
    net = ImageDiscriminator(generators(0), (3, 28, 28), 4)
    images = torch.rand(1, 6, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    maps = images[0]
    for i, convolution in enumerate(net.features.convolutions):
        bias = None if convolution.bias is None else convolution.bias[0]
        maps = functional.conv2d(maps, convolution.weight[0], bias, 2, 2)
        if i:
            maps = functional.batch_norm(maps, None, None, training=True)
        maps = functional.leaky_relu(maps, 0.2)
    assert maps.shape == (6, 32, 2, 2)
    torch.testing.assert_close(net(images)[0], (maps.flatten(1) @ net.last.weight[0] + net.last.bias[0])[:, 0])


def test_initial_weights_are_dcgans():
    shape = (3, 28, 28)
    joint = ImageDiscriminator(generators(0), shape, 16, latent=100)
    for net in (ImageGenerator(generators(0), 100, shape, 16), joint):
        for name, parameter in net.named_parameters():
            if "norms" in name:
                assert bool((parameter == (1.0 if name.endswith("scale") else 0.0)).all())
            elif name.endswith("bias"):
                assert not parameter.any()
            else:
                # The latent's come in at the size of the features.
                expected = 0.1 if name == "latent.weight" else 0.02
                assert parameter.std().item() == pytest.approx(expected, rel=0.15), name


# The sides of the maps from the smallest to the image, worked out by hand.
SIDES = {
    (28, 4): (2, 4, 7, 14, 28),
    (28, 3): (4, 7, 14, 28),
    (64, 4): (4, 8, 16, 32, 64),
    (32, 4): (2, 4, 8, 16, 32),
    (16, 2): (4, 8, 16),
    (16, 4): (1, 2, 4, 8, 16),
    (33, 5): (2, 3, 5, 9, 17, 33),
}


@pytest.mark.parametrize(("side", "layers"), SIDES)
def test_any_side_is_halved_and_doubled(side, layers):
    shape, seen = (3, side, side), []

    def note(module, inputs, output):
        seen.append(tuple(output.shape[2:]))

    generator = ImageGenerator(generators(0, 1), 5, shape, 2, layers)
    encoder = ImageEncoder(generators(0, 1), shape, 2, 7, layers)
    smallest, *sides = SIDES[side, layers]
    for deconvolution in generator.deconvolutions:
        deconvolution.register_forward_hook(note)
    images = generator(noise(2, 3, 5).float())
    maps = [2 * 2**i for i in range(layers)]
    assert generator.first.weight.shape == (2, 5, maps[-1] * smallest**2)
    assert seen == [(m, s, s) for m, s in zip([*reversed(maps[:-1]), 3], sides, strict=True)]

    seen.clear()
    for convolution in encoder.features.convolutions:
        convolution.register_forward_hook(note)
    assert encoder(images).shape == (2, 3, 7)
    assert seen == [(m, s, s) for m, s in zip(maps, [*reversed(sides[:-1]), smallest], strict=True)]
    assert encoder.features.outputs == maps[-1] * smallest**2
    judge = ImageDiscriminator(generators(0, 1), shape, 2, layers, latent=5)
    assert judge(images, noise(2, 3, 5).float()).shape == (2, 3)


def test_images_are_square_and_large_enough():
    with pytest.raises(ValueError, match="must be square, not 28 x 32"):
        ImageGenerator(generators(0), 5, (3, 28, 32), 4)
    with pytest.raises(ValueError, match="a side of 16 can be halved 1 to 4 times, not 5"):
        ImageEncoder(generators(0), (3, 16, 16), 4, 5, layers=5)


def test_a_pack_is_consecutive_images_along_the_channels():
    packed = ImageDiscriminator(generators(3), DIGITS, 4, pack=3)
    plain = ImageDiscriminator(generators(3), (6, 28, 28), 4)
    images = torch.rand(1, 12, *DIGITS, generator=torch.Generator().manual_seed(0))
    stacked = torch.stack([torch.cat(list(images[0, i : i + 3])) for i in (0, 3, 6, 9)])
    torch.testing.assert_close(packed(images), plain(stacked[None]))


@pytest.mark.parametrize("units", [0, 48])
def test_a_joint_discriminator_sees_both(units):
    net = ImageDiscriminator(generators(3), DIGITS, 4, latent=5, joint_units=units).double()
    assert net.last.weight.shape == (1, units or 32, 1)
    images, latent = noise(1, 6, *DIGITS).requires_grad_(), noise(1, 6, 5).requires_grad_()
    for slope in torch.autograd.grad(net(images, latent).square().sum(), (images, latent)):
        assert slope.flatten(2).abs().sum(2).min() > 0


@pytest.mark.parametrize(("side", "layers"), [(28, 4), (28, 3), (64, 4)])
def test_latents_count_at_the_start(side, layers):
    # What the hidden layer hears of features and of latents, by its standard deviation over rows and units.
    net = ImageDiscriminator(generators(3), (1, side, side), 8, layers, latent=32).double()
    features = net.features(noise(1, 16, 1, side, side))
    told = functional.leaky_relu(net.latent(noise(1, 16, 32)), 0.2)
    seen, heard = net.hidden.weight.split([features.shape[2], told.shape[2]], 1)
    assert 0.15 < ((told @ heard).std() / (features @ seen).std()).item() < 2.0


def test_pairs_of_images_are_laid_on_one_another():
    net, plain = ImagePairDiscriminator(generators(3), DIGITS, 4), ImageDiscriminator(generators(3), (4, 28, 28), 4)
    first, second = noise(1, 6, *DIGITS, seed=1).float(), noise(1, 6, *DIGITS, seed=2).float()
    torch.testing.assert_close(net(first, second), plain(torch.cat([first, second], 2)))
    assert not torch.allclose(net(first, second), net(second, first))


def test_a_discriminator_of_pairs_sees_both():
    net = ImagePairDiscriminator(generators(3), DIGITS, 4).double()
    first, second = noise(1, 6, *DIGITS, seed=1).requires_grad_(), noise(1, 6, *DIGITS, seed=2).requires_grad_()
    for slope in torch.autograd.grad(net(first, second).square().sum(), (first, second)):
        assert slope.flatten(2).abs().sum(2).min() > 0


@pytest.mark.parametrize(("latent", "given"), [(5, None), (0, torch.zeros(1, 6, 5))])
def test_latents_are_given_where_they_are_judged(latent, given):
    with pytest.raises(ValueError, match="needs latents"):
        ImageDiscriminator(generators(3), DIGITS, 4, latent=latent)(torch.zeros(1, 6, *DIGITS), given)


def test_without_noise_of_their_own_all_images_have_the_same():
    encoder = NoisyImageEncoder(generators(0, 1), DIGITS, 4, 6, noise_channels=3).double().eval()
    images = noise(2, 6, *DIGITS)
    still = torch.cat([images, encoder.still.expand(-1, 6, -1, -1, -1)], 2)
    torch.testing.assert_close(encoder(images), encoder(still))
    assert not torch.equal(encoder.still[0], encoder.still[1])
    torch.testing.assert_close(encoder(images[:, 3:4]), encoder(images)[:, 3:4])
