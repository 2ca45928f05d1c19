"""Convolutional blocks for several models at once: images are (models, b, channels, h, w), and models never mix.

The counterparts of `blocks` for images. Weights start as in DCGAN (Radford, Metz and Chintala, "Unsupervised
representation learning with deep convolutional generative adversarial networks", 2016): normal with standard
deviation 0.02, biases 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli.apps.ensembles.layers import drawn
from minecli.mine import batched_convolution
from minecli.mine.batched_convolution import batched_conv2d, batched_conv_transpose2d

DCGAN_SCALE = 0.02


class Convolution(nn.Module):
    """A strided convolution, padded by half its size: (models, b, inputs, h, w) to (models, b, outputs, h', w') with
    h' = ceil(h / stride) for odd sizes.

    Args:
        generators: where each model draws its initial weights.
        inputs: channels that go in.
        outputs: channels that come out.
        size: of the square kernel, in pixels; odd.
        stride: in pixels.
        scale: standard deviation of the initial weights.
        bias: one number per channel that comes out, 0 at first.

    >>> convolution = Convolution([torch.Generator().manual_seed(s) for s in (0, 1)], 3, 8)
    >>> convolution(torch.zeros(2, 5, 3, 7, 7)).shape
    torch.Size([2, 5, 8, 4, 4])
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        inputs: int,
        outputs: int,
        size: int = 5,
        stride: int = 2,
        scale: float = DCGAN_SCALE,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride, self.padding = stride, size // 2
        self.weight = drawn(generators, outputs, inputs, size, size, scale=scale)
        self.bias = nn.Parameter(torch.zeros(len(generators), outputs)) if bias else None

    def forward(self, images: Tensor) -> Tensor:
        return batched_conv2d(images, self.weight, self.bias, self.stride, self.padding)


class Deconvolution(nn.Module):
    """The transpose of `Convolution`, which enlarges: (models, b, inputs, h, w) to (models, b, outputs, h', w') with
    h' = stride (h - 1) + 1 + output_padding for odd sizes.

    Args:
        generators: where each model draws its initial weights.
        inputs: channels that go in.
        outputs: channels that come out.
        size: of the square kernel, in pixels; odd.
        stride: in pixels.
        output_padding: 0 .. stride-1, which of the sizes that `Convolution` maps to h comes out.
        scale: standard deviation of the initial weights.
        bias: one number per channel that comes out, 0 at first.

    >>> deconvolution = Deconvolution([torch.Generator().manual_seed(0)], 8, 3)
    >>> deconvolution(torch.zeros(1, 5, 8, 4, 4)).shape
    torch.Size([1, 5, 3, 7, 7])
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        inputs: int,
        outputs: int,
        size: int = 5,
        stride: int = 2,
        output_padding: int = 0,
        scale: float = DCGAN_SCALE,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.output_padding = stride, size // 2, output_padding
        self.weight = drawn(generators, inputs, outputs, size, size, scale=scale)
        self.bias = nn.Parameter(torch.zeros(len(generators), outputs)) if bias else None

    def forward(self, images: Tensor) -> Tensor:
        return batched_conv_transpose2d(images, self.weight, self.bias, self.stride, self.padding, self.output_padding)


class ImageBatchNorm(nn.Module):
    """Batch normalisation of (models, b, channels, h, w), by the statistics of each model's own channels over its own
    batch and all pixels.

    Running statistics, for sampling after training, are kept with weight `momentum` for the new batch.

    >>> norm = ImageBatchNorm(2, 3)
    >>> bool(norm(torch.rand(2, 5, 3, 7, 7)).mean().abs() < 1e-6)
    True
    """

    def __init__(self, models: int, channels: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(models, channels))
        self.shift = nn.Parameter(torch.zeros(models, channels))
        self.register_buffer("mean", torch.zeros(models, channels))
        self.register_buffer("variance", torch.ones(models, channels))
        self.momentum, self.epsilon = momentum, epsilon

    def forward(self, images: Tensor) -> Tensor:
        channels = (self.get_buffer("mean"), self.get_buffer("variance"), self.scale, self.shift)
        if batched_convolution.prefers_folding(images):
            folded = self._normalised(batched_convolution.fold(images), *(c.view(-1) for c in channels))
            return batched_convolution.unfold(folded, images.shape[0])
        each = zip(images, *channels, strict=True)
        return batched_convolution.joined([self._normalised(*one) for one in each])

    def _normalised(self, maps: Tensor, mean: Tensor, variance: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        # The running statistics are views of the buffers, which are thus updated.
        return functional.batch_norm(maps, mean, variance, scale, shift, self.training, self.momentum, self.epsilon)
