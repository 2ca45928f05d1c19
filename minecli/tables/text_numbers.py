"""Numbers that a file holds as text or as categories: which spellings are read, and how."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.kinds import Column
from minecli.tables.number_like import BLANKS, MARKS, NEGATIVE, SIGNS, Spelling, spelling, unit_of
from minecli.tables.selectors.wording import cut, typed
from minecli.tables.written_dates import date_option

_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_INTEGER = r"^[-+]?\d+$"
_SHOWN = 40


def first_strange(values: Any) -> tuple[int, int, str]:
    """How many texts read as plain numbers, and the first that does not: its row and value (-1, "" for none).

    >>> first_strange(pa.chunked_array([["1", "2.5e3", "?"]]))
    (2, 2, '?')
    """
    numeric = pc.match_substring_regex(values, _NUMBER)
    row = pc.index(numeric, False).as_py()
    return int(pc.sum(numeric).as_py() or 0), row, values[row].as_py() if row >= 0 else ""


def short(text: str) -> str:
    """Text in quotes, cut where it is long.

    >>> short("a" * 50)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'"
    """
    return repr(cut(text, _SHOWN))


def shapes(values: Any) -> Any:
    """Texts with each digit as 1: a column has few of them, and they show how its numbers are written.

    >>> shapes(pa.array(["57%", "-3.25"])).to_pylist()
    ['11%', '-1.11']
    """
    return pc.replace_substring_regex(values, "[0-9]", "1")


def refuse_damaged(name: str, distinct: Any) -> None:
    """Raise DataError where some of the different texts of a column are not UTF-8, as those of a damaged file may be.

    >>> refuse_damaged("c", pa.array(["a", "b"]))
    """
    try:
        distinct.validate(full=True)
    except pa.ArrowInvalid:
        plain = (text.as_py() for text in distinct.cast(pa.binary()))
        bad = next((text for text in plain if not _is_utf8(text)), b"")
        raise DataError(
            f"column '{name}' holds text that is not UTF-8: {bad[:40]!r}",
            hint="write the file again from its source, or leave the column out",
        ) from None


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def as_numbers(column: Column, decimal: str = ".") -> Column:
    """A column without missing values as numbers: text and categories are parsed, all else stays as it is.

    The spellings of `number_like` are read, if all values share one unit, currency or percent sign, which is passed
    over: 57% is 57. Marks between groups of three digits are passed over, too. A comma before three digits is such a
    mark where another value of the column shows that it is no decimal comma.

    Raises DataError for a text that is no number, for bounds and dates, for units that differ, for commas that may mean
    both, and for a number beyond what float64 can hold.

    >>> as_numbers(Column.of("a", pa.chunked_array([["1", " 2.5 ", "+3"]]))).values.to_pylist()
    [1.0, 2.5, 3.0]
    >>> as_numbers(Column.of("a", pa.chunked_array([["70 kg", "1.001,5 kg"]])), decimal=",").values.to_pylist()
    [70.0, 1001.5]
    """
    if column.kind not in ("text", "category"):
        return column
    plain = column.decoded()
    if plain.kind != "text":
        _refuse_infinite(plain, plain.values)
        return plain
    refuse_damaged(plain.name, plain.values)
    values = plain.values
    if decimal != "." or first_strange(values)[1] >= 0:
        values = _plainly(plain, decimal)
    return plain.holding(_parsed(plain, values))


def reading_option(name: str, values: Any) -> str:
    """The options with which a column of text can be read as numbers or dates, "" if there are none.

    >>> reading_option("a", pa.chunked_array([["1,5", "2,25"]]))
    '--decimal , --numeric a'
    """
    for decimal, option in ((".", ""), (",", "--decimal , ")):
        try:
            as_numbers(Column.of(name, values), decimal)
        except DataError:
            continue
        return f"{option}--numeric {typed([name])}"
    return date_option(values)


def _held(column: Column, flags: Any) -> tuple[str, str]:
    """The first text that is flagged, and the words that say that the column holds it."""
    row = pc.index(flags, True).as_py()
    value = column.values[row].as_py()
    return value, f"column '{column.name}' is to be numeric, but {column.place(row)} holds {short(value)}"


def _no_number(column: Column, flags: Any) -> DataError:
    value, problem = _held(column, flags)
    missing = f"if that means missing: --na-values {shlex.quote(value)}"
    return DataError(f"{problem}, which is no number", hint=f"{missing}; otherwise {_instead(column)}")


def _instead(column: Column) -> str:
    return f"leave '{column.name}' out of --numeric"


def _plainly(texts: Column, decimal: str) -> Any:
    """The numbers of a column without marks and units, with a decimal point."""
    shaped = shapes(texts.values)
    spelled = {shape: spelling(shape) for shape in pc.unique(shaped).to_pylist()}
    _refuse_others(texts, shaped, spelled)
    _refuse_marks(texts, shaped, spelled, decimal)
    parts = pc.extract_regex(texts.values, _pattern({"", *(each.before for each in spelled.values() if each)}))
    head, body, power, tail = (pc.struct_field(parts, [i]) for i in range(4))
    if head.null_count:
        # Digits and blanks of other scripts.
        raise _no_number(texts, head.is_null())
    _refuse_units(texts, head, tail)
    marks = "".join(mark for mark in MARKS if mark != decimal)
    body = pc.replace_substring_regex(body, f"[{re.escape(marks)}]", "")
    body = pc.replace_substring(body, decimal, ".")
    minus, none = (pa.scalar(sign, body.type) for sign in ("-", ""))
    sign = pc.if_else(pc.match_substring_regex(head, f"[{NEGATIVE}]"), minus, none)
    return pc.binary_join_element_wise(sign, body, pc.replace_substring(power, "\u2212", "-"), none)


def _pattern(before: set[str]) -> str:
    """The parts of a text that is known to spell a number, in RE2; `before` are the currencies that precede some."""
    money = "|".join(re.escape(each) for each in sorted(before, key=len, reverse=True))
    signs, marks = f"[{NEGATIVE}+{BLANKS}]*", re.escape(MARKS)
    head = rf"(?P<head>{signs}(?:{money}){signs})"
    body = rf"(?P<body>[.,]?[0-9](?:[0-9{marks}]*[0-9.,])?)"
    return rf"(?s)^\s*{head}{body}(?P<power>(?:[eE][{SIGNS}]?[0-9]+)?)(?P<tail>.*)$"


def _refuse_others(texts: Column, shaped: Any, spelled: dict[str, Spelling | None]) -> None:
    """Raise DataError where a text is no number, a date or a bound."""
    if strange := [shape for shape, each in spelled.items() if each is None]:
        raise _no_number(texts, is_in(shaped, strange))
    if dates := [shape for shape, each in spelled.items() if each and each.date]:
        flags = is_in(shaped, dates)
        option = date_option(texts.values.filter(flags))
        raise DataError(
            f"{_held(texts, flags)[1]}, which is a date or a time",
            hint=f"to read it: {option}" if option else _instead(texts),
        )
    if bounds := [shape for shape, each in spelled.items() if each and each.bound]:
        value, problem = _held(texts, is_in(shaped, bounds))
        raise DataError(
            f"{problem}, which bounds a number and is none",
            hint=f"put numbers in their place, or leave them out: --na-values {shlex.quote(value)} --missing drop",
        )


def _refuse_marks(texts: Column, shaped: Any, spelled: dict[str, Spelling | None], decimal: str) -> None:
    """Raise DataError where the marks between digits are not those of the `decimal` mark, or may mean two things."""
    bodies = {shape: each.body for shape, each in spelled.items() if each}
    wrong = [shape for shape, body in bodies.items() if not _body(decimal).fullmatch(body)]
    commas = decimal == "." and [shape for shape in wrong if _body(",").fullmatch(bodies[shape])]
    if commas:
        shown = "which has a decimal comma" if "," in bodies[commas[0]] else "whose points are marks of thousands"
        raise _comma(texts, is_in(shaped, commas[:1]), shown)
    if wrong:
        problem = _held(texts, is_in(shaped, wrong))[1]
        raise DataError(
            f"{problem}; {decimal!r} is the decimal mark, and others must stand between groups of three digits",
            hint=f"repair these rows, or {_instead(texts)}",
        )
    doubtful = [shape for shape, body in bodies.items() if decimal == "." and re.fullmatch(r"\d{1,3},\d{3}", body)]
    if not doubtful:
        return
    flags = is_in(shaped, doubtful)
    zero = pc.match_substring_regex(texts.values, r"^[^0-9]*0[0-9]*,")
    if pc.any(zero).as_py():
        raise _comma(texts, zero, "which has a decimal comma")
    if not any(_shows_thousands(body) for body in bodies.values()):
        raise _comma(texts, flags, "whose comma may be a decimal comma or a mark of thousands")


def _comma(texts: Column, flags: Any, what: str) -> DataError:
    return DataError(
        f"{_held(texts, flags)[1]}, {what}",
        hint=f"for decimal commas: --decimal , --numeric {typed([texts.name])}; marks of thousands: take them out",
    )


def _shows_thousands(body: str) -> bool:
    """Whether a number shows that commas are marks of thousands: it has two, or a decimal point.

    >>> [_shows_thousands(body) for body in ("1,234,567", "1,234.5", "0.25", "1,234", "1.234")]
    [True, True, True, False, False]
    """
    if "," in body:
        return body.count(",") > 1 or "." in body
    return "." in body and re.fullmatch(r"\d{1,3}\.\d{3}", body) is None


@cache
def _body(decimal: str) -> re.Pattern[str]:
    """Digits with at most one decimal mark, and one other mark between all groups of three digits or none."""
    point = re.escape(decimal)
    grouped = "|".join(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+" for mark in MARKS if mark != decimal)
    return re.compile(rf"(?:\d+|{grouped})(?:{point}\d*)?|{point}\d+")


def _refuse_units(texts: Column, head: Any, tail: Any) -> None:
    """Raise DataError where values have different units or currencies."""
    pairs = pc.binary_join_element_wise(head, tail, pa.scalar("\n", head.type))
    units: dict[str, str] = {}
    for pair in pc.unique(pairs).to_pylist():
        before, _, after = pair.partition("\n")
        units.setdefault(unit_of(before.strip(NEGATIVE + SIGNS + BLANKS), after.rstrip(") ")), pair)
    if len(units) > 1:
        (first, _), (second, pair) = list(units.items())[:2]
        raise DataError(
            f"{_held(texts, pc.equal(pairs, pair))[1]}: others are {_in_unit(first)}, and this one {_in_unit(second)}",
            hint=f"bring all to one unit, or {_instead(texts)}",
        )


def _in_unit(unit: str) -> str:
    return f"in '{unit}'" if unit else "without a unit"


def is_in(values: Any, those: list[str]) -> Any:
    """Which texts are among `those`, as an Arrow array of booleans."""
    return pc.is_in(values, value_set=pa.array(those, values.type))


def _parsed(texts: Column, values: Any) -> Any:
    """The numbers of a column of text, of which `values` are plain spellings; integers where all are written so."""
    plain = trimmed(values)
    if (whole := integers(plain)) is not None:
        return whole
    numbers = plain.cast(pa.float64())
    _refuse_infinite(texts, numbers)
    return numbers


def trimmed(values: Any) -> Any:
    """Texts without the blanks around them and without a plus in front.

    >>> trimmed(pa.array([" +5 ", "-5"])).to_pylist()
    ['5', '-5']
    """
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(values), r"^\+", "")


def integers(plain: Any) -> Any | None:
    """Trimmed texts as whole numbers in the narrowest type that holds all; None where no type does, and where some are
    no whole numbers.

    >>> integers(pa.chunked_array([["1", "2.5"]])) is None
    True
    >>> integers(pa.chunked_array([["-1", "7"]])).type, integers(pa.chunked_array([["18446744073709551615"]])).type
    (DataType(int64), DataType(uint64))
    """
    if not pc.all(pc.match_substring_regex(plain, _INTEGER)).as_py():
        return None
    for type_ in (pa.int64(), pa.uint64()):
        try:
            return plain.cast(type_)
        except pa.ArrowInvalid:
            continue
    # A cast to decimals does not notice all overflows.
    digits = pc.max(pc.utf8_length(plain)).as_py()
    return plain.cast(pa.decimal128(38) if digits <= 38 else pa.decimal256(76)) if digits <= 76 else None


def _refuse_infinite(column: Column, numbers: Any) -> None:
    """Raise DataError for the first of a column's `numbers` that is not finite; those of columns whose values are
    stored as numbers were refused before."""
    if not pa.types.is_floating(numbers.type):
        return
    row = pc.index(pc.is_finite(numbers), False).as_py()
    if row >= 0:
        held = short(str(column.values[row].as_py()))
        raise DataError(
            f"column '{column.name}' holds {held} in {column.place(row)}; only finite numbers can be used",
            hint="repair these rows or take them out",
        )
