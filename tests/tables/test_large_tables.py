"""Ten million rows: the peak of memory, measured in a fresh process. Minutes are not needed, gigabytes nearly are."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS = 10_000_000
MEASURE = """
import resource, sys
from minecli.tables.groups import load_groups
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
groups = load_groups(sys.argv[1], ["a"], ["b"])
assert len(groups.row_numbers) == int(sys.argv[2])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_peak_memory_is_the_columns_and_less_than_a_gigabyte_more(tmp_path, dtype: type) -> None:
    values = np.random.default_rng(0).standard_normal(ROWS).astype(dtype)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": values, "b": values[::-1], "c": values}), path)
    done = subprocess.run([sys.executable, "-c", MEASURE, path, str(ROWS)], capture_output=True, text=True, check=True)
    columns = 2 * ROWS * 8
    # Arrow's copy of both columns, the row numbers (8 bytes a row), and what decoding holds on the way.
    assert int(done.stdout) < columns + 1e9
