"""Labels, whole numbers and zeros beside continuous numbers: information between variables of mixed kinds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from minecli.tasks.gaussian import Gaussian
from minecli.tasks.task import Numeric, require, require_dim

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


@dataclass(frozen=True, kw_only=True)
class MixedUniform(Numeric):
    """x one of the whole numbers 0 .. classes - 1, equally likely, z uniform on (x, x + 2); one column each.

    In the first and in the last unit of z, each with probability 1 / (2 classes), x is known; in every other unit two
    values of x are equally likely. Hence I(X; Z) = ln(classes) - (classes - 1)/classes ln 2. The task of Gao et al.,
    *Estimating Mutual Information for Discrete-Continuous Mixtures* (NeurIPS 2017).

    >>> round(MixedUniform(classes=5).true_mi_nats(), 4)
    1.0549
    """

    name: ClassVar[str] = "mixed-uniform"
    classes: int = 5

    def __post_init__(self) -> None:
        require(self.name, "classes", self.classes, 2 <= self.classes <= 1000, "from 2 to 1000", 5)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, 1)."""
        x = rng.integers(self.classes, size=(n, 1)).astype(float)
        return x, x + 2 * rng.random((n, 1))

    def true_mi_nats(self) -> float:
        """ln(classes) - (classes - 1)/classes ln 2."""
        return math.log(self.classes) - (self.classes - 1) / self.classes * math.log(2)


@dataclass(frozen=True, kw_only=True)
class ZeroInflated(Numeric):
    """Normal pairs with corr(x_i, z_i) = rho in `dim` columns, where each value is lost with probability `share`.

    A lost value is an exact 0, on each side and in each column independently of everything else, as with a sensor that
    reads nothing. Zeros are recognised, and carry no information; a pair of columns says something in the rows
    that keep both: I(X; Z) = -dim/2 (1 - share)^2 ln(1 - rho^2).

    >>> round(ZeroInflated(share=0.5, rho=0.9).true_mi_nats(), 4)
    0.2076
    """

    name: ClassVar[str] = "zero-inflated"
    dim: int = 1
    rho: float = 0.9
    share: float = 0.3

    def __post_init__(self) -> None:
        require_dim(self.name, self.dim)
        require(self.name, "rho", self.rho, -1 < self.rho < 1, "strictly between -1 and 1", 0.9)
        require(self.name, "share", self.share, 0 <= self.share <= 1, "from 0 to 1", 0.3)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, dim)."""
        import numpy as np

        x, z = Gaussian(dim=self.dim, rho=self.rho).sample(n, rng)
        lost_x, lost_z = rng.random((2, n, self.dim)) < self.share
        return np.where(lost_x, 0.0, x), np.where(lost_z, 0.0, z)

    def true_mi_nats(self) -> float:
        """-dim/2 (1 - share)^2 ln(1 - rho^2)."""
        return (1 - self.share) ** 2 * Gaussian(dim=self.dim, rho=self.rho).true_mi_nats()
