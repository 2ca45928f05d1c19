"""A user's table as what is learnt and what is held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.apps.datasets.table_rows import TableRows
from minecli.errors import DataError
from minecli.runtime.checkpoint import fingerprint
from minecli.runtime.seeds import generator
from minecli.tables.groups import OneGroup
from minecli.tables.kinds import Array
from minecli.tables.splitting import hold_out

_HELD_OUT = 0.2


@dataclass(frozen=True)
class UserTable:
    """The rows of a table, the numbers of those to learn from and of those held out, and facts about the file."""

    rows: TableRows
    learnt: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.int64]
    facts: dict[str, Any]

    @classmethod
    def of(cls, one: OneGroup, most_held_out: int) -> UserTable:
        """Split a table that was read: a fifth of its rows is held out, at most `most_held_out`. What repeats the rows
        it has seen must not pass for good.

        Raises:
            DataError: values beyond 1e100 in size.
        """
        rows = TableRows.of(one)
        learnt, held_out = hold_out(len(rows), _HELD_OUT, generator(0, "table", "held-out"), most_held_out)
        counts = {"rows": len(learnt), "rows_held_out": len(held_out)}
        return cls(rows, learnt, held_out, facts_of(one, counts, fingerprint({}, one.group.values)))


def facts_of(one: OneGroup, counts: Mapping[str, object], mark: str) -> dict[str, Any]:
    """What a reader of the result needs to know of a user's table: the file, its rows, how they are split (`counts`),
    and the fingerprint of what was read (`mark`)."""
    return {
        "source": one.source,
        "format": one.format,
        **counts,
        "rows_read": one.rows_read,
        "rows_dropped": one.rows_dropped,
        "rows_sampled_from": one.rows_sampled_from,
        "columns": list(one.group.names),
        "fingerprint": mark,
        "notes": list(one.notes),
    }


def known_features(table: TableRows, values: Array, source: str) -> Tensor:
    """Rows of another table, `values` (n, d) read by the columns of `table`, as its networks see them, (n, features).

    Raises:
        DataError: `source` holds values far beyond those the run has seen.
    """
    features = table.features_of(values)
    beyond = ~torch.isfinite(features).all(0)
    if beyond.any():
        name = table.names[int(beyond.int().argmax())]
        raise DataError(
            f"'{source}' holds values in column '{name}' that are far beyond those the run has seen",
            hint="take those rows out",
        )
    return features
