"""Convolutional blocks for several models at once against torch's own for one, whichever way they are computed."""

import pytest
import torch
from torch.nn import functional

from minecli.apps.ensembles.layers import Convolution, Deconvolution, ImageBatchNorm
from minecli.mine import batched_convolution


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(params=[False, True], ids=["one-by-one", "folded"])
def way(request, monkeypatch):
    """Both ways are tested on every device, whichever it would choose."""
    monkeypatch.setattr(batched_convolution, "prefers_folding", lambda images: request.param)


def test_folding_is_for_several_models_on_a_gpu():
    assert not batched_convolution.prefers_folding(torch.zeros(3, 2, 1, 4, 4))


def test_unfolding_undoes_folding_without_a_copy():
    images = noise(3, 5, 2, 4, 4)
    folded = batched_convolution.fold(images)
    torch.testing.assert_close(folded[:, 2:4], images[1], rtol=0, atol=0)
    unfolded = batched_convolution.unfold(folded, 3)
    torch.testing.assert_close(unfolded, images, rtol=0, atol=0)
    assert batched_convolution.fold(unfolded).data_ptr() == folded.data_ptr()


@pytest.mark.parametrize(("size", "stride"), [(5, 2), (3, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_convolution_is_torchs_for_every_model(way, size, stride, bias):
    block = Convolution(generators(0, 1, 2), 2, 4, size, stride, bias=bias).double()
    if bias:
        torch.nn.init.normal_(block.bias)
    images = noise(3, 5, 2, 7, 7)
    for m, got in enumerate(block(images)):
        expected = functional.conv2d(images[m], block.weight[m], block.bias[m] if bias else None, stride, size // 2)
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("side", "output_padding", "becomes"), [(2, 1, 4), (4, 0, 7), (7, 1, 14), (14, 1, 28)])
def test_deconvolution_is_torchs_for_every_model(way, side, output_padding, becomes):
    block = Deconvolution(generators(0, 1), 3, 4, output_padding=output_padding).double()
    torch.nn.init.normal_(block.bias)
    images = noise(2, 5, 3, side, side)
    out = block(images)
    assert out.shape == (2, 5, 4, becomes, becomes)
    for m, got in enumerate(out):
        expected = functional.conv_transpose2d(images[m], block.weight[m], block.bias[m], 2, 2, output_padding)
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-14)


def test_initial_weights_are_dcgans_and_each_models_own():
    both, alone = Convolution(generators(5, 6), 8, 32), Convolution(generators(6), 8, 32)
    torch.testing.assert_close(both.weight[1:], alone.weight, rtol=0, atol=0)
    assert both.weight.shape == (2, 32, 8, 5, 5)
    assert both.weight.std().item() == pytest.approx(0.02, rel=0.03)
    assert not both.bias.any()
    assert Convolution(generators(5), 8, 32, bias=False).bias is None
    assert Deconvolution(generators(5), 8, 32).weight.shape == (1, 8, 32, 5, 5)


def test_batch_norm_is_torchs_for_every_model(way):
    images = 3.0 * noise(2, 6, 4, 5, 5) + 1.0
    ours, theirs = ImageBatchNorm(2, 4).double(), [torch.nn.BatchNorm2d(4).double() for _ in range(2)]
    torch.nn.init.normal_(ours.scale)
    torch.nn.init.normal_(ours.shift)
    for m, norm in enumerate(theirs):
        norm.weight.data, norm.bias.data = ours.scale.data[m].clone(), ours.shift.data[m].clone()
    for _ in range(3):
        trained = ours(images)
        expected = torch.stack([norm(images[m]) for m, norm in enumerate(theirs)])
    torch.testing.assert_close(trained, expected)
    for mine, name in ((ours.mean, "running_mean"), (ours.variance, "running_var")):
        torch.testing.assert_close(mine, torch.stack([getattr(norm, name) for norm in theirs]))
    ours.eval()
    expected = torch.stack([norm.eval()(images[m]) for m, norm in enumerate(theirs)])
    torch.testing.assert_close(ours(images), expected)


def test_batch_norm_may_see_two_batches_before_the_gradient(way):
    # A discriminator judges real and generated batches before its one backward pass.
    norm = ImageBatchNorm(2, 4)
    (norm(torch.randn(2, 3, 4, 5, 5)).square() + norm(torch.randn(2, 3, 4, 5, 5)).square()).sum().backward()
    assert norm.scale.grad.abs().min() > 0


def test_second_derivatives_are_right(way):
    # The gradient penalty and the unrolled discriminator differentiate a gradient.
    block, norm = Convolution(generators(0, 1), 1, 2, 3, 2).double(), ImageBatchNorm(2, 2).double()
    torch.nn.init.normal_(block.weight)
    images = noise(2, 3, 1, 4, 4).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: norm(block(x)), (images,))
