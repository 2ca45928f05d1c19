"""A user's table as what is learnt and what is held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.apps.comparison.layout import read_columns
from minecli.apps.comparison.request import ComparisonRequest
from minecli.apps.table_rows import TableRows
from minecli.errors import DataError
from minecli.runtime.checkpoint import fingerprint
from minecli.runtime.seeds import generator
from minecli.tables.groups import OneGroup, load_group

_HELD_OUT = 0.2


@dataclass(frozen=True)
class UserTable:
    """The rows of a table, the numbers of those to learn from and of those held out, and facts about the file."""

    rows: TableRows
    learnt: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.int64]
    facts: dict[str, Any]


def load_user_table(request: ComparisonRequest, stdin: BinaryIO | None, most_held_out: int) -> UserTable:
    """Read the columns that a request names. A fifth of the rows is held out, at most `most_held_out`: what repeats
    the rows it has seen must not pass for good.

    Raises:
        DataError, UsageError: see `tables.groups.load_group`.
    """
    how = {**request.how, **request.kinds}
    one = load_group(request.dataset, request.x, sample=request.sample, stdin=stdin, **how)
    rows = TableRows.of(one)
    order = generator(0, "table", "held-out").permutation(len(rows))
    unseen = min(most_held_out, round(_HELD_OUT * len(rows)))
    held_out, learnt = np.sort(order[:unseen]), np.sort(order[unseen:])
    counts = {"rows": len(learnt), "rows_held_out": len(held_out)}
    facts = facts_of(one, counts, fingerprint({}, one.group.values))
    return UserTable(rows, learnt, held_out, facts)


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


def known_features(folder: Path, request: ComparisonRequest, data: str, stdin: BinaryIO | None) -> Tensor:
    """Rows of another table with the columns of a run, as its networks see them, shape (n, features).

    Raises:
        DataError, UsageError: see `tables.known_columns.load_known`; or values far beyond those the run has seen.
    """
    from minecli.tables.known_columns import load_known

    learnt = read_columns(folder)
    features = learnt.features_of(load_known(data, learnt.origins, stdin=stdin, **request.how))
    beyond = ~torch.isfinite(features).all(0)
    if beyond.any():
        name = learnt.names[int(beyond.int().argmax())]
        raise DataError(
            f"'{data}' holds values in column '{name}' that are far beyond those the run has seen",
            hint="take those rows out",
        )
    return features
