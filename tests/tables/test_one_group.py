"""load_group, and origins: what a column becomes in an array, it becomes a column again."""

from __future__ import annotations

import datetime
import io
import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minecli.errors import DataError, UsageError
from minecli.tables.groups import FEWEST_ROWS, MOST_FEATURES, OneGroup, load_group, load_groups
from minecli.tables.origins import Origin, arrow_column, restored, snapped
from minecli.tables.wanted import Wanted

N = 60
EACH = np.arange(N)
START = datetime.datetime(2004, 3, 10, 18)
MINUTE = datetime.timedelta(minutes=1)

COLUMNS = {
    "float64": pa.array(np.sin(EACH) * 1e3),
    "float32": pa.array(np.sin(EACH).astype(np.float32)),
    "float16": pa.array(np.sin(EACH).astype(np.float16)),
    "int8": pa.array((EACH % 7 - 3).astype(np.int8)),
    "uint8": pa.array((EACH * 4).astype(np.uint8)),
    "int64": pa.array(EACH * 1_000_003),
    "uint64": pa.array(EACH.astype(np.uint64)),
    "boolean": pa.array(EACH % 3 == 0),
    "two levels": pa.array(["no", "yes"] * (N // 2)),
    "four levels": pa.array(["d", "a", "c", "b"] * (N // 4)),
    "large text": pa.array(["u", "v", "w"] * (N // 3), pa.large_string()),
    "text view": pa.array(["u", "v"] * (N // 2), pa.string_view()),
    "category": pa.array(["d", "a", "c", "b"] * (N // 4)).dictionary_encode(),
    "category of integers": pa.array([30, 10, 20] * (N // 3)).dictionary_encode(),
    "date32": pa.array([datetime.date(2020, 1, 1) + datetime.timedelta(days=int(i) ** 2) for i in EACH]),
    "date64": pa.array([datetime.date(2020, 1, 1) + datetime.timedelta(days=int(i)) for i in EACH], pa.date64()),
    "timestamp[s]": pa.array([START + 60 * MINUTE * int(i) for i in EACH], pa.timestamp("s")),
    "timestamp[us, tz]": pa.array([START + MINUTE * int(i) for i in EACH], pa.timestamp("us", "Asia/Tokyo")),
    "timestamp[ns]": pa.array([START + MINUTE * int(i) for i in EACH], pa.timestamp("ns")),
    "time32": pa.array([(START + MINUTE * int(i)).time() for i in EACH], pa.time32("s")),
    "time64": pa.array([(START + MINUTE * int(i)).time() for i in EACH], pa.time64("ns")),
    "duration": pa.array([MINUTE * int(i) for i in EACH], pa.duration("ms")),
    "decimal": pa.array([Decimal(int(i) * 37).scaleb(-2) for i in EACH], pa.decimal128(9, 2)),
    "wide decimal": pa.array([Decimal(int(i) - 30) for i in EACH], pa.decimal256(60, 5)),
    "list": pa.array([[float(i), 7.0, -float(i)] for i in EACH]),
    "list of integers": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(2 * N, dtype=np.int16)), 2),
    "list of booleans": pa.array([[bool(i % 2), bool(i % 3)] for i in EACH]),
    "constant": pa.array([2**60 + 1] * N),
    "constant text": pa.array(["same"] * N),
    "constant time": pa.array([START + datetime.timedelta(microseconds=1)] * N),
    "constant decimal": pa.array([Decimal("1.10")] * N, pa.decimal128(30, 2)),
    "constant list": pa.array([[1.5, 2.5]] * N, pa.list_(pa.float32())),
}


def load(table: dict | pa.Table, columns: tuple[str, ...] = ("*",), **options) -> OneGroup:
    sink = pa.BufferOutputStream()
    table = table if isinstance(table, pa.Table) else pa.table(table)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=17)
    return load_group("-", columns, Wanted(**options), stdin=io.BytesIO(sink.getvalue().to_pybytes()))


def blocks(one: OneGroup) -> dict[str, tuple[Origin, np.ndarray]]:
    left, found = 0, {}
    for origin in one.origins:
        found[origin.name] = (origin, one.group.values[:, left : left + origin.width])
        left += origin.width
    assert left == one.group.values.shape[1]
    return found


@pytest.mark.parametrize("name", COLUMNS)
def test_every_kind_of_column_comes_back(name: str, tmp_path) -> None:
    column = COLUMNS[name]
    one = load({name: column, "other": EACH})
    origin, block = blocks(one)[name]
    again = Origin.from_json(json.loads(json.dumps(origin.to_json())))
    assert again == origin
    # Noise of a generator that does not matter, and rounding of its float32.
    noisy = block + np.where(origin.indicators, 0.3 * np.sin(np.arange(N))[:, None], 1e-9)
    values = restored(again, noisy)
    found = arrow_column(again, values)
    pq.write_table(pa.table({name: found}), tmp_path / "t.parquet")
    if name.startswith("float") or name == "list":
        np.testing.assert_allclose(np.array(found.to_pylist()), np.array(column.to_pylist()), atol=1e-6)
    else:
        assert found.to_pylist() == column.to_pylist()
    if "list" not in name and "view" not in name:
        assert found.type == column.type
        assert pq.read_table(tmp_path / "t.parquet").column(0).to_pylist() == found.to_pylist()
    if origin.width:
        np.testing.assert_array_equal(snapped(again, block), block)


def test_what_restored_gives(tmp_path) -> None:
    found = {name: restored(origin, block) for name, (origin, block) in blocks(load(COLUMNS)).items()}
    kinds = {name: str(values.dtype) for name, values in found.items() if isinstance(values, np.ndarray)}
    assert kinds["int8"] == "int8"
    assert kinds["float32"] == "float32"
    assert kinds["boolean"] == "bool"
    assert kinds["timestamp[us, tz]"] == "datetime64[us]"
    assert kinds["date32"] == "datetime64[D]"
    assert kinds["time32"] == "timedelta64[s]"
    assert found["list"].shape == (N, 3)
    assert found["list"].dtype == np.float64
    assert arrow_column(blocks(load(COLUMNS))["list"][0], found["list"]).type == pa.list_(pa.float64(), 3)
    assert found["two levels"][:2] == ["no", "yes"]
    assert found["decimal"][1] == Decimal("0.37")
    assert list(found) == list(COLUMNS)


@pytest.mark.parametrize(
    ("type_", "low", "high"),
    [
        (pa.int8(), -128, 127),
        (pa.uint8(), 0, 255),
        (pa.int64(), -(2**63), 2**63 - 1024),
        (pa.uint64(), 0, 2**64 - 2048),
        (pa.decimal128(4, 2), Decimal("-99.99"), Decimal("99.99")),
        (pa.decimal128(38, 0), Decimal("-" + "9" * 38), Decimal("9" * 38)),
        (pa.float32(), np.finfo(np.float32).min, np.finfo(np.float32).max),
        (pa.time32("s"), np.timedelta64(0, "s"), np.timedelta64(86_399, "s")),
        (pa.date32(), np.datetime64(-(2**31), "D"), np.datetime64(2**31 - 1, "D")),
    ],
)
def test_values_far_outside_stay_within_what_the_type_can_hold(type_: pa.DataType, low, high) -> None:
    kind = "date" if pa.types.is_date(type_) else "seconds" if pa.types.is_time(type_) else "float"
    origin = Origin("a", kind, ("a",), type_)
    values = restored(origin, np.array([[-1e60], [1e60]]))
    assert (values[0], values[1]) == (low, high)
    arrow_column(origin, values)


def test_integers_are_rounded_and_not_held_within_what_was_seen() -> None:
    origin, _ = blocks(load({"a": EACH}))["a"]
    assert restored(origin, np.array([[0.5], [1.5], [-7.2], [900.0]])).tolist() == [0, 2, -7, 900]


def test_floats_keep_the_decimals_of_the_real_ones() -> None:
    tenths = EACH / 10
    table = {
        "f64": tenths,
        "f32": tenths.astype(np.float32),
        "whole": EACH * 1.0,
        "many": np.sin(EACH),
        "big": EACH * 1e300,
    }
    found = blocks(load(table))
    assert {name: origin.digits for name, (origin, _) in found.items()} == {
        "f64": 1, "f32": 1, "whole": 0, "many": None, "big": 0,
    }  # fmt: skip
    for name, (origin, block) in found.items():
        np.testing.assert_array_equal(restored(origin, block + 0.04 * (name in ("f64", "f32"))), table[name])
    assert restored(found["f32"][0], np.array([[-0.26]]))[0] == np.float32(-0.3)


def test_times_keep_the_step_of_the_real_ones() -> None:
    hours = pa.array([START + 60 * MINUTE * int(i) for i in EACH], pa.timestamp("us"))
    origin, block = blocks(load({"t": hours}))["t"]
    assert origin.step == 3_600_000_000
    between = restored(origin, block[:1] + np.array([[0.3 / 24], [0.8 / 24], [1000.0]]))
    assert [str(t) for t in between] == [
        "2004-03-10T18:00:00.000000",
        "2004-03-10T19:00:00.000000",
        "2006-12-05T18:00:00.000000",
    ]


def test_categories_of_dates_come_back_as_text() -> None:
    days = pa.array([datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)] * 15).dictionary_encode()
    origin, block = blocks(load({"d": days}))["d"]
    assert (origin.type, origin.levels) == (pa.string(), ("2020-01-01", "2020-01-02"))
    assert restored(origin, block)[:2] == ["2020-01-01", "2020-01-02"]


def test_the_largest_indicator_wins() -> None:
    origin, _ = blocks(load(COLUMNS))["four levels"]
    assert restored(origin, np.array([[-3.0, -2.0, -9.0, -2.5], [0.1, 0.2, 0.4, 0.3]])) == ["b", "c"]


def test_it_reads_what_load_groups_reads(tmp_path) -> None:
    rows = "".join(f"{i},{'red' if i % 3 else 'blue'},{i if i % 10 else ''},k\n" for i in range(200))
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,k\n" + rows)
    one = load_group(str(path), ["c,b,k"], Wanted(missing="drop", sample=50, seed=3))
    groups = load_groups(str(path), ["c,b,k"], ["a"], Wanted(missing="drop", sample=50, seed=3))
    np.testing.assert_array_equal(one.group.values, groups.x.values)
    np.testing.assert_array_equal(one.row_numbers, groups.row_numbers)
    assert (one.group.names, one.group.columns) == (groups.x.names, groups.x.columns)
    assert (one.rows_read, one.rows_dropped, one.rows_sampled_from) == (200, 20, 180)
    assert (one.source, one.format, one.notes) == (groups.source, groups.format, groups.notes)


def csv(text: str, columns: str = "*", **options) -> OneGroup:
    return load_group("-", [columns], Wanted(**options), stdin=io.BytesIO(text.encode()))


MISSING = "a,b\n" + "".join(f"{i},{i if i % 3 else ''}\n" for i in range(30))


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("a\n" + "1\n2\n" * 4, {}, DataError, "there are 8 usable rows; at least 20 are needed to learn from"),
        (MISSING, {}, DataError, "missing values in 10 of 30 rows: 'b' 10 (--missing drop leaves 10 rows out)"),
        (MISSING.replace("29,29\n", "29,\n"), {"missing": "drop"}, DataError,
         "there are 19 usable rows of 30: 11 have missing values; at least 20 are needed to learn from "
         "(leave out the columns that miss most, or collect more rows)"),
        ("a\n" + "1\n2\n" * 20, {"sample": 9}, UsageError,
         "--sample is 9; at least 20 rows are needed to learn from (40 rows can be used: leave --sample out)"),
        ("a,b\n" + "1,x\n" * 30, {}, DataError,
         "x is constant: column 'a' holds only 1, column 'b' holds only 'x' in 30 rows; there is nothing to learn "
         "from a constant (name a column that varies in --x)"),
        ("a,b\n" + ",\n" * 30, {"missing": "drop"}, DataError, "leave 'a' out of --x)"),
        ("alpha\n" + "1\n2\n" * 20, {"columns": "alfa"}, UsageError,
         "--x: there is no column 'alfa'; the nearest names are 'alpha'"),
        ("a\n" + "1\n2\n" * 20, {"missing": "ignore"}, UsageError, "--missing is 'ignore'; it must be error or drop"),
        ("a\n" + "1\ninf\n" * 20, {}, DataError, "holds 20 infinite values"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from(text: str, options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        csv(text, **options)
    assert message in str(caught.value)


def test_rows_left_by_dropping_suffice() -> None:
    assert csv(MISSING, missing="drop").group.values.shape == (FEWEST_ROWS, 2)


def test_a_column_that_explodes_is_named() -> None:
    wide = np.random.default_rng(0).standard_normal(30 * MOST_FEATURES)
    table = {"a": np.arange(30), "emb": pa.FixedSizeListArray.from_arrays(pa.array(wide), MOST_FEATURES)}
    with pytest.raises(UsageError) as caught:
        load(table)
    assert str(caught.value) == (
        "--x makes 2001 features of 2 columns, and column 'emb' alone makes 2000; at most 2000 can be learned "
        "(take it out: --x 'SELECTORS,!emb')"
    )
    assert load(table, ("emb",)).group.values.shape == (30, MOST_FEATURES)
    many = pa.table({f"c{i}": np.arange(30) for i in range(MOST_FEATURES + 1)})
    with pytest.raises(UsageError, match="2001 features of 2001 columns, and each makes one"):
        load(many)
