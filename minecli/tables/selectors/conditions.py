"""What a condition over the columns of a table computes: Arrow values compared, reckoned with, and combined.

A value that is missing makes everything that is computed from it missing: a comparison with it is neither true nor
false. NaN is missing, as everywhere here, and so is the result of 0/0. `and` and `or` are those of SQL: false and
missing is false, true or missing is true.

Numbers, truths (0 and 1 where they meet numbers) and spans of time (seconds) can be compared with one another; text
with text by its code points; dates and timestamps with one another and with ISO texts, those with a time zone by their
clock in UTC.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import UsageError
from minecli.tables.kinds import UNITS_PER_SECOND, decoded

OPTION = "--where"
_INT64 = range(-(2**63), 2**63)
_AS_TEXT = {"moment": "a date, as in '2024-01-31' or '2024-01-31 18:30:00'", "time": "a time, as in '18:30:00'"}

Kind = Literal["number", "text", "truth", "moment", "time", "nothing", "other"]


class Value(NamedTuple):
    """An Arrow scalar or chunked array, what kind of values it holds, and how messages call it."""

    data: Any
    kind: Kind
    said: str


def of_column(name: str, column: Any) -> Value:
    """The values of a column in the form in which they are compared."""
    types, said = pa.types, f"column '{name}' ({column.type})"
    column = decoded(column)
    type_ = column.type
    if types.is_floating(type_):
        return Value(_without_nan(column.cast(pa.float32()) if types.is_float16(type_) else column), "number", said)
    if types.is_integer(type_) or types.is_decimal(type_):
        return Value(column, "number", said)
    if types.is_duration(type_):
        return Value(pc.divide(_floats(column.cast(pa.int64())), float(UNITS_PER_SECOND[type_.unit])), "number", said)
    if types.is_boolean(type_):
        return Value(column, "truth", said)
    if types.is_string(type_) or types.is_large_string(type_):
        return Value(column, "text", said)
    if types.is_date(type_) or types.is_timestamp(type_):
        fine = types.is_timestamp(type_) and type_.unit == "ns"
        return Value(_called(lambda: column.cast(pa.timestamp("ns" if fine else "us")), said), "moment", said)
    if types.is_time(type_):
        return Value(column, "time", said)
    return Value(column, "nothing" if types.is_null(type_) else "other", said)


def of_constant(value: bool | int | float | str) -> Value:
    """A number, truth or text that was written down.

    >>> of_constant(3).kind, of_constant("3").kind, of_constant(True).kind
    ('number', 'text', 'truth')
    """
    if isinstance(value, bool):
        return Value(pa.scalar(value), "truth", str(value))
    if isinstance(value, str):
        return Value(pa.scalar(value), "text", f"the text {value!r}")
    exact = value if isinstance(value, float) or value in _INT64 else _nearest(value)
    return Value(pa.scalar(exact), "number", f"the number {value}")


def compared(function: str, left: Value, right: Value) -> Value:
    """Whether values compare as a `function` of pyarrow says. Raises UsageError where they cannot be compared."""
    if "nothing" in (left.kind, right.kind):
        return _truths(pa.scalar(None, pa.bool_()))
    a, b = _alike(left, right)
    compare = getattr(pc, function)
    if left.kind in ("number", "truth"):
        return _truths(_exactly_or_by_floats(compare, a, b))
    return _truths(_called(lambda: compare(a, b), left.said))


def one_of(value: Value, constants: Sequence[Value]) -> Value:
    """Whether values are among constants; missing where they are missing."""
    if value.kind == "nothing":
        return _truths(pa.scalar(None, pa.bool_()))
    data, members = value.data, [_alike(value, constant)[1] for constant in constants]
    if value.kind in ("number", "truth"):
        data = _number(value)
        whole = all(pa.types.is_integer(each.type) for each in (data, *members))
        # Adding 0 makes -0.0 one with 0.0, which a look-up tells apart.
        data, *members = [
            pc.cast(each, pa.int64()) if whole else pc.add(_floats(each), 0.0) for each in (data, *members)
        ]
    among = pa.array([member.cast(data.type) for member in members], data.type)
    return _truths(pc.if_else(pc.is_null(data), pa.scalar(None, pa.bool_()), pc.is_in(data, value_set=among)))


def missing(value: Value) -> Value:
    """Whether values are missing."""
    return _truths(pc.is_null(value.data))


def all_of(values: Sequence[Value], hint: str = "") -> Value:
    """Whether all are true. Raises UsageError for what is neither true nor false, with a `hint` on that."""
    return _truths(functools.reduce(pc.and_kleene, [_truth(value, hint) for value in values]))


def any_of(values: Sequence[Value], hint: str = "") -> Value:
    """Whether one of them is true. Raises UsageError for what is neither true nor false, with a `hint` on that."""
    return _truths(functools.reduce(pc.or_kleene, [_truth(value, hint) for value in values]))


def negated(value: Value) -> Value:
    """Whether it is false. Raises UsageError for what is neither true nor false."""
    return _truths(pc.invert(_truth(value)))


def reckoned(symbol: str, left: Value, right: Value) -> Value:
    """Two numbers put together by + - * or /. Whole numbers stay whole, but for / and where they grow too large.

    Raises UsageError for what is no number.

    >>> reckoned("/", of_constant(1), of_constant(2)).data.as_py()
    0.5
    """
    for value in (left, right):
        if value.kind not in ("number", "truth", "nothing"):
            raise UsageError(
                f"{OPTION}: {value.said} is no number, and {symbol} takes numbers", hint="as in (a + b) / 2 > c"
            )
    a, b = (_wide(_number(value)) for value in (left, right))
    if symbol == "/":
        result = pc.divide(_floats(a), _floats(b))
    else:
        function = {"+": pc.add_checked, "-": pc.subtract_checked, "*": pc.multiply_checked}[symbol]
        result = _exactly_or_by_floats(function, a, b)
    return Value(_without_nan(result), "number", f"the result of {symbol}")


def _alike(left: Value, right: Value) -> tuple[Any, Any]:
    """The data of both in one form."""
    if {left.kind, right.kind} <= {"number", "truth"}:
        return _number(left), _number(right)
    if left.kind == right.kind != "other":
        return left.data, right.data
    if left.kind in _AS_TEXT and right.kind == "text" and isinstance(right.data, pa.Scalar):
        return left.data, _read(right, left)
    if right.kind in _AS_TEXT and left.kind == "text" and isinstance(left.data, pa.Scalar):
        return _read(left, right), right.data
    raise _mismatch(left, right)


def _read(text: Value, like: Value) -> Any:
    """A text as a date or time such as `like` holds."""
    wanted = like.data.type
    if like.kind == "time":
        with contextlib.suppress(ValueError, pa.ArrowException):
            return pa.scalar(datetime.time.fromisoformat(text.data.as_py()), wanted)
    else:
        # A text with an offset is a moment of its own; one without is read by the column's clock, which is UTC's.
        for type_ in (wanted, pa.timestamp(wanted.unit, "UTC")):
            with contextlib.suppress(pa.ArrowException):
                return text.data.cast(type_).cast(wanted)
    raise UsageError(f"{OPTION}: {like.said} cannot be compared with {text.said}", hint=f"give {_AS_TEXT[like.kind]}")


def _mismatch(left: Value, right: Value) -> UsageError:
    hint = "columns of lists, records or bytes can only be tested by is None"
    if "other" not in (left.kind, right.kind):
        hint = "both sides must be numbers, both text, or both dates"
    for one, other in ((left, right), (right, left)):
        if one.kind == "text" and other.kind == "number" and isinstance(other.data, pa.Scalar):
            hint = f"put it in quotes, as a text: '{other.said.split()[-1]}'"
        if one.kind == "number" and other.kind == "text" and isinstance(other.data, pa.Scalar):
            hint = f"as in > {_as_number(other.data.as_py())}, without quotes"
    return UsageError(f"{OPTION}: {left.said} cannot be compared with {right.said}", hint=hint)


def _as_number(text: str) -> str:
    try:
        return f"{float(text):.10g}"
    except ValueError:
        return "30"


def _truth(value: Value, hint: str = "") -> Any:
    if value.kind == "nothing":
        return pa.scalar(None, pa.bool_())
    if value.kind != "truth":
        raise UsageError(
            f"{OPTION}: {value.said} is neither true nor false", hint=hint or "compare it with something, as in a > 0"
        )
    return value.data


def _truths(data: Any) -> Value:
    return Value(data, "truth", "a condition")


def _number(value: Value) -> Any:
    return pc.cast(value.data, pa.int8()) if value.kind == "truth" else value.data


def _wide(data: Any) -> Any:
    """Whole numbers as the widest ones, all others as float64."""
    if pa.types.is_integer(data.type) and data.type != pa.uint64():
        return pc.cast(data, pa.int64())
    return _floats(data)


def _floats(data: Any) -> Any:
    return pc.cast(data, pa.float64(), safe=False)


def _nearest(whole: int) -> float:
    """The float nearest to a whole number however large."""
    try:
        return float(whole)
    except OverflowError:
        return math.copysign(math.inf, whole)


def _exactly_or_by_floats(function: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """What a function makes of numbers of their own types, or where these do not go together, of the nearest floats."""
    try:
        return function(a, b)
    except pa.ArrowException:
        return function(_floats(a), _floats(b))


def _called(compute: Callable[[], Any], said: str) -> Any:
    try:
        return compute()
    except pa.ArrowException as error:
        raise UsageError(f"{OPTION}: {said} cannot be compared: {error}", hint="choose another column") from error


def _without_nan(data: Any) -> Any:
    nan = pc.is_nan(data) if pa.types.is_floating(data.type) else pa.scalar(False)
    if isinstance(nan, pa.Scalar):
        return pa.scalar(None, data.type) if nan.as_py() else data
    return pc.if_else(nan, pa.scalar(None, data.type), data) if pc.any(nan).as_py() else data
