"""How much of a known set of modes a generator's samples reach, and how evenly.

Published numbers count a mode with a single sample, and take the divergence among the samples that are near one: noise
that is wide enough does well by both. Beside them stand two that noise cannot pass. A mode is populated if at least
`REAL_SHARE` of the share that real data have there is near it, of ALL samples; and `full_kl` is the divergence from the
real data over all modes and one class more, "near none".

Divergences are in nats. A sample with a value that is not finite belongs to no mode, but it was asked for: it counts in
every share's denominator.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from minecli.apps.datasets.synthetic import ARC_TURNS, GRID_COORDINATES, GRID_STD, Points, arc_at
from minecli.errors import DataError

Counts = npt.NDArray[np.int64]
Metrics = dict[str, float | None]

# A sample is of high quality within so many standard deviations of the nearest mean. PacGAN's experiment uses 3; of the
# data themselves, exp(-3^2 / 2) = 1.1 % lie beyond.
HIGH_QUALITY_STDS = 3.0

# Of the data's own share at a mode, as much must be near it.
REAL_SHARE = 0.25
# What the data themselves have within HIGH_QUALITY_STDS of a mean: 1 - exp(-9/2).
GRID_REAL = 1.0 - math.exp(-0.5 * HIGH_QUALITY_STDS**2)

ARC_SEGMENTS = 40
# One and a half standard deviations of the noise. The windings lie 2/3 apart: within twice as much of the arm lies nine
# tenths of the disc, so that noise would be "near" it.
NEAR_ARC = 0.15
# The data's own share within NEAR_ARC, of a million rows; the standard error is 0.0003.
ARC_REAL = 0.8665
# Of the samples for which a segment is the nearest, as many must be near it. Of the data 82 % or more are, of noise
# that fills the plane NEAR_ARC / (1/3) = 45 %.
NEAR_SEGMENT = 0.6
# The nearest of this many places on the arm stands for the nearest place: they are at most 0.006 apart.
_PLACES_PER_SEGMENT = 100
_FAR = 1e6


GRID_DEFINITIONS = {
    "populated_modes": f"means with at least {REAL_SHARE:g} of real data's share of high quality near them",
    "high_quality_share": f"samples within {HIGH_QUALITY_STDS:g} std of a mean; {GRID_REAL:.3f} of the data",
    "full_kl": "of the shares at the means and near none from real data's, in nats",
    "modes": "means with one sample of high quality (PacGAN's count)",
    "kl": "of the means' shares among samples of high quality from equal ones (PacGAN's), in nats",
}


def grid_metrics(samples: npt.ArrayLike) -> Metrics:
    """Compare samples with the grid of 25 normals, `datasets.synthetic.gaussians25`.

    Every sample belongs to its nearest mean and is of high quality if it lies within 3 standard deviations (0.15) of
    it.

    * `populated_modes`: means with at least a quarter of the share of high quality that real data have there, 0.0396,
      of all samples;
    * `high_quality_share`: share of all samples that are of high quality, 0.989 for the data themselves;
    * `full_kl`: sum p ln(p / q) in nats over 26 classes, the means' samples of high quality and all others; p their
      shares, q those of real data.

    The next two are those of PacGAN (Lin et al., NeurIPS 2018), taken there from 2,500 samples:

    * `modes`: means with at least one sample of high quality;
    * `kl`: sum p ln(25 p) in nats, p a mean's share of the samples of high quality; None where there is none.

    n perfect samples show a divergence of about 24 / (2 n); see `reverse_kl`.

    Args:
        samples: in the units of the data, shape (n, 2).

    Raises:
        DataError: another shape, or no sample.

    >>> metrics = grid_metrics([[0.0, 0.1], [4.0, -3.9], [0.5, 0.5], [float("nan"), 0.0]])
    >>> metrics["modes"], metrics["high_quality_share"], round(metrics["kl"], 3), round(metrics["full_kl"], 2)
    (2.0, 0.5, 2.526, 2.83)
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
    counts = np.bincount(mode[high], minlength=len(coordinates) ** 2)
    return {
        "populated_modes": float(np.count_nonzero(populated(counts, len(points), GRID_REAL))),
        "high_quality_share": float(high.sum() / len(points)),
        "full_kl": full_kl(counts, len(points), GRID_REAL),
        "modes": float(np.count_nonzero(counts)),
        "kl": _kl_or_none(counts),
    }


SPIRAL_DEFINITIONS = {
    "arc_coverage": (
        f"share of {ARC_SEGMENTS} segments of the arm with at least {REAL_SHARE:g} of real data's share near them, and "
        f"{NEAR_SEGMENT:.0%} of the samples that are nearest to them"
    ),
    "near_arc_share": f"samples within {NEAR_ARC:g} of the arm; {ARC_REAL:.3f} of the data",
    "full_kl": "of the shares at the segments and near none from real data's, in nats",
    "kl": "of the segments' shares among samples near the arm from equal ones, in nats",
}


def spiral_metrics(samples: npt.ArrayLike) -> Metrics:
    """Compare samples with the spiral, `datasets.synthetic.spiral`.

    A sample belongs to the segment of its nearest place on the arm, and is near the arm within 0.15 of that. The 40
    segments are equal in p, the arm's parameter, and not in length: the data have the same share in each. (Noise moves
    samples to neighbouring segments, most in the tight inner turn, where the first has 5 % less.)

    * `arc_coverage`: share of the segments that are covered: those with at least a quarter of the share near the arm
      that real data have there, 0.0217, of all samples, and with at least 0.6 of their own samples near the arm, where
      real data have 0.82 and more, and noise that fills the plane 0.45;
    * `near_arc_share`: share of all samples that are near the arm, 0.8665 for the data themselves;
    * `full_kl`: sum p ln(p / q) in nats over 41 classes, the segments' samples near the arm and all others; p their
      shares, q those of real data;
    * `kl`: sum p ln(40 p) in nats, p a segment's share of the samples near the arm; None where there is none.

    With fewer than about 1,000 samples the data themselves leave segments uncovered.

    Args:
        samples: in the units of the data, shape (n, 2).

    Raises:
        DataError: another shape, or no sample.

    >>> from minecli.apps.datasets.synthetic import spiral
    >>> metrics = spiral_metrics(spiral(2500, np.random.default_rng(0)))
    >>> metrics["arc_coverage"], round(metrics["near_arc_share"], 1), metrics["full_kl"] < 0.03
    (1.0, 0.9, True)
    >>> spiral_metrics(np.random.default_rng(0).normal(0.0, 0.8, (2500, 2)))["arc_coverage"] < 0.1
    True
    """
    points = _points(samples)
    segment, near = _segments(points[np.isfinite(points).all(axis=1)])
    own = np.bincount(segment, minlength=ARC_SEGMENTS)
    counts = np.bincount(segment[near], minlength=ARC_SEGMENTS)
    covered = populated(counts, len(points), ARC_REAL) & (counts >= NEAR_SEGMENT * own)
    return {
        "arc_coverage": float(covered.mean()),
        "near_arc_share": float(counts.sum() / len(points)),
        "full_kl": full_kl(counts, len(points), ARC_REAL),
        "kl": _kl_or_none(counts),
    }


def populated(counts: Counts, total: int, real: float) -> npt.NDArray[np.bool_]:
    """Which modes have at least `REAL_SHARE` of the share that real data have there.

    Args:
        counts: samples near each of k modes, shape (k,).
        total: all samples, near or not.
        real: real data's share near any mode, which all modes have an equal part of.

    >>> populated(np.array([25, 24, 0, 0]), 400, 1.0).tolist()
    [True, False, False, False]
    """
    return counts >= REAL_SHARE * real * total / len(counts)


def full_kl(counts: Counts, total: int, real: float) -> float:
    """The divergence sum p ln(p / q), in nats, over k modes and "near none": p the samples' shares, and q those of real
    data, real / k at each mode and 1 - real near none. The arguments are those of `populated`.

    >>> round(full_kl(np.array([45, 45]), 100, 0.9), 4), round(full_kl(np.array([10, 10]), 100, 0.9), 3)
    (0.0, 1.363)
    """
    shares = np.append(counts, total - counts.sum()) / total
    real_shares = np.append(np.full(len(counts), real / len(counts)), 1.0 - real)
    some = shares > 0
    return max(0.0, float((shares[some] * np.log(shares[some] / real_shares[some])).sum()))


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


def _points(samples: npt.ArrayLike) -> Points:
    points = np.asarray(samples, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        problem = f"the samples have shape {points.shape}; they must be (n, 2) with n at least 1"
        raise DataError(problem, hint="pass one row of two columns per sample")
    return points


def _segments(points: Points) -> tuple[Counts, npt.NDArray[np.bool_]]:
    """The segment of each finite point's nearest place on the arm, and whether that is within NEAR_ARC."""
    from scipy.spatial import cKDTree

    places = ARC_SEGMENTS * _PLACES_PER_SEGMENT
    # In the middle of equal steps, so that no place lies on the border of two segments.
    tree: Any = cKDTree(arc_at((np.arange(places) + 0.5) * ARC_TURNS / places))
    # Farther than this nothing is near; the square of what is very far would be infinite.
    distance, nearest = tree.query(np.clip(points, -_FAR, _FAR))
    segment: Counts = (nearest // _PLACES_PER_SEGMENT).astype(np.int64)
    return segment, distance <= NEAR_ARC


def _kl_or_none(counts: Counts) -> float | None:
    return reverse_kl(counts) if counts.sum() else None
