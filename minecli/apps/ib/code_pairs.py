"""Rows and their codes as the networks see them that measure I(X;Z), and what is known of both beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from minecli.apps.ib.densities import LEAST_DEVIATION, mixture_log_densities
from minecli.apps.ib.networks import Coded, Noise, mean_codes
from minecli.apps.ib.training import IbTraining
from minecli.mine.statistics_network import LogRatioBase

_AT_ONCE = 256
# Rows whose densities make that of the codes.
_MOST_IN_MIXTURE = 8192
_LEAST_SCALE = 1e-6


@dataclass(frozen=True)
class CodePairs:
    """What networks see of n rows and of a code of each, see `EncoderBase`: (models, n, 2 k) and (models, n, k + 1)."""

    rows: Tensor
    codes: Tensor

    def some(self, which: slice) -> CodePairs:
        """Some of the rows."""
        return CodePairs(self.rows[:, which], self.codes[:, which])

    def of_model(self, model: int, which: slice) -> tuple[Tensor, Tensor]:
        """Both of some of the rows, as one model has them."""
        return self.rows[model : model + 1, which], self.codes[model : model + 1, which]


class EncoderBase(LogRatioBase):
    r"""How much denser a code z is around its row than among all codes:

    .. math:: \log N(z; m(x), s(x)^2) - \log g(z)

    Where the encoder is Gaussian and g the density of its codes, this is the log density ratio itself. A row is seen as
    m and log s, a code as itself and log g, both logarithms less their means `typical`, and log g over `spread`.

    Args:
        log_deviation: the mean log s, shape (models, 1, k).
        typical: the mean log g, shape (models, 1).
        spread: the standard deviation of log g in nats, shape (models, 1).
    """

    def __init__(self, log_deviation: Tensor, typical: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones_like(typical))
        for name, value in (("log_deviation", log_deviation), ("typical", typical), ("spread", spread)):
            self.register_buffer(name, value)

    def columns(self, side: str) -> int:
        """See `LogRatioBase.columns`."""
        width = self.get_buffer("log_deviation").shape[-1]
        return 2 * width if side == "x" else width + 1

    def project(self, side: str, variates: Tensor) -> tuple[Tensor, Tensor]:
        """See `LogRatioBase.project`."""
        if side == "z":
            z = variates[..., :-1]
            density = self.get_buffer("typical") + self.get_buffer("spread") * variates[..., -1]
            return torch.cat([z, z.square()], -1), -density
        mean, log_deviation = variates.chunk(2, -1)
        log_deviation = log_deviation + self.get_buffer("log_deviation")
        precision = torch.exp(-2.0 * log_deviation)
        energy = -0.5 * (mean.square() * precision).sum(-1) - log_deviation.sum(-1)
        return torch.cat([mean * precision, -0.5 * precision], -1), energy


@torch.no_grad()
def code_pairs(training: IbTraining, seen: Tensor, unseen: Tensor) -> tuple[CodePairs, CodePairs, EncoderBase]:
    """Rows (n, inputs) that are learnt from and rows held out, each with a code, and what networks start from.

    All are in units in which a column of the codes has a variance of 1. The density g of a code is the mean of those
    around rows that are learnt from, its own row left out.
    """
    first, second = (_with_moments(training, name, rows) for name, rows in (("seen", seen), ("unseen", unseen)))
    centre, scale = first[0].mean(1, keepdim=True), first[0].std(1, keepdim=True).clamp(min=_LEAST_SCALE)
    z, mean, deviation = _in_units(first, centre, scale)
    other_z, other_mean, other_deviation = _in_units(second, centre, scale)
    known = mean[:, :_MOST_IN_MIXTURE].double(), deviation[:, :_MOST_IN_MIXTURE].double()
    density, other = _among(z.double(), *known, own=True), _among(other_z.double(), *known, own=False)
    log_deviation = deviation.log().mean(1, keepdim=True)
    typical, spread = density.mean(1, keepdim=True), density.std(1, keepdim=True).clamp(min=_LEAST_SCALE)

    def seen_as(z: Tensor, mean: Tensor, deviation: Tensor, density: Tensor) -> CodePairs:
        column = ((density - typical) / spread).to(z.dtype)[..., None]
        return CodePairs(torch.cat([mean, deviation.log() - log_deviation], -1), torch.cat([z, column], -1))

    base = EncoderBase(log_deviation, typical.to(z.dtype), spread.to(z.dtype))
    return seen_as(z, mean, deviation, density), seen_as(other_z, other_mean, other_deviation, other), base


Moments = tuple[Tensor, Tensor, Tensor]


def _with_moments(training: IbTraining, name: str, rows: Tensor) -> Moments:
    """One code per row, and mean and deviation of the codes that it can have: those that are known, or, where there is
    noise on or beside the input, the mean of other draws and the deviation from it, the same for all rows."""
    network: Any = training.last_finite["classifier"]
    own, others = (Noise(training.seeds, training.device, "information", name, use) for use in ("code", "mean"))
    known, parts = network.is_known, []
    for part in torch.split(rows, _AT_ONCE):
        every = part.to(training.device).expand(len(training.seeds), *part.shape)
        coded: Coded = network.encode(every, own)
        # Of draws of its own: a mean that held the code itself would say something about it that the row does not.
        mean = coded.mean if known else mean_codes(network, every, others, training.config.test_draws)
        parts.append((coded.z, mean, coded.deviation if known else mean))
    z, mean, deviation = (torch.cat(each, 1) for each in zip(*parts, strict=True))
    if not known:
        deviation = (z - mean).square().mean(1, keepdim=True).sqrt().expand_as(mean)
    return z, mean, deviation


def _in_units(moments: Moments, centre: Tensor, scale: Tensor) -> Moments:
    z, mean, deviation = moments
    return (z - centre) / scale, (mean - centre) / scale, (deviation / scale).clamp(min=LEAST_DEVIATION)


def _among(z: Tensor, mean: Tensor, deviation: Tensor, *, own: bool) -> Tensor:
    """The log densities of codes by those around some rows, (models, n); `own`: the first codes are of these rows."""
    count = mean.shape[1] if own else 0
    parts = [mixture_log_densities(z[:, :count], mean, deviation, own=True)] if own else []
    if z.shape[1] > count:
        parts.append(mixture_log_densities(z[:, count:], mean, deviation))
    return torch.cat(parts, 1)
