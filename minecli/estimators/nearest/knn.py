"""The course of a nearest-neighbour estimate, from raw columns to an `Estimate`; `ksg` and `mixed_ksg` fill it in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from minecli.errors import DataError
from minecli.estimators import diagnostics
from minecli.estimators.config import Preprocess, SearchMethod
from minecli.estimators.context import Context
from minecli.estimators.facts import find_facts
from minecli.estimators.nearest import subsampling
from minecli.estimators.nearest.neighbour_bias import FEWEST_ROWS, BiasSignal, Half, bias_signal, wider
from minecli.estimators.nearest.neighbour_search import prepare
from minecli.estimators.nearest.neighbours import Integers, Rule, Search
from minecli.estimators.nearest.pointwise import Pointwise, pointwise_terms
from minecli.estimators.nearest.scaling import rescale
from minecli.events import Event
from minecli.result import Diagnostic, DiagnosticCode, Estimate, Severity, Status
from minecli.runtime.seeds import generator

Array = npt.NDArray[np.float64]
Details = dict[str, object]
DiagnoseSearch = Callable[[Search], tuple[tuple[Diagnostic, ...], Details]]
DiagnosePoints = Callable[[Array, Array], DiagnoseSearch]


@dataclass(frozen=True)
class Plan:
    """What distinguishes one nearest-neighbour estimator from another."""

    estimator: Literal["ksg", "mixed-ksg"]
    k: int
    rule: Rule
    preprocess: Preprocess
    jitter: float
    interval: bool
    search: SearchMethod


def estimate_from_neighbours(
    x: Array, z: Array, plan: Plan, context: Context, diagnose_points: DiagnosePoints
) -> Estimate:
    """Run `plan` on x, shape (n, d_x), and z, shape (n, d_z), both finite; what comes out is said at `estimate_ksg`.

    `diagnose_points` gets the prepared x and z, and returns what then gets the search among them, and gives diagnostics
    and details.
    """
    started = time.perf_counter()
    diagnosed = require_usable(x, z, plan.k)
    facts = context.facts or find_facts(x, z)
    identical = diagnostics.identical_columns(facts)
    if identical:
        seconds = time.perf_counter() - started
        return Estimate(plan.estimator, None, Status.INFINITE, diagnostics=diagnosed + identical, seconds=seconds)
    points = prepare_points(x, z, plan, context.seed)
    diagnose_search = diagnose_points(points[:, : x.shape[1]], points[:, x.shape[1] :])
    course = _Course(points, x.shape[1], plan, context)
    whole = course.terms_of_all()
    mi_nats = whole.mean
    if mi_nats is None:
        return Estimate(
            plan.estimator, None, Status.INTERRUPTED, diagnostics=diagnosed, seconds=time.perf_counter() - started
        )
    of_search, details = diagnose_search(course.search)
    error = course.sampling_error(whole) if whole.complete and plan.interval else None
    signal = None if context.should_stop() else course.bias_signal(whole, facts.dimensions)
    details |= signal.details() if signal else {}
    diagnosed += of_search + course.diagnostics(mi_nats, signal)
    return Estimate(
        plan.estimator,
        mi_nats,
        # Once the value is there, a stop that comes during the standard error costs the error alone.
        Status.CONVERGED if whole.complete else Status.INTERRUPTED,
        standard_error_nats=error[0] if error else None,
        interval=subsampling.interval(mi_nats, *error, context.confidence) if error else None,
        diagnostics=diagnosed,
        seconds=time.perf_counter() - started,
        details=course.details(whole, error) | details,
        pointwise_nats=whole.terms if whole.complete else None,  # type: ignore[arg-type]
    )


def require_usable(x: Array, z: Array, k: int) -> tuple[Diagnostic, ...]:
    """Raise DataError where k neighbours do not exist or a side does not vary; return notes on constant columns.

    >>> x = np.arange(9.0)[:, None]
    >>> require_usable(x, x, 3)
    ()
    """
    n = len(x)
    if n != len(z):
        raise ValueError(f"x has {n} rows, z has {len(z)}")
    if n < k + 1:
        hint = f"give more rows, or at most {n - 1} neighbours (--k {n - 1})" if n > 1 else "give more rows"
        raise DataError(f"{n} rows are too few for k = {k} neighbours; at least {k + 1} are needed", hint=hint)
    return diagnostics.constant_columns(x, z)


def prepare_points(x: Array, z: Array, plan: Plan, seed: int) -> Array:
    """Return the rescaled columns side by side, shape (n, d_x + d_z), with the jitter that the plan asks for."""
    points = np.empty((len(x), x.shape[1] + z.shape[1]))
    points[:, : x.shape[1]] = rescale(x, plan.preprocess)
    points[:, x.shape[1] :] = rescale(z, plan.preprocess)
    if plan.jitter > 0.0:
        noise = generator(seed, "nearest-neighbours", "jitter")
        for j in range(points.shape[1]):
            spread = float(points[:, j].std())
            points[:, j] += plan.jitter * spread * noise.standard_normal(len(points))
    return points


class _Course:
    """One run over prepared points: the search, the order of the rows, and the progress that is reported."""

    def __init__(self, points: Array, d_x: int, plan: Plan, context: Context) -> None:
        self._points, self._d_x, self._plan, self._context = points, d_x, plan, context
        self.search = self._search_in(points, plan.search)
        n = len(points)
        with_parts = plan.interval and n >= subsampling.fewest_rows(plan.k)
        self._total = 2 * n if with_parts else n
        self._done = 0

    def terms_of_all(self) -> Pointwise:
        return self._terms(self.search)

    def sampling_error(self, whole: Pointwise) -> tuple[float, int] | None:
        order = generator(self._context.seed, "nearest-neighbours", "parts")
        rows = subsampling.parts(len(self._points), self._plan.k, order)
        return subsampling.error_from_parts(whole, rows, self._terms_of_part)

    def bias_signal(self, whole: Pointwise, dimensions: int) -> BiasSignal | None:
        """What wider neighbourhoods show; None where the table is too small to be halved, or the run was stopped."""
        n, plan = len(self._points), self._plan
        if not (plan.interval and whole.complete and n // 2 > wider(plan.k) and n >= FEWEST_ROWS):
            return None
        rows = np.sort(generator(self._context.seed, "nearest-neighbours", "half").permutation(n)[: n // 2])
        half = Half(self._search_in(self._points[rows], self.search.method), rows)
        return bias_signal(whole.terms, self.search, half, plan.k, plan.rule, dimensions)

    def diagnostics(self, mi_nats: float, signal: BiasSignal | None) -> tuple[Diagnostic, ...]:
        n = len(self._points)
        warnings = diagnostics.far_neighbours(mi_nats, signal) if signal else ()
        warnings += diagnostics.near_ceiling(mi_nats, self._ceiling_nats(), self._plan.estimator)
        fewest = subsampling.fewest_rows(self._plan.k)
        if self._plan.interval and n < fewest:
            message = f"{n} rows are too few for an interval, which needs {fewest}"
            warnings += (Diagnostic(DiagnosticCode.FEW_SAMPLES, message, Severity.WARNING),)
        return warnings

    def details(self, whole: Pointwise, error: tuple[float, int] | None) -> Details:
        plan = self._plan
        return {
            "k": plan.k,
            "preprocess": plan.preprocess,
            "jitter": plan.jitter,
            "search": self.search.method,
            "device": self._context.device if self.search.method == "brute" else "cpu",
            "rows": len(self._points),
            "rows_done": whole.rows_done,
            "largest_possible_nats": self._ceiling_nats(),
            "parts_for_error": error[1] if error else 0,
        }

    def _ceiling_nats(self) -> float:
        from scipy.special import digamma

        return float(digamma(len(self._points)) - digamma(self._plan.k))

    def _search_in(self, points: Array, method: SearchMethod) -> Search:
        plan, context = self._plan, self._context
        return prepare(points, self._d_x, plan.k, method=method, threads=context.threads, device=context.device)

    def _terms_of_part(self, rows: Integers) -> Pointwise:
        # The rule for few rows wants to spare loading torch, which the whole has loaded by now if it was used.
        return self._terms(self._search_in(self._points[rows], self.search.method))

    def _terms(self, search: Search) -> Pointwise:
        before = self._done

        def report(rows_done: int) -> None:
            self._done = before + rows_done
            self._context.observer(Event(stage=self._plan.estimator, step=self._done, total=self._total))

        return pointwise_terms(search, self._plan.rule, report=report, should_stop=self._context.should_stop)
