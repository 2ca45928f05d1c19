"""Samples from a generator that a run has kept, without the data it was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from minecli.apps.adversarial.latent import draw_prior, stream
from minecli.apps.adversarial.networks import build_generator
from minecli.apps.comparison.layout import read_columns
from minecli.apps.comparison.running import kept_networks, require_state
from minecli.apps.comparison.side_by_side import applied
from minecli.apps.gan.datasets import layout_of
from minecli.apps.gan.request import GanRequest


def samples_of(folder: Path, request: GanRequest, method: str, model: int, rows: int, seed: int) -> dict[str, Any]:
    """Draw `rows` samples of the model of seed `model`, as columns of a table; `seed` decides which.

    It is the last generator that gave finite samples when it was looked at; see `GanTraining.good`.

    Raises:
        UsageError: the run has not come far enough to have a generator of that method.
        DataError: the checkpoint cannot be read.
    """
    state = require_state(folder, request, method, "generator")
    layout = layout_of(request, read_columns(folder) if request.is_table else None)
    generator = build_generator(request.seeds, layout.shape, request.config)
    kept_networks(state, request.seeds, model, generator=generator)
    prior = draw_prior(request.config, rows, stream(seed, "drawn", model))[None]
    return layout.columns(applied(generator, prior, torch.device("cpu"))[0].numpy())
