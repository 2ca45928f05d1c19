"""Formats that pyarrow reads by itself: JSON lines and ORC.

JSON lines are objects, one after the other; each need not have all the columns, and what one lacks is missing. Which
columns there are shows only at the end, hence all are read. Texts that are all ISO dates are dates.
"""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from minecli.errors import DataError
from minecli.tables.files.delimited import no_rows
from minecli.tables.files.faults import explained, first_line
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.parts import Part
from minecli.tables.files.schemas import list_widths

_BLOCK = 1 << 20
_LONGEST_OBJECT = 1 << 30
_PIECE = 1 << 22
# pyarrow descends into nested values on the stack of the process, which ends it somewhere beyond 3000.
_DEEPEST = 100
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_CHANGE = re.compile(r"Column\((/?)(.*?)\) changed from (\w+) to (\w+)")


def open_json_lines(part: Part) -> OpenTable:
    """Read a file of JSON objects; they may stand on one line each or on several.

    Raises DataError for what is no such object, for a column whose values change their type, and for text that is not
    UTF-8.
    """
    label = part.label
    with explained(label, "JSON lines"):
        table = _json_table(part)
        names = tuple(table.column_names)
    if table.num_columns == 0:
        raise no_rows(label) if table.num_rows == 0 else DataError(f"the objects of {label} are empty")
    if table.num_rows == 1 and all(pa.types.is_nested(field.type) for field in table.schema):
        raise DataError(
            f"{label} is one JSON object that holds whole columns; it must have an object for each row",
            hint="pandas writes them by to_json(FILE, orient='records', lines=True)",
        )

    def read(columns: Sequence[str]) -> Any:
        chosen = table.select(list(columns))
        with explained(label, "JSON lines"):
            chosen.validate(full=True)
        return chosen

    lists = {name: _width(table[name]) for name in names if pa.types.is_list(table[name].type)}
    return OpenTable(label, "jsonl", names, read, lists=lists)


def open_orc(part: Part) -> OpenTable:
    """Open an ORC file; only the named columns are read. Raises DataError where it is damaged."""
    from pyarrow import orc

    label = part.label
    with explained(label, "ORC"):
        schema = orc.ORCFile(part.random()).schema

    def read(columns: Sequence[str]) -> Any:
        # To the reader a dot leads into a record, also where a column is called so: then all columns are read.
        named = None if any("." in name for name in columns) else list(columns)
        with explained(label, "ORC"):
            try:
                # It gives the columns in file order whatever the order asked for, hence the select.
                return orc.ORCFile(part.random()).read(columns=named).select(list(columns))
            except pa.ArrowException as error:
                if "zone" not in str(error):
                    raise
                raise DataError(
                    f"{label} holds times of day, and to read them this machine lacks the database of time zones",
                    hint="install it (apt-get install tzdata) or say where it is: export TZDIR=/usr/share/zoneinfo",
                ) from error

    return OpenTable(label, "orc", tuple(schema.names), read, lists=list_widths(schema))


def _json_table(part: Part) -> Any:
    _refuse_depth(part)
    layout = pa.json.ParseOptions(newlines_in_values=_on_several_lines(part))
    block = _BLOCK
    while True:
        try:
            with part.random() as file:
                return pa.json.read_json(file, pa.json.ReadOptions(block_size=block), layout)
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error) or block >= _LONGEST_OBJECT:
                raise _explanation(part, error) from error
            block *= 8


def _on_several_lines(part: Part) -> bool:
    """Whether the first object goes on after its line, as people like to read them; such files are slower to read."""
    with part.random() as file:
        first = bytes(file.read(_BLOCK)).lstrip().partition(b"\n")[0].strip()
    return first.endswith((b"{", b"[", b",", b":")) or not first.endswith(b"}")


def _explanation(part: Part, error: BaseException) -> DataError:
    label = part.label
    text = first_line(error).removeprefix("JSON parse error: ")
    change = _CHANGE.search(text)
    if change is None:
        # pyarrow counts rows from the beginning of a block, which nobody knows.
        problem = re.sub(r" in row \d+$", "", text)
        where = _first_bad_line(part)
        return DataError(
            f"cannot read {label} as JSON lines: {problem}{where}",
            hint='each line must be one object, as in {"a": 1, "b": 2}; jq -c . FILE checks and rewrites a file',
        )
    slash, name, before, after = change.groups()
    if not slash:
        wrong = after if before == "object" else before
        convert = f"jq -c '.[]' {shlex.quote(part.name or 'FILE')} | minecli ... -" if wrong == "array" else ""
        return DataError(
            f"{label} holds {_a(wrong)} where an object should be; each row must be one object",
            hint=convert or 'as in {"a": 1, "b": 2}',
        )
    lines = [_first_line_with(part, name, kind) for kind in (before, after)]
    where = f" (lines {lines[0]} and {lines[1]})" if all(lines) else ""
    return DataError(
        f"column '{name}' of {label} holds {_a(before)} in some rows and {_a(after)} in others{where}",
        hint="a column must have one type: make all of them text, or null where they are missing",
    )


def _a(kind: str) -> str:
    return f"an {kind}" if kind in ("array", "object") else f"a {kind}"


def _first_bad_line(part: Part) -> str:
    """Where the first line stands that is no JSON, in words; nothing where objects take several lines."""
    with part.random() as file:
        for number, line in enumerate(io.BufferedReader(file), start=1):
            try:
                json.loads(line.strip() or b"0")
            except ValueError:
                return "" if _on_several_lines(part) else f" (line {number})"
    return ""


def _first_line_with(part: Part, name: str, kind: str) -> int | None:
    """The first line whose object has under `name` a value of the kind that pyarrow calls so."""
    types = _PYTHON_TYPES.get(kind, ())
    with part.random() as file:
        for number, line in enumerate(io.BufferedReader(file), start=1):
            try:
                value = json.loads(line)[name]
            except (ValueError, TypeError, LookupError):
                continue
            if isinstance(value, types) and isinstance(value, bool) == (kind == "boolean"):
                return number
    return None


def _refuse_depth(part: Part) -> None:
    """Raise DataError where values are nested deeply. Brackets within texts count at first, to be quick; if that seems
    too much, they are taken out."""
    if _depth(part, texts=True) > _DEEPEST and _depth(part, texts=False) > _DEEPEST:
        raise DataError(
            f"{part.label} nests JSON values more than {_DEEPEST} deep", hint="a row must be an object of plain values"
        )


def _depth(part: Part, *, texts: bool) -> int:
    level, deepest = 0, 0
    with part.random() as file:
        # Without texts it must be one piece, for they may lie across its end.
        while piece := bytes(file.read(_PIECE if texts else None)):
            brackets = (piece if texts else _STRING.sub(b"", piece)).translate(None, _NOT_BRACKETS)
            if not brackets:
                continue
            # An opening bracket is a multiple of 32 below its closing one: [ 0x5b, ] 0x5d, { 0x7b, } 0x7d.
            steps = np.where(np.frombuffer(brackets, np.uint8) & 0x0F == 0x0B, 1, -1)
            levels = level + np.cumsum(steps)
            # More closing than opening ones come from texts.
            lowest = np.minimum(np.minimum.accumulate(levels), 0)
            deepest = max(deepest, int((levels - lowest).max()))
            level = int(levels[-1] - lowest[-1])
    return deepest


def _width(column: Any) -> int | None:
    """The length of all lists of a column; None where they differ."""
    extremes = pc.min_max(pc.list_value_length(column)).as_py()
    return extremes["min"] if extremes["min"] == extremes["max"] else None
