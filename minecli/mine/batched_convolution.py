"""Convolutions of several models at once: images (models, b, channels, h, w), weights (models, ...), no mixing.

There are two ways to do it. Folded: models side by side on the channel axis, (b, models * channels, h, w), and one
grouped convolution; a step costs few launches, which is what a GPU wants. One by one: a plain convolution per model.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Convolve = Callable[[Tensor, Tensor, Tensor | None, int], Tensor]


def prefers_folding(images: Tensor) -> bool:
    """Whether models are better computed folded than one by one."""
    # On a CPU, grouped convolutions are the slower way. Forward and backward through the four normalised convolutions
    # of a discriminator, 64 images, one thread, grouped against one by one: 23 and 20 ms for two models of 16 filters,
    # 39 and 33 ms for three; 336 and 331, 515 and 513 ms with 64 filters. Channels last saves another tenth at 16
    # filters and costs a fifth at 64, so it is not used.
    return images.shape[0] > 1 and images.is_cuda


def fold(images: Tensor) -> Tensor:
    """(models, b, channels, h, w) to (b, models * channels, h, w); no copy of what `unfold` gave.

    >>> fold(torch.zeros(3, 5, 2, 28, 28)).shape
    torch.Size([5, 6, 28, 28])
    """
    return images.transpose(0, 1).flatten(1, 2)


def unfold(folded: Tensor, models: int) -> Tensor:
    """(b, models * channels, h, w) to (models, b, channels, h, w), without a copy.

    >>> unfold(torch.zeros(5, 6, 28, 28), 3).shape
    torch.Size([3, 5, 2, 28, 28])
    """
    return folded.view(folded.shape[0], models, -1, *folded.shape[2:]).transpose(0, 1)


def joined(each: list[Tensor]) -> Tensor:
    """One result per model, (b, ...), as (models, b, ...); a single one is not copied."""
    return each[0].unsqueeze(0) if len(each) == 1 else torch.stack(each)


def batched_conv2d(
    images: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0
) -> Tensor:
    """Convolve each model's images with its own weights.

    Args:
        images: (models, b, channels, h, w).
        weight: (models, out, channels, k, k).
        bias: (models, out), or None for none.
        stride: as in `torch.nn.functional.conv2d`.
        padding: likewise.

    Returns:
        (models, b, out, h', w').

    >>> batched_conv2d(torch.zeros(3, 5, 2, 28, 28), torch.zeros(3, 16, 2, 5, 5), stride=2, padding=2).shape
    torch.Size([3, 5, 16, 14, 14])
    """

    def convolve(maps: Tensor, kernels: Tensor, shift: Tensor | None, groups: int) -> Tensor:
        return functional.conv2d(maps, kernels, shift, stride, padding, groups=groups)

    return _for_each_model(convolve, images, weight, bias)


def batched_conv_transpose2d(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
) -> Tensor:
    """The transposed convolution ("deconvolution") of each model's images with its own weights.

    Args:
        images: (models, b, channels, h, w).
        weight: (models, channels, out, k, k), in torch's order for transposed convolutions.
        bias: (models, out), or None for none.
        stride: as in `torch.nn.functional.conv_transpose2d`.
        padding: likewise.
        output_padding: likewise; it decides between the sizes that a strided convolution maps to the same one.

    Returns:
        (models, b, out, h', w').

    >>> weight = torch.zeros(3, 8, 4, 5, 5)
    >>> batched_conv_transpose2d(torch.zeros(3, 5, 8, 7, 7), weight, None, 2, 2, 1).shape
    torch.Size([3, 5, 4, 14, 14])
    """

    def convolve(maps: Tensor, kernels: Tensor, shift: Tensor | None, groups: int) -> Tensor:
        return functional.conv_transpose2d(maps, kernels, shift, stride, padding, output_padding, groups)

    return _for_each_model(convolve, images, weight, bias)


def _for_each_model(convolve: Convolve, images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    models = images.shape[0]
    if prefers_folding(images):
        flat_bias = None if bias is None else bias.flatten()
        return unfold(convolve(fold(images), weight.flatten(0, 1), flat_bias, models), models)
    biases = [None] * models if bias is None else bias.unbind()
    return joined([convolve(*each, 1) for each in zip(images.unbind(), weight.unbind(), biases, strict=True)])
