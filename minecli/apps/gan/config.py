"""What a GAN run is asked for: settings with their ranges, and the presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from minecli.errors import UsageError
from minecli.mine.config import TrainingConfig, require_number, require_whole

# In the order in which a comparison shows them.
METHODS: Mapping[str, str] = MappingProxyType(
    {
        "gan": "the plain GAN, non-saturating (Goodfellow et al., 2014)",
        "unrolled": "the generator foresees steps of the discriminator (Metz et al., 2017)",
        "veegan": "a reconstructor of the latent, and a discriminator of pairs (Srivastava et al., 2017)",
        "ali": "an encoder, and a discriminator of pairs (Dumoulin et al., 2017)",
        "pacgan": "a discriminator of packs (Lin et al., 2018)",
        "mine": "the mutual information of samples and code, maximised (Belghazi et al., 2018)",
    }
)
BOUNDS = ("donsker-varadhan", "nwj")
PRIORS = ("normal", "uniform")


@dataclass(frozen=True, kw_only=True)
class GanConfig:
    """One data set's settings, shared by every method that is compared on it.

    The prior is Z = [eps, c]: `noise_dim` components eps and `code_dim` components c, normal or uniform on (-1, 1).
    `beta` weighs the mutual information I(G(Z); c), which the generator MAXIMISES (paper, equation 17); 0 is the plain
    GAN. `gradient_penalty` weighs half the squared norm of the discriminator's gradient at real samples (Mescheder et
    al., 2018). The learning rate falls linearly to zero from the share `decay_from` of the steps on; 1: it does not.

    Rows of columns use the perceptrons' sizes, images the numbers of filters of the largest maps. The statistics
    network has the discriminator's layers and units on rows. `pack` belongs to PacGAN, `unroll` to the unrolled GAN,
    `bound` and `marginal_shifts` to the statistics network.

    >>> GanConfig(noise_dim=0, code_dim=0)
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
    pack: int = 4
    unroll: int = 5
    bound: str = "donsker-varadhan"
    marginal_shifts: int = 1
    ema_decay: float = 0.99
    rows: int = 100_000
    stack: int = 3
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
            "generator_filters", "discriminator_filters", "statistics_filters", "generator_steps", "pack", "unroll",
            "marginal_shifts", "stack", "samples", "evaluate_every",
        ):  # fmt: skip
            require_whole(name, getattr(self, name), least=1)
        require_whole("batch_size", self.batch_size, least=2)
        require_whole("rows", self.rows, least=2)
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

        >>> [GanConfig(steps=100, learning_rate=1.0, decay_from=0.5).learning_rate_at(s) for s in (0, 50, 75)]
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


# The paper leaves open the latent's size, which decides the outcome on the spiral: with 3 + 2 components and Adam at
# 1e-4 plain GANs lose little; with two components, all code, and Adam at 1e-3 they leave a part of the arm empty.
_SPIRAL = {
    "quick": GanConfig(),
    "paper": GanConfig(noise_dim=3, steps=5000, learning_rate=1e-4),
}
# Narrow modes far apart: without a light penalty neither GAN comes near them in so few steps, and a large one is enough
# to keep all modes without the information. Measured; see the README.
_GRID = {
    "quick": GanConfig(
        steps=4000,
        batch_size=200,
        learning_rate=3e-3,
        decay_from=0.5,
        gradient_penalty=0.02,
        generator_hidden=128,
        discriminator_hidden=128,
    ),
    "paper": _SPIRAL["paper"],
}
# Columns of a table: noise for what the code does not have to say, and steps that come to rest.
_TABLE = {
    "quick": replace(_SPIRAL["quick"], noise_dim=8, code_dim=4, decay_from=0.5, gradient_penalty=0.1),
    "paper": replace(_SPIRAL["paper"], noise_dim=8, code_dim=4),
}
# Networks, optimiser and protocol of PacGAN's "VEEGAN experiment" (Lin et al., 2018), which the paper follows; all of
# the latent is code. The quick one is small in everything.
_DIGITS_PAPER = GanConfig(
    noise_dim=0,
    code_dim=100,
    prior="uniform",
    steps=100_000,
    batch_size=64,
    learning_rate=2e-4,
    generator_steps=2,
    rows=128_000,
    samples=26_000,
    evaluate_every=2000,
)
_DIGITS = {
    "quick": replace(
        _DIGITS_PAPER,
        steps=800,
        generator_filters=16,
        discriminator_filters=4,
        rows=12_800,
        stack=2,
        samples=2600,
        evaluate_every=200,
    ),
    "paper": _DIGITS_PAPER,
}
STACKED = "stacked-mnist"
PRESETS = ("quick", "paper")
_BY_DATASET = {"spiral": _SPIRAL, "gaussians25": _GRID, STACKED: _DIGITS}


def default_seeds(dataset: str) -> int:
    """How many seeds are trained where none are named: one where a single one takes minutes.

    >>> default_seeds("spiral"), default_seeds("stacked-mnist"), default_seeds("my.csv")
    (3, 1, 1)
    """
    return 3 if dataset in ("spiral", "gaussians25") else 1


def preset(name: str, dataset: str = "spiral", **changes: Any) -> GanConfig:
    """A data set's preset with some fields changed; None changes nothing.

    >>> preset("paper", steps=100, beta=None).steps
    100
    """
    if name not in PRESETS:
        raise UsageError(f"preset '{name}' is not known; there are {', '.join(PRESETS)}", hint="try --preset quick")
    base = _BY_DATASET.get(dataset, _TABLE)[name]
    known = {f.name for f in fields(GanConfig)}
    return replace(base, **{k: v for k, v in changes.items() if v is not None and k in known})
