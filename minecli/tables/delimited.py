"""Tables of text: the header, the delimiter, and the rows through pyarrow's CSV reader.

The first line names the columns. Fields may be quoted with "; a quote inside is doubled. Text is UTF-8, with
or without a byte-order mark. An empty line is no row. Numbers have a decimal point. What counts as missing is
NULL_SPELLINGS and what the person adds; a question mark is no missing value unless they say so.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv

from minecli.errors import DataError, UsageError
from minecli.tables.columns import quoted
from minecli.tables.sources import READ_ERRORS, Part, first_line

NULL_SPELLINGS = (
    "", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None",
)  # fmt: skip
DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_WORDS = {"tab": "\t", r"\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}
_FIRST_LOOK = 1 << 16
_LONGEST_HEADER = 1 << 26
_LINES_SNIFFED = 20
_LEAST_BLOCK = 1 << 20


@dataclass(frozen=True)
class Dialect:
    """What the first lines of a text table tell: its columns, its delimiter, and what to say about that.

    `block_bytes` is how much pyarrow must see at a time, for it gives up on a line that is longer.
    """

    names: tuple[str, ...]
    delimiter: str
    notes: tuple[str, ...] = ()
    block_bytes: int = _LEAST_BLOCK


def read_dialect(part: Part, delimiter: str | None, *, tabs: bool = False) -> Dialect:
    """Read the header and find the delimiter: the one asked for, a tab for .tsv, else the one that fits the
    first lines.

    Raises UsageError for a delimiter that is not one character, DataError for text that is not UTF-8, an
    ambiguous delimiter, a header of numbers, and column names that occur twice.
    """
    lines = _first_lines(part)
    if not lines:
        raise DataError(f"{part.label} is empty: it has no header line", hint="the first line must name the columns")
    if delimiter is not None:
        chosen = _asked_delimiter(delimiter)
        notes: tuple[str, ...] = ()
    else:
        chosen, notes = _sniffed(lines, part, tabs)
    names = tuple(_fields(lines[0], chosen))
    if len(names) == 1 and (others := [d for d in DELIMITERS if d != chosen and d in lines[0]]):
        raise DataError(
            f"with the delimiter {chosen!r} {part.label} has a single column {names[0]!r}; "
            f"its header holds {others[0]!r}",
            hint=f"--delimiter '{others[0]}'" if others[0] != "\t" else "--delimiter tab",
        )
    _check_names(names, part)
    longest = max(len(line.encode()) for line in lines)
    return Dialect(names, chosen, notes, max(_LEAST_BLOCK, 8 * longest))


def read_rows(
    part: Part, dialect: Dialect, columns: Sequence[str], na_values: Sequence[str], as_text: Sequence[str] = ()
) -> Any:
    """The named columns of a text table as an Arrow table, with the types pyarrow finds over all rows; those in
    `as_text` as text whatever they hold."""
    try:
        return _read(part, dialect, columns, na_values, column_types=dict.fromkeys(as_text, pa.string()))
    except READ_ERRORS as error:
        raise _explanation(part, dialect, columns, na_values, error) from error


def _read(part: Part, dialect: Dialect, columns: Sequence[str], na_values: Sequence[str], **reading: Any) -> Any:
    with part.stream() as stream:
        return pa.csv.read_csv(
            stream,
            read_options=pa.csv.ReadOptions(
                use_threads=reading.get("use_threads", True), block_size=dialect.block_bytes
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=dialect.delimiter,
                newlines_in_values=True,
                invalid_row_handler=reading.get("invalid_row_handler"),
            ),
            convert_options=pa.csv.ConvertOptions(
                include_columns=list(columns),
                column_types=reading.get("column_types"),
                strings_can_be_null=True,
                null_values=[*NULL_SPELLINGS, *na_values],
            ),
        )


def _explanation(
    part: Part, dialect: Dialect, columns: Sequence[str], na_values: Sequence[str], error: BaseException
) -> DataError:
    text = first_line(error)
    if "Empty CSV file" in text:
        return no_rows(part.label)
    if "Expected" not in text or "columns, got" not in text:
        return DataError(f"cannot read {part.label} as text: {text}", hint="is the file whole? copy or write it again")
    number = "" if part.once else _first_bad_row(part, dialect, columns, na_values)
    found = text.partition("Expected ")[2]
    return DataError(
        f"{part.label}: a row{number} has the wrong number of fields: expected {found}",
        hint=f"the delimiter is {dialect.delimiter!r}: --delimiter sets another; fields with it need quotes",
    )


def _first_bad_row(part: Part, dialect: Dialect, columns: Sequence[str], na_values: Sequence[str]) -> str:
    """Where the first malformed row stands; pyarrow knows only when it reads with one thread."""
    seen: list[int] = []

    def remember(row: Any) -> str:
        seen.append(row.number)
        return "error"

    with contextlib.suppress(*READ_ERRORS):
        _read(part, dialect, columns, na_values, use_threads=False, invalid_row_handler=remember)
    return f" (line {seen[0]})" if seen and seen[0] is not None else ""


def no_rows(label: str) -> DataError:
    """The error of a table that has a header and nothing below it."""
    return DataError(f"{label} has a header but no rows", hint="check what should have written it")


def _first_lines(part: Part) -> list[str]:
    """The first lines that are not blank, whole ones only unless the text ends."""
    size = _FIRST_LOOK
    head = part.head(size)
    while b"\n" not in head and b"\r" not in head and len(head) == size and size < _LONGEST_HEADER:
        size *= 8
        head = part.head(size)
    # Only whole lines count, and only the header must be sound: a column that nobody named may hold anything.
    lines = [line for line in re.split(rb"\r\n|\n|\r", head.removeprefix(codecs.BOM_UTF8)) if line.strip()]
    if len(head) == size and len(lines) > 1:
        lines.pop()
    if not lines:
        return []
    try:
        header = lines[0].decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"the header of {part.label} is not UTF-8 text: {lines[0][:40]!r}",
            hint=f"iconv -f LATIN1 -t UTF-8 {part.name or 'FILE'} | minecli ... -",
        ) from error
    return [header, *(line.decode("utf-8", "replace") for line in lines[1:_LINES_SNIFFED])]


def _fields(line: str, delimiter: str) -> list[str]:
    """The fields of one line.

    >>> _fields('a,"b,c"', ",")
    ['a', 'b,c']
    """
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        # The csv module refuses very long fields; only a wrong delimiter makes one of a whole header.
        return [line]


def _asked_delimiter(delimiter: str) -> str:
    chosen = _DELIMITER_WORDS.get(delimiter, delimiter)
    if len(chosen) != 1 or chosen in '"\r\n' or ord(chosen) > 127:
        raise UsageError(
            f"the delimiter {delimiter!r} must be one ASCII character other than a quote or a line end",
            hint="as in --delimiter ';' or --delimiter tab",
        )
    return chosen


def _sniffed(lines: Sequence[str], part: Part, tabs: bool) -> tuple[str, tuple[str, ...]]:
    widths = {d: [len(_fields(line, d)) for line in lines] for d in (*DELIMITERS, " ")}
    usual = "\t" if tabs else ","
    possible = [d for d in DELIMITERS if widths[d][0] > 1]
    if usual in possible and len(set(widths[usual])) == 1 and (tabs or len(possible) == 1):
        return usual, ()
    fitting = [d for d in possible if len(set(widths[d])) == 1] or possible
    if not fitting:
        fitting = [d for d in " " if widths[d][0] > 1 and len(set(widths[d])) == 1] or [usual]
    widest = max(widths[d][0] for d in fitting)
    best = [d for d in fitting if widths[d][0] == widest]
    if len(best) > 1:
        raise DataError(
            f"the delimiter of {part.label} is not clear: the lines fit {' and '.join(map(repr, best))}",
            hint="say which with --delimiter",
        )
    notes = () if best[0] == usual else (f"the delimiter of {part.label} was taken to be {best[0]!r}",)
    return best[0], notes


def _check_names(names: Sequence[str], part: Part) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1 and name]
    if all(_is_number(name) for name in names) and (twice or not all(name.strip().isdigit() for name in names)):
        raise DataError(
            f"the first line of {part.label} holds numbers ({quoted(names)}); it must name the columns",
            hint=f"add a header line, as in sed '1i a,b,c' {part.name or 'FILE'} | minecli ... -",
        )
    if twice:
        raise DataError(
            f"the header of {part.label} has the same name more than once: {quoted(twice)}",
            hint="each column needs a name of its own: edit the header line",
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
