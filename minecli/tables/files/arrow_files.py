"""Arrow files (Feather) and streams. Their bytes are used as they lie there, so all of them are checked first: a
damaged offset would otherwise end the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.ipc

from minecli.tables.files.compression import Wrapped
from minecli.tables.files.faults import explained
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.parts import Part

_END_MARKS = (b"\xff\xff\xff\xff\x00\x00\x00\x00", b"\x00\x00\x00\x00")


def open_arrow_file(part: Part) -> OpenTable:
    """An Arrow file. Raises DataError where it is damaged."""
    with explained(part.label, "Arrow"):
        schema = pa.ipc.open_file(part.random()).schema

    def read(columns: Sequence[str]) -> Any:
        with explained(part.label, "Arrow"):
            # The reader gives the fields in file order whatever the order asked for, hence the select.
            places = sorted(schema.get_field_index(name) for name in columns)
            options = pa.ipc.IpcReadOptions(included_fields=places)
            table = pa.ipc.open_file(part.random(), options=options).read_all()
            table.validate(full=True)
            return table.select(list(columns))

    with explained(part.label, "Arrow"):
        return OpenTable.of_schema(part.label, "arrow", schema, read, once=part.once)


def open_arrow_stream(part: Part) -> OpenTable:
    """An Arrow stream, which can be read once. Raises DataError where it is damaged; a stream without its end mark,
    which may have been cut off, is said in a note."""
    with explained(part.label, "an Arrow stream"):
        stream = _Remembering(part.stream())
        batches = pa.ipc.open_stream(pa.PythonFile(stream, mode="r"))
        schema = batches.schema
    notes: list[str] = []

    def read(columns: Sequence[str]) -> Any:
        wanted = pa.schema([schema.field(name) for name in columns])
        chosen = []
        with explained(part.label, "an Arrow stream"):
            for batch in batches:
                batch.validate(full=True)
                chosen.append(batch.select(list(columns)))
            if stream.read(1):
                raise ValueError("something follows its end, maybe another stream")
        if not stream.last.endswith(_END_MARKS):
            notes.append(f"{part.label} ends without the end mark of an Arrow stream: rows may be missing at its end")
        return pa.Table.from_batches(chosen, wanted)

    with explained(part.label, "Arrow"):
        return OpenTable.of_schema(part.label, "arrow-stream", schema, read, once=True, notes=notes)


class _Remembering(Wrapped):
    """A stream that knows the last bytes that were read."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        piece = bytes(self._raw.read(None if size < 0 else size))
        self.last = (self.last + piece[-8:])[-8:]
        return piece
