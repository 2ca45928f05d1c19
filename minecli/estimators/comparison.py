"""Several answers side by side: do they agree, and which is to be believed where they do not?

The reasoning rests on what each method does wrong when it is wrong. A neural lower bound computed on held-out rows
can be too low, hardly too high; a neural value that is no bound can be either. Nearest neighbours are nearly unbiased
in a few dimensions, fall short in many, and assume that no value occurs twice. Canonical correlations see linear
dependence only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from minecli.estimators.registry import ESTIMATORS, Kind
from minecli.result import Diagnostic, DiagnosticCode, Estimate, Severity

ABSOLUTE_NATS = 0.05
RELATIVE = 0.10
# Three, because several pairs are looked at: two sound methods are then called at odds once in 370 pairs.
_SIGMAS = 3.0
# Bounds that, for one network, lie below Donsker-Varadhan's.
_LOOSER_THAN_MINE = ("mine-f", "tuba")
_HIGH_DIMENSION = 10


@dataclass(frozen=True)
class Comparison:
    """`agree` is None where there is nothing to compare. `believe` names the estimator whose value to use,
    None where there is no value at all; `trustworthy` says whether that value may be quoted; `remark` is for
    people.
    """

    agree: bool | None
    believe: str | None
    trustworthy: bool
    remark: str
    diagnostics: tuple[Diagnostic, ...] = ()


def disagree(a: Estimate, b: Estimate) -> bool:
    """Whether two values differ by more than three combined standard errors AND more than max(0.05 nats, 10 %).

    >>> from minecli.result import Status
    >>> def answer(v, se): return Estimate("ksg", v, Status.CONVERGED, standard_error_nats=se)
    >>> disagree(answer(1.0, 0.01), answer(1.2, 0.01)), disagree(answer(1.0, 0.01), answer(1.09, 0.01))
    (True, False)
    """
    if a.mi_nats is None or b.mi_nats is None:
        return a.mi_nats is not b.mi_nats and (a.status.name == "INFINITE") != (b.status.name == "INFINITE")
    difference = abs(a.mi_nats - b.mi_nats)
    spread = math.hypot(a.standard_error_nats or 0.0, b.standard_error_nats or 0.0)
    scale = max(abs(a.mi_nats), abs(b.mi_nats))
    return difference > _SIGMAS * spread and difference > max(ABSOLUTE_NATS, RELATIVE * scale)


def compare(estimates: Sequence[Estimate], dimensions: int) -> Comparison:
    """Judge the answers given to one question; `dimensions` is d_x + d_z."""
    infinite = [e for e in estimates if e.status.name == "INFINITE"]
    if infinite:
        return Comparison(None, None, False, infinite[0].status.advice)
    valued = [e for e in estimates if e.mi_nats is not None]
    if not valued:
        return Comparison(None, None, False, "No estimator arrived at a number.")
    believed, verdicts = valued[0], []
    for a, b in combinations(valued, 2):
        if disagree(a, b):
            verdicts.append(_judge(a, b, dimensions))
    losers = {loser.estimator for _, loser, _, _ in verdicts}
    standing = [e for e in valued if e.estimator not in losers] or valued
    believed = next((e for e in standing if e.trustworthy), standing[0])
    diagnostics = tuple(
        Diagnostic(DiagnosticCode.ESTIMATORS_DISAGREE, sentence, severity) for _, _, sentence, severity in verdicts
    )
    warned = any(d.severity is Severity.WARNING for d in diagnostics)
    return Comparison(
        agree=None if len(valued) < 2 else not verdicts,
        believe=believed.estimator,
        trustworthy=believed.trustworthy and not warned,
        remark=_remark(valued, believed, bool(verdicts)),
        diagnostics=diagnostics,
    )


def _remark(valued: Sequence[Estimate], believed: Estimate, any_disagree: bool) -> str:
    if len(valued) < 2:
        return "One estimator alone: nothing to compare it with."
    if not any_disagree:
        return f"{_list(valued)} agree within their uncertainty."
    how = "do not agree" if len(valued) == 2 else "do not all agree"
    return f"{_list(valued)} {how}; {believed.estimator} is the one to believe."


def _list(estimates: Sequence[Estimate]) -> str:
    names = [e.estimator for e in estimates]
    return ", ".join(names[:-1]) + " and " + names[-1]


Verdict = tuple[Estimate, Estimate, str, Severity]


def _judge(a: Estimate, b: Estimate, dimensions: int) -> Verdict:
    """The estimate to believe, the other one, why in a sentence, and whether a doubt remains (warning) or
    not.
    """
    low, high = sorted((a, b), key=lambda e: e.mi_nats or 0.0)
    if "correlations" in (_kind(a), _kind(b)):
        return _judge_gaussian(low, high)
    gap = f"{high.estimator} says {high.mi_nats:.3f} nats, {low.estimator} {low.mi_nats:.3f}: "
    tied = [
        e
        for e in (a, b)
        if e.estimator == "ksg" and _warned_of(e, DiagnosticCode.TIES_IN_DATA, DiagnosticCode.DUPLICATE_ROWS)
    ]
    if tied:
        other = b if tied[0] is a else a
        reason = f"believe {other.estimator}; tied values break ksg, which assumes that none occurs twice"
        return other, tied[0], gap + reason, Severity.NOTE
    if a.trustworthy != b.trustworthy:
        good, bad = (a, b) if a.trustworthy else (b, a)
        if bad is high and _warned_of(bad, DiagnosticCode.NEAR_LOG_N_CEILING):
            why = f"{bad.estimator} is at the limit of what so many rows can show, the truth may lie far above both"
            return bad, good, gap + f"believe neither; {why}", Severity.WARNING
        # Nearest neighbours in many dimensions, and what is no bound, are no safe ground, whatever the other's trouble.
        many = dimensions > _HIGH_DIMENSION
        unsafe = _kind(good) == "neural, no bound" or (_kind(good) == "nearest neighbours" and many)
        reason = f"believe {good.estimator}; {bad.estimator} carries a warning of its own"
        return good, bad, gap + reason, Severity.WARNING if unsafe else Severity.NOTE
    return _judge_by_kind(low, high, dimensions, gap)


def _judge_gaussian(low: Estimate, high: Estimate) -> Verdict:
    """Correlations are a sanity line: where another estimate differs, they are not what to believe, whatever doubts
    there are of the other.
    """
    gauss, other = (low, high) if _kind(low) == "correlations" else (high, low)
    gap = f"{high.estimator} says {high.mi_nats:.3f} nats, {low.estimator} {low.mi_nats:.3f}: "
    why = "the dependence is not only linear" if gauss is low else "correlations overstate it (outliers?)"
    severity = Severity.NOTE if other.trustworthy else Severity.WARNING
    return other, gauss, gap + f"believe {other.estimator} rather than {gauss.estimator}; {why}", severity


def _judge_by_kind(low: Estimate, high: Estimate, dimensions: int, gap: str) -> Verdict:
    kinds = (_kind(low), _kind(high))
    if kinds == ("nearest neighbours", "nearest neighbours"):
        mixed, other = (low, high) if low.estimator == "mixed-ksg" else (high, low)
        return mixed, other, gap + "believe mixed-ksg if values repeat, else ksg", Severity.WARNING
    if "nearest neighbours" in kinds:
        return _judge_neighbours(low, high, dimensions, gap)
    if kinds == ("lower bound", "lower bound"):
        expected = high.estimator == "mine" and low.estimator in _LOOSER_THAN_MINE
        reason = f"believe {high.estimator}; of two lower bounds the higher is the tighter"
        return high, low, gap + reason, Severity.NOTE if expected else Severity.WARNING
    if kinds == ("neural, no bound", "lower bound"):
        why = f"a held-out lower bound is hardly too high, and {low.estimator} can be too low"
        return high, low, gap + f"believe {high.estimator}; {why}", Severity.NOTE
    why = f"{high.estimator} is no lower bound and may be too high; the truth may lie between the two or above"
    return low, high, gap + f"believe {low.estimator}, as a lower bound; {why}", Severity.WARNING


def _judge_neighbours(low: Estimate, high: Estimate, dimensions: int, gap: str) -> Verdict:
    """Nearest neighbours against a neural estimate, bound or not."""
    many = dimensions > _HIGH_DIMENSION
    if _kind(high) == "nearest neighbours":
        lacks = "is a lower bound that" if _kind(low) == "lower bound" else "lacks what its"
        why = f"{low.estimator} {lacks} training has not closed; more rows or --max-steps may"
        return high, low, gap + f"believe {high.estimator}; {why}", Severity.WARNING if many else Severity.NOTE
    if _kind(high) == "lower bound" and many:
        why = f"nearest neighbours fall short in {dimensions} dimensions, a held-out bound is hardly too high"
        return high, low, gap + f"believe {high.estimator}; {why}", Severity.NOTE
    if _kind(high) == "lower bound":
        why = "a held-out lower bound is hardly too high, but check for ties, heavy tails or few rows"
        return high, low, gap + f"believe {high.estimator}; {why}", Severity.WARNING
    if many:
        why = f"nearest neighbours fall short in {dimensions} dimensions; but it is no lower bound: add -e mine"
        return high, low, gap + f"believe {high.estimator}; {why}", Severity.WARNING
    why = f"{high.estimator} is no lower bound and may be too high: add -e mine"
    return low, high, gap + f"believe {low.estimator}; {why}", Severity.WARNING


def _kind(estimate: Estimate) -> Kind:
    return ESTIMATORS[estimate.estimator].kind


def _warned_of(estimate: Estimate, *codes: DiagnosticCode) -> bool:
    return any(d.code in codes and d.severity is Severity.WARNING for d in estimate.diagnostics)
