"""Listings: the estimators, the columns of a table, and what an installation has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minecli.foreign import Styled, legible, legible_values, shortened
from minecli.report.payload import envelope, plain
from minecli.report.text_tables import new_table, render

if TYPE_CHECKING:
    from rich.table import Table

# What follows in the encoding of numbers that may be labels.
_IF_LABELS = "; if these are labels: "
# Of the smallest and the largest value; a date needs as many.
_MOST_DIGITS = 10
_HEADERS = ("column", "type", "width", "missing", "distinct", "min", "max", "kind", "used as")
# Which of these are aligned at their ends.
_FIGURES = range(2, 7)
# So many lines are fitted to the width; in longer lists, what is up to so wide is aligned.
_FITTED = 500
_MOST_ALIGNED = 40
# A name is there to be typed; one of ten thousand characters is not.
_LONGEST_NAME = 200


def estimators_table(records: Sequence[Mapping[str, Any]], *, width: int = 80, color: bool = False) -> str:
    """A paragraph per estimator: its name, and beside it what it computes, assumes and fails at, a line each."""
    from rich.text import Text

    table = new_table(header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for record in map(legible_values, records):
        lines = [(key, str(record[key])) for key in ("computes", "kind", "assumes", "fails", "reference")]
        for i, (key, value) in enumerate(lines):
            last = i == len(lines) - 1
            table.add_row(Text("" if i else record["name"], style="bold"), key, Text(value), end_section=last)
    return render([table], width, color)


def columns_payload(records: Sequence[Mapping[str, Any]], *, source: str) -> dict[str, Any]:
    """The JSON object of `minecli columns`: one record per column of the table `source`."""
    return envelope("columns", source=source, columns=[plain(record) for record in records])


def columns_table(records: Sequence[Mapping[str, Any]], *, width: int = 80, color: bool = False) -> Styled:
    """One row per column of the file; what to type where numbers may be labels stands once below them all. Of many
    columns each has a line of its own, however long, because fitting them to the width takes a millisecond each."""
    lines: list[_Line] = []
    perhaps_labels: list[str] = []
    for record in records:
        encoding, kind = legible(record["encoding"]), record["kind"] or ""
        if _IF_LABELS in encoding:
            perhaps_labels.append(encoding.partition(_IF_LABELS)[2])
            encoding, kind = encoding.partition(":")[0], f"{kind} *"
        figures = [_cell(record[key]) for key in ("width", "missing", "distinct", "minimum", "maximum")]
        name = shortened(legible(record["name"]), _LONGEST_NAME)
        lines.append(_Line((name, legible(record["type"]), *figures, kind, encoding), record["usable"]))
    below = _footnote(perhaps_labels)
    return render([_fitted(lines), *below], width, color) if len(lines) <= _FITTED else _laid_out(lines, below, color)


@dataclass(frozen=True)
class _Line:
    """A column of the file as it is listed."""

    cells: tuple[str, ...]
    usable: bool


def _fitted(lines: Sequence[_Line]) -> Table:
    """A table that rich fits to the width."""
    from rich.text import Text

    # One blank between columns: nine of them are to fit.
    table = new_table(padding=0)
    table.add_column("column", overflow="fold")
    table.add_column("type", min_width=4)
    for i in _FIGURES:
        table.add_column(_HEADERS[i], justify="right", no_wrap=True, max_width=_MOST_DIGITS)
    table.add_column("kind", no_wrap=True)
    table.add_column("used as", min_width=7)
    for line in lines:
        name, *others, encoding = line.cells
        table.add_row(
            Text(name, style="bold" if line.usable else "dim"),
            *others,
            Text(encoding, style="" if line.usable else "yellow"),
        )
    return table


def _laid_out(lines: Sequence[_Line], below: Sequence[str], color: bool) -> Styled:
    """The same as text, each line as long as it takes; names and types that are longer than most shift theirs."""
    table = [_HEADERS, *(tuple(_cut(c) if i in _FIGURES else c for i, c in enumerate(line.cells)) for line in lines)]
    widths = [min(max(map(_length, column)), _MOST_ALIGNED) for column in zip(*table, strict=True)]
    text = []
    for place, cells in enumerate(table):
        aligned = []
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            blanks = " " * (width - _length(cell))
            aligned.append(blanks + cell if i in _FIGURES else cell + blanks)
        if color and place == 0:
            aligned = [f"\x1b[1m{cell}\x1b[0m" for cell in aligned]
        elif color:
            usable = lines[place - 1].usable
            aligned[0] = f"\x1b[{1 if usable else 2}m{aligned[0]}\x1b[0m"
            aligned[-1] = aligned[-1] if usable else f"\x1b[33m{aligned[-1]}\x1b[0m"
        text.append(" ".join(aligned).rstrip())
    text.insert(1, "─" * (sum(widths) + len(widths) - 1))
    return Styled("\n".join([*text, *below]) + "\n")


def _cut(figure: str) -> str:
    """A value with dots at its end where it is longer than its column."""
    if _length(figure) <= _MOST_DIGITS:
        return figure
    from rich.cells import set_cell_size

    return f"{set_cell_size(figure, _MOST_DIGITS - 1)}…"


def _length(text: str) -> int:
    """How wide a text is in a terminal, where letters of some scripts are two columns wide."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _footnote(perhaps_labels: Sequence[str]) -> Sequence[str]:
    """The line on whole numbers that may be labels, if there are any; each comes with the option that says so."""
    if not perhaps_labels:
        return ()
    option = perhaps_labels[0] if len(perhaps_labels) == 1 else "--categorical COLS"
    return (f"* few levels, used as a number; if these are labels: {option}",)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else legible(str(value))


def doctor_table(payload: Mapping[str, Any], *, width: int = 80, color: bool = False) -> str:
    """What an installation has, a line each: its name, its value (yellow where it is missing) and the reason.

    Args:
        payload: with "items", each with "name", "value", "found" and "reason".
    """
    from rich.text import Text

    table = new_table(header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column()
    for item in legible_values(payload["items"]):
        style = "" if item["found"] else "yellow"
        table.add_row(Text(item["name"], style="bold"), Text(item["value"], style=style), item["reason"])
    return render([table], width, color)
