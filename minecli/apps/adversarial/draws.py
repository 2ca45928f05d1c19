"""Everything random in one step of models that are trained against a discriminator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from minecli.apps.adversarial.config import AdversarialConfig
from minecli.apps.adversarial.data import RealSamples
from minecli.apps.adversarial.latent import draw_prior, stream
from minecli.mine.sampling import random_shifts


@dataclass(frozen=True)
class Draws:
    """The random draws of a step: real samples (models, b, *shape); for each turn, the discriminator's first, latents
    and, where there is an encoder with noise, its noise (models, b, latent); and re-pairings."""

    real: Tensor
    priors: list[Tensor]
    noises: list[Tensor]
    shifts: list[int]


def draw_step(
    config: AdversarialConfig,
    seeds: Sequence[int],
    data: RealSamples,
    step: int,
    *,
    count: int,
    turns: int,
    noisy: bool,
) -> Draws:
    """The draws of a step, of each seed from a stream of its own; re-pairings are the same for all.

    Args:
        count: samples of a batch.
        turns: how often networks ask for latents in a step.
        noisy: whether an encoder asks for noise.

    >>> from minecli.apps.adversarial.data import RealRows
    >>> settings, rows = AdversarialConfig(code_dim=3), RealRows(torch.eye(5))
    >>> draws = draw_step(settings, (0, 1), rows, 7, count=4, turns=2, noisy=True)
    >>> draws.real.shape, draws.priors[1].shape, draws.noises[1].shape
    (torch.Size([2, 4, 5]), torch.Size([2, 4, 3]), torch.Size([2, 4, 3]))
    """
    chosen, priors, noises = [], [], []
    for seed in seeds:
        draws = stream(seed, "step", step)
        chosen.append(torch.randint(len(data), (count,), generator=draws))
        priors.append(draw_prior(config, turns * count, draws).view(turns, count, -1))
        if noisy:
            noises.append(torch.randn(turns, count, config.latent, generator=draws))
    return Draws(
        data.rows(torch.stack(chosen)),
        list(torch.stack(priors, 1).to(data.device)),
        list(torch.stack(noises, 1).to(data.device)) if noisy else [],
        random_shifts(count, config.marginal_shifts, stream(0, "shifts", step)),
    )
