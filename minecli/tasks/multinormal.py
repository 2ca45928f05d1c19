"""Normal variables whose columns depend on each other within and across both sides: dense, or in a few pairs."""

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
class DenseMultinormal(Numeric):
    """2 dim standard normal columns, every two of them correlated with `rho`; the first dim are x, the rest z.

    A matrix of m columns with 1 on the diagonal and rho beside it has the determinant
    (1 - rho)^(m - 1) (1 + (m - 1) rho), so that
    I(X; Z) = ln(1 + (dim - 1) rho) - 1/2 ln(1 - rho) - 1/2 ln(1 + (2 dim - 1) rho).

    >>> round(DenseMultinormal(dim=50, rho=0.5).true_mi_nats(), 4)
    1.6243
    """

    name: ClassVar[str] = "multinormal-dense"
    dim: int = 5
    rho: float = 0.5

    def __post_init__(self) -> None:
        require_dim(self.name, self.dim)
        require(self.name, "rho", self.rho, 0 <= self.rho < 1, "at least 0 and below 1", 0.5)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, dim): what all columns share, and what each has alone."""
        shared = math.sqrt(self.rho) * rng.standard_normal((n, 1))
        both = shared + math.sqrt(1 - self.rho) * rng.standard_normal((n, 2 * self.dim))
        return both[:, : self.dim].copy(), both[:, self.dim :].copy()

    def true_mi_nats(self) -> float:
        """ln(1 + (dim - 1) rho) - 1/2 ln(1 - rho) - 1/2 ln(1 + (2 dim - 1) rho)."""
        one_side = math.log1p((self.dim - 1) * self.rho)
        return one_side - 0.5 * math.log1p(-self.rho) - 0.5 * math.log1p((2 * self.dim - 1) * self.rho)


@dataclass(frozen=True, kw_only=True)
class SparseMultinormal(Numeric):
    """x and z standard normal in `dim` columns each; corr(x_i, z_i) = rho for the first `pairs` columns only.

    I(X; Z) = -pairs/2 ln(1 - rho^2); the other columns are independent of everything.

    >>> round(SparseMultinormal(dim=25, pairs=2, rho=0.8).true_mi_nats(), 4)
    1.0217
    """

    name: ClassVar[str] = "multinormal-sparse"
    dim: int = 5
    pairs: int = 2
    rho: float = 0.8

    def __post_init__(self) -> None:
        require_dim(self.name, self.dim)
        require(self.name, "pairs", self.pairs, 1 <= self.pairs <= self.dim, f"from 1 to dim = {self.dim}", 1)
        require(self.name, "rho", self.rho, -1 < self.rho < 1, "strictly between -1 and 1", 0.8)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, dim)."""
        x, z = rng.standard_normal((n, self.dim)), rng.standard_normal((n, self.dim))
        first = slice(0, self.pairs)
        z[:, first] = self.rho * x[:, first] + math.sqrt(1 - self.rho**2) * z[:, first]
        return x, z

    def true_mi_nats(self) -> float:
        """-pairs/2 ln(1 - rho^2)."""
        return Gaussian(dim=self.pairs, rho=self.rho).true_mi_nats()


# Variances of the signal on each side, as in the low-rank benchmark of Gowri et al.
_VARIANCE_X, _VARIANCE_Z = 6.0, 3.5


@dataclass(frozen=True, kw_only=True)
class LowRank(Numeric):
    """Wide sides that share only `latent` signals: the signals, exact copies of them, and columns of noise.

    Each signal is a pair of normal variables with the covariance [[6, a], [a, 3.5]]; a > 0 is what makes the
    information of all signals together `mi_nats`: -latent/2 ln(1 - a^2/21). Of the `dim` columns of a side the first
    `latent` are the signals, the last (dim - latent) // 2 are standard normal noise of that side alone, and those
    between repeat the signals in turn. The family of Gowri et al., *Approximating mutual information of
    high-dimensional variables using learned representations* (NeurIPS 2024; repository
    ggdna/latent-mutual-information), which picks the repeated signals at random.

    Copies are exact, so the covariance of a side is singular; the information stays what it is, because a copy is
    a function of its side. With latent = dim nothing is repeated, and the information is spread evenly.

    >>> round(LowRank(dim=50).true_mi_nats() / math.log(2), 12)  # one bit
    1.0
    """

    name: ClassVar[str] = "low-rank"
    dim: int = 50
    latent: int = 1
    mi_nats: float = math.log(2)

    def __post_init__(self) -> None:
        require_dim(self.name, self.dim)
        require(self.name, "latent", self.latent, 1 <= self.latent <= self.dim, f"from 1 to dim = {self.dim}", 1)
        limit = 10 * self.latent  # 1 - rho^2 = exp(-2 mi_nats / latent) keeps seven digits beside rho^2
        allowed = f"from 0 to 10 per signal, that is to {limit}"
        require(self.name, "mi_nats", self.mi_nats, 0 <= self.mi_nats <= limit, allowed, 0.7)

    @property
    def rho(self) -> float:
        """The correlation of each pair of signals, a / sqrt(21)."""
        return math.sqrt(-math.expm1(-2 * self.mi_nats / self.latent))

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, dim)."""
        import numpy as np

        x, z = Gaussian(dim=self.latent, rho=self.rho).sample(n, rng)
        noise_columns = (self.dim - self.latent) // 2
        source = np.arange(self.dim - noise_columns) % self.latent

        def side(signals: Array, variance: float) -> Array:
            return np.hstack([math.sqrt(variance) * signals[:, source], rng.standard_normal((n, noise_columns))])

        return side(x, _VARIANCE_X), side(z, _VARIANCE_Z)

    def true_mi_nats(self) -> float:
        """`mi_nats`, exactly."""
        return float(self.mi_nats)
