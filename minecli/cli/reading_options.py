"""The options that say how a table is read: the same for every command that reads one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minecli.cli.options import Parameter, Parameters, option, whole_option
from minecli.cli.streams import Streams
from minecli.errors import UsageError
from minecli.tables.files.options import READING_FIELDS, Reading

PANEL = "Reading the file"


_LISTS = [name for name in READING_FIELDS if isinstance(getattr(Reading(), name), tuple)]


def _option(kind: Any, field: str, help: str, *flags: str, metavar: str | None = None, **more: Any) -> Parameter:
    # The field's own default; that of a list is None for Typer.
    default = None if field in _LISTS else getattr(Reading(), field)
    return option(kind, help, *flags, default=default, panel=PANEL, metavar=metavar, show_default=False, **more)


READING: Parameters = {
    "input_format": _option(
        str | None,
        "input_format",
        "csv, tsv, parquet, arrow, jsonl, orc, npz, sqlite, xlsx; otherwise told from the content.",
        "--input-format",
        metavar="FORMAT",
    ),
    "where": _option(
        str | None, "where", "Use the rows that satisfy this: age > 30 and city == 'Oslo'.", "--where", metavar="EXPR"
    ),
    "delimiter": _option(
        str | None,
        "delimiter",
        "Between columns of text: a character, tab, or whitespace; otherwise told from the rows.",
        "--delimiter",
        metavar="CHAR",
    ),
    "header": _option(
        bool | None,
        "header",
        "Whether the first line of text names the columns (else f0, f1, ...).",
        "--header/--no-header",
    ),
    "skip_rows": whole_option(
        "skip_rows", "Lines of text to pass over first.", "--skip-rows", default=0, panel=PANEL, metavar="N"
    ),
    "comment": _option(str | None, "comment", "What begins lines that are comments.", "--comment", metavar="CHAR"),
    "quote": _option(
        str | None, "quote", "What encloses values of text; none: nothing does.", "--quote", metavar="CHAR|none"
    ),
    "escape": _option(
        str | None, "escape", "What takes the meaning from the next character.", "--escape", metavar="CHAR"
    ),
    "decimal": _option(str, "decimal", "Decimal mark of numbers in text (default .).", "--decimal", metavar="CHAR"),
    "encoding": _option(str | None, "encoding", "Encoding of text (default utf-8).", "--encoding", metavar="NAME"),
    "date_format": _option(
        list[str] | None,
        "date_format",
        "How dates are written, as %d.%m.%Y; repeatable.",
        "--date-format",
        metavar="FORMAT",
    ),
    "types": _option(
        list[str] | None, "types", "Type of a column, as zip=text; repeatable.", "--type", metavar="COL=TYPE"
    ),
    "na_values": _option(
        list[str] | None,
        "na_values",
        "One more spelling of a missing value; repeatable.",
        "--na-values",
        metavar="TEXT",
    ),
    "keep_na_strings": _option(
        bool, "keep_na_strings", "NA, null and the like are words; only empty fields are missing.", "--keep-na-strings"
    ),
    "table": _option(str | None, "table", "Table of a database, or sheet of a workbook.", "--table", metavar="NAME"),
    "sql": _option(str | None, "sql", "Use what this query gives; it calls the table data.", "--sql", metavar="QUERY"),
}


def reading_from(given: Mapping[str, Any]) -> Reading:
    """How a table is to be read, by the options that were given."""
    values: dict[str, Any] = {n: tuple(given[n] or ()) if n in _LISTS else given[n] for n in READING_FIELDS}
    if values["sql"] is not None and values["table"] is not None:
        raise UsageError("--sql and --table both say which table", hint="name it in the query: FROM it")
    return Reading(**values)


def announce_remote(source: str | Sequence[str], streams: Streams) -> None:
    """Say what is waited for, and how long at most, where a table is not on this machine."""
    for each in [source] if isinstance(source, str) else source:
        if "://" in each and not each.startswith("file:"):
            from minecli.tables.files.remote import TIME_LIMIT

            streams.info(f"waiting for {each}, at most {TIME_LIMIT:.0f} seconds for each answer")
