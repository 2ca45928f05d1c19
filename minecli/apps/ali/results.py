"""What came of a run of adversarially learned inference: its answer on all held-out samples, what pictures show, and
its models, which encode, decode and sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from minecli.apps.adversarial.draws import draw_prior, stream
from minecli.apps.adversarial.networks import build_encoder, build_generator
from minecli.apps.ali.config import AliRequest
from minecli.apps.ali.datasets import AliDataset, load_dataset
from minecli.apps.ali.linear import LinearCoding, PcaCoder
from minecli.apps.ali.training import AliTraining
from minecli.apps.datasets.real_samples import as_bytes
from minecli.apps.datasets.sample_columns import Inputs
from minecli.apps.ensembles.results import (
    Application,
    TrainedMethod,
    add_clipped_share,
    add_last_quarter,
    entry_of,
    kept_networks,
    require_finite,
    require_state,
)
from minecli.apps.ensembles.training import applied
from minecli.apps.metrics.reconstruction import SSIM_IMAGES, ms_ssim
from minecli.runtime.checkpoint import checkpoint_path
from minecli.runtime.state_files import refusing

Coding = AliTraining | LinearCoding
Array = npt.NDArray[np.float32]

_CPU = torch.device("cpu")
_AT_ONCE = 2000
_SHOWN_IMAGES = 32
_SHOWN_ROWS = 2000
_TRAVERSED, _TRAVERSAL_STEPS, _TRAVERSAL_REACH = 6, 9, 2.5


def untrained(request: AliRequest, dataset: AliDataset, method: str) -> Coding:
    """The models of a method before their first step, one for each of the request's seeds."""
    if method == "pca":
        return LinearCoding(dataset, request.config, request.seeds)
    return AliTraining(dataset, method, request.config, request.seeds)


def method_entry(trained: TrainedMethod[Coding], dataset: AliDataset) -> dict[str, Any]:
    """One method's answer as plain values: the metrics of every seed are those of all held-out samples; those along
    training, of the first of them, are averaged over the last quarter of the steps."""
    entry = _entry(trained, dataset)
    if isinstance(trained.training, AliTraining):
        add_last_quarter(entry, trained.training)
        add_clipped_share(entry, [trained.training.clipped_share(m) for m in range(len(trained.training.seeds))])
    return entry


def _entry(trained: TrainedMethod[Coding], dataset: AliDataset) -> dict[str, Any]:
    coding = trained.training
    if not trained.finished or all(step is not None for step in coding.diverged_at):
        return entry_of(trained)
    parts = torch.split(dataset.held_out, _AT_ONCE)
    again = torch.cat([coding.decode(coding.encode(part, best=True), best=True) for part in parts], 1)
    samples = coding.sample(coding.config.samples, "judged", best=True)
    everything = np.arange(len(dataset.held_out))
    metrics = [
        {} if coding.diverged_at[m] is not None else _metrics(dataset, again[m], samples[m], everything)
        for m in range(len(coding.seeds))
    ]
    return entry_of(trained, metrics)


def _metrics(
    dataset: AliDataset, again: Tensor, samples: Tensor, which: npt.NDArray[np.int64]
) -> dict[str, float | None]:
    metrics = dataset.metrics(again, samples, which)
    if dataset.bounded:
        # Minutes for ten thousand images, and the mean of a thousand is known to a percent.
        pair = (part[:SSIM_IMAGES].reshape(-1, *dataset.shape) for part in (dataset.held_out, again))
        metrics["ms_ssim"] = ms_ssim(*pair)
    return metrics


@dataclass(frozen=True)
class Shown:
    """What pictures show of one method's first seed: samples (n, *shape), latents (n, l), and, of images, what walks
    along one component of the latent give, (rows, steps, *shape)."""

    originals: Array
    reconstructions: Array
    samples: Array
    latents: Array
    labels: npt.NDArray[np.int64] | None
    traversal: Array | None


def shown_of(trained: TrainedMethod[Coding], dataset: AliDataset) -> Shown:
    """Held-out samples of a data set, what the first seed of a method makes of them, and fresh samples."""
    coding, count = trained.training, _SHOWN_IMAGES if dataset.bounded else _SHOWN_ROWS
    originals = dataset.held_out[:count]
    codes = coding.encode(originals, best=True)
    return Shown(
        _as_they_are(originals, dataset),
        _as_they_are(coding.decode(codes, best=True)[0], dataset),
        _as_they_are(coding.sample(count, "picture", best=True)[0], dataset),
        codes[0].numpy(),
        None if dataset.labels is None else dataset.labels[:count],
        _traversal(coding, codes, dataset) if dataset.bounded else None,
    )


def _traversal(coding: Coding, codes: Tensor, dataset: AliDataset) -> Array:
    """Walks of the first codes along the component that varies most."""
    component = int(codes[0].var(0).argmax())
    walks = codes[:, :_TRAVERSED, None].repeat(1, 1, _TRAVERSAL_STEPS, 1)
    walks[..., component] = torch.linspace(-_TRAVERSAL_REACH, _TRAVERSAL_REACH, _TRAVERSAL_STEPS)
    made = coding.decode(walks.flatten(1, 2), best=True)[0]
    return made.reshape(-1, _TRAVERSAL_STEPS, *dataset.shape).numpy()


def _as_they_are(samples: Tensor, dataset: AliDataset) -> Any:
    return samples.reshape(-1, *dataset.shape).numpy()


@dataclass(frozen=True)
class Coder:
    """One model of a run, on the CPU.

    `shape` is that of a sample as it is; perceptrons see images as rows of pixels. Principal components have no
    `generator`: they decode what they encode.
    """

    request: AliRequest
    shape: tuple[int, ...]
    encoder: nn.Module | PcaCoder
    generator: nn.Module | None

    def encode(self, samples: Tensor) -> Tensor:
        """The means of q(z|x), shape (n, l), of samples (n, *shape); see `AliTraining.encode`."""
        if isinstance(self.encoder, PcaCoder):
            return self.encoder.whitened(samples)
        outputs = applied(self.encoder, samples.reshape(1, -1, *seen_shape(self.request, self.shape)), _CPU)
        return outputs[0, :, : self.request.config.latent]

    def decode(self, latents: Tensor) -> Tensor:
        """Samples (n, *shape) of latents (n, l)."""
        if isinstance(self.encoder, PcaCoder):
            return self.encoder.samples_of(latents, self.shape, bounded=len(self.shape) > 1)
        assert self.generator is not None
        return applied(self.generator, latents[None], _CPU)[0].reshape(-1, *self.shape)

    def sample(self, count: int, seed: int) -> Tensor:
        """Fresh samples (count, *shape); `seed` decides which."""
        prior = draw_prior(self.request.config, count, stream(seed, "drawn"))
        width = len(self.encoder.deviations) if isinstance(self.encoder, PcaCoder) else prior.shape[1]
        return self.decode(prior[:, :width])


def seen_shape(request: AliRequest, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in which networks see samples: images are rows of pixels for perceptrons."""
    if len(shape) > 1 and request.config.arch == "mlp":
        return (int(torch.Size(shape).numel()),)
    return shape


def load_coder(folder: Path, request: AliRequest, method: str, model: int, shape: tuple[int, ...]) -> Coder:
    """The model of seed `model` that a run's folder holds: the last that was finite when it was evaluated.

    Raises:
        UsageError: the run has not come far enough.
        DataError: its checkpoint cannot be read.
    """
    state = require_state(folder, request, method, "encoder")
    if method == "pca":
        with refusing(checkpoint_path(folder, method)):
            coder = PcaCoder.from_state(state["coder"])
            require_finite("the encoder", coder.state_dict())
        return Coder(request, shape, coder, None)
    config, seen, seeds = request.config, seen_shape(request, shape), request.seeds
    encoder = build_encoder(seeds, seen, config, config.encoder_outputs, config.noise_channels)
    generator = build_generator(seeds, seen, config, bounded=len(shape) > 1)
    kept_networks(state, seeds, model, encoder=encoder, generator=generator)
    return Coder(request, shape, encoder, generator)


def coded_columns(inputs: Inputs, coder: Coder, as_list: bool = True) -> dict[str, Any]:
    """The inputs as columns, the label where it is known, and their codes; see `sample_columns.with_latent`."""
    return inputs.coded(coder.encode(inputs.samples).numpy(), as_list)


def reconstructed(inputs: Inputs, coder: Coder) -> Tensor:
    """What becomes of the inputs when they are encoded by their codes' means and decoded, shape (n, *shape)."""
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


APPLICATION = Application(load_dataset, untrained, method_entry, definitions=lambda dataset: dataset.definitions)
