"""Categories and text: which become 0/1 columns, and what to say of the text that cannot."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.kinds import Column, ColumnUse, Mask, Plan, decoded, left_out
from minecli.tables.labels import MOST_CLASSES, refuse_many, too_many
from minecli.tables.number_like import spelling, spellings
from minecli.tables.one_hot import one_hot, shown_levels
from minecli.tables.selectors.wording import typed
from minecli.tables.text_numbers import first_strange, is_in, reading_option, refuse_damaged, shapes, short

MAX_LEVELS = 64
# A column of numbers has far fewer.
_MOST_SHAPES = 10_000


def plan_levels(column: Column) -> Plan:
    """The plan of labels, which are a category or text: one 0/1 column per level, one in all where there are two.

    Raises DataError for too many levels, and, unless somebody has asked for labels, for text that is no category.
    """
    name, kind = column.name, column.kind
    values = decoded(column.values)
    distinct = _different(column, values)
    count = len(distinct)
    if count == 1:
        return left_out(name, kind, repr(_sorted(name, distinct)[0]))
    if column.asked == "labels":
        # A category of few levels needs no permission.
        if count > MAX_LEVELS or not pa.types.is_dictionary(column.values.type):
            refuse_many(name, count, len(values))
    else:
        _refuse_unasked(column, values, distinct)
    levels = _sorted(name, distinct)
    known = pa.array(levels, type=values.type)
    names = tuple(f"{name}={levels[i]}" for i in shown_levels(count))
    encoding = f"1 for '{levels[1]}', 0 for '{levels[0]}'" if count == 2 else f"one-hot, {count} levels"

    def convert(chunk: Any) -> Mask:
        return one_hot(pc.index_in(decoded(chunk), value_set=known).to_numpy(zero_copy_only=False), count)

    return Plan(ColumnUse(name, kind, len(names), encoding, count), names, convert)


def _different(column: Column, values: Any) -> Any:
    """The different plain `values` of a column; DataError for types that Arrow cannot tell apart, and for damaged
    text."""
    try:
        distinct = pc.unique(values)
    except pa.ArrowNotImplementedError:
        raise _no_labels(column.name, values.type) from None
    if column.holding(values).kind == "text":
        refuse_damaged(column.name, distinct)
    return distinct


def _sorted(name: str, distinct: Any) -> list[Any]:
    """Different values as Python values, sorted; DataError for those that Python does not know, as the year 20000."""
    try:
        return sorted(distinct.to_pylist())
    except (ValueError, OverflowError, LookupError, pa.ArrowException):
        raise _no_labels(name, distinct.type) from None


def _no_labels(name: str, type_: Any) -> DataError:
    return DataError(
        f"column '{name}' is a category whose levels, of the type {type_}, cannot be used",
        hint="write the levels as text or numbers, or choose another column",
    )


def _refuse_unasked(column: Column, values: Any, distinct: Any) -> None:
    """Raise DataError for what is used as labels only where somebody asks for it; `values` are those of the column,
    plain, and `distinct` the different ones."""
    name, count = column.name, len(distinct)
    if column.kind == "text":
        _refuse_numbers(replace(column, values=values), distinct)
        if count > MAX_LEVELS or 2 * count >= len(values):
            raise _not_a_category(name, values, count)
    if count > MAX_LEVELS:
        more = not too_many(count, len(values))
        hint = f"to use them all: --categorical {typed([name])}" if more else "join rare levels"
        raise DataError(
            f"column '{name}' is a category with {count} levels; at most {MAX_LEVELS} can be used unasked",
            hint=hint,
        )


def _refuse_numbers(texts: Column, distinct: Any) -> None:
    """Raise DataError for text of which more than half spells numbers or dates: as a category it would lose its order,
    however few levels it has."""
    values, count, forms = texts.values, len(distinct), texts.values
    if count > MAX_LEVELS:
        # Few texts are parsed themselves, many by their shapes.
        forms = shapes(values)
        distinct = pc.unique(forms)
    some = distinct[:_MOST_SHAPES].to_pylist()
    numbers = {text: how for text, how in zip(some, spellings(some), strict=True) if how is not None}
    if not numbers:
        return
    spelled = is_in(forms, list(numbers))
    if 2 * pc.sum(spelled).as_py() > len(values):
        first = pc.index(is_in(forms, [text for text, how in numbers.items() if not how.plain]), True).as_py()
        raise _numbers_as_text(texts, count, spelled, values[first].as_py() if first >= 0 else None)


def _numbers_as_text(texts: Column, count: int, spelled: Any, odd: str | None) -> DataError:
    """The error of text with `count` different values of which most are `spelled` as numbers or dates; `odd` is the
    first of these that is no plain number, if any."""
    name, values = texts.name, texts.values
    option = reading_option(name, values.filter(spelled))
    labels = "" if too_many(count, len(values)) else f"--categorical {typed([name])}"
    what = "numbers" if odd is None else _what(odd)
    word = pc.index(spelled, False).as_py()
    if word >= 0:
        strange = values[word].as_py()
        problem = f"{pc.sum(spelled).as_py()} of its {len(values)} values are {what}, but"
        problem = f"column '{name}' is text: {problem} {texts.place(word)} holds {short(strange)}"
        missing = f"if that means missing: --na-values {shlex.quote(strange)}"
        ways = [f"{missing} {option}".rstrip() if odd is not None else missing]
    elif odd is None:
        problem = f"column '{name}' is text with {count} distinct values, all of which read as numbers"
        ways = [f"if they are numbers: {option or f'--numeric {typed([name])}'}"]
    else:
        problem = f"column '{name}' is text: its values are {what}, and would lose their order as categories"
        ways = [_to_read(option, odd)]
    if labels:
        ways.append(f"{'if the numbers are codes' if odd is None else 'if they are labels'}: {labels}")
    return DataError(problem, hint="; ".join(ways))


def _to_read(option: str, odd: str) -> str:
    """What to type so that values like the `odd` one are read; `option` reads them, "" where none does."""
    if option.startswith("--decimal"):
        thousands = re.fullmatch(r"\D*\d{1,3},\d{3}\D*", odd) is not None
        return f"for decimal commas: {option}{'; for thousands take the commas out' if thousands else ''}"
    return f"to read them: {option}" if option else "write them as plain numbers"


def _what(odd: str) -> str:
    """What values like this are, in words.

    >>> _what("57%"), _what("1,5"), _what("03/2020")
    ("numbers with '%', as '57%'", "numbers with a comma, as '1,5'", "dates or times, as '03/2020'")
    """
    how = spelling(odd)
    if how is None:
        what = "numbers"
    elif how.date:
        what = "dates or times"
    elif how.bound:
        what = "numbers and bounds"
    elif how.unit:
        what = f"numbers with '{how.unit}'"
    else:
        what = "numbers with a comma" if "," in how.body else "numbers"
    return f"{what}, as {short(odd)}"


def _not_a_category(name: str, values: Any, count: int) -> DataError:
    _, _, strange = first_strange(values)
    limits = f"text has at most {MAX_LEVELS} levels, fewer than half the rows"
    more = f"up to {MOST_CLASSES:,} with --categorical {typed([name])}"
    return DataError(
        f"column '{name}' is text with {count} distinct values in {len(values)} rows, as {short(strange)}, "
        "which cannot be used as a number or category",
        hint=f"{limits}; {'choose another column' if too_many(count, len(values)) else more}",
    )
