"""Peak memory of `mine` beside a table of 240 MB: `pytest -m benchmark -s -k memory_of_networks`."""

import subprocess
import sys

import numpy as np
import pytest

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only"),
]

ROWS, COLUMNS = 1_000_000, 15
MOST = 4.0

COMMAND = """
import resource, sys
from minecli.cli.main import main
try:
    main()
finally:
    print("peak kB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""
LIBRARIES = """
import resource, pyarrow.parquet, scipy.optimize, scipy.stats, torch._dynamo, minecli.estimators.neural.mine
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_of(*words):
    done = subprocess.run([sys.executable, "-c", COMMAND, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.rsplit("peak kB", 1)[1]) * 1024


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("memory") / "table.parquet"
    rng = np.random.default_rng(0)
    x = {f"x{j}": rng.standard_normal(ROWS) for j in range(COLUMNS)}
    z = {f"z{j}": 0.4 * x[f"x{j}"] + rng.standard_normal(ROWS) for j in range(COLUMNS)}
    pq.write_table(pa.table(x | z), path)
    return path


# Memory does not depend on the number of steps.
@pytest.mark.parametrize("settings", [[], ["--repeats", "2"], ["--folds", "2"], ["--weight-decay", "0.1,0.5,2"]])
def test_memory_of_networks(table, settings):
    library = subprocess.run([sys.executable, "-c", LIBRARIES], capture_output=True, text=True, check=True)
    of_libraries, data = int(library.stdout) * 1024, 2 * COLUMNS * ROWS * 8
    words = ["estimate", str(table), "--x", f"x0:x{COLUMNS - 1}", "--z", f"z0:z{COLUMNS - 1}", "-e", "mine"]
    peak = peak_of(*words, "--max-steps", "20", "--format", "value", "--threads", "2", "-q", *settings)
    print(f"\n{' '.join(settings) or 'defaults'}: peak {peak / 1e6:.0f} MB, {peak / data:.2f} times the table")
    print(f"without the libraries ({of_libraries / 1e6:.0f} MB) {(peak - of_libraries) / data:.2f} times")
    assert peak <= MOST * data
