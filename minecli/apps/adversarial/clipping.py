r"""Adaptive clipping of the mutual-information gradient (Belghazi et al., supplementary material, "adaptive gradient
clipping").

Mutual information is unbounded, so that its gradient can swamp the adversarial one. With :math:`g_u` the gradient of
the adversarial loss and :math:`g_m` that of the weighted mutual information, in the paper both with respect to the SAME
parameters, those of the generator, the step uses :math:`g_u + g_a` with

.. math:: g_a = \min(\lVert g_u \rVert, \lVert g_m \rVert) \, \frac{g_m}{\lVert g_m \rVert}.

Where the information reaches an encoder alone, whose own adversarial gradient may be a small part of the whole, that of
encoder and generator together may be the limit instead. The statistics network is never clipped by this rule: it
ascends its own bound with its own gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

# Below this a gradient has no direction worth keeping.
_SMALLEST = 1e-12


def model_norms(gradients: Sequence[Tensor]) -> Tensor:
    """The Euclidean norm of each model's whole gradient, tensors (models, ...), shape (models,): one norm over all
    tensors together, never one per layer.

    >>> model_norms([torch.tensor([[3.0], [0.0]]), torch.tensor([[4.0], [2.0]])])
    tensor([5., 2.])
    """
    return torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()


def clip_adaptively(adversarial: Sequence[Tensor], information: Sequence[Tensor]) -> list[Tensor]:
    r"""Shorten each model's information gradient to the length of its adversarial one where it is longer.

    Args:
        adversarial: :math:`g_u`, one tensor (models, ...) per parameter.
        information: :math:`g_m`, likewise, of the same parameters or of some of them.

    Returns:
        :math:`g_a`, likewise. It has the direction of :math:`g_m`, is never longer than :math:`g_u`, and equals
        :math:`g_m` where that is no longer than :math:`g_u`.

    >>> clip_adaptively([torch.tensor([[1.0, 0.0]])], [torch.tensor([[0.0, 5.0]])])
    [tensor([[0., 1.]])]
    """
    return shortened(information, model_norms(information), model_norms(adversarial))


def shortened(gradient: Sequence[Tensor], norms: Tensor, limits: Tensor) -> list[Tensor]:
    """Each model's gradient, tensors (models, ...), of Euclidean `norms` (models,), shortened to its limit (models,)
    where it is longer; an infinite limit leaves it as it is.

    >>> shortened([torch.tensor([[0.0, 5.0]])], torch.tensor([5.0]), torch.tensor([torch.inf]))
    [tensor([[0., 5.]])]
    """
    scale = torch.minimum(limits / norms.clamp(min=_SMALLEST), torch.ones_like(norms))
    return [g * scale.view(-1, *[1] * (g.dim() - 1)) for g in gradient]
