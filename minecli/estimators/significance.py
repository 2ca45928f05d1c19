r"""What chance alone may do: how far intervals reach, and from where on something is more than chance.

Sampling errors are standard errors in nats; how many of them count is said here. Tests of the hypothesis that x and z
are independent, with their re-pairings of rows and their p-values, have their place here and nowhere else.
"""

from __future__ import annotations

import math

# Beyond sampling error: three, because several pairs are looked at; two sound methods then seem to differ once in 370.
SIGMAS = 3.0


def normal_critical_value(confidence: float) -> float:
    r"""How many standard errors a two-sided interval reaches to each side, :math:`\Phi^{-1}((1 + c) / 2)`.

    Args:
        confidence: c, in (0, 1).

    >>> round(normal_critical_value(0.95), 4)
    1.96
    """
    from scipy.special import ndtri  # without the half second that scipy.stats takes to load

    return float(ndtri(0.5 + 0.5 * confidence))


def student_critical_value(confidence: float, degrees: int) -> float:
    """The same of a standard error that was itself estimated, with so many degrees of freedom: Student's t.

    >>> round(student_critical_value(0.95, 4), 4), round(student_critical_value(0.95, 10_000), 2)
    (2.7764, 1.96)
    """
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + 0.5 * confidence))


def largest_by_chance(count: int) -> float:
    r"""About what the largest of m standard normal values reaches, :math:`\sqrt{2 \ln m}` standard deviations.

    The leading term of extreme value theory, and an upper limit of the expectation, dependent or not
    (Boucheron, Lugosi and Massart, *Concentration Inequalities*, 2013, theorem 2.5).

    Args:
        count: m, at least 1.

    >>> largest_by_chance(1), round(largest_by_chance(100), 2)
    (0.0, 3.03)
    """
    return math.sqrt(2.0 * math.log(count))
