r"""The statistics network T(x, z) for images x and vectors z, several models evaluated as one.

The network of the paper's supplementary material for stacked MNIST (28 x 28) and CelebA (64 x 64), and for any other
side. The vector acts on the image's feature maps as a "dynamic bias": in each convolutional layer a linear map of z
gives one number per map, added before the nonlinearity,
:math:`h_l = \operatorname{ELU}(w_l * h_{l-1} + V_l z + b_l)` with the image as :math:`h_0`. What depends on one side
alone is computed once per row and re-paired: the first convolution, and all :math:`V_l z`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli.mine.batched_convolution import batched_conv2d
from minecli.mine.sampling import shifted

KERNEL, STRIDE, PADDING = 5, 2, 2

# The dynamic biases of a batch: one (models, b, maps) per convolutional layer.
Biases = tuple[Tensor, ...]


def halved_sides(side: int, layers: int) -> tuple[int, ...]:
    """The sides of square maps that convolutions of stride 2 give one after another, the image's own first: each half
    the one before, rounded up.

    Raises:
        ValueError: there is no layer, or there are so many that one is given a single pixel.

    >>> halved_sides(28, 4), halved_sides(64, 4)
    ((28, 14, 7, 4, 2), (64, 32, 16, 8, 4))
    """
    # So many halvings, each rounded up, lead to 1.
    most = max(0, side - 1).bit_length()
    if not 1 <= layers <= most:
        raise ValueError(f"a side of {side} can be halved 1 to {most} times, not {layers}")
    sides = [side]
    for _ in range(layers):
        sides.append((sides[-1] + 1) // 2)
    return tuple(sides)


class ConvolutionalStatisticsNetwork(nn.Module):
    """T(x, z) for `models` models at once, of images (models, b, channels, side, side) and vectors
    (models, b, z_features).

    ========  ================  ==============================
    layer     out, 28 x 28      then
    ========  ================  ==============================
    conv      f x 14 x 14       dynamic bias, ELU
    conv      2f x 7 x 7        dynamic bias, ELU
    conv      4f x 4 x 4        dynamic bias, ELU
    linear    units             nothing, as the table has it
    linear    1
    ========  ================  ==============================

    Other sides are halved likewise, and every further convolution has twice the maps of the one before: the paper's T
    for 64 x 64 has four, of 16 to 128 maps.

    Kernels are 5 x 5 with stride 2, without batch normalisation: T judges pairs, and a batch's statistics would let it
    see the others. Two linear maps in a row can express no more than one; the wide layer changes how T is learnt.
    Weights start with standard deviation 1 / sqrt(inputs), but the last map starts from zero, so that T is 0 at first.
    A constant does not matter to the bound, and the wide layer's bias can give it, so that the last map has none.

    Args:
        models: how many networks.
        channels: of an image.
        z_features: components of z.
        filters: maps of the first convolution (f).
        units: of the wide layer.
        side: height and width of an image.
        layers: convolutions.
        generators: where each model draws its initial weights, one per model.

    Raises:
        ValueError: there are not as many generators as models, or more layers than a side can be halved.

    >>> generators = [torch.Generator().manual_seed(s) for s in (0, 1)]
    >>> network = ConvolutionalStatisticsNetwork(2, 3, 10, filters=4, units=8, generators=generators)
    >>> x, z = torch.zeros(2, 5, 3, 28, 28), torch.zeros(2, 5, 10)
    >>> network.score(network.project_x(x), network.project_z(z), [0, 1, 3]).shape
    torch.Size([2, 3, 5])
    """

    def __init__(
        self,
        models: int,
        channels: int,
        z_features: int,
        *,
        filters: int = 16,
        units: int = 1024,
        side: int = 28,
        layers: int = 3,
        generators: Sequence[torch.Generator],
    ) -> None:
        super().__init__()
        if len(generators) != models:
            raise ValueError(f"{models} models need as many generators, not {len(generators)}")

        def drawn(*shape: int, inputs: int) -> nn.Parameter:
            scale = 1.0 / math.sqrt(inputs)
            return nn.Parameter(torch.stack([torch.randn(*shape, generator=g) * scale for g in generators]))

        last_side = halved_sides(side, layers)[-1]
        maps = [filters * 2**i for i in range(layers)]
        pairs = list(itertools.pairwise([channels, *maps]))
        self.kernels = nn.ParameterList(drawn(b, a, KERNEL, KERNEL, inputs=a * KERNEL**2) for a, b in pairs)
        self.dynamic = nn.ParameterList(drawn(z_features, m, inputs=z_features) for m in maps)
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(models, 1, m)) for m in maps)
        flat = maps[-1] * last_side**2
        self.wide = drawn(flat, units, inputs=flat)
        self.wide_bias = nn.Parameter(torch.zeros(models, 1, units))
        self.readout = nn.Parameter(torch.zeros(models, units, 1))

    @property
    def models(self) -> int:
        """How many networks are held."""
        return int(self.readout.shape[0])

    def project_x(self, x: Tensor) -> Tensor:
        """The first convolution of images (models, b, channels, side, side), shape (models, b, f, side / 2, side / 2),
        rounded up."""
        return batched_conv2d(x, self.kernels[0], None, STRIDE, PADDING)

    def project_z(self, z: Tensor) -> Biases:
        """The dynamic biases of z (models, b, z_features): (models, b, maps) per layer, the constant ones included."""
        each = zip(self.biases, self.dynamic, strict=True)
        return tuple(torch.baddbmm(bias, z, weight) for bias, weight in each)

    def forward(self, x: Tensor, z: Biases) -> Tensor:
        """Score the pairs of row i of what `project_x` gave with row i of what `project_z` gave; shape (models, b), in
        nats."""
        return self.score(x, z, [0]).squeeze(1)

    def score(self, x: Tensor, z: Biases, shifts: Sequence[int]) -> Tensor:
        """Score row i of x with row i - s of z for each shift s (0: the joint pair).

        Args:
            x: what `project_x` gave.
            z: what `project_z` gave.
            shifts: the re-pairings, which are computed as one batch.

        Returns:
            Shape (models, len(shifts), b), in nats.
        """
        first, *later = (torch.cat([shifted(biases, s) if s else biases for s in shifts], 1) for biases in z)
        models, rows = x.shape[:2]
        # Each image meets every re-paired bias: a new axis of shifts, then all pairs of a model in a row.
        met = x.unsqueeze(1) + first.view(models, len(shifts), rows, -1, 1, 1)
        maps = functional.elu(met.flatten(1, 2))
        for kernel, biases in zip(list(self.kernels)[1:], later, strict=True):
            convolved = batched_conv2d(maps, kernel, None, STRIDE, PADDING)
            maps = functional.elu(convolved + biases[..., None, None])
        wide = torch.baddbmm(self.wide_bias, maps.flatten(2), self.wide)
        return torch.bmm(wide, self.readout).view(models, len(shifts), rows)

    def score_rows(self, x: Tensor, z: Tensor, shifts: Sequence[int]) -> Tensor:
        """`score` of the rows themselves: images (models, b, channels, h, w) and z (models, b, z_features)."""
        return self.score(self.project_x(x), self.project_z(z), shifts)
