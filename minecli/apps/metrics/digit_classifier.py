"""A small classifier of digits, trained once and stored: it names the modes that a generator of digits has.

The network's shape is that of LeNet-5 (LeCun et al., 1998) with rectifiers; the learning rate rises and falls once, as
in Smith and Topin, "Super-convergence" (2018), which makes three passes over MNIST enough for 99 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli import events
from minecli.apps.datasets.mnist import CLASSES, SIDE, Digits
from minecli.apps.datasets.real_samples import from_bytes
from minecli.apps.metrics.classifier_training import ClassifierTraining, he_weight
from minecli.runtime.checkpoint import fingerprint
from minecli.runtime.seeds import generator, torch_generator

# Raised when the same config would give other weights, so that caches of older versions are not taken up.
_VERSION = 1
_IMAGES_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """How the classifier is made: maps of its two convolutions, hidden units, and its training by Adam."""

    first_maps: int = 10
    second_maps: int = 20
    hidden: int = 50
    epochs: int = 3
    batch: int = 128
    peak_rate: float = 0.01
    warmup_share: float = 0.3
    seed: int = 0


class _Network(nn.Module):
    """(n, 1, 28, 28) to (n, 10): two convolutions of 5 x 5, each followed by the maximum of 2 x 2, and two layers."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        draws = torch_generator(config.seed, "digit-classifier", "weights")

        self.maps1 = he_weight(draws, config.first_maps, 1, 5, 5)
        self.bias1 = nn.Parameter(torch.zeros(config.first_maps))
        self.maps2 = he_weight(draws, config.second_maps, config.first_maps, 5, 5)
        self.bias2 = nn.Parameter(torch.zeros(config.second_maps))
        self.hidden = he_weight(draws, config.hidden, config.second_maps * 4 * 4)
        self.hidden_bias = nn.Parameter(torch.zeros(config.hidden))
        self.out = he_weight(draws, CLASSES, config.hidden)
        self.out_bias = nn.Parameter(torch.zeros(CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        maps = functional.relu(functional.max_pool2d(functional.conv2d(images, self.maps1, self.bias1), 2))
        maps = functional.relu(functional.max_pool2d(functional.conv2d(maps, self.maps2, self.bias2), 2))
        hidden = functional.relu(functional.linear(maps.flatten(1), self.hidden, self.hidden_bias))
        return functional.linear(hidden, self.out, self.out_bias)


class DigitClassifier:
    """A trained classifier.

    `accuracy` is the share of the test set that it named rightly when it was trained.
    """

    def __init__(self, network: nn.Module, device: str, accuracy: float) -> None:
        self._network = network.to(device).eval().requires_grad_(False)
        self._device, self.accuracy = device, accuracy

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """The unnormalised log probabilities of the ten digits, shape (n, 10), on the images' device.

        Args:
            images: shape (n, 28, 28) or (n, 1, 28, 28), -1 (paper) to 1 (ink), of any floating type.

        Raises:
            ValueError: images of another shape.
        """
        if images.shape[1:] not in ((SIDE, SIDE), (1, SIDE, SIDE)):
            raise ValueError(f"images of shape {tuple(images.shape)}; (n, 28, 28) or (n, 1, 28, 28) is needed")
        if len(images) == 0:
            return torch.empty(0, CLASSES, device=images.device)
        parts = torch.split(images.reshape(-1, 1, SIDE, SIDE), _IMAGES_AT_ONCE)
        return torch.cat([self._network(p.to(self._device, torch.float32)).to(images.device) for p in parts])

    def classify(self, images: Tensor) -> Tensor:
        """The most likely digit of each image, shape (n,), int64; see `logits`."""
        return self.logits(images).argmax(1)


def load_classifier(
    digits: tuple[Digits, Digits],
    device: str,
    cache: Path | None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
    config: ClassifierConfig = ClassifierConfig(),
) -> DigitClassifier | None:
    """Take the classifier from the cache, or train it and put it there.

    On one CPU thread the same data and config always give the same weights.

    Args:
        digits: what it learns from, and what its accuracy is measured on, as `read_mnist` gives them.
        device: where it computes, such as "cpu" or "cuda:0".
        cache: a folder, made where it does not exist, such as `default_cache()`; None to store nothing. A file in it
            that cannot be used is replaced; a folder that cannot be written costs the cache alone. Both are said.
        observer: told of progress.
        should_stop: asked at every step.
        config: settings.

    Returns:
        The classifier, or None if it was stopped.
    """
    trained = _Training(digits, device, config).trained(cache, observer, should_stop)
    return None if trained is None else DigitClassifier(trained[0], device, trained[1])


class _Training(ClassifierTraining[_Network]):
    STAGE, SCORE, TOLD = "digit classifier", "accuracy", "test_accuracy"

    def __init__(self, digits: tuple[Digits, Digits], device: str, config: ClassifierConfig) -> None:
        self.learnt, self.test = digits
        self.device, self.config = device, config
        self.batch = min(config.batch, len(self.learnt.images))
        self.per_epoch = len(self.learnt.images) // self.batch
        self.steps = config.epochs * self.per_epoch
        arrays = [array for part in digits for array in (part.images, part.labels)]
        self.fingerprint = fingerprint({"version": _VERSION, **asdict(config)}, *arrays)

    def make(self) -> _Network:
        return _Network(self.config)

    def rate(self, step: int) -> float:
        return learning_rate(step, self.steps, self.config)

    def loss(self, network: _Network, step: int) -> Tensor:
        epoch, place = divmod(step, self.per_epoch)
        if place == 0:
            draws = generator(self.config.seed, "digit-classifier", "order", epoch)
            self.order = draws.permutation(len(self.learnt.images))
        rows = self.order[place * self.batch :][: self.batch]
        # The axis of channels is torch's: numpy gives it another stride, with which convolutions round differently.
        images = torch.from_numpy(self.learnt.images[rows])[:, None].to(self.device)
        labels = torch.from_numpy(self.learnt.labels[rows]).long().to(self.device)
        return functional.cross_entropy(network(from_bytes(images)), labels)

    def measure(self, network: _Network) -> float:
        answers = DigitClassifier(network, self.device, math.nan).classify(from_bytes(torch.tensor(self.test.images)))
        return float((answers == torch.tensor(self.test.labels)).double().mean())


def learning_rate(step: int, total: int, config: ClassifierConfig) -> float:
    """The rate at a step of `total`: it rises linearly from a twenty-fifth to the peak, then falls as a cosine to
    nearly nothing. torch's `OneCycleLR` has the same shape on both sides of the peak, and so other rates.

    >>> config = ClassifierConfig(peak_rate=1.0, warmup_share=0.5)
    >>> [round(learning_rate(step, 100, config), 3) for step in (0, 25, 50, 75, 99)]
    [0.04, 0.52, 1.0, 0.5, 0.001]
    """
    warmup = config.warmup_share * total
    if step < warmup:
        return config.peak_rate * (0.04 + 0.96 * step / warmup)
    return config.peak_rate * 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1.0, total - warmup)))
