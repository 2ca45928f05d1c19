"""What is measured of stacked digits: which combinations of labels occur, and how evenly."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from minecli.apps.datasets.mnist import CLASSES, SIDE
from minecli.apps.datasets.stacked_digits import Labels, as_modes, check_counts
from minecli.apps.metrics.digit_classifier import DigitClassifier
from minecli.apps.metrics.modes import Metrics, label_metrics, reverse_kl
from minecli.runtime.seeds import generator

_FLOOR_DRAWS = 20


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
    check_counts(stack, count)
    rng = generator(seed, "label-floor", stack, count)
    draws = (as_modes(labels[rng.integers(len(labels), size=(count, stack))]) for _ in range(_FLOOR_DRAWS))
    values = [reverse_kl(np.bincount(modes), classes=CLASSES**stack) for modes in draws]
    return math.fsum(values) / len(values)
