"""How a finished result is shown and where it goes: standard output, or a file that is whole or not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from minecli.cli.exit_codes import ExitCode
from minecli.cli.streams import Streams
from minecli.errors import OutputError
from minecli.foreign import Styled, encoded, escaped_lines
from minecli.runtime.writing import write_bytes
from minecli.units import Unit

Resolved = Literal["table", "json", "ndjson", "csv", "value"]

_BY_ENDING: dict[str, Resolved] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".txt": "table"}


@dataclass(frozen=True)
class Presentation:
    """How and where to show the result; nothing in it changes the numbers."""

    unit: Unit
    format: Resolved
    output: Path | None
    pointwise: Path | None
    check: bool
    explain: bool = False
    spreadsheet_safe: bool = False


def resolve_format(asked: str, streams: Streams, output: Path | None) -> Resolved:
    """Decide what `auto` means: by the ending of `output`, else a table on a terminal and JSON elsewhere."""
    if asked != "auto":
        return asked  # type: ignore[return-value]
    if output is not None:
        return _BY_ENDING.get(output.suffix.lower(), "json")
    return "table" if streams.stdout_is_terminal else "json"


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


def show(payload: dict[str, Any], shown: Presentation, streams: Streams) -> int:
    """Render and deliver the payload; the code says whether `--check` objects."""
    from minecli.report import formats
    from minecli.report.payload import with_unit
    from minecli.report.tables import estimate_table
    from minecli.report.verdict import headline

    payload = with_unit(payload, shown.unit)
    if shown.format == "table":
        on_terminal = shown.output is None and streams.stdout_is_terminal
        color = streams.color(on_terminal)
        text = estimate_table(payload, width=streams.width, color=color, explain=shown.explain)
    elif shown.format == "json":
        text = formats.to_json(payload)
    elif shown.format == "ndjson":
        text = formats.to_ndjson(formats.estimate_records(payload))
    elif shown.format == "csv":
        text = formats.to_csv(formats.estimate_records(payload), defuse=shown.spreadsheet_safe)
    else:
        text = formats.estimate_value(payload)
    deliver(text, streams, shown.output)
    if shown.format != "table" or shown.output is not None:
        _warn(payload, streams)
    if shown.check and not payload["verdict"]["trustworthy"]:
        streams.error(f"check failed: {headline(payload)}")
        return ExitCode.DOUBTFUL
    return ExitCode.DONE


def _warn(payload: dict[str, Any], streams: Streams) -> None:
    """Say on stderr what a table would have said: the verdict and the doubts."""
    from minecli.report.verdict import headline, reason

    for entry in payload["estimates"]:
        for d in entry["diagnostics"]:
            if d["severity"] == "warning":
                streams.warn(f"{entry['estimator']}: {d['message']} [{d['code']}]")
        if entry["status"] not in ("converged", "interrupted"):
            from minecli.result import Status

            streams.warn(f"{entry['estimator']}: {Status(entry['status']).advice} [{entry['status']}]")
    say = streams.info if payload["verdict"]["trustworthy"] else streams.warn
    say(f"{headline(payload)} {reason(payload)}")
