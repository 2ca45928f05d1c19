"""What came of a run of adversarially learned inference: its answer on all held-out samples, and what to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.apps.ali.datasets import WATCHED, AliDataset
from minecli.apps.ali.linear import LinearCoding
from minecli.apps.ali.request import AliRequest
from minecli.apps.ali.training import AliTraining
from minecli.apps.comparison.running import Arm, entry_of
from minecli.apps.reconstruction import SSIM_IMAGES, ms_ssim

Coding = AliTraining | LinearCoding
Array = npt.NDArray[np.float32]

_AT_ONCE = 2000
_SHOWN_IMAGES = 32
_SHOWN_ROWS = 2000
_TRAVERSED, _TRAVERSAL_STEPS, _TRAVERSAL_REACH = 6, 9, 2.5


def untrained(request: AliRequest, dataset: AliDataset, method: str) -> Coding:
    """The models of a method before their first step."""
    watched, config, seeds = dataset.held_out[:WATCHED], request.config, request.seeds
    if method == "pca":
        return LinearCoding(dataset.real, watched, config, seeds, dataset.watched, dataset.bounded)
    return AliTraining(dataset.real, watched, method, config, seeds, dataset.watched, dataset.bounded)


def arm_entry(arm: Arm[Coding], dataset: AliDataset) -> dict[str, Any]:
    """One method's answer as plain values: the metrics of every seed are those of all held-out samples."""
    coding = arm.training
    if not arm.finished or all(step is not None for step in coding.broken):
        return entry_of(arm)
    parts = torch.split(dataset.held_out, _AT_ONCE)
    again = torch.cat([coding.decode(coding.encode(part, best=True), best=True) for part in parts], 1)
    samples = coding.sample(coding.config.samples, "judged", best=True)
    everything = np.arange(len(dataset.held_out))
    metrics = [
        {} if coding.broken[m] is not None else _metrics(dataset, again[m], samples[m], everything)
        for m in range(len(coding.seeds))
    ]
    return entry_of(arm, metrics)


def _metrics(
    dataset: AliDataset, again: Tensor, samples: Tensor, which: npt.NDArray[np.int64]
) -> dict[str, float | None]:
    metrics = dataset.judged(again, samples, which)
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


def shown_of(arm: Arm[Coding], dataset: AliDataset) -> Shown:
    """Held-out samples, what became of them, and fresh samples."""
    coding, count = arm.training, _SHOWN_IMAGES if dataset.bounded else _SHOWN_ROWS
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
    return _as_they_are(made, dataset).reshape(-1, _TRAVERSAL_STEPS, *dataset.shape)


def _as_they_are(samples: Tensor, dataset: AliDataset) -> Array:
    found: Array = samples.reshape(-1, *dataset.shape).numpy()
    return found
