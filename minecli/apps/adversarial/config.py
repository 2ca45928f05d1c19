"""Settings of networks that are trained against a discriminator, with their ranges."""

from __future__ import annotations

from dataclasses import dataclass

from minecli.apps.ensembles.config import BOUNDS
from minecli.errors import UsageError
from minecli.mine.config import TrainingConfig, require_number, require_whole

PRIORS = ("normal", "uniform")
_WHOLE = (
    "steps", "generator_hidden", "generator_layers", "discriminator_hidden", "discriminator_layers",
    "generator_filters", "discriminator_filters", "statistics_filters", "image_layers", "generator_steps",
    "marginal_shifts", "samples", "evaluate_every",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig:
    """One data set's settings, shared by every method that is compared on it.

    The prior is Z = [eps, c]: `noise_dim` components eps and `code_dim` components c, normal or uniform on (-1, 1).
    `beta` weighs the mutual information, which is MAXIMISED; 0 leaves it out. `gradient_penalty` weighs half the
    squared norm of the discriminator's gradient at real samples (Mescheder et al., 2018). The learning rate falls
    linearly to zero from the share `decay_from` of the steps on; 1: it does not.

    Rows of columns use the perceptrons' sizes; images `image_layers` convolutions, and the numbers of filters of the
    largest maps. A discriminator of pairs has `joint_units` where images and latents meet (0: as many as the smallest
    maps have filters). The statistics network has the discriminator's layers and units on rows; `bound` and
    `marginal_shifts` belong to it.

    >>> AdversarialConfig(noise_dim=0, code_dim=0)
    Traceback (most recent call last):
    minecli.errors.UsageError: noise_dim and code_dim are both 0; the generator needs a prior (try --code-dim 2)
    """

    beta: float = 1.0
    noise_dim: int = 0
    code_dim: int = 2
    prior: str = "normal"
    steps: int = 3000
    batch_size: int = 100
    learning_rate: float = 1e-3
    decay_from: float = 1.0
    generator_steps: int = 1
    gradient_penalty: float = 0.0
    generator_hidden: int = 500
    generator_layers: int = 2
    discriminator_hidden: int = 400
    discriminator_layers: int = 3
    generator_filters: int = 64
    discriminator_filters: int = 64
    statistics_filters: int = 16
    image_layers: int = 4
    joint_units: int = 0
    bound: str = "donsker-varadhan"
    marginal_shifts: int = 1
    ema_decay: float = 0.99
    samples: int = 2500
    evaluate_every: int = 250

    def __post_init__(self) -> None:
        require_number("beta", self.beta, least=0.0)
        require_whole("noise_dim", self.noise_dim, least=0)
        require_whole("code_dim", self.code_dim, least=0)
        if self.latent == 0:
            raise UsageError("noise_dim and code_dim are both 0; the generator needs a prior", hint="try --code-dim 2")
        if self.beta > 0.0 and self.code_dim == 0:
            raise UsageError("code_dim is 0, which leaves nothing to be informed about", hint="try --code-dim 2")
        for name in _WHOLE:
            require_whole(name, getattr(self, name), least=1)
        require_whole("joint_units", self.joint_units, least=0)
        require_whole("batch_size", self.batch_size, least=2)
        require_number("learning_rate", self.learning_rate, above=0.0)
        require_number("decay_from", self.decay_from, least=0.0, most=1.0)
        require_number("gradient_penalty", self.gradient_penalty, least=0.0)
        require_number("ema_decay", self.ema_decay, least=0.0, below=1.0)
        for name, allowed in (("bound", BOUNDS), ("prior", PRIORS)):
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} is '{getattr(self, name)}'; it must be one of {', '.join(allowed)}")

    @property
    def latent(self) -> int:
        """Components of the prior."""
        return self.noise_dim + self.code_dim

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of all networks at a step.

        >>> [AdversarialConfig(steps=100, learning_rate=1.0, decay_from=0.5).learning_rate_at(s) for s in (0, 50, 75)]
        [1.0, 1.0, 0.5]
        """
        falling = self.steps * (1.0 - self.decay_from)
        return self.learning_rate * min(1.0, (self.steps - step) / falling if falling else 1.0)

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
