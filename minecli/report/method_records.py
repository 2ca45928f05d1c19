"""Compared methods as flat records, for CSV and NDJSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
