"""Which number is believed, and how far: two short tables of rules, and one answer.

First EXCLUSIONS, in order, rule values out (`exclusions`). Then DECISIONS, in order: the first that applies gives the
answer. A warning that a value errs low never hands belief to a lower one. Two estimates that agree prove nothing where
both err the same way; so each has to stand by itself: ended as it should, free of warnings, and with a sampling error
that is small beside `tolerance_nats`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from minecli.estimators.evidence import (
    Evidence,
    bound_above,
    distinguishable,
    kind_of,
    second_opinion,
    unsound,
)
from minecli.estimators.exclusions import Exclusion, rule_out, unsuited_kinds
from minecli.estimators.facts import Facts
from minecli.estimators.parts import Part
from minecli.result import Diagnostic, DiagnosticCode, Direction, Estimate, Severity, Status

# An information that a table of so many rows cannot be told from none by, with neighbours as narrow as this.
NOTHING_NATS = 0.05
NARROW = 0.06


class Answer(StrEnum):
    """What a verdict can say. Only `believe`, and `no dependence found` with an upper limit, pass `--check`."""

    BELIEVE = "believe"
    AT_LEAST = "at least"
    NO_DEPENDENCE = "no dependence found"
    CANNOT_SAY = "cannot say"


@dataclass(frozen=True)
class Verdict:
    """The answer and the one reason that decides, `rule` being the name of the decision.

    `mi_nats` is the value believed, and `estimator` whose it is. `at_least_nats` is the largest lower limit that unseen
    rows or a part of the columns give, `at_most_nats` an upper limit where there is one. `agree` says whether the
    values that stand differ by no more than their errors (None: fewer than two). `estimates` are the estimates as the
    verdict leaves them: impossible values without an interval, upper ends open where a second opinion lies above.
    """

    answer: Answer
    rule: str
    reason: str
    trustworthy: bool = False
    estimator: str | None = None
    mi_nats: float | None = None
    at_least_nats: float | None = None
    at_most_nats: float | None = None
    agree: bool | None = None
    exclusions: tuple[Exclusion, ...] = ()
    estimates: tuple[Estimate, ...] = ()


@dataclass(frozen=True)
class DecisionRule:
    """A way to an answer: `name` stands in the JSON, `says` in the manual; `decides` gives the verdict where the rule
    applies, and otherwise None."""

    name: str
    says: str
    decides: Callable[[Evidence], Verdict | None]


def _infinite(evidence: Evidence) -> Verdict | None:
    infinite = [e for e in evidence.estimates if e.status is Status.INFINITE]
    # What an estimator says of kinds that it is not made for is no evidence, and labels hold finitely many nats.
    unfounded = evidence.facts.entropy_nats is not None or all(unsuited_kinds(e, evidence) for e in infinite)
    if unfounded and not evidence.facts.identical:
        return None
    identical = DiagnosticCode.IDENTICAL_COLUMNS
    pair = next((d.message for e in evidence.estimates for d in e.diagnostics if d.code is identical), "")
    return _cannot_say(evidence, f"the mutual information is infinite{': ' if pair else ''}{pair}")


def _rows_depend(evidence: Evidence) -> Verdict | None:
    order = evidence.facts.order
    if not order.dependent:
        return None
    return _cannot_say(
        evidence,
        f"the rows depend on their neighbours in the file: {evidence.facts.rows:,} rows are worth about "
        f"{order.effective_rows:,.0f} independent ones, and series that move slowly look dependent; "
        "--independent-rows, if their order means nothing",
    )


def _copies(evidence: Evidence) -> Verdict | None:
    if not evidence.facts.copied:
        return None
    return _cannot_say(
        evidence, f"{evidence.facts.copies:.1%} of the rows are copies of other rows, so that no row counts as unseen"
    )


def _no_value(evidence: Evidence) -> Verdict | None:
    if evidence.valued:
        return None
    return _cannot_say(evidence, "no estimator arrived at a number")


def _believed(evidence: Evidence) -> Verdict | None:
    for e in evidence.sound:
        assert e.mi_nats is not None
        if second_opinion(e, evidence) is not None or bound_above(e, evidence) is not None:
            continue
        low = e.interval.low_nats if e.interval else e.mi_nats
        if low <= 0.0 or _no_more_than_chance(e, evidence):
            continue
        return _verdict(evidence, Answer.BELIEVE, _why(e, evidence), trustworthy=True, estimator=e)
    return None


def _no_more_than_chance(e: Estimate, evidence: Evidence) -> bool:
    """Whether neighbours show something that a sound bound does not, and that chance may have put there."""
    if kind_of(e) != "nearest neighbours":
        return False
    bounds = [s for s in evidence.sound if kind_of(s) == "lower bound" and s.interval and s.interval.low_nats <= 0.0]
    return any(not distinguishable(bound, e) for bound in bounds)


def _why(e: Estimate, evidence: Evidence) -> str:
    kind = kind_of(e)
    others = [o for o in evidence.standing if o is not e and kind_of(o) != "correlations"]
    agreeing = [o.estimator for o in others if not (distinguishable(e, o) or distinguishable(o, e))]
    also = f"; {' and '.join(agreeing)} agree{'s' * (len(agreeing) == 1)}" if agreeing else ""
    if kind == "table":
        return "the table of all levels answers exactly, but for sampling error"
    if kind == "lower bound" and e.status is not Status.CONVERGED:
        return "the table of all levels gives the same"
    if kind == "lower bound":
        return f"networks reach it on rows they have not seen, and hardly more on those they have{also}"
    return f"wider neighbourhoods and fewer rows give about the same{also}"


def _nothing(evidence: Evidence) -> Verdict | None:
    """No value that stands differs from 0, and no limit lies above it."""
    if evidence.at_least_nats is not None or all(kind_of(e) == "correlations" for e in evidence.standing):
        return None
    for e in evidence.standing:
        if e.interval is None or (e.interval.low_nats > 0.0 and not _no_more_than_chance(e, evidence)):
            return None
    upper = [_upper_limit(e, evidence) for e in evidence.sound]
    most = min((u for u in upper if u is not None), default=None)
    reached = most is not None and most <= NOTHING_NATS
    if not reached:
        reason = (
            "what is shown cannot be told from nothing, but so few rows, or so many columns, could hide a dependence"
        )
    elif any(kind_of(e) == "table" for e in evidence.sound):
        reason = "the table of all levels leaves no room for more"
    else:
        reason = "neighbours would have seen more, unless it changes within less than a few percent of the values"
    verdict = _verdict(evidence, Answer.NO_DEPENDENCE, reason, trustworthy=reached)
    return replace(verdict, at_most_nats=most) if reached else verdict


def _upper_limit(e: Estimate, evidence: Evidence) -> float | None:
    """What a method that sees any dependence leaves room for: a table, or neighbours that are close together."""
    if e.interval is None or e.interval.high_nats is None:
        return None
    # A value that chance has put below 0 must not leave less room than its own error.
    high = max(e.interval.high_nats, 1.96 * (e.standard_error_nats or 0.0))
    if kind_of(e) == "table":
        return high
    k, facts = e.details.get("k"), evidence.facts
    many_codes = any((side.codes or 0) > (side.levels or 0) for side in (facts.x, facts.z))
    # Codes of shops or of people have no order that neighbours could go by.
    if kind_of(e) != "nearest neighbours" or not isinstance(k, int) or many_codes:
        return None
    width = (k / facts.rows) ** (1.0 / max(facts.dimensions, 1))
    return high if width <= NARROW else None


def _at_least(evidence: Evidence) -> Verdict | None:
    low = evidence.at_least_nats
    if low is None:
        return None
    shown = f"shown by {evidence.limits[0][1]}; how much more there is cannot be said: {_what_is_missing(evidence)}"
    return _verdict(evidence, Answer.AT_LEAST, shown)


def _what_is_missing(evidence: Evidence) -> str:
    """The one reason why no value is believed."""
    if not evidence.standing:
        return "every value is excluded"
    shown_by = evidence.limits[0][1]
    best = max(evidence.standing, key=lambda e: (e.estimator == shown_by, e.mi_nats or 0.0))
    above = second_opinion(best, evidence)
    if above is not None:
        return f"{above.estimator} finds {above.mi_nats:.3f} nats, {best.estimator} {best.mi_nats:.3f}"
    reason = unsound(best, evidence)
    named = "" if best.estimator == shown_by else f"{best.estimator}: "
    return f"{named}{reason}" if reason else "the values do not agree"


def _otherwise(evidence: Evidence) -> Verdict:
    reasons = [f"{e.estimator}: {why}" for e in evidence.standing if (why := unsound(e, evidence))]
    excluded = [f"{e.estimator}: {e.reason}" for e in rule_out(evidence)]
    return _cannot_say(evidence, (reasons or excluded or ["the values do not agree"])[0])


DECISIONS: tuple[DecisionRule, ...] = (
    DecisionRule("infinite", "a column of x and one of z order the rows alike: cannot say", _infinite),
    DecisionRule("rows depend", "rows depend on their neighbours in the file: cannot say", _rows_depend),
    DecisionRule("copies", "rows are copies of other rows: cannot say", _copies),
    DecisionRule("no value", "no estimator has a number: cannot say", _no_value),
    DecisionRule("sound value", "a value stands by itself, and none that stands is above it: believe it", _believed),
    DecisionRule("nothing", "no value differs from 0: no dependence found, up to a limit where there is one", _nothing),
    DecisionRule("limit", "unseen rows or a part give a lower limit above 0: at least that", _at_least),
    DecisionRule("otherwise", "anything else: cannot say", _otherwise),
)


def decide(estimates: Sequence[Estimate], facts: Facts, parts: Sequence[Part] = ()) -> Verdict:
    """Give the verdict on estimates of one quantity, all of the same rows.

    Args:
        estimates: what estimators answered, in nats, in any order.
        facts: of the data.
        parts: what single pairs of columns carry by themselves.

    >>> import numpy as np
    >>> from minecli.estimators.facts import find_facts
    >>> x = np.arange(100.0)[:, None]
    >>> decide([Estimate("ksg", None, Status.INFINITE)], find_facts(x, x, ordered=False)).reason
    'the mutual information is infinite'
    """
    evidence = Evidence(tuple(estimates), facts, tuple(parts))
    exclusions = tuple(rule_out(evidence))
    evidence = replace(evidence, out=frozenset(x.estimator for x in exclusions))
    for rule in DECISIONS:
        verdict = rule.decides(evidence)
        if verdict is not None:
            revised = tuple(_revised(e, evidence, exclusions) for e in evidence.estimates)
            return replace(verdict, rule=rule.name, exclusions=exclusions, estimates=revised)
    raise AssertionError("the last rule always applies")


def constant(estimators: Sequence[str], side: str) -> Verdict:
    """The verdict where a side is constant: the information is 0, whatever estimators were asked for.

    >>> constant(["ksg"], "x").mi_nats
    0.0
    """
    verb = "are" if " and " in side else "is"
    reason = f"{side} {verb} constant, and the mutual information with a constant is 0"
    note = Diagnostic(DiagnosticCode.CONSTANT_COLUMN, reason, Severity.NOTE)
    answers = tuple(Estimate(name, 0.0, Status.CONVERGED, 0.0, diagnostics=(note,)) for name in estimators)
    return Verdict(
        answer=Answer.BELIEVE,
        rule="constant",
        reason=reason,
        trustworthy=True,
        estimator=answers[0].estimator,
        mi_nats=0.0,
        at_most_nats=0.0,
        estimates=answers,
    )


def _cannot_say(evidence: Evidence, reason: str) -> Verdict:
    return _verdict(evidence, Answer.CANNOT_SAY, reason)


def _verdict(
    evidence: Evidence, answer: Answer, reason: str, *, trustworthy: bool = False, estimator: Estimate | None = None
) -> Verdict:
    certain = answer not in (Answer.CANNOT_SAY, Answer.NO_DEPENDENCE)
    return Verdict(
        answer=answer,
        rule="",
        reason=reason,
        trustworthy=trustworthy,
        estimator=estimator.estimator if estimator else None,
        mi_nats=estimator.mi_nats if estimator else None,
        at_least_nats=evidence.at_least_nats if certain else None,
        at_most_nats=evidence.facts.entropy_nats,
        agree=_agree(evidence),
    )


def _agree(evidence: Evidence) -> bool | None:
    standing = [e for e in evidence.standing if kind_of(e) != "correlations"]
    if len(standing) < 2:
        return None
    return not any(distinguishable(a, b) for a in standing for b in standing if a is not b)


def _revised(e: Estimate, evidence: Evidence, exclusions: Sequence[Exclusion]) -> Estimate:
    """An estimate as the verdict leaves it."""
    out = next((x for x in exclusions if x.estimator == e.estimator), None)
    if out is not None:
        note = Diagnostic(DiagnosticCode.IMPOSSIBLE_VALUE, f"its value is excluded: {out.reason}")
        known = any(d.severity is Severity.WARNING and d.message == out.reason for d in e.diagnostics)
        error = None if out.rule == "unsuited kinds" else e.standard_error_nats
        diagnostics = e.diagnostics if known else (*e.diagnostics, note)
        return replace(e, interval=None, standard_error_nats=error, diagnostics=diagnostics)
    if e.interval is None or e.mi_nats is None:
        return e
    errs_low = [d for d in e.diagnostics if d.severity is Severity.WARNING and d.code.direction is Direction.TOO_LOW]
    if errs_low:
        return replace(e, interval=e.interval.opened(f"the value errs low ({errs_low[0].code})"))
    above = second_opinion(e, evidence)
    if above is not None:
        return replace(e, interval=e.interval.opened(f"{above.estimator} finds {above.mi_nats:.3f} nats"))
    most = evidence.facts.most_nats
    if e.interval.high_nats is not None and e.interval.high_nats > most:
        return replace(e, interval=replace(e.interval, high_nats=max(most, e.mi_nats, e.interval.low_nats)))
    return e
