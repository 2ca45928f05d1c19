"""What training against a discriminator draws: the prior Z = [eps, c] of a generator, and what a step needs, from
streams named by seed and purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from minecli.apps.adversarial.config import AdversarialConfig
from minecli.apps.adversarial.table_head import gumbel
from minecli.apps.datasets.real_samples import RealSamples
from minecli.mine.sampling import random_shifts
from minecli.runtime.seeds import torch_generator


@dataclass(frozen=True)
class StepNeeds:
    """What the networks of a method ask for in a step: `count` samples of a batch, latents `turns` times, and, where
    an encoder is `noisy`, as much noise: for each sample of the shape `noise`, by default that of a latent. Each latent
    has Gumbel noise for so many `choices` behind it."""

    count: int
    turns: int
    noisy: bool
    noise: tuple[int, ...] = ()
    choices: int = 0


@dataclass(frozen=True)
class Draws:
    """The random draws of a step: real samples (models, b, *shape); for each turn, the discriminator's first, latents
    and, where there is an encoder with noise, its noise (models, b, *noise); and the shifts that make pairs of the
    marginals."""

    real: Tensor
    priors: list[Tensor]
    noises: list[Tensor]
    shifts: list[int]


def stream(seed: int, *names: str | int) -> torch.Generator:
    """The random stream of a seed for the purpose that `names` name."""
    return torch_generator(seed, "gan", *names)


def draw_prior(config: AdversarialConfig, count: int, generator: torch.Generator, choices: int = 0) -> Tensor:
    """Latents, shape (count, noise_dim + code_dim), normal or uniform on (-1, 1), and behind them Gumbel noise for
    `choices` of a table's columns (`table_head`), on the CPU.

    >>> draw_prior(AdversarialConfig(noise_dim=1, code_dim=2), 4, torch.Generator()).shape
    torch.Size([4, 3])
    """
    if config.prior == "uniform":
        latent = 2.0 * torch.rand(count, config.latent, generator=generator) - 1.0
    else:
        latent = torch.randn(count, config.latent, generator=generator)
    return torch.cat([latent, gumbel(count, choices, generator)], 1) if choices else latent


def prior_of(
    seeds: Sequence[int], config: AdversarialConfig, count: int, *names: str | int, choices: int = 0
) -> Tensor:
    """Latents of all seeds for one purpose, shape (seeds, count, latent + choices), on the CPU; see `draw_prior`."""
    return torch.stack([draw_prior(config, count, stream(seed, *names), choices) for seed in seeds])


def code_of(config: AdversarialConfig, latent: Tensor) -> Tensor:
    """The part c of a latent, shape (..., code_dim)."""
    return latent[..., config.noise_dim : config.latent]


def draw_step(config: AdversarialConfig, seeds: Sequence[int], data: RealSamples, step: int, needs: StepNeeds) -> Draws:
    """The draws of step number `step`, of each seed from a stream of its own; shifts are the same for all.

    >>> from minecli.apps.datasets.real_samples import RealRows
    >>> settings, rows = AdversarialConfig(code_dim=3), RealRows(torch.eye(5))
    >>> draws = draw_step(settings, (0, 1), rows, 7, StepNeeds(count=4, turns=2, noisy=True))
    >>> draws.real.shape, draws.priors[1].shape, draws.noises[1].shape
    (torch.Size([2, 4, 5]), torch.Size([2, 4, 3]), torch.Size([2, 4, 3]))
    """
    count, turns = needs.count, needs.turns
    chosen, priors, noises = [], [], []
    for seed in seeds:
        draws = stream(seed, "step", step)
        chosen.append(torch.randint(len(data), (count,), generator=draws))
        priors.append(draw_prior(config, turns * count, draws, needs.choices).view(turns, count, -1))
        if needs.noise:
            # Made where it is used: maps of noise are a hundred megabytes a step.
            own = torch_generator(seed, "gan", "maps", step, device=data.device)
            noises.append(torch.randn(turns, count, *needs.noise, generator=own, device=data.device))
        elif needs.noisy:
            noises.append(torch.randn(turns, count, config.latent, generator=draws))
    return Draws(
        data.rows(torch.stack(chosen)),
        list(torch.stack(priors, 1).to(data.device)),
        list(torch.stack(noises, 1).to(data.device)) if needs.noisy else [],
        random_shifts(count, config.marginal_shifts, stream(0, "shifts", step)),
    )
