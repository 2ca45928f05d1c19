"""A table that is open: its columns are known, its rows are not read yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minecli.tables.files.formats import Format
from minecli.tables.selectors.header import Header


@dataclass(frozen=True)
class OpenTable:
    """A table whose columns are known and whose rows are not read yet.

    `read(columns)` gives them as an Arrow table in that order; where `once` is set it can be called a single
    time. `index` are columns that number or name the rows, such as a pandas index: data only where a person calls them
    by their names. `lists` are the columns of lists with their widths, None where only the rows tell. `notes` are
    plain sentences for the person; reading may add some. `metadata` is what the file carries under the product's own
    prefix.
    """

    source: str
    format: Format
    names: tuple[str, ...]
    read: Callable[[Sequence[str]], Any]
    once: bool = False
    notes: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    index: tuple[str, ...] = ()
    lists: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def header(self) -> Header:
        """What can be selected."""
        return Header(self.names, frozenset(self.index), self.lists)
