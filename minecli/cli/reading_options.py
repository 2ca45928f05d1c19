"""The options that say how a table is read: the same for every command that reads one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minecli.cli.options import Parameters, given_fields, of_fields
from minecli.cli.streams import Streams
from minecli.errors import UsageError
from minecli.tables.files.options import Reading

READING: Parameters = of_fields(
    Reading, "Reading the file", "input_format", "where", "delimiter", "header", "skip_rows", "comment", "quote",
    "escape", "decimal", "encoding", "date_format", "types", "na_values", "keep_na_strings", "table", "sql",
)  # fmt: skip


def reading_from(given: Mapping[str, Any]) -> Reading:
    """How a table is to be read, by the options that were given."""
    if given["sql"] is not None and given["table"] is not None:
        raise UsageError("--sql and --table both say which table", hint="name it in the query: FROM it")
    return Reading(**given_fields(given, READING))


def announce_remote(source: str | Sequence[str], streams: Streams) -> None:
    """Say what is waited for, and how long at most, where a table is not on this machine."""
    for each in [source] if isinstance(source, str) else source:
        if "://" in each and not each.startswith("file:"):
            from minecli.tables.files.remote import TIME_LIMIT

            streams.info(f"waiting for {each}, at most {TIME_LIMIT:.0f} seconds for each answer")
