"""What a GAN run is asked for: settings with their ranges, and the presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from minecli.errors import UsageError
from minecli.mine.config import TrainingConfig, require_number, require_whole

METHODS = ("gan", "mine", "pacgan")
BOUNDS = ("donsker-varadhan", "nwj")


@dataclass(frozen=True, kw_only=True)
class GanConfig:
    """One data set's settings, shared by every method that is compared on it.

    The prior is Z = [eps, c]: `noise_dim` normal components eps and `code_dim` normal components c. `beta` weighs
    the mutual information I(G(Z); c), which the generator MAXIMISES (paper, equation 17); 0 is the plain GAN. `pack`
    samples together are what PacGAN's discriminator judges. `bound` and `marginal_shifts` belong to the statistics
    network, which has as many layers and units as the discriminator.

    >>> GanConfig(noise_dim=0, code_dim=0)
    Traceback (most recent call last):
    minecli.errors.UsageError: noise_dim and code_dim are both 0; the generator needs a prior (try --code-dim 2)
    """

    beta: float = 1.0
    noise_dim: int = 0
    code_dim: int = 2
    steps: int = 3000
    batch_size: int = 100
    learning_rate: float = 1e-3
    generator_hidden: int = 500
    generator_layers: int = 2
    discriminator_hidden: int = 400
    discriminator_layers: int = 3
    generator_steps: int = 1
    pack: int = 4
    bound: str = "donsker-varadhan"
    marginal_shifts: int = 1
    ema_decay: float = 0.99
    rows: int = 100_000
    samples: int = 2500
    evaluate_every: int = 250

    def __post_init__(self) -> None:
        require_number("beta", self.beta, least=0.0)
        require_whole("noise_dim", self.noise_dim, least=0)
        require_whole("code_dim", self.code_dim, least=0)
        if self.noise_dim + self.code_dim == 0:
            raise UsageError("noise_dim and code_dim are both 0; the generator needs a prior", hint="try --code-dim 2")
        if self.beta > 0.0 and self.code_dim == 0:
            raise UsageError("code_dim is 0, which leaves nothing to be informed about", hint="try --code-dim 2")
        for name in (
            "steps", "generator_hidden", "generator_layers", "discriminator_hidden", "discriminator_layers",
            "generator_steps", "pack", "marginal_shifts", "samples", "evaluate_every",
        ):  # fmt: skip
            require_whole(name, getattr(self, name), least=1)
        require_whole("batch_size", self.batch_size, least=2)
        require_whole("rows", self.rows, least=2)
        require_number("learning_rate", self.learning_rate, above=0.0)
        require_number("ema_decay", self.ema_decay, least=0.0, below=1.0)
        if self.bound not in BOUNDS:
            raise UsageError(f"bound is '{self.bound}'; it must be one of {', '.join(BOUNDS)}")

    def statistics(self) -> TrainingConfig:
        """How the statistics network ascends."""
        return TrainingConfig(
            bound=self.bound,
            hidden=self.discriminator_hidden,
            layers=self.discriminator_layers,
            tower_layers=0,
            gaussian_base=False,
            max_steps=self.steps,
            batch_size=self.batch_size,
            marginal_shifts=self.marginal_shifts,
            learning_rate=self.learning_rate,
            ema_decay=self.ema_decay,
            gradient_clip=1e3,
        )


# The paper's own settings leave open the latent's size; with 3 + 2 components and Adam at 1e-4 plain GANs lose little.
# The small regime (two components, all of them code, 1e-3) is where mode loss shows on the spiral.
PRESETS: Mapping[str, GanConfig] = {
    "quick": GanConfig(),
    "paper": GanConfig(noise_dim=3, steps=5000, learning_rate=1e-4),
}


def preset(name: str, **changes: Any) -> GanConfig:
    """A preset with some fields changed; None changes nothing.

    >>> preset("paper", steps=100, beta=None).steps
    100
    """
    if name not in PRESETS:
        raise UsageError(f"preset '{name}' is not known; there are {', '.join(PRESETS)}", hint="try --preset quick")
    known = {f.name for f in fields(GanConfig)}
    return replace(PRESETS[name], **{k: v for k, v in changes.items() if v is not None and k in known})
