"""The prior Z = [eps, c] of a generator, drawn from streams named by seed and purpose."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from minecli.apps.adversarial.config import AdversarialConfig
from minecli.runtime.seeds import torch_generator


def stream(seed: int, *names: str | int) -> torch.Generator:
    """The random stream of a seed for a purpose."""
    return torch_generator(seed, "gan", *names)


def draw_prior(config: AdversarialConfig, count: int, generator: torch.Generator) -> Tensor:
    """Latents, shape (count, noise_dim + code_dim), normal or uniform on (-1, 1), on the CPU.

    >>> draw_prior(AdversarialConfig(noise_dim=1, code_dim=2), 4, torch.Generator()).shape
    torch.Size([4, 3])
    """
    if config.prior == "uniform":
        return 2.0 * torch.rand(count, config.latent, generator=generator) - 1.0
    return torch.randn(count, config.latent, generator=generator)


def prior_of(seeds: Sequence[int], config: AdversarialConfig, count: int, *names: str | int) -> Tensor:
    """Latents of all seeds for one purpose, shape (seeds, count, latent), on the CPU."""
    return torch.stack([draw_prior(config, count, stream(seed, *names)) for seed in seeds])


def code_of(config: AdversarialConfig, latent: Tensor) -> Tensor:
    """The part c of a latent, shape (..., code_dim)."""
    return latent[..., config.noise_dim :]
