"""Tasks where z is a function of x plus noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from minecli.tasks.task import Numeric, require, require_dim

if TYPE_CHECKING:
    import numpy as np

    from minecli.tasks.task import Array


@dataclass(frozen=True, kw_only=True)
class UniformNoise(Numeric):
    """x uniform on (0, 1), z = x + noise uniform on (-epsilon, epsilon), in each of `dim` columns.

    Per column the information is epsilon - ln(2 epsilon) for epsilon <= 1/2 and 1 / (4 epsilon) above: the
    entropy of a trapezoid less ln(2 epsilon), the entropy of the noise.

    >>> UniformNoise(epsilon=0.5).true_mi_nats()
    0.5
    """

    name: ClassVar[str] = "uniform-noise"
    dim: int = 1
    epsilon: float = 0.25

    def __post_init__(self) -> None:
        require_dim(self.name, self.dim)
        require(self.name, "epsilon", self.epsilon, self.epsilon > 0, "greater than 0", 0.25)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, dim)."""
        x = rng.random((n, self.dim))
        return x, x + rng.uniform(-self.epsilon, self.epsilon, (n, self.dim))

    def true_mi_nats(self) -> float:
        """dim times the information of one column."""
        narrow = self.epsilon <= 0.5
        one = self.epsilon - math.log(2 * self.epsilon) if narrow else 0.25 / self.epsilon
        return self.dim * one


FUNCTIONS = ("identity", "cubic", "sine")


@dataclass(frozen=True, kw_only=True)
class Nonlinear(Numeric):
    """x uniform on (-1, 1), z = f(x) + sigma * standard normal noise, in each of `dim` columns.

    f is the identity, x^3 or sin x, as in section 4.2 of the MINE paper (Belghazi et al., ICML 2018). The
    information is dim (h(Z) - h(noise)), with the entropy of one column of z by quadrature.

    >>> round(Nonlinear(function="cubic", sigma=0.3).true_mi_nats(), 3)
    0.47
    """

    name: ClassVar[str] = "nonlinear"
    dim: int = 1
    function: str = "cubic"
    sigma: float = 0.3

    def __post_init__(self) -> None:
        require_dim(self.name, self.dim)
        known = ", ".join(FUNCTIONS)
        require(self.name, "function", self.function, self.function in FUNCTIONS, f"one of {known}", FUNCTIONS[1])
        require(self.name, "sigma", self.sigma, self.sigma >= 0.01, "at least 0.01", 0.3)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, dim)."""
        x = rng.uniform(-1.0, 1.0, (n, self.dim))
        return x, self.apply(x) + self.sigma * rng.standard_normal((n, self.dim))

    def apply(self, x: Array) -> Array:
        """f at every element of x, in the shape of x."""
        import numpy as np

        if self.function == "identity":
            return x
        return x**3 if self.function == "cubic" else np.sin(x)

    def density(self, z: Array) -> Array:
        """p(z) of one column at points of shape (m,): the average over x of the noise density at z - f(x).

        Gauss-Legendre on pieces no longer than the noise is wide, so that every piece sees a smooth function;
        all three f have a slope of at most 3 on (-1, 1).
        """
        import numpy as np

        nodes, weights = np.polynomial.legendre.leggauss(16)
        pieces = max(8, math.ceil(2 * 3 / self.sigma))
        edges = np.linspace(-1.0, 1.0, pieces + 1)
        half = 1.0 / pieces
        x = ((edges[:-1] + half)[:, None] + half * nodes).ravel()
        weight = np.tile(weights * half, pieces) / 2.0
        result = np.empty_like(z)
        for start in range(0, len(z), 512):  # keeps the table of pairs in the cache
            deviation = (z[start : start + 512, None] - self.apply(x)) / self.sigma
            result[start : start + 512] = np.exp(-0.5 * deviation**2) @ weight
        return result / (self.sigma * math.sqrt(2 * math.pi))

    def true_mi_nats(self) -> float:
        """dim (h(Z) - ln(sigma sqrt(2 pi e))), with h(Z) by the trapezoidal rule over +-10 sigma around f's
        range.

        The integrand and all its derivatives vanish at both ends, where the trapezoidal rule converges faster
        than any power of the step; sigma/20 is far below what 1e-9 needs.
        """
        import numpy as np
        from scipy.special import xlogy

        reach = float(self.apply(np.ones(1))[0]) + 10 * self.sigma
        z = np.linspace(-reach, reach, math.ceil(40 * reach / self.sigma) + 1)
        density = self.density(z)
        entropy = -float(np.sum(xlogy(density, density))) * float(z[1] - z[0])
        return self.dim * (entropy - math.log(self.sigma * math.sqrt(2 * math.pi * math.e)))
