import json
import math

import numpy as np
import pytest

from minecli.apps.datasets.synthetic import ARC_TURNS, arc_at, gaussians25, grid_means, spiral
from minecli.apps.ensembles.results import mean_and_error
from minecli.apps.metrics.modes import (
    ARC_SEGMENTS,
    grid_metrics,
    label_metrics,
    reverse_kl,
    spiral_metrics,
)
from minecli.errors import DataError

NAN, INF = math.nan, math.inf


def segment_middles():
    return arc_at((np.arange(ARC_SEGMENTS) + 0.5) * ARC_TURNS / ARC_SEGMENTS)


def test_the_means_themselves_are_perfect():
    expected = {"modes": 25.0, "high_quality_share": 1.0, "kl": 0.0, "nearest_modes": 25.0, "nearest_kl": 0.0}
    assert grid_metrics(np.repeat(grid_means(), 4, axis=0)) == expected


def test_samples_of_the_data_score_what_theory_says():
    found = grid_metrics(gaussians25(20_000, np.random.default_rng(0)))
    assert found["modes"] == found["nearest_modes"] == 25
    # Two coordinates: exp(-9/2) of a normal lie beyond three standard deviations; the standard error is 0.0007.
    assert found["high_quality_share"] == pytest.approx(1 - math.exp(-4.5), abs=0.0035)
    # 2 n KL is about chi-squared with 24 degrees of freedom, beyond 60 with probability 6e-5.
    assert 0 < found["kl"] < 60 / 40_000
    assert 0 < found["nearest_kl"] < 60 / 40_000


def test_grid_metrics_by_hand():
    # Three near one mean, one near another, one that is of no quality and nearest to (4, 4), one that is not finite.
    samples = [[0, 0], [0.1, 0.1], [0, -0.149], [-4, 2.1], [3.5, 9.0], [NAN, 0.0]]
    kl = 0.75 * math.log(25 * 0.75) + 0.25 * math.log(25 * 0.25)
    nearest = 0.6 * math.log(25 * 0.6) + 0.4 * math.log(25 * 0.2)
    found = grid_metrics(samples)
    assert found["modes"] == 2
    assert found["high_quality_share"] == pytest.approx(4 / 6)
    assert found["kl"] == pytest.approx(kl)
    assert found["nearest_modes"] == 3
    assert found["nearest_kl"] == pytest.approx(nearest)


def test_nearest_modes_agree_with_all_distances():
    points = np.random.default_rng(1).uniform(-6, 6, (3000, 2))
    gaps = np.linalg.norm(points[:, None] - grid_means(), axis=2)
    found = grid_metrics(points)
    counts = np.bincount(gaps.argmin(1), minlength=25)
    high = np.bincount(gaps.argmin(1)[gaps.min(1) <= 0.15], minlength=25)
    assert found["nearest_kl"] == pytest.approx(reverse_kl(counts))
    assert found["kl"] == pytest.approx(reverse_kl(high))
    assert found["high_quality_share"] == pytest.approx(high.sum() / 3000)


def test_high_quality_is_a_circle_and_not_a_square():
    # 0.11 in both directions is 0.156 from the mean.
    assert grid_metrics([[0.11, 0.11], [0.0, 0.149]])["high_quality_share"] == 0.5


def test_values_that_are_not_finite_or_very_large():
    lost = {"modes": 0.0, "high_quality_share": 0.0, "kl": None, "nearest_modes": 0.0, "nearest_kl": None}
    assert grid_metrics([[NAN, 0.0], [INF, 0.0], [0.0, -INF]]) == lost
    far = grid_metrics([[1.7e308, -1.7e308]])
    assert (far["modes"], far["kl"], far["nearest_modes"]) == (0, None, 1)
    for bad in ([[NAN, 0.0], [INF, 1.0]], [[1.7e308, -1.7e308]]):
        assert spiral_metrics(bad) == {"arc_coverage": 0.0, "near_arc_share": 0.0, "kl": None}


def test_samples_on_every_segment_cover_the_arm():
    middles = segment_middles()
    assert spiral_metrics(np.repeat(middles, 5, axis=0)) == {"arc_coverage": 1.0, "near_arc_share": 1.0, "kl": 0.0}
    few = spiral_metrics(np.repeat(middles, 4, axis=0))
    assert few["arc_coverage"] == 0
    assert few["kl"] == 0


def test_spiral_metrics_by_hand():
    # Ten segments with five samples, one with three, two samples far from the arm, and one that is not finite.
    middles = segment_middles()
    samples = np.concatenate(
        [np.repeat(middles[:10], 5, 0), np.repeat(middles[20:21], 3, 0), [[5, 5], [0, -9], [NAN, 0]]]
    )
    found = spiral_metrics(samples)
    kl = 50 / 53 * math.log(40 * 5 / 53) + 3 / 53 * math.log(40 * 3 / 53)
    assert found == {
        "arc_coverage": 0.25,
        "near_arc_share": pytest.approx(53 / 56),
        "kl": pytest.approx(kl),
    }


def test_near_the_arm_ends_at_0_3():
    # Straight above the outer end of the arm the arm itself is the nearest place.
    end = arc_at(np.array([ARC_TURNS]))[0]
    inside, outside = end + np.array([0.0, 0.29]), end + np.array([0.0, 0.31])
    assert spiral_metrics([inside, outside])["near_arc_share"] == 0.5


def test_data_of_the_spiral_are_uniform_over_segments():
    found = spiral_metrics(spiral(40_000, np.random.default_rng(0)))
    assert found["arc_coverage"] == 1
    # A million rows give 0.9975; the standard error of 40,000 is 0.00025.
    assert found["near_arc_share"] == pytest.approx(0.9975, abs=0.00125)
    # 2 n KL is about chi-squared with 39 degrees of freedom plus 2 n 0.0001, beyond 95 with probability 1e-4.
    assert 0 < found["kl"] < 95 / 80_000


def test_half_a_spiral():
    half = arc_at(np.random.default_rng(0).uniform(0, ARC_TURNS / 2, 4000))
    found = spiral_metrics(half)
    assert found["arc_coverage"] == 0.5
    assert found["kl"] == pytest.approx(math.log(2), abs=0.02)


@pytest.mark.parametrize("metrics", [grid_metrics, spiral_metrics])
@pytest.mark.parametrize("samples", [[], [[1.0]], [1.0, 2.0], np.empty((0, 2)), [[1.0, 2.0, 3.0]]])
def test_other_shapes_are_refused(metrics, samples):
    with pytest.raises(DataError, match=r"they must be \(n, 2\)"):
        metrics(samples)


def test_metrics_are_plain_and_leave_their_input_alone():
    samples = gaussians25(100, np.random.default_rng(0))
    before = samples.copy()
    for found in (grid_metrics(samples), spiral_metrics(samples), label_metrics([0, 1], 3)):
        assert all(value is None or type(value) is float for value in found.values())
        json.dumps(found, allow_nan=False)
    np.testing.assert_array_equal(samples, before)


def test_label_metrics_by_hand():
    found = label_metrics(np.array([999, 0, 0, 7], dtype=np.int16), 1000)
    assert found["modes"] == 3
    assert found["kl"] == pytest.approx(0.5 * math.log(500) + 0.5 * math.log(250))
    assert label_metrics(np.arange(1000), 1000) == {"modes": 1000.0, "kl": 0.0}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], r"0 \.\. 3; with 3 classes"),
        ([-1, 0], r"-1 \.\. 0"),
        ([], "shape"),
        ([0.5], "float64"),
        ([[1]], "shape"),
    ],
)
def test_wrong_labels(labels, message):
    with pytest.raises(DataError, match=message):
        label_metrics(labels, 3)


def test_reverse_kl():
    assert reverse_kl([0, 0, 9]) == pytest.approx(math.log(3))
    assert reverse_kl([1, 3], classes=8) == pytest.approx(0.25 * math.log(2) + 0.75 * math.log(6))
    assert reverse_kl([1, 3, *[0] * 6]) == pytest.approx(reverse_kl([1, 3], classes=8))
    assert reverse_kl([3] * 7) == 0


@pytest.mark.parametrize("counts", [[], [0, 0], [1, -1], [NAN, 1], [INF, 1]])
def test_what_is_no_count_is_refused(counts):
    with pytest.raises(DataError, match="counts must be finite"):
        reverse_kl(counts)


def test_fewer_classes_than_counts_are_refused():
    with pytest.raises(DataError, match="3 counts for 2 classes"):
        reverse_kl([1, 1, 1], classes=2)


@pytest.mark.parametrize(("count", "classes"), [(250, 25), (26_000, 1000)])
def test_the_floor_is_what_uniform_samples_show(count, classes):
    rng = np.random.default_rng(0)
    found = np.mean([reverse_kl(c) for c in rng.multinomial(count, np.full(classes, 1 / classes), 400)])
    # 400 draws know the mean to 1.5 % with 24 degrees of freedom; the next term of the expansion is below 1 %.
    assert found == pytest.approx((classes - 1) / (2 * count), rel=0.06)


def test_mean_and_error():
    mean, error = mean_and_error([1.0, 2.0, 6.0])
    assert (mean, error) == (3.0, pytest.approx(math.sqrt(7 / 3)))
    assert mean_and_error([5]) == (5.0, None)
    assert mean_and_error([2.0, 2.0]) == (2.0, 0.0)
    for bad in ([], [1.0, NAN]):
        with pytest.raises(DataError, match="at least one"):
            mean_and_error(bad)
