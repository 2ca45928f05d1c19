"""The JSON object of `minecli gan`, versioned with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minecli.report.payload import SCHEMA_VERSION, plain


def gan_payload(
    *,
    tool_version: str,
    config: Mapping[str, object],
    data: Mapping[str, object],
    methods: Sequence[Mapping[str, object]],
    interrupted: bool,
    environment: Mapping[str, object],
) -> dict[str, Any]:
    """What was asked, what was learnt from, what every method and seed gave, and on what."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "minecli",
        "tool_version": tool_version,
        "command": "gan",
        "unit": "nats",
        "config": plain(config),
        "data": plain(data),
        "methods": [plain(entry) for entry in methods],
        "interrupted": interrupted,
        "environment": plain(environment),
    }


def seed_records(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One flat record per method and seed, for CSV and NDJSON."""
    return [
        {"method": entry["method"], "seed": s["seed"], "status": s["status"], "step": s["step"]}
        | {"information_nats": s["information_nats"]}
        | s["metrics"]
        for entry in payload["methods"]
        for s in entry["seeds"]
    ]
