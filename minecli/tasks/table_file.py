"""A sample of a task as a table file: Parquet with the truth in its metadata, or CSV, which has no place for it."""

from __future__ import annotations

import csv
import gzip
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli.errors import UsageError
from minecli.runtime.seeds import generator
from minecli.runtime.writing import atomic_path
from minecli.tasks.task import Task, parameters

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from minecli.tasks.task import Array

METADATA_PREFIX = "minecli."
FORMATS = ("parquet", "csv", "csv.gz")


def format_of(destination: str) -> str:
    """The format a file name asks for; CSV for standard output (`-`). UsageError for another ending.

    >>> format_of("a/b.csv.gz"), format_of("c.parquet")
    ('csv.gz', 'parquet')
    """
    if destination == "-":
        return "csv"
    name = Path(destination).name.lower()
    for ending in FORMATS:
        if name.endswith("." + ending):
            return ending
    raise UsageError(
        f"the ending of '{destination}' names no known format; allowed are .parquet, .csv and .csv.gz",
        hint="try -o sample.parquet",
    )


def metadata(task: Task, n: int, seed: int) -> dict[str, str]:
    """What a reader needs to compare an estimate with the truth, and to make the very same file again: keys with the
    prefix `minecli.`, and their values as text."""
    facts: dict[str, object] = {"task": task.name, "n": n, "seed": seed}
    facts.update(parameters(task))
    facts["true_mi_nats"] = repr(task.true_mi_nats())
    return {METADATA_PREFIX + key: str(value) for key, value in facts.items()}


def sample_table(task: Task, n: int, seed: int, *, as_list: bool = False, missing_share: float = 0.0) -> pa.Table:
    """Draw n rows: columns x0 .. and z0 .. (or the list columns x and z), with the truth as metadata.

    A label column holds its names as a categorical. With `missing_share` that share of the single values,
    chosen at random, is missing; the information stated is that of the complete distribution. UsageError for
    an n below 1 or a share outside [0, 1).
    """
    import pyarrow as pa

    if n < 1:
        raise UsageError(f"-n is {n}; it must be at least 1", hint="try -n 10000")
    if not 0.0 <= missing_share < 1.0:
        raise UsageError(f"--missing-share is {missing_share}; it must be at least 0 and below 1", hint="try 0.05")
    if as_list and missing_share > 0:
        raise UsageError("--as-list and --missing-share do not go together", hint="leave one of them out")
    x, z = task.sample(n, generator(seed, "sample", task.name))
    holes = generator(seed, "missing", task.name)
    columns = _list_column("x", x) if as_list else _columns("x", x, None, missing_share, holes)
    if as_list and task.z_levels is None:
        columns |= _list_column("z", z)
    else:
        columns |= _columns("z", z, task.z_levels, missing_share, holes)
    return pa.table(columns).replace_schema_metadata(metadata(task, n, seed))


def _columns(
    side: str, values: Array, levels: tuple[str, ...] | None, share: float, rng: np.random.Generator
) -> dict[str, Any]:
    import numpy as np
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for i in range(values.shape[1]):
        mask = rng.random(len(values)) < share if share > 0 else None
        if levels is None:
            columns[f"{side}{i}"] = pa.array(values[:, i], mask=mask)
        else:
            codes = pa.array(values[:, i].astype(np.int32), mask=mask)
            columns[f"{side}{i}"] = pa.DictionaryArray.from_arrays(codes, pa.array(levels))
    return columns


def _list_column(name: str, values: Array) -> dict[str, Any]:
    import pyarrow as pa

    return {name: pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])}


def table_bytes(table: pa.Table, file_format: str) -> bytes:
    """The table as a file's content: "parquet", "csv" or "csv.gz". The same table gives the same bytes.

    UsageError where CSV is asked for and a column holds lists.

    >>> import pyarrow as pa
    >>> print(table_bytes(pa.table({"x0": [0.5, 1.0]}), "csv").decode(), end="")
    x0
    0.5
    1.0
    """
    if file_format == "parquet":
        buffer = io.BytesIO()
        _write(table, buffer)
        return buffer.getvalue()
    text = _csv_text(table).encode("utf-8")
    return gzip.compress(text, mtime=0) if file_format == "csv.gz" else text


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write the table as a whole or not at all, as `table_bytes` has it, without holding the file's content in memory;
    OutputError where that fails."""
    with atomic_path(path) as partial:
        _write(table, str(partial))


def _write(table: pa.Table, where: Any) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, where, compression="zstd")


def _csv_text(table: pa.Table) -> str:
    import pyarrow.types as types

    for field in table.schema:
        if types.is_nested(field.type):
            raise UsageError(
                f"column '{field.name}' holds lists, which CSV cannot store",
                hint="write a .parquet file instead",
            )
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(table.column_names)
    columns = [column.to_pylist() for column in table.columns]
    lines.writerows([_cell(value) for value in row] for row in zip(*columns, strict=True))
    return text.getvalue()


def _cell(value: object) -> str:
    """repr keeps every bit of a float; a missing value is an empty cell; dates and times are as ISO 8601 has them.

    >>> import datetime
    >>> _cell(0.1), _cell(None), _cell("a"), _cell(datetime.date(2020, 2, 1))
    ('0.1', '', 'a', '2020-02-01')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(value) if isinstance(value, bool | int | float) else str(value)
