r"""The gradient of the minibatch bound, with the moving average that removes its bias (paper, section 3.2).

The minibatch gradient of the log term, :math:`E_B[\nabla T e^T] / E_B[e^T]`, is biased because numerator and
denominator come from the same few pairs. Replacing the denominator by an exponential moving average makes the bias
small for small learning rates. All of it is done with logarithms, so that no e^T is ever formed alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from minecli.mine.bounds import all_pairs, log_mean_exp


class MovingAverageDenominator:
    r"""The moving average of :math:`E_B[e^T]`, one per model, kept as its logarithm.

    `ema_decay` in [0, 1) is the weight of the OLD average: `a <- decay * a + (1 - decay) * batch`. The average
    starts from the first batch (not from 0 or 1, which would distort the first steps), holds the current batch
    before it is used, and 0 gives the plain biased minibatch gradient of equation 12.

    >>> average = MovingAverageDenominator(0.5)
    >>> average.update(torch.tensor([0.0])).exp()
    tensor([1.])
    >>> average.update(torch.tensor([3.0]).log()).exp()
    tensor([2.])
    """

    def __init__(self, ema_decay: float) -> None:
        if not 0.0 <= ema_decay < 1.0:
            raise ValueError(f"ema_decay is {ema_decay}; it must lie in [0, 1)")
        self.ema_decay = ema_decay
        self.log_average: Tensor | None = None

    def update(self, log_batch: Tensor) -> Tensor:
        """Take in the logarithm of the batch's mean of e^T, shape (models,), and return the log average."""
        log_batch = log_batch.detach()
        if self.log_average is None or self.ema_decay == 0.0:
            self.log_average = log_batch
        else:
            self.log_average = torch.logaddexp(
                self.log_average + math.log(self.ema_decay), log_batch + math.log1p(-self.ema_decay)
            )
        return self.log_average


def corrected_donsker_varadhan(t_joint: Tensor, t_marginal: Tensor, average: MovingAverageDenominator) -> Tensor:
    r"""Return a quantity whose gradient is the corrected one of the Donsker-Varadhan bound; its value is no estimate.

    It is :math:`E_B[T] - E_B[e^T] / a` with the moving average `a` held constant.

    Args:
        t_joint: shape (models, b).
        t_marginal: shape (models, s, b).
        average: the moving average, updated here and nowhere else.

    Returns:
        Shape (models,).
    """
    log_batch = log_mean_exp(all_pairs(t_joint, t_marginal))
    return t_joint.mean(-1) - torch.exp(log_batch - average.update(log_batch))


def clip_gradients(parameters: Sequence[Tensor], limit: float) -> Tensor:
    """Scale each model's gradient down to Euclidean norm `limit` where it is longer; return the norms before.

    All parameters have shape (models, ...); the norm is taken over everything that belongs to one model, so that a
    model that has gone wild does not slow down the others.

    Returns:
        Shape (models,).
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norms = torch.sqrt(sum((g.flatten(1).square().sum(1) for g in gradients), torch.zeros(())))
    scale = (limit / norms.clamp(min=1e-12)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))
    return norms
