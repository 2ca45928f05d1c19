"""The JSON object of `minecli gan`, versioned with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minecli.report.method_records import seed_records
from minecli.report.payload import SCHEMA_VERSION, plain

__all__ = ["gan_payload", "seed_records"]


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
