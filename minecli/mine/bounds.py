r"""Lower bounds of I(X; Z) as pure functions of the statistics network's values, in nats.

Every function takes `t_joint`, T on pairs drawn from P_XZ, and `t_marginal`, T on pairs drawn from
P_X (x) P_Z, reduces the last axis and keeps all axes before it. Belghazi et al. (2018), section 2.2.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

BoundName = Literal["donsker-varadhan", "nwj"]


def log_mean_exp(t: Tensor, dim: int = -1) -> Tensor:
    r"""Return :math:`\log \frac{1}{m} \sum_i e^{t_i}` along `dim`, without overflow.

    >>> log_mean_exp(torch.tensor([1000.0, 1000.0]))
    tensor(1000.)
    """
    return torch.logsumexp(t, dim) - math.log(t.shape[dim])


def donsker_varadhan(t_joint: Tensor, t_marginal: Tensor) -> Tensor:
    r"""Return the Donsker-Varadhan bound :math:`E_{P}[T] - \log E_{Q}[e^T]` (paper, equation 6).

    It does not change when a constant is added to T, and is tight where T is the log density ratio plus any
    constant. As an average over fewer than about e^I marginal pairs it is biased upward (Jensen).

    Args:
        t_joint: shape (..., b).
        t_marginal: shape (..., m).

    Returns:
        The bound in nats, shape (...).

    >>> donsker_varadhan(torch.full((4,), 2.5), torch.full((9,), 2.5))
    tensor(0.)
    """
    return t_joint.mean(-1) - log_mean_exp(t_marginal)


def nwj(t_joint: Tensor, t_marginal: Tensor) -> Tensor:
    r"""Return the f-divergence bound :math:`E_{P}[T] - E_{Q}[e^{T-1}]` (paper, equation 8; MINE-f).

    Never above `donsker_varadhan` for the same T; tight where T is one plus the log density ratio.

    Args:
        t_joint: shape (..., b).
        t_marginal: shape (..., m).

    Returns:
        The bound in nats, shape (...).

    >>> nwj(torch.ones(4), torch.ones(9))
    tensor(0.)
    """
    return t_joint.mean(-1) - torch.exp(log_mean_exp(t_marginal) - 1.0)


BOUNDS = {"donsker-varadhan": donsker_varadhan, "nwj": nwj}

# The constant value of T at which a bound is 0 although nothing has been learnt yet. Networks give the log density
# ratio; adding the offset makes it the T of the bound.
OFFSETS = {"donsker-varadhan": 0.0, "nwj": 1.0}
