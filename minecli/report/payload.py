"""The one object every format is made from: plain JSON values, versioned, without NaN or infinity.

Keys are never renamed within a schema version. Values are in nats, as their names say; where another unit is
asked for, keys in that unit stand beside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minecli.result import Diagnostic, Estimate, Interval, Status
from minecli.units import Unit, from_nats
from minecli.version import __version__

SCHEMA_VERSION = 2


def envelope(command: str, **content: Any) -> dict[str, Any]:
    """What every JSON object of the program begins with, and its content.

    >>> list(envelope("columns", columns=[]))
    ['schema_version', 'tool', 'tool_version', 'command', 'columns']
    """
    own = {"schema_version": SCHEMA_VERSION, "tool": "minecli", "tool_version": __version__}
    return {**own, "command": command, **content}


@dataclass(frozen=True, kw_only=True)
class EstimateReport:
    """Everything one run of `minecli estimate` has to say."""

    config: Mapping[str, object]
    data: Mapping[str, object]
    estimates: Sequence[Estimate]
    verdict: Mapping[str, object]
    environment: Mapping[str, object]
    failure: str | None = None


def estimate_payload(report: EstimateReport) -> dict[str, Any]:
    """The JSON object of one run of `minecli estimate`, in nats; see `with_unit` for others."""
    return envelope(
        "estimate",
        unit="nats",
        config=plain(report.config),
        data=plain(report.data),
        estimates=[estimate_entry(e) for e in report.estimates],
        verdict=plain(report.verdict),
        interrupted=any(e.status is Status.INTERRUPTED for e in report.estimates),
        failure=report.failure,
        environment=plain(report.environment),
    )


def estimate_entry(estimate: Estimate) -> dict[str, Any]:
    """One estimator's answer; `mi_nats` is null exactly where `status` says why."""
    tested = {} if estimate.p_value is None else {"p_value": _finite(estimate.p_value)}
    return {
        "estimator": estimate.estimator,
        "mi_nats": estimate.mi_nats,
        "standard_error_nats": _finite(estimate.standard_error_nats),
        "interval": _interval_entry(estimate.interval),
        **tested,
        "status": str(estimate.status),
        "trustworthy": estimate.trustworthy,
        "diagnostics": [diagnostic_entry(d) for d in estimate.diagnostics],
        "seconds": round(estimate.seconds, 3),
        "details": plain(estimate.details),
    }


def with_unit(payload: Mapping[str, Any], unit: Unit) -> dict[str, Any]:
    """A copy of the payload that says `unit`, with a key in that unit beside every estimate's key in nats."""
    estimates = []
    for entry in payload["estimates"]:
        interval = entry["interval"]
        if interval is not None:
            interval = interval | _converted(interval, ("low", "high"), unit)
        estimates.append(entry | _converted(entry, ("mi", "standard_error"), unit) | {"interval": interval})
    verdict = payload["verdict"] | _converted(payload["verdict"], ("mi", "at_least", "at_most"), unit)
    return {**payload, "unit": unit, "estimates": estimates, "verdict": verdict}


def _converted(entry: Mapping[str, Any], names: Sequence[str], unit: Unit) -> dict[str, float | None]:
    converted = {}
    for name in names:
        nats = entry[f"{name}_nats"]
        converted[f"{name}_{unit}"] = None if nats is None else from_nats(nats, unit)
    return converted


def diagnostic_entry(diagnostic: Diagnostic) -> dict[str, str]:
    """A diagnostic's code, severity, direction (in which the value errs where it is true) and sentence."""
    return {
        "code": str(diagnostic.code),
        "severity": str(diagnostic.severity),
        "direction": str(diagnostic.code.direction),
        "message": diagnostic.message,
    }


def _interval_entry(interval: Interval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    return {
        "low_nats": _finite(interval.low_nats),
        "high_nats": _finite(interval.high_nats),
        "level": interval.level,
        "certified": interval.certified,
        "open_because": interval.open_because or None,
        "covers": interval.covers,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def plain(value: object) -> Any:
    """The value as JSON has it: mappings and sequences copied, non-finite numbers to null.

    >>> plain({"a": (1, float("nan"))})
    {'a': [1, None]}
    """
    if isinstance(value, Diagnostic):
        return diagnostic_entry(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return _finite(float(value))
    if value is None or isinstance(value, str | bool | int):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is no plain value: {value!r}")


def method_payload(
    command: str,
    config: Mapping[str, object],
    environment: Mapping[str, object],
    *,
    data: Mapping[str, object],
    methods: Sequence[Mapping[str, object]],
    interrupted: bool,
    definitions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What was asked, what was learnt from, what every method and seed gave, and on what.

    Args:
        command: the word after `minecli`.
        definitions: from metric to the sentence that says what it is, where the command has them.
    """
    defined = {} if definitions is None else {"definitions": plain(definitions)}
    return envelope(
        command,
        unit="nats",
        config=plain(config),
        data=plain(data),
        **defined,
        methods=[plain(entry) for entry in methods],
        interrupted=interrupted,
        environment=plain(environment),
    )


def metric_names(payload: Mapping[str, Any]) -> list[str]:
    """The names of all metrics of a comparison, in the order in which methods and seeds bring them up.

    >>> metric_names({"methods": [{"seeds": [{"metrics": {}}, {"metrics": {"modes": 3.0}}]}]})
    ['modes']
    """
    return list(dict.fromkeys(name for e in payload["methods"] for s in e["seeds"] for name in s["metrics"]))


def seed_records(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One record per method and seed, all with the same keys: a metric that a seed lacks is None, as one that diverged
    has none."""
    names = metric_names(payload)
    return [
        {"method": entry["method"], "seed": s["seed"], "status": s["status"], "step": s["step"]}
        | {"information_nats": s["information_nats"]}
        | {name: s["metrics"].get(name) for name in names}
        for entry in payload["methods"]
        for s in entry["seeds"]
    ]


def bench_payload(
    config: Mapping[str, object],
    environment: Mapping[str, object],
    *,
    cells: int,
    tasks: Sequence[Mapping[str, Any]],
    estimators: Sequence[Mapping[str, Any]],
    records: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The JSON object of one run of `minecli bench ...`, in nats; `cells` is how many the plan has, done or not."""
    return envelope(
        str(config["command"]),
        unit="nats",
        config=plain(config),
        cells=cells,
        cells_done=len(records),
        cells_failed=sum(record["status"] == "failed" for record in records),
        tasks=[plain(task) for task in tasks],
        estimators=[plain(estimator) for estimator in estimators],
        records=[plain(record) for record in records],
        environment=plain(environment),
    )


def answer_records(payload: Mapping[str, Any]) -> list[dict[str, object]]:
    """One flat record per task and estimator, for CSV."""
    return [
        {
            "spec": task["spec"],
            "group": task["group"],
            **task["place"],
            "true_mi_nats": task["true_mi_nats"],
            "estimator": answer["estimator"],
            "mean_nats": answer["mean_nats"],
            "error_nats": answer["error_nats"],
            "runs": answer["runs"],
            "valued": answer["valued"],
            "failed": answer["failed"],
            "covered": answer["covered"],
            "intervals": answer["intervals"],
            "median_seconds": answer["median_seconds"],
            "diagnostics": ";".join(answer["diagnostics"]),
        }
        for task in payload["tasks"]
        for answer in task["answers"]
    ]
