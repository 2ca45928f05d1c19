"""What the pages say of the verdict and of the public tasks is what verdicts.csv, written by the benchmark, holds."""

import csv
import re
import statistics
from pathlib import Path

import pytest

from minecli.docs import page
from minecli.docs.tables import errors_on_public_tasks

BENCHMARKS = Path(__file__).resolve().parent / "benchmarks"
EVIDENCE = page("evidence")
BLOCKS = {
    "40 public tasks, n = 10,000": lambda cell: cell.endswith(tuple(f"n=10000 seed={s}" for s in range(5))),
    "40 public tasks, n = 1,000": lambda cell: cell.endswith(tuple(f"n=1000 seed={s}" for s in range(3))),
    "parity, checkerboards, nothing": lambda cell: cell.startswith(("parity", "checkerboard", "independent n")),
    "mushroom, every subset": lambda cell: cell.startswith("mushroom"),
    "all": lambda cell: True,
}


def verdicts():
    with (BENCHMARKS / "verdicts.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_counts_of_verdicts_are_those_of_the_file():
    rows = verdicts()
    for block, chosen in BLOCKS.items():
        own = [row for row in rows if chosen(row["cell"])]
        counts = [
            sum(int(row[key]) for row in own) for key in ("trusted", "false_belief", "right_shown", "false_doubt")
        ]
        (line,) = re.findall(rf"^\| {re.escape(block)} \|(.*)\|$", EVIDENCE, re.MULTILINE)
        assert [int(cell) for cell in line.split("|")] == [len(own), *counts], block


def test_the_shares_in_the_text_are_those_of_the_file():
    rows = verdicts()
    false, doubted, right = (
        sum(int(row[key]) for row in rows) for key in ("false_belief", "false_doubt", "right_shown")
    )
    assert f"False beliefs are {100 * false / len(rows):.2f} %" in EVIDENCE
    assert f"false doubts {100 * doubted / right:.1f} %" in EVIDENCE
    above = sum(int(row["limit_above_truth"]) for row in rows)
    assert f"lies above the truth in {above} of all {len(rows)} cells" in EVIDENCE


@pytest.mark.parametrize(
    ("rows", "estimator", "runs"), [(10_000, "mine", 200), (10_000, "ksg", 200), (1_000, "mine", 120)]
)
def test_the_errors_are_those_of_the_file(rows, estimator, runs):
    errors = [error for own in errors_on_public_tasks(BENCHMARKS, rows, estimator).values() for error in own]
    assert len(errors) == runs
    line = next(line for line in EVIDENCE.splitlines() if line.startswith(f"| {rows:,} | `{estimator}` | {runs} |"))
    mean = statistics.mean(map(abs, errors))
    assert float(line.split("|")[4]) == pytest.approx(mean, abs=0.0005)


def test_tasks_and_totals_of_coverage_agree():
    def held(name):
        with (BENCHMARKS / "records" / f"{name}.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    tasks = held("covered_by_task")
    truths = {row["cell"].partition(" n=")[0]: float(row["truth"]) for row in verdicts()}
    (total,) = [row for row in held("covered") if (row["rows"], row["estimator"]) == ("10,000", "mine")]
    for limit, told in ((float("inf"), list(total.values())[2]), (1.1, list(total.values())[3])):
        own = [row for row in tasks if truths[row["task"]] <= limit]
        assert told.startswith(f"{sum(int(row['hold']) for row in own)} of {sum(int(row['of']) for row in own)}")
