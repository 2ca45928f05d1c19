"""A user's table with a class column, split so that every part has its share of every class."""

from __future__ import annotations

import dataclasses
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from minecli.apps.comparison.user_table import facts_of
from minecli.apps.ib.classified import Classified, Part, choosing_rows
from minecli.apps.ib.request import IbRequest
from minecli.apps.table_rows import TableRows
from minecli.errors import DataError
from minecli.runtime.checkpoint import fingerprint
from minecli.runtime.seeds import generator
from minecli.tables.classes import load_classes

_TEST_SHARE = 0.2

Rows = npt.NDArray[np.int64]


def load_user_classes(request: IbRequest, device: str, stdin: BinaryIO | None) -> Classified:
    """Read the columns that a request names. A fifth of the rows is the test set, the same for every seed.

    Raises:
        DataError, UsageError: see `tables.classes.load_classes`.
    """
    assert request.target is not None
    how = {**request.how, **request.kinds}
    found = load_classes(request.dataset, request.x, request.target, sample=request.sample, stdin=stdin, **how)
    order = stratified_order(found.labels)
    tested = max(1, round(_TEST_SHARE * len(order)))
    test, train = order[:tested], order[tested:][: request.config.rows]
    choosing = choosing_rows(len(train))
    rows = TableRows.of(found.one, train)
    counts = {
        "rows": len(train),
        "rows_held_back": choosing if request.config.choose else 0,
        "rows_tested": len(test),
        "classes": list(found.classes),
    }
    mark = fingerprint({"classes": list(found.classes)}, found.one.group.values, found.labels)
    facts = facts_of(found.one, counts, mark)
    _refuse_absent(found.classes, found.labels[train[: len(train) - choosing]], request)
    labels = torch.from_numpy(found.labels)
    learnt, tested_on = (Part(rows.features[torch.from_numpy(p)], labels[torch.from_numpy(p)]) for p in (train, test))
    without_rows = dataclasses.replace(rows, real=rows.real[:0])
    return Classified(learnt, tested_on, choosing, found.classes, device, facts, without_rows)


def _refuse_absent(classes: tuple[bool | int | str, ...], learnt: Rows, request: IbRequest) -> None:
    sizes = np.bincount(learnt, minlength=len(classes))
    if sizes.min() == 0:
        raise DataError(
            f"class '{classes[int(sizes.argmin())]}' is absent from the {len(learnt)} rows to learn from",
            hint=f"use more rows than --rows {request.config.rows}, or join rare classes",
        )


def stratified_order(labels: Rows) -> Rows:
    """The rows in an order in which every stretch has about each class's share: rows of a class are shuffled and laid
    out evenly.

    >>> labels = np.array([0] * 8 + [1] * 4)
    >>> np.bincount(labels[stratified_order(labels)[:3]]).tolist()
    [2, 1]
    """
    draws = generator(0, "ib", "split")
    place = np.empty(len(labels))
    for each in np.unique(labels):
        own = np.flatnonzero(labels == each)
        place[draws.permutation(own)] = (np.arange(len(own)) + 0.5) / len(own)
    return np.argsort(place, kind="stable")
