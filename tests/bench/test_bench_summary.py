import pytest
from scipy.stats import binomtest

from minecli.bench.records import Record
from minecli.bench.summary import by_estimator, by_task, wilson


def record(spec, truth, estimator, seed, value, half=None, **more):
    interval = None if half is None else {"low_nats": value - half, "high_nats": value + half, "level": 0.95}
    values = {
        "task": "t", "parameters": {}, "spec": spec, "group": "g", "place": {}, "n": 10, "seed": seed, "data_seed": 1,
        "estimator": estimator, "true_mi_nats": truth, "mi_nats": value,
        "error_nats": None if value is None else value - truth, "standard_error_nats": None, "interval": interval,
        "covered": None if half is None else abs(value - truth) <= half, "status": "converged",
    }  # fmt: skip
    return Record(**values | more)


RECORDS = [
    record("a", 0.5, "mine", 0, 0.5, 0.1, seconds=1.0),
    record("a", 0.5, "mine", 1, 0.7, 0.1, seconds=3.0, diagnostics=("few-samples",)),
    record("a", 0.5, "ksg", 0, 0.4),
    record("b", 2.0, "mine", 0, 1.0, 0.5, seconds=5.0),
    record("b", 2.0, "mine", 1, None, status="failed", message="no", seconds=0.0),
]


@pytest.mark.parametrize(("k", "m"), [(0, 5), (5, 5), (1, 3), (57, 60), (950, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_is_that_of_scipy(k, m, level):
    theirs = binomtest(k, m).proportion_ci(level, method="wilson")
    assert wilson(k, m, level) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_by_task():
    a, b = by_task(RECORDS)
    assert [(row.spec, row.true_mi_nats) for row in (a, b)] == [("a", 0.5), ("b", 2.0)]
    mine, ksg = a.answers
    assert mine.mean_nats == pytest.approx(0.6)
    assert mine.error_nats == pytest.approx(0.1)
    assert (mine.covered, mine.intervals, mine.median_seconds) == (1, 2, 2.0)
    assert mine.diagnostics == {"few-samples": 1}
    assert (ksg.mean_nats, ksg.covered, ksg.intervals) == (0.4, 0, 0)
    (other,) = b.answers
    assert (other.runs, other.valued, other.failed, other.mean_nats) == (2, 1, 1, 1.0)
    assert other.statuses == {"converged": 1, "failed": 1}


def test_by_estimator():
    mine, ksg = by_estimator(RECORDS)
    # Errors of mine: 0, +0.2, -1, and one cell without a value.
    assert (mine.cells, mine.valued, mine.failed) == (4, 3, 1)
    assert mine.mean_absolute_error_nats == pytest.approx(0.4)
    assert mine.median_absolute_error_nats == pytest.approx(0.2)
    assert mine.mean_error_nats == pytest.approx(-0.8 / 3)
    assert (mine.worst_error_nats, mine.worst_spec, mine.worst_seed) == (-1.0, "b", 0)
    assert (mine.coverage.covered, mine.coverage.intervals) == (1, 3)
    assert (mine.coverage.low, mine.coverage.high) == wilson(1, 3)
    # Only task a is weak enough.
    assert (mine.coverage_weak.covered, mine.coverage_weak.intervals) == (1, 2)
    assert (mine.median_seconds, mine.max_seconds) == (2.0, 5.0)
    assert ksg.coverage.intervals == 0
    assert ksg.coverage.share is None
    assert ksg.mean_error_nats == pytest.approx(-0.1)


def test_nothing_but_failures():
    (row,) = by_estimator([RECORDS[4]])
    assert (row.valued, row.mean_absolute_error_nats, row.worst_spec) == (0, None, None)
    assert by_task([]) == []
    assert by_estimator([]) == []
