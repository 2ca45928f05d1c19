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
from scipy.stats import binomtest, t

Wrong = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Comparison:
    """How `method` differs from `reference`, in per cent of the test rows.

    `difference_percent` is the mean over seeds of the error of the one less that of the other. Its
    `standard_error_percent` holds the chance of the test rows and that of the seeds; of one seed, that of the rows
    alone, and what is compared are these two trained models. `p_value` is that of no difference, two-sided: by
    Student's t with as many degrees of freedom as the seeds' share of the variance allows (Welch and Satterthwaite); of
    one seed, McNemar's. `mcnemar` holds, per pair of seeds, how many rows only the one and only the other answers
    wrongly, and the exact two-sided p-value of McNemar's test. Nothing is corrected for many comparisons.
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
    pairs = [mcnemar(a, b) for a, b in zip(wrong, reference_wrong, strict=True)]
    rows = (wrong.mean(0) - reference_wrong.mean(0)) * 100.0
    seeds = (wrong.mean(1) - reference_wrong.mean(1)) * 100.0
    difference, by_rows = float(rows.mean()), float(rows.var(ddof=1)) / len(rows)
    if len(seeds) == 1:
        return Comparison(method, reference, difference, math.sqrt(by_rows), pairs[0]["p_value"], pairs)
    by_seeds = float(seeds.var(ddof=1)) / len(seeds)
    error = math.sqrt(by_rows + by_seeds)
    if error == 0.0:
        return Comparison(method, reference, difference, 0.0, 1.0 if difference == 0.0 else 0.0, pairs)
    freedom = (len(seeds) - 1) * (error**2 / by_seeds) ** 2 if by_seeds > 0.0 else math.inf
    p = 2.0 * float(t.sf(abs(difference) / error, freedom))
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
    """The standard error of an error measured on so many rows, both in per cent: half a row is added to the wrong and
    to the right ones (Jeffreys), so that no error in a few rows is not taken for certainty.

    >>> round(binomial_error_percent(1.0, 10_000), 3), round(binomial_error_percent(0.0, 100), 3)
    (0.1, 0.702)
    """
    share = (error_percent / 100.0 * rows + 0.5) / (rows + 1.0)
    return 100.0 * math.sqrt(share * (1.0 - share) / rows)
