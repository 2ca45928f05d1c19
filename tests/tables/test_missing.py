"""Missing and infinite values in every kind of Arrow column."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minecli.errors import DataError
from minecli.tables.missing import Absence, find_missing, missing_rows, refuse_infinite, refuse_missing

NAN = float("nan")
INF = float("inf")


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([1.0, None, NAN, 2.0], pa.float64()),
        ([1.0, None, NAN, 2.0], pa.float32()),
        ([np.float16(1), None, np.float16(NAN), np.float16(2)], pa.float16()),
        ([1, None, None, 2], pa.int64()),
        (["u", None, None, "v"], pa.string()),
        ([True, None, None, False], pa.bool_()),
        ([dt.date(2000, 1, 1), None, None, dt.date(2000, 1, 2)], pa.date32()),
        ([[1.0, 2.0], None, [1.0, None], [1.0, 2.0]], pa.list_(pa.float64())),
        ([[1.0, 2.0], [NAN, 2.0], [1.0, None], [1.0, 2.0]], pa.list_(pa.float64(), 2)),
        ([[1.0, 2.0], None, [NAN, 2.0], [1.0, 2.0]], pa.large_list(pa.float32())),
        ([[1, 2], None, [None, 2], [1, 2]], pa.list_(pa.int64())),
    ],
)
def test_missing_rows_by_type(values: list, type_: pa.DataType) -> None:
    for column in (pa.chunked_array([values], type_), pa.chunked_array([values[:2], [], values[2:]], type_)):
        rows = missing_rows(column)
        assert rows is not None
        assert rows.tolist() == [False, True, True, False]
    sliced = pa.chunked_array([pa.array(values, type_)[1:3]])
    assert missing_rows(sliced).tolist() == [True, True]
    assert missing_rows(pa.chunked_array([[values[0], values[3]]], type_)) is None


def test_a_null_inside_a_dictionary_is_missing() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array(["u", None]))
    assert missing_rows(pa.chunked_array([array])).tolist() == [False, True, True, False]


def test_a_column_of_nothing() -> None:
    assert missing_rows(pa.chunked_array([pa.nulls(3)])).tolist() == [True] * 3


def test_the_union_of_columns_is_counted_once() -> None:
    absence = find_missing({"a": pa.chunked_array([[1, None, 3]]), "b": pa.chunked_array([[None, None, 3.0]])})
    assert dict(absence.counts) == {"a": 1, "b": 2}
    assert absence.dropped == 2


def test_many_columns_are_not_all_listed() -> None:
    refuse_missing(Absence(None, {}), 5)
    with pytest.raises(DataError, match="'c5' 1 and 2 more columns"):
        refuse_missing(Absence(np.array([True]), {f"c{i}": 1 for i in range(8)}), 5)


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([1.0, None, INF, -INF], pa.float64()),
        ([1.0, NAN, INF, -INF], pa.float32()),
        ([np.float16(1), None, np.float16(INF), np.float16(-INF)], pa.float16()),
        ([[1.0, 1.0], None, [INF, 1.0], [NAN, -INF]], pa.list_(pa.float64())),
        ([[1.0, 1.0], None, [INF, INF], [1.0, -INF]], pa.list_(pa.float64(), 2)),
    ],
)
def test_infinite_values_are_counted_and_placed(values: list, type_: pa.DataType) -> None:
    column = pa.chunked_array([values[:2], values[2:]], type_)
    with pytest.raises(DataError) as caught:
        refuse_infinite({"ok": pa.chunked_array([[1, 2, 3, 4]]), "a": column, "b": column})
    assert "column 'a' holds 2 infinite values, the first in row 2 (counted from 0); also in 'b'" in str(caught.value)
    refuse_infinite({"ok": pa.chunked_array([[1.0, None, 1e308, 4]])})


maybe_floats = st.lists(st.one_of(st.none(), st.floats()), min_size=1, max_size=20)


@settings(deadline=None)
@given(maybe_floats, st.integers(0, 20))
def test_missing_is_null_or_nan(values: list[float | None], cut: int) -> None:
    rows = missing_rows(pa.chunked_array([values[:cut], values[cut:]], pa.float64()))
    expected = [v is None or v != v for v in values]
    assert (rows.tolist() if rows is not None else [False] * len(values)) == expected
