"""What rules the value of an estimate out, whatever the others say: a short table of rules, in order.

A bound from rows that no training has seen excludes whatever lies below its lower end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from minecli.estimators.evidence import Evidence, certifies, kind_of
from minecli.estimators.significance import SIGMAS
from minecli.result import DiagnosticCode, Estimate


@dataclass(frozen=True)
class Exclusion:
    """Why an estimate's value is out: the rule's name and a sentence."""

    estimator: str
    rule: str
    reason: str


@dataclass(frozen=True)
class ExclusionRule:
    """A reason to rule a value out: `name` stands in the JSON, `says` in the manual; `applies` gives the sentence for
    an estimate that it rules out, and otherwise nothing."""

    name: str
    says: str
    applies: Callable[[Estimate, Evidence], str]


def rule_out(evidence: Evidence) -> Iterator[Exclusion]:
    """Every estimate whose value is out, each once, with the first of EXCLUSIONS that applies."""
    for estimate in evidence.valued:
        for rule in EXCLUSIONS:
            if reason := rule.applies(estimate, evidence):
                yield Exclusion(estimate.estimator, rule.name, reason)
                break


def unsuited_kinds(e: Estimate, evidence: Evidence) -> str:
    """Why the estimator's formula has no meaning for columns of these kinds; nothing where it has one."""
    return next((d.message for d in e.diagnostics if d.code is DiagnosticCode.UNSUITED_KINDS), "")


def _below_zero(e: Estimate, evidence: Evidence) -> str:
    value, error = e.mi_nats or 0.0, e.standard_error_nats or 0.0
    return f"{value:.3f} nats is below 0, beyond its uncertainty" if value < -max(SIGMAS * error, 0.01) else ""


def _above_entropy(e: Estimate, evidence: Evidence) -> str:
    value, error, most = e.mi_nats or 0.0, e.standard_error_nats or 0.0, evidence.facts.most_nats
    if value <= most + SIGMAS * error:
        return ""
    return f"{value:.3f} nats is above {evidence.facts.entropy_nats:.3f}, the entropy of the smaller side"


def _no_width(e: Estimate, evidence: Evidence) -> str:
    exact = kind_of(e) == "table"
    flat = e.standard_error_nats is not None and e.standard_error_nats < 1e-9
    return "its terms do not vary, so that nothing was measured" if flat and not exact else ""


def _in_sample(e: Estimate, evidence: Evidence) -> str:
    return next((d.message for d in e.diagnostics if d.code is DiagnosticCode.IN_SAMPLE), "")


def _below_part(e: Estimate, evidence: Evidence) -> str:
    for part in evidence.parts:
        # Of one column on each side the part is the whole, and its own estimator says nothing against itself.
        itself = evidence.facts.one_pair and part.estimator == e.estimator
        if (e.mi_nats or 0.0) < part.at_least_nats and not itself:
            return f"'{part.x}' and '{part.z}' alone have {part.mi_nats:.3f} nats"
    return ""


def _below_bound(e: Estimate, evidence: Evidence) -> str:
    for other in evidence.valued:
        if other is e or other.interval is None or not certifies(other, evidence.facts):
            continue
        # Below 0 a bound says nothing.
        if other.interval.low_nats > max(e.mi_nats or 0.0, 0.0):
            return f"{other.estimator} shows at least {other.interval.low_nats:.3f} nats on rows it has not seen"
    return ""


EXCLUSIONS: tuple[ExclusionRule, ...] = (
    ExclusionRule(
        "unsuited kinds", "the estimator's formula has no meaning for these kinds of columns", unsuited_kinds
    ),
    ExclusionRule("in sample", "a value from the rows that trained the networks", _in_sample),
    ExclusionRule("below zero", "a value below 0 by more than three standard errors", _below_zero),
    ExclusionRule("above the entropy", "a value above the entropy of a discrete side", _above_entropy),
    ExclusionRule("no width", "a standard error of 0: every row says the same", _no_width),
    ExclusionRule("below a part", "a value below what one pair of the columns has by itself", _below_part),
    ExclusionRule("below a bound", "a value below the lower end of a bound from unseen rows", _below_bound),
)
