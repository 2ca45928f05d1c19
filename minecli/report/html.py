"""The result of `estimate` as a small table of HTML, which a notebook shows. All text in it is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from minecli.foreign import legible_values
from minecli.report.verdict import headline, reason

_HEADERS = ("estimator", "MI in {unit}", "interval", "status", "doubts")
_LEFT = 'style="text-align: left"'


def estimate_html(payload: Mapping[str, Any]) -> str:
    """The verdict, then one row per estimator: value, interval, status and doubts. Needs no style sheet or script."""
    payload = legible_values(payload)
    heads = "".join(f"<th {_LEFT}>{escape(head.format(unit=payload['unit']))}</th>" for head in _HEADERS)
    rows = "".join(_row(payload, entry) for entry in payload["estimates"])
    failed = f"<p>{escape(payload['failure'])}</p>" if payload["failure"] else ""
    return (
        f"<div><p><strong>{escape(headline(payload))}</strong> {escape(reason(payload))}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{failed}"
        f"<p><small>{escape(_about(payload['data']))}</small></p></div>"
    )


def _row(payload: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    unit = payload["unit"]
    out = {excluded["estimator"] for excluded in payload["verdict"]["excluded"]}
    name = escape(entry["estimator"])
    cells = (
        f"<strong>{name}</strong>" if entry["estimator"] == payload["verdict"]["estimator"] else name,
        escape(_value(entry, unit)),
        escape(_interval(entry["interval"], unit)),
        escape("excluded" if entry["estimator"] in out and entry["status"] == "converged" else entry["status"]),
        "<br>".join(_doubts(entry)),
    )
    return f"<tr>{''.join(f'<td {_LEFT}>{cell}</td>' for cell in cells)}</tr>"


def _value(entry: Mapping[str, Any], unit: str) -> str:
    value = entry[f"mi_{unit}"]
    if value is None:
        return "infinite" if entry["status"] == "infinite" else "none"
    error = entry[f"standard_error_{unit}"]
    return f"{value:.4f}" if error is None else f"{value:.4f} ± {error:.4f}"


def _interval(interval: Mapping[str, Any] | None, unit: str) -> str:
    if interval is None or interval[f"low_{unit}"] is None:
        return ""
    low, high = interval[f"low_{unit}"], interval[f"high_{unit}"]
    ends = f"{low:.4f} or more" if high is None else f"{low:.4f} to {high:.4f}"
    return f"{ends} ({100 * interval['level']:g}%)"


def _doubts(entry: Mapping[str, Any]) -> list[str]:
    """What warns against a value; what is only worth knowing is left to the table in text."""
    return [
        f"{escape(d['message'])} <code>{escape(d['code'])}</code>"
        for d in entry["diagnostics"]
        if d["severity"] == "warning"
    ]


def _about(data: Mapping[str, Any]) -> str:
    """What was estimated from: the table, its rows, the number of columns of both sides."""
    counts = {side: len(data[side]["columns"]) for side in ("x", "z")}
    sides = ", ".join(f"{side.upper()}: {count} column{'s' * (count != 1)}" for side, count in counts.items())
    dropped = f", {data['rows_dropped']:,} dropped" if data["rows_dropped"] else ""
    return f"{data['source']}, {data['n']:,} rows{dropped}; {sides}"
