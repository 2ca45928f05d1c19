"""What each kind of column becomes, by type, and which columns are refused."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minecli.errors import DataError
from minecli.tables.arrays import build_array, describe_group, plan_column
from minecli.tables.kinds import Column
from minecli.tables.levels import MAX_LEVELS


def convert(column: pa.ChunkedArray, name: str = "c") -> tuple[np.ndarray, tuple[str, ...], str]:
    plan = plan_column(Column.of(name, column))
    return build_array([column], [plan]), plan.names, plan.use.encoding


def chunked(values: list, type_: pa.DataType) -> pa.ChunkedArray:
    """Two chunks and an empty one, since real columns come in several."""
    cut = len(values) // 2
    return pa.chunked_array([values[:cut], [], values[cut:]], type=type_)


UTC = dt.UTC
DAY = dt.datetime(2004, 3, 10, 18, 0)


@pytest.mark.parametrize(
    ("values", "type_", "expected", "encoding"),
    [
        ([0.5, -1.5, 2.0], pa.float64(), [0.5, -1.5, 2.0], "as it is"),
        ([0.5, -1.5, 2.0], pa.float32(), [0.5, -1.5, 2.0], "as it is"),
        ([np.float16(0.5), np.float16(-1.5), np.float16(2.0)], pa.float16(), [0.5, -1.5, 2.0], "as it is"),
        ([decimal.Decimal("1.25"), decimal.Decimal("-3.50")], pa.decimal128(7, 2), [1.25, -3.5], "as it is"),
        ([decimal.Decimal("1.25"), decimal.Decimal("-3.50")], pa.decimal256(50, 2), [1.25, -3.5], "as it is"),
        ([1, -2, 3], pa.int8(), [1, -2, 3], "as it is"),
        ([1, 2, 2**53], pa.uint64(), [1, 2, 2**53], "as it is"),
        ([True, False, True], pa.bool_(), [1, 0, 1], "0 or 1"),
        ([dt.date(1970, 1, 2), dt.date(1969, 12, 31)], pa.date32(), [1, -1], "days since 1970-01-01"),
        ([dt.date(1970, 1, 2), dt.date(1969, 12, 31)], pa.date64(), [1, -1], "days since 1970-01-01"),
        ([DAY, DAY - dt.timedelta(days=1)], pa.timestamp("s"), [12487.75, 12486.75], "days since 1970-01-01"),
        ([DAY, DAY - dt.timedelta(days=1)], pa.timestamp("ns"), [12487.75, 12486.75], "days since 1970-01-01"),
        ([DAY.replace(tzinfo=UTC), dt.datetime(1969, 12, 31, 12, tzinfo=UTC)], pa.timestamp("us", "Asia/Tokyo"),
         [12487.75, -0.5], "days since 1970-01-01"),
        ([dt.time(0, 1), dt.time(1, 0, 0, 500_000)], pa.time64("us"), [60, 3600.5], "seconds"),
        ([dt.time(0, 1), dt.time(1, 0)], pa.time32("s"), [60, 3600], "seconds"),
        ([dt.timedelta(seconds=1.5), dt.timedelta(seconds=-2)], pa.duration("ms"), [1.5, -2], "seconds"),
    ],
)  # fmt: skip
def test_number_like_columns(values: list, type_: pa.DataType, expected: list[float], encoding: str) -> None:
    array, names, words = convert(chunked(values, type_))
    # Exact: every expected value is a float64 that the documented unit gives without rounding.
    np.testing.assert_array_equal(array[:, 0], expected)
    assert (names, words) == (("c",), encoding)


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(allow_nan=False, allow_infinity=False)),
    st.integers(1, 29),
)
def test_floats_come_out_bit_for_bit(values: np.ndarray, cut: int) -> None:
    column = pa.chunked_array([values[:cut], values[cut:]])
    array, _, _ = convert(column)
    if array.shape[1]:
        np.testing.assert_array_equal(array[:, 0], values)
    else:
        assert (values == values[0]).all()


def test_slices_are_joined_without_a_gap() -> None:
    values = np.arange(600_001, dtype=np.float32)
    np.testing.assert_array_equal(convert(pa.chunked_array([values[:1], values[1:]]))[0][:, 0], values)


def test_three_levels_make_three_columns_and_two_make_one() -> None:
    array, names, words = convert(chunked(list("redrdeedrr"), pa.string()))
    assert names == ("c=d", "c=e", "c=r")
    assert words == "one-hot, 3 levels"
    np.testing.assert_array_equal(array.sum(axis=1), 1)
    np.testing.assert_array_equal(array[:, 2], [v == "r" for v in "redrdeedrr"])
    array, names, words = convert(chunked(list("pepepp"), pa.large_string()))
    assert (names, words) == (("c=p",), "1 for 'p', 0 for 'e'")
    np.testing.assert_array_equal(array[:, 0], [1, 0, 1, 0, 1, 1])


def test_string_views_are_text() -> None:
    assert convert(chunked(list("aababb"), pa.string_view()))[1] == ("c=b",)


@pytest.mark.parametrize("values", [["u", "v", "w"], [3, 1, 2], [True, False, True], [0.5, 1.5, 2.5]])
def test_categories_keep_their_kind_whatever_their_values(values: list) -> None:
    column = pa.chunked_array([pa.array(values).dictionary_encode(), pa.array(values[::-1]).dictionary_encode()])
    plan = plan_column(Column.of("c", column))
    assert plan.use.kind == "category"
    shown = sorted(set(values))
    assert plan.names == tuple(f"c={v}" for v in (shown if len(shown) > 2 else shown[1:]))
    out = build_array([column], [plan])
    np.testing.assert_array_equal(out[:3], out[:2:-1])


def test_pandas_categories_without_rows_make_no_column() -> None:
    series = pd.Series(["b", "a", "c", "b"], dtype=pd.CategoricalDtype(["a", "b", "c", "unused"]))
    assert convert(pa.chunked_array([pa.array(series)]))[1] == ("c=a", "c=b", "c=c")


@pytest.mark.parametrize("extra", [0, 1])
def test_the_number_of_levels_is_bounded(extra: int) -> None:
    levels = [f"l{i:03}" for i in range(MAX_LEVELS + extra)]
    text, category = pa.array(levels * 3), pa.array(levels * 3).dictionary_encode()
    if extra == 0:
        assert plan_column(Column.of("c", pa.chunked_array([text]))).use.width == MAX_LEVELS
        assert plan_column(Column.of("c", pa.chunked_array([category]))).use.width == MAX_LEVELS
        return
    with pytest.raises(DataError, match="column 'c' is text with 65 distinct values in 195 rows, as 'l000'"):
        plan_column(Column.of("c", pa.chunked_array([text])))
    with pytest.raises(DataError, match="column 'c' is a category with 65 levels; at most 64 can be used"):
        plan_column(Column.of("c", pa.chunked_array([category])))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["u", "v", "w", "u"], "is text with 3 distinct values in 4 rows"),
        (["u1", "v2", "w3", "u1"], "is text with 3 distinct values in 4 rows, as 'u1'"),
        (["1,5", "2,5", "3,25"], "numbers with a comma, as '1,5'"),
        (["1,000", "2,000", "1,234,567.8"], "numbers with a comma, as '1,000'"),
        (["1", "2", "3"], "all of which read as numbers"),
        (["1", "2.5e3", "-3", "?"], "3 of its 4 values are numbers, but row 3 (counted from 0) holds '?'"),
        (["x" * 90, "y", "z"], "as '" + "x" * 37 + "...'"),
    ],
)
def test_text_that_is_no_category_shows_a_value(values: list[str], message: str) -> None:
    with pytest.raises(DataError) as caught:
        plan_column(Column.of("c", pa.chunked_array([values])))
    assert message in str(caught.value)


def test_numbers_with_a_word_among_them_are_no_category_however_few_they_are() -> None:
    values = ["1", "2", "?", "2", "1", "2", "1"]
    with pytest.raises(DataError) as caught:
        plan_column(Column.of("c", pa.chunked_array([values])))
    assert "6 of its 7 values are numbers, but row 2 (counted from 0) holds '?'" in str(caught.value)
    assert "--na-values '?'" in caught.value.hint
    kept = np.array([False, False, True, *[True] * 6])
    with pytest.raises(DataError, match="but row 4 "):
        plan_column(Column.of("c", pa.chunked_array([values]), rows=kept))
    # Words with a number among them are a category; codes that all read as numbers only where somebody says so.
    assert plan_column(Column.of("c", pa.chunked_array([["u", "v", "1", "u", "v", "u", "v"]]))).use.width == 3
    codes = pa.chunked_array([["01", "02", "03", "01", "02", "01", "02"]])
    with pytest.raises(DataError, match="3 distinct values, all of which read as numbers") as caught:
        plan_column(Column.of("c", codes))
    assert caught.value.hint == "if they are numbers: --numeric c; if the numbers are codes: --categorical c"
    assert plan_column(Column.of("c", codes, asked="labels")).use.width == 3


LISTS = [[1.0, 2.0, 7.0], [3.0, 4.0, 7.0], [5.0, 6.0, 7.0]]


@pytest.mark.parametrize("type_", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.int16(), 3)])
def test_lists_become_one_column_per_entry(type_: pa.DataType) -> None:
    varying = [[*row[:2], i] for i, row in enumerate(LISTS)]
    array, names, words = convert(chunked(varying, type_), "emb")
    np.testing.assert_array_equal(array, varying)
    assert names == ("emb[0]", "emb[1]", "emb[2]")
    assert words == "3 entries, one column each"


def test_constant_entries_of_a_list_are_left_out() -> None:
    plan = plan_column(Column.of("emb", chunked(LISTS, pa.list_(pa.float64()))))
    assert plan.names == ("emb[0]", "emb[1]")
    assert describe_group("x", [plan]) == ("x: 1 of the 3 entries of 'emb' are constant and were left out",)
    same = plan_column(Column.of("emb", chunked([LISTS[0]] * 4, pa.list_(pa.float64()))))
    assert (same.use.width, same.constant) == (0, "one list of 3 numbers")


def test_tensors_are_lists() -> None:
    storage = pa.array([[1, 2, 3, 4], [5, 6, 7, 8]], pa.list_(pa.int32(), 4))
    tensors = pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.int32(), [2, 2]), storage)
    np.testing.assert_array_equal(convert(pa.chunked_array([tensors]))[0], [[1, 2, 3, 4], [5, 6, 7, 8]])


@pytest.mark.parametrize(
    ("values", "type_", "message"),
    [
        ([[1.0], [1.0, 2.0]], pa.list_(pa.float64()), "lists of different lengths: 1 and 2 (row 1)"),
        ([[], []], pa.list_(pa.float64()), "holds empty lists"),
        ([[[1.0]], [[2.0]]], pa.list_(pa.list_(pa.float64())), "has the type list<"),
        ([["a"], ["b"]], pa.list_(pa.string()), "has the type list<"),
        ([{"p": 1}, {"p": 2}], pa.struct([("p", pa.int64())]), "has the type struct<p: int64>"),
        ([[("k", 1)], []], pa.map_(pa.string(), pa.int64()), "has the type map<string, int64>"),
        ([b"\xff", b"a"], pa.binary(), "holds bytes, not UTF-8 text"),
        ([b"ab", b"cd"], pa.binary(2), "holds bytes, not UTF-8 text"),
        ([(1, 2, 3), (4, 5, 6)], pa.month_day_nano_interval(), "has the type month_day_nano_interval"),
    ],
)
def test_columns_that_hold_neither_numbers_nor_categories(values: list, type_: pa.DataType, message: str) -> None:
    with pytest.raises(DataError) as caught:
        plan_column(Column.of("c", chunked(values, type_)))
    assert message in str(caught.value)
    assert caught.value.hint


YEAR_20000 = 6_600_000
ODD_LEVELS = [
    pa.array([1, 2], pa.timestamp("ns", "Mars/Base")),
    pa.array([YEAR_20000, YEAR_20000 + 1], pa.date32()),
    pa.array([decimal.Decimal("0.5"), decimal.Decimal("1.5")], pa.decimal32(5, 1)),
]


@pytest.mark.parametrize("levels", ODD_LEVELS, ids=[str(levels.type) for levels in ODD_LEVELS])
def test_categories_of_values_that_python_does_not_know_are_refused(levels: pa.Array) -> None:
    codes = pa.array([0, 1, 0, 1, 1], pa.int8())
    with pytest.raises(DataError, match=r"column 'c' is a category whose levels, of the type .*, cannot be used"):
        plan_column(Column.of("c", pa.chunked_array([pa.DictionaryArray.from_arrays(codes, levels)])))


@pytest.mark.parametrize(
    ("levels", "type_"),
    [((0.5, 1.5), pa.float16()), (("u", "v"), pa.string_view()), (("u", "v"), pa.large_string())],
)
def test_categories_of_types_with_which_arrow_does_little(levels: tuple, type_: pa.DataType) -> None:
    values = pa.array(levels).cast(type_)
    category = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int8()), values)
    array, names, _ = convert(pa.chunked_array([category]))
    assert (names, array[:, 0].tolist()) == ((f"c={levels[1]}",), [0, 1, 0])


def test_dates_far_in_the_future_are_numbers() -> None:
    far = pa.array([YEAR_20000, YEAR_20000 + 1], pa.int32()).cast(pa.date32())
    np.testing.assert_array_equal(convert(pa.chunked_array([far]))[0][:, 0], [YEAR_20000, YEAR_20000 + 1])
    assert plan_column(Column.of("c", pa.chunked_array([far[:1]]))).constant


@pytest.mark.parametrize(
    ("values", "type_", "held"),
    [
        ([3.0, 3.0], pa.float64(), "3.0"),
        ([7, 7], pa.int64(), "7"),
        ([True, True], pa.bool_(), "True"),
        (["p", "p"], pa.string(), "'p'"),
        ([DAY, DAY], pa.timestamp("ns", "Mars/Base"), "2004-03-10 18:00:00.000000000"),
        ([dt.timedelta(seconds=2)] * 2, pa.duration("ns"), "2000000000 ns"),
        ([decimal.Decimal("1.50")] * 2, pa.decimal128(5, 2), "1.5"),
        ([dt.date(2004, 3, 10)] * 2, pa.date32(), "2004-03-10"),
    ],
)
def test_constant_columns_are_left_out(values: list, type_: pa.DataType, held: str) -> None:
    plan = plan_column(Column.of("c", chunked(values, type_)))
    assert (plan.use.width, plan.constant, plan.names) == (0, held, ())


def test_what_was_done_is_said_in_few_sentences() -> None:
    plans = [plan_column(Column.of(f"t{i}", chunked(list("uvuvuv"), pa.string()))) for i in range(8)]
    plans += [
        plan_column(Column.of("flag", chunked([True, False], pa.bool_()))),
        plan_column(Column.of("day", chunked([dt.date(2000, 1, 1), dt.date(2000, 1, 2)], pa.date32()))),
        plan_column(Column.of("length", chunked([1, 2], pa.duration("s")))),
        plan_column(Column.of("n", chunked([1, 2], pa.int32()))),
    ]
    notes = describe_group("x", plans)
    assert notes[0].startswith("x: used as categories (0/1 columns): 't0' (1 for 'v', 0 for 'u'), 't1'")
    assert notes[0].endswith(" and 2 more")
    assert notes[1:] == (
        "x: used as 0/1: 'flag' (0 or 1)",
        "x: used in days since 1970-01-01: 'day'",
        "x: used in seconds: 'length'",
    )


def test_columns_of_different_chunking_stand_side_by_side() -> None:
    # More rows than one batch of three columns holds, so that batches and both chunkings cut at different rows.
    n = 700_001
    i = np.arange(n)
    columns = [
        pa.chunked_array([i[:5], i[5:]]),
        pa.chunked_array([(i % 3)[:400_000] * 0.5, (i % 3)[400_000:] * 0.5]),
        pa.chunked_array([pa.array(np.array(["u", "v"])[i % 2])]),
    ]
    values = build_array(columns, [plan_column(Column.of("c", column)) for column in columns])
    np.testing.assert_array_equal(values, np.column_stack([i, (i % 3) * 0.5, i % 2]))
