"""Quotes that swallow rows are found wherever the text is cut into pieces; those that are meant are left alone."""

from __future__ import annotations

import io

import pytest

from minecli.errors import DataError
from minecli.tables.files.options import Reading
from minecli.tables.files.quotes import MOST_LINES, QuoteWatch
from minecli.tables.groups import load_groups
from minecli.tables.wanted import Wanted

ROWS = b"".join(b"%d.5,%d.2,m\n" % (i, 2 * i) for i in range(150))
HEADER = b"x,z,size\n"
PIECES = (1, 3, 17, 256, 1 << 20)


def watched(text: bytes, size: int, escape: str | None = None, asked: bool = False) -> int:
    watch = QuoteWatch("t.csv", ",", '"', escape, 3, asked=asked)
    for start in range(0, len(text), size):
        watch.feed(text[start : start + size])
    watch.finish()
    return watch.lines


@pytest.mark.parametrize("size", PIECES)
@pytest.mark.parametrize(
    ("row", "after", "expected"),
    [
        (b'1,2,"6ft tall\n', ROWS, "line 152 opens a quote"),
        (b'1,2,"6ft tall\n', b"3,4,m\n", r"line 152 opens a quote \(\"\) that is never closed"),
        (b'"6ft,1,2\n', b'5,6,m\n7,8,"5ft\n', "line 152 .* closed on line 154 in the middle of a field"),
        (b'1,2,"6ft tall\n', b'3,4,6"\n' + ROWS, "line 152 .* looks like rows of the table"),
        (b'1,2,"6ft tall\n', ROWS + b"3,4,5'6\"\n", "line 152 opens a quote"),
        (b'1,2,"6ft tall\r\n', ROWS.replace(b"\n", b"\r\n"), "line 152 opens a quote"),
        (b'1,2,"' + b"word\n" * (MOST_LINES + 1) + b'"\n', b"", "line 152 opens a quote"),
    ],
)
def test_a_quote_that_swallows_rows(row: bytes, after: bytes, expected: str, size: int) -> None:
    with pytest.raises(DataError, match=expected):
        watched(HEADER + ROWS + row + after, size)


@pytest.mark.parametrize("size", PIECES)
@pytest.mark.parametrize(
    "rows",
    [
        b'1,2,"a note\nof two, or, three lines"\n',
        b'1,2,"a ""b"" c"\n"","",""\n1,2,a "q" b\n',
        b'"1","2","m"\r\n"3","4","l"\r\n',
        b'1,2,"ends here"',
        b'1,2,"' + b"word\n" * (MOST_LINES - 1) + b'"\n',
        b'1,2,""\n1,2,""""\n',
    ],
)
def test_values_that_are_meant(rows: bytes, size: int) -> None:
    watched(HEADER + ROWS + rows, size)


@pytest.mark.parametrize("size", PIECES)
def test_an_escaped_quote_closes_nothing(size: int) -> None:
    watched(HEADER + b'1,2,"a \\" b"\n', size, escape="\\")
    with pytest.raises(DataError, match="never closed"):
        watched(HEADER + b'1,2,"a \\"\n', size, escape="\\")


def test_long_values_can_be_meant() -> None:
    text = HEADER + b'1,2,"' + b"word\n" * 500 + b'"\n'
    watched(text, 64, asked=True)
    with pytest.raises(DataError, match=r"if .* meant: --quote"):
        watched(text, 64)


def test_a_table_with_a_stray_quote_is_not_read_in_part() -> None:
    text = HEADER + ROWS + b'1,2,"6ft tall\n' + ROWS
    with pytest.raises(DataError, match=r"line 152 opens a quote .* --quote none"):
        load_groups("-", ["x"], ["z"], stdin=io.BytesIO(text))
    found = load_groups("-", ["x"], ["z"], Wanted(reading=Reading(quote="none")), stdin=io.BytesIO(text))
    assert found.rows_read == 301


def test_lines_are_counted_from_the_first_of_the_file() -> None:
    text = b"made by\nsomebody\n\n" + HEADER + b"1,2,m\n" * 30 + b'3,4,"6ft\n' + ROWS
    with pytest.raises(DataError, match="line 35 opens a quote"):
        load_groups("-", ["x"], ["z"], Wanted(reading=Reading(skip_rows=2)), stdin=io.BytesIO(text))


def test_a_stray_quote_in_the_first_row() -> None:
    with pytest.raises(DataError, match="line 2 opens a quote"):
        load_groups("-", ["x"], ["z"], stdin=io.BytesIO(HEADER + b'1,2,"6ft\n' + ROWS))
