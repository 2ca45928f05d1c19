"""A small classifier of yes-or-no attributes of images, trained by the tool: what of a face a reconstruction keeps.

Four convolutions of stride 2 and a linear map; the losses of rare attributes weigh as much as those of frequent ones,
since what is asked of it is balanced accuracy.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli import events
from minecli.apps.datasets.real_samples import RealSamples
from minecli.apps.metrics.classifier_cache import JudgeCache, he_weight
from minecli.apps.metrics.reconstruction import attribute_scores
from minecli.runtime.checkpoint import fingerprint
from minecli.runtime.seeds import torch_generator

STAGE = "attribute classifier"
# Raised when the same config would give other weights, so that caches of older versions are not taken up.
_VERSION = 1
_AT_ONCE = 500
_PROBED = 64


@dataclass(frozen=True, kw_only=True)
class AttributeConfig:
    """How the classifier is made and trained by Adam, whose rate falls linearly to zero."""

    filters: int = 16
    layers: int = 4
    steps: int = 400
    batch: int = 64
    rate: float = 2e-3
    seed: int = 0


class _Network(nn.Module):
    """(n, c, side, side) to logits (n, attributes)."""

    def __init__(self, channels: int, side: int, attributes: int, config: AttributeConfig) -> None:
        super().__init__()
        draws = torch_generator(config.seed, "attribute-classifier", "weights")
        self.shape = (channels, side, side)
        widths = [channels, *(config.filters * 2**i for i in range(config.layers))]
        self.kernels = nn.ParameterList(he_weight(draws, b, a, 3, 3) for a, b in itertools.pairwise(widths))
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(b)) for b in widths[1:])
        for _ in range(config.layers):
            side = -(-side // 2)
        self.out = he_weight(draws, attributes, widths[-1] * side * side)
        self.out_bias = nn.Parameter(torch.zeros(attributes))

    def forward(self, images: Tensor) -> Tensor:
        maps = images
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            maps = functional.relu(functional.conv2d(maps, kernel, bias, stride=2, padding=1))
        return functional.linear(maps.flatten(1), self.out, self.out_bias)


class AttributeClassifier:
    """A trained classifier.

    `balanced_accuracy` is the mean over attributes on images it was not trained on; None where these have no attribute
    that occurs both ways.
    """

    def __init__(self, network: _Network, device: str, balanced_accuracy: float) -> None:
        self._network = network.to(device).eval().requires_grad_(False)
        self._device = device
        self.balanced_accuracy = None if math.isnan(balanced_accuracy) else balanced_accuracy

    @torch.no_grad()
    def predict(self, images: Tensor) -> npt.NDArray[np.bool_]:
        """Which attributes each image has, shape (n, k); images (n, c, side, side) from -1 to 1.

        Raises:
            ValueError: images of another shape than those it learnt from.
        """
        if tuple(images.shape[1:]) != self._network.shape:
            raise ValueError(
                f"images of shape {tuple(images.shape)}; (n, {', '.join(map(str, self._network.shape))}) is needed"
            )
        parts = [
            self._network(part.to(self._device, torch.float32)).cpu() > 0.0 for part in torch.split(images, _AT_ONCE)
        ]
        found: npt.NDArray[np.bool_] = torch.cat(parts).numpy()
        return found


def load_attribute_classifier(
    images: RealSamples,
    attributes: npt.NDArray[np.bool_],
    learnt: npt.NDArray[np.int64],
    kept: npt.NDArray[np.int64],
    device: str,
    cache: Path | None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
    config: AttributeConfig = AttributeConfig(),
) -> AttributeClassifier | None:
    """Take the classifier from the cache, or train it and put it there; None where it was stopped.

    Args:
        images: all images, of which `attributes`, shape (n, k), says what they show.
        learnt: numbers of the images to train on.
        kept: numbers of those on which its balanced accuracy is measured.
        device: where it computes.
        cache: a folder; None to keep nothing. A cache that cannot be read or written costs the cache alone.
        observer: told of progress.
        should_stop: asked at every step.
        config: settings.

    Raises:
        ValueError: attributes that are not one row per image.
    """
    if attributes.ndim != 2 or len(attributes) != len(images):
        raise ValueError(f"attributes of shape {attributes.shape} for {len(images)} images; (n, k) is needed")
    mark = _mark(images, attributes, learnt, kept, config)
    file = JudgeCache.inside(cache, STAGE, mark, "balanced_accuracy")

    def make() -> _Network:
        return _Network(images.shape[0], images.shape[1], attributes.shape[1], config)

    found = file.load(make, observer)
    if found is not None:
        network, score = found
        return AttributeClassifier(network, device, score)
    network = make().to(device)
    if not _train(network, images, attributes, learnt, device, config, observer, should_stop):
        return None
    score = _balanced_accuracy(AttributeClassifier(network, device, math.nan), images, attributes, kept)
    observer(events.Event(STAGE, 1, 1, {} if math.isnan(score) else {"balanced_accuracy": score}, done=True))
    file.keep(network, score, observer)
    return AttributeClassifier(network, device, score)


def _mark(
    images: RealSamples,
    attributes: npt.NDArray[np.bool_],
    learnt: npt.NDArray[np.int64],
    kept: npt.NDArray[np.int64],
    config: AttributeConfig,
) -> str:
    """Two hundred thousand files cannot be read for a fingerprint: some of them, far apart, stand for all."""
    every = np.concatenate([learnt, kept])
    some = every[np.unique(np.linspace(0, len(every) - 1, min(_PROBED, len(every))).round().astype(np.int64))]
    probe = images.rows(torch.from_numpy(some)[None])[0].cpu().numpy()
    settings = {"version": _VERSION, **asdict(config), "shape": list(images.shape)}
    return fingerprint(settings, probe, attributes, learnt, kept)


def _balanced_accuracy(
    judge: AttributeClassifier, images: RealSamples, attributes: npt.NDArray[np.bool_], kept: npt.NDArray[np.int64]
) -> float:
    """The mean over attributes, NaN where none of them occurs both ways, or nothing was kept."""
    if len(kept) == 0:
        return math.nan
    parts = torch.split(torch.from_numpy(kept), _AT_ONCE)
    said = np.concatenate([judge.predict(images.rows(part[None])[0]) for part in parts])
    score = attribute_scores(said, attributes[kept])["attribute_accuracy"]
    return math.nan if score is None else score


def _train(
    network: nn.Module,
    images: RealSamples,
    attributes: npt.NDArray[np.bool_],
    learnt: npt.NDArray[np.int64],
    device: str,
    config: AttributeConfig,
    observer: events.Observer,
    should_stop: Callable[[], bool],
) -> bool:
    """Train the network in place; False if stopped."""
    truth = torch.from_numpy(attributes).float()
    share = truth[learnt].mean(0).clamp(0.001, 0.999)
    weights = (truth / share + (1.0 - truth) / (1.0 - share)) / 2.0
    optimizer = torch.optim.Adam(network.parameters(), lr=config.rate)
    draws = torch_generator(config.seed, "attribute-classifier", "order")
    for step in range(config.steps):
        if should_stop():
            return False
        for group in optimizer.param_groups:
            group["lr"] = config.rate * (1.0 - step / config.steps)
        chosen = torch.from_numpy(learnt)[torch.randint(len(learnt), (config.batch,), generator=draws)]
        batch = images.rows(chosen[None])[0].to(device)
        # Faces mirrored are faces.
        batch = batch.flip(3) if step % 2 else batch
        loss = functional.binary_cross_entropy_with_logits(
            network(batch), truth[chosen].to(device), weight=weights[chosen].to(device)
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if (step + 1) % 25 == 0 or step + 1 == config.steps:
            observer(events.Event(STAGE, step + 1, config.steps, {"loss_nats": float(loss.detach())}))
    return True
