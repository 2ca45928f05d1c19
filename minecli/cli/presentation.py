"""How a finished result is shown and where it goes: standard output, or a file that is whole or not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from minecli.cli.destinations import check_destinations
from minecli.cli.streams import Streams
from minecli.errors import OutputError
from minecli.foreign import Styled, encoded, escaped_lines
from minecli.runtime.writing import check_writable, write_bytes
from minecli.units import Unit

if TYPE_CHECKING:
    from minecli.report.formats import Format, Views

_BY_ENDING: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".txt": "table"}


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """How and where to show the result; nothing in it changes the numbers."""

    format: Format
    output: Path | None = None
    unit: Unit = "nats"
    pointwise: Path | None = None
    check: bool = False
    explain: bool = False
    spreadsheet_safe: bool = False

    @property
    def streams_lines(self) -> bool:
        """Whether lines can be shown as they come: NDJSON on standard output."""
        return self.format == "ndjson" and self.output is None


def presentation_of(ctx: typer.Context) -> Presentation:
    """What a command's options say of it. Here `auto` is decided: by the ending of the file, else a table on a terminal
    and JSON elsewhere. Streams become as quiet as is asked for."""
    given, streams = ctx.params, ctx.obj
    streams.quiet = given["quiet"]
    format, output = given["format"], given["output"]
    if format == "auto" and output is not None:
        format = _BY_ENDING.get(output.suffix.lower(), "json")
    elif format == "auto":
        format = "table" if streams.stdout_is_terminal else "json"
    more = {name: given[name] for name in ("pointwise", "check", "explain", "spreadsheet_safe") if name in given}
    return Presentation(format=format, output=output, unit=given.get("units", "nats"), **more)


def show(views: Views, shown: Presentation, streams: Streams) -> None:
    """Render the result in the format asked for, and deliver it."""
    from minecli.report.formats import rendered

    color = streams.color(shown.output is None and streams.stdout_is_terminal)
    text = rendered(views, shown.format, width=streams.width, color=color, defuse=shown.spreadsheet_safe)
    deliver(text, streams, shown.output)


def show_listing(views: Views, ctx: typer.Context) -> None:
    """What a command does that lists something: look at the place before the work is shown there."""
    shown = presentation_of(ctx)
    if shown.output is not None:
        check_writable(shown.output)
    show(views, shown, ctx.obj)


def deliver(text: str, streams: Streams, output: Path | None) -> None:
    """Write the result to `output`, or to stdout without one; a terminal gets what is foreign in it escaped.

    A file that cannot be written at the end (a full disk) must not cost the result: it then goes to stdout,
    and the OutputError still ends the program.
    """
    if output is None:
        streams.result(text)
        return
    if output.is_char_device() and not isinstance(text, Styled):
        text = escaped_lines(text)  # /dev/stdout, /dev/tty
    try:
        write_bytes(output, encoded(text))
    except OutputError as problem:
        streams.result(text)
        raise OutputError(f"{problem.problem}; the result is on standard output", hint=problem.hint) from problem
    streams.info(f"wrote {output}")


def check_table_destination(output: Path, source: str | None = None, run: Path | None = None) -> None:
    """Refuse an ending that names no format, and a place that cannot be written, that is read from (`source`) or that
    is in a run's folder, before the work."""
    from minecli.tasks.table_file import format_of

    format_of(str(output))
    if str(output) != "-":
        check_destinations({"--output": output}, source or "", run=run)


def deliver_table(columns: Mapping[str, Any], output: Path, streams: Streams, what: str, more: str = "") -> None:
    """Write columns, or an Arrow table, to `output`, or as CSV to standard output, and say what there is."""
    import pyarrow as pa

    from minecli.tasks.table_file import format_of, table_bytes, write_parquet

    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    form = format_of(str(output))
    if str(output) == "-":
        streams.result_bytes(table_bytes(table, form))
    else:
        if form == "parquet":
            write_parquet(table, output)
        else:
            write_bytes(output, table_bytes(table, form))
        what += f" in {output}"
    streams.info(what + more)
