"""The names of the columns of a text table: what its first line holds, and what may not be taken for names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from minecli.errors import DataError
from minecli.tables.files.parts import Part
from minecli.tables.selectors.wording import quoted, repeated

# The names pandas gives to an index that has none.
_PANDAS_UNNAMED = "Unnamed: 0"
# Of each row; those of a wide table are alike.
FIELDS_COMPARED = 1000
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_NUMBER_WITH_COMMA = re.compile(r"\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*")

Rows = list[list[str]]


def refuse_values_as_names(rows: Rows, part: Part) -> None:
    """Raise DataError where the first line seems to hold a row of values: read as names it would be lost."""
    first, body = rows[0][:FIELDS_COMPARED], [row for row in rows[1:] if row]
    numbers = [i for i, field in enumerate(first) if is_number(field, True)]
    whole = all(first[i].strip().isdigit() for i in numbers)
    repeated = [i for i in range(len(first)) if i not in numbers and any(row[i] == first[i] for row in body)]
    numeric = [i for i in numbers if body and all(not row[i].strip() or is_number(row[i], True) for row in body)]
    alone = len(numbers) == len(first) and (not whole or len(set(first)) < len(first))
    if alone or (numeric and (not whole or repeated)):
        raise DataError(
            f"the first line of {part.label} holds numbers ({quoted(first)}); it must name the columns",
            hint="if it is a row like others: --no-header; if these are names: --header",
        )


@dataclass(frozen=True)
class ColumnNames:
    """The names of the columns, those of them that number the rows, and what to say of columns that have no name."""

    names: tuple[str, ...]
    index: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def column_names(first: Sequence[str], header: bool, part: Part) -> ColumnNames:
    """What the first line of a text table says of its columns; without a `header` no more than how many there are.

    Raises DataError for a name that occurs twice.
    """
    if not header:
        names = numbered(len(first))
        called = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
        return ColumnNames(names, notes=(f"the columns of {part.label} are called {called}",))
    notes = []
    if len(first) > 1 and all(name.strip().isdigit() for name in first) and not _counts(first):
        notes.append(f"the first line of {part.label}, all numbers, names the columns; if it is a row: --no-header")
    empty = [i for i, name in enumerate(first) if not name]
    names = placed(first, part.label, "header line")
    index = names[:1] if len(names) > 1 and (0 in empty or names[0] == _PANDAS_UNNAMED) else ()
    if empty:
        called = quoted([names[i] for i in empty])
        which = "a column without a name is" if len(empty) == 1 else "columns without a name are"
        notes.append(f"{part.label}: {which} called by the place: {called}")
    return ColumnNames(names, index, tuple(notes))


def numbered(count: int) -> tuple[str, ...]:
    """The names of columns that have none.

    >>> numbered(2)
    ('f0', 'f1')
    """
    return tuple(f"f{place}" for place in range(count))


def placed(written: Sequence[str | None], label: str, line: str) -> tuple[str, ...]:
    """The names that the first `line` of a table holds, those called by their place that are empty.

    Raises DataError for a name that occurs twice.

    >>> placed(["a", ""], "a.csv", "header line")
    ('a', 'f1')
    """
    names = tuple(name or other for name, other in zip(written, numbered(len(written)), strict=True))
    if twice := repeated(names):
        raise DataError(
            f"the header of {label} has the same name more than once: {quoted(twice)}",
            hint=f"each column needs a name of its own: edit the {line}",
        )
    return names


def _counts(names: Sequence[str]) -> bool:
    """Whether names of digits count the columns, from 0, from 1, or years one after the other.

    >>> _counts(["0", "1", "2"]), _counts(["2019", "2020"]), _counts(["3", "20"])
    (True, True, False)
    """
    numbers = [int(name) for name in names]
    return all(b == a + 1 for a, b in itertools.pairwise(numbers))


def is_number(text: str, comma: bool) -> bool:
    """Whether a text is a number, be it with a decimal comma.

    >>> is_number("1,5", True), is_number("1,5", False)
    (True, False)
    """
    return bool(_NUMBER.fullmatch(text) or (comma and _NUMBER_WITH_COMMA.fullmatch(text)))
