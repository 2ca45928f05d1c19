"""Rows with classes: what is learnt from, what chooses epoch and beta, and what is tested on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from minecli.apps.table_rows import TableRows

_CHOOSING_SHARE = 1.0 / 6.0


@dataclass(frozen=True)
class Part:
    """Rows (n, inputs) float32 and their classes (n,) int64."""

    x: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.x)


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
    classes: tuple[bool | int | str, ...]
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


def choosing_rows(count: int) -> int:
    """How many of so many training rows are held back: 10,000 of MNIST's.

    >>> choosing_rows(60_000), choosing_rows(20)
    (10000, 3)
    """
    return max(1, round(_CHOOSING_SHARE * count))
