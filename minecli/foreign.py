r"""Text that others wrote, as it may be shown: names of columns and files, values of cells, words that were typed.

A terminal obeys what it is sent: a column called "\x1b[2J" would wipe the screen, and one with U+202E would turn the
rest of its line around. What cannot be seen is therefore shown as an escape, before our own colours are added. In JSON
the same characters are escaped by JSON's own rules, so that the content stays what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unicodedata import category

# Control characters, format characters (those that turn the direction of writing or have no width), lone surrogates
# (bytes of file names that are no UTF-8), and the separators of lines and of paragraphs.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
Escape = Callable[[str], str]

_LONGEST_NAME = 80
_LONGEST_MESSAGE = 2000
# A message does not mark its names: what has 100 characters in quotes, or without a blank, is taken for one. Commas and
# slashes end it, since lists of columns and paths are there to be typed again.
_LONG_NAME = re.compile(r"(?<!\w)'([^',/]{100,})'(?!\w)|[^\s,/]{100,}")


class Styled(str):
    """Text with our own colours in which all that is foreign is escaped already; a terminal may have it as it is."""


def _of_python(character: str) -> str:
    return repr(character)[1:-1]


def _of_json(character: str) -> str:
    return json.dumps(character)[1:-1]


def escaped(text: str, escape: Escape = _of_python) -> str:
    r"""The text with an escape, by default Python's, for every character that cannot be seen, line ends among them.

    >>> escaped("red \x1b[31m"), escaped("abc\u202efed"), escaped("two\nlines")
    ('red \\x1b[31m', 'abc\\u202efed', 'two\\nlines')
    """
    if text.isprintable():
        return text
    return "".join(escape(c) if category(c) in _UNSEEN else c for c in text)


def escaped_lines(text: str, escape: Escape = _of_python) -> str:
    r"""A text of several lines, each of them escaped.

    >>> escaped_lines("a\tb\nc\n")
    'a\\tb\nc\n'
    """
    if text.replace("\n", "").isprintable():
        return text
    return "\n".join(escaped(line, escape) for line in text.split("\n"))


def escaped_json(text: str) -> str:
    r"""JSON with \uXXXX for every character that cannot be seen; the lines it is laid out in stay.

    >>> escaped_json('{"a": "\x9b\u202e"}')
    '{"a": "\\u009b\\u202e"}'
    """
    return escaped_lines(text, _of_json)


def encoded(text: str) -> bytes:
    r"""The bytes of a result. What no UTF-8 has, a lone surrogate from the name of a file, is escaped.

    >>> encoded("\u00e9\udcff")
    b'\xc3\xa9\\udcff'
    """
    return text.encode("utf-8", "backslashreplace")


def shortened(text: str, most: int = _LONGEST_NAME) -> str:
    """The text without its middle, where it is longer than `most` characters.

    >>> shortened("abcdefghijkl", 9)
    'abc...jkl'
    """
    half = (most - 3) // 2
    return text if len(text) <= most else f"{text[:half]}...{text[-half:]}"


def legible(text: str) -> str:
    r"""A message for a person: on one line, escaped, and without the middle of names that would flood it.

    >>> legible("there is no column '\x1b[31m" + 10_000 * "A" + "'")
    "there is no column '\\x1b[31mAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA...AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'"
    """
    if len(text) > _LONGEST_NAME:
        text = _LONG_NAME.sub(lambda found: f"'{shortened(found[1])}'" if found[1] else shortened(found[0]), text)
    return escaped(shortened(text, _LONGEST_MESSAGE))


def legible_values(value: Any) -> Any:
    r"""A copy of plain JSON values in which every text is legible, keys included.

    >>> legible_values({"columns": ["a\x07"], "n": 3})
    {'columns': ['a\\x07'], 'n': 3}
    """
    if isinstance(value, str):
        return legible(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {legible_values(key): legible_values(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [legible_values(item) for item in value]
    return value
