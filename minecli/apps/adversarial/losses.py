r"""What the players of a GAN descend: one function per idea, each of shape (models,), in nats.

A discriminator gives the logit of "real" for samples x, or for pairs (x, z) of a sample and its latent. A side is what
it sees together: real samples with what an encoder says of them, or generated ones with what they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import softplus

# Samples, and the latent that is seen with them, if any.
Side = tuple[Tensor, Tensor | None]
Discriminator = Callable[..., Tensor]


def discriminator_loss(discriminator: Discriminator, real: Side, fake: Side, gradient_penalty: float = 0.0) -> Tensor:
    r""":math:`-E \log D(real) - E \log (1 - D(fake))`, and the zero-centred penalty
    :math:`\tfrac{\lambda}{2} E \lVert \nabla_x \operatorname{logit} D \rVert^2` at real samples, where it is asked for
    (Mescheder et al., "Which training methods for GANs do actually converge?", 2018, R1)."""
    samples = real[0].detach().requires_grad_() if gradient_penalty else real[0]
    logits = discriminator(samples, real[1])
    loss = (softplus(-logits) + softplus(discriminator(*fake))).mean(1)
    if not gradient_penalty:
        return loss
    (slopes,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
    return loss + 0.5 * gradient_penalty * slopes.square().flatten(2).sum(2).mean(1)


def generator_loss(discriminator: Discriminator, fake: Side) -> Tensor:
    r""":math:`-E \log D(fake)`, the non-saturating loss (paper, equation 17)."""
    return softplus(-discriminator(*fake)).mean(1)


def ali_loss(discriminator: Discriminator, real: Side, fake: Side) -> Tensor:
    r""":math:`-E \log D(G(z), z) - E \log (1 - D(x, E(x)))`: generator and encoder each pass for the other (Dumoulin et
    al., "Adversarially learned inference", 2017), non-saturating on both sides."""
    return (softplus(-discriminator(*fake)) + softplus(discriminator(*real))).mean(1)


def veegan_loss(discriminator: Discriminator, fake: Side, latent: Tensor, reconstructed: Tensor) -> Tensor:
    r""":math:`-E \operatorname{logit} D(G(z), z) + E \lVert z - F(G(z)) \rVert^2` (Srivastava et al., "VEEGAN", 2017,
    algorithm 1): the logit estimates a log density ratio, and the reconstructor F learns from the second term alone."""
    return (latent - reconstructed).square().sum(2).mean(1) - discriminator(*fake).mean(1)


def mean_distance(fake: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    r"""The mean over features of :math:`(\bar x - \mu)^2 / (\sigma^2 + 0.001)`, with :math:`\bar x` the mean of a batch
    (models, b, features) and :math:`\mu, \sigma^2` those of the real rows, (features,): feature matching (Salimans et
    al., "Improved techniques for training GANs", 2016) on the features themselves, as table-GAN has it (Park et al.,
    "Data synthesis based on generative adversarial networks", 2018). It holds the shares of rare levels.

    >>> mean_distance(torch.tensor([[[0.0], [1.0]]]), torch.tensor([0.0]), torch.tensor([0.249]))
    tensor([1.])
    """
    return ((fake.mean(1) - mean).square() / (variance + 1e-3)).mean(1)


def unrolled(
    discriminator: nn.Module, optimizer: torch.optim.Optimizer, real: Side, fake: Side, steps: int
) -> dict[str, Tensor]:
    """The discriminator's parameters after more steps of Adam on one batch, differentiable in the generated samples.

    The generator's loss under these parameters is the surrogate of Metz et al., "Unrolled generative adversarial
    networks" (2017, equations 7 to 9). Neither the discriminator nor its optimiser is changed.

    Args:
        optimizer: the discriminator's Adam, whose moments the steps start from.
        steps: how many.
    """
    group: dict[str, Any] = optimizer.param_groups[0]
    (first, second), rate, small = group["betas"], group["lr"], group["eps"]
    parameters: dict[str, Tensor] = dict(discriminator.named_parameters())
    states = [optimizer.state[p] for p in parameters.values()]
    count = int(states[0].get("step", 0))
    means = [s.get("exp_avg", torch.zeros_like(p)) for s, p in zip(states, parameters.values(), strict=True)]
    squares = [s.get("exp_avg_sq", torch.zeros_like(p)) for s, p in zip(states, parameters.values(), strict=True)]
    for step in range(count + 1, count + steps + 1):
        logits = [functional_call(discriminator, parameters, side) for side in (real, fake)]
        loss = (softplus(-logits[0]) + softplus(logits[1])).mean(1).sum()
        gradients = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
        means = [m.lerp(g, 1.0 - first) for m, g in zip(means, gradients, strict=True)]
        squares = [v.lerp(g.square(), 1.0 - second) for v, g in zip(squares, gradients, strict=True)]
        moves = _adam_moves(means, squares, 1.0 - first**step, 1.0 - second**step, small)
        parameters = {name: p - rate * move for (name, p), move in zip(parameters.items(), moves, strict=True)}
    return parameters


def _adam_moves(
    means: Sequence[Tensor], squares: Sequence[Tensor], first: float, second: float, small: float
) -> list[Tensor]:
    # A root has no slope at zero: a square that is exactly zero is kept away from it.
    return [
        m / first / ((v / second).clamp(min=torch.finfo(v.dtype).tiny).sqrt() + small)
        for m, v in zip(means, squares, strict=True)
    ]


class Foreseen(nn.Module):
    """A discriminator with other parameters, by name, in the place of its own: sides (models, b, ...) to logits
    (models, b)."""

    def __init__(self, discriminator: nn.Module, parameters: dict[str, Tensor]) -> None:
        super().__init__()
        # Kept out of the module's own parts: nothing here is to be trained or stored.
        self._seen = (discriminator, parameters)

    def forward(self, samples: Tensor, latent: Tensor | None = None) -> Tensor:
        logits: Tensor = functional_call(*self._seen, (samples, latent))
        return logits


def squared_error(truth: Tensor, reconstructed: Tensor) -> Tensor:
    """The mean over rows and components of the squared difference, shape (models,)."""
    return (truth - reconstructed).square().flatten(1).mean(1)
