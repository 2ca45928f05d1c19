"""The JSON object of a comparison of methods, versioned with the others, and its flat records for CSV and NDJSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minecli.report.payload import SCHEMA_VERSION, plain


def method_payload(
    *,
    tool_version: str,
    command: str,
    config: Mapping[str, object],
    data: Mapping[str, object],
    methods: Sequence[Mapping[str, object]],
    interrupted: bool,
    environment: Mapping[str, object],
    definitions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What was asked, what was learnt from, what every method and seed gave, and on what.

    Args:
        command: the word after `minecli`.
        definitions: from metric to the sentence that says what it is, where the command has them.
    """
    defined = {} if definitions is None else {"definitions": plain(definitions)}
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "minecli",
        "tool_version": tool_version,
        "command": command,
        "unit": "nats",
        "config": plain(config),
        "data": plain(data),
        **defined,
        "methods": [plain(entry) for entry in methods],
        "interrupted": interrupted,
        "environment": plain(environment),
    }


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
