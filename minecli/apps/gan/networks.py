"""The networks of a GAN on rows of columns, several seeds side by side (models first)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from minecli.apps.blocks import Perceptron
from minecli.apps.gan.config import GanConfig
from minecli.mine.statistics_network import StatisticsNetwork
from minecli.runtime.seeds import child_seed


def _generators(seeds: Sequence[int], name: str) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(child_seed(seed, "gan", name)) for seed in seeds]


class Discriminator(nn.Module):
    """Logits of "real" for packs of rows (Lin et al., PacGAN, 2018); a pack of one is the usual discriminator.

    Args:
        seeds: one model each.
        columns: columns of a row.
        config: layers and units.
        pack: so many consecutive rows are judged together.
    """

    def __init__(self, seeds: Sequence[int], columns: int, config: GanConfig, pack: int) -> None:
        super().__init__()
        self.pack = pack
        self.body = Perceptron(
            _generators(seeds, "discriminator"),
            columns * pack,
            config.discriminator_hidden,
            config.discriminator_layers,
            1,
        )

    def forward(self, rows: Tensor) -> Tensor:
        """(models, b * pack, columns) to (models, b)."""
        models, count, columns = rows.shape
        logits: Tensor = self.body(rows.reshape(models, count // self.pack, columns * self.pack))
        return logits.squeeze(-1)


def build_generator(seeds: Sequence[int], columns: int, config: GanConfig) -> Perceptron:
    """G: latent (models, b, noise_dim + code_dim) to rows (models, b, columns)."""
    return Perceptron(
        _generators(seeds, "generator"),
        config.noise_dim + config.code_dim,
        config.generator_hidden,
        config.generator_layers,
        columns,
        normalised=True,
    )


def build_statistics_network(seeds: Sequence[int], columns: int, config: GanConfig) -> StatisticsNetwork:
    """T on pairs of a generated row and its code; each seed's weights do not depend on the other seeds."""
    return StatisticsNetwork.joined(
        [
            StatisticsNetwork(
                1,
                columns,
                config.code_dim,
                hidden=config.discriminator_hidden,
                layers=config.discriminator_layers,
                generator=generator,
            )
            for generator in _generators(seeds, "statistics")
        ]
    )
