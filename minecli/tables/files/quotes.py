"""Quotes that swallow rows. A quote at the beginning of a field opens a value that may hold line ends, up to the next
quote: a stray one (6ft written as "6ft) takes all rows up to there, and no reader can know by itself.

    an error   the text ends inside the value; it is closed in the middle of a field; the lines inside look like rows of
               the table; or it spans more than MOST_LINES lines, which nobody said that values do
    a value    all else, such as an address or a note of several lines

Outside quotes and in the middle of a field a quote is a character like others, as it is for the reader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from minecli.errors import DataError

MOST_LINES = 100
_NUMBER = re.compile(rb"\s*[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?\s*%?\s*")
_LINE_END = re.compile(rb"\r\n|\n|\r")


class QuoteWatch:
    """Reads a text piece by piece, and raises DataError where a quote swallows rows.

    `delimiter`, `quote` and `escape` (None: there is none) are single characters; `columns` is how many fields a row
    has; `asked` whether a person said that this is the quote, and long values are meant.

    >>> watch = QuoteWatch("a.csv", ",", '"', None, 2)
    >>> watch.feed(b'x,z\\n1,"two\\nlines"\\n')
    >>> watch.feed(b'3,"4\\n5,6\\n')
    >>> watch.finish()
    Traceback (most recent call last):
    minecli.errors.DataError: a.csv: line 4 opens a quote (") that is never closed: the rows below would be lost \
(if it is a character like others: --quote none; otherwise close it)
    """

    def __init__(
        self, label: str, delimiter: str, quote: str, escape: str | None, columns: int, *, asked: bool = False
    ) -> None:
        self._label, self._columns, self._asked = label, columns, asked
        self._shown = quote
        self._quote, self._delimiter = quote.encode(), delimiter.encode()
        q, e = re.escape(self._quote), re.escape(escape.encode()) if escape else None
        start = rb"(?<=[" + re.escape(self._delimiter) + rb"\n\r])"
        within = rb"[^" + q + (e or b"") + rb"]"
        escaped = rb"|" + e + rb"(?s:.)" if e else b""
        on_one_line = within.replace(rb"]", rb"\n\r]")
        value = q + rb"(?:" + on_one_line + rb"++|" + q + q + escaped + rb")*+" + q
        self._harmless = re.compile(
            rb"(?:" + within + rb"++|" + start + value + rb"|(?!" + start + rb")" + q + escaped + rb")*+"
        )
        self._value = re.compile(q + rb"(?:" + within + rb"++|" + q + q + escaped + rb")*+")
        # What follows the last line end outside quotes, that line end included.
        self._rest = b"\n"
        self._counted = self._lines_before = 0
        self.lines, self.first = 0, 1

    def feed(self, piece: bytes) -> None:
        """Read the next piece of the text. Raises DataError where a quote swallows rows."""
        text = self._rest + piece
        if self._quote not in text:
            self._leave(text)
            return
        self._leave(text, self._scan(text, final=False))

    def finish(self) -> None:
        """Say that the text has ended. Raises DataError where a quote is still open."""
        self._scan(self._rest, final=True)

    def _leave(self, text: bytes, upto: int | None = None) -> None:
        """Count the lines of what was read, and remember the line on which reading stopped."""
        end = len(text) if upto is None else upto
        last = max(text.rfind(b"\n", 0, end), text.rfind(b"\r", 0, end))
        self.lines += _line_ends(text[:last])
        self._rest = text[last:]

    def _scan(self, text: bytes, final: bool) -> int:
        """Go over values until the text ends, or a value whose end is yet to come; the place."""
        place = self._counted = 0
        self._lines_before = self.lines
        while True:
            harmless = self._harmless.match(text, place)
            place = harmless.end() if harmless else place
            if place == len(text):
                return place
            value = self._value.match(text, place)
            end = value.end() if value else len(text)
            if end == len(text) or (end + 1 == len(text) and not final):
                inside = _line_ends(text[place:end])
                if final or (inside > MOST_LINES and not self._asked):
                    raise self._unclosed(text, place, inside, final)
                return place
            self._refuse_swallowing(text, place, end)
            place = end + 1

    def _refuse_swallowing(self, text: bytes, opening: int, closing: int) -> None:
        """Refuse a closed value of several lines that no one can have meant."""
        after = text[closing + 1 : closing + 2]
        line = self._line_of(text, opening, forget=True)
        if after not in (b"", b"\n", b"\r", self._delimiter):
            until = self._line_of(text, closing)
            raise self._wrong(line, f"that is closed on line {until} in the middle of a field")
        inside = _line_ends(text[opening:closing])
        if inside and not self._asked and self._like_rows(text, opening, closing, first=line == self.first):
            what = "and what is up to the next one looks like rows of the table"
            raise self._wrong(line, what, f"; if it is meant: --quote '{self._shown}'")
        if inside > MOST_LINES and not self._asked:
            raise self._wrong(
                line, f"that is closed {inside} lines below", f"; if it is meant: --quote '{self._shown}'"
            )

    def _like_rows(self, text: bytes, opening: int, closing: int, first: bool) -> bool:
        """Whether half of the lines that begin inside the value have as many fields as the table, and numbers where
        the line has some on which the value opens. Where it has none, as the `first` line of a table that names the
        columns, all lines that are inside as a whole must be as wide, one in the first line, two elsewhere."""
        start = max(text.rfind(b"\n", 0, opening), text.rfind(b"\r", 0, opening)) + 1
        end = _LINE_END.search(text, closing)
        begun, *others = _LINE_END.split(text[start : end.start() if end else len(text)])
        model = self._numbers(begun)
        if model is None or not any(model):
            inner = [line for line in others[:-1] if self._quote not in line]
            wide = [line for line in inner if line.count(self._delimiter) == self._columns - 1 > 0]
            return len(wide) == len(others) - 1 >= (1 if first else 2)
        alike = sum(1 for line in others if _alike(model, self._numbers(line)))
        return 2 * alike >= len(others)

    def _numbers(self, line: bytes) -> list[bool | None] | None:
        """Of each field of a line whether it is a number, None where it is empty; None for too many or too few."""
        fields = line.split(self._delimiter)
        if self._columns < 2 or len(fields) != self._columns:
            return None
        return [bool(_NUMBER.fullmatch(field.strip(self._quote))) if field.strip() else None for field in fields]

    def _line_of(self, text: bytes, place: int, forget: bool = False) -> int:
        """The number of a line; those before need not be counted again where nothing will be asked of them."""
        line = self._lines_before + _line_ends(text[self._counted : place])
        if forget:
            self._counted, self._lines_before = place, line
        return line

    def _unclosed(self, text: bytes, place: int, inside: int, final: bool) -> DataError:
        line = self._line_of(text, place)
        if final:
            return self._wrong(line, "that is never closed: the rows below would be lost")
        return self._wrong(
            line,
            f"that is not closed within {inside} lines",
            f"; if such long values are meant: --quote '{self._shown}'",
        )

    def _wrong(self, line: int, what: str, more: str = "") -> DataError:
        return DataError(
            f"{self._label}: line {line} opens a quote ({self._shown}) {what}",
            hint=f"if it is a character like others: --quote none; otherwise close it{more}",
        )


def _alike(model: Sequence[bool | None], other: Sequence[bool | None] | None) -> bool:
    if other is None:
        return False
    # What stands where the line has words says nothing: a word may be a number.
    where_numbers = [b for a, b in zip(model, other, strict=True) if a and b is not None]
    return bool(where_numbers) and all(where_numbers)


def _line_ends(text: bytes) -> int:
    count = text.count(b"\n")
    return count if b"\r" not in text else count + text.count(b"\r") - text.count(b"\r\n")
