"""The JSON object of a benchmark: what was asked, every record, and what the records amount to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minecli.report.payload import SCHEMA_VERSION, plain


@dataclass(frozen=True, kw_only=True)
class BenchReport:
    """Everything one benchmark has to say. `cells` is how many the plan has, done or not."""

    tool_version: str
    command: str
    config: Mapping[str, object]
    cells: int
    tasks: Sequence[Mapping[str, Any]]
    estimators: Sequence[Mapping[str, Any]]
    records: Sequence[Mapping[str, Any]]
    environment: Mapping[str, object]


def bench_payload(report: BenchReport) -> dict[str, Any]:
    """The JSON object of one run of `minecli bench ...`, in nats."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "minecli",
        "tool_version": report.tool_version,
        "command": report.command,
        "unit": "nats",
        "config": plain(report.config),
        "cells": report.cells,
        "cells_done": len(report.records),
        "cells_failed": sum(record["status"] == "failed" for record in report.records),
        "tasks": [plain(task) for task in report.tasks],
        "estimators": [plain(estimator) for estimator in report.estimators],
        "records": [plain(record) for record in report.records],
        "environment": plain(report.environment),
    }


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
