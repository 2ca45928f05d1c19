"""Thirty ways in which programs write the same table as text: rows read are rows written, and every number is the
same."""

from __future__ import annotations

import codecs
import io
import itertools

import numpy as np
import pytest

from minecli.tables.files.options import Reading
from minecli.tables.groups import load_groups
from minecli.tables.wanted import Wanted

ROWS = 200
WORDS = ("oslo", "a note", "x, y", "1;2", 'say "so"', "tab\there", "two\nlines", "o|o", "")


def table() -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((ROWS, 2)).round(4), [WORDS[i] for i in rng.integers(0, len(WORDS), ROWS)]


def field(text: str, delimiter: str, quote: str, escape: str, always: bool) -> str:
    special = any(sign in text for sign in (delimiter, quote, "\n", "\r"))
    if not (always or special) or not quote:
        return text
    return quote + text.replace(quote, (escape or quote) + quote) + quote


def written(
    delimiter: str, quote: str, escape: str, end: str, decimal: str, always: bool, encoding: str, beginning: str
) -> bytes:
    numbers, words = table()
    lines = [delimiter.join(field(name, delimiter, quote, escape, always) for name in ("x", "größe", "word"))]
    for (a, b), word in zip(numbers, words, strict=True):
        values = [repr(float(a)).replace(".", decimal), repr(float(b)).replace(".", decimal)]
        kept = word if quote else "w"
        lines.append(delimiter.join(field(each, delimiter, quote, escape, always) for each in (*values, kept)))
    text = beginning + end.join(lines) + end
    return codecs.BOM_UTF8 + text.encode() if encoding == "utf-8-sig" else text.encode(encoding)


DIALECTS = [
    (delimiter, quote, escape, end, decimal, always, encoding, beginning)
    for (delimiter, decimal), (quote, escape), end, always, encoding, beginning in itertools.chain(
        itertools.product(
            [(",", "."), (";", ","), ("\t", "."), ("|", ".")],
            [('"', "")],
            ["\n", "\r\n"],
            [False, True],
            ["utf-8"],
            [""],
        ),
        itertools.product([(",", "."), (";", ",")], [("'", ""), ('"', "\\")], ["\n"], [True], ["utf-8"], ["", "\n \n"]),
        itertools.product([(",", "."), ("~", ".")], [("", "")], ["\n", "\r"], [False], ["utf-8"], [""]),
        itertools.product(
            [(";", ".")], [('"', "")], ["\n"], [False], ["latin-1", "utf-16", "utf-8-sig", "cp1252"], [""]
        ),
        itertools.product(
            [(",", ".")], [('"', "")], ["\n"], [True], ["utf-8"], ["# made by hand, today\n", "\n\n# x\n"]
        ),
    )
]


def test_there_are_thirty() -> None:
    assert len(DIALECTS) >= 30


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: "".join(repr(part) for part in d))
def test_rows_read_are_rows_written(dialect: tuple) -> None:
    delimiter, quote, escape, _, decimal, _, encoding, beginning = dialect
    reading = Reading(
        delimiter="~" if delimiter == "~" else None,
        quote=None if quote == '"' else quote or "none",
        escape=escape or None,
        decimal=decimal,
        encoding=None if encoding.startswith("utf-8") else encoding,
        comment="#" if "#" in beginning else None,
    )
    found = load_groups("-", ["x"], ["größe"], Wanted(reading=reading), stdin=io.BytesIO(written(*dialect)))
    numbers, _ = table()
    assert found.rows_read == ROWS
    np.testing.assert_array_equal(np.hstack([found.x.values, found.z.values]), numbers)
