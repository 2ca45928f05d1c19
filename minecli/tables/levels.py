"""Categories and text: which become 0/1 columns, and what to say of the text that cannot."""

from __future__ import annotations

import re
import shlex
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.kinds import ColumnUse, Kind, Plan, column_kind, decoded, left_out
from minecli.tables.labels import MOST_CLASSES, refuse_many, too_many
from minecli.tables.missing import Mask
from minecli.tables.number_like import spelling, spellings
from minecli.tables.selectors.grammar import typed
from minecli.tables.text_numbers import first_strange, is_in, reading_option, refuse_damaged, row_in_file, shapes, short

MAX_LEVELS = 64
# A column of numbers has far fewer.
_MOST_SHAPES = 10_000


def plan_levels(name: str, column: Any, kind: Kind, kept: Mask | None, asked: bool = False) -> Plan:
    """The plan of labels: one 0/1 column per level, one in all where there are two levels. `asked` is whether somebody
    said that they are labels; otherwise they are a category or text.

    Raises DataError for too many levels, and for text that is no category.
    """
    values = decoded(column)
    distinct = _different(name, values)
    count = len(distinct)
    if count == 1:
        return left_out(name, kind, repr(_sorted(name, distinct)[0]))
    if asked:
        # A category of few levels needs no permission.
        if count > MAX_LEVELS or not pa.types.is_dictionary(column.type):
            refuse_many(name, count, len(values))
    else:
        _refuse_unasked(name, values, distinct, kind, kept)
    levels = _sorted(name, distinct)
    known = pa.array(levels, type=values.type)
    shown = shown_levels(count)
    codes_shown = np.array(shown)
    names = tuple(f"{name}={levels[i]}" for i in shown)
    encoding = f"1 for '{levels[1]}', 0 for '{levels[0]}'" if count == 2 else f"one-hot, {count} levels"

    def convert(chunk: Any) -> npt.NDArray[np.bool_]:
        codes = pc.index_in(decoded(chunk), value_set=known).to_numpy(zero_copy_only=False)
        block: npt.NDArray[np.bool_] = codes[:, None] == codes_shown
        return block

    use = ColumnUse(name, kind, len(names), encoding, count)
    return Plan(use, names, convert)


def _different(name: str, values: Any) -> Any:
    """The different values of a column; DataError for types that Arrow cannot tell apart, and for damaged text."""
    try:
        distinct = pc.unique(values)
    except pa.ArrowNotImplementedError:
        raise _no_labels(name, values.type) from None
    if column_kind(name, values.type) == "text":
        refuse_damaged(name, distinct)
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


def shown_levels(count: int) -> range:
    """Which of the sorted levels have a 0/1 column: all, but of two levels the second alone.

    >>> list(shown_levels(2)), list(shown_levels(3))
    ([1], [0, 1, 2])
    """
    return range(1, 2) if count == 2 else range(count)


def _refuse_unasked(name: str, values: Any, distinct: Any, kind: Kind, kept: Mask | None) -> None:
    """Raise DataError for what is used as labels only where somebody asks for it."""
    count = len(distinct)
    if kind == "text":
        _refuse_numbers(name, values, distinct, kept)
        if count > MAX_LEVELS or 2 * count >= len(values):
            raise _not_a_category(name, values, count)
    if count > MAX_LEVELS:
        more = not too_many(count, len(values))
        hint = f"to use them all: --categorical {typed([name])}" if more else "join rare levels"
        raise DataError(
            f"column '{name}' is a category with {count} levels; at most {MAX_LEVELS} can be used unasked",
            hint=hint,
        )


def _refuse_numbers(name: str, values: Any, distinct: Any, kept: Mask | None) -> None:
    """Raise DataError for text of which more than half spells numbers or dates: as a category it would lose its order,
    however few levels it has."""
    count, forms = len(distinct), values
    if count > MAX_LEVELS:
        # Few texts are judged themselves, many by their shapes.
        forms = shapes(values)
        distinct = pc.unique(forms)
    texts = distinct[:_MOST_SHAPES].to_pylist()
    found = {text: how for text, how in zip(texts, spellings(texts), strict=True) if how is not None}
    if not found:
        return
    spelled = is_in(forms, list(found))
    if 2 * pc.sum(spelled).as_py() > len(values):
        marked = pc.index(is_in(forms, [text for text, how in found.items() if not how.plain]), True).as_py()
        raise _numbers_as_text(name, values, count, spelled, values[marked].as_py() if marked >= 0 else None, kept)


def _numbers_as_text(
    name: str, values: Any, count: int, spelled: Any, marked: str | None, kept: Mask | None
) -> DataError:
    """The error of text of which most is `spelled` as numbers or dates; `marked` is the first that is no plain number,
    if any."""
    option = reading_option(name, values.filter(spelled))
    labels = "" if too_many(count, len(values)) else f"--categorical {typed([name])}"
    what = "numbers" if marked is None else _what(marked)
    word = pc.index(spelled, False).as_py()
    if word >= 0:
        strange = values[word].as_py()
        problem = f"{pc.sum(spelled).as_py()} of its {len(values)} values are {what}, but"
        problem = f"column '{name}' is text: {problem} {row_in_file(word, kept)} holds {short(strange)}"
        missing = f"if that means missing: --na-values {shlex.quote(strange)}"
        ways = [f"{missing} {option}".rstrip() if marked is not None else missing]
    elif marked is None:
        problem = f"column '{name}' is text with {count} distinct values, all of which read as numbers"
        ways = [f"if they are numbers: {option or f'--numeric {typed([name])}'}"]
    else:
        problem = f"column '{name}' is text: its values are {what}, and would lose their order as categories"
        ways = [_to_read(option, marked)]
    if labels:
        ways.append(f"{'if the numbers are codes' if marked is None else 'if they are labels'}: {labels}")
    return DataError(problem, hint="; ".join(ways))


def _to_read(option: str, marked: str) -> str:
    """What to type so that values like the one that is `marked` are read; `option` reads them, "" where none does."""
    if option.startswith("--decimal"):
        thousands = re.fullmatch(r"\D*\d{1,3},\d{3}\D*", marked) is not None
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
