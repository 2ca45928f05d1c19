"""What `minecli ali` was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from minecli.apps.ali.config import CELEBA, GRID, METHODS, MNIST, AliConfig
from minecli.apps.comparison.request import ComparisonRequest

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

    config: AliConfig
    skip_broken: bool = False

    @property
    def is_images(self) -> bool:
        """Whether samples are images."""
        return self.is_folder or self.dataset in (MNIST, CELEBA)
