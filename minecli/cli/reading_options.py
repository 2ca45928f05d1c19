"""The options that say how a table is read: the same for every command that reads one, by one decorator."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from minecli.cli.streams import Streams
from minecli.errors import UsageError
from minecli.tables.files.options import READING_FIELDS, Reading

PANEL = "Reading the file"
# Before this parameter of a command, which comes next in its help.
_BEFORE = "categorical"


def _option(text: str, *flags: str, metavar: str | None = None) -> Any:
    return typer.Option(*flags, help=text, metavar=metavar, rich_help_panel=PANEL, show_default=False)


_OPTIONS: dict[str, Any] = {
    "input_format": Annotated[
        str | None,
        _option("csv, tsv, parquet, arrow, jsonl, orc, npz, sqlite, xlsx; otherwise told from the content.",
                "--input-format", metavar="FORMAT"),
    ],
    "where": Annotated[
        str | None, _option("Use the rows that satisfy this: age > 30 and city == 'Oslo'.", "--where", metavar="EXPR")
    ],
    "delimiter": Annotated[
        str | None,
        _option("Between columns of text: a character, tab, or whitespace; otherwise told from the rows.",
                "--delimiter", metavar="CHAR"),
    ],
    "header": Annotated[
        bool | None, _option("Whether the first line of text names the columns (else f0, f1, ...).",
                             "--header/--no-header")
    ],
    "skip_rows": Annotated[int, _option("Lines of text to pass over first.", "--skip-rows", metavar="N")],
    "comment": Annotated[str | None, _option("What begins lines that are comments.", "--comment", metavar="CHAR")],
    "quote": Annotated[
        str | None, _option("What encloses values of text; none: nothing does.", "--quote", metavar="CHAR|none")
    ],
    "escape": Annotated[str | None, _option("What takes the meaning from the next character.", "--escape",
                                            metavar="CHAR")],
    "decimal": Annotated[str, _option("Decimal mark of numbers in text (default .).", "--decimal", metavar="CHAR")],
    "encoding": Annotated[str | None, _option("Encoding of text (default utf-8).", "--encoding", metavar="NAME")],
    "date_format": Annotated[
        list[str] | None,
        _option("How dates are written, as %d.%m.%Y; repeatable.", "--date-format", metavar="FORMAT"),
    ],
    "types": Annotated[
        list[str] | None, _option("Type of a column, as zip=text; repeatable.", "--type", metavar="COL=TYPE")
    ],
    "na_values": Annotated[
        list[str] | None,
        _option("One more spelling of a missing value; repeatable.", "--na-values", metavar="TEXT"),
    ],
    "keep_na_strings": Annotated[
        bool, _option("NA, null and the like are words; only empty fields are missing.", "--keep-na-strings")
    ],
    "table": Annotated[
        str | None, _option("Table of a database, or sheet of a workbook.", "--table", metavar="NAME")
    ],
    "sql": Annotated[
        str | None, _option("Use what this query gives; it calls the table data.", "--sql", metavar="QUERY")
    ],
}  # fmt: skip


def reads_a_table(command: Callable[..., None]) -> Callable[..., None]:
    """A command with these options added to its own. It finds them in the parameters of its context
    (`reading_from`)."""
    parameters = list(inspect.signature(command, eval_str=True).parameters.values())
    place = next(i for i, parameter in enumerate(parameters) if parameter.name == _BEFORE)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    added = [
        inspect.Parameter(name, kind, default=_default(name), annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def wrapped(*words: Any, **options: Any) -> None:
        command(*words, **{name: value for name, value in options.items() if name not in READING_FIELDS})

    signed: Any = wrapped
    signed.__signature__ = inspect.Signature([*parameters[:place], *added, *parameters[place:]])
    return wrapped


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


_LISTS = [name for name in READING_FIELDS if isinstance(getattr(Reading(), name), tuple)]


def _default(name: str) -> Any:
    """The field's own default; that of a list is None for Typer."""
    return None if name in _LISTS else getattr(Reading(), name)
