"""Network blocks for several models at once: seeds are trained side by side, as one batched computation.

Everything has a leading axis of models, so that one call serves all seeds: a GPU is kept busy by small networks, and
a step costs few launches. Models never mix: each has its own weights and its own batch statistics.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAK = 0.2


def drawn(generators: Sequence[torch.Generator], *shape: int, scale: float) -> nn.Parameter:
    """Normal weights (models, *shape) of standard deviation `scale`; each model draws from its own generator."""
    return nn.Parameter(torch.stack([torch.randn(*shape, generator=g) * scale for g in generators]))


class Linear(nn.Module):
    """A linear map of (models, b, inputs) to (models, b, outputs), by default with a bias."""

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


class BatchNorm(nn.Module):
    """Batch normalisation of (models, b, features), by the statistics of each model's own batch.

    Running statistics, for sampling after training, are kept with weight `momentum` for the new batch.
    """

    def __init__(self, models: int, features: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(models, 1, features))
        self.shift = nn.Parameter(torch.zeros(models, 1, features))
        self.register_buffer("mean", torch.zeros(models, 1, features))
        self.register_buffer("variance", torch.ones(models, 1, features))
        self.momentum, self.epsilon = momentum, epsilon

    def forward(self, rows: Tensor) -> Tensor:
        if self.training:
            variance, mean = torch.var_mean(rows, dim=1, correction=0, keepdim=True)
            with torch.no_grad():
                unbiased = variance * (rows.shape[1] / max(1, rows.shape[1] - 1))
                self.get_buffer("mean").lerp_(mean, self.momentum)
                self.get_buffer("variance").lerp_(unbiased, self.momentum)
        else:
            mean, variance = self.get_buffer("mean"), self.get_buffer("variance")
        return (rows - mean) * torch.rsqrt(variance + self.epsilon) * self.scale + self.shift


class Perceptron(nn.Module):
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
        out: Tensor = self.last(rows)
        return out
