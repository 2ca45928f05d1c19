"""The JSON object of `minecli ali`, versioned with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minecli.report.method_records import seed_records
from minecli.report.payload import SCHEMA_VERSION, plain

__all__ = ["ali_payload", "seed_records"]


def ali_payload(
    *,
    tool_version: str,
    config: Mapping[str, object],
    data: Mapping[str, object],
    methods: Sequence[Mapping[str, object]],
    interrupted: bool,
    environment: Mapping[str, object],
    definitions: Mapping[str, str],
) -> dict[str, Any]:
    """What was asked, what was learnt from, what every method and seed gave, and on what.

    Args:
        definitions: from metric to the sentence that says what it is.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "minecli",
        "tool_version": tool_version,
        "command": "ali",
        "unit": "nats",
        "config": plain(config),
        "data": plain(data),
        "definitions": plain(definitions),
        "methods": [plain(entry) for entry in methods],
        "interrupted": interrupted,
        "environment": plain(environment),
    }
