"""What makes an estimate meaningless or doubtful, as diagnostics: columns that repeat each other, ties, constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from minecli.errors import DataError
from minecli.estimators.tolerance import tolerance_nats
from minecli.mine import ceilings
from minecli.result import Diagnostic, DiagnosticCode, Severity

if TYPE_CHECKING:
    from minecli.estimators.facts import Facts
    from minecli.estimators.nearest.neighbour_bias import BiasSignal

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def identical_columns(facts: Facts) -> tuple[Diagnostic, ...]:
    """One warning per pair of columns that order the rows alike.

    >>> from minecli.estimators.facts import find_facts
    >>> a = np.arange(10.0)[:, None]
    >>> identical_columns(find_facts(a, -a, (["age"], ["born"])))[0].message
    "'age' and 'born' order the rows identically or in reverse; leave one of them out"
    """
    return tuple(
        Diagnostic(
            DiagnosticCode.IDENTICAL_COLUMNS,
            f"'{facts.x.names[i]}' and '{facts.z.names[j]}' order the rows identically or in reverse; "
            "leave one of them out",
        )
        for i, j in facts.identical
    )


def of_facts(facts: Facts) -> tuple[Diagnostic, ...]:
    """What the facts of the data say against every value, whatever the estimator.

    >>> from minecli.estimators.facts import find_facts
    >>> a = np.random.default_rng(0).standard_normal((2, 500)).cumsum(1)
    >>> of_facts(find_facts(a[:1].T, a[1:].T))[0].code
    <DiagnosticCode.ROWS_DEPEND: 'rows-depend'>
    """
    warnings: list[Diagnostic] = []
    if facts.order.dependent:
        message = (
            f"rows depend on their neighbours in the file ({facts.order.effective_rows:,.0f} effective rows): values "
            "are too high and intervals too narrow"
        )
        warnings.append(Diagnostic(DiagnosticCode.ROWS_DEPEND, message))
    if facts.copied:
        message = (
            f"{facts.copies:.1%} of the rows are copies of other rows; what is held out has copies among the training "
            "rows, and a copy is its own nearest neighbour, so that values may be far too high: remove the copies, "
            "where they tell nothing new"
        )
        warnings.append(Diagnostic(DiagnosticCode.DUPLICATE_ROWS, message))
    if facts.rows_dropped:
        share = facts.rows_dropped / (facts.rows + facts.rows_dropped)
        message = (
            f"{facts.rows_dropped:,} rows ({share:.0%}) with missing values were dropped: this is the value of the "
            "complete rows, and that of all may be another where values are not missing at random"
        )
        warnings.append(Diagnostic(DiagnosticCode.INCOMPLETE_ROWS, message, Severity.NOTE))
    if facts.determined:
        which = {"x": "z determines x", "z": "x determines z", "both": "x and z determine each other"}
        message = f"in these rows {which[facts.determined]}: the information is the whole entropy"
        warnings.append(Diagnostic(DiagnosticCode.DETERMINED, message, Severity.NOTE))
    return tuple(warnings)


def constant_columns(x: Array, z: Array) -> tuple[Diagnostic, ...]:
    """Note every column with a single value, counted from 1; a side of nothing else raises DataError.

    >>> [d.message for d in constant_columns(np.array([[7.0, 1.0], [7.0, 2.0]]), np.array([[1.0], [3.0]]))]
    ['x column 1 has the single value 7 and adds nothing']
    """
    notes: list[Diagnostic] = []
    for name, side in (("x", x), ("z", z)):
        constant = np.flatnonzero(side.min(axis=0) == side.max(axis=0))
        if len(constant) == side.shape[1]:
            raise DataError(
                f"every column of {name} is constant (first value {side[0, 0]:g}), so nothing can depend on it",
                hint=f"choose a column that varies for --{name}",
            )
        notes += [
            Diagnostic(
                DiagnosticCode.CONSTANT_COLUMN,
                f"{name} column {j + 1} has the single value {side[0, j]:g} and adds nothing",
                Severity.NOTE,
            )
            for j in constant
        ]
    return tuple(notes)


def tied_rows(side: Array) -> Flags:
    """Tell which rows, shape (n,), occur more than once in `side`, shape (n, d), all columns taken together.

    >>> tied_rows(np.array([[1.0, 0.0], [1.0, 2.0], [1.0, -0.0]])).tolist()
    [True, False, True]
    """
    tied = _repeated(side[:, 0])
    for j in range(1, side.shape[1]):
        if not tied.any():
            return tied
        tied &= _repeated(side[:, j])
    if side.shape[1] > 1 and tied.any():
        # Adding 0.0 turns -0.0 into 0.0, which equals it but differs in its bytes.
        rows = np.ascontiguousarray(side[tied] + 0.0)
        tied[tied] = _repeated(rows.view(np.dtype((np.void, rows.strides[0]))).ravel())
    return tied


def tied_share(side: Array) -> float:
    """Return the share of rows that repeat another row's value in a column, for the column where most do.

    Columns with a single value do not count: they add nothing to a distance.

    >>> tied_share(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 6.0], [4.0, 7.0]]))
    0.5
    """
    varying = np.flatnonzero(side.min(axis=0) < side.max(axis=0))
    return max((_repeated_count(side[:, j]) / len(side) for j in varying), default=0.0)


def near_ceiling(mi_nats: float, ceiling_nats: float, estimator: Literal["ksg", "mixed-ksg"]) -> tuple[Diagnostic, ...]:
    """Warn where an estimate exceeds 70 % of the largest value its formula can give.

    z = x^2 of 1,000 normal x, whose true value is infinite, reaches 73 %.

    >>> near_ceiling(5.0, 5.5, "ksg")[0].code
    <DiagnosticCode.NEAR_LOG_N_CEILING: 'near-log-n-ceiling'>
    """
    if not ceilings.near_ceiling(mi_nats, ceiling_nats):
        return ()
    return (
        Diagnostic(
            DiagnosticCode.NEAR_LOG_N_CEILING,
            f"{mi_nats:.3g} nats is close to {ceiling_nats:.3g}, the largest value {estimator} can give for so many "
            "rows; the true value may be far larger, or infinite: is one side computed from the other?",
        ),
    )


def far_neighbours(mi_nats: float, signal: BiasSignal) -> tuple[Diagnostic, ...]:
    """Warn where neighbourhoods may be too wide for the value to be within `tolerance_nats` of the truth.

    >>> from minecli.estimators.nearest.neighbour_bias import BiasSignal
    >>> far_neighbours(0.5, BiasSignal(10, -0.01, 0.0, 0.01, 0.01))
    ()
    """
    if signal.margin_nats <= tolerance_nats(mi_nats):
        return ()
    shift = signal.shift_by_neighbours_nats
    if signal.missing_nats > 2.0 * signal.missing_error_nats:
        how = f"up to about {signal.missing_nats:.2g} nats are missing"
    else:
        how = f"the value may be off by {signal.margin_nats:.2g} nats"
    message = (
        f"neighbours are far apart: with {signal.neighbours} of them the value moves by {shift:+.3f} nats, with half "
        f"of the rows by {signal.shift_by_rows_nats:+.3f}; {how}"
    )
    return (Diagnostic(DiagnosticCode.FAR_NEIGHBOURS, message),)


def _repeated(values: npt.NDArray[np.generic]) -> Flags:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] > 1)


def _repeated_count(values: Array) -> int:
    # `_repeated(values).sum()` in a fifth of the memory, which counts where nothing is repeated.
    ordered = np.sort(values)
    as_before = np.concatenate([[False], ordered[1:] == ordered[:-1], [False]])
    return int((as_before[1:] | as_before[:-1]).sum())
