"""What a GAN run is asked for: settings with their ranges, and the presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from minecli.apps.adversarial.config import AdversarialConfig
from minecli.apps.ensembles.config import ComparisonRequest, changed_preset
from minecli.errors import UsageError
from minecli.settings import choice, number, switch, whole

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


# "choices": categories by a Gumbel-softmax, numbers by the normal scores of their ranks (`datasets.table_coding`).
# "linear": all columns by a linear map, categories snapped to the nearest level afterwards, as before version 2.
CODINGS = ("linear", "choices")


@dataclass(frozen=True, kw_only=True)
class GanConfig(AdversarialConfig):
    """The settings of a GAN: those shared with other adversarial networks, and its own.

    The information is I(G(Z); c) (paper, equation 17).
    """

    coding: str = choice(
        "linear", f"How a table's columns are generated: {' or '.join(CODINGS)}.", CODINGS, metavar="NAME"
    )
    table_pack: int = whole(1, "Rows of a table that every discriminator sees together; pacgan's own are --pack.")
    mean_weight: float = number(
        0.0, "Weight of the squared distance of a table's features from the real ones in their means.", least=0.0,
        metavar="W",
    )  # fmt: skip
    temperature: float = number(0.5, "Of the softmax by which categories are drawn.", above=0.0, metavar="T")
    one_latent: bool = switch(False, "The generator's steps use the latents that the discriminator saw.")
    pack: int = whole(4, "Samples that PacGAN discriminates together.")
    unroll: int = whole(5, "Steps that the unrolled GAN foresees.")
    rows: int = whole(100_000, "Samples of a toy or of stacked digits.", least=2)
    stack: int = whole(3, "Digits per image: 3 make 1000 modes, 2 make 100.")


# The paper leaves open the latent's size, which decides the outcome on the spiral: with 3 + 2 components and Adam at
# 1e-4 plain GANs lose little; with two components, all code, and Adam at 1e-3 they leave a part of the arm empty.
_SPIRAL = {
    "quick": GanConfig(decay_from=0.5),
    "medium": GanConfig(
        beta=0.001,
        clipping="off",
        steps=16_000,
        decay_from=0.5,
        gradient_penalty=0.02,
        averaging=0.995,
        one_latent=True,
        generator_hidden=128,
        discriminator_hidden=128,
        evaluate_every=1000,
    ),
    "paper": GanConfig(noise_dim=3, steps=5000, learning_rate=1e-4),
}
# Narrow modes far apart: without a light penalty neither GAN comes near them in so few steps, and a large one is enough
# to keep all modes without the information. Measured; see `minecli docs gan`.
_GRID_QUICK = GanConfig(
    steps=4000,
    batch_size=200,
    learning_rate=3e-3,
    decay_from=0.5,
    gradient_penalty=0.02,
    generator_hidden=128,
    discriminator_hidden=128,
)
_GRID = {
    "quick": _GRID_QUICK,
    "medium": replace(_GRID_QUICK, steps=20_000, gradient_penalty=0.1, beta=0.02, evaluate_every=1000),
    "paper": _SPIRAL["paper"],
}
# Columns of a table: noise for what the code does not have to say, small networks, fast steps that come to rest. What
# each setting is worth was measured; see `minecli docs gan`.
_TABLE_QUICK = GanConfig(
    coding="choices",
    temperature=1.0,
    mean_weight=10.0,
    beta=0.1,
    noise_dim=16,
    code_dim=4,
    steps=4000,
    table_pack=4,
    batch_size=50,
    learning_rate=3e-3,
    decay_from=0.5,
    gradient_penalty=0.3,
    averaging=0.995,
    generator_hidden=128,
    discriminator_hidden=128,
    discriminator_layers=2,
    samples=10_000,
    evaluate_every=500,
)
_TABLE = {
    "quick": _TABLE_QUICK,
    "medium": replace(
        _TABLE_QUICK,
        steps=20_000,
        generator_hidden=256,
        discriminator_hidden=256,
        learning_rate=1e-3,
        evaluate_every=1000,
    ),
    "paper": replace(_SPIRAL["paper"], coding="choices", noise_dim=8, code_dim=4),
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
    one_latent=True,
)
# Smaller networks of three convolutions, which make ten times as many steps possible; see `minecli docs gan`.
_DIGITS_SMALL = replace(
    _DIGITS_PAPER,
    generator_steps=1,
    learning_rate=1e-3,
    decay_from=0.5,
    gradient_penalty=1.0,
    averaging=0.995,
    image_layers=3,
    statistics_filters=8,
)
_DIGITS = {
    "quick": replace(
        _DIGITS_SMALL,
        steps=600,
        generator_filters=16,
        discriminator_filters=8,
        averaging=0.99,
        rows=12_800,
        stack=2,
        samples=2600,
        evaluate_every=100,
    ),
    "medium": replace(_DIGITS_SMALL, steps=4000, generator_filters=32, discriminator_filters=16, evaluate_every=500),
    "paper": _DIGITS_PAPER,
}
STACKED = "stacked-mnist"
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
    return changed_preset(_BY_DATASET.get(dataset, _TABLE), name, changes)


DATASETS = ("spiral", "gaussians25", STACKED)


@dataclass(frozen=True, kw_only=True)
class GanRequest(ComparisonRequest):
    """A data set of `DATASETS` or a table, methods of `config.METHODS`, and their settings.

    >>> from minecli.apps.gan.config import preset
    >>> GanRequest(dataset="spirl", methods=("mine",), seeds=(0,), preset="quick", config=preset("quick"))
    Traceback (most recent call last):
    minecli.errors.UsageError: there is no data set 'spirl'; there are spiral, gaussians25, stacked-mnist, and tables \
with --x COLS (did you mean spiral?)
    """

    COMMAND = "gan"
    METHODS = METHODS
    NAMED = DATASETS
    ROOTED = (STACKED,)
    CONFIG = GanConfig
    LATER = frozenset(
        {"averaging", "clipping", "coding", "mean_weight", "one_latent", "statistics_arch", "table_pack", "temperature"}
    )
    USED_BY = MappingProxyType(
        {"pack": ("pacgan",), "unroll": ("unrolled",)} | {name: ("mine",) for name in ("beta", "clipping", "bound")}
    )

    config: GanConfig
    utility_target: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.utility_target is not None and not self.is_table:
            raise UsageError(
                f"--utility-target names a column of a table, and '{self.dataset}' is none", hint="leave it out"
            )

    @property
    def learns_missing(self) -> bool:
        """Whether its models can have missing values."""
        return self.config.coding == "choices"
