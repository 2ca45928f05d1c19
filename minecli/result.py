"""What an estimator answers: a value that never travels without its status and its diagnostics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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


class Direction(StrEnum):
    """In which direction a number errs where a diagnostic is true of it."""

    TOO_LOW = "too low"
    TOO_HIGH = "too high"
    EITHER = "either"
    NONE = "none"


class DiagnosticCode(StrEnum):
    """Stable names for what speaks for or against a number. Scripts may rely on them."""

    STILL_INCREASING = "still-increasing"
    FELL_FROM_PEAK = "fell-from-peak"
    TRAIN_HELDOUT_GAP = "train-heldout-gap"
    FOLDS_DISAGREE = "folds-disagree"
    FEW_EFFECTIVE_ROWS = "few-effective-rows"
    NEAR_LOG_N_CEILING = "near-log-n-ceiling"
    FEW_SAMPLES = "few-samples"
    TIES_IN_DATA = "ties-in-data"
    DUPLICATE_ROWS = "duplicate-rows"
    ROWS_DEPEND = "rows-depend"
    FAR_NEIGHBOURS = "far-neighbours"
    UNSUITED_KINDS = "unsuited-kinds"
    IMPOSSIBLE_VALUE = "impossible-value"
    THIN_TABLE = "thin-table"
    INCOMPLETE_ROWS = "incomplete-rows"
    DETERMINED = "determined"
    CONSTANT_COLUMN = "constant-column"
    IDENTICAL_COLUMNS = "identical-columns"
    REDUNDANT_COLUMNS = "redundant-columns"
    NO_DEPENDENCE_FOUND = "no-dependence-found"
    IN_SAMPLE = "in-sample"
    PRECISION_NOT_REACHED = "precision-not-reached"

    @property
    def direction(self) -> Direction:
        """In which direction it says that the number errs.

        >>> DiagnosticCode.TRAIN_HELDOUT_GAP.direction
        <Direction.TOO_LOW: 'too low'>
        """
        return _DIRECTIONS[self]


_DIRECTIONS: Mapping[DiagnosticCode, Direction] = {
    DiagnosticCode.STILL_INCREASING: Direction.TOO_LOW,
    DiagnosticCode.FELL_FROM_PEAK: Direction.NONE,
    DiagnosticCode.TRAIN_HELDOUT_GAP: Direction.TOO_LOW,
    DiagnosticCode.FOLDS_DISAGREE: Direction.EITHER,
    DiagnosticCode.FEW_EFFECTIVE_ROWS: Direction.EITHER,
    DiagnosticCode.NEAR_LOG_N_CEILING: Direction.TOO_LOW,
    DiagnosticCode.FEW_SAMPLES: Direction.TOO_LOW,
    DiagnosticCode.TIES_IN_DATA: Direction.EITHER,
    DiagnosticCode.DUPLICATE_ROWS: Direction.TOO_HIGH,
    DiagnosticCode.ROWS_DEPEND: Direction.TOO_HIGH,
    DiagnosticCode.FAR_NEIGHBOURS: Direction.TOO_LOW,
    DiagnosticCode.UNSUITED_KINDS: Direction.EITHER,
    DiagnosticCode.IMPOSSIBLE_VALUE: Direction.EITHER,
    DiagnosticCode.THIN_TABLE: Direction.TOO_HIGH,
    DiagnosticCode.INCOMPLETE_ROWS: Direction.NONE,
    DiagnosticCode.DETERMINED: Direction.NONE,
    DiagnosticCode.CONSTANT_COLUMN: Direction.NONE,
    DiagnosticCode.IDENTICAL_COLUMNS: Direction.NONE,
    DiagnosticCode.REDUNDANT_COLUMNS: Direction.NONE,
    DiagnosticCode.NO_DEPENDENCE_FOUND: Direction.NONE,
    DiagnosticCode.IN_SAMPLE: Direction.TOO_HIGH,
    DiagnosticCode.PRECISION_NOT_REACHED: Direction.EITHER,
}


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
    """An interval in nats with its nominal coverage and a sentence on what it covers.

    `certified` says that the lower end is a lower bound of the mutual information itself, from rows that no training
    has seen, up to sampling error: it holds with probability (1 + level) / 2 on independent rows. `high_nats` is None
    where nothing limits the value from above, and then `open_because` says why.

    >>> 7.0 in Interval(0.5, None, 0.95, "the mutual information", certified=True, open_because="not settled")
    True
    """

    low_nats: float
    high_nats: float | None
    level: float
    covers: str
    certified: bool = False
    open_because: str = ""

    def __contains__(self, value: float) -> bool:
        return self.low_nats <= value and (self.high_nats is None or value <= self.high_nats)

    def opened(self, because: str) -> Interval:
        """The same without an upper end."""
        return self if self.high_nats is None else replace(self, high_nats=None, open_because=because)


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

    def warned(self, *directions: Direction) -> bool:
        """Whether a diagnostic warns that the value errs in one of these directions, or in either.

        >>> gap = Diagnostic(DiagnosticCode.TRAIN_HELDOUT_GAP, "the networks learn noise")
        >>> e = Estimate("mine", 0.4, Status.CONVERGED, diagnostics=(gap,))
        >>> e.warned(Direction.TOO_LOW), e.warned(Direction.TOO_HIGH)
        (True, False)
        """
        wanted = {*directions, Direction.EITHER}
        return any(d.severity is Severity.WARNING and d.code.direction in wanted for d in self.diagnostics)

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
