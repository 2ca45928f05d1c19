"""Further rows of a table whose columns are known: turned into numbers as the first ones were, whatever they hold.

`tables.groups` decides by the rows it sees what a column becomes; here that has been decided, so that one row is
enough, and a column may hold a single one of the levels that it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.arrays import list_entries, list_width, numbers
from minecli.tables.files.sources import label_of
from minecli.tables.kinds import Array, Column, decoded
from minecli.tables.labels import worded
from minecli.tables.one_hot import one_hot
from minecli.tables.origins import Origin, arrow_column, restored
from minecli.tables.selectors.header import Header
from minecli.tables.selectors.wording import quoted
from minecli.tables.text_numbers import as_numbers, first_strange, refuse_damaged
from minecli.tables.usable_rows import Chosen, usable_rows
from minecli.tables.wanted import DEFAULT_WANTED, Wanted

# Kinds whose values mean the same: a file may write the whole numbers of a column of floats without decimals.
_ALIKE = ({"float", "integer", "boolean"}, {"date"}, {"seconds"}, {"list"})
_SAME_CONSTANT = 1e-6
_SHOWN = 8


def load_known_rows(
    source: str | Sequence[str],
    origins: Sequence[Origin],
    wanted: Wanted = DEFAULT_WANTED,
    *,
    stdin: BinaryIO | None = None,
    whole: bool = False,
) -> tuple[Array, dict[str, Any]]:
    """Read the columns that `origins` describe into an array as `load_group` made it of the first rows.

    Columns that were constant need not be there; where they are, they must hold what they held. Others are passed over.
    What columns are is known, and not told by `wanted`. The other arguments are those of `load_groups`.

    Returns:
        float64, shape (n, sum of the origins' widths); and, where the `whole` table is wanted, all its columns of the
        same rows by name, as Arrow has them, whatever they hold.

    Raises what `load_groups` raises, and DataError for a column that is not there or of another kind, for a level of a
    category that is not among the known ones, and for another constant.

    >>> import io, pyarrow as pa
    >>> origin = Origin("c", "text", ("c=u", "c=v", "c=w"), pa.string(), levels=("u", "v", "w"))
    >>> load_known_rows("-", [origin], stdin=io.BytesIO(b"c,d\\nw,1\\n"))[0].tolist()
    [[0.0, 0.0, 1.0]]
    """

    label = label_of(source)

    def choose(header: Header) -> Chosen:
        names = header.names
        if lacking := [origin.name for origin in origins if origin.width and origin.name not in names]:
            raise DataError(_misfit(label, f"lacks {quoted(lacking)}"), hint=f"it has the columns {quoted(names)}")
        return Chosen((tuple(origin.name for origin in origins if origin.name in names),), whole=whole)

    wanted = replace(wanted, as_text=[origin.name for origin in origins if _is_text(origin)])
    rows = usable_rows(source, choose, wanted, stdin, "the columns that the run learns")
    blocks = [
        _block(origin, _as_known(origin, rows.pop(origin.name), rows.decimal), label)
        for origin in origins
        if origin.name in rows.columns
    ]
    values = np.ascontiguousarray(np.concatenate(blocks, 1), dtype=np.float64)
    return values, rows.whole() if whole else {}


def _is_text(origin: Origin) -> bool:
    levels = origin.levels or (origin.constant,)
    return origin.kind in ("category", "text") and all(isinstance(level, str) for level in levels)


def _misfit(source: str, what: str) -> str:
    return f"'{source}' does not fit the run: it {what}"


def _as_known(origin: Origin, column: Column, decimal: str) -> Column:
    """Numbers that this file holds as text or as a category as numbers, dates that were labels as text; all else as it
    is."""
    kind = column.kind
    if origin.kind in ("category", "text") and kind in ("date", "seconds"):
        return column.holding(worded(column.values))
    if pa.types.is_float16(column.values.type):
        # Arrow cannot look these up.
        return column.holding(column.values.cast(pa.float32()))
    if origin.kind not in ("float", "integer") or kind not in ("category", "text"):
        return column
    try:
        return as_numbers(column, decimal)
    except DataError:
        plain = column.decoded()
        if plain.kind == "text" and 2 * first_strange(plain.values)[0] <= len(plain.values):
            # No numbers at all: a column of another kind.
            return column
        raise


def _block(origin: Origin, column: Column, source: str) -> npt.NDArray[Any]:
    """The array columns of one column, shape (n, width)."""
    kind = column.kind
    if origin.kind in ("category", "text") and kind != "list":
        return _levels_block(origin, decoded(column.values), source)
    if not any({origin.kind, kind} <= alike for alike in _ALIKE):
        problem = _misfit(source, f"holds {kind} values in column '{origin.name}', which were of kind {origin.kind}")
        raise DataError(problem, hint="write the column as it was when the run began")
    if origin.kind == "list":
        return _list_block(origin, column, source)
    values = np.concatenate([numbers(chunk) for chunk in column.values.chunks]).astype(np.float64)
    if origin.width:
        return values[:, None]
    known = numbers(arrow_column(origin, restored(origin, np.empty((1, 0)))))
    _refuse_other_constants(origin.name, values, known.astype(np.float64), source)
    return np.empty((len(values), 0))


def _levels_block(origin: Origin, values: Any, source: str) -> npt.NDArray[Any]:
    levels = origin.levels or (origin.constant,)
    places = {level: place for place, level in enumerate(levels)}
    distinct = pc.unique(values)
    refuse_damaged(origin.name, distinct)
    given = distinct.to_pylist()
    # Levels that are no plain values, such as dates, are known by their text.
    here = [places.get(level, places.get(str(level), -1)) for level in given]
    if -1 in here:
        listed = ", ".join(map(str, levels[:_SHOWN])) + (", ..." if len(levels) > _SHOWN else "")
        problem = _misfit(source, f"has {origin.name}={given[here.index(-1)]}, which the run has not seen")
        raise DataError(problem, hint=f"it knows {listed}")
    codes = np.array(here)[pc.index_in(values, value_set=distinct).to_numpy(zero_copy_only=False)]
    if not origin.width:
        return np.empty((len(codes), 0))
    return one_hot(codes, len(levels))


def _list_block(origin: Origin, column: Column, source: str) -> npt.NDArray[Any]:
    width, known = list_width(column), np.asarray(origin.constant, dtype=np.float64)
    if width != len(known):
        problem = _misfit(source, f"holds lists of {width} numbers in column '{origin.name}', which had {len(known)}")
        raise DataError(problem, hint="encode lists of the same length")
    entries = np.concatenate([list_entries(chunk, width) for chunk in column.values.chunks]).astype(np.float64)
    for place in set(range(width)) - set(origin.entries):
        _refuse_other_constants(f"{origin.name}[{place}]", entries[:, place], known[place], source)
    return entries[:, list(origin.entries)]


def _refuse_other_constants(name: str, values: Array, known: Any, source: str) -> None:
    """The run knows nothing of what a constant could be besides."""
    other = ~np.isclose(values, known, rtol=_SAME_CONSTANT, atol=0.0)
    if other.any():
        held = f"{values[int(np.argmax(other))]:g} in column '{name}', which held only {float(np.ravel(known)[0]):g}"
        raise DataError(_misfit(source, f"has {held} when the run began"), hint="leave the column out of the file")
