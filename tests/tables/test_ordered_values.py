"""The values of a column in their order: counted where few are different, else gathered and sorted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from minecli.tables.ordered_values import Tally, as_arrow, is_ordered, ordered, plainly_stored
from minecli.tables.value_kinds import value_kind


def tallied(*chunks: pa.Array) -> Tally:
    tally = Tally()
    for chunk in chunks:
        tally.add(chunk)
    return tally


def draws(rows: int, digits: int) -> np.ndarray:
    return np.random.default_rng(digits).standard_normal(rows).round(digits)


@pytest.mark.parametrize("digits", [0, 1, 2, 3, 4, 9])
@pytest.mark.parametrize("most", [1, 100, 1 << 12])
def test_counted_or_sorted_they_are_the_same(monkeypatch, digits: int, most: int) -> None:
    monkeypatch.setattr("minecli.tables.ordered_values._MOST_COUNTED", most)
    monkeypatch.setattr("minecli.tables.ordered_values._SLICE_ROWS", 777)
    values = draws(20_000, digits)
    found = tallied(*(pa.array(part) for part in np.split(values, [5, 5, 9000]))).ordered()
    assert len(found) == len(values)
    assert np.array_equal(found.repeated(), np.sort(values))
    assert found.distinct == len(np.unique(values))
    assert (found.counts is not None) == (found.distinct <= most)
    assert found.kind(np.asarray) is value_kind(values)


def test_missing_and_infinite_values_are_told_apart() -> None:
    tally = tallied(pa.array([1.0, None, float("nan")]), pa.array([], pa.float64()), pa.array([float("inf"), 2.0]))
    assert (tally.missing, tally.infinite) == (2, True)
    assert tally.ordered().values.tolist() == [1.0, 2.0, float("inf")]


def test_nothing_is_empty() -> None:
    assert len(Tally().ordered()) == 0
    assert tallied(pa.nulls(3, pa.int8())).ordered().distinct == 0


def test_values_that_become_one_float64_are_one_level_of_their_kind() -> None:
    close = ordered([np.arange(2**60, 2**60 + 900), np.array([-(2**60)])])
    assert close.distinct == 901
    assert close.kind(lambda values: values.astype(np.float64)) is value_kind(close.values.astype(np.float64))


@pytest.mark.parametrize(
    "array",
    [
        pa.array([True, False]),
        pa.array([1.5, -2.0], pa.float16()),
        pa.array([2**64 - 1, 0], pa.uint64()),
        pa.array([1, 2], pa.int32()).view(pa.time32("ms")),
        pa.array([1, 2]).view(pa.timestamp("ns", "UTC")),
        pa.array([1, 2]).view(pa.duration("s")),
    ],
    ids=lambda array: str(array.type),
)
def test_stored_and_back(array: pa.Array) -> None:
    assert is_ordered(array.type)
    assert as_arrow(plainly_stored(array), array.type).equals(array)


def test_others_have_no_order_here() -> None:
    for type_ in (pa.string(), pa.decimal128(5, 2), pa.month_day_nano_interval(), pa.null(), pa.list_(pa.int8())):
        assert not is_ordered(type_)


def test_a_stream_is_not_held_twice() -> None:
    rows, before, tally = 1 << 18, pa.total_allocated_bytes(), Tally()
    for i in range(8):
        # Arrow's own memory, unlike that of an array of NumPy's.
        tally.add(pc.negate(pa.array(draws(rows, 12 + i))))
    held = pa.total_allocated_bytes() - before
    assert held >= 7 * 8 * rows
    assert len(tally.ordered()) == 8 * rows
    assert pa.total_allocated_bytes() - before < held / 8
