"""The DCGAN of several models: shapes, what it is made of, and that its models do not know of one another."""

import pytest
import torch
from torch.nn import functional

from minecli.apps.adversarial.image_networks import ImageDiscriminator, ImageEncoder, ImageGenerator
from minecli.mine import batched_convolution


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# What is built, and what it is fed: rows per model and shapes of a row.
NETWORKS = {
    "generator": (lambda g: ImageGenerator(g, 6, 2, 4), [(6, (6,))]),
    "discriminator": (lambda g: ImageDiscriminator(g, 2, 4), [(6, (2, 28, 28))]),
    "packs": (lambda g: ImageDiscriminator(g, 2, 4, pack=3), [(6, (2, 28, 28))]),
    "pairs": (lambda g: ImageDiscriminator(g, 2, 4, latent=6), [(6, (2, 28, 28)), (6, (6,))]),
    "encoder": (lambda g: ImageEncoder(g, 2, 4, 6), [(6, (2, 28, 28))]),
}
RETURNS = {"generator": (6, 2, 28, 28), "discriminator": (6,), "packs": (2,), "pairs": (6,), "encoder": (6, 6)}


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
    net = ImageGenerator(generators(0), 5, 3, 4)
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
    net = ImageDiscriminator(generators(0), 3, 4)
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
    for net in (ImageGenerator(generators(0), 100, 3, 16), ImageDiscriminator(generators(0), 3, 16, latent=100)):
        for name, parameter in net.named_parameters():
            if "norms" in name:
                assert bool((parameter == (1.0 if name.endswith("scale") else 0.0)).all())
            elif name.endswith("bias"):
                assert not parameter.any()
            else:
                assert parameter.std().item() == pytest.approx(0.02, rel=0.15), name


def test_a_pack_is_consecutive_images_along_the_channels():
    packed, plain = ImageDiscriminator(generators(3), 2, 4, pack=3), ImageDiscriminator(generators(3), 6, 4)
    images = torch.rand(1, 12, 2, 28, 28, generator=torch.Generator().manual_seed(0))
    stacked = torch.stack([torch.cat(list(images[0, i : i + 3])) for i in (0, 3, 6, 9)])
    torch.testing.assert_close(packed(images), plain(stacked[None]))


def test_a_discriminator_of_pairs_sees_both():
    net = ImageDiscriminator(generators(3), 2, 4, latent=5).double()
    images, latent = noise(1, 6, 2, 28, 28).requires_grad_(), noise(1, 6, 5).requires_grad_()
    for slope in torch.autograd.grad(net(images, latent).square().sum(), (images, latent)):
        assert slope.flatten(2).abs().sum(2).min() > 0


@pytest.mark.parametrize(("latent", "given"), [(5, None), (0, torch.zeros(1, 6, 5))])
def test_latents_are_given_where_they_are_judged(latent, given):
    with pytest.raises(ValueError, match="needs latents"):
        ImageDiscriminator(generators(3), 2, 4, latent=latent)(torch.zeros(1, 6, 2, 28, 28), given)
