"""A task seen through maps, under a name that fixes all its parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from minecli.tasks.maps import Identity, Map
from minecli.tasks.task import Numeric, Task

if TYPE_CHECKING:
    import numpy as np

    from minecli.tasks.task import Array


@dataclass(frozen=True, kw_only=True)
class Mapped(Numeric):
    """x_map(x) and z_map(z) of the numeric task `base`, under a `name` of its own and without parameters.

    Injective maps of each side keep the information, so the truth is that of `base`.

    >>> from minecli.tasks.gaussian import Gaussian
    >>> from minecli.tasks.maps import HalfCube
    >>> task = Mapped(name="cubed", base=Gaussian(rho=0.75), x_map=HalfCube())
    >>> round(task.true_mi_nats(), 4)
    0.4133
    >>> print(task)
    cubed
    """

    name: str
    base: Task
    x_map: Map = field(default_factory=Identity)
    z_map: Map = field(default_factory=Identity)

    def __str__(self) -> str:
        return self.name

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, d), d as the maps make it."""
        x, z = self.base.sample(n, rng)
        return self.x_map.forward(x), self.z_map.forward(z)

    def true_mi_nats(self) -> float:
        """The information of `base`: injective maps leave it as it is."""
        return self.base.true_mi_nats()
