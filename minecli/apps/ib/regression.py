r"""Targets that are numbers: what a network says of them, what it loses, and how good that is.

The answer to a code is a normal distribution, q(y|z) = N(m(z), s^2), whose mean is a linear map of the code and whose
deviation s is learnt and the same for every row. Its loss, the mean of :math:`-\log q(y|z)`, is in nats as that of
classes is, so that beta weighs the information as it does there. Targets are in units of their mean and deviation over
the training rows; `NumberBottleneck` holds both.

The entropy of a number is not known, so the bound of Barber and Agakov (2003) on I(Z;Y) takes the density of y from the
answers themselves,

.. math:: I(Z;Y) \ge E \log \frac{q(y_i|z_i)}{\frac1n \sum_j q(y_i|z_j)}

which holds for any q, and is at most log n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import stats
from torch import Tensor, nn

from minecli.apps.ib.config import IbConfig
from minecli.apps.ib.networks import Bottleneck, Noise, said_of

# A target that is told exactly would have a density without bound.
_LEAST_DEVIATION = 1e-3
# A step of Adam moves a weight by its learning rate, however far it has to go: the one weight that decides the
# deviation counts so many times, or a few hundred steps would leave intervals far too wide.
_PACE = 30.0
# Rows whose answers are set against each other's targets.
_MOST_PAIRED = 2048
_LEVELS = tuple(round(0.05 * i, 2) for i in range(1, 20))

NUMBER_DEFINITIONS = {
    "rmse": "root of the mean squared error on held-out rows, in the target's own units; the answer is the mean over "
    "test_draws codes per row, by averaged weights",
    "r2": "1 less the mean squared error over the target's variance on the same rows",
    "one_draw_rmse": "rmse with one code per row",
    "nll_nats": "mean of -log of the target's density, in nats, in units of the target's deviation over the training "
    "rows (a normal distribution fitted to the target has 1.42); densities are averaged over draws",
    "interval_error": "mean over central intervals of 5, 10, ... 95 % of the distance of the share of rows within from "
    "that",
    "coverage_90_percent": "share of the held-out rows within the central 90 % of their predicted distribution, in "
    "per cent",
    "label_information_nats": f"lower bound on I(Z;Y) on the first {_MOST_PAIRED} rows held out: mean of log q(y|z) "
    "less the logarithm of its mean over the codes of all of these rows (Barber and Agakov, 2003); at most the "
    "logarithm of the rows",
    "last_rmse": "rmse after the last epoch instead of the chosen one",
    "oracle_rmse": "the least rmse of all evaluations on the test rows: no honest choice",
}


class NumberBottleneck(Bottleneck):
    """An encoder of `inputs` columns and a normal distribution for a number.

    Args:
        method: one of `config.METHODS`.
        config: sizes.
        inputs: columns of the data.
        seeds: one model each.
        scale: mean and deviation of the target over the training rows, in its own units.
    """

    centre: Tensor
    unit: Tensor

    def __init__(
        self, method: str, config: IbConfig, inputs: int, seeds: Sequence[int], scale: tuple[float, float] = (0.0, 1.0)
    ) -> None:
        super().__init__(method, config, inputs, 1, seeds)
        self.raw_deviation = nn.Parameter(torch.zeros(len(seeds), 1, 1))
        for name, value in zip(("centre", "unit"), scale, strict=True):
            self.register_buffer(name, torch.full((len(seeds), 1, 1), value, dtype=torch.float64))

    @property
    def log_deviation(self) -> Tensor:
        """The logarithm of the deviation s, (models, 1, 1)."""
        return (_PACE * self.raw_deviation).clamp(min=math.log(_LEAST_DEVIATION))

    def logits(self, z: Tensor) -> Tensor:
        """Mean and log deviation (models, n, 2) of the target given codes (models, n, k)."""
        mean = self.classifier(z)
        return torch.cat([mean, self.log_deviation.expand_as(mean)], -1)


def build_bottleneck(
    method: str,
    config: IbConfig,
    inputs: int,
    classes: int,
    seeds: Sequence[int],
    scale: tuple[float, float] | None = None,
) -> Bottleneck:
    """An encoder of `inputs` columns with a classifier of `classes`, or, where there are none, with a normal
    distribution for a number of this `scale`; see `NumberBottleneck`."""
    if classes:
        return Bottleneck(method, config, inputs, classes, seeds)
    return NumberBottleneck(method, config, inputs, seeds, scale or (0.0, 1.0))


def gaussian_loss(answers: Tensor, targets: Tensor) -> Tensor:
    """The mean of -log q(y|z) in nats, shape (models,), of means and log deviations (models, draws * b, 2) and targets
    (models, b), of which every draw has the same.

    >>> round(float(gaussian_loss(torch.zeros(1, 4, 2), torch.ones(1, 2))), 4)
    1.4189
    """
    every = targets.repeat(1, answers.shape[1] // targets.shape[1])
    return -_log_density(every, answers[..., 0], answers[..., 1]).mean(1)


def _log_density(y: Tensor, mean: Tensor, log_deviation: Tensor) -> Tensor:
    return -0.5 * ((y - mean) / log_deviation.exp()).square() - log_deviation - 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class NumberAnswers:
    """What models say about the targets of n rows, shapes (models, n), in units of the training rows' deviation: means
    over draws, those of the first draw, log density of the targets averaged over draws, the share of the predicted
    distribution that lies below them; and, (models,), the deviation of one draw's answer and the target's unit."""

    mean: Tensor
    first: Tensor
    log_likelihood: Tensor
    below: Tensor
    deviation: Tensor
    unit: Tensor

    @property
    def finite(self) -> list[bool]:
        """For each model whether all of its answers are finite."""
        each: list[bool] = (torch.isfinite(self.mean) & torch.isfinite(self.log_likelihood)).all(1).tolist()
        return each


@torch.no_grad()
def number_answers(network: NumberBottleneck, x: Tensor, targets: Tensor, noise: Noise, draws: int) -> NumberAnswers:
    """Ask all models about rows (n, inputs) with targets (n,); see `evaluation.answers_of`."""
    parts: list[tuple[Tensor, ...]] = []
    for said, own in said_of(network, x, targets, noise, draws):
        mean, log_deviation = said.double().cpu().unbind(-1)
        y = own.double().cpu()
        likelihood = _log_density(y, mean, log_deviation).logsumexp(1) - math.log(mean.shape[1])
        below = torch.special.ndtr((y - mean) / log_deviation.exp()).mean(1)
        parts.append((mean.mean(1), mean[:, 0], likelihood, below))
    deviation = network.log_deviation.exp().double().cpu().view(-1)
    mean, first, likelihood, below = (torch.cat(each, 1) for each in zip(*parts, strict=True))
    return NumberAnswers(mean, first, likelihood, below, deviation, network.unit.cpu().view(-1))


def number_metrics(answers: NumberAnswers, targets: Tensor, model: int) -> dict[str, float | None]:
    """One model's metrics on rows with `targets` (n,), by name; see NUMBER_DEFINITIONS."""
    y, unit = targets.double().cpu(), float(answers.unit[model])
    squares = squared_errors(answers, targets, model)
    variance = float(y.var(correction=0))
    inside = 2.0 * (answers.below[model] - 0.5).abs()
    covered = [float((inside <= level).double().mean()) for level in _LEVELS]
    return {
        "rmse": unit * math.sqrt(float(squares.mean())),
        "r2": 1.0 - float(squares.mean()) / variance if variance > 0.0 else None,
        "one_draw_rmse": unit * math.sqrt(float((answers.first[model] - y).square().mean())),
        "nll_nats": -float(answers.log_likelihood[model].mean()),
        "interval_error": float(np.mean([abs(c - level) for c, level in zip(covered, _LEVELS, strict=True)])),
        "coverage_90_percent": 100.0 * covered[_LEVELS.index(0.9)],
        "label_information_nats": number_information(answers, targets, model)[0],
    }


def squared_errors(answers: NumberAnswers, targets: Tensor, model: int) -> Tensor:
    """One model's squared errors (n,), in units of the training rows' variance."""
    return (answers.mean[model] - targets.double().cpu()).square()


def number_information(answers: NumberAnswers, targets: Tensor, model: int) -> tuple[float, float]:
    """One model's lower bound on I(Z;Y) and its standard error over rows, in nats; see the module's docstring."""
    y, mean = targets[:_MOST_PAIRED].double().cpu(), answers.first[model, :_MOST_PAIRED]
    every = _log_density(y[:, None], mean[None], answers.deviation[model].log())
    terms = every.diagonal() - every.logsumexp(1) + math.log(len(y))
    return float(terms.mean()), float(terms.std(correction=0)) / math.sqrt(len(y))


def paired_rows(count: int) -> int:
    """Of how many of so many rows `number_information` is made: it is at most their logarithm.

    >>> paired_rows(100), paired_rows(10_000)
    (100, 2048)
    """
    return min(count, _MOST_PAIRED)


@dataclass(frozen=True)
class NumberComparison:
    """How `method` differs from `reference` on the same test rows, in per cent of the target's variance there.

    `difference_percent` is the mean squared error of the one less that of the other, both means over seeds: a
    difference of R2, times -100. Standard error and p-value are those of `evaluation.Comparison`; of one seed, those of
    a paired t test over rows.
    """

    method: str
    reference: str
    difference_percent: float
    standard_error_percent: float
    p_value: float


def compare_numbers(
    method: str, squares: npt.NDArray[np.float64], reference: str, reference_squares: npt.NDArray[np.float64]
) -> NumberComparison:
    """Compare two methods by their squared errors on n test rows, both (seeds, n), in units of the target's variance.

    >>> import numpy as np
    >>> compared = compare_numbers("a", np.array([[0.1, 0.2, 0.0]]), "b", np.array([[0.3, 0.3, 0.3]]))
    >>> round(compared.difference_percent, 6), round(compared.p_value, 4)
    (-20.0, 0.0742)
    """
    return NumberComparison(method, reference, *paired_difference(100.0 * squares, 100.0 * reference_squares))


def paired_difference(
    values: npt.NDArray[np.float64], reference: npt.NDArray[np.float64]
) -> tuple[float, float, float]:
    """The difference of the means of two times (seeds, n) values of the same rows, its standard error, which holds the
    chance of the rows and that of the seeds, and the p-value of none; see `evaluation.Comparison`."""
    each = values - reference
    difference, by_rows = float(each.mean()), float(each.mean(0).var(ddof=1)) / each.shape[1]
    by_seeds = float(each.mean(1).var(ddof=1)) / len(each) if len(each) > 1 else 0.0
    error = math.sqrt(by_rows + by_seeds)
    if error == 0.0:
        return difference, 0.0, 1.0 if difference == 0.0 else 0.0
    freedom: float = each.shape[1] - 1 if len(each) == 1 else math.inf
    if by_seeds > 0.0:
        freedom = (len(each) - 1) * (error**2 / by_seeds) ** 2
    return difference, error, 2.0 * float(stats.t.sf(abs(difference) / error, freedom))
