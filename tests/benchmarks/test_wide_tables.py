"""How long `minecli columns` takes on tables of 50,000 columns, and on a long column; run with -m benchmark -s.

Measured as people meet it: the whole process, its start and its output included.
"""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.benchmark
COLUMNS, ROWS = 50_000, 100
KINDS = {
    "float64": lambda rng: rng.standard_normal(ROWS),
    "int64": lambda rng: rng.integers(0, 30, ROWS),
    "text": lambda rng: np.array(["red", "green", "blue", "pink"])[rng.integers(0, 4, ROWS)],
}


# In between stands a small process, because a child's peak is at least what its parent held when it began.
LAUNCH = """
import json, os, sys, time
started = time.perf_counter()
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
seconds = time.perf_counter() - started
print(json.dumps([status, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]), file=sys.stderr)
"""


def listed(path, form):
    """Run the command; its output, and in words how long it took and how much memory."""
    command = [sys.executable, "-c", LAUNCH, sys.executable, "-m", "minecli", "columns", str(path), "--format", form]
    done = subprocess.run(command, capture_output=True, check=True)
    status, seconds, processor, megabytes = json.loads(done.stderr.splitlines()[-1])
    assert status == 0
    return done.stdout, f"{seconds:.1f} s, {processor:.1f} s of the processor, peak {megabytes:.0f} MB"


@pytest.mark.parametrize("kind", KINDS)
def test_wide(tmp_path, kind):
    rng = np.random.default_rng(0)
    table = pa.table([pa.array(KINDS[kind](rng)) for _ in range(COLUMNS)], names=[f"c{i}" for i in range(COLUMNS)])
    pq.write_table(table, tmp_path / "t.parquet")
    pyarrow.csv.write_csv(table, tmp_path / "t.csv")
    print(f"\n{COLUMNS:,} columns of {kind} x {ROWS} rows, {table.nbytes / 1e6:.0f} MB decoded")
    for name in ("t.parquet", "t.csv"):
        for form in ("json", "csv", "table"):
            output, cost = listed(tmp_path / name, form)
            print(f"{name} as {form}: {cost}")
            assert output.count(b"\n") >= COLUMNS


@pytest.mark.parametrize("rows", [10_000_000])
def test_long(tmp_path, rows):
    rng = np.random.default_rng(0)
    for name, values in {"draws": rng.standard_normal(rows), "levels": rng.integers(0, 300, rows)}.items():
        pq.write_table(pa.table({"a": values}), tmp_path / "t.parquet")
        output, cost = listed(tmp_path / "t.parquet", "json")
        print(f"\n{rows:,} rows of {name}, {values.nbytes / 1e6:.0f} MB: {cost}")
        assert json.loads(output)["columns"][0]["distinct"] == len(np.unique(values))
