"""What record.md says of the verdict is what verdicts.csv, written by the benchmark, holds."""

import csv
import re
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent / "benchmarks"
BLOCKS = {
    "40 public tasks, n = 10,000": lambda cell: cell.endswith(tuple(f"n=10000 seed={s}" for s in range(5))),
    "40 public tasks, n = 1,000": lambda cell: cell.endswith(tuple(f"n=1000 seed={s}" for s in range(3))),
    "parity, checkerboards, nothing": lambda cell: cell.startswith(("parity", "checkerboard", "independent n")),
    "mushroom, every subset": lambda cell: cell.startswith("mushroom"),
    "all": lambda cell: True,
}


def test_the_counts_of_verdicts_are_those_of_the_file():
    with (BENCHMARKS / "verdicts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    record = (BENCHMARKS / "record.md").read_text(encoding="utf-8")
    for block, chosen in BLOCKS.items():
        own = [row for row in rows if chosen(row["cell"])]
        counts = [
            sum(int(row[key]) for row in own) for key in ("trusted", "false_belief", "right_shown", "false_doubt")
        ]
        (line,) = re.findall(rf"^\| {re.escape(block)} \|(.*)\|$", record, re.MULTILINE)
        assert [int(cell) for cell in line.split("|")] == [len(own), *counts], block
