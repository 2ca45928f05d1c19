r"""What classifiers of table 3 minimise, per model and in nats.

Each takes logits (models, draws * b, classes) and labels (models, b), of which every draw has the same.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from minecli.apps.ib.config import IbConfig
from minecli.apps.ib.networks import Coded


def classification_loss(method: str, logits: Tensor, labels: Tensor, config: IbConfig) -> Tensor:
    """The cross-entropy of the labels with what a method adds to it, shape (models,).

    `label-smoothing` spreads a share of each label evenly over all classes; `confidence-penalty` subtracts
    `confidence_weight` times the entropy of the answers.
    """
    log_p = functional.log_softmax(logits, -1)
    every = labels.repeat(1, logits.shape[1] // labels.shape[1])
    loss = -log_p.gather(-1, every[..., None]).squeeze(-1).mean(1)
    if method == "label-smoothing":
        return (1.0 - config.smoothing) * loss - config.smoothing * log_p.mean((1, 2))
    if method == "confidence-penalty":
        return loss + config.confidence_weight * (log_p.exp() * log_p).sum(-1).mean(1)
    return loss


def divergence_from_prior(coded: Coded) -> Tensor:
    r"""The mean over rows of :math:`KL(q(z|x) \,\|\, N(0, I))` in nats, shape (models,), an upper bound on I(X;Z):

    .. math:: \tfrac12 \sum_i \mu_i^2 + \sigma_i^2 - 1 - 2 \log \sigma_i

    >>> one = torch.ones(1, 4, 2)
    >>> divergence_from_prior(Coded(one, one, one))
    tensor([1.])
    """
    mean, deviation = cast(Tensor, coded.mean), cast(Tensor, coded.deviation)
    each = mean.square() + deviation.square() - 1.0 - 2.0 * torch.log(deviation.clamp(min=1e-12))
    return 0.5 * each.sum(-1).mean(-1)
