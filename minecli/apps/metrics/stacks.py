"""Which stacks of digits a generator makes, how evenly, and whether they show digits at all.

See `metrics.modes` for what noise passes and what it cannot. Divergences are in nats.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from torch import Tensor

from minecli.apps.datasets.mnist import CLASSES, SIDE
from minecli.apps.datasets.stacked_digits import Labels, as_modes, check_counts
from minecli.apps.metrics.digit_classifier import DigitClassifier
from minecli.apps.metrics.modes import REAL_SHARE, Metrics, full_kl, populated, reverse_kl
from minecli.errors import DataError
from minecli.runtime.seeds import generator

# The likeliest digit's probability in every channel of a stack that counts as digits.
CONFIDENT = 0.9
_FLOOR_DRAWS = 20


def label_metrics(labels: npt.ArrayLike, classes: int) -> Metrics:
    """Compare labels, those a classifier gives to samples, with classes that are all as likely.

    `modes` is the number of distinct labels, `kl` is sum p ln(classes p) in nats, p a label's share. So measured on
    stacked digits, where a label is the triple of digits and there are 1,000, by VEEGAN, PacGAN and MINE.

    Args:
        labels: integers in 0 .. classes - 1, shape (n,).
        classes: how many there are.

    Raises:
        DataError: no label, or one that is no integer of that range.

    >>> label_metrics([0, 0, 1, 1], 4)
    {'modes': 2.0, 'kl': 0.6931471805599453}
    """
    array = np.asarray(labels)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iu":
        problem = f"labels have shape {array.shape} and type {array.dtype}; they must be integers, in one row"
        raise DataError(problem, hint="pass one integer label per sample")
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= classes:
        problem = f"labels lie in {low} .. {high}; with {classes} classes they must lie in 0 .. {classes - 1}"
        raise DataError(problem, hint="pass the number of classes that the labels were made with")
    counts = np.bincount(array.astype(np.int64), minlength=classes)
    return {"modes": float(np.count_nonzero(counts)), "kl": reverse_kl(counts)}


STACK_DEFINITIONS = {
    "populated_modes": f"combinations of digits with at least {REAL_SHARE:g} of an equal part of real confident stacks",
    "confident_share": f"stacks with a probability of at least {CONFIDENT:g} for the likeliest digit of every channel",
    "full_kl": "of the shares of confident stacks by combination, and of all others, from real data's, in nats",
    "modes": "combinations of digits that the classifier names once (PacGAN's count)",
    "kl": "of their shares from equal ones (PacGAN's), in nats",
    "classifier_confidence": "mean probability of a channel's likeliest digit",
}


class StackMetrics:
    """What is measured of stacks of digits by a classifier that names their channels.

    Args:
        classifier: names one channel.
        stack: channels of an image; there are 10^stack modes.
        real: the share of real digits that the classifier is confident of (`confident_digits`).
    """

    def __init__(self, classifier: DigitClassifier, stack: int, real: float) -> None:
        self._classifier, self._stack, self._real = classifier, stack, real**stack

    def __call__(self, images: Tensor) -> Metrics:
        """Measure images, shape (n, stack, 28, 28) with n at least 1, finite, -1 (paper) to 1 (ink).

        A classifier names whatever it is shown. A stack is confident if the likeliest digit of EVERY channel has a
        probability of at least 0.9.

        * `populated_modes`: combinations of labels with at least a quarter of the share of confident stacks that real
          data have on average, of all images;
        * `confident_share`: share of all images that are confident;
        * `full_kl`: sum p ln(p / q) in nats over 10^stack + 1 classes, the combinations' confident images and all
          others; p their shares, q those of real data, in equal parts;
        * `modes`: distinct combinations of labels, confident or not, as PacGAN counts;
        * `kl`: sum p ln(10^stack p), p a combination's share, as there; `label_floor` says how small it can be
          expected;
        * `classifier_confidence`: the mean over all channels of the likeliest digit's probability.

        Raises:
            DataError: no image.
            ValueError: images of another shape.
        """
        if images.shape[1:] != (self._stack, SIDE, SIDE):
            raise ValueError(f"images of shape {tuple(images.shape)}; (n, {self._stack}, {SIDE}, {SIDE}) is needed")
        logits = self._classifier.logits(images.flatten(0, 1)).view(len(images), self._stack, CLASSES)
        modes = as_modes(logits.argmax(2).cpu().numpy())
        published = label_metrics(modes, CLASSES**self._stack)
        probability = logits.softmax(2).amax(2)
        confident = (probability >= CONFIDENT).all(1).cpu().numpy()
        counts = np.bincount(modes[confident], minlength=CLASSES**self._stack)
        return {
            "populated_modes": float(np.count_nonzero(populated(counts, len(modes), self._real))),
            "confident_share": float(confident.mean()),
            "full_kl": full_kl(counts, len(modes), self._real),
            **published,
            "classifier_confidence": float(probability.mean()),
        }


def confident_digits(classifier: DigitClassifier, digits: Tensor) -> float:
    """The share of digits, (n, 28, 28) from -1 to 1, whose likeliest label has a probability of at least 0.9; with half
    a digit added on either side (Jeffreys), so that it is never 0 or 1, of which no divergence is finite."""
    probability = classifier.logits(digits).softmax(1).amax(1)
    return (int((probability >= CONFIDENT).sum()) + 0.5) / (len(digits) + 1.0)


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
