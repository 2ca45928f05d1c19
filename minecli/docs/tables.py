"""Tables of the manual, made from the registries and from the records of measurements, which a checkout holds."""

from __future__ import annotations

import csv
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

# In a checkout; an installation has the finished pages only.
RECORDS = Path("tests/benchmarks")

_BLOCK = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- /table -->)", re.DOTALL)
# Columns of names to be typed.
_TYPED = {"estimator", "method", "task", "name"}
# A column of this name and this ending holds the standard errors of the column of this name.
_ERROR = " ±"


def regenerated(text: str, records: Path) -> str:
    """A page with its tables made anew.

    Args:
        text: the page.
        records: the folder of the records.

    Raises:
        KeyError: the page asks for a table that is neither made here nor recorded.
        OSError: a record cannot be read.
    """
    return _BLOCK.sub(lambda block: f"{block[1]}{_named(block[2], records)}{block[3]}", text)


def _named(name: str, records: Path) -> str:
    if name in _FROM_CODE:
        return _FROM_CODE[name]()
    if name in _FROM_VERDICTS:
        return _FROM_VERDICTS[name](records)
    return _recorded(records / "records" / f"{name}.csv")


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown; cells of columns of names are set as code.

    >>> print(markdown(("method", "error"), [("pca", 6.92)]), end="")
    | method | error |
    |---|---|
    | `pca` | 6.92 |
    """
    typed = [name in _TYPED for name in head]
    body = [[f"`{c}`" if code and c else str(c) for c, code in zip(row, typed, strict=True)] for row in rows]
    first, *lines = [f"| {' | '.join(cells)} |\n" for cells in [list(head), *body]]
    return "".join([first, "|" + "---|" * len(head) + "\n", *lines])


def _estimators() -> str:
    from minecli.estimators.registry import ESTIMATORS

    rows = [(e.name, e.summary, e.kind, e.reference) for e in ESTIMATORS.values()]
    return markdown(("estimator", "what it computes", "kind", "source"), rows)


def _limits() -> str:
    from minecli.estimators.registry import ESTIMATORS

    return markdown(
        ("estimator", "what it assumes", "when it fails"), [(e.name, e.assumes, e.fails) for e in ESTIMATORS.values()]
    )


def _exclusions() -> str:
    from minecli.estimators.exclusions import EXCLUSIONS

    return markdown(("excluded", "what it is"), [(rule.name, rule.says) for rule in EXCLUSIONS])


def _decisions() -> str:
    from minecli.estimators.verdict import DECISIONS

    return markdown(("decision", "when, and what is said"), [(rule.name, rule.says) for rule in DECISIONS])


def _tasks() -> str:
    from minecli.tasks.registry import TASKS

    return markdown(("task", "what it is"), [(name, entry.summary) for name, entry in TASKS.items()])


_FROM_CODE: Mapping[str, Callable[[], str]] = {
    "estimators": _estimators,
    "limits": _limits,
    "exclusions": _exclusions,
    "decisions": _decisions,
    "tasks": _tasks,
}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _recorded(path: Path) -> str:
    """A record as it is, each value with its standard error beside it."""
    rows = _rows(path)
    head = [name for name in rows[0] if not name.endswith(_ERROR)]

    def cell(row: Mapping[str, str], name: str) -> str:
        error = row.get(name + _ERROR)
        return f"{row[name]} ± {error}" if error else row[name]

    return markdown(head, [[cell(row, name) for name in head] for row in rows])


# The blocks of cells in verdicts.csv, by the ends or the beginnings of their names.
BLOCKS: Mapping[str, Callable[[str], bool]] = {
    "40 public tasks, n = 10,000": lambda cell: " n=10000 seed=" in cell,
    "40 public tasks, n = 1,000": lambda cell: " n=1000 seed=" in cell,
    "parity, checkerboards, nothing": lambda cell: cell.startswith(("parity", "checkerboard", "independent n")),
    "mushroom, every subset": lambda cell: cell.startswith("mushroom"),
    "all": lambda cell: True,
}


def _verdict_counts(records: Path) -> str:
    """How often the verdict was right."""
    verdicts = _rows(records / "verdicts.csv")
    rows = []
    for block, belongs in BLOCKS.items():
        own = [row for row in verdicts if belongs(row["cell"])]
        counted = ("trusted", "false_belief", "right_shown", "false_doubt")
        rows.append([block, len(own), *(sum(int(row[key]) for row in own) for key in counted)])
    return markdown(("block", "cells", "trusted", "false beliefs", "right shown", "false doubts"), rows)


def errors_on_public_tasks(records: Path, rows: int, estimator: str) -> dict[str, list[float]]:
    """From each public task to the estimator's errors in nats, seed by seed, at so many rows."""
    errors: dict[str, list[float]] = {}
    for row in _rows(records / "verdicts.csv"):
        if cell := re.fullmatch(rf"(\S+) n={rows} seed=\d", row["cell"]):
            value = dict(shown.split("=") for shown in row["shown"].split())[estimator]
            errors.setdefault(cell[1], []).append(float(value) - float(row["truth"]))
    return errors


def _public_tasks(records: Path) -> str:
    """Every public task: the truth, and in thousandths of a nat the errors at 10,000 rows."""
    truths = {row["cell"].partition(" n=")[0]: row["truth"] for row in _rows(records / "verdicts.csv")}
    covered = {row["task"]: row["hold"] for row in _rows(records / "records" / "covered_by_task.csv")}
    mine, ksg = (errors_on_public_tasks(records, 10_000, name) for name in ("mine", "ksg"))
    rows = [
        (
            task,
            f"{float(truths[task]):.3f}",
            " ".join(f"{1000 * error:+.0f}" for error in errors),
            f"{covered[task]}/{len(errors)}",
            f"{1000 * statistics.mean(ksg[task]):+.0f}",
        )
        for task, errors in mine.items()
    ]
    return markdown(("task", "truth", "errors of `mine`", "within", "`ksg`"), rows)


def _public_summary(records: Path) -> str:
    """What all tasks and seeds come to."""
    head = ("rows", "estimator", "runs", "mean abs. error", "median", "worst", "mean error")
    rows = []
    for n, name in ((10_000, "mine"), (10_000, "ksg"), (1_000, "mine"), (1_000, "ksg")):
        errors = [e for own in errors_on_public_tasks(records, n, name).values() for e in own]
        sizes = [abs(error) for error in errors]
        figures = (statistics.mean(sizes), statistics.median(sizes), max(sizes))
        rows.append((f"{n:,}", name, len(errors), *(f"{f:.3f}" for f in figures), f"{statistics.mean(errors):+.3f}"))
    return markdown(head, rows)


_FROM_VERDICTS: Mapping[str, Callable[[Path], str]] = {
    "verdict-counts": _verdict_counts,
    "public-tasks": _public_tasks,
    "public-summary": _public_summary,
}
