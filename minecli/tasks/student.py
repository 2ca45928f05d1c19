"""Heavy tails that depend on each other through a common scale: the multivariate Student-t distribution."""

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
class Student(Numeric):
    """(x, z) jointly Student-t with `dof` degrees of freedom in dim + dim columns; dof = 1 is the Cauchy
    distribution.

    The scale matrix is the identity with `rho` between x_i and z_i. Even with rho = 0 both sides share the
    random scale, so that they are uncorrelated but not independent. With h_d the entropy of the d-variate t
    distribution with identity scale, I(X; Z) = 2 h_dim - h_2dim - dim/2 ln(1 - rho^2).

    >>> round(Student(dim=5, dof=2.0).true_mi_nats(), 4)
    0.4482
    """

    name: ClassVar[str] = "student"
    dim: int = 1
    dof: float = 3.0
    rho: float = 0.0

    def __post_init__(self) -> None:
        require_dim(self.name, self.dim)
        require(self.name, "dof", self.dof, self.dof > 0, "greater than 0", 3)
        require(self.name, "rho", self.rho, -1 < self.rho < 1, "strictly between -1 and 1", 0.5)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n pairs, each side of shape (n, dim): normal vectors over one root of chi-square / dof."""
        import numpy as np

        x, z = Gaussian(dim=self.dim, rho=self.rho).sample(n, rng)
        scale = np.sqrt(rng.chisquare(self.dof, size=(n, 1)) / self.dof)
        return x / scale, z / scale

    def true_mi_nats(self) -> float:
        """2 h_dim - h_2dim - dim/2 ln(1 - rho^2)."""
        shared_scale = 2 * student_entropy_nats(self.dim, self.dof) - student_entropy_nats(2 * self.dim, self.dof)
        return shared_scale + Gaussian(dim=self.dim, rho=self.rho).true_mi_nats()


def student_entropy_nats(dim: int, dof: float) -> float:
    """Differential entropy of the `dim`-variate Student-t distribution with identity scale, in nats.

    With a = (dof + dim)/2 and b = dof/2: ln G(b) - ln G(a) + dim/2 ln(dof pi) + a (psi(a) - psi(b)), where G
    is the gamma function and psi its logarithmic derivative.

    >>> round(student_entropy_nats(1, 1.0), 6) == round(math.log(4 * math.pi), 6)
    True
    """
    from scipy.special import psi

    a, b = 0.5 * (dof + dim), 0.5 * dof
    log_normaliser = math.lgamma(b) - math.lgamma(a) + 0.5 * dim * math.log(dof * math.pi)
    return log_normaliser + a * float(psi(a) - psi(b))
