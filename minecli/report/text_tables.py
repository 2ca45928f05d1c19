"""Tables and lines as text of a given width, by rich: how every table looks, and how wide ones are split."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from minecli.foreign import Styled

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

# Blanks between two columns.
_BETWEEN = 2


def render(parts: Sequence[RenderableType], width: int, color: bool) -> Styled:
    """What is in `parts` as text. Foreign text in them has to be legible already (`foreign.legible_values`): rich takes
    the width of what it is given, and drops some control characters without a word.

    >>> render(["a line"], 80, color=False)
    'a line\\n'
    """
    from rich.console import Console

    buffer = io.StringIO()
    console: Console = Console(
        file=buffer,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    # Trailing blanks only pad columns; they make text hard to compare and to paste.
    return Styled("\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n")


def new_table(*, header: bool = True, narrow: bool = False, padding: int = 1) -> Table:
    """An empty table in the house style: a line under the heads, no frame.

    Args:
        header: whether columns have heads.
        narrow: whether columns share the blanks between them, so that more columns fit.
        padding: blanks on either side of a cell.

    >>> table = new_table()
    >>> table.add_column("estimator")
    >>> table.add_row("ksg")
    >>> print(render([table], 80, color=False), end="")
    estimator
    ─────────
    ksg
    """
    from rich import box
    from rich.table import Table

    return Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        show_header=header,
        collapse_padding=narrow,
        padding=(0, padding),
    )


def texts(lines: Sequence[str], style: str = "") -> list[Text]:
    """Each line as a paragraph that rich breaks at the width, all in one style.

    >>> print(render(texts(["one two", "three"]), 5, color=False), end="")
    one
    two
    three
    """
    from rich.text import Text

    return [Text(line, style=style) for line in lines]


def split_tables(
    head: str, labels: Sequence[str], columns: Mapping[str, Sequence[str]], width: int
) -> list[RenderableType]:
    """Rows by columns as few tables as the width allows, these about equally wide, and a blank line below each.

    Args:
        head, labels: the first column of each table.
        columns: from a column's head, which may break between words, to its cells, which may not.
        width: of the terminal.

    Returns:
        Parts for `render`; nothing where there are no rows or no columns.

    >>> parts = split_tables("method", ["gan"], {"modes found": ["9.7±0.2"], "s": ["31"]}, width=17)
    >>> print(render(parts, 17, color=False), end="")
              modes
    method    found
    ───────────────
    gan     9.7±0.2
    <BLANKLINE>
    method   s
    ──────────
    gan     31
    <BLANKLINE>
    """
    if not (labels and columns):
        return []
    beside = max(len(head), *map(len, labels))
    needed = {name: _BETWEEN + _least_width(name, cells) for name, cells in columns.items()}
    fewest = len(_filled(beside, needed, width))
    splits = (_filled(beside, needed, limit) for limit in range(1, width + 1))
    evenly = next(split for split in splits if len(split) == fewest)
    tables = [_labelled(head, labels, {name: columns[name] for name in names}) for names in evenly]
    return [part for table in tables for part in (table, "")]


def _least_width(name: str, cells: Sequence[str]) -> int:
    return max(len(part) for part in (*name.split(), *cells))


def _filled(beside: int, needed: Mapping[str, int], width: int) -> list[list[str]]:
    """The names of columns by table, tables filled one after the other, with at least one column in each."""
    split: list[list[str]] = [[]]
    used = beside
    for name, own in needed.items():
        if split[-1] and used + own > width:
            split.append([])
            used = beside
        split[-1].append(name)
        used += own
    return split


def _labelled(head: str, labels: Sequence[str], columns: Mapping[str, Sequence[str]]) -> Table:
    import textwrap

    table = new_table(narrow=True)
    table.add_column(head, no_wrap=True)
    for name, cells in columns.items():
        # Broken here, since a table that is squeezed would break or cut cells as well.
        table.add_column(textwrap.fill(name, _least_width(name, cells)), justify="right", no_wrap=True)
    for line in zip(labels, *columns.values(), strict=True):
        table.add_row(*line)
    return table
