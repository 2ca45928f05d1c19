"""The verdict as JSON and in words, for a person who has never heard of a variational bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from minecli.foreign import shortened
from minecli.units import Unit, from_nats


def verdict_entry(verdict: Mapping[str, Any], entropy_nats: float | None) -> dict[str, Any]:
    """The verdict's fields as plain JSON values, with two scales beside the nats that it speaks of.

    `correlation` is that of the jointly Gaussian pair with as much information, sqrt(1 - e^(-2 I));
    `share_of_entropy` is the part of the entropy of the smaller discrete side.
    """
    value = verdict["mi_nats"] if verdict["mi_nats"] is not None else verdict["at_least_nats"]
    return {
        "answer": str(verdict["answer"]),
        "trustworthy": verdict["trustworthy"],
        "estimator": verdict["estimator"],
        "mi_nats": verdict["mi_nats"],
        "at_least_nats": verdict["at_least_nats"],
        "at_most_nats": verdict["at_most_nats"],
        "correlation": None if value is None else as_correlation(value),
        "share_of_entropy": None if value is None or not entropy_nats else min(max(value, 0.0) / entropy_nats, 1.0),
        "rule": verdict["rule"],
        "reason": verdict["reason"],
        "agree": verdict["agree"],
        "excluded": [
            {"estimator": out.estimator, "rule": out.rule, "reason": out.reason} for out in verdict["exclusions"]
        ],
    }


def as_correlation(mi_nats: float) -> float:
    """The correlation of a jointly Gaussian pair with so much information, sqrt(1 - e^(-2 I)).

    >>> round(as_correlation(0.8304), 3), as_correlation(-0.01)
    (0.9, 0.0)
    """
    return math.sqrt(-math.expm1(-2.0 * mi_nats)) if mi_nats > 0.0 else 0.0


def headline(payload: Mapping[str, Any]) -> str:
    """The answer in one sentence, with its scales.

    >>> verdict = {"answer": "believe", "mi_nats": 0.8304, "correlation": 0.9, "share_of_entropy": None}
    >>> headline({"verdict": verdict, "unit": "nats", "data": {}})
    'Believe 0.830 nats (1.198 bits): as much as a correlation of 0.90.'
    """
    return ("So far: " if payload.get("interrupted") else "") + _answer(payload)


def _answer(payload: Mapping[str, Any]) -> str:
    verdict, unit = payload["verdict"], payload["unit"]
    answer = verdict["answer"]
    if answer == "believe":
        return f"Believe {_amount(verdict['mi_nats'], unit)}{_scales(payload)}."
    if answer == "at least":
        return f"At least {_amount(verdict['at_least_nats'], unit)}{_scales(payload)}."
    if answer == "no dependence found":
        most = verdict["at_most_nats"]
        limit = f": at most {_amount(most, unit)}" if verdict["trustworthy"] and most is not None else ""
        return f"No dependence found{limit}."
    return "Cannot say."


def reason(payload: Mapping[str, Any]) -> str:
    """Why that is the answer, in one sentence; it names the estimator believed.

    >>> verdict = {"reason": "rows are copies", "estimator": None, "rule": "copies"}
    >>> reason({"verdict": verdict, "estimates": [{"estimator": "ksg"}]})
    'Rows are copies.'
    """
    verdict = payload["verdict"]
    why = str(verdict["reason"])
    if verdict["estimator"] and verdict["rule"] != "constant":
        why = f"{verdict['estimator']}: {why}"
    elif why.partition(":")[0] not in {e["estimator"] for e in payload["estimates"]}:
        why = why[:1].upper() + why[1:]
    return why if why.endswith((".", "?")) else f"{why}."


def _amount(nats: float, unit: Unit) -> str:
    other: Unit = "bits" if unit == "nats" else "nats"
    return f"{from_nats(nats, unit):.3f} {unit} ({from_nats(nats, other):.3f} {other})"


def _scales(payload: Mapping[str, Any]) -> str:
    verdict = payload["verdict"]
    share = verdict["share_of_entropy"]
    if share is not None:
        known = [s for s in ("x", "z") if payload["data"][s]["entropy_nats"] is not None]
        about = min(known, key=lambda s: float(payload["data"][s]["entropy_nats"]))
        columns = payload["data"][about]["columns"]
        return f": {share:.0%} of the uncertainty about {shortened(columns[0]) if len(columns) == 1 else about.upper()}"
    if not verdict["correlation"]:
        return ""
    shown = "0.999 or more" if verdict["correlation"] > 0.999 else f"{verdict['correlation']:.2f}"
    return f": as much as a correlation of {shown}"
