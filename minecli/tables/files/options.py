"""How a table is to be read: what its file does not say of itself, as a person says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from minecli.errors import UsageError
from minecli.settings import check, switch, text, texts, whole


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The options of reading; by default everything is told from the file.

    `input_format`: a name of `formats.SPELLINGS`. `table`: a table of an SQLite database or a sheet of a workbook.
    `sql`: a query over the table, which it calls `data`. `where`: which rows count (`tables.where`).

    Text tables alone: `delimiter` (a character, a word such as tab, or whitespace for any run of blanks), `quote` (a
    character, or none), `escape`, `decimal`, `encoding`, `header` (whether the first line names the columns; None:
    told by what it holds), `skip_rows` (lines to pass over before the header), `comment` (what begins a line that is
    none), `keep_na_strings` (only an empty field is missing, and NA a word like others), `date_format` (of strptime).

    `na_values`: further spellings of a missing value, matched by value where they are numbers. `types`: COLUMN=TYPE.
    """

    input_format: str | None = text(
        None, "csv, tsv, parquet, arrow, jsonl, orc, npz, sqlite, xlsx; otherwise told from the content.", "FORMAT"
    )
    table: str | None = text(None, "Table of a database, or sheet of a workbook.", "NAME")
    sql: str | None = text(None, "Use what this query gives; it calls the table data.", "QUERY")
    where: str | None = text(None, "Use the rows that satisfy this: age > 30 and city == 'Oslo'.", "EXPR")
    delimiter: str | None = text(
        None, "Between columns of text: a character, tab, or whitespace; otherwise told from the rows.", "CHAR"
    )
    quote: str | None = text(None, "What encloses values of text; none: nothing does.", "CHAR|none")
    escape: str | None = text(None, "What takes the meaning from the next character.", "CHAR")
    decimal: str = text(".", "Decimal mark of numbers in text (default .).", "CHAR")
    encoding: str | None = text(None, "Encoding of text (default utf-8).", "NAME")
    header: bool | None = switch(None, "Whether the first line of text names the columns (else f0, f1, ...).")
    skip_rows: int = whole(0, "Lines of text to pass over first.", least=0)
    comment: str | None = text(None, "What begins lines that are comments.", "CHAR")
    na_values: tuple[str, ...] = texts("One more spelling of a missing value; repeatable.", "TEXT")
    keep_na_strings: bool = switch(False, "NA, null and the like are words; only empty fields are missing.")
    date_format: tuple[str, ...] = texts("How dates are written, as %d.%m.%Y; repeatable.", "FORMAT")
    types: tuple[str, ...] = texts("Type of a column, as zip=text; repeatable.", "COL=TYPE")

    def __post_init__(self) -> None:
        check(self)
        for name in ("decimal", "escape", "comment"):
            value = getattr(self, name)
            if value is not None and (len(value.encode()) != 1 or value in "\r\n"):
                raise UsageError(
                    f"--{name} is {value!r}; it must be one ASCII character", hint=f"as in --{name} '{_EXAMPLES[name]}'"
                )

    def to_json(self) -> dict[str, Any]:
        """The options as plain JSON values.

        >>> Reading(na_values=("-",)).to_json()["na_values"]
        ['-']
        """
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Reading:
        """The options among the entries of `content`; those that are not there have their defaults.

        >>> Reading.from_json({"na_values": ["-"], "seed": 3})
        Reading(na_values=('-',))
        """
        given = {key: content[key] for key in READING_FIELDS if key in content}
        values: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in given.items()}
        return cls(**values)

    @property
    def text_only(self) -> tuple[str, ...]:
        """The options given that make sense for text tables alone, as they are typed."""
        return tuple(flag for name, flag in _TEXT_ONLY.items() if getattr(self, name) != getattr(DEFAULT_READING, name))

    def __repr__(self) -> str:
        given = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if getattr(self, f.name) != f.default]
        return f"Reading({', '.join(given)})"


READING_FIELDS = tuple(f.name for f in fields(Reading))
_EXAMPLES = {"decimal": ",", "escape": "\\", "comment": "#"}
_TEXT_ONLY = {
    "delimiter": "--delimiter",
    "quote": "--quote",
    "escape": "--escape",
    "encoding": "--encoding",
    "header": "--header",
    "skip_rows": "--skip-rows",
    "comment": "--comment",
    "keep_na_strings": "--keep-na-strings",
}
# Nothing is said of the file: all is told from it.
DEFAULT_READING = Reading()
