"""The rows of a text table through pyarrow's reader.

What counts as missing is an empty field, NULL_SPELLINGS, and what the person adds; a question mark is no missing value
unless they say so. An empty line is no row. No row is lost in silence: quotes are watched (`quotes`), a row of another
width is an error.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv

from minecli.errors import DataError, MinecliError
from minecli.tables.files.dialect import Dialect
from minecli.tables.files.faults import READ_ERRORS, explanation, first_line
from minecli.tables.files.markers import Markers
from minecli.tables.files.options import Reading
from minecli.tables.files.parts import Part
from minecli.tables.files.quotes import QuoteWatch
from minecli.tables.files.text_stream import CleanText, Lending, TextStream, lent, pieces_of, watched

NULL_SPELLINGS = (
    "", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None",
)  # fmt: skip
# pyarrow must see a row whole. Of a pipe this is all there is to try; a file is read again with larger blocks.
_LEAST_BLOCK = 1 << 20
_BLOCK_OF_PIPE = 1 << 24
# Rows of the longest length seen in a block: of wide tables each block costs some time and memory for each column.
_ROWS_OF_A_BLOCK = 128
_LARGE_BLOCK = 1 << 27
_LARGEST_BLOCK = 1 << 30
# So many rows are gone through for the line of a malformed one.
_ROWS_SEARCHED = 10_000_000
_TOO_LONG = "straddles two block boundaries"
_OTHER_TYPE = "CSV conversion error to "
# So much of a long text tells the types of its columns, as long as these are few.
_BEGINNING = 1 << 20
_FEW_COLUMNS = 1000

Passed = Callable[[int], None]


@dataclass(frozen=True)
class TextRows:
    """The rows of a text table: where they are, how they are written, what a person says of them, and which further
    spellings of missing values are searched for on the way."""

    part: Part
    dialect: Dialect
    reading: Reading
    markers: Markers

    def read(self, columns: Sequence[str], types: Mapping[str, Any], passed: Passed) -> Any:
        """The named columns as an Arrow table, with the types pyarrow finds over all rows, or those that `types` give.
        `passed` is told how many lines have been read, time and again.

        Raises DataError for rows of another width than the header, quotes that swallow rows, and values that are not of
        the type asked for.
        """
        guessed = self._types_of_beginning(columns, types)
        if guessed:
            # A reader that knows the types need not hold the text until all of it is read. Where they do not hold, it
            # is read again.
            with contextlib.suppress(_OtherType):
                return self._read(columns, {**guessed, **types}, passed)
        try:
            return self._read(columns, types, passed)
        except _OtherType as error:
            raise _no_such_type(self.part.label, self.dialect, str(error)) from error

    def _read(self, columns: Sequence[str], types: Mapping[str, Any], passed: Passed) -> Any:
        once, rows = self.part.once, _ROWS_OF_A_BLOCK * self.dialect.longest
        block = max(_BLOCK_OF_PIPE if once else _LEAST_BLOCK, min(rows, _LARGE_BLOCK))
        while True:
            try:
                with self._clean(passed) as stream, lent(stream) as lending:
                    return self._parsed(lending, columns, types, block)
            except MinecliError:
                raise
            except READ_ERRORS as error:
                if _TOO_LONG in str(error) and not once and block < _LARGEST_BLOCK:
                    block = min(block * 16, _LARGEST_BLOCK)
                    continue
                if _OTHER_TYPE in str(error):
                    raise _OtherType(first_line(error)) from error
                raise _explanation(self.part, self.dialect, block, error) from error

    def _parsed(self, text: Lending, columns: Sequence[str], types: Mapping[str, Any], block: int) -> Any:
        # No variable may hold the text: an error holds variables, and threads are waited for that hold the text.
        words = ("",) if self.reading.keep_na_strings else NULL_SPELLINGS
        return pa.csv.read_csv(
            text(),
            read_options=pa.csv.ReadOptions(
                column_names=list(self.dialect.names), skip_rows_after_names=int(self.dialect.header), block_size=block
            ),
            parse_options=self.dialect.parse_options(),
            convert_options=pa.csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict(types),
                strings_can_be_null=True,
                null_values=[*words, *self.reading.na_values],
                decimal_point=self.reading.decimal,
                timestamp_parsers=[pa.csv.ISO8601, *self.reading.date_format],
            ),
        )

    def _types_of_beginning(self, columns: Sequence[str], types: Mapping[str, Any]) -> dict[str, Any]:
        """The types that the first rows of a long text have; nothing for a short one, and for one that is read once."""
        if self.part.once or len(columns) > _FEW_COLUMNS or len(head := self.part.head(_BEGINNING)) < _BEGINNING:
            return {}
        text = b"".join(CleanText([head], self.dialect.cleaning, cut=True).pieces())
        try:
            table = self._parsed(lambda: pa.BufferReader(text), columns, types, _BEGINNING)
        except READ_ERRORS:
            return {}
        return {field.name: field.type for field in table.schema if not pa.types.is_null(field.type)}

    def _clean(self, passed: Passed) -> TextStream:
        """The text as the reader is to see it, watched on its way."""
        part, dialect = self.part, self.dialect
        raw = part.stream()
        text = CleanText(pieces_of(raw), dialect.cleaning)
        pieces = _counted(text.pieces(), passed)
        if dialect.quote is not None:
            asked, width = self.reading.quote is not None, len(dialect.names)
            watch = QuoteWatch(part.label, dialect.delimiter, dialect.quote, dialect.escape, width, asked=asked)
            pieces = watched(pieces, text, watch)
        if self.markers.spellings:
            pieces = self.markers.passing(pieces, dialect.delimiter, dialect.quote)
        return TextStream(pieces, raw)


class _OtherType(Exception):
    """Some value is not of the type that the reader was told; the text says which."""


def _counted(pieces: Iterable[bytes], passed: Passed) -> Iterator[bytes]:
    lines = 0
    for piece in pieces:
        lines += piece.count(b"\n")
        passed(lines)
        yield piece


def _explanation(part: Part, dialect: Dialect, block: int, error: BaseException) -> MinecliError:
    text = first_line(error)
    if "Empty CSV file" in text:
        return no_rows(part.label)
    if _TOO_LONG in text:
        advice = "write it to a file first, which may have longer ones" if part.once else "is that meant to be a row?"
        return DataError(f"{part.label}: a row is longer than {block:,} bytes", hint=advice)
    if "Expected" in text and "columns, got" in text:
        return _wrong_width(part, dialect, text.partition("Expected ")[2])
    return explanation(part.label, "text", error)


def _no_such_type(label: str, dialect: Dialect, text: str) -> DataError:
    """What to say of a value that is not of the type that was asked for."""
    kind, value = text.partition(_OTHER_TYPE)[2].split(":", 1)
    column = text.partition("column #")[2].partition(":")[0]
    name = dialect.names[int(column)] if column.isdigit() and int(column) < len(dialect.names) else ""
    named = f" in column '{name}'" if name else ""
    return DataError(f"{label}: {value.strip()}{named} is no {kind}", hint="leave out --type for it")


def _wrong_width(part: Part, dialect: Dialect, widths: str) -> DataError:
    number = "" if part.once else _first_bad_row(part, dialect)
    return DataError(
        f"{part.label}: a row{number} has the wrong number of fields: expected {widths.split(':')[0]}",
        hint=f"the delimiter is {dialect.delimiter!r}: --delimiter sets another; fields with it need quotes",
    )


def _first_bad_row(part: Part, dialect: Dialect) -> str:
    """Where the first row of another width stands, as Python's own reader counts."""
    raw = part.stream()
    text = CleanText(pieces_of(raw), dialect.cleaning)
    lines = io.TextIOWrapper(io.BufferedReader(TextStream(text.pieces(), raw)), encoding="latin-1", newline="")
    style = {"delimiter": dialect.delimiter, "escapechar": dialect.escape}
    quoting = {"quoting": csv.QUOTE_NONE} if dialect.quote is None else {"quotechar": dialect.quote}
    with contextlib.suppress(csv.Error), lines:
        reader = csv.reader(lines, **style, **quoting)  # type: ignore[arg-type]
        for row in itertools.islice(reader, _ROWS_SEARCHED):
            if row and len(row) != len(dialect.names):
                return f" (line {reader.line_num + text.dropped})"
    return ""


def no_rows(label: str) -> DataError:
    """The error of a table that has a header and nothing below it."""
    return DataError(f"{label} has a header but no rows", hint="check what should have written it")
