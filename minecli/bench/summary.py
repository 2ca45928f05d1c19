r"""What records amount to: by task, and by estimator. Pure functions; errors are estimate less truth, in nats."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median

from minecli.bench.records import Record

# Up to this much information coverage is told apart: beyond it, lower bounds fall short by nature.
WEAK_NATS = 1.1


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How many of `intervals` held the truth, the share, and the 95 % Wilson interval of the share."""

    covered: int
    intervals: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class TaskCoverage:
    """How many of one task's intervals held the truth, and how far off the values were on average."""

    spec: str
    covered: int
    intervals: int
    error_nats: float | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One estimator on one task: the mean over `valued` of `runs` seeds, and what was said against the values."""

    estimator: str
    runs: int
    valued: int
    failed: int
    mean_nats: float | None
    error_nats: float | None
    covered: int
    intervals: int
    median_seconds: float
    statuses: Mapping[str, int]
    diagnostics: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """One task and every estimator's answer."""

    spec: str
    task: str
    group: str
    place: Mapping[str, float | str]
    n: int
    true_mi_nats: float
    answers: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True)
class EstimatorRow:
    """One estimator over all cells. Errors are over the cells with a value; tasks stand worst covered first."""

    estimator: str
    cells: int
    valued: int
    failed: int
    mean_absolute_error_nats: float | None
    median_absolute_error_nats: float | None
    mean_error_nats: float | None
    worst_error_nats: float | None
    worst_spec: str | None
    worst_seed: int | None
    coverage: Coverage
    coverage_weak: Coverage
    coverage_by_task: tuple[TaskCoverage, ...]
    median_seconds: float
    max_seconds: float


def wilson(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    r"""Wilson's score interval of a share.

    With :math:`p = k/m` and the normal quantile z it is
    :math:`\bigl(p + \frac{z^2}{2m} \pm z \sqrt{p(1-p)/m + z^2/4m^2}\bigr) / (1 + z^2/m)`. Unlike the plain normal
    interval it stays within [0, 1] and is not empty at k = 0 or k = m.

    >>> [round(end, 4) for end in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    share, extra = successes / trials, z * z / trials
    middle = (share + extra / 2.0) / (1.0 + extra)
    half = z * math.sqrt(share * (1.0 - share) / trials + extra / (4.0 * trials)) / (1.0 + extra)
    # At k = 0 and k = m one end is exactly that of the share; rounding must not lead beyond it.
    return max(0.0, middle - half), min(1.0, middle + half)


def coverage_of(records: Iterable[Record]) -> Coverage:
    """Count the intervals that hold the truth."""
    answers = [r.covered for r in records if r.covered is not None]
    covered, intervals = sum(answers), len(answers)
    if not intervals:
        return Coverage(covered=0, intervals=0, share=None, low=None, high=None)
    low, high = wilson(covered, intervals)
    return Coverage(covered=covered, intervals=intervals, share=covered / intervals, low=low, high=high)


def coverage_by_task(records: Sequence[Record]) -> tuple[TaskCoverage, ...]:
    """The coverage on every task, the worst first; of equal shares the task with the larger mean error."""
    tasks = []
    for spec, own in _groups(records, lambda r: r.spec).items():
        coverage, errors = coverage_of(own), [r.error_nats for r in own if r.error_nats is not None]
        if coverage.intervals:
            mean = fmean(errors) if errors else None
            tasks.append(
                TaskCoverage(spec=spec, covered=coverage.covered, intervals=coverage.intervals, error_nats=mean)
            )
    return tuple(sorted(tasks, key=lambda t: (t.covered / t.intervals, -abs(t.error_nats or 0.0))))


def by_task(records: Sequence[Record]) -> list[TaskRow]:
    """One row per task, estimators within, both in order of appearance."""
    return [
        TaskRow(
            spec=rows[0].spec,
            task=rows[0].task,
            group=rows[0].group,
            place=rows[0].place,
            n=rows[0].n,
            true_mi_nats=rows[0].true_mi_nats,
            answers=tuple(_answer(name, own) for name, own in _groups(rows, lambda r: r.estimator).items()),
        )
        for rows in _groups(records, lambda r: r.spec).values()
    ]


def _answer(estimator: str, records: Sequence[Record]) -> Answer:
    values = [r.mi_nats for r in records if r.mi_nats is not None]
    errors = [r.error_nats for r in records if r.error_nats is not None]
    coverage = coverage_of(records)
    return Answer(
        estimator=estimator,
        runs=len(records),
        valued=len(values),
        failed=sum(r.failed for r in records),
        mean_nats=fmean(values) if values else None,
        error_nats=fmean(errors) if errors else None,
        covered=coverage.covered,
        intervals=coverage.intervals,
        median_seconds=median(r.seconds for r in records),
        statuses=dict(Counter(r.status for r in records)),
        diagnostics=dict(Counter(code for r in records for code in r.diagnostics)),
    )


def by_estimator(records: Sequence[Record]) -> list[EstimatorRow]:
    """One row per estimator, in order of appearance."""
    return [_estimator_row(name, own) for name, own in _groups(records, lambda r: r.estimator).items()]


def _estimator_row(estimator: str, records: Sequence[Record]) -> EstimatorRow:
    errors = [(r.error_nats, r) for r in records if r.error_nats is not None]
    sizes = [abs(error) for error, _ in errors]
    worst_error, worst = max(errors, key=lambda pair: abs(pair[0]), default=(None, None))
    return EstimatorRow(
        estimator=estimator,
        cells=len(records),
        valued=len(errors),
        failed=sum(r.failed for r in records),
        mean_absolute_error_nats=fmean(sizes) if sizes else None,
        median_absolute_error_nats=median(sizes) if sizes else None,
        mean_error_nats=fmean(error for error, _ in errors) if errors else None,
        worst_error_nats=worst_error,
        worst_spec=worst.spec if worst else None,
        worst_seed=worst.seed if worst else None,
        coverage=coverage_of(records),
        coverage_weak=coverage_of(r for r in records if r.true_mi_nats <= WEAK_NATS),
        coverage_by_task=coverage_by_task(records),
        median_seconds=median(r.seconds for r in records),
        max_seconds=max(r.seconds for r in records),
    )


def _groups(records: Iterable[Record], key: Callable[[Record], str]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return groups
