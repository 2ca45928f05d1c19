"""A label beside a number: information between a discrete and a continuous variable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from minecli.tasks.task import require

if TYPE_CHECKING:
    import numpy as np

    from minecli.tasks.task import Array


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """z one of `classes` equally likely labels, x = spacing * label + standard normal noise; one column each.

    I(X; Z) = h(X) - ln sqrt(2 pi e), with the entropy of the normal mixture x by quadrature; at most
    ln(classes).

    >>> round(Mixed(classes=2, spacing=2.0).true_mi_nats(), 4)
    0.3368
    """

    name: ClassVar[str] = "mixed"
    classes: int = 3
    spacing: float = 2.0

    def __post_init__(self) -> None:
        require(self.name, "classes", self.classes, 2 <= self.classes <= 26, "from 2 to 26", 3)
        require(self.name, "spacing", self.spacing, 0 <= self.spacing <= 100, "from 0 to 100", 2)

    @property
    def z_levels(self) -> tuple[str, ...] | None:
        """The labels' names: a, b, c, ..."""
        return tuple("abcdefghijklmnopqrstuvwxyz"[: self.classes])

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs: x of shape (n, 1), and z of shape (n, 1) with the labels' codes 0 .. classes - 1."""
        z = rng.integers(self.classes, size=(n, 1)).astype(float)
        return self.spacing * z + rng.standard_normal((n, 1)), z

    def true_mi_nats(self) -> float:
        """h(X) - ln sqrt(2 pi e), with h(X) by the trapezoidal rule (smooth, vanishing at both ends: error <
        1e-9).
        """
        import numpy as np
        from scipy.special import xlogy

        means = self.spacing * np.arange(self.classes)
        x = np.linspace(-10.0, float(means[-1]) + 10.0, math.ceil((float(means[-1]) + 20.0) * 40) + 1)
        density = np.exp(-0.5 * (x[:, None] - means) ** 2).mean(axis=1) / math.sqrt(2 * math.pi)
        entropy = -float(np.sum(xlogy(density, density))) * float(x[1] - x[0])
        return entropy - 0.5 * math.log(2 * math.pi * math.e)
