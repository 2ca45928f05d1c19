"""The columns that a table offers, and a request for some of them: who asks, and how to answer."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from minecli.errors import UsageError

_ENTRY = re.compile(r"(.*)\[(0|[1-9][0-9]{0,17})\]", re.DOTALL)
# A person may name the wrong file, one with passwords: so few letters of each piece of it are shown.
_LETTERS_SHOWN = 3


@dataclass(frozen=True)
class Header:
    """The columns of a table in the order of the file.

    `index`: those that number the rows, such as a pandas index; they are data only where they are called by their
    exact names. `lists`: those that hold lists, with their widths, None where only the rows tell; their entries can be
    named ("emb[3]").
    """

    names: tuple[str, ...]
    index: frozenset[str] = frozenset()
    lists: Mapping[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Header | Sequence[str]) -> Header:
        """The header itself, or one of plain columns.

        >>> Header.of(["a", "b"]).names
        ('a', 'b')
        """
        return names if isinstance(names, Header) else cls(tuple(names))

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each column in the file, from 0."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def as_arrow(self) -> Any:
        """The names as an Arrow array; letters that UTF-8 does not know become question marks."""
        import pyarrow as pa

        return pa.array([name.encode(errors="replace").decode() for name in self.names], pa.string())

    def has_lists(self, name: str) -> bool:
        """Whether a column holds lists."""
        return name in self.lists and name in self.places


def entry_name(column: str, entry: int) -> str:
    """What an entry of a column of lists is called.

    >>> entry_name("emb", 3)
    'emb[3]'
    """
    return f"{column}[{entry}]"


def element(name: str, header: Header | Sequence[str]) -> tuple[str, int] | None:
    """The column of lists and the place in it that a selected name stands for; None for an ordinary column, and for
    one that happens to be called so.

    >>> header = Header(("emb", "x[0]"), lists={"emb": 8})
    >>> element("emb[3]", header), element("emb", header), element("x[0]", header), element("emb[8]", header)
    (('emb', 3), None, None, None)
    """
    if not isinstance(header, Header) or not header.lists or name in header.places:
        return None
    match = _ENTRY.fullmatch(name)
    if match is None or not header.has_lists(match[1]):
        return None
    entry, width = int(match[2]), header.lists[match[1]]
    return (match[1], entry) if width is None or entry < width else None


@dataclass(frozen=True)
class Request:
    """Columns of `header` are asked for: by an option of the command line, or on a line of a file that it names.

    `source` is the table; `line` is the number of the line and the name of its file.
    """

    header: Header
    option: str
    source: str
    line: tuple[int, str] | None = None

    def on_line(self, number: int, file: str) -> Request:
        """The same request made on a line of a file."""
        return Request(self.header, self.option, self.source, (number, file))

    def said(self, text: str) -> str:
        """What the person wrote, in quotes for a message; of what stands in a file no more than a few letters."""
        if self.line is not None and len(text) > _LETTERS_SHOWN:
            text = f"{text[:_LETTERS_SHOWN]}..."
        return f"'{text}'"

    def wrong(self, problem: str, hint: str = "") -> UsageError:
        """The error that says so, and of which option, and on which line."""
        place = "" if self.line is None else f"line {self.line[0]} of {self.line[1]}: "
        hint = hint or f"minecli columns {shlex.quote(self.source)} lists the columns"
        return UsageError(f"{self.option}: {place}{problem}", hint=hint)
