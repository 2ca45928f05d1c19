r"""The statistics network T(x, z) for images x and vectors z, several models evaluated as one.

The network of the paper's supplementary material for stacked MNIST. The vector acts on the image's feature maps as a
"dynamic bias": in each convolutional layer a linear map of z gives one number per map, added before the nonlinearity,
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
from minecli.mine.sampling import repair

KERNEL, STRIDE, PADDING = 5, 2, 2
# Halving 28 three times, each time rounding up: 14, 7, 4.
_LAST_SIDE = 4

# The dynamic biases of a batch: one (models, b, maps) per convolutional layer.
Biases = tuple[Tensor, ...]


class ConvolutionalStatisticsNetwork(nn.Module):
    """T(x, z) for `models` models at once, of images (models, b, channels, 28, 28) and vectors (models, b, z_features).

    ========  ================  ==============================
    layer     out               then
    ========  ================  ==============================
    conv      f x 14 x 14       dynamic bias, ELU
    conv      2f x 7 x 7        dynamic bias, ELU
    conv      4f x 4 x 4        dynamic bias, ELU
    linear    units             nothing, as the table has it
    linear    1
    ========  ================  ==============================

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
        generators: where each model draws its initial weights, one per model.

    Raises:
        ValueError: there are not as many generators as models.

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
        generators: Sequence[torch.Generator],
    ) -> None:
        super().__init__()
        if len(generators) != models:
            raise ValueError(f"{models} models need as many generators, not {len(generators)}")

        def drawn(*shape: int, inputs: int) -> nn.Parameter:
            scale = 1.0 / math.sqrt(inputs)
            return nn.Parameter(torch.stack([torch.randn(*shape, generator=g) * scale for g in generators]))

        maps = [filters, 2 * filters, 4 * filters]
        pairs = list(itertools.pairwise([channels, *maps]))
        self.kernels = nn.ParameterList(drawn(b, a, KERNEL, KERNEL, inputs=a * KERNEL**2) for a, b in pairs)
        self.dynamic = nn.ParameterList(drawn(z_features, m, inputs=z_features) for m in maps)
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(models, 1, m)) for m in maps)
        flat = maps[-1] * _LAST_SIDE**2
        self.wide = drawn(flat, units, inputs=flat)
        self.wide_bias = nn.Parameter(torch.zeros(models, 1, units))
        self.readout = nn.Parameter(torch.zeros(models, units, 1))

    @property
    def models(self) -> int:
        """How many networks are held."""
        return int(self.readout.shape[0])

    def project_x(self, x: Tensor) -> Tensor:
        """The first convolution of images (models, b, channels, 28, 28), shape (models, b, f, 14, 14)."""
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
        first, *later = (torch.cat([repair(biases, s) if s else biases for s in shifts], 1) for biases in z)
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
