"""What generated rows of a user's table are worth, and how near they come to those learnt, beside the references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minecli.report.number_formats import NONE
from minecli.report.text_tables import new_table, texts

_SCORES = ("accuracy", "auc", "r2")
_ABSENT = "utility is not measured: scikit-learn is not installed (pip install 'minecli[utility]')"


def quality_parts(payload: Mapping[str, Any]) -> list[Any]:
    """A table of one line per method and reference, with sentences below; nothing where there are no such reports."""
    from rich.text import Text

    reports = {e["method"]: e["report"] for e in payload["methods"] if "privacy" in e.get("report", {})}
    if not reports:
        return []
    rows = {**reports, **next(iter(reports.values()))["references"]}
    first = next(iter(reports.values()))["utility"]
    table = new_table(narrow=True)
    table.add_column("rows")
    for score in _targets(first):
        table.add_column(" ".join(score), justify="right")
    for name in ("closest", "5 %", "copies", "nearer"):
        table.add_column(name, justify="right")
    for number, (name, report) in enumerate(rows.items()):
        if number == len(reports):
            table.add_section()
        table.add_row(name, *_scores(report["utility"]), *_distances(report["privacy"]))
    lines = [
        "real: learnt rows to learn from, held-out rows to measure distances from",
        _ABSENT if first is None else "scores on the same held-out rows, of a forest that has learnt from these rows",
        "closest, 5 %: median and fifth percentile of the distance to the closest learnt row; copies: those at "
        "distance 0; nearer: to a learnt row rather than to one held out, 0.5 by chance",
    ]
    return [Text(), table, Text(), *texts(lines)]


def _targets(scores: list[dict[str, Any]] | None) -> list[tuple[str, str]]:
    """The targets, and the one score of each that is shown."""
    return [(each["target"], next(name for name in _SCORES if name in each)) for each in scores or []]


def _scores(scores: list[dict[str, Any]] | None) -> list[str]:
    return [_number(each[name]) for each, (_, name) in zip(scores or [], _targets(scores), strict=True)]


def _distances(privacy: Mapping[str, float | None]) -> list[str]:
    copies = privacy["copies"]
    shown = [_number(privacy[name]) for name in ("median_distance", "low_distance")]
    return [*shown, NONE if copies is None else f"{copies:.1%}", _number(privacy["nearer_training"])]


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"
