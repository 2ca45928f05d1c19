"""Each row's share of the information: the estimated log density ratio, row by row, as CSV or Parquet."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Literal

from minecli.errors import UsageError


def pointwise_format(name: str) -> Literal["csv", "parquet"]:
    """The format a file name asks for; UsageError for another ending.

    >>> pointwise_format("rows.csv")
    'csv'
    """
    ending = PurePath(name).suffix.lower()
    if ending == ".csv":
        return "csv"
    if ending in (".parquet", ".pq"):
        return "parquet"
    raise UsageError(
        f"--pointwise: the ending of '{name}' names no known format; allowed are .csv and .parquet",
        hint="try --pointwise rows.csv",
    )


def pointwise_bytes(name: str, row_numbers: Any, terms: Mapping[str, Sequence[float]]) -> bytes:
    """The content of the file: `row` (counted from 0 in the data), then one column in nats per estimator.

    `row_numbers` (n,) are integers, an array or a list; `terms` maps an estimator to one value per entry of
    `row_numbers`; values that are not finite are left empty.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: dict[str, Any] = {"row": pa.array(row_numbers)}
    for estimator, values in terms.items():
        array = pa.array(values, type=pa.float64())
        finite = pc.is_finite(array)
        key = f"log_ratio_{estimator.replace('-', '_')}_nats"
        columns[key] = pc.if_else(finite, array, pa.scalar(None, pa.float64()))
    table = pa.table(columns)
    buffer = io.BytesIO()
    if pointwise_format(name) == "csv":
        import pyarrow.csv as pacsv

        pacsv.write_csv(table, buffer, pacsv.WriteOptions(quoting_header="none"))
    else:
        import pyarrow.parquet as pq

        pq.write_table(table, buffer)
    return buffer.getvalue()
