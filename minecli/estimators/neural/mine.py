r"""MINE and its relatives: bounds of I(X; Z) from statistics networks, evaluated on rows they have not seen.

Belghazi et al. (2018), sections 3 and 4. The estimate is the mean of the folds' held-out bounds, weighted by rows,
over one cross-fitting or several (see `cross_fitting`); more are added until the interval is as narrow as was asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from minecli import events
from minecli.estimators.config import MineConfig
from minecli.estimators.context import Context
from minecli.estimators.diagnostics import constant_columns, identical_columns
from minecli.estimators.facts import find_facts
from minecli.estimators.neural import held_out
from minecli.estimators.neural.cross_fitting import CrossFitting, train_together
from minecli.estimators.neural.features import require_representable
from minecli.estimators.neural.forecast import require_memory
from minecli.estimators.neural.held_out import Collected, Summary
from minecli.estimators.neural.mine_diagnostics import Training, diagnose
from minecli.mine.objectives import BOUNDS
from minecli.mine.training import Evaluation
from minecli.result import Diagnostic, Estimate, Status

Array = npt.NDArray[np.float64]


def estimate_mine(x: Array, z: Array, config: MineConfig, context: Context) -> Estimate:
    """Estimate I(X; Z) in nats with statistics networks.

    Args:
        x: shape (n, d_x), finite.
        z: shape (n, d_z), finite; row i belongs to row i of x.
        config: settings; `config.bound` says what is trained and evaluated.
        context: device, seed, observer, stop question, checkpoint.

    Returns:
        The estimate, with one log density ratio per row in `pointwise_nats`.

    Raises:
        DataError: too few rows for the folds, a side that is constant, values beyond the precision.
        MemoryShort: the networks would not fit into what is free.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((400, 1))
    >>> config = MineConfig(folds=2, max_steps=20, batch_size=64, hidden=8)
    >>> estimate_mine(x, x + rng.standard_normal((400, 1)), config, Context()).status in set(Status)
    True
    """
    (estimate,) = estimate_together([(x, z)], config, [context])
    return estimate


def estimate_together(
    tables: Sequence[tuple[Array, Array]], config: MineConfig, contexts: Sequence[Context]
) -> list[Estimate]:
    """Estimate I(X; Z) in nats of several tables, with networks of one shape trained as one batched network.

    That pays where a device is faster the more it is given at once. Checkpoints are kept of a table that is alone.

    Args:
        tables: x (n, d_x) and z (n, d_z) of each, with the same numbers of rows and columns.
        config: settings.
        contexts: one per table; they differ in their seeds alone.

    Returns:
        The estimates in the order of the tables, as `estimate_mine` gives them of each.

    Raises:
        DataError: as `estimate_mine` does, for the first table with a reason.

    >>> x, noise = np.random.default_rng(0).standard_normal((2, 400, 2))
    >>> config = MineConfig(folds=2, max_steps=20, batch_size=64, hidden=8)
    >>> estimates = estimate_together([(x, x + noise), (x, noise)], config, [Context()] * 2)
    >>> estimates[0].mi_nats > estimates[1].mi_nats
    True
    """
    each = [_Table.of(x, z, config, context) for (x, z), context in zip(tables, contexts, strict=True)]
    while unfinished := [table for table in each if table.wants_repeat()]:
        _add_repeat(unfinished)
    return [table.estimate() for table in each]


def _add_repeat(tables: Sequence[_Table]) -> None:
    """Train and evaluate one more repeat of every table. Networks and features are gone when it is done."""
    together = len(tables)
    fittings = [CrossFitting.prepare(t.x, t.z, t.config, t.context, len(t.repeats), together) for t in tables]
    # Columns that are copies of others take variates from the base, so that shapes may differ.
    alike: dict[object, list[int]] = {}
    for i, fitting in enumerate(fittings):
        alike.setdefault(fitting.training.network.signature, []).append(i)
    for places in alike.values():
        statuses = _trained([fittings[i] for i in places])
        for i, status in zip(places, statuses, strict=True):
            tables[i].add(fittings[i], status)


def _trained(fittings: Sequence[CrossFitting]) -> list[Status]:
    """Train networks of one shape, together if there are several, and say how each ended."""
    context = fittings[0].context
    if len(fittings) > 1:
        status = train_together(fittings, context.observer, context.should_stop)
        if status is Status.INTERRUPTED:
            return [status] * len(fittings)
        if status is not Status.NONFINITE:
            return [fitting.training.ended or status for fitting in fittings]
    return [fitting.train() for fitting in fittings]


@dataclass
class _Table:
    """A table and what its repeats say of it so far. `ended` says why there will be no more, if that is not their
    number."""

    x: Array
    z: Array
    config: MineConfig
    context: Context
    notes: tuple[Diagnostic, ...]
    ended: Status | None = None
    repeats: list[_Repeat] = field(default_factory=list)

    @classmethod
    def of(cls, x: Array, z: Array, config: MineConfig, context: Context) -> _Table:
        """Look at the table before anything is trained; DataError where that cannot be, MemoryShort where it would
        not fit."""
        if context.device == "cpu":
            require_memory(len(x), (x.shape[1], z.shape[1]), config)
        notes, facts = constant_columns(x, z), context.facts or find_facts(x, z)
        if config.preprocess == "none":
            require_representable(x, z, config.precision)
        identical = identical_columns(facts)
        notes += identical
        return cls(x, z, config, context, notes, Status.INFINITE if identical else None)

    def __post_init__(self) -> None:
        self.collected = Collected(len(self.x))

    def wants_repeat(self) -> bool:
        """Whether another repeat is wanted."""
        return self.ended is None and not (self.repeats and self.enough())

    def add(self, fitting: CrossFitting, status: Status) -> None:
        """Evaluate one more repeat, whose training ended so."""
        interrupted = status is Status.INTERRUPTED
        # After an interruption in the first repeat the little that is left to do is done, to have a number to show.
        if status is Status.NONFINITE or (interrupted and (self.repeats or not fitting.training.history)):
            self.ended = status
            return
        weights = fitting.weights()
        evaluated = fitting.evaluate(weights, events.never if interrupted else self.context.should_stop)
        if evaluated is None:
            self.ended = Status.INTERRUPTED
            return
        for part in evaluated:
            part.add_to(self.collected)
        self.repeats.append(_Repeat.of(fitting, status, weights))
        self.ended = status if interrupted else None

    def enough(self) -> bool:
        """Whether the repeats asked for are done and, where a precision was, it is reached or out of reach."""
        config, done = self.config, len(self.repeats)
        if done < config.repeats:
            return False
        if config.target_precision is None or done >= config.max_repeats:
            return True
        summary = self.summary()
        return summary.width_nats <= config.target_precision or summary.least_width_nats > config.target_precision

    def summary(self) -> Summary:
        """All repeats put together."""
        if self.config.protocol == "paper":
            covers = held_out.COVERS_IN_SAMPLE
        else:
            covers = held_out.COVERS if BOUNDS[self.config.bound].lower_bound else held_out.COVERS_NO_BOUND
        return self.collected.summary(self.context.confidence, covers)

    def estimate(self) -> Estimate:
        """The answer."""
        name, status, details, notes = self.config.estimator, self.ended, self.details(), self.notes
        if not self.repeats or status is Status.NONFINITE:
            return Estimate(name, None, status or Status.NONFINITE, diagnostics=notes, details=details)
        summary = self.summary()
        if not math.isfinite(summary.mi_nats):
            return Estimate(name, None, status or Status.NONFINITE, diagnostics=notes, details=details)
        # Where one repeat has reason to be doubted, so has the mean.
        doubted = max(self.repeats, key=lambda repeat: repeat.still_rising)
        facts = Training(
            protocol=self.config.protocol,
            status=status or doubted.status,
            validation_nats=tuple(e.validation_nats for e in doubted.history if e.validation_nats is not None),
            still_rising=doubted.still_rising,
            held_out_rows=doubted.held_out_rows,
            effective_share=self.collected.effective_share,
            target_precision=self.config.target_precision,
            repeats=len(self.repeats),
        )
        findings = diagnose(facts, summary, len(self.x), self.x.shape[1], self.z.shape[1])
        values: dict[str, Any] = {"folds_nats": list(summary.folds_nats), "effective_share": facts.effective_share}
        if summary.training_nats is not None:
            values["training_nats"] = summary.training_nats
        if summary.base_nats is not None:
            values["base_nats"] = summary.base_nats
            values["network_adds_nats"] = summary.mi_nats - summary.base_nats
        if math.isfinite(summary.ceiling_nats):
            values["bound_ceiling_nats"] = summary.ceiling_nats
        return Estimate(
            estimator=name,
            mi_nats=summary.mi_nats,
            status=findings.status,
            standard_error_nats=summary.standard_error_nats,
            interval=summary.interval.opened(findings.open_because) if findings.open_because else summary.interval,
            diagnostics=(*notes, *findings.diagnostics),
            details=details | values,
            pointwise_nats=summary.pointwise_nats,  # type: ignore[arg-type]
        )

    def details(self) -> dict[str, object]:
        """What was done, as plain JSON values; the learning curve is that of the first repeat."""
        if not self.repeats:
            return {}
        first = self.repeats[0]
        return {
            "repeats": len(self.repeats),
            "tables_together": max(repeat.tables for repeat in self.repeats),
            "steps": sum(repeat.steps for repeat in self.repeats),
            "models": sum(repeat.models for repeat in self.repeats),
            "training_rows": first.training_rows,
            "validation_rows": first.validation_rows,
            "held_out_rows": first.held_out_rows,
            "ceiling_nats": first.ceiling_nats,
            "network_weights": [weights for repeat in self.repeats for weights in repeat.weights],
            "curve": [[e.step, e.training_nats, e.validation_nats] for e in first.history],
        }


@dataclass(frozen=True)
class _Repeat:
    """What is kept of a repeat beside its terms; its networks and features are not."""

    status: Status
    tables: int
    steps: int
    models: int
    training_rows: int
    validation_rows: int
    held_out_rows: int
    ceiling_nats: float
    still_rising: bool
    weights: list[list[float]]
    history: list[Evaluation]

    @classmethod
    def of(cls, fitting: CrossFitting, status: Status, weights: list[list[float]]) -> _Repeat:
        training, part = fitting.training, fitting.rows.split[0]
        return cls(
            status=status,
            tables=fitting.tables,
            steps=training.step,
            models=training.network.models,
            training_rows=part.training_rows,
            validation_rows=len(part.validation),
            held_out_rows=len(part.held_out),
            ceiling_nats=training.network.ceiling,
            still_rising=training.still_rising(),
            weights=weights,
            history=training.history,
        )
