"""What the first lines of a text table tell: its columns, what separates them, and whether they have names.

The lines are parsed as the whole text will be, by pyarrow's reader, once for each delimiter that may be meant. That one
is taken under which most rows have as many fields as the first line; of several, the one under which more fields are
numbers. If that does not decide, nobody but the person can.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.csv

from minecli.errors import DataError, UsageError
from minecli.tables.files.column_names import FIELDS_COMPARED, Rows, column_names, is_number, refuse_values_as_names
from minecli.tables.files.faults import READ_ERRORS
from minecli.tables.files.options import Reading
from minecli.tables.files.parts import Part
from minecli.tables.files.quotes import QuoteWatch
from minecli.tables.files.text_stream import Cleaning, CleanText

DELIMITERS = (",", ";", "\t", "|")
WHITESPACE = "whitespace"
_WORDS = {"tab": "\t", r"\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}
_FIRST_BYTES = 1 << 16
_LONGEST_HEADER = 1 << 26
_LINES_SNIFFED = 20
_MOST_LINES_SNIFFED = 200
_LINES_NEEDED = 4
# Fewer rows than that as wide as the first line, and something is wrong with the beginning.
_POOR_FIT = 0.5
_COMMENTS = ("#", "%", "!", ";", "/")
_SAID = re.compile(rb"sep=([\x20-\x7e\t])\r?\n", re.IGNORECASE)
_WITH_COMMA = re.compile(rb"\s*[-+]?\d*,\d+\s*")


@dataclass(frozen=True)
class Dialect:
    """How a text table is written: the names of its columns, whether its first line holds them, which of them number
    the rows (a first column without a name), single characters, and what to drop before parsing.

    `longest` is the length in bytes of its longest line seen; `notes` are for the person.
    """

    names: tuple[str, ...]
    delimiter: str
    header: bool
    quote: str | None
    escape: str | None
    cleaning: Cleaning
    index: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    longest: int = 0

    def parse_options(self) -> Any:
        """The delimiter, the quote and the escape for pyarrow's reader; values may hold line ends."""
        return pa.csv.ParseOptions(
            delimiter=self.delimiter,
            quote_char=self.quote or False,
            escape_char=self.escape or False,
            newlines_in_values=True,
        )


def read_dialect(part: Part, reading: Reading, *, tabs: bool = False) -> Dialect:
    """Read the first lines of a text table; see the module's docstring. `tabs` says that its name ends in .tsv.

    Raises UsageError for options that are no characters, DataError for an empty text, for one that is not UTF-8, for an
    ambiguous delimiter, for a first line that holds values, and for column names that occur twice.
    """
    quote = _asked_quote(reading.quote)
    cleaning = Cleaning(
        reading.encoding, reading.skip_rows, reading.comment, quote=quote, names=reading.header is not False
    )
    dialect = Dialect((), ",", reading.header is not False, quote, reading.escape, cleaning)
    text = _beginning(part, cleaning)
    if (said := _SAID.match(text)) and reading.delimiter is None and reading.header is not False:
        # What Excel writes for itself.
        said_first = replace(reading, delimiter=said[1].decode(), skip_rows=reading.skip_rows + 1)
        return read_dialect(part, said_first, tabs=tabs)
    dialect = replace(dialect, longest=max(map(len, text.splitlines())))
    if reading.delimiter is not None:
        dialect, rows = _asked(part, text, _with_delimiter(dialect, reading.delimiter))
        notes: tuple[str, ...] = ()
    else:
        dialect, rows = _sniffed(part, text, dialect, "\t" if tabs else ",")
        usual = dialect.delimiter == ("\t" if tabs else ",")
        notes = () if usual else (f"the delimiter of {part.label} was taken to be {_word(dialect)}",)
    if reading.header is None:
        refuse_values_as_names(rows, part)
    named = column_names(rows[0], dialect.header, part)
    return replace(dialect, names=named.names, index=named.index, notes=notes + named.notes)


def _beginning(part: Part, cleaning: Cleaning) -> bytes:
    """The first lines of the table as the reader will see them, whole ones unless the text ends."""
    size = _FIRST_BYTES
    while True:
        head = part.head(size)
        cut = len(head) == size
        text = b"".join(CleanText([head], cleaning, cut=cut).pieces())
        if not cut or text.count(b"\n") + text.count(b"\r") >= _LINES_NEEDED or size >= _LONGEST_HEADER:
            break
        size *= 8
    if not text.strip():
        if cut:
            raise DataError(f"the first line of {part.label} is longer than {size:,} bytes", hint="is it a text table?")
        raise DataError(f"{part.label} is empty: it has no header line", hint="the first line must name the columns")
    return text


def _parsed(text: bytes, dialect: Dialect) -> Rows:
    """The rows of a text as lists of fields, as many as have the width of the first; the others are left out, but for
    the empty list that stands for each."""
    if dialect.cleaning.whitespace:
        text = b"".join(CleanText([text], Cleaning(whitespace=True)).pieces())
    wrong: list[int] = []

    def skip(row: Any) -> str:
        wrong.append(1)
        return "skip"

    options = dialect.parse_options()
    options.invalid_row_handler = skip
    # The handler shows a row's text to Python, which must be able to read it.
    readable = text.decode("utf-8", "replace").encode()
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(readable),
            read_options=pa.csv.ReadOptions(
                autogenerate_column_names=True, use_threads=False, block_size=len(readable) + 1
            ),
            parse_options=options,
            convert_options=pa.csv.ConvertOptions(
                null_values=[], strings_can_be_null=False, default_column_type=pa.string()
            ),
        )
    except READ_ERRORS:
        return []
    columns = [column.to_pylist() for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)] + [[]] * len(wrong)


def _first_lines(text: bytes, quote: str | None) -> bytes:
    """The lines that tell the dialect; more where the last of them seems to end inside a quoted value."""
    lines = text.splitlines(keepends=True)
    count, mark = _LINES_SNIFFED, (quote or "").encode()
    first = b"".join(lines[:count])
    while mark and first.count(mark) % 2 and count < len(lines) and count < _MOST_LINES_SNIFFED:
        first += lines[count]
        count += 1
    return first


def _asked(part: Part, text: bytes, dialect: Dialect) -> tuple[Dialect, Rows]:
    """A dialect whose delimiter needs no guess, and the rows under it."""
    rows = _parsed(_first_lines(text, dialect.quote), dialect)
    rows = rows or _parsed(text, dialect)
    _check_header(part, text, rows)
    others = [d for d in DELIMITERS if d != dialect.delimiter and d in rows[0][0]]
    if len(rows[0]) == 1 and others:
        raise _single_column(part, dialect, rows[0][0], others[0])
    return dialect, rows


def _check_header(part: Part, text: bytes, rows: Rows) -> None:
    line = text.splitlines()[0]
    if not rows or not rows[0]:
        raise DataError(
            f"the first line of {part.label} cannot be parsed: {line[:40]!r}", hint="see --quote, --skip-rows"
        )
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"the header of {part.label} is not UTF-8 text: {line[:40]!r}", hint="name its encoding: --encoding latin-1"
        ) from error


def _sniffed(part: Part, text: bytes, dialect: Dialect, usual: str) -> tuple[Dialect, Rows]:
    """The dialect with the delimiter that fits best, and the rows under it."""
    lines = _first_lines(text, dialect.quote)
    candidates = [replace(dialect, delimiter=d) for d in DELIMITERS if d.encode() in lines]
    parsed = [(each, _parsed(lines, each)) for each in candidates]
    fits = [(each, rows, _fit(rows, each.delimiter)) for each, rows in parsed if rows and len(rows[0]) > 1]
    best = max((fit for _, _, fit in fits), default=(0.0, 0.0))
    if best[0] < _POOR_FIT:
        if (blanks := _between_blanks(lines, dialect)) is not None:
            _check_header(part, text, blanks[1])
            return blanks
        _refuse_beginning(part, text, dialect, max((len(rows[0]) for _, rows, _ in fits), default=1))
    chosen = [(each, rows) for each, rows, fit in fits if fit == best]
    if not chosen:
        return _asked(part, text, replace(dialect, delimiter=usual))
    if len(chosen) > 1:
        raise DataError(
            f"the delimiter of {part.label} is not clear: the lines fit "
            f"{' and '.join(repr(each.delimiter) for each, _ in chosen)}",
            hint="say which with --delimiter",
        )
    _check_header(part, text, chosen[0][1])
    return chosen[0]


def _fit(rows: Rows, delimiter: str) -> tuple[float, float]:
    """The share of rows as wide as the first, and of their fields the share that are numbers or empty."""
    if len(rows) < 2:
        return (1.0, 0.0)
    body = [row for row in rows[1:] if row]
    fields = [field for row in body for field in row[:FIELDS_COMPARED]]
    numbers = sum(1 for field in fields if not field.strip() or is_number(field, delimiter != ","))
    return round(len(body) / (len(rows) - 1), 6), round(numbers / max(len(fields), 1), 6)


def _between_blanks(lines: bytes, dialect: Dialect) -> tuple[Dialect, Rows] | None:
    """The dialect of columns between single blanks, or runs of them; None where they do not fit all the lines."""
    for blank in _blank_dialects(dialect):
        rows = _parsed(lines, blank)
        fits = len(rows) > 1 and len(rows[0]) > 1 and all(rows)
        if fits and (blank.cleaning.whitespace or all("" not in row for row in rows)):
            return blank, rows
    return None


def _blank_dialects(dialect: Dialect) -> tuple[Dialect, Dialect]:
    """The dialects of columns between single blanks, and between any runs of them."""
    return replace(dialect, delimiter=" "), _by_whitespace(dialect)


def _by_whitespace(dialect: Dialect) -> Dialect:
    return replace(dialect, delimiter=" ", cleaning=replace(dialect.cleaning, whitespace=True))


def _refuse_beginning(part: Part, text: bytes, dialect: Dialect, columns: int) -> None:
    """Raise DataError where a quote swallows the first rows, or the table seems to begin some lines further down."""
    if dialect.quote is not None:
        for delimiter in DELIMITERS:
            watch = QuoteWatch(part.label, delimiter, dialect.quote, dialect.escape, columns)
            watch.feed(text)
    lines = _first_lines(text, None).splitlines(keepends=True)
    _refuse_other_width(part, lines, dialect)
    for count in range(1, len(lines) - 2):
        for delimiter in DELIMITERS:
            rows = _parsed(b"".join(lines[count:]), replace(dialect, delimiter=delimiter))
            if len(rows) > 2 and len(rows[0]) > 1 and all(rows):
                raise _begins_below(part, lines[:count], lines[count:], dialect.cleaning.skip_rows)


def _refuse_other_width(part: Part, lines: Sequence[bytes], dialect: Dialect) -> None:
    """Raise DataError where all rows have one number of fields, and the first line another."""
    for each in (*(replace(dialect, delimiter=d) for d in DELIMITERS), *_blank_dialects(dialect)):
        first, rows = _parsed(lines[0], each), _parsed(b"".join(lines[1:]), each)
        if first and len(first[0]) > 1 and len(rows) > 2 and len(rows[0]) > 1 and all(rows):
            raise DataError(
                f"{part.label}: the first line has {len(first[0])} fields and the rows have {len(rows[0])} "
                f"(between {_word(each)})",
                hint=f"--skip-rows {dialect.cleaning.skip_rows + 1} --no-header calls the columns f0, f1, ...; "
                "if values are in single quotes: --quote single",
            )


def _begins_below(part: Part, before: Sequence[bytes], below: Sequence[bytes], skipped: int) -> DataError:
    marks = {line[:1].decode("latin-1") for line in before if line.strip()}
    if len(marks) == 1 and (mark := marks.pop()) in _COMMENTS:
        return DataError(
            f"{part.label}: lines that begin with {mark!r} stand before the header",
            hint=f"to pass over them: --comment '{mark}'",
        )
    if len(before) == 1 and before[0].count(b",") == 0 and all(map(_WITH_COMMA.fullmatch, below)):
        return DataError(
            f"{part.label} seems to be one column of numbers with decimal commas", hint="--delimiter ';' --decimal ,"
        )
    shown, count = before[0][:40].decode("utf-8", "replace").strip(), len(before) + skipped
    return DataError(
        f"{part.label}: the first line ({shown!r}) does not fit the lines from line {count + 1} on",
        hint=f"if the table begins there: --skip-rows {count}",
    )


def _single_column(part: Part, dialect: Dialect, name: str, other: str) -> DataError:
    return DataError(
        f"with the delimiter {dialect.delimiter!r} {part.label} has a single column {name!r}; "
        f"its header holds {other!r}",
        hint=f"--delimiter '{other}'" if other != "\t" else "--delimiter tab",
    )


def _word(dialect: Dialect) -> str:
    return "whitespace" if dialect.cleaning.whitespace else repr(dialect.delimiter)


def _with_delimiter(dialect: Dialect, delimiter: str) -> Dialect:
    """The dialect with a delimiter as a person writes it. Raises UsageError for what is no single character."""
    if delimiter == WHITESPACE:
        return _by_whitespace(dialect)
    chosen = _WORDS.get(delimiter, delimiter)
    if len(chosen) != 1 or chosen in '"\r\n\0' or ord(chosen) > 127:
        raise UsageError(
            f"the delimiter {delimiter!r} must be one ASCII character other than a quote or a line end",
            hint="as in --delimiter ';', --delimiter tab or --delimiter whitespace",
        )
    return replace(dialect, delimiter=chosen)


def _asked_quote(quote: str | None) -> str | None:
    if quote is None:
        return '"'
    if quote in ("none", ""):
        return None
    chosen = {"single": "'", "double": '"'}.get(quote, quote)
    if len(chosen) != 1 or ord(chosen) > 127 or chosen.isalnum() or chosen in "\r\n\0":
        raise UsageError(
            f"--quote is {quote!r}; it must be one ASCII character that is no letter or digit, or none",
            hint="as in --quote none, or --quote single",
        )
    return chosen
