"""Many short columns at once: word for word what is said of each by itself."""

from __future__ import annotations

import datetime as dt
import decimal
import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minecli.tables.asked_kinds import AskedKinds
from minecli.tables.column_summary import describe
from minecli.tables.side_by_side import describe_all

NAN, INF = float("nan"), float("inf")


def every_kind_of_column(rows: int, seed: int = 0) -> dict[str, pa.Array]:
    """Columns of each type, so many of which vary, repeat, are constant, or lack values that each rule has a case."""
    rng = np.random.default_rng(seed)
    draws, whole = rng.standard_normal(rows), rng.integers(-50, 50, rows)
    gaps = rng.random(rows) < 0.2
    words = np.array(["red", "green", "blue"])[rng.integers(0, 3, rows)]
    columns = {
        "float64": draws,
        "float32": draws.astype(np.float32),
        "float16": draws.astype(np.float16),
        "rounded": draws.round(1),
        "heap": np.maximum(draws, 0.0),
        "NaN and null": pa.array(np.where(gaps, NAN, draws), mask=np.roll(gaps, 1)),
        "infinite": np.where(np.arange(rows) == rows // 2, -INF, draws),
        "infinite under a null": pa.array(np.full(rows, INF), mask=np.ones(rows, bool)),
        "nulls of float": pa.nulls(rows, pa.float64()),
        "negative zero": np.where(gaps, 0.0, -0.0),
        "constant": np.full(rows, 2.5),
        "constant with gaps": pa.array(np.full(rows, 7), mask=gaps),
        "int8": whole.astype(np.int8),
        "uint8": np.abs(whole).astype(np.uint8),
        "int with gaps": pa.array(whole, mask=gaps),
        "int32": (whole * 1000).astype(np.int32),
        "uint64": pa.array([2**64 - 1 - i % 7 for i in range(rows)], pa.uint64()),
        "beyond 2^53": np.where(gaps, 2**60, 1),
        "largest": np.where(gaps, 2**63 - 1, 2**63 - 2),
        "labels": np.arange(rows) % 5,
        "two": np.arange(rows) % 2,
        "boolean": draws > 0,
        "boolean with gaps": pa.array(draws > 0, mask=gaps),
        "always": np.ones(rows, bool),
        "date": pa.array(whole.astype(np.int32)).view(pa.date32()),
        "date64": pa.array(whole * 86_400_000).view(pa.date64()),
        "far date": pa.array(np.where(gaps, 10_000_000, 1).astype(np.int32)).view(pa.date32()),
        "timestamp": pa.array(whole * 10**15, mask=gaps).view(pa.timestamp("us")),
        "zone": pa.array(whole * 10**6).view(pa.timestamp("ms", "Asia/Tokyo")),
        "close": pa.array(10**18 + whole % 3).view(pa.timestamp("ns")),
        "duration": pa.array(whole, mask=gaps).view(pa.duration("ms")),
        "time": pa.array(np.abs(whole).astype(np.int32)).view(pa.time32("s")),
        "time64": pa.array(np.abs(whole) * 1001).view(pa.time64("ns")),
        "decimal": pa.array([decimal.Decimal(int(v)) / 4 for v in whole], pa.decimal128(20, 2)),
        "text": pa.array(words, mask=gaps),
        "large text": pa.array(words, pa.large_string()),
        "view": pa.array(words.tolist(), pa.string_view()),
        "two words": np.where(gaps, "yes", "no"),
        "one word": np.full(rows, "it's"),
        "codes": np.where(gaps, "A1", "B2"),
        "numbers as text": np.char.add(whole.astype(str), " kg"),
        "a few numbers as text": np.where(gaps, "5", "none"),
        "names": np.array([f"name {i}" for i in range(rows)]),
        "nulls of text": pa.nulls(rows, pa.string()),
        "empty text": np.where(gaps, "", "x"),
        "category": pa.array(words, mask=gaps).dictionary_encode(),
        "category of numbers": pa.array(whole.astype(str)).dictionary_encode(),
        "category of floats": pa.array(draws.round()).dictionary_encode(),
        "list": pa.array(list(rng.standard_normal((rows, 3)))),
        "tensor": pa.ExtensionArray.from_storage(
            pa.fixed_shape_tensor(pa.float32(), (2,)),
            pa.FixedSizeListArray.from_arrays(pa.array(rng.standard_normal(2 * rows), pa.float32()), 2),
        ),
        "ragged": pa.array([[1.0] * (i % 2 + 1) for i in range(rows)]),
        "nothing": pa.nulls(rows),
        "struct": pa.array([{"a": 1}] * rows),
        "bytes": pa.array([b"\xff"] * rows),
        "interval": pa.array([pa.MonthDayNano([1, 2, 3])] * rows),
    }
    return {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}


def in_chunks(column: pa.Array, cuts: list[int]) -> pa.ChunkedArray:
    ends = [0, *sorted(cuts), len(column)]
    return pa.chunked_array([column.slice(a, b - a) for a, b in itertools.pairwise(ends)], column.type)


def assert_same(table: pa.Table, asked: AskedKinds) -> None:
    found = describe_all(table, asked)
    for name, summary in zip(table.column_names, found, strict=True):
        alone = describe(name, table.column(name), asked.of(name))
        # The same to the letter: True is no 1, and -0.0 no 0.0.
        assert repr(summary) == repr(alone)


@pytest.mark.parametrize("rows", [1, 2, 3, 10, 200, 1000])
@pytest.mark.parametrize("block", [1, 1 << 22])
def test_each_as_alone(monkeypatch, rows: int, block: int) -> None:
    monkeypatch.setattr("minecli.tables.side_by_side._BLOCK_BYTES", block)
    columns = {f"{name} {seed}": c for seed in range(2) for name, c in every_kind_of_column(rows, seed).items()}
    cuts = [rows // 3, rows // 2, rows // 2]
    assert_same(pa.table({name: in_chunks(column, cuts) for name, column in columns.items()}), AskedKinds())


def test_each_as_alone_where_somebody_says_what_it_is() -> None:
    columns = every_kind_of_column(100)
    for asked in (AskedKinds(labels=dict.fromkeys(columns, True)), AskedKinds(numbers=dict.fromkeys(columns, False))):
        assert_same(pa.table(columns), asked)


def test_long_columns() -> None:
    assert_same(pa.table(every_kind_of_column(12_000)), AskedKinds())


def test_columns_far_larger_than_others(monkeypatch) -> None:
    monkeypatch.setattr("minecli.tables.side_by_side._MOST_BYTES", 2000)
    assert_same(pa.table(every_kind_of_column(100)), AskedKinds())


USUAL = [
    "float64", "float32", "float16", "rounded", "heap", "infinite", "constant", "int8", "uint8", "int32", "labels",
    "two", "boolean", "always", "date", "date64", "timestamp", "zone", "duration", "time", "time64", "text", "codes",
    "category",
]  # fmt: skip


def test_usual_columns_need_no_look_of_their_own(monkeypatch) -> None:
    def refuse(name: str, *_: object) -> None:
        raise AssertionError(f"{name} was described by itself")

    monkeypatch.setattr("minecli.tables.side_by_side.describe", refuse)
    columns = every_kind_of_column(100)
    found = describe_all(pa.table({name: columns[name] for name in USUAL}), AskedKinds())
    assert [summary.name for summary in found] == USUAL


def test_damaged_text_spoils_no_other_column() -> None:
    damaged = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff", b"a"]).buffers())
    table = pa.table({"a": pa.array(["u", "u"]), "b": damaged})
    assert_same(table, AskedKinds())
    assert "UTF-8" in describe_all(table, AskedKinds())[1].encoding


numbers = st.one_of(st.none(), st.floats(width=32), st.sampled_from([0.0, 1.0, 2.0, INF, NAN]))
words = st.one_of(
    st.none(), st.sampled_from(["a", "b", "", "5", "3 kg", "1st", "Jan 2020", "½", "٣"]), st.text(max_size=3)
)
days = st.one_of(st.none(), st.dates(dt.date(1, 1, 1)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_they_hold(data) -> None:
    rows = data.draw(st.integers(1, 40))

    def some(values, type_) -> pa.Array:
        return pa.array(data.draw(st.lists(values, min_size=rows, max_size=rows)), type_)

    columns = {
        "f": some(numbers, pa.float32()),
        "g": some(numbers, pa.float64()),
        "i": some(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 3)), pa.int64()),
        "t": some(words, pa.string()),
        "c": some(words, pa.string()).dictionary_encode(),
        "d": some(days, pa.date32()),
        "b": some(st.one_of(st.none(), st.booleans()), pa.bool_()),
    }
    assert_same(pa.table(columns), AskedKinds())
