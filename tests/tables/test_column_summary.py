"""describe_columns: what `minecli columns FILE` shows."""

from __future__ import annotations

import datetime as dt
import decimal
import io

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from minecli.errors import DataError
from minecli.tables.reading import METADATA_PREFIX, read_metadata
from minecli.tables.summary import ColumnSummary, describe_columns

WHEN = dt.datetime(2004, 3, 10, 18)
TABLE = pa.table(
    {
        "price": [1.5, None, float("nan"), -2.0],
        "count": pa.array([1, 2, 3, 3], pa.int16()),
        "flag": [True, False, True, None],
        "day": [dt.date(2004, 3, 10), dt.date(2005, 4, 4), None, dt.date(2004, 3, 10)],
        "when": pa.array([WHEN, WHEN, WHEN, dt.datetime(2004, 3, 11)], pa.timestamp("us", "Mars/Base")),
        "lap": pa.array([5, 7, 7, 9], pa.duration("ms")),
        "money": pa.array([decimal.Decimal("1.25")] * 3 + [decimal.Decimal("2.50")], pa.decimal128(5, 2)),
        "kind": pa.array(["u", "v", "u", "v"]).dictionary_encode(),
        "word": ["alpha", "beta", "gamma", "delta"],
        "emb": pa.array([[1.0, 2.0, 3.0], [1.0, 5.0, 6.0], [7.0, 8.0, 9.0], None], pa.list_(pa.float32(), 3)),
        "same": [3, 3, 3, 3],
        "void": pa.nulls(4),
        "deep": [{"p": 1}] * 4,
        "far": [1.0, float("inf"), 2.0, 3.0],
        "raw": [b"a", b"b", b"c", b"\xff"],
    }
)  # fmt: skip
EXPECTED = [
    ColumnSummary("price", "float64", 1, 2, 2, -2.0, 1.5, "discrete", "as it is", True),
    ColumnSummary("count", "int16", 1, 0, 3, 1, 3, "with atoms", "as it is", True),
    ColumnSummary("flag", "boolean", 1, 1, 2, False, True, "discrete", "0 or 1", True),
    ColumnSummary("day", "date", 1, 1, 2, "2004-03-10", "2005-04-04", "discrete",
                  "days since 1970-01-01", True),
    ColumnSummary("when", "timestamp Mars/Base", 1, 0, 2, "2004-03-10 18:00:00.000000",
                  "2004-03-11 00:00:00.000000", "discrete", "days since 1970-01-01", True),
    ColumnSummary("lap", "duration", 1, 0, 3, "5 ms", "9 ms", "with atoms", "seconds", True),
    ColumnSummary("money", "decimal128(5, 2)", 1, 0, 2, 1.25, 2.5, "discrete", "as it is", True),
    ColumnSummary("kind", "category of text", 1, 0, 2, "u", "v", "discrete", "1 for 'v', 0 for 'u'", True),
    ColumnSummary("word", "text", 0, 0, 4, "alpha", "gamma", None,
                  "is text with 4 distinct values in 4 rows, as 'alpha', "
                  "which cannot be used as a number or category", False),
    ColumnSummary("emb", "list of 3 float32", 3, 1, None, None, None, "discrete", "3 entries, one column each", True),
    ColumnSummary("same", "int64", 0, 0, 1, 3, 3, None, "left out: constant, holds only 3", False),
    ColumnSummary("void", "empty", 0, 4, 0, None, None, None, "no values", False),
    ColumnSummary("deep", "struct<p: int64>", 0, 0, None, None, None, None,
                  "has the type struct<p: int64>, which cannot be used as a number or category", False),
    ColumnSummary("far", "float64", 0, 0, 4, 1.0, float("inf"), None, "holds infinite values", False),
    ColumnSummary("raw", "binary", 0, 0, 4, None, None, None,
                  "holds bytes, not UTF-8 text, which cannot be used as a number or category", False),
]  # fmt: skip


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda e: e.name)
def test_each_kind_of_column(tmp_path, expected: ColumnSummary) -> None:
    # Feather, because some versions of pyarrow write missing fixed-size lists to Parquet but cannot read them.
    pyarrow.feather.write_feather(TABLE, tmp_path / "t.feather")
    (found,) = [c for c in describe_columns(str(tmp_path / "t.feather")) if c.name == expected.name]
    assert found == expected


def test_columns_come_in_file_order_from_every_format(tmp_path) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    found = describe_columns("-", stdin=io.BytesIO(sink.getvalue().to_pybytes()))
    assert found == tuple(EXPECTED)
    (tmp_path / "t.tsv").write_text("b\ta\n1\tx\n2\ty\n?\tx\n4\tx\n5\ty\n")
    described = describe_columns(str(tmp_path / "t.tsv"), na_values=["?"])
    assert [(c.name, c.missing, c.distinct, c.usable) for c in described] == [("b", 1, 4, True), ("a", 0, 2, True)]


def test_one_column_is_a_table_too(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("only one\n1\n2\n")
    assert [c.name for c in describe_columns(str(tmp_path / "t.csv"))] == ["only one"]


def test_nothing_to_describe(tmp_path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        describe_columns(str(tmp_path / "t.csv"))


def test_many_distinct_values(tmp_path) -> None:
    table = pa.table({"a": np.arange(1000) % 321})
    pq.write_table(table, tmp_path / "t.parquet")
    assert describe_columns(str(tmp_path / "t.parquet"))[0].distinct == 321


def test_the_products_own_metadata_is_read(tmp_path) -> None:
    metadata = {METADATA_PREFIX + "true_mi_nats": "0.83", "pandas": "{}"}
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata(metadata), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("a\n1\n")
    assert read_metadata(str(tmp_path / "t.parquet")) == {"true_mi_nats": "0.83"}
    assert read_metadata(str(tmp_path / "t.csv")) == {}
