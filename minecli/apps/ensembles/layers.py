"""Network blocks for several models at once: seeds are trained side by side, as one batched computation.

Everything has a leading axis of models, so that one call serves all seeds: a GPU is kept busy by small networks, and
a step costs few launches. Models never mix: each has its own weights and its own batch statistics.

Rows are (models, b, columns), images (models, b, channels, h, w). Convolutions start as in DCGAN (Radford, Metz and
Chintala, "Unsupervised representation learning with deep convolutional generative adversarial networks", 2016): weights
normal with standard deviation 0.02, biases 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli.mine import batched_convolution
from minecli.mine.batched_convolution import batched_conv2d, batched_conv_transpose2d

LEAK = 0.2
DCGAN_SCALE = 0.02


def drawn(generators: Sequence[torch.Generator], *shape: int, scale: float) -> nn.Parameter:
    """Normal weights (models, *shape) of standard deviation `scale`; each model draws from its own generator."""
    return nn.Parameter(torch.stack([torch.randn(*shape, generator=g) * scale for g in generators]))


class Block(nn.Module):
    """A module that gives one tensor."""

    __call__: Callable[..., Tensor]


class Linear(Block):
    """A linear map of (models, b, inputs) to (models, b, outputs), by default with a bias.

    Weights start normal with standard deviation `gain` / sqrt(inputs), each model's from its own generator, biases at
    0.
    """

    def __init__(
        self, generators: Sequence[torch.Generator], inputs: int, outputs: int, gain: float = 1.0, bias: bool = True
    ) -> None:
        super().__init__()
        self.weight = drawn(generators, inputs, outputs, scale=gain / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(len(generators), 1, outputs)) if bias else None

    def forward(self, rows: Tensor) -> Tensor:
        if self.bias is None:
            return torch.bmm(rows, self.weight)
        return torch.baddbmm(self.bias, rows, self.weight)


class _Normalisation(Block):
    """Scale, shift and running statistics of (models, *shape), the latter moved with weight `momentum` for the new
    batch: they serve sampling after training."""

    def __init__(self, models: int, *shape: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(models, *shape)), nn.Parameter(torch.zeros(models, *shape))
        self.register_buffer("mean", torch.zeros(models, *shape))
        self.register_buffer("variance", torch.ones(models, *shape))
        self.momentum, self.epsilon = momentum, epsilon


class BatchNorm(_Normalisation):
    """Batch normalisation of (models, b, features), by the statistics of each model's own batch."""

    def __init__(self, models: int, features: int) -> None:
        super().__init__(models, 1, features)

    def forward(self, rows: Tensor) -> Tensor:
        # One call for all models, side by side as features, takes a third of the time of variances over a middle axis.
        # The running statistics are views of the buffers, which are thus updated.
        mean, variance = self.get_buffer("mean").view(-1), self.get_buffer("variance").view(-1)
        scale, shift = self.scale.view(-1), self.shift.view(-1)
        folded = rows.transpose(0, 1).flatten(1)
        folded = functional.batch_norm(folded, mean, variance, scale, shift, self.training, self.momentum, self.epsilon)
        return folded.view(rows.shape[1], *self.scale.shape[::2]).transpose(0, 1)


class Perceptron(Block):
    """Hidden layers of leaky rectifiers between two linear maps: (models, b, inputs) to (models, b, outputs).

    Args:
        generators: where each model draws its initial weights.
        inputs: columns that go in.
        hidden: units of each hidden layer.
        layers: hidden layers.
        outputs: columns that come out.
        normalised: batch normalisation before each rectifier.

    >>> net = Perceptron([torch.Generator().manual_seed(s) for s in (0, 1)], 3, 8, 2, 1)
    >>> net(torch.zeros(2, 5, 3)).shape
    torch.Size([2, 5, 1])
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        inputs: int,
        hidden: int,
        layers: int,
        outputs: int,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        gain = math.sqrt(2.0 / (1.0 + LEAK**2))
        widths = [inputs, *[hidden] * layers]
        # Normalisation takes away what a bias adds; its gradient would be rounding errors, which Adam blows up.
        self.linears = nn.ModuleList(
            Linear(generators, a, b, gain, not normalised) for a, b in itertools.pairwise(widths)
        )
        self.norms = nn.ModuleList(BatchNorm(len(generators), hidden) for _ in range(layers if normalised else 0))
        self.last = Linear(generators, hidden, outputs)

    def forward(self, rows: Tensor) -> Tensor:
        for i, linear in enumerate(self.linears):
            rows = linear(rows)
            if self.norms:
                rows = self.norms[i](rows)
            rows = functional.leaky_relu(rows, LEAK)
        return self.last(rows)


class Convolution(Block):
    """A strided convolution, padded by half its size: (models, b, inputs, h, w) to (models, b, outputs, h', w') with
    h' = ceil(h / stride) for odd sizes.

    Args:
        generators: where each model draws its initial weights.
        inputs: channels that go in.
        outputs: channels that come out.
        size: of the square kernel, in pixels; odd.
        stride: in pixels.
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
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride, self.padding = stride, size // 2
        self.weight = drawn(generators, *self._weight_shape(inputs, outputs), size, size, scale=DCGAN_SCALE)
        self.bias = nn.Parameter(torch.zeros(len(generators), outputs)) if bias else None

    def _weight_shape(self, inputs: int, outputs: int) -> tuple[int, int]:
        return outputs, inputs

    def forward(self, images: Tensor) -> Tensor:
        return batched_conv2d(images, self.weight, self.bias, self.stride, self.padding)


class Deconvolution(Convolution):
    """The transpose of `Convolution`, which enlarges: (models, b, inputs, h, w) to (models, b, outputs, h', w') with
    h' = stride (h - 1) + 1 + output_padding for odd sizes.

    `output_padding`, 0 .. stride-1, says which of the sizes that `Convolution` maps to h comes out; for the other
    arguments see there.

    >>> deconvolution = Deconvolution([torch.Generator().manual_seed(0)], 8, 3)
    >>> deconvolution(torch.zeros(1, 5, 8, 4, 4)).shape
    torch.Size([1, 5, 3, 7, 7])
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        inputs: int,
        outputs: int,
        output_padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__(generators, inputs, outputs, bias=bias)
        self.output_padding = output_padding

    def _weight_shape(self, inputs: int, outputs: int) -> tuple[int, int]:
        return inputs, outputs

    def forward(self, images: Tensor) -> Tensor:
        return batched_conv_transpose2d(images, self.weight, self.bias, self.stride, self.padding, self.output_padding)


class ImageBatchNorm(_Normalisation):
    """Batch normalisation of (models, b, channels, h, w), by the statistics of each model's own channels over its own
    batch and all pixels.

    >>> norm = ImageBatchNorm(2, 3)
    >>> bool(norm(torch.rand(2, 5, 3, 7, 7)).mean().abs() < 1e-6)
    True
    """

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
