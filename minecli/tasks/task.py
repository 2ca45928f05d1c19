"""The shape of every task, and the checks their parameters share."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from minecli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Task(Protocol):
    """A joint distribution of x and z that can be sampled and whose mutual information is known.

    A task is a frozen dataclass; its fields are its parameters. `z_levels` is None where z is numbers;
    otherwise z holds codes 0 .. K-1 in one column, and `z_levels` their K names.
    """

    name: ClassVar[str]

    @property
    def z_levels(self) -> tuple[str, ...] | None: ...

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n independent pairs: x of shape (n, d_x) and z of shape (n, d_z), float64."""
        ...

    def true_mi_nats(self) -> float:
        """The mutual information I(X; Z) in nats."""
        ...


class Numeric:
    """What the tasks share whose z is numbers."""

    @property
    def z_levels(self) -> tuple[str, ...] | None:
        return None


def parameters(task: Task) -> dict[str, int | float | str]:
    """The task's parameters as plain values, in the order of declaration."""
    return {field.name: getattr(task, field.name) for field in fields(cast("Any", task))}


def require(task: str, name: str, value: float | str, condition: bool, allowed: str, example: object) -> None:
    """Raise UsageError naming the parameter, its value and what is allowed, unless `condition` holds."""
    if not condition or (isinstance(value, float) and not math.isfinite(value)):
        option = "--" + name.replace("_", "-")
        raise UsageError(
            f"{option} is {value}; for the task '{task}' it must be {allowed}", hint=f"try {option} {example}"
        )


def require_dim(task: str, dim: int) -> None:
    """Raise UsageError unless the number of columns per side is at least 1."""
    require(task, "dim", dim, dim >= 1, "at least 1", 5)
