"""What a run of adversarially learned inference is asked for: settings with their ranges, and the presets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from minecli.apps.adversarial.config import ARCHITECTURES, CLIPS, AdversarialConfig
from minecli.apps.ensembles.config import ComparisonRequest, changed_preset
from minecli.errors import UsageError
from minecli.settings import choice, number, switch, whole

# In the order in which a comparison shows them.
METHODS: Mapping[str, str] = MappingProxyType(
    {
        "pca": "principal components, in closed form: what a linear code of this size gives",
        "autoencoder": "encoder and generator by squared error alone: no prior, no adversary",
        "ali": "adversarially learned inference (Dumoulin et al., 2017)",
        "alice-l2": "ALI and the squared error of reconstructions (Li et al., 2017)",
        "alice-adv": "ALI and discriminators of reconstructions (Li et al., 2017)",
        "mine": "ALI and the mutual information of encoder pairs, maximised (Belghazi et al., 2018)",
    }
)
ALI_CLIPS = ("encoder", *CLIPS)


@dataclass(frozen=True, kw_only=True)
class AliConfig(AdversarialConfig):
    """The settings of adversarially learned inference: those shared with GANs, and its own.

    The information I(x; E(x)) is about the whole latent. Perceptrons see images as rows of pixels. What
    `reconstruction_weight` weighs is per pixel or column, and per latent component. `clipping` may be to the
    `encoder`: the information's gradient reaches the encoder alone, whose own adversarial gradient is then its limit;
    `generator` is the longer one of encoder and generator together.

    >>> AliConfig(arch="vit")
    Traceback (most recent call last):
    minecli.settings.SettingError: arch is 'vit'; it must be one of mlp, conv
    """

    clipping: str = choice("encoder", "Gradient that the information's may not exceed in length.", ALI_CLIPS)
    arch: str = choice("mlp", "What meets images: perceptrons or convolutions.", ARCHITECTURES)
    reconstruction_weight: float = number(1.0, "Weight of the squared error of alice-l2.", least=0.0, metavar="W")
    cycle_weight: float = number(0.1, "Weight of the adversarial cycles of alice-adv.", least=0.0, metavar="W")
    noise_channels: int = whole(
        0, "Maps of noise that the encoder of images sees; 0: its code is normal, with a mean and a deviation.", least=0
    )
    direct_latent: bool = switch(False, "The latent meets an image's features without a map of its own.")
    rows: int = whole(100_000, "Training samples at most.", least=20)
    held_out: int = whole(10_000, "Samples held out at most.", least=2)
    # Beyond this a single image and its gradients would take gigabytes.
    side: int = whole(28, "Pixels that images are scaled to.", least=16, most=4096)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.noise_channels and self.arch != "conv":
            raise UsageError("`noise_channels` are for convolutions", hint="try `arch=conv`")

    @property
    def encoder_outputs(self) -> int:
        """Numbers that the encoder gives: the code itself where noise comes in with the image, mean and deviation of
        each component otherwise."""
        return self.latent if self.noise_channels else 2 * self.latent

    def noise_maps(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of the noise that comes in with an image (channels, side, side); none where none does."""
        return (self.noise_channels, *shape[1:]) if self.noise_channels else ()


_GRID = {
    "quick": AliConfig(
        steps=3000,
        batch_size=200,
        learning_rate=2e-3,
        decay_from=0.5,
        gradient_penalty=0.3,
        generator_hidden=128,
        discriminator_hidden=128,
    ),
    "paper": AliConfig(clipping="encoder", steps=5000, learning_rate=1e-4, generator_hidden=400),
}
# As the paper's supplementary tables for MNIST and CelebA have it, but for what `minecli docs ali` lists; there are no
# perceptrons in them.
_MNIST_PAPER = AliConfig(
    clipping="encoder",
    arch="conv",
    noise_channels=128,
    direct_latent=True,
    code_dim=128,
    steps=50_000,
    learning_rate=1e-4,
    image_layers=3,
    joint_units=1024,
    statistics_filters=16,
    rows=60_000,
    evaluate_every=1000,
    samples=1000,
)
# The code's own deviations in the place of maps of noise, which are more than half of a step of the paper's.
_MNIST_SMALL = replace(
    _MNIST_PAPER,
    noise_channels=0,
    direct_latent=False,
    generator_filters=16,
    discriminator_filters=16,
    joint_units=0,
    decay_from=0.5,
)
_MNIST = {
    "quick": replace(
        _MNIST_SMALL,
        clipping="off",
        beta=0.1,
        arch="mlp",
        gradient_penalty=10.0,
        averaging=0.995,
        code_dim=32,
        steps=1500,
        learning_rate=1e-3,
        generator_hidden=256,
        discriminator_hidden=256,
        discriminator_layers=2,
        marginal_shifts=4,
        held_out=2000,
        evaluate_every=250,
    ),
    "medium": replace(
        _MNIST_SMALL,
        clipping="off",
        beta=0.2,
        gradient_penalty=20.0,
        averaging=0.999,
        code_dim=64,
        steps=10_000,
        batch_size=64,
        learning_rate=1e-3,
        statistics_arch="mlp",
        discriminator_hidden=256,
        discriminator_layers=2,
        marginal_shifts=8,
        joint_units=512,
        evaluate_every=500,
    ),
    "paper": _MNIST_PAPER,
}
_IMAGES_PAPER = replace(
    _MNIST_PAPER, noise_channels=256, code_dim=256, steps=35_000, image_layers=4, side=64, rows=200_000
)
_IMAGES = {
    "quick": replace(
        _IMAGES_PAPER,
        noise_channels=0,
        direct_latent=False,
        code_dim=64,
        steps=300,
        batch_size=64,
        learning_rate=2e-4,
        generator_filters=16,
        discriminator_filters=16,
        statistics_filters=8,
        joint_units=0,
        side=32,
        rows=10_000,
        held_out=600,
        evaluate_every=100,
        samples=200,
    ),
    "paper": _IMAGES_PAPER,
}
_TABLE = {
    "quick": replace(_GRID["quick"], code_dim=4, gradient_penalty=0.1),
    "paper": replace(_GRID["paper"], code_dim=4),
}
GRID, MNIST, CELEBA = "gaussians25", "mnist", "celeba"
_BY_DATASET = {GRID: _GRID, MNIST: _MNIST, CELEBA: _IMAGES}


def default_seeds(dataset: str) -> int:
    """How many seeds are trained where none are named.

    >>> default_seeds("gaussians25"), default_seeds("mnist")
    (3, 1)
    """
    return 3 if dataset == GRID else 1


def preset(name: str, dataset: str = GRID, *, folder: bool = False, **changes: Any) -> AliConfig:
    """A data set's preset with some fields changed; None changes nothing. `folder`: it is one of images.

    >>> preset("paper", "mnist", steps=100, beta=None).steps
    100
    """
    if changes.get("arch") == "mlp" and not changes.get("noise_channels"):
        changes["noise_channels"] = 0
    return changed_preset(_BY_DATASET.get(dataset, _IMAGES if folder else _TABLE), name, changes)


DATASETS = (GRID, MNIST, CELEBA)


@dataclass(frozen=True, kw_only=True)
class AliRequest(ComparisonRequest):
    """A data set of `DATASETS`, a folder of images or a table, methods of `config.METHODS`, and their settings.

    `skip_broken`: files of a folder that are no images are left out instead of refused.
    """

    COMMAND = "ali"
    METHODS = METHODS
    NAMED = DATASETS
    ROOTED = (MNIST, CELEBA)
    FOLDERS = True
    CONFIG = AliConfig
    LATER = frozenset({"averaging", "clipping", "noise_channels", "direct_latent", "statistics_arch"})
    USED_BY = MappingProxyType({name: ("mine",) for name in ("beta", "clipping", "bound")})

    config: AliConfig
    skip_broken: bool = False

    @property
    def is_images(self) -> bool:
        """Whether samples are images."""
        return self.is_folder or self.dataset in (MNIST, CELEBA)
