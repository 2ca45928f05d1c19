"""Out of memory for real, under limits of the address space: one line and exit code 5, whatever the limit."""

import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux alone")

MEGABYTE = 10**6


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("memory") / "table.parquet"
    draws = np.random.default_rng(0).standard_normal((40, 100_000))
    pq.write_table(pa.table({f"c{j}": column for j, column in enumerate(draws)}), path)
    return path


def limited(megabytes, *words):
    script = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes * MEGABYTE},) * 2)\n"
        "from minecli.cli.start import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", script, "estimate", *map(str, words), "--threads", "1", "--format", "value", "-q"]
    # A measurement of coverage would take memory of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)


@pytest.mark.parametrize("megabytes", [50, 70, 200, 450, 640, 680, 720, 800])
def test_one_line_or_a_value(table, megabytes):
    done = limited(megabytes, table, "--x", "c0:c19", "--z", "c20:c39", "-e", "gaussian")
    if done.returncode == 0:
        float(done.stdout)
    else:
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr.startswith("minecli: error: ")
        assert done.stderr.count("\n") == 1


def test_the_ends_of_that_range(table):
    columns = ("--x", "c0:c1", "--z", "c2:c3", "-e", "gaussian")
    assert limited(300, table, *columns).returncode == 5
    assert limited(1500, table, *columns).returncode == 0


def test_a_network_that_cannot_fit(table):
    done = limited(3000, table, "--x", "c0", "--z", "c1", "-e", "mine", "--hidden", "16384")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (5, "", 1)
