"""Values that float64 cannot hold: exact by a shift, or said, or refused; never constant where they differ."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minecli.errors import DataError
from minecli.tables.arrays import build_array, describe_group, plan_column
from minecli.tables.kinds import Column, Plan

MOST = 2**53


def chunked(values: list, type_: pa.DataType) -> pa.ChunkedArray:
    """Chunks of one value, of none, and of the others."""
    return pa.chunked_array([values[:1], [], values[1:]], type=type_)


def planned(values: list, type_: pa.DataType, **how) -> tuple[Plan, np.ndarray]:
    column = chunked(values, type_)
    plan = plan_column(Column.of("id", column), **how)
    return plan, build_array([column], [plan])


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([2**60 + i for i in (2, 0, 1)], pa.int64()),
        ([2**60 + i for i in (2, 0, 1)], pa.uint64()),
        ([2**63 + 5, 2**63 + 4], pa.uint64()),
        ([2**64 - 1, 2**64 - 1 - MOST, 2**64 - 7], pa.uint64()),
        ([-(2**63), -(2**63) + 1, -(2**63) + MOST], pa.int64()),
        ([2**63 - 1, 2**63 - 2], pa.int64()),
        ([MOST + 1, 5], pa.int64()),
        ([-1, -5, -MOST + 3, -MOST - 1], pa.int64()),
    ],
)
def test_integers_that_lie_close_together_are_exact(values: list[int], type_: pa.DataType) -> None:
    plan, array = planned(values, type_)
    low = min(values)
    assert array[:, 0].tolist() == [value - low for value in values]
    assert plan.use.encoding == f"minus {low}"
    said = f"x: 'id' holds integers beyond 2^53: used as the difference to its minimum {low}, exactly"
    assert said in describe_group("x", [plan])


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.lists(st.integers(0, MOST), min_size=1, max_size=20))
def test_no_difference_overflows(start: int, steps: list[int]) -> None:
    values = [min(start + step, 2**63 - 1) for step in (0, *steps)]
    plan, array = planned(values, pa.int64())
    if len(set(values)) == 1:
        assert plan.constant == str(values[0])
    else:
        shift = min(values) if plan.use.encoding.startswith("minus") else 0
        assert array[:, 0].tolist() == [value - shift for value in values]


@pytest.mark.parametrize("values", [[MOST, 0, 1], [-MOST, 5], [MOST, -MOST, 1]])
def test_integers_that_float64_holds_are_as_they_are(values: list[int]) -> None:
    plan, array = planned(values, pa.int64())
    assert (plan.use.encoding, plan.remarks) == ("as it is", ())
    assert array[:, 0].tolist() == values


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0, MOST, MOST + 1], ": of 3 different values 2 remain"),
        ([-1, MOST, MOST + 1, MOST + 2, MOST], ": of 4 different values 3 remain"),
        ([-(2**63), 2**63 - 1], ""),
        ([-(2**63), 2**63 - 1, 2**63 - 2, 2**63 - 3], ": of 4 different values 2 remain"),
    ],
)
def test_how_many_values_are_lost_is_said(values: list[int], said: str) -> None:
    plan, array = planned(values, pa.int64())
    assert plan.remarks == (f"column 'id' holds integers beyond 2^53, which float64 rounds{said}",)
    np.testing.assert_array_equal(array[:, 0], np.array(values, np.float64))


@pytest.mark.parametrize("type_", [pa.int64(), pa.uint64()])
def test_without_a_shift_what_cannot_be_told_apart_is_refused(type_: pa.DataType) -> None:
    with pytest.raises(DataError) as caught:
        planned([2**60, 2**60 + 1, 2**60 + 2], type_, exact_shift=False)
    assert caught.value.problem == (
        "column 'id' holds 3 different values, which float64 cannot tell apart: all become one number"
    )
    assert caught.value.hint == f"subtract the least, {2**60}, from all of them"
    plan, array = planned([2**60, 2**60 + 1, 2**61], type_, exact_shift=False)
    assert plan.remarks == (
        "column 'id' holds integers beyond 2^53, which float64 rounds: of 3 different values 2 remain",
    )
    assert array[:, 0].tolist() == [2.0**60, 2.0**60, 2.0**61]


@pytest.mark.parametrize("exact_shift", [True, False])
@pytest.mark.parametrize(
    ("value", "type_", "held"),
    [
        (2**60 + 1, pa.int64(), str(2**60 + 1)),
        (2**64 - 1, pa.uint64(), str(2**64 - 1)),
        (-(2**63), pa.int64(), str(-(2**63))),
        (Decimal(10**30 + 1), pa.decimal128(38), "1e+30"),
        (Decimal("0.5"), pa.decimal256(60, 2), "0.5"),
        ([2**60 + 1, 2], pa.list_(pa.int64()), "one list of 2 numbers"),
        (-0.0, pa.float64(), "-0.0"),
        (dt.timedelta(1), pa.duration("us"), "86400000000 us"),
    ],
)
def test_constant_is_what_is_equal_as_stored(value, type_: pa.DataType, held: str, exact_shift: bool) -> None:
    plan, array = planned([value] * 4, type_, exact_shift=exact_shift)
    assert (plan.constant, array.shape) == (held, (4, 0))


@pytest.mark.parametrize("type_", [pa.decimal128(38, 2), pa.decimal256(60, 2)])
def test_decimals_of_many_digits(type_: pa.DataType) -> None:
    near = [Decimal(10**20) + Decimal(i) / 100 for i in range(3)]
    with pytest.raises(DataError, match=r"'id' holds 3 different values, which float64 cannot tell apart") as caught:
        planned(near, type_)
    assert caught.value.hint == "subtract the least, 100000000000000000000.00, from all of them"
    plan, array = planned([*near, Decimal(5)], type_)
    said = "column 'id' holds decimals of more digits than float64 has: of 4 different values 2 remain"
    assert plan.remarks == (said,)
    assert array[:, 0].tolist() == [1e20, 1e20, 1e20, 5.0]
    # Many digits that float64 tells apart are no loss.
    assert planned([Decimal(10**20), Decimal(10**19), Decimal("0.01")], type_)[0].remarks == ()


@pytest.mark.parametrize("type_", [pa.decimal32(9, 2), pa.decimal64(18, 2)])
def test_narrow_decimals(type_: pa.DataType) -> None:
    plan, array = planned([Decimal("1.25"), Decimal("-3.5")], type_)
    assert (plan.remarks, array[:, 0].tolist()) == ((), [1.25, -3.5])


@pytest.mark.parametrize("type_", [pa.list_(pa.int64()), pa.large_list(pa.uint64()), pa.list_(pa.int64(), 4)])
def test_entries_of_lists_are_shifted_each_by_its_own_minimum(type_: pa.DataType) -> None:
    rows = [[2**60 + i, i, 7, 2**61 - i] for i in range(5)]
    plan, array = planned(rows, type_)
    assert plan.names == ("id[0]", "id[1]", "id[3]")
    assert array.tolist() == [[i, i, 4 - i] for i in range(5)]
    assert plan.remarks == (
        "1 of the 4 entries of 'id' are constant and were left out",
        "2 entries of 'id' hold integers beyond 2^53: used as the differences to their minima, exactly",
    )
    with pytest.raises(DataError, match=r"'id\[0\]' holds 5 different values, which float64 cannot tell apart"):
        planned(rows, type_, exact_shift=False)


def test_entries_of_lists_that_lie_far_apart_are_said() -> None:
    plan, array = planned([[0, 1], [MOST, 2], [MOST + 1, 3]], pa.list_(pa.int64()))
    assert plan.remarks == (
        "column 'id[0]' holds integers beyond 2^53, which float64 rounds: of 3 different values 2 remain",
    )
    assert array.tolist() == [[0, 1], [MOST, 2], [MOST, 3]]
    # A constant entry beyond 2^53 is only that.
    plan, array = planned([[2**60 + 1, i] for i in range(3)], pa.list_(pa.int64()))
    assert (plan.names, array.tolist()) == (("id[1]",), [[0], [1], [2]])
    assert plan.remarks == ("1 of the 2 entries of 'id' are constant and were left out",)


NOW = 1_700_000_000 * 10**9


def test_times_of_nanoseconds() -> None:
    with pytest.raises(DataError, match="'id' holds 3 different values, which float64 cannot tell apart") as caught:
        planned([NOW, NOW + 1, NOW + 2], pa.timestamp("ns"))
    assert caught.value.hint == "use the time since the first of them"
    plan, _ = planned([NOW, NOW + 1, NOW + 10**9], pa.timestamp("ns", "Mars/Base"))
    said = "column 'id' holds times that lie closer together than float64 can tell: of 3 different values 2 remain"
    assert plan.remarks == (said,)
    for values, unit in (([NOW, NOW + 1000, NOW + 2000], "ns"), ([NOW // 1000, NOW // 1000 + 1], "us")):
        plan, array = planned(values, pa.timestamp(unit))
        assert (plan.remarks, len(np.unique(array))) == ((), len(values))
    assert planned([2**62, 2**62 + 1, 5], pa.duration("ns"))[0].remarks
    assert planned([2**40, 2**40 + 1, 5], pa.duration("ns"))[0].remarks == ()
