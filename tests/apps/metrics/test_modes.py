import json
import math

import numpy as np
import pytest

from minecli.apps.datasets.synthetic import ARC_TURNS, arc_at, gaussians25, grid_means, spiral
from minecli.apps.ensembles.results import mean_and_error
from minecli.apps.metrics.modes import (
    ARC_REAL,
    ARC_SEGMENTS,
    GRID_REAL,
    grid_metrics,
    reverse_kl,
    spiral_metrics,
)
from minecli.apps.metrics.stacks import label_metrics
from minecli.errors import DataError

NAN, INF = math.nan, math.inf


def segment_middles():
    return arc_at((np.arange(ARC_SEGMENTS) + 0.5) * ARC_TURNS / ARC_SEGMENTS)


def test_the_means_themselves_are_perfect():
    expected = {"populated_modes": 25.0, "high_quality_share": 1.0, "modes": 25.0, "kl": 0.0}
    # Real data have GRID_REAL of their samples there: more than that is another distribution.
    assert grid_metrics(np.repeat(grid_means(), 4, axis=0)) == expected | {
        "full_kl": pytest.approx(-math.log(GRID_REAL))
    }


def test_samples_of_the_data_score_what_theory_says():
    found = grid_metrics(gaussians25(20_000, np.random.default_rng(0)))
    assert found["modes"] == found["populated_modes"] == 25
    # Two coordinates: exp(-9/2) of a normal lie beyond three standard deviations; the standard error is 0.0007.
    assert found["high_quality_share"] == pytest.approx(1 - math.exp(-4.5), abs=0.0035)
    # 2 n KL is about chi-squared with 24 degrees of freedom, beyond 60 with probability 6e-5.
    assert 0 < found["kl"] < 60 / 40_000
    assert 0 < found["full_kl"] < 60 / 40_000


def test_grid_metrics_by_hand():
    # Three near one mean, one near another, one that is of no quality and nearest to (4, 4), one that is not finite.
    samples = [[0, 0], [0.1, 0.1], [0, -0.149], [-4, 2.1], [3.5, 9.0], [NAN, 0.0]]
    kl = 0.75 * math.log(25 * 0.75) + 0.25 * math.log(25 * 0.25)
    full = sum(
        p * math.log(p / q) for p, q in ((3 / 6, GRID_REAL / 25), (1 / 6, GRID_REAL / 25), (2 / 6, 1 - GRID_REAL))
    )
    found = grid_metrics(samples)
    assert found["modes"] == 2
    assert found["high_quality_share"] == pytest.approx(4 / 6)
    assert found["kl"] == pytest.approx(kl)
    assert found["populated_modes"] == 2
    assert found["full_kl"] == pytest.approx(full)


def test_modes_agree_with_all_distances():
    points = np.random.default_rng(1).uniform(-6, 6, (3000, 2))
    gaps = np.linalg.norm(points[:, None] - grid_means(), axis=2)
    found = grid_metrics(points)
    high = np.bincount(gaps.argmin(1)[gaps.min(1) <= 0.15], minlength=25)
    assert found["modes"] == np.count_nonzero(high)
    assert found["kl"] == pytest.approx(reverse_kl(high))
    assert found["high_quality_share"] == pytest.approx(high.sum() / 3000)


def test_high_quality_is_a_circle_and_not_a_square():
    # 0.11 in both directions is 0.156 from the mean.
    assert grid_metrics([[0.11, 0.11], [0.0, 0.149]])["high_quality_share"] == 0.5


def test_values_that_are_not_finite_or_very_large():
    for bad in ([[NAN, 0.0], [INF, 1.0], [0.0, -INF]], [[1.7e308, -1.7e308]]):
        lost = {"high_quality_share": 0.0, "populated_modes": 0.0, "modes": 0.0, "kl": None}
        assert grid_metrics(bad) == lost | {"full_kl": pytest.approx(-math.log(1 - GRID_REAL))}
        lost = {"arc_coverage": 0.0, "near_arc_share": 0.0, "kl": None}
        assert spiral_metrics(bad) == lost | {"full_kl": pytest.approx(-math.log(1 - ARC_REAL))}


def test_samples_on_every_segment_cover_the_arm():
    middles = segment_middles()
    found = spiral_metrics(np.repeat(middles, 5, axis=0))
    assert (found["arc_coverage"], found["near_arc_share"], found["kl"]) == (1.0, 1.0, 0.0)
    assert found["full_kl"] == pytest.approx(-math.log(ARC_REAL))


def test_spiral_metrics_by_hand():
    # Ten segments with five samples, one with a single one, four samples far from the arm, and one that is not finite.
    middles = segment_middles()
    samples = np.concatenate([np.repeat(middles[:10], 5, 0), middles[20:21], [[5, 5]] * 4, [[NAN, 0]]])
    found = spiral_metrics(samples)
    shares = [(5 / 56, ARC_REAL / 40)] * 10 + [(1 / 56, ARC_REAL / 40), (5 / 56, 1 - ARC_REAL)]
    assert found == {
        # A quarter of real data's share is 0.0054: a single sample of 56 is more.
        "arc_coverage": 11 / 40,
        "near_arc_share": pytest.approx(51 / 56),
        "full_kl": pytest.approx(sum(p * math.log(p / q) for p, q in shares)),
        "kl": pytest.approx(50 / 51 * math.log(40 * 5 / 51) + 1 / 51 * math.log(40 / 51)),
    }


def test_a_segment_among_as_many_samples_that_are_not_near_it_is_not_covered():
    middles = segment_middles()
    outwards = middles[25] * (1 + 0.25 / np.linalg.norm(middles[25]))
    for beside, covered in ((6, 1), (7, 0)):
        found = spiral_metrics(np.concatenate([np.repeat(middles[25:26], 10, 0), [outwards] * beside]))
        assert found["arc_coverage"] == covered / 40


def test_a_few_samples_near_it_do_not_cover_a_segment_or_populate_a_mode():
    middles = segment_middles()
    few = np.concatenate([np.repeat(middles[:1], 995, 0), np.repeat(middles[30:31], 5, 0)])
    assert spiral_metrics(few)["arc_coverage"] == 1 / 40
    few = np.concatenate([np.repeat(grid_means()[:1], 991, 0), np.repeat(grid_means()[7:8], 9, 0)])
    found = grid_metrics(few)
    assert (found["modes"], found["populated_modes"]) == (2, 1)


@pytest.mark.parametrize("count", [2500, 20_000])
def test_noise_passes_neither_exhibit_and_real_data_do(count):
    rng = np.random.default_rng(count)
    for make, measure, most in (
        (spiral, spiral_metrics, "arc_coverage"),
        (gaussians25, grid_metrics, "populated_modes"),
    ):
        data = make(20_000, rng)
        all_of_it = measure(data)[most]
        normal = data.mean(0) + data.std(0) * rng.standard_normal((count, 2))
        uniform = rng.uniform(data.min(0), data.max(0), (count, 2))
        for noise in (normal, uniform, rng.normal(0.0, 0.8, (count, 2))):
            found = measure(noise)
            assert found[most] <= 0.1 * all_of_it
            assert found["full_kl"] > 0.5
        real = measure(make(count, rng))
        assert real[most] >= 0.95 * all_of_it
        assert real["full_kl"] < 40 / count


def test_data_of_the_spiral_are_uniform_over_segments():
    found = spiral_metrics(spiral(40_000, np.random.default_rng(0)))
    assert found["arc_coverage"] == 1
    # A million rows give 0.8665; the standard error of 40,000 is 0.0017.
    assert found["near_arc_share"] == pytest.approx(ARC_REAL, abs=0.007)
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
