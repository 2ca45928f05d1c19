"""Whole numbers that a reader of text takes for numbers with a fraction, because no 64 bits hold all of them: their
last digits are gone then, and with them maybe all that tells them apart."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError
from minecli.tables.exactness import MOST

_LONG = r"^\s*[-+]?\d{16,}\s*$"
# Whole numbers up to there are read as such.
_MOST_INT64 = 2.0**63
# Larger ones are no numbers that anybody counts by.
_MOST_DIGITS = 1e40


def may_be_rounded(column: Any) -> bool:
    """Whether an Arrow column of floats has values beyond which float64 skips whole numbers.

    >>> may_be_rounded(pa.chunked_array([[1.0, 2.0**60]])), may_be_rounded(pa.chunked_array([[2**60]]))
    (True, False)
    """
    if not pa.types.is_float64(column.type):
        return False
    ends = pc.min_max(column).as_py()
    return ends["min"] is not None and (ends["min"] < -MOST or ends["max"] > MOST)


def has_long_integers(text: Any) -> bool:
    """Whether some text has a whole number of more digits than float64 keeps."""
    return bool(pc.any(pc.match_substring_regex(text, _LONG)).as_py())


def rounded_note(name: str) -> str:
    """What to say of a column some of whose numbers were rounded."""
    return f"column '{name}' holds whole numbers beyond 2^53, some of which float64 rounds"


def notes_on_rounding(rows: Any, hint: str) -> list[str]:
    """What to say of columns of an Arrow table that may have been rounded in reading, all of whose values are whole.

    Raises DataError, with the `hint`, for a column in which no two values can be told apart any more.
    """
    notes = []
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if not may_be_rounded(column) or not pc.all(pc.equal(pc.floor(column), column)).as_py():
            continue
        ends = pc.min_max(column).as_py()
        if not _MOST_INT64 <= max(-ends["min"], ends["max"]) < _MOST_DIGITS:
            continue
        if ends["min"] == ends["max"] and rows.num_rows > 1:
            raise DataError(
                f"column '{name}' holds whole numbers too large to be read exactly, and none can be told from another",
                hint=hint.replace("COL", name),
            )
        notes.append(rounded_note(name))
    return notes
