"""A table that is open: its columns are known, its rows are not read yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minecli.tables.files.formats import Format
from minecli.tables.files.schemas import index_columns, list_widths, own_metadata
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

    @classmethod
    def of_schema(
        cls,
        source: str,
        form: Format,
        schema: Any,
        read: Callable[[Sequence[str]], Any],
        *,
        once: bool = False,
        notes: Sequence[str] = (),
    ) -> OpenTable:
        """A table with the names, the index, the lists and the metadata that its Arrow `schema` tells.

        Raises UnicodeDecodeError for metadata that are no text.
        """
        return cls(
            source,
            form,
            tuple(schema.names),
            read,
            once,
            notes,
            metadata=own_metadata(schema),
            index=index_columns(schema),
            lists=list_widths(schema),
        )

    @property
    def header(self) -> Header:
        """The columns that selectors can name, with those that number the rows and those of lists."""
        return Header(self.names, frozenset(self.index), self.lists)
