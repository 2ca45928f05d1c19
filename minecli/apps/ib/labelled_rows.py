"""Rows with classes or numbers: what is learnt from, what chooses epoch and beta, what is tested on, and what is
encoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli import events
from minecli.apps.datasets.mnist import CLASSES, Digits, read_mnist
from minecli.apps.datasets.sample_columns import Inputs, digit_images, digits_to_encode, read_columns, table_layout
from minecli.apps.datasets.table_rows import TableRows, facts_of, known_features
from minecli.apps.ib.config import IbRequest
from minecli.errors import DataError, UsageError
from minecli.runtime.checkpoint import fingerprint
from minecli.runtime.seeds import generator
from minecli.tables.classes import ClassedRows, load_classes
from minecli.tables.splitting import share_of, stratified_order

Classes = tuple[bool | int | str, ...]
Numbers = npt.NDArray[np.int64]

_CHOOSING_SHARE = 1.0 / 6.0
_TEST_SHARE = 0.2


@dataclass(frozen=True)
class Part:
    """Rows (n, inputs) float32 and their classes (n,) int64; or numbers (n,) float32, in units of `scale`: mean and
    deviation over the rows to learn from."""

    x: Tensor
    labels: Tensor
    scale: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, which: slice | Tensor) -> Part:
        """Some of the rows."""
        return Part(self.x[which], self.labels[which], self.scale)

    def to(self, device: torch.device) -> Part:
        """The same rows where a network computes."""
        return Part(self.x.to(device), self.labels.to(device), self.scale)


@dataclass(frozen=True)
class Classified:
    """A data set of rows with classes.

    `train` holds all rows to learn from; of these the last `choosing` are held back where an epoch and a beta are to
    be chosen. `classes` are what people call them, none where the target is a number;
    networks that learn from them compute on `device`. `facts` are plain values that a reader of the result needs;
    `table` is a user's own.
    """

    train: Part
    test: Part
    choosing: int
    classes: Classes
    device: str = "cpu"
    facts: dict[str, Any] = field(default_factory=dict)
    table: TableRows | None = None

    @property
    def is_number(self) -> bool:
        """Whether the target is a number."""
        return not self.classes

    @property
    def learnt(self) -> Part:
        """The rows to learn from while those held back choose epoch and beta."""
        return self.train.rows(slice(-self.choosing))

    @property
    def held_back(self) -> Part:
        """The rows that choose epoch and beta."""
        return self.train.rows(slice(-self.choosing, None))


def load_classified(
    request: IbRequest,
    device: str = "cpu",
    stdin: BinaryIO | None = None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
) -> Classified:
    """Read what a request names, the same for every method and seed.

    Raises:
        DataError, UsageError: see `datasets.mnist.read_mnist` and `tables.classes.load_classes`.
    """
    if request.is_table:
        return load_user_classes(request, device, stdin)
    learnt, unseen = read_mnist(request.root, observer)
    train, test = digit_rows(learnt.first(request.config.rows)), digit_rows(unseen)
    choosing, facts = _sizes(request, len(train), len(test))
    return Classified(train, test, choosing, tuple(range(CLASSES)), device, facts)


def _sizes(request: IbRequest, train: int, test: int) -> tuple[int, dict[str, Any]]:
    """How many of the rows to learn from can be held back, and what is said of the sizes of all parts."""
    choosing = choosing_rows(train)
    return choosing, {"rows": train, "rows_held_back": choosing if request.config.choose else 0, "rows_tested": test}


def load_user_classes(request: IbRequest, device: str, stdin: BinaryIO | None) -> Classified:
    """Read the columns that a request names. A fifth of the rows is the test set, the same for every seed.

    Raises:
        DataError, UsageError: see `tables.classes.load_classes`.
    """
    assert request.target is not None
    table = load_classes(request.dataset, request.x, request.target, request.wanted, stdin=stdin)
    order = stratified_order(_strata(table), generator(0, "ib", "split"))
    tested = share_of(len(order), _TEST_SHARE)
    test, train = order[:tested], order[tested:][: request.config.rows]
    choosing, sizes = _sizes(request, len(train), len(test))
    rows, target = TableRows.of(table.one, train), _target_facts(table, train)
    facts = facts_of(table.one, sizes | target, fingerprint(target, table.one.group.values, table.labels))
    if table.is_number:
        scale = target["target_mean"], target["target_deviation"]
        every = Part(rows.features, torch.from_numpy((table.labels - scale[0]) / scale[1]).float(), scale)
    else:
        _refuse_absent(table.classes, _strata(table)[train[: len(train) - choosing]], request)
        every = Part(rows.features, torch.from_numpy(table.labels))
    learnt, tested_on = (every.rows(torch.from_numpy(part)) for part in (train, test))
    without_rows = dataclasses.replace(rows, real=rows.real[:0])
    return Classified(learnt, tested_on, choosing, table.classes, device, facts, without_rows)


def _strata(table: ClassedRows) -> Numbers:
    """What every part of the rows shall have about the same share of: the classes, or tenths of a number's values."""
    if not table.is_number:
        return table.labels.astype(np.int64)
    inner = np.quantile(table.labels, np.linspace(0.1, 0.9, 9))
    return np.searchsorted(inner, table.labels).astype(np.int64)


def _target_facts(table: ClassedRows, train: Numbers) -> dict[str, Any]:
    """What the target's values are: classes, or numbers of such a mean and deviation over the rows to learn from."""
    if not table.is_number:
        return {"classes": list(table.classes)}
    known = table.labels[train]
    deviation = float(known.std())
    if deviation == 0.0:
        raise DataError(
            f"the target is {known[0]:g} in all of the {len(known)} rows to learn from", hint="use more rows"
        )
    return {"target_mean": float(known.mean()), "target_deviation": deviation}


def _refuse_absent(classes: Classes, learnt: Numbers, request: IbRequest) -> None:
    sizes = np.bincount(learnt, minlength=len(classes))
    if sizes.min() == 0:
        raise DataError(
            f"class '{classes[int(sizes.argmin())]}' is absent from the {len(learnt)} rows to learn from",
            hint=f"use more rows than --rows {request.config.rows}, or join rare classes",
        )


def choosing_rows(count: int) -> int:
    """How many of so many training rows are held back: 10,000 of MNIST's.

    >>> choosing_rows(60_000), choosing_rows(20)
    (10000, 3)
    """
    return share_of(count, _CHOOSING_SHARE)


def digit_rows(digits: Digits) -> Part:
    """Digits as rows of 784 pixels from -1 (paper) to 1 (ink)."""
    return Part(digit_images(digits).flatten(1), torch.from_numpy(digits.labels.astype(np.int64)))


def load_inputs(
    folder: Path,
    request: IbRequest,
    data: str | None,
    data_root: Path | None,
    stdin: BinaryIO | None,
    whole: bool = False,
) -> Inputs:
    """Read what is to be encoded.

    Args:
        data: a table with the run's columns; `mnist` or None for the test images, where the run is about those.
        data_root: where MNIST's files are; that of the run where it is None.
        whole: all columns of a table are wanted beside the codes, not those of the run alone.

    Raises:
        UsageError, DataError: the data are of another kind, or cannot be read.
    """
    if not request.is_table:
        return digits_to_encode(folder, data, data_root or request.root)
    if data is None:
        raise UsageError("no table to encode is named", hint=f"try minecli ib encode {folder} {request.dataset}")
    table = read_columns(folder)
    values, given = request.load_known(data, table.origins, stdin, whole)
    return Inputs(known_features(table, values, data), table_layout(table), given=given)
