"""The shape of every task, and the checks their parameters share."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol, cast

from minecli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Task(Protocol):
    """A joint distribution of x and z that can be sampled and whose mutual information is known.

    A task is a frozen dataclass; its fields are its parameters, unless `name` is one of them: then the name fixes
    all the rest. `z_levels` is None where z is numbers; otherwise z holds codes 0 .. K-1 in one column, and
    `z_levels` their K names.
    """

    @property
    def name(self) -> str:
        """The word for the task on the command line."""
        ...

    @property
    def z_levels(self) -> tuple[str, ...] | None:
        """The names of the labels that z's codes stand for; None where z is numbers."""
        ...

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n independent pairs: x of shape (n, d_x) and z of shape (n, d_z), float64."""
        ...

    def true_mi_nats(self) -> float:
        """The mutual information I(X; Z) in nats."""
        ...


class Numeric:
    """A task whose z is numbers rather than labels."""

    @property
    def z_levels(self) -> tuple[str, ...] | None:
        """None, as of all numbers."""
        return None


def parameters(task: Task) -> dict[str, int | float | str]:
    """The task's parameters as plain values, in the order of declaration; none where the name fixes all.

    >>> from minecli.tasks.gaussian import Gaussian
    >>> parameters(Gaussian(dim=2))
    {'dim': 2, 'rho': 0.5}
    """
    names = [field.name for field in fields(cast("Any", task))]
    return {} if "name" in names else {name: getattr(task, name) for name in names}


class ParameterError(UsageError):
    """A parameter has a value that its task does not allow; its attributes are for those who word it otherwise."""

    def __init__(self, task: str, parameter: str, value: float | str, allowed: str, example: object) -> None:
        option = "--" + parameter.replace("_", "-")
        super().__init__(
            f"{option} is {value}; for the task '{task}' it must be {allowed}", hint=f"try {option} {example}"
        )
        self.task, self.parameter, self.value, self.allowed, self.example = task, parameter, value, allowed, example


def require(task: str, name: str, value: float | str, condition: bool, allowed: str, example: object) -> None:
    """Raise ParameterError naming the parameter, its value and what is allowed, unless `condition` holds and the
    value is finite.

    >>> require("gaussian", "rho", 0.5, True, "strictly between -1 and 1", 0.5)
    """
    if not condition or (isinstance(value, float) and not math.isfinite(value)):
        raise ParameterError(task, name, value, allowed, example)


def require_dim(task: str, dim: int) -> None:
    """Raise ParameterError unless the number of columns per side is at least 1."""
    require(task, "dim", dim, dim >= 1, "at least 1", 5)
