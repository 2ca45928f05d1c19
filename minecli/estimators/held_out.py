"""The held-out parts of a neural estimate put together: one value, one standard error, one term per row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minecli.mine.contributions import HeldOutTerms
from minecli.result import Interval

Array = npt.NDArray[np.float64]

COVERS = (
    "the lower bound that networks trained on so many rows reach on new rows, not the mutual information itself, "
    "which may be larger"
)
COVERS_NO_BOUND = (
    "the value that networks trained on so many rows reach on new rows; it is no bound, so that the mutual information "
    "itself may be larger or smaller"
)

# A dependence weaker than about 4/n nats cannot be told from none at the 95 % level: for small I the log ratio has
# variance 2I, so that the score interval at an estimate of 0 reaches up to 2 z^2 / n = z * 4 / n for z = 1.96.
RESOLUTION = 4.0


@dataclass(frozen=True)
class Summary:
    """The parts put together. `sampling_error_nats` leaves out the spread between parts; `pointwise_nats` has shape
    (n,); `ceiling_nats` is what the bound could not have exceeded."""

    mi_nats: float
    standard_error_nats: float
    sampling_error_nats: float
    interval: Interval
    folds_nats: tuple[float, ...]
    pointwise_nats: Array
    ceiling_nats: float = math.inf


class Collected:
    """What the models' held-out parts say, row by row: every row is held out once per repeat."""

    def __init__(self, rows: int) -> None:
        # Influences serve the standard error alone, for which single precision is plenty.
        self.influence, self.log_ratio = np.zeros(rows, dtype=np.float32), np.zeros(rows)
        self.values: list[float] = []
        self.sizes: list[int] = []
        self.effective_share = 1.0
        self.ceiling_nats = math.inf

    def add(self, terms: HeldOutTerms, held_out: npt.NDArray[np.integer[Any]]) -> None:
        """Take in one model's terms; `held_out`, shape (n_m,), says which rows they belong to."""
        self.influence[held_out] += (terms.influence - terms.influence.mean()).numpy()
        self.log_ratio[held_out] += terms.log_ratio.numpy()
        self.values.append(terms.value_nats)
        self.sizes.append(len(held_out))
        self.effective_share = min(self.effective_share, terms.effective_rows / len(held_out))
        self.ceiling_nats = min(self.ceiling_nats, terms.ceiling_nats)

    def summary(self, confidence: float, covers: str = COVERS) -> Summary:
        r"""Average the values, weighted by their rows, and say how sure that is; `covers` is said of the interval.

        Two standard errors are computed: from the spread of the rows' influences, :math:`\sqrt{Var(\psi)/n}` (each
        row counted once, its influences averaged over repeats), and from the spread of the parts' values,
        :math:`s/\sqrt{K}` for K parts that hold every row once. The larger is taken: the first misses what differs
        between trainings, the second is uncertain for few folds. The resolution 4/n is added in quadrature.
        """
        from scipy.stats import norm

        rows, times = len(self.influence), sum(self.sizes) / len(self.influence)
        value = float(np.average(self.values, weights=self.sizes))
        within = float(self.influence.std(dtype=np.float64) / times / math.sqrt(rows))
        parts = len(self.values) / times
        between = float(np.std(self.values, ddof=1) / math.sqrt(parts)) if parts > 1.5 else 0.0
        error = math.hypot(max(within, between), RESOLUTION / rows)
        half = float(norm.ppf(0.5 + confidence / 2.0)) * error
        interval = Interval(value - half, value + half, confidence, covers)
        self.log_ratio /= times
        sampling = math.hypot(within, RESOLUTION / rows)
        return Summary(value, error, sampling, interval, tuple(self.values), self.log_ratio, self.ceiling_nats)
