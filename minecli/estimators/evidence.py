"""What the rules of the verdict ask: which values stand, which can be quoted by themselves, what limits them below.

A value can be quoted by itself if it ended as it should, is free of warnings, and has a sampling error, and little that
may be missing, beside `tolerance_nats`. Two values that agree prove nothing where both err the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from minecli.estimators.facts import Facts
from minecli.estimators.parts import Part
from minecli.estimators.registry import ESTIMATORS
from minecli.estimators.significance import SIGMAS
from minecli.estimators.tolerance import tolerance_nats
from minecli.result import Direction, Estimate, Severity, Status

# A value is quoted where its standard error and what may be missing in it stay within the tolerance together. What
# networks reach more on the rows that trained them may be missing, and a little more, where they add a quarter of the
# value to their Gaussian start; the start has few parameters, and where it shows nearly all the truth lies midway.
LEAST_LEARNT, MOST_LEARNT, QUARTER = 0.5, 1.1, 4.0
# Nearest neighbours scatter more than their standard error of few rows says, and a table of few rows is no table.
NEIGHBOURS, FEWEST_TABLE_ROWS = 1.25, 100
# A value is not believed where a bound that errs low, or what its networks reach on the rows that trained them, lies
# higher by more than this much of the tolerance.
SLACK = 0.4


@dataclass(frozen=True)
class Evidence:
    """Everything the rules may ask about: the estimates, the facts, the parts, and which estimators' values are out."""

    estimates: tuple[Estimate, ...]
    facts: Facts
    parts: tuple[Part, ...] = ()
    out: frozenset[str] = frozenset()

    @cached_property
    def valued(self) -> tuple[Estimate, ...]:
        """The estimates that have a value."""
        return tuple(e for e in self.estimates if e.mi_nats is not None)

    @cached_property
    def standing(self) -> tuple[Estimate, ...]:
        """The estimates with a value that no rule excludes."""
        return tuple(e for e in self.valued if e.estimator not in self.out)

    @cached_property
    def sound(self) -> tuple[Estimate, ...]:
        """The standing estimates that can be quoted by themselves, the one to prefer first: exact tables, then bounds,
        then neighbours."""
        sound = [e for e in self.standing if unsound(e, self) == ""]
        return tuple(sorted(sound, key=lambda e: _PREFERENCE.index(kind_of(e))))

    @cached_property
    def limits(self) -> tuple[tuple[float, str], ...]:
        """Lower limits in nats with the names of what gives them, the largest first."""
        limits = [(e.interval.low_nats, e.estimator) for e in self.valued if e.interval and certifies(e, self.facts)]
        for part in self.parts:
            # Of one column on each side the part is the whole, seen by the estimator that the kinds call for.
            shown_by = part.estimator if self.facts.one_pair else f"'{part.x}' and '{part.z}' alone"
            limits.append((part.at_least_nats, shown_by))
        return tuple(sorted(limits, reverse=True))

    @property
    def at_least_nats(self) -> float | None:
        """The largest lower limit in nats, where it is above 0; otherwise None."""
        return self.limits[0][0] if self.limits and self.limits[0][0] > 0.0 else None


def kind_of(estimate: Estimate) -> str:
    """What an estimator answers with, as the registry has it: "table", "lower bound", "nearest neighbours", "neural, no
    bound" or "correlations"."""
    return ESTIMATORS[estimate.estimator].kind


_PREFERENCE = ("table", "lower bound", "nearest neighbours", "neural, no bound", "correlations")


def certifies(estimate: Estimate, facts: Facts) -> bool:
    """Whether an estimate's lower end is a lower bound of the information, from rows that no training has seen.

    The estimate has to have an interval. Copies of rows, or rows that depend on each other, leave no row unseen.
    """
    assert estimate.interval is not None
    return (
        estimate.interval.certified
        and not facts.copied
        and not facts.order.dependent
        and not estimate.warned(Direction.TOO_HIGH)
    )


def distinguishable(low: Estimate, high: Estimate) -> bool:
    """Whether `high` lies above `low` by more than three combined standard errors and more than the tolerance.

    >>> a, b = (Estimate("ksg", v, Status.CONVERGED, standard_error_nats=0.01) for v in (1.0, 1.2))
    >>> distinguishable(a, b), distinguishable(b, a)
    (True, False)
    """
    assert low.mi_nats is not None
    assert high.mi_nats is not None
    spread = math.hypot(low.standard_error_nats or 0.0, high.standard_error_nats or 0.0)
    return high.mi_nats - low.mi_nats > max(SIGMAS * spread, tolerance_nats(high.mi_nats))


def unsound(e: Estimate, evidence: Evidence) -> str:
    """Why a value that no rule excludes cannot be quoted by itself, in words; the empty string if it can."""
    kind, value = kind_of(e), e.mi_nats or 0.0
    if kind == "lower bound" and not e.warned(Direction.TOO_HIGH) and _table_agrees(e, evidence):
        return ""
    if e.status is not Status.CONVERGED:
        return e.status.advice
    if kind == "correlations":
        return "correlations see linear dependence alone"
    if kind == "neural, no bound":
        return f"{e.estimator} is no bound and may be too high"
    for d in e.diagnostics:
        if d.severity is Severity.WARNING and d.code.direction is not Direction.NONE:
            return d.message
    if e.standard_error_nats is None or _spread(e, kind) > tolerance_nats(value):
        return "the rows are too few for a number within 0.05 nats or 10 %"
    if kind == "table" and evidence.facts.rows < FEWEST_TABLE_ROWS:
        return f"{evidence.facts.rows} rows are too few for a table"
    seen = e.details.get("training_nats")
    if isinstance(seen, float) and _learnt(e) * (seen - value) + e.standard_error_nats > tolerance_nats(value):
        return f"the networks reach {seen:.3f} nats on the rows that trained them"
    return ""


def _spread(e: Estimate, kind: str) -> float:
    """How far off chance may put a value: a table's farther end, which knows of rare levels; else a standard error."""
    if kind == "table" and e.interval is not None and e.interval.high_nats is not None and e.mi_nats is not None:
        return max(e.interval.high_nats - e.mi_nats, e.mi_nats - e.interval.low_nats)
    return NEIGHBOURS * (e.standard_error_nats or 0.0) if kind == "nearest neighbours" else e.standard_error_nats or 0.0


def _table_agrees(e: Estimate, evidence: Evidence) -> bool:
    """Whether the table of all levels, where it answers exactly, gives the same: then nothing is missing in a bound."""
    facts, part = evidence.facts, next(iter(evidence.parts), None)
    if part is None or part.estimator != "plug-in" or not (facts.tabular and facts.one_pair):
        return False
    return abs((e.mi_nats or 0.0) - part.mi_nats) + SIGMAS * part.standard_error_nats <= tolerance_nats(part.mi_nats)


def _learnt(e: Estimate) -> float:
    """Which share of what networks reach more on the rows that trained them may be missing in the value."""
    added, value = e.details.get("network_adds_nats"), e.mi_nats or 0.0
    if not isinstance(added, float) or value <= 0.0:
        return MOST_LEARNT
    return min(max(QUARTER * abs(added) / value, LEAST_LEARNT), MOST_LEARNT)


def bound_above(e: Estimate, evidence: Evidence) -> Estimate | None:
    """A bound that cannot be quoted because it is too low itself, and lies above `e`, or whose networks reach far above
    `e` on the rows that trained them: nothing below can be quoted either."""
    value = e.mi_nats or 0.0
    for o in evidence.standing:
        if o is e or kind_of(o) != "lower bound" or o.warned(Direction.TOO_HIGH) or not unsound(o, evidence):
            continue
        seen = o.details.get("training_nats")
        reached = max(o.mi_nats or 0.0, seen if isinstance(seen, float) else -math.inf)
        if reached > value + SLACK * tolerance_nats(value):
            return o
    return None


def second_opinion(e: Estimate, evidence: Evidence) -> Estimate | None:
    """An estimate that stands, does not err high, and lies above `e` by more than chance."""
    others = [
        o
        for o in evidence.standing
        if o is not e
        and kind_of(o) not in ("correlations", "neural, no bound")
        and not o.warned(Direction.TOO_HIGH)
        and distinguishable(e, o)
    ]
    return max(others, key=lambda o: o.mi_nats or 0.0, default=None)
