"""Samples from a generator that a run has kept, without the data it was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from minecli.apps.gan.latent import draw_prior, stream
from minecli.apps.gan.layout import layout_of, read_columns
from minecli.apps.gan.networks import build_generator
from minecli.apps.gan.request import GanRequest
from minecli.apps.gan.running import checkpoint_path, mark
from minecli.apps.gan.training import sampled
from minecli.errors import UsageError
from minecli.runtime.checkpoint import load_checkpoint


@torch.no_grad()
def samples_of(folder: Path, request: GanRequest, method: str, model: int, rows: int, seed: int) -> dict[str, Any]:
    """Draw `rows` samples of the model of seed `model`, as columns of a table; `seed` decides which.

    It is the last generator that gave finite samples when it was looked at; see `GanTraining.good`.

    Raises:
        UsageError: the run has not come far enough to have a generator of that method.
        DataError: the checkpoint cannot be read.
    """
    path = checkpoint_path(folder, method)
    if not path.exists():
        raise UsageError(
            f"the run in '{folder}' has no generator of method '{method}' yet",
            hint=f"go on with it: minecli gan --resume {folder}",
        )
    layout = layout_of(request, read_columns(folder) if request.is_table else None)
    generator = build_generator(request.seeds, layout.shape, request.config)
    generator.load_state_dict(load_checkpoint(path, fingerprint=mark(request, method))["good"])
    generator.eval()
    which = request.seeds.index(model)
    prior = draw_prior(request.config, rows, stream(seed, "drawn", model))[None]
    return layout.columns(sampled(_only(generator, which), prior, torch.device("cpu"))[0].numpy())


def _only(generator: torch.nn.Module, which: int) -> torch.nn.Module:
    """The same generator with one of its models alone."""
    for module in generator.modules():
        for name, parameter in module.named_parameters(recurse=False):
            setattr(module, name, torch.nn.Parameter(parameter.data[which : which + 1], requires_grad=False))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer[which : which + 1])
    return generator
