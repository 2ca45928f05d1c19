"""Reasons to doubt a neural estimate, read off its training and its held-out parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minecli.mine.ceilings import near_ceiling
from minecli.result import Diagnostic, DiagnosticCode, Severity, Status

if TYPE_CHECKING:
    from minecli.estimators.neural.held_out import Summary

# A contrastive bound that lies so far below its ceiling is 0.1 to 0.3 nats too low (Gaussians of 1 to 20 columns a
# side, optimal T, 64 and 256 re-paired rows), less so further down and more so above.
CEILING_MARGIN_NATS = 2.3
ROWS_PER_COLUMN = 20
FEWEST_ROWS = 200
# Where the mean of e^T hangs on a fiftieth of the rows or less, outliers decide it.
LEAST_EFFECTIVE_SHARE = 0.02


@dataclass(frozen=True)
class Training:
    """What the diagnostics need to know of how the numbers came about; all values in nats."""

    protocol: str
    status: Status
    validation_nats: tuple[float, ...]
    still_rising: bool
    held_out_rows: int
    effective_share: float
    target_precision: float | None = None
    repeats: int = 1


@dataclass(frozen=True)
class Findings:
    """The final status, the diagnostics, and why nothing limits the value from above ("": training has settled)."""

    status: Status
    diagnostics: tuple[Diagnostic, ...]
    open_because: str = ""


def diagnose(training: Training, summary: Summary, rows: int, d_x: int, d_z: int) -> Findings:
    """Judge an estimate from `rows` rows of d_x + d_z columns."""
    diagnostics = [
        *_of_protocol(training),
        *_of_size(rows, d_x, d_z),
        *_of_training(training, summary),
        *_of_ceiling(training, summary),
        *_of_folds(summary, training.repeats),
        *_of_precision(training, summary),
    ]
    status = training.status
    stopped = status is Status.INTERRUPTED
    if not stopped and summary.mi_nats < -max(0.05, 3.0 * summary.standard_error_nats):
        status = Status.DIVERGED
    return Findings(status, tuple(diagnostics), _open_because(status, diagnostics))


_OPENING: Mapping[DiagnosticCode, str] = {
    DiagnosticCode.STILL_INCREASING: "training has not settled",
    DiagnosticCode.NEAR_LOG_N_CEILING: "the value is near the most that so many rows can show",
    DiagnosticCode.TRAIN_HELDOUT_GAP: "the networks learn noise of so few rows",
    DiagnosticCode.FEW_SAMPLES: "the rows are few for so many columns",
}


def _open_because(status: Status, diagnostics: Sequence[Diagnostic]) -> str:
    if status is not Status.CONVERGED:
        return "training has not settled"
    return next((_OPENING[d.code] for d in diagnostics if d.code in _OPENING), "")


def _of_protocol(training: Training) -> list[Diagnostic]:
    if training.protocol != "paper":
        return []
    message = "trained and evaluated on the same rows: the value may be far too high; use --protocol held-out"
    return [Diagnostic(DiagnosticCode.IN_SAMPLE, message)]


def _of_size(rows: int, d_x: int, d_z: int) -> list[Diagnostic]:
    needed = max(FEWEST_ROWS, ROWS_PER_COLUMN * (d_x + d_z))
    if rows >= needed:
        return []
    message = f"{rows} rows are few for {d_x} + {d_z} columns: expect a bound well below the MI; {needed} or more help"
    return [Diagnostic(DiagnosticCode.FEW_SAMPLES, message)]


def _of_training(training: Training, summary: Summary) -> list[Diagnostic]:
    diagnostics: list[Diagnostic] = []
    curve = training.validation_nats
    value = summary.mi_nats
    if training.still_rising and training.status is not Status.CONVERGED:
        message = f"the validation bound had not settled at the last step ({curve[-1]:.3f} nats): raise --max-steps"
        diagnostics.append(Diagnostic(DiagnosticCode.STILL_INCREASING, message))
    if curve and max(curve) - curve[-1] > max(0.05, 0.1 * abs(max(curve))):
        message = (
            f"further training lowered the validation bound from {max(curve):.3f} to {curve[-1]:.3f} nats; "
            "the weights of the peak are used"
        )
        diagnostics.append(Diagnostic(DiagnosticCode.FELL_FROM_PEAK, message, Severity.NOTE))
    if summary.training_nats is not None and summary.training_nats - value > max(0.1, 0.25 * abs(value)):
        message = (
            f"{summary.training_nats:.3f} nats on training rows, {value:.3f} held out: the networks learn noise; "
            "the MI may be larger than the estimate, and more rows would tell"
        )
        diagnostics.append(Diagnostic(DiagnosticCode.TRAIN_HELDOUT_GAP, message))
    high = summary.interval.high_nats
    if high is not None and 0.0 in summary.interval and training.status is not Status.INTERRUPTED:
        message = f"the interval holds 0: no dependence was found beyond {max(high, 0.0):.2g} nats"
        diagnostics.append(Diagnostic(DiagnosticCode.NO_DEPENDENCE_FOUND, message, Severity.NOTE))
    return diagnostics


def _of_ceiling(training: Training, summary: Summary) -> list[Diagnostic]:
    diagnostics: list[Diagnostic] = []
    if training.effective_share < LEAST_EFFECTIVE_SHARE:
        message = (
            f"the log-mean-exp hangs on about {training.effective_share:.1%} of the rows: outliers, or an MI beyond "
            "what so many rows can show"
        )
        diagnostics.append(Diagnostic(DiagnosticCode.FEW_EFFECTIVE_ROWS, message))
    if summary.mi_nats > summary.ceiling_nats - CEILING_MARGIN_NATS:
        message = (
            f"{summary.mi_nats:.3g} nats is within {CEILING_MARGIN_NATS:g} of {summary.ceiling_nats:.3g}, the most "
            "that this bound can be with so many re-paired rows per row; it falls short well before: add -e mine"
        )
        return [*diagnostics, Diagnostic(DiagnosticCode.NEAR_LOG_N_CEILING, message)]
    ceiling = math.log(training.held_out_rows)
    if not near_ceiling(summary.mi_nats, ceiling):
        return diagnostics
    message = (
        f"{summary.mi_nats:.3g} nats is close to or above ln({training.held_out_rows}) = {ceiling:.3g}, the most that "
        "so many held-out rows can certify; the true value may be far from it, or infinite"
    )
    return [*diagnostics, Diagnostic(DiagnosticCode.NEAR_LOG_N_CEILING, message)]


def _of_folds(summary: Summary, repeats: int) -> list[Diagnostic]:
    folds = summary.folds_nats
    spread = max(folds) - min(folds)
    # The range of a hundred or fewer normal values exceeds 7 standard deviations with probability below 1e-3. A fold's
    # is that of the whole times the root of their number; the spread between folds itself must not excuse the spread.
    deviations = 6.0 if len(folds) <= 10 else 7.0
    expected = deviations * summary.sampling_error_nats * math.sqrt(len(folds) / repeats)
    if spread <= max(0.05, expected, 0.15 * abs(summary.mi_nats)):
        return []
    message = f"the folds' values range from {min(folds):.3f} to {max(folds):.3f} nats: look for outliers or drifts"
    return [Diagnostic(DiagnosticCode.FOLDS_DISAGREE, message)]


def _of_precision(training: Training, summary: Summary) -> list[Diagnostic]:
    target, width, least = training.target_precision, summary.width_nats, summary.least_width_nats
    if target is None or width <= target or training.status is Status.INTERRUPTED:
        return []
    repeats = f"{training.repeats} repeat{'s' * (training.repeats > 1)}"
    if least > target:
        why = f"{least:.3g} come from the number of rows, which repeats do not change: only more rows help"
    else:
        why = "raise --max-repeats"
    message = f"the interval is {width:.3g} nats wide after {repeats}, not {target:g}: {why}"
    return [Diagnostic(DiagnosticCode.PRECISION_NOT_REACHED, message)]
