"""Normal variables: componentwise correlation, none at all, and signals shared by two embeddings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from minecli.tasks.task import Numeric, require, require_dim

if TYPE_CHECKING:
    import numpy as np

    from minecli.tasks.task import Array


@dataclass(frozen=True, kw_only=True)
class Gaussian(Numeric):
    """x and z standard normal in `dim` columns each; corr(x_i, z_i) = rho, all else uncorrelated.

    I(X; Z) = -dim/2 ln(1 - rho^2).

    >>> round(Gaussian(dim=20, rho=0.5).true_mi_nats(), 3)
    2.877
    """

    name: ClassVar[str] = "gaussian"
    dim: int = 1
    rho: float = 0.5

    def __post_init__(self) -> None:
        require_dim(self.name, self.dim)
        require(self.name, "rho", self.rho, -1 < self.rho < 1, "strictly between -1 and 1", 0.5)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, dim)."""
        x = rng.standard_normal((n, self.dim))
        z = self.rho * x + math.sqrt(1 - self.rho**2) * rng.standard_normal((n, self.dim))
        return x, z

    def true_mi_nats(self) -> float:
        """-dim/2 ln(1 - rho^2)."""
        return -0.5 * self.dim * math.log1p(-(self.rho**2))


TAILS = ("light", "heavy")


@dataclass(frozen=True, kw_only=True)
class Independent(Numeric):
    """`dim` columns on each side, nothing shared: I(X; Z) = 0.

    With light `tails` x is uniform on (0, 1) and z standard normal; with heavy tails both are Cauchy, without
    variance or mean, where an estimator that trusts a few large products sees dependence.

    >>> Independent(dim=3, tails="heavy").true_mi_nats()
    0.0
    """

    name: ClassVar[str] = "independent"
    dim: int = 1
    tails: str = "light"

    def __post_init__(self) -> None:
        require_dim(self.name, self.dim)
        require(self.name, "tails", self.tails, self.tails in TAILS, f"one of {', '.join(TAILS)}", TAILS[0])

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, dim)."""
        if self.tails == "heavy":
            return rng.standard_cauchy((n, self.dim)), rng.standard_cauchy((n, self.dim))
        return rng.random((n, self.dim)), rng.standard_normal((n, self.dim))

    def true_mi_nats(self) -> float:
        """0: nothing is shared."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Embedding(Numeric):
    """Two embeddings of width `dim` that share `latent` signals: x = U A' + sigma E, z = V B' + sigma F.

    U, V of shape (n, latent) are standard normal with corr(u_i, v_i) = rho; E, F are standard normal noise; A
    and B have orthonormal columns, drawn once from a fixed seed, so that every column of x and z carries some
    of each signal. Along each signal the correlation falls to rho / (1 + sigma^2), and rotations keep the
    information: I(X; Z) = -latent/2 ln(1 - (rho / (1 + sigma^2))^2).

    >>> round(Embedding(dim=16, latent=2, rho=0.9, sigma=0.1).true_mi_nats(), 3)
    1.58
    """

    name: ClassVar[str] = "embedding"
    dim: int = 32
    latent: int = 2
    rho: float = 0.9
    sigma: float = 0.1

    def __post_init__(self) -> None:
        require_dim(self.name, self.dim)
        require(self.name, "latent", self.latent, 1 <= self.latent <= self.dim, f"from 1 to dim = {self.dim}", 1)
        require(self.name, "rho", self.rho, -1 < self.rho < 1, "strictly between -1 and 1", 0.9)
        require(self.name, "sigma", self.sigma, self.sigma > 0, "greater than 0", 0.1)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, dim)."""
        import numpy as np

        from minecli.runtime.seeds import generator

        fixed = generator(0, "tasks", "embedding", "directions")  # of the task, not of the sample
        a, _ = np.linalg.qr(fixed.standard_normal((self.dim, self.latent)))
        b, _ = np.linalg.qr(fixed.standard_normal((self.dim, self.latent)))
        u, v = Gaussian(dim=self.latent, rho=self.rho).sample(n, rng)
        x = u @ a.T + self.sigma * rng.standard_normal((n, self.dim))
        z = v @ b.T + self.sigma * rng.standard_normal((n, self.dim))
        return x, z

    def true_mi_nats(self) -> float:
        """-latent/2 ln(1 - r^2) with r = rho / (1 + sigma^2)."""
        return Gaussian(dim=self.latent, rho=self.rho / (1 + self.sigma**2)).true_mi_nats()
