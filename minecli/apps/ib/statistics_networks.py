"""The statistics networks that the encoders of the information bottleneck are trained against: the paper's T(x, z), and
T(m(x), z) on the mean codes of bounded encoders."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli.apps.ensembles.layers import Linear
from minecli.apps.ib.config import IbConfig
from minecli.apps.ib.densities import log_densities
from minecli.apps.ib.networks import Noise
from minecli.mine.sampling import shifted
from minecli.runtime.seeds import torch_generator

_GAIN = math.sqrt(2.0)
_READOUT_GAIN = 0.1


class NoisyStatistics(nn.Module):
    """T(x, z): two hidden layers of exponential linear units, with noise on the input and on each of them (paper,
    table 15). The noise is new in every call where `noise` is set, and absent where it is None.

    Args:
        config: its units and noise.
        inputs: columns of x.
        seeds: one model each.
    """

    def __init__(self, config: IbConfig, inputs: int, seeds: Sequence[int]) -> None:
        super().__init__()
        draws = _draws(seeds)
        hidden = config.statistics_hidden
        # Of one layer on [x, z]: split, so that a re-paired row costs an addition.
        share = math.sqrt(inputs / (inputs + config.code_dim))
        self.from_x = Linear(draws, inputs, hidden, _GAIN * share)
        self.from_z = Linear(draws, config.code_dim, hidden, _GAIN * math.sqrt(1.0 - share**2), bias=False)
        self.joint = Linear(draws, hidden, hidden, _GAIN)
        self.readout = Linear(draws, hidden, 1)
        self.on_input, self.on_hidden = config.statistics_noise, config.hidden_noise
        self.noise: Noise | None = None

    def score_rows(self, x: Tensor, z: Tensor, shifts: Sequence[int]) -> Tensor:
        """Score row i of x (models, b, inputs) with row i - s of z for each shift s: (models, len(shifts), b), in
        nats."""
        left, right = self.from_x(self._noisy(x, self.on_input)), self.from_z(self._noisy(z, self.on_input))
        pairs = torch.cat([left + (shifted(right, s) if s else right) for s in shifts], 1)
        hidden = self._noisy(functional.elu(pairs), self.on_hidden)
        hidden = self._noisy(functional.elu(self.joint(hidden)), self.on_hidden)
        return self.readout(hidden).view(len(x), len(shifts), x.shape[1])

    def _noisy(self, values: Tensor, deviation: float) -> Tensor:
        if self.noise is None or deviation == 0.0:
            return values
        return values + deviation * self.noise.normal(*values.shape[1:])


class CodeStatistics(nn.Module):
    r"""T(m, z) of mean codes m and codes z: the logarithm of a normal density around m, and a network of z.

    .. math:: T(m, z) = -\sum_k \frac{(z_k - m_k)^2}{2 s_k^2} - \log s_k + c(z)

    The deviations s are learnt, from that of the noise on the codes. Of a Gaussian encoder the first part is log q(z|x)
    with that noise, so that what is left to learn is :math:`c(z) = -\log q(z)` up to a constant. Two hidden layers of
    exponential linear units; all pairs of a batch cost one product of matrices.

    Args:
        config: its units, and the noise on the codes.
        seeds: one model each.

    >>> network = CodeStatistics(IbConfig(code_dim=3, statistics_hidden=8), (0, 1))
    >>> network.score_rows(torch.zeros(2, 5, 3), torch.zeros(2, 5, 3), [0, 1]).shape
    torch.Size([2, 2, 5])
    """

    def __init__(self, config: IbConfig, seeds: Sequence[int]) -> None:
        super().__init__()
        draws, hidden, k = _draws(seeds), config.statistics_hidden, config.code_dim
        self.log_deviation = nn.Parameter(torch.full((len(seeds), 1, k), math.log(config.code_noise)))
        self.first, self.second = Linear(draws, k, hidden, _GAIN), Linear(draws, hidden, hidden, _GAIN)
        self.readout = Linear(draws, hidden, 1, _READOUT_GAIN)

    def score_rows(self, x: Tensor, z: Tensor, shifts: Sequence[int]) -> Tensor:
        """Score row i of mean codes x with row i - s of codes z, (models, b, k) both, for each shift s: (models,
        len(shifts), b), in nats."""
        hidden = functional.elu(self.second(functional.elu(self.first(z))))
        every = log_densities(z, x, self.log_deviation.exp().expand_as(x)) + self.readout(hidden)
        rows = torch.arange(x.shape[1], device=x.device)
        others = (rows - torch.tensor(list(shifts), device=x.device)[:, None]) % len(rows)
        return every[:, others, rows]


def _draws(seeds: Sequence[int]) -> list[torch.Generator]:
    return [torch_generator(seed, "ib", "statistics") for seed in seeds]
