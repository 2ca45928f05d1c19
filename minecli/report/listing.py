"""Listings: the estimators, the columns of a table, and what an installation has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minecli.report.payload import SCHEMA_VERSION, plain
from minecli.report.tables import render


def estimators_payload(records: Sequence[Mapping[str, Any]], *, tool_version: str) -> dict[str, Any]:
    """The JSON object of `minecli estimators`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "minecli",
        "tool_version": tool_version,
        "command": "estimators",
        "estimators": [plain(record) for record in records],
    }


def estimators_table(records: Sequence[Mapping[str, Any]], *, width: int = 80, color: bool = False) -> str:
    """A paragraph per estimator: its name, and beside it what there is to say, a line each."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for record in records:
        lines = [(key, str(record[key])) for key in ("computes", "kind", "assumes", "fails", "reference")]
        for i, (key, value) in enumerate(lines):
            last = i == len(lines) - 1
            table.add_row(Text("" if i else record["name"], style="bold"), key, Text(value), end_section=last)
    return render([table], width, color)


def columns_payload(records: Sequence[Mapping[str, Any]], *, source: str, tool_version: str) -> dict[str, Any]:
    """The JSON object of `minecli columns`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "minecli",
        "tool_version": tool_version,
        "command": "columns",
        "source": source,
        "columns": [plain(record) for record in records],
    }


def columns_table(records: Sequence[Mapping[str, Any]], *, width: int = 80, color: bool = False) -> str:
    """One row per column of the file."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("column", overflow="fold")
    table.add_column("type")
    for header in ("width", "missing", "distinct", "min", "max"):
        table.add_column(header, justify="right")
    table.add_column("used as")
    for record in records:
        table.add_row(
            Text(record["name"], style="bold" if record["usable"] else "dim"),
            record["type"],
            *(_cell(record[key]) for key in ("width", "missing", "distinct", "minimum", "maximum")),
            Text(record["encoding"], style="" if record["usable"] else "yellow"),
        )
    return render([table], width, color)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def doctor_table(payload: Mapping[str, Any], *, width: int = 80, color: bool = False) -> str:
    """Sections of name, value and reason."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column()
    for item in payload["items"]:
        style = "" if item["found"] else "yellow"
        table.add_row(Text(item["name"], style="bold"), Text(item["value"], style=style), item["reason"])
    return render([table], width, color)
