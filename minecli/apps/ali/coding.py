"""Encoders and generators that a run has kept, without the data they were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from minecli.apps.adversarial.latent import draw_prior, stream
from minecli.apps.adversarial.networks import build_encoder, build_generator
from minecli.apps.ali.inputs import Inputs
from minecli.apps.ali.request import AliRequest
from minecli.apps.comparison.layout import with_latent
from minecli.apps.comparison.running import kept_networks, require_state
from minecli.apps.comparison.side_by_side import applied
from minecli.apps.pca import PcaCoder
from minecli.apps.pixels import as_bytes

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Coder:
    """One model of a run.

    `shape` is that of a sample as it is; perceptrons see images as rows of pixels.
    """

    request: AliRequest
    shape: tuple[int, ...]
    encoder: nn.Module | PcaCoder
    generator: nn.Module | None

    @property
    def _seen(self) -> tuple[int, ...]:
        return seen_shape(self.request, self.shape)

    def encode(self, samples: Tensor) -> Tensor:
        """The means of q(z|x), shape (n, l), of samples (n, *shape)."""
        if isinstance(self.encoder, PcaCoder):
            return (self.encoder.encode(samples.flatten(1)) / self.encoder.deviations).float()
        outputs = applied(self.encoder, samples.reshape(1, -1, *self._seen), _CPU)
        return outputs[0, :, : self.request.config.latent]

    def decode(self, latents: Tensor) -> Tensor:
        """Samples (n, *shape) of latents (n, l)."""
        if isinstance(self.encoder, PcaCoder):
            rows = self.encoder.decode(latents * self.encoder.deviations, bounded=len(self.shape) > 1)
            return rows.float().reshape(-1, *self.shape)
        assert self.generator is not None
        return applied(self.generator, latents[None], _CPU)[0].reshape(-1, *self.shape)

    def sample(self, count: int, seed: int) -> Tensor:
        """Fresh samples (count, *shape)."""
        prior = draw_prior(self.request.config, count, stream(seed, "drawn"))
        width = len(self.encoder.deviations) if isinstance(self.encoder, PcaCoder) else prior.shape[1]
        return self.decode(prior[:, :width])


def seen_shape(request: AliRequest, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in which networks see samples: images are rows of pixels for perceptrons."""
    if len(shape) > 1 and request.config.arch == "mlp":
        return (int(torch.Size(shape).numel()),)
    return shape


def load_coder(folder: Path, request: AliRequest, method: str, model: int, shape: tuple[int, ...]) -> Coder:
    """The model of seed `model` that a run's folder keeps: the last that was whole when it was looked at.

    Raises:
        UsageError: the run has not come far enough.
        DataError: its checkpoint cannot be read.
    """
    state = require_state(folder, request, method, "encoder")
    if method == "pca":
        return Coder(request, shape, PcaCoder.from_state(state["coder"]), None)
    config, seen, seeds = request.config, seen_shape(request, shape), request.seeds
    encoder = build_encoder(seeds, seen, config, 2 * config.latent)
    generator = build_generator(seeds, seen, config, bounded=len(shape) > 1)
    kept_networks(state, seeds, model, encoder=encoder, generator=generator)
    return Coder(request, shape, encoder, generator)


def coded_columns(inputs: Inputs, coder: Coder, as_list: bool = True) -> dict[str, Any]:
    """The inputs as columns, the label where it is known, and their codes: the list column `latent`, or columns
    latent0, latent1, ... where lists are not wanted."""

    codes = coder.encode(inputs.samples).numpy()
    columns = inputs.columns(inputs.samples)
    if inputs.labels is not None:
        columns["label"] = inputs.labels
    return with_latent(columns, codes, as_list)


def reconstructed(inputs: Inputs, coder: Coder) -> Tensor:
    """What becomes of the inputs (n, *shape) when they are encoded and decoded."""
    return coder.decode(coder.encode(inputs.samples))


def write_images(images: Tensor, names: Sequence[str], folder: Path) -> None:
    """Write images (n, 1 or 3, h, w) as NAME.png into a folder, which is made where it does not exist.

    Raises:
        OutputError: that cannot be done.
    """
    from PIL import Image

    from minecli.runtime.writing import atomic_path, output_error

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise output_error(f"the folder '{folder}'", problem) from None
    for pixels, name in zip(as_bytes(images.numpy()), names, strict=True):
        with atomic_path(folder / f"{Path(name).stem}.png") as partial:
            Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)).save(partial, format="PNG")
