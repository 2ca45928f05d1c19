"""Benchmarks as tables: for a terminal of 80 columns, and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minecli.foreign import legible_values
from minecli.report.number_formats import three_places
from minecli.report.text_tables import new_table, render, texts

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

# Diagnostics and statuses that have a footnote: its sign, and its sentence.
_FOOTNOTES = {
    "near-log-n-ceiling": ("^", "near the most that so many rows can certify; the truth may be far from it"),
    "few-effective-rows": ("^", "near the most that so many rows can certify; the truth may be far from it"),
    "still-increasing": ("+", "training had not settled: more steps may raise it"),
    "far-neighbours": ("~", "neighbours may be too far apart: wider neighbourhoods or fewer rows move the value"),
    "diverged": ("!", "the network did not generalise"),
}
# Tasks whose intervals missed the truth most often are named, so many.
_MOST_LISTED = 6


def bench_table(payload: Mapping[str, Any], *, width: int = 80, color: bool = False) -> str:
    """A benchmark as text: a line per task and estimator with its footnotes, what failed, and the summary by estimator.

    Args:
        payload: the benchmark's JSON object, in nats.
        width: of the terminal, in columns.
        color: whether escape sequences for colours may stand in the text.
    """
    from rich.text import Text

    payload = legible_values(payload)
    parts: list[RenderableType] = []
    if payload["tasks"]:
        parts += [_tasks_table(payload), Text(), *_legend(payload)]
    parts += [*_failures(payload), _summary_table(payload), *_coverage_lines(payload)]
    left = payload["cells"] - payload["cells_done"]
    if left:
        parts += texts([f"{left} of {payload['cells']} cells are not done yet."], "yellow")
    return render(parts, width, color)


def bench_markdown(payload: Mapping[str, Any]) -> str:
    """The same as Markdown: one line per task with a column per estimator, then one line per estimator."""
    head = f"`minecli {payload['command']}`: {payload['cells_done']} of {payload['cells']} cells"
    note = "Estimate (error, intervals that hold the truth, median seconds), in nats, means over seeds."
    return "\n\n".join([head, note, _markdown(_markdown_tasks(payload)), _markdown(_markdown_summary(payload))]) + "\n"


def list_table(tasks: Sequence[Mapping[str, Any]], *, width: int = 80, color: bool = False) -> str:
    """The tasks of a suite: spec, columns on both sides, truth.

    >>> task = {"spec": "gaussian:dim=1,rho=0.5", "x_columns": 1, "z_columns": 1, "true_mi_nats": 0.1438}
    >>> print(list_table([task], width=60), end="")
    task                    columns  truth in nats
    ──────────────────────────────────────────────
    gaussian:dim=1,rho=0.5    1 + 1          0.144
    """
    table = new_table(narrow=True)
    table.add_column("task", overflow="fold")
    for header in ("columns", "truth in nats"):
        table.add_column(header, justify="right", no_wrap=True)
    for task in legible_values(tasks):
        table.add_row(task["spec"], f"{task['x_columns']} + {task['z_columns']}", three_places(task["true_mi_nats"]))
    return render([table], width, color)


def _tasks_table(payload: Mapping[str, Any]) -> Table:
    """The task and its truth, and a line for every estimator below; narrow enough for long names."""
    from rich.text import Text

    table = new_table(narrow=True)
    table.add_column("task, estimator", overflow="fold")
    for header in ("nats", "error", "within", "s"):
        table.add_column(header, justify="right", no_wrap=True)
    for task in payload["tasks"]:
        table.add_row(Text(_label(task), style="bold"), three_places(task["true_mi_nats"]) + " ", "truth")
        for answer in task["answers"]:
            table.add_row(
                f"  {answer['estimator']}",
                three_places(answer["mean_nats"]) + (_signs(answer) or " "),
                three_places(answer["error_nats"], signed=True),
                _covered(answer),
                f"{answer['median_seconds']:.1f}",
            )
    return table


def _label(task: Mapping[str, Any]) -> str:
    """What a task is called in a table: its place in the figure, or its spec.

    >>> _label({"place": {"d": 2, "rho": 0.5}, "spec": "a"}), _label({"place": {}, "spec": "a"})
    ('d=2 rho=0.5', 'a')
    """
    return " ".join(f"{k}={v}" for k, v in task["place"].items()) or str(task["spec"])


def _covered(answer: Mapping[str, Any]) -> str:
    """How many intervals hold the truth, of how many.

    >>> _covered({"covered": 2, "intervals": 3}), _covered({"covered": 0, "intervals": 0})
    ('2/3', '')
    """
    return f"{answer['covered']}/{answer['intervals']}" if answer["intervals"] else ""


def _signs(answer: Mapping[str, Any]) -> str:
    """The signs of the footnotes on an answer's diagnostics and statuses, each once.

    >>> _signs({"diagnostics": {"near-log-n-ceiling": 1, "few-effective-rows": 1}, "statuses": {"converged": 1}})
    '^'
    """
    signs = [_FOOTNOTES[code][0] for code in (*answer["diagnostics"], *answer["statuses"]) if code in _FOOTNOTES]
    return "".join(dict.fromkeys(signs))


def _legend(payload: Mapping[str, Any]) -> list[Text]:
    """The sentences of the footnotes that the table refers to."""
    used = {sign for task in payload["tasks"] for answer in task["answers"] for sign in _signs(answer)}
    sentences = dict(_FOOTNOTES.values())
    return texts([f"{sign} {sentence}" for sign, sentence in sentences.items() if sign in used], "dim")


def _failures(payload: Mapping[str, Any]) -> list[Text]:
    failed = [r for r in payload["records"] if r["status"] == "failed"]
    return texts([f"failed: {r['spec']}, seed {r['seed']}, {r['estimator']}: {r['message']}" for r in failed], "red")


def _summary_table(payload: Mapping[str, Any]) -> Table:
    table = new_table(narrow=True)
    table.add_column("estimator", no_wrap=True)
    for header in ("cells", "mean |error|", "median |error|", "mean error", "worst", "median s", "max s"):
        table.add_column(header, justify="right")
    for row in payload["estimators"]:
        table.add_row(
            row["estimator"],
            f"{row['valued']}/{row['cells']}",
            *_errors(row),
            f"{row['median_seconds']:.1f}",
            f"{row['max_seconds']:.1f}",
        )
    return table


def _errors(row: Mapping[str, Any]) -> list[str]:
    """Mean and median absolute error, mean error and the worst one."""
    sizes = [three_places(row[f"{average}_absolute_error_nats"]) for average in ("mean", "median")]
    return sizes + [three_places(row[f"{which}_error_nats"], signed=True) for which in ("mean", "worst")]


def _coverage_lines(payload: Mapping[str, Any]) -> list[Text]:
    return texts(["", *(line for row in payload["estimators"] for line in _coverage_sentences(row))])


def _coverage_sentences(row: Mapping[str, Any]) -> list[str]:
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
        listed = ", ".join(f"{t['spec']} {t['covered']}/{t['intervals']}" for t in short[:_MOST_LISTED])
        more = f" and {len(short) - _MOST_LISTED} more" if len(short) > _MOST_LISTED else ""
        lines.append(f"{row['estimator']}: worst covered: {listed}{more}.")
    return lines


def _share(coverage: Mapping[str, Any]) -> str:
    low, high = 100 * coverage["low"], 100 * coverage["high"]
    return f"{coverage['covered']} of {coverage['intervals']} ({low:.0f} to {high:.0f} %)"


def _markdown_tasks(payload: Mapping[str, Any]) -> list[list[str]]:
    names = [row["estimator"] for row in payload["estimators"]]
    lines = [["task", "truth", *names]]
    for task in payload["tasks"]:
        answers = {a["estimator"]: a for a in task["answers"]}
        cells = [_markdown_cell(answers[name]) if name in answers else "" for name in names]
        lines.append([f"`{_label(task)}`", three_places(task["true_mi_nats"]), *cells])
    return lines


def _markdown_summary(payload: Mapping[str, Any]) -> list[list[str]]:
    lines = [["estimator", "cells", "mean \\|error\\|", "median \\|error\\|", "mean error", "worst error",
              "coverage", "coverage up to 1.1 nats", "worst covered", "median s", "max s"]]  # fmt: skip
    for row in payload["estimators"]:
        *errors, worst = _errors(row)
        missed = [t for t in row["coverage_by_task"][:_MOST_LISTED] if t["covered"] < t["intervals"]]
        lines.append(
            [
                row["estimator"],
                f"{row['valued']}/{row['cells']}",
                *errors,
                f"{worst} (`{row['worst_spec']}`)" if worst else "",
                *(_share(row[key]) if row[key]["intervals"] else "" for key in ("coverage", "coverage_weak")),
                ", ".join(f"`{t['spec']}` {t['covered']}/{t['intervals']}" for t in missed),
                f"{row['median_seconds']:.1f}",
                f"{row['max_seconds']:.1f}",
            ]
        )
    return lines


def _markdown_cell(answer: Mapping[str, Any]) -> str:
    if answer["mean_nats"] is None:
        return "failed" if answer["failed"] else next(iter(answer["statuses"]))
    inside = [three_places(answer["error_nats"], signed=True), _covered(answer), f"{answer['median_seconds']:.1f} s"]
    return f"{three_places(answer['mean_nats'])}{_signs(answer)} ({', '.join(part for part in inside if part)})"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]])
