"""A small classifier of digits, trained once and kept: it names the modes that a generator of digits has.

The network's shape is that of LeNet-5 (LeCun et al., 1998) with rectifiers; the learning rate rises and falls once, as
in Smith and Topin, "Super-convergence" (2018), which makes three passes over MNIST enough for 99 %.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli import events
from minecli.apps.mnist import CLASSES, SIDE, Digits
from minecli.errors import DataError, OutputError, UsageError
from minecli.runtime.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from minecli.runtime.seeds import child_seed, generator

STAGE = "digit classifier"
# Raised when the same config would give other weights, so that caches of older versions are not taken up.
_VERSION = 1
_IMAGES_AT_ONCE = 1000
_STEPS_PER_EVENT = 25


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
        draws = torch.Generator().manual_seed(child_seed(config.seed, "digit-classifier", "weights"))

        def weight(*shape: int) -> nn.Parameter:
            # He et al. (2015): variance 2 / inputs keeps the scale of activations through rectifiers.
            return nn.Parameter(torch.randn(*shape, generator=draws) * math.sqrt(2 / math.prod(shape[1:])))

        self.maps1 = weight(config.first_maps, 1, 5, 5)
        self.bias1 = nn.Parameter(torch.zeros(config.first_maps))
        self.maps2 = weight(config.second_maps, config.first_maps, 5, 5)
        self.bias2 = nn.Parameter(torch.zeros(config.second_maps))
        self.hidden = weight(config.hidden, config.second_maps * 4 * 4)
        self.hidden_bias = nn.Parameter(torch.zeros(config.hidden))
        self.out = weight(CLASSES, config.hidden)
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
    train: Digits,
    test: Digits,
    device: str,
    cache: Path | None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
    config: ClassifierConfig = ClassifierConfig(),
) -> DigitClassifier | None:
    """Take the classifier from the cache, or train it and put it there.

    On one CPU thread the same data and config always give the same weights.

    Args:
        train: what it learns from.
        test: what its accuracy is measured on.
        device: where it computes, such as "cpu" or "cuda:0".
        cache: a folder, made where it does not exist, such as `default_cache()`; None to keep nothing. A file in it
            that cannot be used is replaced; a folder that cannot be written costs the cache alone. Both are said.
        observer: told of progress.
        should_stop: asked at every step.
        config: settings.

    Returns:
        The classifier, or None if it was stopped.
    """
    mark = fingerprint({"version": _VERSION, **asdict(config)}, train.images, train.labels, test.images, test.labels)
    # Other data or settings have another file, so that two of them in turn do not push each other out.
    path = None if cache is None else cache / f"digit-classifier-{mark[:12]}.pt"
    if path is not None and os.path.exists(path):
        try:
            return _from_cache(path, mark, config, device)
        except (DataError, UsageError) as failure:
            observer(events.Event(STAGE, message=f"trained again, as {failure.problem}"))
    network = _Network(config).to(device)
    if not _train(network, train, device, config, observer, should_stop):
        return None
    classifier = DigitClassifier(network, device, _accuracy(network, test, device))
    observer(events.Event(STAGE, 1, 1, {"test_accuracy": classifier.accuracy}, done=True))
    if path is not None:
        _keep(path, mark, network, classifier.accuracy, observer)
    return classifier


def _from_cache(path: Path, mark: str, config: ClassifierConfig, device: str) -> DigitClassifier:
    """DataError or UsageError where the file cannot be used."""
    try:
        state = load_checkpoint(path, fingerprint=mark)
        network = _Network(config)
        network.load_state_dict(state["network"])
        return DigitClassifier(network, device, float(state["accuracy"]))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as problem:
        # Whatever a file holds that only looks like a checkpoint.
        raise DataError(f"'{path}' holds no classifier ({type(problem).__name__})", hint="remove it") from None


def _keep(path: Path, mark: str, network: _Network, accuracy: float, observer: events.Observer) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        weights = {name: value.cpu() for name, value in network.state_dict().items()}
        save_checkpoint(path, {"network": weights, "accuracy": accuracy}, fingerprint=mark)
    except OSError as failure:
        observer(events.Event(STAGE, message=f"not kept for later runs: {path.parent}: {failure.strerror}"))
    except OutputError as failure:
        observer(events.Event(STAGE, message=f"not kept for later runs: {failure.problem}"))


def _train(
    network: _Network,
    train: Digits,
    device: str,
    config: ClassifierConfig,
    observer: events.Observer,
    should_stop: Callable[[], bool],
) -> bool:
    """Train the network in place; False if stopped."""
    images = torch.tensor(train.images, device=device)
    labels = torch.tensor(train.labels, dtype=torch.int64, device=device)
    optimizer = torch.optim.Adam(network.parameters(), lr=config.peak_rate)
    size = min(config.batch, len(images))
    per_epoch = len(images) // size
    total = config.epochs * per_epoch
    for step in range(total):
        if should_stop():
            return False
        if step % per_epoch == 0:
            shuffled = generator(config.seed, "digit-classifier", "order", step // per_epoch).permutation(len(images))
            order = torch.from_numpy(shuffled.astype(np.int64)).to(device)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, total, config)
        rows = order[step % per_epoch * size :][:size]
        loss = functional.cross_entropy(network(_pixels(images[rows])), labels[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if (step + 1) % _STEPS_PER_EVENT == 0 or step + 1 == total:
            observer(events.Event(STAGE, step + 1, total, {"loss_nats": float(loss.detach())}))
    return True


def learning_rate(step: int, total: int, config: ClassifierConfig) -> float:
    """The rate rises linearly from a twenty-fifth to the peak, then falls as a cosine to nearly nothing.

    >>> config = ClassifierConfig(peak_rate=1.0, warmup_share=0.5)
    >>> [round(learning_rate(step, 100, config), 3) for step in (0, 25, 50, 75, 99)]
    [0.04, 0.52, 1.0, 0.5, 0.001]
    """
    warmup = config.warmup_share * total
    if step < warmup:
        return config.peak_rate * (0.04 + 0.96 * step / warmup)
    return config.peak_rate * 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1.0, total - warmup)))


def _pixels(images: Tensor) -> Tensor:
    """Bytes (n, 28, 28) as (n, 1, 28, 28) from -1 to 1."""
    return images[:, None].float().div_(127.5).sub_(1.0)


def _accuracy(network: _Network, test: Digits, device: str) -> float:
    judge = DigitClassifier(network, device, math.nan)
    images, labels = torch.tensor(test.images), torch.tensor(test.labels, dtype=torch.int64)
    right = [
        (judge.classify(_pixels(i)) == n).sum().item()
        for i, n in zip(torch.split(images, _IMAGES_AT_ONCE), torch.split(labels, _IMAGES_AT_ONCE), strict=True)
    ]
    return float(sum(right) / len(labels))
