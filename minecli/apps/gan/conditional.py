"""Samples of a table that satisfy a condition: drawn from the generator until enough of them do.

That is exact: what comes out is distributed as the generator's own samples are among those that satisfy the condition,
whatever the condition says, and however many columns it names. A rare one costs as many draws as it is rare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minecli.errors import DataError, UsageError
from minecli.tables.kinds import Plain
from minecli.tables.origins import Origin
from minecli.tables.selectors.where import RowFilter, row_filter
from minecli.tables.selectors.wording import counted, nearest, quoted

# So many samples are drawn at most, or a hundred for each that is wanted: a minute or two.
MOST_DRAWS = 1_000_000
_DRAWS_PER_ROW = 100
_LEAST, _MOST_AT_ONCE = 1000, 20_000
_SHOWN = 12
# COLUMN=LEVEL, with a single = that is part of no other sign.
_ASSIGNMENT = re.compile(r"\s*([^=<>!]+?)\s*=\s*([^=].*?|)\s*", re.DOTALL)


@dataclass(frozen=True)
class Drawn:
    """Columns of a table, and what share of the samples drawn for their rows satisfies the condition; None where there
    is none."""

    columns: dict[str, Any]
    share: float | None = None


def condition_of(texts: Sequence[str], origins: Sequence[Origin]) -> RowFilter:
    """What `texts` say, all of which are to hold: COLUMN=LEVEL, or a condition as `tables.selectors.where` reads it.

    Raises:
        UsageError: no condition, or a column or level that the table has not.

    >>> import pyarrow as pa
    >>> odor = Origin("odor", "text", ("odor=a", "odor=c", "odor=n"), pa.string(), levels=("a", "c", "n"))
    >>> condition_of(["odor=c"], [odor]).text
    "(col('odor') == 'c')"
    >>> condition_of(["odor == 'x'"], [odor])
    Traceback (most recent call last):
    minecli.errors.UsageError: --where: column 'odor' has no level 'x'; it has 'a', 'c', 'n' (try --where odor=a)
    """
    by_name = {origin.name: origin for origin in origins}
    parts = [row_filter(_spelled(text, by_name)) for text in texts]
    for part in parts:
        try:
            part.check(list(by_name))
        except UsageError as error:
            raise UsageError(error.problem, hint=_columns(by_name)) from None
        for name, value in part.values:
            if name in by_name:
                _require_level(by_name[name], value)
    return parts[0] if len(parts) == 1 and parts[0].text.startswith("(") else row_filter(_all(parts))


def _all(parts: Sequence[RowFilter]) -> str:
    return " and ".join(part.text if part.text.startswith("(") else f"({part.text})" for part in parts)


def _spelled(text: str, by_name: Mapping[str, Origin]) -> str:
    """COLUMN=LEVEL as a condition; anything else as it is."""
    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        return text
    name, value = match[1].strip("'\"`"), match[2]
    if name not in by_name:
        if re.fullmatch(r"\w+", name):
            raise UsageError(f"--where: the run's table has no column '{name}'", hint=_columns(by_name, name))
        return text
    origin = by_name[name]
    known = {str(level): level for level in _levels(origin)}
    if value not in known:
        value = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
    constant = known.get(value, value)
    if not known:
        constant = _number(value)
    return f"(col({origin.name!r}) == {constant!r})"


def _columns(by_name: Mapping[str, Origin], wanted: str = "") -> str:
    close = nearest(wanted, list(by_name)) if wanted else []
    return f"did you mean {close[0]}?" if close else f"it has {quoted(list(by_name))}"


def _number(text: str) -> Plain:
    try:
        return float(text) if "." in text or "e" in text.lower() else int(text)
    except ValueError:
        return text


def _levels(origin: Origin) -> Sequence[Plain]:
    if origin.kind == "boolean":
        return (False, True)
    if origin.kind in ("category", "text"):
        return origin.levels or (origin.constant,)
    return ()


def _require_level(origin: Origin, value: Plain) -> None:
    levels = _levels(origin)
    if not levels or value in levels:
        return
    close = nearest(str(value), [str(level) for level in levels])
    more = f" and {len(levels) - _SHOWN} more" if len(levels) > _SHOWN else ""
    listed = quoted([str(level) for level in levels[:_SHOWN]])
    raise UsageError(
        f"--where: column '{origin.name}' has no level '{value}'; it has {listed}{more}",
        hint=f"did you mean {close[0]}?" if close else f"try --where {origin.name}={levels[0]}",
    )


def draw_where(draw: Callable[[int], dict[str, Any]], rows: int, condition: RowFilter) -> Drawn:
    """Draw samples until `rows` of them satisfy a condition.

    Args:
        draw: makes so many samples as columns of a table, others at every call.

    Raises:
        DataError: too few satisfy it.
    """
    import pyarrow as pa

    parts: list[Any] = []
    count, draws, most = 0, 0, max(MOST_DRAWS, _DRAWS_PER_ROW * rows)
    at_once = max(_LEAST, min(rows, _MOST_AT_ONCE))
    while count < rows:
        if draws >= most:
            raise _too_few(count, rows, draws, condition)
        table = pa.table(draw(at_once))
        draws += at_once
        parts.append(table.filter(pa.array(condition.rows(table))))
        count += parts[-1].num_rows
        # What was learnt of the condition's share says how many more are needed.
        wanted = 1.1 * (rows - count) * draws / max(1, count)
        at_once = int(min(_MOST_AT_ONCE, max(_LEAST, wanted), most - draws)) or 1
    table = pa.concat_tables(parts).slice(0, rows).combine_chunks()
    return Drawn({name: table.column(name) for name in table.column_names}, count / draws)


def _too_few(count: int, rows: int, draws: int, condition: RowFilter) -> DataError:
    if count == 0:
        return DataError(
            f"none of {draws:,} samples satisfies --where {condition.text}",
            hint="the generator makes no such rows: ask for less, or learn from more of them",
        )
    return DataError(
        f"{count:,} of {draws:,} samples ({count / draws:.2g} of all) satisfy --where {condition.text}, and "
        f"{counted(rows, 'row')} are asked for",
        hint=f"try -n {count}",
    )
