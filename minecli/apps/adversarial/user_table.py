"""A user's table as what is learnt and what is held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from minecli.apps.adversarial.request import AdversarialRequest
from minecli.apps.table_rows import TableRows
from minecli.runtime.seeds import generator
from minecli.tables.groups import load_group

_HELD_OUT = 0.2


@dataclass(frozen=True)
class UserTable:
    """The rows of a table, the numbers of those to learn from and of those held out, and facts about the file."""

    rows: TableRows
    learnt: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.int64]
    facts: dict[str, Any]


def load_user_table(request: AdversarialRequest, stdin: BinaryIO | None, most_held_out: int) -> UserTable:
    """Read the columns that a request names. A fifth of the rows is held out, at most `most_held_out`: what repeats
    the rows it has seen must not pass for good.

    Raises:
        DataError, UsageError: see `tables.groups.load_group`.
    """
    one = load_group(
        request.dataset,
        request.x,
        input_format=request.input_format,
        delimiter=request.delimiter,
        na_values=request.na_values,
        missing=request.missing,
        sample=request.sample,
        stdin=stdin,
    )
    rows = TableRows.of(one)
    order = generator(0, "table", "held-out").permutation(len(rows))
    unseen = min(most_held_out, round(_HELD_OUT * len(rows)))
    held_out, learnt = np.sort(order[:unseen]), np.sort(order[unseen:])
    facts = {
        "source": one.source,
        "format": one.format,
        "rows": len(learnt),
        "rows_held_out": len(held_out),
        "rows_read": one.rows_read,
        "rows_dropped": one.rows_dropped,
        "rows_sampled_from": one.rows_sampled_from,
        "columns": list(rows.names),
        "notes": list(one.notes),
    }
    return UserTable(rows, learnt, held_out, facts)
