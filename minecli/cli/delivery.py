"""Where a finished result goes: standard output, or a file that is whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from minecli.cli.streams import Streams
from minecli.errors import OutputError
from minecli.runtime.writing import write_text

Resolved = Literal["table", "json", "ndjson", "csv", "value"]

_BY_ENDING: dict[str, Resolved] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".txt": "table"}


def resolve_format(asked: str, streams: Streams, output: Path | None) -> Resolved:
    """Decide what `auto` means: by the ending of `output`, else a table on a terminal and JSON elsewhere."""
    if asked != "auto":
        return asked  # type: ignore[return-value]
    if output is not None:
        return _BY_ENDING.get(output.suffix.lower(), "json")
    return "table" if streams.stdout_is_terminal else "json"


def deliver(text: str, streams: Streams, output: Path | None) -> None:
    """Write the result to `output`, or to stdout without one.

    A file that cannot be written at the end (a full disk) must not cost the result: it then goes to stdout,
    and the OutputError still ends the program.
    """
    if output is None:
        streams.result(text)
        return
    try:
        write_text(output, text)
    except OutputError as problem:
        streams.result(text)
        raise OutputError(f"{problem.problem}; the result is on standard output", hint=problem.hint) from problem
    streams.info(f"wrote {output}")
