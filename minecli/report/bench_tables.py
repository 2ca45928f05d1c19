"""Benchmarks as tables: for a terminal of 80 columns, and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minecli.foreign import legible_values
from minecli.report.tables import render

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

# What deserves a mark beside a number, and the sentence under the table that explains the mark.
_MARKS = {
    "near-log-n-ceiling": ("^", "near the most that so many rows can certify; the truth may be far from it"),
    "few-effective-rows": ("^", "near the most that so many rows can certify; the truth may be far from it"),
    "still-increasing": ("+", "training had not settled: more steps may raise it"),
    "far-neighbours": ("~", "neighbours may be too far apart: wider neighbourhoods or fewer rows move the value"),
    "diverged": ("!", "the network did not generalise"),
}


# Tasks whose intervals missed the truth most often are named, so many.
MOST_LISTED = 6


def bench_table(payload: Mapping[str, Any], *, width: int = 80, color: bool = False) -> str:
    """One line per task and estimator, what the marks mean, what failed, and the summary by estimator."""
    from rich.text import Text

    payload = legible_values(payload)
    parts: list[RenderableType] = []
    if payload["tasks"]:
        parts += [_tasks_table(payload), Text(), *_legend(payload)]
    parts += [*_failures(payload), _summary_table(payload), *_coverage_lines(payload)]
    left = payload["cells"] - payload["cells_done"]
    if left:
        parts.append(Text(f"{left} of {payload['cells']} cells are not done yet.", style="yellow"))
    return render(parts, width, color)


def _table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)


def _tasks_table(payload: Mapping[str, Any]) -> Table:
    """The task and its truth, and a line for every estimator below; narrow enough for long names."""
    from rich.text import Text

    table = _table()
    table.add_column("task, estimator", overflow="fold")
    for header in ("nats", "error", "within", "s"):
        table.add_column(header, justify="right", no_wrap=True)
    for task in payload["tasks"]:
        table.add_row(Text(label(task), style="bold"), number(task["true_mi_nats"]) + " ", "truth")
        for answer in task["answers"]:
            table.add_row(
                f"  {answer['estimator']}",
                number(answer["mean_nats"]) + (marks(answer) or " "),
                number(answer["error_nats"], signed=True),
                counted(answer),
                f"{answer['median_seconds']:.1f}",
            )
    return table


def label(task: Mapping[str, Any]) -> str:
    """What a task is called in a table: its place in the figure, or its spec.

    >>> label({"place": {"d": 2, "rho": 0.5}, "spec": "a"}), label({"place": {}, "spec": "a"})
    ('d=2 rho=0.5', 'a')
    """
    return " ".join(f"{k}={v}" for k, v in task["place"].items()) or str(task["spec"])


def number(value: float | None, *, signed: bool = False) -> str:
    """A value in nats to three places; nothing where there is none.

    >>> number(0.12345), number(0.5, signed=True), number(None)
    ('0.123', '+0.500', '')
    """
    if value is None:
        return ""
    return f"{value:+.3f}" if signed else f"{value:.3f}"


def counted(answer: Mapping[str, Any]) -> str:
    """How many intervals hold the truth, of how many.

    >>> counted({"covered": 2, "intervals": 3}), counted({"covered": 0, "intervals": 0})
    ('2/3', '')
    """
    return f"{answer['covered']}/{answer['intervals']}" if answer["intervals"] else ""


def marks(answer: Mapping[str, Any]) -> str:
    """The marks of an answer's diagnostics and statuses, each once.

    >>> marks({"diagnostics": {"near-log-n-ceiling": 1, "few-effective-rows": 1}, "statuses": {"converged": 1}})
    '^'
    """
    found = [_MARKS[code][0] for code in (*answer["diagnostics"], *answer["statuses"]) if code in _MARKS]
    return "".join(dict.fromkeys(found))


def _legend(payload: Mapping[str, Any]) -> list[Text]:
    from rich.text import Text

    used = {m for task in payload["tasks"] for answer in task["answers"] for m in marks(answer)}
    sentences = dict(_MARKS.values())
    return [Text(f"{mark} {sentence}", style="dim") for mark, sentence in sentences.items() if mark in used]


def _failures(payload: Mapping[str, Any]) -> list[Text]:
    from rich.text import Text

    return [
        Text(f"failed: {r['spec']}, seed {r['seed']}, {r['estimator']}: {r['message']}", style="red")
        for r in payload["records"]
        if r["status"] == "failed"
    ]


def _summary_table(payload: Mapping[str, Any]) -> Table:
    table = _table()
    table.add_column("estimator", no_wrap=True)
    for header in ("cells", "mean |error|", "median |error|", "mean error", "worst", "median s", "max s"):
        table.add_column(header, justify="right")
    for row in payload["estimators"]:
        table.add_row(
            row["estimator"],
            f"{row['valued']}/{row['cells']}",
            number(row["mean_absolute_error_nats"]),
            number(row["median_absolute_error_nats"]),
            number(row["mean_error_nats"], signed=True),
            number(row["worst_error_nats"], signed=True),
            f"{row['median_seconds']:.1f}",
            f"{row['max_seconds']:.1f}",
        )
    return table


def _coverage_lines(payload: Mapping[str, Any]) -> list[Text]:
    from rich.text import Text

    return [Text(), *(Text(line) for row in payload["estimators"] for line in coverage_sentences(row))]


def coverage_sentences(row: Mapping[str, Any]) -> list[str]:
    """Where an estimator was furthest off, and how often its intervals held the truth."""
    lines = []
    if row["worst_spec"] is not None:
        lines.append(f"{row['estimator']}: furthest off on {row['worst_spec']}, seed {row['worst_seed']}.")
    if row["coverage"]["intervals"]:
        weak = row["coverage_weak"]
        also = f"; where the truth is at most 1.1 nats, {_share(weak)}" if weak["intervals"] else ""
        lines.append(f"{row['estimator']}: intervals hold the truth in {_share(row['coverage'])}{also}.")
    short = [task for task in row["coverage_by_task"] if task["covered"] < task["intervals"]]
    if short:
        listed = ", ".join(f"{t['spec']} {t['covered']}/{t['intervals']}" for t in short[:MOST_LISTED])
        more = f" and {len(short) - MOST_LISTED} more" if len(short) > MOST_LISTED else ""
        lines.append(f"{row['estimator']}: worst covered: {listed}{more}.")
    return lines


def _share(coverage: Mapping[str, Any]) -> str:
    low, high = 100 * coverage["low"], 100 * coverage["high"]
    return f"{coverage['covered']} of {coverage['intervals']} ({low:.0f} to {high:.0f} %)"


def bench_markdown(payload: Mapping[str, Any]) -> str:
    """The same as Markdown: one line per task with a column per estimator, then one line per estimator."""
    names = [row["estimator"] for row in payload["estimators"]]
    tasks = [["task", "truth", *names]]
    for task in payload["tasks"]:
        answers = {a["estimator"]: a for a in task["answers"]}
        cells = [_markdown_cell(answers[name]) if name in answers else "" for name in names]
        tasks.append([f"`{label(task)}`", number(task["true_mi_nats"]), *cells])
    summary = [["estimator", "cells", "mean \\|error\\|", "median \\|error\\|", "mean error", "worst error",
                "coverage", "coverage up to 1.1 nats", "worst covered", "median s", "max s"]]  # fmt: skip
    for row in payload["estimators"]:
        worst = number(row["worst_error_nats"], signed=True)
        summary.append(
            [
                row["estimator"],
                f"{row['valued']}/{row['cells']}",
                number(row["mean_absolute_error_nats"]),
                number(row["median_absolute_error_nats"]),
                number(row["mean_error_nats"], signed=True),
                f"{worst} (`{row['worst_spec']}`)" if worst else "",
                *(_share(row[key]) if row[key]["intervals"] else "" for key in ("coverage", "coverage_weak")),
                ", ".join(
                    f"`{t['spec']}` {t['covered']}/{t['intervals']}"
                    for t in row["coverage_by_task"][:MOST_LISTED]
                    if t["covered"] < t["intervals"]
                ),
                f"{row['median_seconds']:.1f}",
                f"{row['max_seconds']:.1f}",
            ]
        )
    head = f"`minecli {payload['command']}`: {payload['cells_done']} of {payload['cells']} cells"
    note = "Estimate (error, intervals that hold the truth, median seconds), in nats, means over seeds."
    return "\n\n".join([head, note, _markdown(tasks), _markdown(summary)]) + "\n"


def _markdown_cell(answer: Mapping[str, Any]) -> str:
    if answer["mean_nats"] is None:
        return "failed" if answer["failed"] else next(iter(answer["statuses"]))
    inside = [number(answer["error_nats"], signed=True), counted(answer), f"{answer['median_seconds']:.1f} s"]
    return f"{number(answer['mean_nats'])}{marks(answer)} ({', '.join(part for part in inside if part)})"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]])


def list_table(tasks: Sequence[Mapping[str, Any]], *, width: int = 80, color: bool = False) -> str:
    """The tasks of a suite: spec, columns on both sides, truth."""
    table = _table()
    table.add_column("task", overflow="fold")
    for header in ("columns", "truth in nats"):
        table.add_column(header, justify="right", no_wrap=True)
    for task in legible_values(tasks):
        table.add_row(task["spec"], f"{task['x_columns']} + {task['z_columns']}", number(task["true_mi_nats"]))
    return render([table], width, color)
