"""How messages speak of columns: names in quotes, as they are typed, counted, and the nearest to a wrong one."""

from __future__ import annotations

import difflib
import heapq
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

_NAMES_SHOWN = 6
# Comparing two words letter by letter is slow: of more than so many words those are compared that begin and end most
# like the wanted one, and nothing is near to a word longer than any that a person types.
_MOST_COMPARED = 2000
_LONGEST_COMPARED = 200


def quoted(names: Sequence[object]) -> str:
    """Names for a message: the first few in quotes, the rest as a number.

    >>> quoted(["a", "b"])
    "'a', 'b'"
    >>> quoted(range(9))
    '0, 1, 2, 3, 4, 5 and 3 more'
    """
    shown = ", ".join(repr(name) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def repeated(names: Iterable[str]) -> list[str]:
    """The names that occur more than once, each of them once, in the order of their first occurrence.

    >>> repeated(["b", "a", "c", "a", "b"])
    ['b', 'a']
    """
    return [name for name, times in Counter(names).items() if times > 1]


def cut(text: str, longest: int) -> str:
    """A text of at most `longest` characters; where it had more, its end is three dots.

    >>> cut("a" * 9, 8), cut("a" * 8, 8)
    ('aaaaa...', 'aaaaaaaa')
    """
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def escaped(name: str) -> str:
    r"""A name as one piece of a list of selectors, the characters that would end or change it escaped.

    >>> print(escaped("a,b"), escaped(" pad"))
    a\,b \ pad
    """
    return re.sub(r"^\s|\s$|[,/\\]", r"\\\g<0>", name)


def typed(names: Sequence[str]) -> str:
    r"""A selector of these columns as it is typed in a shell.

    >>> typed(["label", "a b"]), typed(["a,b", "c"])
    ("'label,a b'", "'a\\,b,c'")
    """
    if len(names) == 1:
        return shlex.quote(names[0])
    return shlex.quote(",".join(map(escaped, names)))


def counted(number: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nearest(wanted: str, known: Sequence[str], *, at_most: int = 3) -> list[str]:
    """The known words that look most like `wanted`, upper and lower case taken as equal.

    >>> nearest("Temprature", ["temperature", "pressure"])
    ['temperature']
    """
    word = wanted.strip().casefold()
    if len(word) > _LONGEST_COMPARED:
        return []
    folded: dict[str, list[str]] = {}
    for name in known:
        folded.setdefault(name.strip().casefold(), []).append(name)
    candidates = list(folded)
    if len(candidates) > _MOST_COMPARED:
        candidates = heapq.nlargest(_MOST_COMPARED, candidates, key=lambda other: _same_ends(word, other))
    close = difflib.get_close_matches(word, candidates, n=at_most)
    return [name for key in close for name in folded[key]][:at_most]


def _same_ends(word: str, other: str) -> int:
    """How many letters two words share at their beginnings and at their ends."""
    return _same_start(word, other) + _same_start(word[::-1], other[::-1])


def _same_start(word: str, other: str) -> int:
    for i, (a, b) in enumerate(zip(word, other, strict=False)):
        if a != b:
            return i
    return min(len(word), len(other))
