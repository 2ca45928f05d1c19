"""describe_columns: what `minecli columns FILE` shows."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import io
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from minecli.errors import DataError
from minecli.tables.arrays import plan_column
from minecli.tables.column_summary import ColumnSummary, describe, describe_tally, distinct_count
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.options import Reading
from minecli.tables.files.reading import open_table
from minecli.tables.files.schemas import METADATA_PREFIX
from minecli.tables.kinds import Column
from minecli.tables.ordered_values import Tally
from minecli.tables.summary import describe_columns

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
    (found,) = [c for c in describe_columns(str(tmp_path / "t.feather")).columns if c.name == expected.name]
    assert found == expected


def test_columns_come_in_file_order_from_every_format(tmp_path) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    found = describe_columns("-", stdin=io.BytesIO(sink.getvalue().to_pybytes()))
    assert found.columns == tuple(EXPECTED)
    (tmp_path / "t.tsv").write_text("b\ta\n1\tx\n2\ty\n?\tx\n4\tx\n5\ty\n")
    described = describe_columns(str(tmp_path / "t.tsv"), reading=Reading(na_values=("?",)))
    assert [(c.name, c.missing, c.distinct, c.usable) for c in described.columns] == [
        ("b", 1, 4, True),
        ("a", 0, 2, True),
    ]


def test_one_column_is_a_table_too(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("only one\n1\n2\n")
    assert [c.name for c in describe_columns(str(tmp_path / "t.csv")).columns] == ["only one"]


def test_nothing_to_describe(tmp_path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        describe_columns(str(tmp_path / "t.csv"))


def test_many_distinct_values(tmp_path) -> None:
    table = pa.table({"a": np.arange(1000) % 321})
    pq.write_table(table, tmp_path / "t.parquet")
    assert describe_columns(str(tmp_path / "t.parquet")).columns[0].distinct == 321


@pytest.mark.parametrize("rows", [3, 100_000])
def test_columns_of_a_file_are_read_together(tmp_path, monkeypatch, rows: int) -> None:
    reads: list[int] = []

    def watched(*args) -> OpenTable:
        table = open_table(*args)
        return dataclasses.replace(table, read=lambda names: reads.append(len(names)) or table.read(names))

    names = [f"c{i}" for i in range(20)]
    table = pa.table({name: np.arange(rows) * (i + 1) for i, name in enumerate(names)})
    pq.write_table(table, tmp_path / "t.parquet", use_dictionary=False)
    whole = describe_columns(str(tmp_path / "t.parquet"))
    monkeypatch.setattr("minecli.tables.summary._BATCH_BYTES", 4 << 20)
    monkeypatch.setattr("minecli.tables.summary.open_table", watched)
    assert describe_columns(str(tmp_path / "t.parquet")) == whole
    assert [column.name for column in whole.columns] == names
    assert max(reads) == (19 if rows == 3 else 5)
    assert sum(reads) == 20


def test_lists_are_read_alone_and_in_their_place(tmp_path) -> None:
    lists = pa.array([[1.0, 2.0], [3.0, 5.0]])
    pq.write_table(pa.table({"a": [1, 2], "b": [1, 2], "e": lists, "c": [1, 2], "f": lists}), tmp_path / "t.parquet")
    found = describe_columns(str(tmp_path / "t.parquet")).columns
    assert [(c.name, c.width) for c in found] == [("a", 1), ("b", 1), ("e", 2), ("c", 1), ("f", 2)]


def test_an_index_is_called_one(tmp_path) -> None:
    pandas = pytest.importorskip("pandas")
    index = pandas.Index([10, 11, 12, 13], name="run")
    pandas.DataFrame({"a": [0.5, 1.5, 2.5, 3.5]}, index=index).to_parquet(tmp_path / "t.parquet")
    found = {c.name: c for c in describe_columns(str(tmp_path / "t.parquet")).columns}
    assert found["run"].usable
    assert found["run"].encoding == "index of the rows, used only where it is named: as it is"
    assert found["a"].encoding == "as it is"


def test_the_notes_of_reading_come_along(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("a;b\n1;2\n3;4\n")
    assert any("';'" in note for note in describe_columns(str(tmp_path / "t.csv")).notes)


NUMBERS = [
    pa.array(np.random.default_rng(0).standard_normal(700_000)),
    pa.array(np.random.default_rng(0).integers(0, 7000, 700_000), pa.int32()),
    pa.array(np.random.default_rng(0).integers(-3, 3, 700_000)),
    pa.array(np.where(np.arange(600_000) % 3, np.arange(600_000.0), np.nan), pa.float32()),
    pa.array([None, 5, 2**63, 2**64 - 1] * 100, pa.uint64()),
    pa.array([None, 1.0, 2.0, 2.0] * 100_000),
]


@pytest.mark.parametrize("values", NUMBERS, ids=str)
def test_long_columns_beside_plain_counting(values) -> None:
    column = pa.chunked_array([values.slice(0, 300_001), values.slice(300_001)])
    present = [v for v in values.to_pylist() if v is not None and v == v]
    summary = describe("c", column)
    assert summary.missing == len(values) - len(present)
    assert (summary.minimum, summary.maximum) == (min(present), max(present))
    assert summary.distinct == len(set(present))
    plan = plan_column(Column.of("c", pa.chunked_array([pa.array(present, values.type)])))
    assert (summary.width, summary.encoding.partition(":")[0]) == (plan.use.width, plan.use.encoding)
    assert ("labels" in summary.encoding) == plan.use.perhaps_labels


def test_a_column_may_come_as_a_stream() -> None:
    whole = pa.chunked_array([np.random.default_rng(i).standard_normal(5000).round(i) for i in range(4)])
    tally = Tally()
    for chunk in whole.chunks:
        tally.add(chunk)
    assert describe_tally("c", whole.type, tally) == describe("c", whole)
    assert describe_tally("c", whole.type, tally) == describe("c", whole)


MEASURE = """
import sys
import numpy as np, pyarrow as pa
from minecli.tables.column_summary import describe

def highest():
    return 1024 * next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

rows = 8_000_000
values = np.random.default_rng(0).standard_normal(rows)
if sys.argv[1] == "levels":
    values = values.round(1)
if sys.argv[1] == "missing":
    values[::3] = np.nan
column = pa.chunked_array([pa.array(values)])
describe("c", column.slice(0, 1000))
open("/proc/self/clear_refs", "w").write("5")
before = highest()
describe("c", column)
print((highest() - before) / column.nbytes)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(("values", "copies"), [("draws", 1.3), ("missing", 1.3), ("levels", 0.3)])
def test_a_long_column_takes_one_copy_of_it_at_most(values: str, copies: float) -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE, values], capture_output=True, text=True, check=True)
    assert float(done.stdout) < copies


def test_many_different_texts_are_counted_as_few_are(monkeypatch) -> None:
    texts = pa.chunked_array([[f"t{i % 700}" for i in range(1000)], ["t5", "u", ""]])
    assert distinct_count(texts) == 702
    monkeypatch.setattr("minecli.tables.column_summary._MOST_HASHED", 10)
    assert distinct_count(texts) == 702


ODD = {
    "binary_view": pa.array([b"a", b"b"], pa.binary_view()),
    "interval": pa.array([pa.MonthDayNano([1, 2, 3])] * 2),
    "category of structs": pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array([{"a": 1}, {"a": 2}])),
    "date of the year 29349": pa.array([10_000_000, 1], pa.int32()).view(pa.date32()),
    "damaged text": pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff", b"a"]).buffers()),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"a" * 16, b"b" * 16], pa.binary(16))),
    "run ends": pa.RunEndEncodedArray.from_arrays([1, 3], [1, 2]),
    "map": pa.array([[("a", 1)], [("b", 2)]], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_types_are_listed_with_a_reason(name: str) -> None:
    summary = describe("c", pa.chunked_array([ODD[name]]))
    assert summary.usable == name.startswith("date")
    assert summary.encoding


def test_a_category_is_as_wide_as_the_levels_that_occur() -> None:
    levels = pa.array(["unused", "b", None, "a", "z"])
    column = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array([1, 3, 2, 1, None]), levels)])
    summary = describe("c", column)
    assert (summary.missing, summary.distinct, summary.minimum, summary.maximum) == (2, 2, "a", "b")


def test_the_products_own_metadata_is_read(tmp_path) -> None:
    metadata = {METADATA_PREFIX + "true_mi_nats": "0.83", "pandas": "{}"}
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata(metadata), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("a\n1\n")
    assert open_table(str(tmp_path / "t.parquet"), Reading()).metadata == {"true_mi_nats": "0.83"}
    assert open_table(str(tmp_path / "t.csv"), Reading()).metadata == {}
