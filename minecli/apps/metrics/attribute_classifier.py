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
from minecli.apps.metrics.classifier_training import ClassifierTraining, he_weight
from minecli.apps.metrics.reconstruction import attribute_scores
from minecli.runtime.checkpoint import fingerprint
from minecli.runtime.seeds import torch_generator

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


@dataclass(frozen=True)
class LabelledImages:
    """All images, what they show, (n, k), and the numbers of those to learn from and of those held out, (m,) each.

    Raises:
        ValueError: attributes that are not one row per image.
    """

    images: RealSamples
    attributes: npt.NDArray[np.bool_]
    learnt: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.attributes.ndim != 2 or len(self.attributes) != len(self.images):
            raise ValueError(
                f"attributes of shape {self.attributes.shape} for {len(self.images)} images; (n, k) is needed"
            )


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
        predicted: npt.NDArray[np.bool_] = torch.cat(parts).numpy()
        return predicted


def load_attribute_classifier(
    labelled: LabelledImages,
    device: str,
    cache: Path | None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
    config: AttributeConfig = AttributeConfig(),
) -> AttributeClassifier | None:
    """Take the classifier from the cache, or train it and put it there; None where it was stopped.

    Args:
        labelled: what it learns from, and what its balanced accuracy is measured on.
        device, cache, observer, should_stop, config: see `digit_classifier.load_classifier`.
    """
    trained = _Training(labelled, device, config).trained(cache, observer, should_stop)
    return None if trained is None else AttributeClassifier(trained[0], device, trained[1])


class _Training(ClassifierTraining[_Network]):
    STAGE, SCORE, TOLD = "attribute classifier", "balanced_accuracy", "balanced_accuracy"

    def __init__(self, labelled: LabelledImages, device: str, config: AttributeConfig) -> None:
        self.labelled, self.device, self.config, self.steps = labelled, device, config, config.steps
        self.fingerprint = _fingerprint(labelled, config)
        self.learnt, self.truth = torch.from_numpy(labelled.learnt), torch.from_numpy(labelled.attributes).float()
        share = self.truth[self.learnt].mean(0).clamp(0.001, 0.999)
        self.weights = (self.truth / share + (1.0 - self.truth) / (1.0 - share)) / 2.0
        self.draws = torch_generator(config.seed, "attribute-classifier", "order")

    def make(self) -> _Network:
        channels, side, _ = self.labelled.images.shape
        return _Network(channels, side, self.labelled.attributes.shape[1], self.config)

    def rate(self, step: int) -> float:
        return self.config.rate * (1.0 - step / self.steps)

    def loss(self, network: _Network, step: int) -> Tensor:
        chosen = self.learnt[torch.randint(len(self.learnt), (self.config.batch,), generator=self.draws)]
        batch = self.labelled.images.rows(chosen[None])[0].to(self.device)
        # Faces mirrored are faces.
        logits = network(batch.flip(3) if step % 2 else batch)
        truth, weights = (part[chosen].to(self.device) for part in (self.truth, self.weights))
        return functional.binary_cross_entropy_with_logits(logits, truth, weight=weights)

    def measure(self, network: _Network) -> float:
        """The mean over attributes, NaN where none of them occurs both ways, or nothing was held out."""
        classifier, held_out = AttributeClassifier(network, self.device, math.nan), self.labelled.held_out
        if len(held_out) == 0:
            return math.nan
        parts = torch.split(torch.from_numpy(held_out), _AT_ONCE)
        predicted = [classifier.predict(self.labelled.images.rows(part[None])[0]) for part in parts]
        truth = self.labelled.attributes[held_out]
        score = attribute_scores(np.concatenate(predicted), truth)["attribute_accuracy"]
        return math.nan if score is None else score


def _fingerprint(labelled: LabelledImages, config: AttributeConfig) -> str:
    """Two hundred thousand files cannot be read for a fingerprint: some of them, far apart, stand for all."""
    images, learnt, held_out = labelled.images, labelled.learnt, labelled.held_out
    every = np.concatenate([learnt, held_out])
    some = every[np.unique(np.linspace(0, len(every) - 1, min(_PROBED, len(every))).round().astype(np.int64))]
    probe = images.rows(torch.from_numpy(some)[None])[0].cpu().numpy()
    settings = {"version": _VERSION, **asdict(config), "shape": list(images.shape)}
    return fingerprint(settings, probe, labelled.attributes, learnt, held_out)
