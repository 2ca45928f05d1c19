"""A cell: one task, one seed, one estimator. A plan is a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from minecli.tasks.task import Task

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

Key = tuple[str, int, int, str]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One question put to one estimator.

    `spec` is the task in words, `group` the heading it is shown under, `true_mi_nats` the truth. `rows` is how many
    rows the answer is computed from. `place` says where the cell stands in a figure, by the names of its axes.
    """

    task: Task
    spec: str
    group: str
    true_mi_nats: float
    rows: int
    seed: int
    estimator: str
    place: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """What tells this cell from every other one of a plan."""
        return (self.spec, self.rows, self.seed, self.estimator)

    @property
    def data_seed(self) -> int:
        """The seed of the cell's data: the same for all estimators, another one for every task and seed.

        `minecli sample` draws the very same rows with it.
        """
        from minecli.runtime.seeds import child_seed

        return child_seed(self.seed, "bench", self.spec)


def draw(cell: Cell) -> tuple[Array, Array]:
    """The cell's data: x of shape (rows, d_x), z of shape (rows, d_z), labels as columns of 0 and 1."""
    from minecli.runtime.seeds import generator
    from minecli.tasks.specs import numeric

    return numeric(cell.task, *cell.task.sample(cell.rows, generator(cell.data_seed, "sample", cell.task.name)))
