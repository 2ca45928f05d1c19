"""The networks of a GAN, several seeds side by side (models first): perceptrons for rows, convolutions for images.

The shape of a sample decides: (columns,) or (channels, side, side). A seed's weights do not depend on the other seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from minecli.apps.adversarial.config import AdversarialConfig
from minecli.apps.adversarial.image_networks import (
    ImageDiscriminator,
    ImageEncoder,
    ImageGenerator,
    ImagePairDiscriminator,
    NoisyImageEncoder,
)
from minecli.apps.adversarial.table_head import TableGenerator
from minecli.apps.datasets.table_coding import Choices
from minecli.apps.ensembles.layers import Block, Perceptron
from minecli.mine.convolutional_statistics import ConvolutionalStatisticsNetwork
from minecli.mine.statistics_network import StatisticsNetwork
from minecli.runtime.seeds import torch_generator

Shape = tuple[int, ...]

# The statistics network's convolutions halve an image until its side is at most this: three times from 28, four times
# from 64, as the paper's do.
_STATISTICS_SIDE = 4


def _generators(seeds: Sequence[int], name: str) -> list[torch.Generator]:
    return [torch_generator(seed, "gan", name) for seed in seeds]


def _of_images(shape: Shape) -> bool:
    return len(shape) > 1


class RowDiscriminator(Block):
    """Logits of "real" for packs of rows (Lin et al., PacGAN, 2018), or for pairs of a row and its latent.

    Args:
        seeds: one model each.
        columns: columns of a row.
        config: layers and units.
        pack: so many consecutive rows share a logit; one is the usual discriminator.
        latent: components of the latent seen with each row; 0: rows alone.
        name: of the stream that weights are drawn from.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        columns: int,
        config: AdversarialConfig,
        pack: int = 1,
        latent: int = 0,
        name: str = "discriminator",
    ) -> None:
        super().__init__()
        self.pack = pack
        hidden, layers = config.discriminator_hidden, config.discriminator_layers
        self.body = Perceptron(_generators(seeds, name), (columns + latent) * pack, hidden, layers, 1)

    def forward(self, rows: Tensor, latent: Tensor | None = None) -> Tensor:
        """(models, b * pack, columns), and (models, b * pack, latent) where there is one, to (models, b)."""
        seen = rows if latent is None else torch.cat([rows, latent], -1)
        models, count, columns = seen.shape
        return self.body(seen.reshape(models, count // self.pack, columns * self.pack)).squeeze(-1)


class PixelStatistics(nn.Module):
    """T of an image and its code that sees the image as the row of its pixels."""

    def __init__(self, rows: StatisticsNetwork) -> None:
        super().__init__()
        self.rows = rows

    def score_rows(self, x: Tensor, z: Tensor, shifts: Sequence[int]) -> Tensor:
        """As `StatisticsNetwork.score_rows`, of images x (models, b, channels, side, side)."""
        return self.rows.score_rows(x.flatten(2), z, shifts)


class Bounded(Block):
    """Another network with its outputs, of any shape, drawn into (-1, 1) by tanh."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.body(inputs))


def build_generator(seeds: Sequence[int], shape: Shape, config: AdversarialConfig, bounded: bool = False) -> nn.Module:
    """G: latent (models, b, latent) to samples (models, b, *shape).

    Values of images lie in [-1, 1]; those of rows do where they are `bounded`, as images given as rows are.
    """
    draws = _generators(seeds, "generator")
    if _of_images(shape):
        return ImageGenerator(draws, config.latent, shape, config.generator_filters, config.image_layers)
    hidden, layers = config.generator_hidden, config.generator_layers
    generator = Perceptron(draws, config.latent, hidden, layers, shape[0], normalised=True)
    return Bounded(generator) if bounded else generator


def build_table_generator(
    seeds: Sequence[int], choices: Choices, config: AdversarialConfig, temperature: float
) -> TableGenerator:
    """G of a table's rows: latents with the noise of choices behind them, (models, b, latent + entries), to features
    (models, b, choices.width)."""
    return TableGenerator(build_generator(seeds, (choices.width,), config), choices, temperature)


def build_discriminator(
    seeds: Sequence[int],
    shape: Shape,
    config: AdversarialConfig,
    pack: int = 1,
    latent: int = 0,
    direct: bool = False,
) -> nn.Module:
    """D: samples (models, b * pack, *shape), and latents where `latent` is not 0, to logits of "real" (models, b). For
    `direct` see `ImageDiscriminator`; on rows latents always join as they are."""
    if _of_images(shape):
        return ImageDiscriminator(
            _generators(seeds, "discriminator"),
            shape,
            config.discriminator_filters,
            config.image_layers,
            pack=pack,
            latent=latent,
            joint_units=config.joint_units,
            direct=direct,
        )
    return RowDiscriminator(seeds, shape[0], config, pack, latent)


def build_pair_discriminator(seeds: Sequence[int], shape: Shape, config: AdversarialConfig, name: str) -> nn.Module:
    """D on pairs (x, x') of two samples, or of two latents with shape (latent,): two times (models, b, *shape) to
    logits of "real" (models, b), as the cycles of ALICE need it (Li et al., 2017). `name` names the stream that
    weights are drawn from, since a model may have several of these."""
    if _of_images(shape):
        draws = _generators(seeds, name)
        return ImagePairDiscriminator(draws, shape, config.discriminator_filters, config.image_layers)
    return RowDiscriminator(seeds, shape[0], config, latent=shape[0], name=name)


def build_encoder(
    seeds: Sequence[int], shape: Shape, config: AdversarialConfig, outputs: int, noise_channels: int = 0
) -> nn.Module:
    """E: samples (models, b, *shape) to (models, b, outputs); on rows it has the generator's layers and units, on
    images the discriminator's convolutions. With noise channels it is a `NoisyImageEncoder`."""
    draws = _generators(seeds, "encoder")
    if _of_images(shape) and noise_channels:
        filters, layers = config.discriminator_filters, config.image_layers
        return NoisyImageEncoder(draws, shape, filters, outputs, noise_channels=noise_channels, layers=layers)
    if _of_images(shape):
        return ImageEncoder(draws, shape, config.discriminator_filters, outputs, config.image_layers)
    hidden, layers = config.generator_hidden, config.generator_layers
    return Perceptron(draws, shape[0], hidden, layers, outputs, normalised=True)


def build_statistics_network(
    seeds: Sequence[int], shape: Shape, config: AdversarialConfig
) -> StatisticsNetwork | ConvolutionalStatisticsNetwork | PixelStatistics:
    """T on pairs of a sample (models, b, *shape) and its code (models, b, code_dim), in nats. Perceptrons have the
    discriminator's layers and units, convolutions of images go down to 4 pixels."""
    draws = _generators(seeds, "statistics")
    if _of_images(shape) and config.statistics_arch == "conv":
        channels, side, _ = shape
        return ConvolutionalStatisticsNetwork(
            len(seeds),
            channels,
            config.code_dim,
            filters=config.statistics_filters,
            side=side,
            layers=max(1, math.ceil(math.log2(side / _STATISTICS_SIDE))),
            generators=draws,
        )
    hidden, layers = config.discriminator_hidden, config.discriminator_layers
    columns = math.prod(shape)
    rows = StatisticsNetwork.joined(
        [StatisticsNetwork(1, columns, config.code_dim, hidden=hidden, layers=layers, generator=g) for g in draws]
    )
    return PixelStatistics(rows) if _of_images(shape) else rows


def encoded(outputs: Tensor, noise: Tensor) -> Tensor:
    """A normal latent (models, b, l) by the mean and the raw log deviation (models, b, 2 l) that an encoder gives, and
    standard normal noise. Deviations stay within a factor of exp(3) of 1, so that none explodes early on."""
    mean, raw = outputs.chunk(2, -1)
    return mean + noise * (3.0 * torch.tanh(raw / 3.0)).exp()


def code_by(encoder: nn.Module, samples: Tensor, noise: Tensor) -> Tensor:
    """Latents (models, b, l) drawn from an encoder's q(z|x) by standard normal noise: maps of a `NoisyImageEncoder`,
    or as many numbers as the latent has."""
    if isinstance(encoder, NoisyImageEncoder):
        code: Tensor = encoder(torch.cat([samples, noise], 2))
        return code
    return encoded(encoder(samples), noise)
