"""What an estimate costs in time and memory: `pytest -m benchmark -s -k cost`. Times are printed, never asserted."""

import math
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from minecli.estimators.config import KsgConfig, MineConfig
from minecli.estimators.context import Context
from minecli.estimators.nearest.ksg import estimate_ksg
from minecli.estimators.neural.mine import estimate_mine

pytestmark = pytest.mark.benchmark


def gaussian(rows, d, rho=0.5, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, d))
    return x, rho * x + math.sqrt(1 - rho * rho) * rng.standard_normal((rows, d))


def seconds(function):
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def print_slopes(sizes, times):
    """Print the slope of log time on log size, by least squares, over all sizes and over the last two."""
    overall, last = (float(np.polyfit(np.log(sizes[i:]), np.log(times[i:]), 1)[0]) for i in (0, -2))
    print(f"slope of log time on log size: {overall:.2f}; of the last two: {last:.2f}")


def test_cost_is_linear_in_rows():
    torch.set_num_threads(2)
    sizes = [10_000, 100_000, 1_000_000, 4_000_000]
    times = [seconds(lambda n=n: estimate_mine(*gaussian(n, 1), MineConfig(), Context(threads=2))) for n in sizes]
    print("\nrows      seconds (1 + 1 columns, default settings)")
    for n, t in zip(sizes, times, strict=True):
        print(f"{n:<9d} {t:.1f}")
    print_slopes(sizes, times)


def test_cost_is_linear_in_columns():
    torch.set_num_threads(2)
    sizes = [1, 4, 16, 64, 256, 1024]
    # A fixed number of steps: how early training stops depends on the data, not on the cost of a step.
    config = MineConfig(max_steps=300, patience=1000)
    times = [seconds(lambda d=d: estimate_mine(*gaussian(5000, d, 0.1), config, Context(threads=2))) for d in sizes]
    print("\ncolumns per side   seconds (5,000 rows, 300 steps)")
    for d, t in zip(sizes, times, strict=True):
        print(f"{d:<18d} {t:.1f}")
    print_slopes(sizes, times)


def test_cost_of_the_default_run_beside_scikit_learn():
    """The default pair of estimators on 10,000 x (1 + 1) rows, as ratios to scikit-learn's k-NN in the same process."""
    from sklearn.feature_selection import mutual_info_regression

    torch.set_num_threads(2)
    x, z = gaussian(10_000, 1)
    estimate_ksg(x, z, KsgConfig(), Context(threads=2))
    reference = min(seconds(lambda: mutual_info_regression(x, z[:, 0], n_neighbors=3)) for _ in range(5))
    ksg = min(seconds(lambda: estimate_ksg(x, z, KsgConfig(interval=False), Context(threads=2))) for _ in range(5))
    with_interval = min(seconds(lambda: estimate_ksg(x, z, KsgConfig(), Context(threads=2))) for _ in range(5))
    mine = seconds(lambda: estimate_mine(x, z, MineConfig(), Context(threads=2)))
    print(f"\nscikit-learn k-NN {reference:.3f} s; ksg {ksg:.3f} s ({ksg / reference:.2f} x), with its interval")
    print(f"{with_interval:.3f} s ({with_interval / reference:.2f} x); mine {mine:.1f} s")


MEMORY = """
import resource, sys
from minecli.cli.main import main
try:
    main()
finally:
    print("peak kB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.mark.parametrize("estimator", ["mine", "ksg"])
def test_cost_in_memory_at_ten_million_rows(tmp_path, estimator):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 10_000_000
    x, z = gaussian(rows, 1)
    file = tmp_path / "large.parquet"
    pq.write_table(pa.table({"x": x[:, 0], "z": z[:, 0]}), file)
    del x, z
    command = [sys.executable, "-c", MEMORY, "estimate", str(file), "--x", "x", "--z", "z", "-e", estimator]
    started = time.perf_counter()
    done = subprocess.run([*command, "--format", "value", "--threads", "2", "-q"], capture_output=True, text=True)
    elapsed = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    peak = int(done.stderr.split("peak kB")[1]) * 1024
    columns = 2 * 8 * rows
    print(f"\n{estimator}, 10 million rows x 2: {done.stdout.strip()} nats in {elapsed:.0f} s,")
    print(f"peak {peak / 1e9:.2f} GB, of which {columns / 1e9:.2f} GB are the columns")
    assert peak <= columns + 1e9
