"""The payload as a table for people, laid out for 80 columns."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

_STATUS_STYLE = {"converged": "green", "interrupted": "yellow", "max_steps": "yellow"}


def render(parts: Sequence[RenderableType], width: int, color: bool) -> str:
    from rich.console import Console

    buffer = io.StringIO()
    console: Console = Console(
        file=buffer,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    # Trailing blanks only pad columns; they make text hard to compare and to paste.
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def estimate_table(payload: Mapping[str, Any], *, width: int = 80, color: bool = False) -> str:
    """One row per estimator, then what speaks against each value, then the verdict."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    unit = payload["unit"]
    levels = {e["interval"]["level"] for e in payload["estimates"] if e["interval"]}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("estimator", no_wrap=True)
    table.add_column(f"MI in {unit}", justify="right", no_wrap=True)
    table.add_column("± s.e.", justify="right", no_wrap=True)
    table.add_column(f"{100 * min(levels):g}% interval" if levels else "interval", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    for entry in payload["estimates"]:
        interval = entry["interval"] or {}
        low, high = interval.get(f"low_{unit}"), interval.get(f"high_{unit}")
        warned = entry["status"] == "converged" and not entry["trustworthy"]
        status = "doubtful" if warned else entry["status"]
        table.add_row(
            Text(entry["estimator"], style="bold"),
            Text(_number(entry[f"mi_{unit}"], entry["status"]), style="bold"),
            _number(entry[f"standard_error_{unit}"]),
            "" if low is None or high is None else f"{_number(low)} to {_number(high)}",
            Text(status, style="yellow" if warned else _STATUS_STYLE.get(status, "red")),
            f"{entry['seconds']:.1f}",
        )
    return render([_headline(payload["data"]), Text(), table, Text(), *_remarks(payload)], width, color)


def _number(value: float | None, status: str = "") -> str:
    if value is None:
        return "infinite" if status == "infinite" else "none" if status else ""
    return f"{value:.4f}"


def _headline(data: Mapping[str, Any]) -> Text:
    from rich.text import Text

    sides = [f"{s}: {_short(data[k]['columns'])} ({data[k]['dimensions']})" for s, k in (("X", "x"), ("Z", "z"))]
    rows = f"{data['n']:,} rows"
    if data["rows_sampled_from"]:
        rows += f" sampled from {data['rows_sampled_from']:,}"
    if data["rows_dropped"]:
        rows += f", {data['rows_dropped']:,} with missing values dropped"
    return Text(f"{data['source']}, {rows}\n{sides[0]}   {sides[1]}")


def _short(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names) if len(names) <= most else f"{names[0]}, {names[1]}, ..., {names[-1]}"


def _remarks(payload: Mapping[str, Any]) -> list[Text]:
    from rich.text import Text

    lines = []
    for entry in payload["estimates"]:
        if entry["status"] != "converged":
            lines.append(Text(f"{entry['estimator']}: {_advice(entry['status'])}", style="yellow"))
        for d in entry["diagnostics"]:
            lines.append(_diagnostic(f"{entry['estimator']}: ", d))
    comparison = payload["comparison"]
    lines += [_diagnostic("", d) for d in comparison["diagnostics"]]
    lines += [
        Text(f"The interval of {entry['estimator']} covers {entry['interval']['covers']}.", style="dim")
        for entry in payload["estimates"]
        if entry["interval"]
    ]
    return [*lines, verdict(payload)]


def _advice(status: str) -> str:
    from minecli.result import Status

    return Status(status).advice


def _diagnostic(prefix: str, diagnostic: Mapping[str, str]) -> Text:
    from rich.text import Text

    warning = diagnostic["severity"] == "warning"
    return Text(
        f"{'warning' if warning else 'note'}: {prefix}{diagnostic['message']} [{diagnostic['code']}]",
        style="yellow" if warning else "",
    )


def verdict(payload: Mapping[str, Any]) -> Text:
    """The last line: what to believe, or why not to."""
    from rich.text import Text

    comparison, unit = payload["comparison"], payload["unit"]
    if comparison["believe"] is None:
        return Text(f"Doubt: {comparison['remark']}", style="bold red")
    entry = next(e for e in payload["estimates"] if e["estimator"] == comparison["believe"])
    value = f"{comparison['believe']}, {_number(entry[f'mi_{unit}'])} {unit}"
    if comparison["trustworthy"]:
        return Text(f"Believe {value}. {comparison['remark']}", style="bold green")
    codes = [d["code"] for d in [*entry["diagnostics"], *comparison["diagnostics"]] if d["severity"] == "warning"]
    reasons = ", ".join(dict.fromkeys(codes)) or entry["status"]
    return Text(f"Doubt {value}: {reasons}.", style="bold yellow")
