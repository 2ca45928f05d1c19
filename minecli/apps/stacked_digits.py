"""Stacked digits, whose modes are known: images of several channels, each channel one digit of MNIST.

Metz et al., "Unrolled generative adversarial networks" (2017), in the form of Lin et al., "PacGAN" (2018).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.apps.digits import DigitClassifier
from minecli.apps.mnist import CLASSES, SIDE, Digits
from minecli.apps.mode_metrics import Metrics, label_metrics, reverse_kl
from minecli.apps.pixels import from_bytes
from minecli.errors import UsageError
from minecli.runtime.seeds import generator

MOST_STACKED = 6
_FLOOR_DRAWS = 20

Labels = npt.NDArray[np.integer[Any]]


def as_modes(labels: Labels) -> npt.NDArray[np.int64]:
    """Labels of channels, shape (b, stack), read as numbers, shape (b,): the first channel is the leading digit.

    >>> as_modes(np.array([[0, 4, 2], [9, 9, 9]])).tolist()
    [42, 999]
    """
    powers = CLASSES ** np.arange(labels.shape[1] - 1, -1, -1, dtype=np.int64)
    modes: npt.NDArray[np.int64] = labels.astype(np.int64) @ powers
    return modes


def stacked(pool: int, count: int, stack: int, seed: int) -> npt.NDArray[np.int64]:
    """Which digits of a pool of so many lie in each image: a fixed table, shape (count, stack).

    They are drawn independently and with replacement, so that all 10^stack combinations of labels occur, with about
    the same weight.

    Raises:
        UsageError: count below 1, or stack not in 1 .. 6.
    """
    _check_counts(stack, count)
    return generator(seed, "stacked-digits", stack).integers(pool, size=(count, stack))


class DigitStacks:
    """Stacks of digits as real samples: the pool's images and the table of `stacked`, both on the device.

    Args:
        digits: the pool. Published experiments draw from training and test set together: `mnist.pooled(train, test)`.
        count: how many images there are.
        stack: channels of an image.
        seed: of the table.
        device: where images are wanted, such as "cpu" or "cuda:0".

    Raises:
        UsageError: count below 1, or stack not in 1 .. 6.

    >>> blank = Digits(np.zeros((5, 28, 28), np.uint8), np.zeros(5, np.uint8))
    >>> DigitStacks(blank, count=100, stack=3, seed=0, device="cpu").rows(torch.tensor([[99, 0]])).shape
    torch.Size([1, 2, 3, 28, 28])
    """

    def __init__(self, digits: Digits, count: int, stack: int, seed: int, device: str) -> None:
        # Bytes: all images in single precision would take 1.2 GB instead of 55 MB.
        self._pool = torch.tensor(digits.images, device=device)
        self._table = torch.tensor(stacked(len(digits.images), count, stack, seed), device=device)

    def __len__(self) -> int:
        return len(self._table)

    @property
    def shape(self) -> tuple[int, ...]:
        """(stack, 28, 28)."""
        return (self._table.shape[1], SIDE, SIDE)

    @property
    def device(self) -> str:
        """Where images are wanted and computed."""
        return str(self._table.device)

    def rows(self, indices: Tensor) -> Tensor:
        """Images by number: int64 (models, b) to float32 (models, b, stack, 28, 28), -1 (paper) to 1 (ink)."""
        return from_bytes(self._pool[self._table[indices.to(self._table.device)]])


class StackJudge:
    """What a classifier of digits says of stacks of them, by channel.

    Args:
        classifier: names one channel.
        stack: channels of an image; there are 10^stack modes.
    """

    def __init__(self, classifier: DigitClassifier, stack: int) -> None:
        self._classifier, self._stack = classifier, stack

    def __call__(self, images: Tensor) -> Metrics:
        """Judge images, shape (n, stack, 28, 28) with n at least 1, finite, -1 (paper) to 1 (ink).

        * `modes`: distinct combinations of labels;
        * `kl`: sum p ln(10^stack p) in nats, p a combination's share; `label_floor` says how small it can be expected;
        * `classifier_confidence`: the mean over all channels of the likeliest digit's probability. Where it is low,
          what the samples show are no digits, and the other two numbers mean little.

        Raises:
            DataError: no image.
            ValueError: images of another shape.
        """
        if images.shape[1:] != (self._stack, SIDE, SIDE):
            raise ValueError(f"images of shape {tuple(images.shape)}; (n, {self._stack}, {SIDE}, {SIDE}) is needed")
        logits = self._classifier.logits(images.flatten(0, 1))
        labels = logits.argmax(1).view(-1, self._stack).cpu().numpy()
        found = label_metrics(as_modes(labels), CLASSES**self._stack)
        return {**found, "classifier_confidence": float(logits.softmax(1).amax(1).mean())}


def label_floor(labels: Labels, stack: int, count: int, seed: int) -> float:
    """The divergence from uniform modes, in nats, that `count` perfect samples have: no model should be far below it.

    The mean, over 20 draws, of sum p ln(10^stack p) over the modes, p their shares among `count` stacks of labels drawn
    independently from `labels`. It is not zero, since samples are few, (10^stack - 1) / (2 count) for uniform labels,
    and since MNIST's digits are not quite as frequent as each other.

    Raises:
        UsageError: count below 1, or stack not in 1 .. 6.

    >>> label_floor(np.arange(10), stack=1, count=100_000, seed=0) < 1e-4
    True
    """
    _check_counts(stack, count)
    rng = generator(seed, "label-floor", stack, count)
    draws = (as_modes(labels[rng.integers(len(labels), size=(count, stack))]) for _ in range(_FLOOR_DRAWS))
    values = [reverse_kl(np.bincount(modes), classes=CLASSES**stack) for modes in draws]
    return math.fsum(values) / len(values)


def _check_counts(stack: int, count: int) -> None:
    if not 1 <= stack <= MOST_STACKED:
        raise UsageError(f"{stack} digits are to be stacked; 1 to {MOST_STACKED} can be", hint="try --stack 3")
    if count < 1:
        raise UsageError(f"{count} stacked digits are asked for; at least 1 is needed", hint="try 128000 of them")
