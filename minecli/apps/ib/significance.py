r"""Whether one method errs less than another on the same test rows.

Errors of a single test set have a binomial error that no number of seeds takes away; what two methods have in common
there cancels when their answers are compared row by row.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, norm

Wrong = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Comparison:
    """How `method` differs from `reference`, in per cent of the test rows.

    `difference_percent` is the mean over seeds of the error of the one less that of the other, `standard_error_percent`
    its error over test rows, `p_value` that of no difference (two-sided, normal). `mcnemar` holds, per pair of seeds,
    how many rows only the one and only the other answers wrongly, and the exact two-sided p-value of McNemar's test.
    """

    method: str
    reference: str
    difference_percent: float
    standard_error_percent: float
    p_value: float
    mcnemar: list[dict[str, float]]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def compare(method: str, wrong: Wrong, reference: str, reference_wrong: Wrong) -> Comparison:
    """Compare two methods by which of n test rows their seeds answer wrongly, both (seeds, n).

    >>> import numpy as np
    >>> found = compare("a", np.array([[True, False, False, False]]), "b", np.array([[True, True, True, False]]))
    >>> found.difference_percent, found.mcnemar[0]["p_value"]
    (-50.0, 0.5)
    """
    rows = (wrong.mean(0) - reference_wrong.mean(0)) * 100.0
    error = float(rows.std(ddof=1)) / math.sqrt(len(rows))
    difference = float(rows.mean())
    p = 2.0 * float(norm.sf(abs(difference) / error)) if error > 0.0 else 1.0
    pairs = [mcnemar(a, b) for a, b in zip(wrong, reference_wrong, strict=True)]
    return Comparison(method, reference, difference, error, p, pairs)


def mcnemar(wrong: Wrong, reference_wrong: Wrong) -> dict[str, float]:
    """McNemar's exact test of two classifiers on the same n rows, each (n,): whether rows that only one of them answers
    wrongly are as often the one's as the other's.

    >>> import numpy as np
    >>> mcnemar(np.array([True] * 8 + [False]), np.array([False] * 9))
    {'only_method_wrong': 8, 'only_reference_wrong': 0, 'p_value': 0.0078125}
    """
    own, other = int((wrong & ~reference_wrong).sum()), int((~wrong & reference_wrong).sum())
    p = float(binomtest(own, own + other).pvalue) if own + other else 1.0
    return {"only_method_wrong": own, "only_reference_wrong": other, "p_value": p}


def binomial_error_percent(error_percent: float, rows: int) -> float:
    """The standard error of an error measured on so many rows, both in per cent.

    >>> round(binomial_error_percent(1.0, 10_000), 4)
    0.0995
    """
    share = error_percent / 100.0
    return 100.0 * math.sqrt(share * (1.0 - share) / rows)
