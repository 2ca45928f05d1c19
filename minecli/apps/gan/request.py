"""What `minecli gan` was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from minecli.apps.comparison.request import ComparisonRequest
from minecli.apps.gan.config import METHODS, STACKED, GanConfig

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

    config: GanConfig
