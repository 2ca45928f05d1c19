"""What an exported generator is: a program of its own."""

from __future__ import annotations

from torch import Tensor, nn

from minecli.apps.adversarial.config import AdversarialConfig
from minecli.apps.ensembles.exporting import Port, Scaling

Shape = tuple[int, ...]


class GeneratorProgram(nn.Module):
    """Latents (n, l) to samples (n, *shape), in the units of a table's array where `scaling` says how."""

    def __init__(self, generator: nn.Module, shape: Shape, scaling: Scaling | None) -> None:
        super().__init__()
        self.generator, self.shape, self.scaling = generator, shape, scaling

    def forward(self, latent: Tensor) -> Tensor:
        samples: Tensor = self.generator(latent[None])[0].reshape(-1, *self.shape)
        return samples if self.scaling is None else self.scaling.back(samples)


def prior_port(config: AdversarialConfig) -> Port:
    """What a generator is given.

    >>> prior_port(AdversarialConfig(noise_dim=1, code_dim=2)).shape
    (3,)
    """
    how = "uniform on (-1, 1)" if config.prior == "uniform" else "standard normal"
    return Port("latent", (config.latent,), f"independent draws, {how}")
