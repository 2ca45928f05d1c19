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
from minecli.apps.ib.densities import log_densities, mixture_log_densities
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


class CodeMemory(nn.Module):
    """The mean codes of the rows that were seen last, by which the density of a code is known better than by one batch.

    Args:
        models: how many there are.
        width: columns of a code.
        rows: how many are remembered at most.

    >>> memory = CodeMemory(1, 2, rows=3)
    >>> memory.remember(torch.ones(1, 2, 2))
    >>> memory.known.shape
    torch.Size([1, 2, 2])
    """

    def __init__(self, models: int, width: int, rows: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.zeros(models, rows, width))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    @property
    def known(self) -> Tensor:
        """The codes (models, n, k), n being 0 at first."""
        return self.get_buffer("codes")[:, : int(self.get_buffer("seen"))]

    @torch.no_grad()
    def remember(self, means: Tensor) -> None:
        """Take the mean codes (models, b, k) of a batch that is done in the place of those seen longest ago."""
        codes, seen = self.get_buffer("codes"), self.get_buffer("seen")
        places = (int(seen) + torch.arange(means.shape[1], device=means.device)) % codes.shape[1]
        codes[:, places] = means
        seen += means.shape[1]


class CodeStatistics(nn.Module):
    r"""T(m, z) of mean codes m and codes z: how much denser z is around m than among all rows, and what a network of z
    adds to that. Of n rows the own one is one, and mean codes m_j that were seen before stand for the others:

    .. math:: T(m, z) = \log \frac{N(z; m, s^2)}{\frac1n N(z; m, s^2)
              + \frac{n - 1}n \frac1R \sum_{j=1}^R N(z; m_j, s^2)} + c(z)

    The fraction is at most n, so that no pair can claim more than n rows support. The deviations s are those of the
    noise on the codes; of an encoder with other noise, too, they are learnt from there, in the densities around m. Of a
    Gaussian encoder the fraction is then q(z|x) / q(z), as the rows seen know it. They are none of the batch's, so that
    T is no function of the batch, as the bound asks. c has two hidden layers of exponential linear units, and all pairs
    of a batch cost one product of matrices.

    Args:
        config: its units, and the noise on the codes.
        rows: n.
        learnt: whether s is learnt.
        seeds: one model each.

    >>> network = CodeStatistics(IbConfig(code_dim=3, statistics_hidden=8), (0, 1), rows=100)
    >>> network.score_rows(torch.zeros(2, 5, 3), torch.zeros(2, 5, 3), [0, 1]).shape
    torch.Size([2, 2, 5])
    """

    def __init__(self, config: IbConfig, seeds: Sequence[int], rows: int, learnt: bool = False) -> None:
        super().__init__()
        draws, hidden, k = _draws(seeds), config.statistics_hidden, config.code_dim
        deviation = torch.full((len(seeds), 1, k), math.log(config.code_noise))
        self.log_deviation = nn.Parameter(deviation, requires_grad=learnt)
        self.first, self.second = Linear(draws, k, hidden, _GAIN), Linear(draws, hidden, hidden, _GAIN)
        self.readout = Linear(draws, hidden, 1, _READOUT_GAIN)
        self.rows = rows
        # The logarithm of the mean over rows seen, (models, b, 1); without any the fraction is left to c.
        self._among: Tensor | None = None

    def see(self, z: Tensor, means: Tensor) -> None:
        """Know how dense the codes (models, b, k) that are scored next are among mean codes m_j (models, R, k), R being
        0 at first. It is what most of a score costs, and the same in all steps on these codes."""
        deviation = self.log_deviation.detach().exp()
        self._among = mixture_log_densities(z, means, deviation)[..., None] if means.shape[1] else None

    def score_rows(self, x: Tensor, z: Tensor, shifts: Sequence[int]) -> Tensor:
        """Score row i of mean codes x with row i - s of codes z, (models, b, k) both, for each shift s: (models,
        len(shifts), b), in nats; see `see`."""
        deviation = self.log_deviation.exp()
        every = log_densities(z, x, deviation)
        if self._among is not None:
            every = every - torch.logaddexp(every - math.log(self.rows), self._among + math.log1p(-1.0 / self.rows))
        every = every + self.readout(functional.elu(self.second(functional.elu(self.first(z)))))
        rows = torch.arange(x.shape[1], device=x.device)
        partners = (rows - torch.tensor(list(shifts), device=x.device)[:, None]) % len(rows)
        return every[:, partners, rows]


def _draws(seeds: Sequence[int]) -> list[torch.Generator]:
    return [torch_generator(seed, "ib", "statistics") for seed in seeds]
