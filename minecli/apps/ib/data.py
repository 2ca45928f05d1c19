"""Rows with classes: what is learnt from, what chooses epoch and beta, and what is tested on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from minecli import events
from minecli.apps.ib.request import IbRequest
from minecli.apps.ib.training import Part
from minecli.apps.mnist import CLASSES, SIDE, Digits, read_mnist

if TYPE_CHECKING:
    from minecli.apps.table_rows import TableRows

_CHOOSING_SHARE = 1.0 / 6.0


@dataclass(frozen=True)
class Classified:
    """A data set of rows with classes.

    `train` holds all rows to learn from; of these the last `choosing` are held back where an epoch and a beta are to
    be chosen. `classes` are what people call them; networks that learn from them compute on `device`. `facts` are plain
    values that a reader of the result needs; `table` is a user's own.
    """

    train: Part
    test: Part
    choosing: int
    classes: tuple[str, ...]
    device: str = "cpu"
    facts: dict[str, Any] = field(default_factory=dict)
    table: TableRows | None = None

    @property
    def learnt(self) -> Part:
        """The rows to learn from while others choose."""
        return Part(self.train.x[: -self.choosing], self.train.labels[: -self.choosing])

    @property
    def held_back(self) -> Part:
        """The rows that choose."""
        return Part(self.train.x[-self.choosing :], self.train.labels[-self.choosing :])


def load_classified(
    request: IbRequest,
    device: str = "cpu",
    stdin: BinaryIO | None = None,
    observer: events.Observer = events.ignore,
) -> Classified:
    """Read what a request names, the same for every method and seed.

    Raises:
        DataError, UsageError: see `apps.mnist.read_mnist` and `tables.classes.load_classes`.
    """
    if request.is_table:
        from minecli.apps.ib.user_table import load_user_classes

        return load_user_classes(request, device, stdin)
    train, test = read_mnist(None if request.data_root is None else Path(request.data_root), observer)
    count = min(request.config.rows, len(train.images))
    choosing = choosing_rows(count)
    facts = {"rows": count, "rows_held_back": choosing if request.config.choose else 0, "rows_tested": len(test.images)}
    first = Digits(train.images[:count], train.labels[:count])
    return Classified(digit_rows(first), digit_rows(test), choosing, tuple(map(str, range(CLASSES))), device, facts)


def choosing_rows(count: int) -> int:
    """How many of so many training rows are held back: 10,000 of MNIST's.

    >>> choosing_rows(60_000), choosing_rows(20)
    (10000, 3)
    """
    return max(1, round(_CHOOSING_SHARE * count))


def digit_rows(digits: Digits) -> Part:
    """Digits as rows of 784 pixels from -1 to 1."""
    return Part(pixel_rows(digits.images), torch.from_numpy(digits.labels.astype(np.int64)))


def pixel_rows(images: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Bytes (n, 28, 28) as (n, 784) from -1 to 1."""
    return torch.from_numpy(images).reshape(-1, SIDE * SIDE).float().div_(127.5).sub_(1.0)
