"""Settings of networks that are trained against a discriminator, with their ranges."""

from __future__ import annotations

from dataclasses import dataclass

from minecli.apps.ensembles.config import BOUNDS
from minecli.errors import UsageError
from minecli.mine.config import TrainingConfig
from minecli.settings import check, choice, number, whole

PRIORS = ("normal", "uniform")
# What meets images.
ARCHITECTURES = ("mlp", "conv")
# What an information gradient is clipped to the length of; see `clipping`.
CLIPS = ("generator", "off")


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig:
    """One data set's settings, shared by every method that is compared on it.

    The prior is Z = [eps, c]: `noise_dim` components eps and `code_dim` components c, uniform ones on (-1, 1).
    `gradient_penalty` weighs half the squared norm of the discriminator's gradient at real samples (Mescheder et al.,
    2018). `joint_units` 0: as many as the smallest maps have filters. The statistics network has the discriminator's
    layers and units on rows, and on images where it is of perceptrons (`statistics_arch`), which see all pixels.
    `averaging`: what is stored and measured are averages of the weights, which training does not use. `clipping` names
    the adversarial gradient to whose length the information's is clipped: `generator`, that of all that plays against
    the discriminator; with `off` beta alone decides.

    >>> AdversarialConfig(noise_dim=0, code_dim=0)
    Traceback (most recent call last):
    minecli.errors.UsageError: `noise_dim` and `code_dim` are both 0; the generator needs a prior (try `code_dim=2`)
    """

    beta: float = number(1.0, "Weight of the information, maximised.", least=0.0, metavar="B")
    clipping: str = choice("generator", "Gradient that the information's may not exceed in length.", CLIPS)
    noise_dim: int = whole(0, "Latent components besides the code.", least=0, metavar="D")
    code_dim: int = whole(2, "Components of the code.", least=0, metavar="D")
    prior: str = choice("normal", "Distribution of the latent.", PRIORS)
    steps: int = whole(3000, "Training steps.")
    batch_size: int = whole(100, "Samples of a step.", least=2)
    learning_rate: float = number(1e-3, "Step size of Adam.", above=0.0, metavar="RATE")
    decay_from: float = number(1.0, "Share of the steps after which it falls to 0.", least=0.0, most=1.0, metavar="S")
    averaging: float = number(
        0.0, "Weight of the old average of the weights; 0: none.", least=0.0, below=1.0, metavar="W"
    )
    generator_steps: int = whole(1, "Steps of the generator per step of the discriminator.")
    gradient_penalty: float = number(0.0, "Weight of a zero-centred gradient penalty.", least=0.0, metavar="W")
    generator_hidden: int = whole(500, "Units per hidden layer of the generator.")
    generator_layers: int = whole(2, "Hidden layers of the generator.")
    discriminator_hidden: int = whole(400, "Units per hidden layer of the discriminator.")
    discriminator_layers: int = whole(3, "Hidden layers of the discriminator.")
    generator_filters: int = whole(64, "Filters of the generator's largest maps.")
    discriminator_filters: int = whole(64, "Filters of the discriminator's largest maps.")
    statistics_arch: str = choice("conv", "What meets images in the statistics network.", ARCHITECTURES)
    statistics_filters: int = whole(16, "Filters of the statistics network's largest maps.")
    image_layers: int = whole(4, "Convolutions that meet images.")
    joint_units: int = whole(0, "Units where images and latents meet.", least=0)
    bound: str = choice(
        "donsker-varadhan", f"Of the information: {' or '.join(BOUNDS)} (MINE-f).", BOUNDS, metavar="NAME"
    )
    marginal_shifts: int = whole(1, "Re-pairings per sample.")
    ema_decay: float = number(
        0.99, "Weight of the old average in the gradient's denominator.", least=0.0, below=1.0, metavar="W"
    )
    samples: int = whole(2500, "Samples that are measured and written.")
    evaluate_every: int = whole(250, "Steps between evaluations.")

    def __post_init__(self) -> None:
        check(self)
        if self.latent == 0:
            raise UsageError(
                "`noise_dim` and `code_dim` are both 0; the generator needs a prior", hint="try `code_dim=2`"
            )
        if self.beta > 0.0 and self.code_dim == 0:
            raise UsageError("`code_dim` is 0, which leaves nothing to be informed about", hint="try `code_dim=2`")

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
