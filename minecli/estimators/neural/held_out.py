"""The held-out parts of a neural estimate put together: one value, one standard error, one term per row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minecli.estimators.significance import normal_critical_value
from minecli.mine.contributions import RowTerms
from minecli.result import Interval

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer[Any]]

COVERS = (
    "the mutual information: its lower end is certified by rows that no network has seen, its upper end is what the "
    "same networks reach on the rows that trained them, each with its sampling error"
)
COVERS_NO_BOUND = (
    "the mutual information, as far as networks like these can show it: from what they reach on new rows to what they "
    "reach on the rows that trained them, each with its sampling error; neither is a bound"
)
COVERS_NEW_ROWS = (
    "the value that these networks reach on new rows, not the mutual information itself, which may be larger"
)
COVERS_IN_SAMPLE = (
    "the value that networks reach on the rows that trained them; the mutual information may be far below it"
)

# A dependence weaker than about 4/n nats cannot be told from none at the 95 % level: for small I the log ratio has
# variance 2I, so that the score interval at an estimate of 0 reaches up to 2 z^2 / n = z * 4 / n for z = 1.96.
RESOLUTION = 4.0


@dataclass(frozen=True)
class Summary:
    """The parts put together. `sampling_error_nats` leaves out the spread between parts; `training_nats` is what the
    same networks reach on rows that trained them (None: not asked); `pointwise_nats` has shape (n,); `ceiling_nats`
    is what the bound could not have exceeded; `base_nats` is what the copula base reaches alone (None: there is
    none)."""

    mi_nats: float
    standard_error_nats: float
    sampling_error_nats: float
    interval: Interval
    folds_nats: tuple[float, ...]
    pointwise_nats: Array
    training_nats: float | None = None
    ceiling_nats: float = math.inf
    base_nats: float | None = None

    @property
    def width_nats(self) -> float:
        """The interval's width in nats, infinite where nothing limits it from above."""
        high = self.interval.high_nats
        return (math.inf if high is None else high) - self.interval.low_nats

    @property
    def least_width_nats(self) -> float:
        """The interval's width but for what more repeats would remove: the chances of training."""
        gap = 0.0 if self.training_nats is None else max(self.training_nats - self.mi_nats, 0.0)
        return gap + (self.width_nats - gap) * self.sampling_error_nats / self.standard_error_nats


class Collected:
    """What the models' held-out parts say, row by row: every row is held out once per repeat."""

    def __init__(self, rows: int) -> None:
        # Influences serve the standard error alone, for which single precision is plenty.
        self.influence, self.log_ratio = np.zeros(rows, dtype=np.float32), np.zeros(rows)
        self.in_sample: list[tuple[Indices, npt.NDArray[np.float32]]] = []
        self.values: list[float] = []
        self.base: list[float] = []
        self.sizes: list[int] = []
        self.effective_share = 1.0
        self.ceiling_nats = math.inf

    def add(self, terms: RowTerms, held_out: Indices, base_nats: float | None = None) -> None:
        """Take in one part's terms; `held_out`, shape (n_m,), says which rows they belong to, `base_nats` what the
        base alone reaches on them."""
        self.base += [] if base_nats is None else [base_nats]
        self.influence[held_out] += (terms.influence - terms.influence.mean()).numpy()
        self.log_ratio[held_out] += terms.log_ratio.numpy()
        self.values.append(terms.value_nats)
        self.sizes.append(len(held_out))
        self.effective_share = min(self.effective_share, terms.effective_rows / len(held_out))
        self.ceiling_nats = min(self.ceiling_nats, terms.ceiling_nats)

    def add_in_sample(self, terms: RowTerms, training: Indices) -> None:
        """Take in the terms of rows that trained the networks."""
        # For bounds that leave the mean of e^T free, the value is not the mean of the log ratios.
        offset = terms.value_nats - float(terms.log_ratio.mean())
        self.in_sample.append((training, (terms.log_ratio + offset).float().numpy()))

    def summary(self, confidence: float, covers: str = COVERS) -> Summary:
        r"""Average the values, weighted by their rows, and say how sure that is; `covers` is said of the interval.

        The standard error has two sources: the rows, :math:`\sqrt{Var(\psi)/n}` (each row counted once, its
        influences :math:`\psi` averaged over repeats), and what happens in training, which is what the spread s of the
        parts' values has beyond the rows': :math:`(s^2 - K Var(\psi)/n) / KR`, if positive, for K parts that hold every
        row once and R repeats. The resolution 4/n is added in quadrature.

        The interval runs from z standard errors below the value to z above what the same combinations of networks
        reach on rows that trained them. Held-out values fall short of the mutual information, because networks learn
        noise of their training rows; the same noise lifts the value on those rows. The two thus enclose what such
        networks could reach if they learnt no noise.
        """
        rows, times = len(self.influence), sum(self.sizes) / len(self.influence)
        value = float(np.average(self.values, weights=self.sizes))
        variance = float(self.influence.var(dtype=np.float64)) / times**2 / rows
        parts = len(self.values) / times
        spread = float(np.var(self.values, ddof=1)) if parts > 1.5 else 0.0
        in_training = max(spread - parts * variance, 0.0) / len(self.values)
        sampling = math.hypot(math.sqrt(variance), RESOLUTION / rows)
        error = math.hypot(sampling, math.sqrt(in_training))
        half = normal_critical_value(confidence) * error
        log_ratio = self.log_ratio if times == 1.0 else self.log_ratio / times
        training = self._training_nats(log_ratio)
        high = value if training is None else max(value, training)
        interval = Interval(value - half, high + half, confidence, covers, certified=covers == COVERS)
        base = float(np.average(self.base, weights=self.sizes)) if len(self.base) == len(self.sizes) else None
        values, ceiling = tuple(self.values), self.ceiling_nats
        return Summary(value, error, sampling, interval, values, log_ratio, training, ceiling, base)

    def _training_nats(self, log_ratio: Array) -> float | None:
        """The value on training rows: held out and in-sample terms are compared row by row, so that what is peculiar
        to the rows cancels."""
        if not self.in_sample:
            return None
        rows, terms = (np.concatenate(each) for each in zip(*self.in_sample, strict=True))
        seen, place = np.unique(rows, return_inverse=True)
        in_sample = np.bincount(place, weights=terms) / np.bincount(place)
        return float(log_ratio.mean()) + float(np.mean(in_sample - log_ratio[seen]))
