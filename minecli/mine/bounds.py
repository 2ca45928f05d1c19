r"""Bounds of I(X; Z), and one value that is none, as pure functions of the statistics network's values, in nats.

Every function takes `t_joint`, shape (..., b): T on b pairs drawn from P_XZ, and `t_marginal`, shape (..., s, b): T on
pairs drawn from P_X (x) P_Z, where column i holds the row x_i of joint pair i paired with s z of other rows. Both are
reduced over rows and pairs, and all axes before are kept: the result has shape (...). What is ascended in training
and what is reported is chosen in `objectives`.

Sources: Belghazi et al. (ICML 2018), section 2.2; Poole et al., "On variational bounds of mutual information" (ICML
2019); van den Oord, Li and Vinyals (2018); Song and Ermon (ICLR 2020); Nowozin, Cseke and Tomioka (NeurIPS 2016).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus


def log_mean_exp(t: Tensor, dim: int = -1) -> Tensor:
    r"""Return :math:`\log \frac{1}{m} \sum_i e^{t_i}` along `dim`, without overflow.

    >>> log_mean_exp(torch.tensor([1000.0, 1000.0]))
    tensor(1000.)
    """
    return torch.logsumexp(t, dim) - math.log(t.shape[dim])


def all_pairs(t_joint: Tensor, t_marginal: Tensor) -> Tensor:
    """The values on re-paired rows in one axis, shape (..., s * b).

    Raises:
        ValueError: `t_marginal` lacks the axis of re-pairings; taken for it, another axis would be lost silently.
    """
    if t_marginal.dim() != t_joint.dim() + 1:
        raise ValueError(f"t_joint {tuple(t_joint.shape)} needs t_marginal (..., s, b), not {tuple(t_marginal.shape)}")
    return t_marginal.flatten(-2)


def donsker_varadhan(t_joint: Tensor, t_marginal: Tensor) -> Tensor:
    r"""Return the Donsker-Varadhan bound :math:`E_{P}[T] - \log E_{Q}[e^T]` (Belghazi et al., equation 6).

    It does not change when a constant is added to T, and is tight where T is the log density ratio plus any
    constant. As an average over fewer than about e^I marginal pairs it is biased upward (Jensen).

    Args:
        t_joint: shape (..., b).
        t_marginal: shape (..., s, b).

    Returns:
        The bound in nats, shape (...).

    >>> donsker_varadhan(torch.full((4,), 2.5), torch.full((9, 4), 2.5))
    tensor(0.)
    """
    return t_joint.mean(-1) - log_mean_exp(all_pairs(t_joint, t_marginal))


def nwj(t_joint: Tensor, t_marginal: Tensor) -> Tensor:
    r"""Return the f-divergence bound :math:`E_{P}[T] - E_{Q}[e^{T-1}]` (Belghazi et al., equation 8; MINE-f).

    Never above `donsker_varadhan` for the same T; tight where T is one plus the log density ratio.

    Args:
        t_joint: shape (..., b).
        t_marginal: shape (..., s, b).

    Returns:
        The bound in nats, shape (...).

    >>> nwj(torch.ones(4), torch.ones(9, 4))
    tensor(0.)
    """
    return t_joint.mean(-1) - torch.exp(log_mean_exp(all_pairs(t_joint, t_marginal)) - 1.0)


def tuba(t_joint: Tensor, t_marginal: Tensor, log_baseline: Tensor | None = None) -> Tensor:
    r"""Return :math:`1 + E_P[T] - E_x[E_z[e^T] / a(x) + \log a(x)]` (Barber and Agakov 2003; Poole et al.).

    A lower bound for every positive function a(x), called the baseline. For one T it is largest at
    :math:`a(x) = E_z[e^{T(x, z)}]`; the best constant a makes it `donsker_varadhan`, a = e makes it `nwj`. It is
    tight where :math:`T - \log a` is the log density ratio.

    Args:
        t_joint: shape (..., b).
        t_marginal: shape (..., s, b); column i belongs to x_i.
        log_baseline: log a(x_i), shape (..., b); None stands for a = 1.

    Returns:
        The bound in nats, shape (...).

    >>> tuba(torch.full((4,), 2.0), torch.full((9, 4), 2.0), log_baseline=torch.full((4,), 2.0))
    tensor(0.)
    """
    if log_baseline is not None:
        t_joint, t_marginal = t_joint - log_baseline, t_marginal - log_baseline.unsqueeze(-2)
    return 1.0 + t_joint.mean(-1) - torch.exp(log_mean_exp(all_pairs(t_joint, t_marginal)))


def info_nce(t_joint: Tensor, t_marginal: Tensor) -> Tensor:
    r"""Return :math:`E[T(x, z_0) - \log \frac{1}{K+1} \sum_{j=0}^{K} e^{T(x, z_j)}]`, z_0 being x's own z and z_1 ...
    z_K those of K other rows (van den Oord et al. 2018; Poole et al.).

    A lower bound that never exceeds :math:`\log(K+1)`, in expectation and on every sample. It does not change when a
    function of x is added to T, and comes close to the MI, from below, where T is the log density ratio plus any
    function of x and K is far above e^I.

    Args:
        t_joint: shape (..., b).
        t_marginal: shape (..., K, b); column i belongs to x_i.

    Returns:
        The bound in nats, shape (...).

    >>> info_nce(torch.full((4,), 50.0), torch.zeros(7, 4)).exp()
    tensor(8.)
    """
    all_pairs(t_joint, t_marginal)
    everyone = torch.logsumexp(torch.cat([t_joint.unsqueeze(-2), t_marginal], -2), -2)
    # Subtracted before the logarithm is added: a mean of numbers below 0 is below 0, so that no rounding can lift the
    # result above log(K+1).
    return (t_joint - everyone).mean(-1) + math.log(t_marginal.shape[-2] + 1)


def smile(t_joint: Tensor, t_marginal: Tensor, clip: float) -> Tensor:
    r"""Return :math:`E_P[T] - \log E_Q[\min(\max(e^T, e^{-\tau}), e^{\tau})]`, tau = `clip` (Song and Ermon 2020).

    NOT a lower bound: values of T beyond the clip raise the first term and no longer the second. In exchange the
    second has a bounded variance. An infinite clip gives `donsker_varadhan`. Meant for a T that something else has
    trained; ascended itself, it grows without end.

    Args:
        t_joint: shape (..., b).
        t_marginal: shape (..., s, b).
        clip: tau in nats, above 0.

    Returns:
        Nats, shape (...).

    >>> smile(torch.full((4,), 8.0), torch.full((9, 4), 8.0), clip=5.0)  # the truth about a constant T is 0
    tensor(3.)
    """
    return donsker_varadhan(t_joint, t_marginal.clamp(-clip, clip))


def jensen_shannon(t_joint: Tensor, t_marginal: Tensor) -> Tensor:
    r"""Return :math:`2 \log 2 - E_P[\log(1 + e^{-T})] - E_Q[\log(1 + e^{T})]` (Nowozin et al. 2016).

    Up to the constant, the log likelihood of telling joint from re-paired rows by a logistic classifier with logit T.
    A lower bound of twice the Jensen-Shannon divergence of P_XZ and P_X (x) P_Z, not of the mutual information; at most
    2 log 2, and tight where T is the log density ratio, which makes it a quiet way to train one.

    Args:
        t_joint: shape (..., b).
        t_marginal: shape (..., s, b).

    Returns:
        Nats, shape (...).

    >>> jensen_shannon(torch.zeros(4), torch.zeros(9, 4))
    tensor(0.)
    """
    pairs = all_pairs(t_joint, t_marginal)
    return 2.0 * math.log(2.0) - softplus(-t_joint).mean(-1) - softplus(pairs).mean(-1)
