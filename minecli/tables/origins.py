"""Float arrays -> columns of a file again: what each column was, kept apart from the file.

    float                       the number in the column's own type; rounded to as many decimals, up to six, as all real
                                values have at most: measured in tenths, it comes back in tenths
    list of floats              the numbers
    integer, list of integers   rounded, and held within what the type can store, nothing else
    boolean                     true from 0.5 on
    category, text              the level with the largest entry; of two levels the second from 0.5 on
    date, timestamp             the nearest of first + k steps, the step being the greatest that fits all real values:
                                a column of whole hours stays one; likewise times of day and durations
    decimal                     rounded to its digits
    constant column             its one value in every row; likewise constant entries of lists

Lists come back as lists of fixed size, times of day as durations since midnight until they are written. Categories of
dates and the like come back as text.
"""

from __future__ import annotations

import base64
import decimal
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from minecli.tables.arrays import numbers
from minecli.tables.exactness import stored
from minecli.tables.kinds import UNITS_PER_SECOND, Array, Column, Kind, Plain, Plan, decoded
from minecli.tables.one_hot import nearest_levels, one_hot

Values = npt.NDArray[Any] | list[Any]

_DAY = 86_400
_DIGITS = decimal.Context(prec=80)
_MOST_DIGITS = 6
_BEGINNING = 1000


@dataclass(frozen=True)
class Origin:
    """What one column of a file was.

    `names` are its array columns, none where it is constant. `type` is the Arrow type in which values like its own are
    written. `levels` are those of a category, sorted; `entries` of a list, those that vary. `constant` is the value of
    a constant column, and of a column of lists one list with 0 for the entries that vary. `first` and `step` are
    in the units in which dates and times are stored: every value is `first` plus a multiple of `step`. `digits` are
    the decimals of floats, None where some value has more than six.
    """

    name: str
    kind: Kind
    names: tuple[str, ...]
    type: Any
    levels: tuple[Plain, ...] = ()
    entries: tuple[int, ...] = ()
    constant: Any = None
    first: int = 0
    step: int = 1
    digits: int | None = None

    @property
    def width(self) -> int:
        """How many array columns it has."""
        return len(self.names)

    @property
    def indicators(self) -> bool:
        """Whether its array columns hold 0 and 1 for no and yes."""
        return self.kind in ("category", "text", "boolean")

    def to_json(self) -> dict[str, Any]:
        """The origin as plain JSON values; the type in Arrow's own form, which later versions read, too."""
        return {
            "name": self.name,
            "kind": self.kind,
            "names": list(self.names),
            "type": str(self.type),
            "arrow_type": base64.b64encode(pa.schema([("", self.type)]).serialize().to_pybytes()).decode("ascii"),
            "levels": list(self.levels),
            "entries": list(self.entries),
            "constant": self.constant,
            "first": self.first,
            "step": self.step,
            "digits": self.digits,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Origin:
        """The origin that `to_json` wrote; KeyError, TypeError, ValueError where the content is something else."""
        values = dict(content)
        schema = base64.b64decode(values.pop("arrow_type"), validate=True)
        values["type"] = pa.ipc.read_schema(pa.py_buffer(schema)).field(0).type
        for key in ("names", "levels", "entries"):
            values[key] = tuple(values[key])
        return cls(**values)


def origin_of(column: Column, plan: Plan) -> Origin:
    """What a column without missing values was, `plan` being what it became.

    >>> from minecli.tables.arrays import plan_column
    >>> column = Column.of("c", pa.chunked_array([["u", "v", "u", "u", "v"]]))
    >>> origin_of(column, plan_column(column)).levels
    ('u', 'v')
    """
    name, kind, values = column.name, column.kind, column.values
    type_ = _written_type(values.type)
    if kind in ("category", "text"):
        levels = sorted(pc.unique(decoded(values)).to_pylist())
        if not isinstance(levels[0], Plain):
            levels, type_ = [str(level) for level in levels], pa.string()
        if len(levels) == 1:
            return Origin(name, kind, (), type_, constant=levels[0])
        return Origin(name, kind, plan.names, type_, levels=tuple(levels))
    if kind == "list":
        chunk = next(chunk for chunk in values.chunks if len(chunk))
        scalar = (chunk.storage if isinstance(chunk.type, pa.BaseExtensionType) else chunk)[0]
        base = [_plain(entry) for entry in scalar.as_py()]
        entries = tuple(int(each[len(name) + 1 : -1]) for each in plan.names)
        for place in entries:
            base[place] = 0
        return Origin(name, kind, plan.names, pa.list_(type_.value_type, len(base)), entries=entries, constant=base)
    if kind in ("date", "seconds"):
        times = np.concatenate([stored(chunk) for chunk in values.chunks]).astype(np.int64)
        first, step = int(times[0]), int(np.gcd.reduce(times - times[0]))
        constant = None if plan.names else first
        return Origin(name, kind, plan.names, type_, constant=constant, first=first, step=max(step, 1))
    if not plan.names:
        return Origin(name, kind, (), type_, constant=_plain_constant(values[0]))
    digits = _digits(values) if pa.types.is_floating(type_) else None
    return Origin(name, kind, plan.names, type_, digits=digits)


def _written_type(type_: Any) -> Any:
    """The type to write: that of the column but for a few that Parquet does not know."""
    types = pa.types
    if isinstance(type_, pa.BaseExtensionType):
        return _written_type(type_.storage_type)
    if types.is_string_view(type_):
        return pa.string()
    if types.is_decimal(type_) and type_.bit_width < 128:
        return pa.decimal128(type_.precision, type_.scale)
    return type_


def _plain_constant(scalar: Any) -> Plain:
    """The one value of a number column; decimals as the integer of their digits, which loses none."""
    value = scalar.as_py()
    if isinstance(value, decimal.Decimal):
        return int(value.scaleb(scalar.type.scale, _DIGITS))
    return _plain(value)


def _plain(value: Any) -> Plain:
    plain: Plain = value.item() if isinstance(value, np.generic) else value
    return plain


def _digits(column: Any) -> int | None:
    """The fewest decimals, up to six, with which every value of a float column is what it is."""
    values = np.concatenate([numbers(chunk) for chunk in column.chunks])
    beginning = values[:_BEGINNING]
    for digits in range(_MOST_DIGITS + 1):
        # Most columns are settled by their beginning.
        if all(np.array_equal(_rounded(part, digits), part) for part in (beginning, values)):
            return digits
    return None


def _rounded(values: npt.NDArray[Any], digits: int) -> npt.NDArray[Any]:
    with np.errstate(over="ignore"):
        return np.round(values.astype(np.float64), digits).astype(values.dtype)


def _units(type_: Any) -> int:
    """How many stored units make 1 of the array: a day of dates, a second of times."""
    types = pa.types
    if types.is_date32(type_):
        return 1
    if types.is_date64(type_):
        return _DAY * UNITS_PER_SECOND["ms"]
    per_second = UNITS_PER_SECOND[type_.unit]
    return _DAY * per_second if types.is_timestamp(type_) else per_second


def snapped(origin: Origin, block: Array) -> Array:
    """The nearest values that the column can hold, in units of the array: 0 or 1, whole numbers, whole steps.

    Args:
        block: any finite numbers, shape (n, width).

    Returns:
        float64, shape (n, width).

    >>> origin = Origin("c", "text", ("c=u", "c=v", "c=w"), pa.string(), levels=("u", "v", "w"))
    >>> snapped(origin, np.array([[0.2, 0.4, 0.3]])).tolist()
    [[0.0, 1.0, 0.0]]
    """
    if origin.indicators:
        return one_hot(nearest_levels(block), max(origin.width, 2)).astype(np.float64)
    if origin.kind in ("date", "seconds") or pa.types.is_decimal(origin.type):
        # By way of the column itself, so that equal values are equal in the last digit, too.
        return numbers(arrow_column(origin, restored(origin, block))).astype(np.float64)[:, None]
    if origin.kind == "list":
        return _in_type(origin.type.value_type, block, None)
    return _in_type(origin.type, block, origin.digits)


def _nearest_stored(origin: Origin, values: Array) -> npt.NDArray[np.int64]:
    """Dates and times as stored integers: whole steps, times of day within the day, the others within the type."""
    type_, step = origin.type, origin.step
    low, high = (-(2.0**31), 2.0**31 - 1) if pa.types.is_date32(type_) else (-9.2e18, 9.2e18)
    if pa.types.is_time(type_):
        low, high = 0.0, float(_DAY * _units(type_) - 1)
    # The steps are counted from the first value, so that their number is small enough for float64.
    least, most = math.ceil((low - origin.first) / step), math.floor((high - origin.first) / step)
    count = np.rint((values - origin.first / _units(type_)) * (_units(type_) / step))
    return origin.first + step * np.clip(count, least, most).astype(np.int64)


def _in_type(type_: Any, values: Array, digits: int | None) -> Array:
    """Numbers rounded as the type demands and held within its range; floats rounded to `digits`, if any."""
    types = pa.types
    if types.is_boolean(type_):
        return (values >= 0.5).astype(np.float64)
    if types.is_integer(type_):
        ends = np.iinfo(type_.to_pandas_dtype())
        # The float64 next to the largest 64-bit integers is beyond them.
        high = float(ends.max) if ends.bits < 64 else np.nextafter(float(ends.max), 0.0)
        return np.clip(np.rint(values), float(ends.min), high)
    dtype = type_.to_pandas_dtype()
    most = float(np.finfo(dtype).max)
    held: Array = np.clip(values, -most, most).astype(dtype)
    return (held if digits is None else _rounded(held, digits)).astype(np.float64)


def restored(origin: Origin, block: Array) -> Values:
    """Values of the file's column from array columns; see the module's docstring.

    Args:
        block: any finite numbers, shape (n, width).

    Returns:
        n values: an array of the column's own type (dates as datetime64, times as timedelta64, lists with shape
        (n, entries)), or a list for categories, text and decimals.

    >>> origin = Origin("t", "date", ("t",), pa.date32(), step=7)
    >>> restored(origin, np.array([[0.4], [9.0]])).tolist()
    [datetime.date(1970, 1, 1), datetime.date(1970, 1, 8)]
    """
    rows, type_ = len(block), origin.type
    if origin.kind in ("category", "text"):
        if origin.width == 0:
            return [origin.constant] * rows
        return [origin.levels[code] for code in nearest_levels(block).tolist()]
    if origin.kind == "list":
        lists = np.tile(np.asarray(origin.constant, dtype=type_.value_type.to_pandas_dtype()), (rows, 1))
        lists[:, list(origin.entries)] = snapped(origin, block).astype(lists.dtype)
        return lists
    if origin.kind in ("date", "seconds"):
        times = _nearest_stored(origin, block[:, 0]) if origin.width else np.full(rows, origin.constant, np.int64)
        return times.view(_time_type(type_))
    if pa.types.is_decimal(type_):
        return _decimals(origin, block)
    dtype = type_.to_pandas_dtype()
    if origin.width == 0:
        return np.full(rows, origin.constant, dtype=dtype)
    return snapped(origin, block)[:, 0].astype(dtype)


def _time_type(type_: Any) -> str:
    types = pa.types
    if types.is_date(type_):
        return "datetime64[D]" if types.is_date32(type_) else "datetime64[ms]"
    return f"{'datetime64' if types.is_timestamp(type_) else 'timedelta64'}[{type_.unit}]"


def _decimals(origin: Origin, block: Array) -> list[decimal.Decimal]:
    scale = origin.type.scale
    if origin.width == 0:
        return [decimal.Decimal(origin.constant).scaleb(-scale, _DIGITS)] * len(block)
    unit = decimal.Decimal(1).scaleb(-scale)
    most = decimal.Decimal((0, (9,) * origin.type.precision, -scale))
    held = (min(max(decimal.Decimal(value), most.copy_negate()), most) for value in block[:, 0].tolist())
    return [value.quantize(unit, context=_DIGITS) for value in held]


def arrow_column(origin: Origin, values: Values) -> Any:
    """What `restored` gave as an Arrow array of the column's type."""
    types, type_ = pa.types, origin.type
    if origin.kind == "list":
        flat = np.asarray(values).reshape(-1)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat, type_.value_type), type_.list_size)
    if origin.kind in ("date", "seconds"):
        times = np.asarray(values).view(np.int64)
        narrow = types.is_date32(type_) or types.is_time32(type_)
        return pa.array(times.astype(np.int32) if narrow else times).view(type_)
    if types.is_dictionary(type_):
        levels = pa.array(origin.levels or (origin.constant,), type_.value_type)
        codes = pc.index_in(pa.array(values, type_.value_type), value_set=levels).cast(type_.index_type)
        return pa.DictionaryArray.from_arrays(codes, levels, ordered=type_.ordered)
    return pa.array(values, type_)
