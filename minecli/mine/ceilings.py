"""How much information so many rows can show: above these numbers no estimate from them is to be believed.

Without torch, so that estimators without networks may ask, too.
"""

from __future__ import annotations

import math

# No formula on n rows gives more than about ln n nats, and what a log-mean-exp of so many rows cannot see may carry
# much of the information long before: from this share of the ceiling on, a value may be far below the truth.
CEILING_SHARE = 0.7
# Below this the bound on the score would bend log ratios that a few rows do support.
LEAST_SCORE_CEILING = 5.0


def near_ceiling(mi_nats: float, ceiling_nats: float) -> bool:
    """Whether a value in nats is so near the largest that its formula can give that the truth may be far above.

    >>> near_ceiling(4.0, 5.0), near_ceiling(3.0, 5.0)
    (True, False)
    """
    return mi_nats > CEILING_SHARE * ceiling_nats


def score_ceiling(rows: int) -> float:
    """The smooth bound on the absolute log density ratio of a network, in nats: ln n, what n rows can support, but not
    below 5.

    >>> round(score_ceiling(10_000), 2)
    9.21
    """
    return max(LEAST_SCORE_CEILING, math.log(rows))
