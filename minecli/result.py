"""What an estimator answers: a value that never travels without its status and its diagnostics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """How a computation ended. Only `converged` and `max_steps` come with a value one may quote."""

    CONVERGED = "converged"
    MAX_STEPS = "max_steps"
    DIVERGED = "diverged"
    NONFINITE = "nonfinite"
    INFINITE = "infinite"
    INTERRUPTED = "interrupted"

    @property
    def advice(self) -> str:
        """One sentence for a person.

        >>> Status.CONVERGED.advice
        'The computation ended as it should.'
        """
        return _ADVICE[self]


_ADVICE: Mapping[Status, str] = {
    Status.CONVERGED: "The computation ended as it should.",
    Status.MAX_STEPS: ("Training used up its steps before the validation bound had settled: raise --max-steps."),
    Status.DIVERGED: ("The held-out bound is far below zero: the network did not generalise. More rows may help."),
    Status.NONFINITE: "A value became infinite or undefined, so there is no number to report.",
    Status.INFINITE: ("The mutual information is infinite: one side determines a continuous column of the other."),
    Status.INTERRUPTED: "The run was stopped early; the value is what had been reached by then.",
}


class DiagnosticCode(StrEnum):
    """Stable names for reasons to doubt a number. Scripts may rely on them."""

    STILL_INCREASING = "still-increasing"
    FELL_FROM_PEAK = "fell-from-peak"
    TRAIN_HELDOUT_GAP = "train-heldout-gap"
    FOLDS_DISAGREE = "folds-disagree"
    FEW_EFFECTIVE_ROWS = "few-effective-rows"
    NEAR_LOG_N_CEILING = "near-log-n-ceiling"
    FEW_SAMPLES = "few-samples"
    TIES_IN_DATA = "ties-in-data"
    DUPLICATE_ROWS = "duplicate-rows"
    HIGH_DIMENSION = "high-dimension"
    CONSTANT_COLUMN = "constant-column"
    IDENTICAL_COLUMNS = "identical-columns"
    REDUNDANT_COLUMNS = "redundant-columns"
    NO_DEPENDENCE_FOUND = "no-dependence-found"
    IN_SAMPLE = "in-sample"
    PRECISION_NOT_REACHED = "precision-not-reached"
    ESTIMATORS_DISAGREE = "estimators-disagree"


class Severity(StrEnum):
    """`note`: worth knowing. `warning`: the number may be off; `--check` turns it into exit code 4."""

    NOTE = "note"
    WARNING = "warning"


@dataclass(frozen=True)
class Diagnostic:
    """A code for programs and a sentence for people: what was seen (with the number) and what to do about it."""

    code: DiagnosticCode
    message: str
    severity: Severity = Severity.WARNING


@dataclass(frozen=True)
class Interval:
    """An interval in nats with its nominal coverage and a sentence on what it covers."""

    low_nats: float
    high_nats: float
    level: float
    covers: str

    def __contains__(self, value: float) -> bool:
        return self.low_nats <= value <= self.high_nats


@dataclass(frozen=True)
class Estimate:
    """One estimator's answer.

    `mi_nats` is None exactly where there is no number to report, and then `status` says why. `details` holds
    plain JSON values (numbers, strings, lists, None) that belong to this estimator alone, units in their
    names. `pointwise_nats` holds, where the estimator knows it, one term per row of the data: the estimated
    logarithm of p(x, z) / (p(x) p(z)) at that row. It may be an array; it is written by --pointwise only.
    """

    estimator: str
    mi_nats: float | None
    status: Status
    standard_error_nats: float | None = None
    interval: Interval | None = None
    p_value: float | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0
    details: Mapping[str, object] = field(default_factory=dict)
    pointwise_nats: Sequence[float] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.mi_nats is not None and not math.isfinite(self.mi_nats):
            raise AssertionError(f"{self.estimator}: a non-finite value must travel as None with a status")

    @property
    def trustworthy(self) -> bool:
        """Whether the value exists, ended as it should, and no diagnostic warns against it.

        >>> Estimate("ksg", 0.14, Status.CONVERGED).trustworthy
        True
        """
        return (
            self.mi_nats is not None
            and self.status is Status.CONVERGED
            and all(d.severity is not Severity.WARNING for d in self.diagnostics)
        )
