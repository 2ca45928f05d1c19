"""How much of a known set of modes a generator's samples reach, and how evenly.

Divergences are in nats. A sample with a value that is not finite belongs to no mode, but it was asked for: it counts in
every share's denominator.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from minecli.apps.datasets.mnist import CLASSES, SIDE
from minecli.apps.datasets.stacked_digits import Labels, as_modes, check_counts
from minecli.apps.datasets.synthetic import ARC_TURNS, GRID_COORDINATES, GRID_STD, Points, arc_at
from minecli.apps.metrics.digit_classifier import DigitClassifier
from minecli.errors import DataError
from minecli.runtime.seeds import generator

Counts = npt.NDArray[np.int64]
Metrics = dict[str, float | None]

# A sample is of high quality within so many standard deviations of the nearest mean. PacGAN's experiment uses 3; of the
# data themselves, exp(-3^2 / 2) = 1.1 % lie beyond.
HIGH_QUALITY_STDS = 3.0

ARC_SEGMENTS = 40
SEGMENT_SAMPLES = 5
# Three standard deviations of the noise; the windings lie 2/3 apart, so that no point is so near to two of them.
NEAR_ARC = 0.3
# The nearest of this many places on the arm stands for the nearest place: they are at most 0.006 apart.
_PLACES_PER_SEGMENT = 100
_FLOOR_DRAWS = 20


def grid_metrics(samples: npt.ArrayLike) -> Metrics:
    """Compare samples with the grid of 25 normals, `datasets.synthetic.gaussians25`.

    Every sample belongs to its nearest mean and is of high quality if it lies within 3 standard deviations (0.15) of
    it. The first three numbers are those of PacGAN (Lin et al., NeurIPS 2018), taken there from 2,500 samples:

    * `modes`: means with at least one sample of high quality;
    * `high_quality_share`: share of all samples that are of high quality, 0.989 for the data themselves;
    * `kl`: sum p ln(25 p) in nats, p a mean's share of the samples of high quality; None where there is none.

    They say little early in training, when hardly a sample is of high quality. Two more count every finite sample:

    * `nearest_modes`: means that are nearest to at least one sample;
    * `nearest_kl`: the same divergence over all samples; None where none is finite.

    n perfect samples show a divergence of about 24 / (2 n); see `reverse_kl`.

    Args:
        samples: in the units of the data, shape (n, 2).

    Raises:
        DataError: another shape, or no sample.

    >>> metrics = grid_metrics([[0.0, 0.1], [4.0, -3.9], [0.5, 0.5], [float("nan"), 0.0]])
    >>> metrics["modes"], metrics["high_quality_share"], round(metrics["kl"], 3)
    (2.0, 0.5, 2.526)
    """
    points = _points(samples)
    finite = points[np.isfinite(points).all(axis=1)]
    coordinates = np.array(GRID_COORDINATES)
    step = coordinates[1] - coordinates[0]
    # The means are all pairs of equally spaced coordinates: the nearest one is looked up in each direction by itself.
    column = np.clip(np.rint((finite - coordinates[0]) / step), 0, len(coordinates) - 1).astype(np.int64)
    with np.errstate(over="ignore"):
        distance = np.hypot(*(finite - coordinates[column]).T)
    mode = column[:, 0] * len(coordinates) + column[:, 1]
    high = distance <= HIGH_QUALITY_STDS * GRID_STD
    fine = np.bincount(mode[high], minlength=len(coordinates) ** 2)
    nearest = np.bincount(mode, minlength=len(coordinates) ** 2)
    return {
        "modes": float(np.count_nonzero(fine)),
        "high_quality_share": float(high.sum() / len(points)),
        "kl": _kl_or_none(fine),
        "nearest_modes": float(np.count_nonzero(nearest)),
        "nearest_kl": _kl_or_none(nearest),
    }


def spiral_metrics(samples: npt.ArrayLike) -> Metrics:
    """Compare samples with the spiral, `datasets.synthetic.spiral`.

    A sample is near the arm within 0.3 of its nearest place on it, and belongs to that place's segment. The 40 segments
    are equal in p, the arm's parameter, and not in length: the data have the same share in each. (Noise moves samples
    to neighbouring segments, most in the tight inner turn; a million rows of data show a divergence of 0.0001 nats.)

    * `arc_coverage`: share of the segments with at least 5 samples near the arm;
    * `near_arc_share`: share of all samples that are near the arm, 0.9975 for the data themselves;
    * `kl`: sum p ln(40 p) in nats, p a segment's share of the samples near the arm; None where there is none.

    The 5 samples are a fixed number: with fewer than about 500 samples the data themselves leave segments uncovered.

    Args:
        samples: in the units of the data, shape (n, 2).

    Raises:
        DataError: another shape, or no sample.

    >>> from minecli.apps.datasets.synthetic import spiral
    >>> metrics = spiral_metrics(spiral(2500, np.random.default_rng(0)))
    >>> metrics["arc_coverage"], round(metrics["near_arc_share"], 2), metrics["kl"] < 0.03
    (1.0, 1.0, True)
    """
    points = _points(samples)
    finite = points[np.isfinite(points).all(axis=1)]
    place = _nearest_place(finite)
    counts = np.bincount(place[place >= 0] // _PLACES_PER_SEGMENT, minlength=ARC_SEGMENTS)
    return {
        "arc_coverage": float(np.count_nonzero(counts >= SEGMENT_SAMPLES) / ARC_SEGMENTS),
        "near_arc_share": float(counts.sum() / len(points)),
        "kl": _kl_or_none(counts),
    }


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


class StackMetrics:
    """What is measured of stacks of digits by a classifier that names their channels.

    Args:
        classifier: names one channel.
        stack: channels of an image; there are 10^stack modes.
    """

    def __init__(self, classifier: DigitClassifier, stack: int) -> None:
        self._classifier, self._stack = classifier, stack

    def __call__(self, images: Tensor) -> Metrics:
        """Measure images, shape (n, stack, 28, 28) with n at least 1, finite, -1 (paper) to 1 (ink).

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
        metrics = label_metrics(as_modes(labels), CLASSES**self._stack)
        return {**metrics, "classifier_confidence": float(logits.softmax(1).amax(1).mean())}


def reverse_kl(counts: npt.ArrayLike, classes: int | None = None) -> float:
    """The divergence KL(p || u) = sum p ln(classes p), in nats, of the shares p = counts / sum from the uniform u.

    "Reverse", as the samples' distribution stands first: a mode that is left out costs only what it adds to the others.
    It lies in 0 .. ln(classes).

    Of n samples that really are uniform expect (classes - 1) / (2 n): 2 n KL is the likelihood-ratio statistic of the
    uniform distribution, which is about chi-squared with classes - 1 degrees of freedom (Wilks, "The large-sample
    distribution of the likelihood ratio for testing composite hypotheses", Annals of Mathematical Statistics 1938); the
    same term is Miller's bias of the entropy (1955). It needs several samples per class: with 10 it is 1 or 2 % too
    low, with 2 it is 14 % too low, and with less than one it has no meaning, as the divergence cannot exceed
    ln(classes).

    Args:
        counts: how many samples each class has, at least 0, shape (k,).
        classes: how many classes there are; None for k. Classes that are not in `counts` have no sample.

    Raises:
        DataError: nothing counted, a negative or non-finite count, or fewer classes than counts.

    >>> reverse_kl([5, 5]), round(reverse_kl([5, 5], classes=4), 4), round(reverse_kl([7, 0]), 4)
    (0.0, 0.6931, 0.6931)
    """
    array = np.asarray(counts, dtype=np.float64).ravel()
    classes = len(array) if classes is None else classes
    if not np.isfinite(array).all() or (array < 0).any() or not array.sum() > 0:
        problem = "the counts must be finite, at least 0, and more than 0 together"
        raise DataError(problem, hint="check that there are samples")
    if classes < len(array):
        problem = f"there are {len(array)} counts for {classes} classes; there may be one for each"
        raise DataError(problem, hint=f"pass classes={len(array)} or more")
    shares = array[array > 0] / array.sum()
    # Of equal shares rounding may leave a trace below zero.
    return max(0.0, float((shares * np.log(classes * shares)).sum()))


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


def _points(samples: npt.ArrayLike) -> Points:
    points = np.asarray(samples, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        problem = f"the samples have shape {points.shape}; they must be (n, 2) with n at least 1"
        raise DataError(problem, hint="pass one row of two columns per sample")
    return points


def _nearest_place(points: Points) -> Counts:
    """The number of each point's nearest place on the arm, -1 where none is within NEAR_ARC."""
    from scipy.spatial import cKDTree

    places = ARC_SEGMENTS * _PLACES_PER_SEGMENT
    # In the middle of equal steps, so that no place lies on the border of two segments.
    tree: Any = cKDTree(arc_at((np.arange(places) + 0.5) * ARC_TURNS / places))
    _, nearest = tree.query(points, distance_upper_bound=np.nextafter(NEAR_ARC, 1.0))
    return np.where(nearest < places, nearest, -1).astype(np.int64)


def _kl_or_none(counts: Counts) -> float | None:
    return reverse_kl(counts) if counts.sum() else None
