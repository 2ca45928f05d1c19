"""Listings: the estimators, the columns of a table, and what an installation has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minecli.report.payload import SCHEMA_VERSION, plain
from minecli.report.tables import render

# How the encoding of numbers that may be labels goes on.
_IF_LABELS = "; if these are labels: "
# Of the smallest and the largest value; a date needs as many.
_MOST_DIGITS = 10


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
    """One row per column of the file; what to type where numbers may be labels stands once below them all."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # One blank between columns: nine of them are to fit.
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("column", overflow="fold")
    table.add_column("type", min_width=4)
    for header in ("width", "missing", "distinct", "min", "max"):
        table.add_column(header, justify="right", no_wrap=True, max_width=_MOST_DIGITS)
    table.add_column("kind", no_wrap=True)
    table.add_column("used as", min_width=7)
    perhaps_labels: list[str] = []
    for record in records:
        encoding, kind = record["encoding"], record["kind"] or ""
        if _IF_LABELS in encoding:
            perhaps_labels.append(encoding.partition(_IF_LABELS)[2])
            encoding, kind = encoding.partition(":")[0], f"{kind} *"
        table.add_row(
            Text(record["name"], style="bold" if record["usable"] else "dim"),
            record["type"],
            *(_cell(record[key]) for key in ("width", "missing", "distinct", "minimum", "maximum")),
            kind,
            Text(encoding, style="" if record["usable"] else "yellow"),
        )
    return render([table, *_footnote(perhaps_labels)], width, color)


def _footnote(perhaps_labels: Sequence[str]) -> Sequence[str]:
    """The line on whole numbers that may be labels, if there are any; each comes with the option that says so."""
    if not perhaps_labels:
        return ()
    option = perhaps_labels[0] if len(perhaps_labels) == 1 else "--categorical COLS"
    return (f"* few levels, used as a number; if these are labels: {option}",)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


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
