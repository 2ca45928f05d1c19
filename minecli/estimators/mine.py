r"""MINE and its relatives: bounds of I(X; Z) from statistics networks, evaluated on rows they have not seen.

Belghazi et al. (2018), sections 3 and 4. The estimate is the mean of the folds' held-out bounds, weighted by rows,
over one cross-fitting or several (see `cross_fitting`); more are added until the interval is as narrow as was asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from minecli import events
from minecli.estimators import held_out
from minecli.estimators.config import MineConfig
from minecli.estimators.context import Context
from minecli.estimators.cross_fitting import CrossFitting
from minecli.estimators.diagnostics import constant_columns, duplicate_rows, identical_columns
from minecli.estimators.features import require_representable
from minecli.estimators.held_out import Collected, Summary
from minecli.estimators.mine_diagnostics import Training, diagnose
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

    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((400, 1))
    >>> config = MineConfig(folds=2, max_steps=20, batch_size=64, hidden=8)
    >>> estimate_mine(x, x + rng.standard_normal((400, 1)), config, Context()).status in set(Status)
    True
    """
    name = config.estimator
    notes = constant_columns(x, z)
    if config.preprocess == "none":
        require_representable(x, z, config.precision)
    identical = identical_columns(x, z)
    notes += duplicate_rows(x, z)
    if identical:
        return Estimate(name, None, Status.INFINITE, diagnostics=(*notes, *identical))
    found = _Found(config, context, x.shape, z.shape)
    for repeat in count():
        found.ended = found.take(CrossFitting.prepare(x, z, config, context, repeat))
        if found.ended is not None or found.enough():
            return found.estimate(notes)
    raise AssertionError("count() does not end")


@dataclass
class _Found:
    """What the repeats have found so far. `ended` says why there will be no more, if something went wrong."""

    config: MineConfig
    context: Context
    shape_x: tuple[int, ...]
    shape_z: tuple[int, ...]
    ended: Status | None = None
    repeats: list[_Repeat] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.collected = Collected(self.shape_x[0])

    def take(self, fitting: CrossFitting) -> Status | None:
        """Train and evaluate one more repeat; the status if that came to no good end."""
        status = fitting.train()
        interrupted = status is Status.INTERRUPTED
        # After an interruption in the first repeat the little that is left to do is done, to have a number to show.
        if status is Status.NONFINITE or (interrupted and (self.repeats or not fitting.training.history)):
            return status
        weights = fitting.weights()
        evaluated = fitting.evaluate(weights, events.never if interrupted else self.context.should_stop)
        if evaluated is None:
            return Status.INTERRUPTED
        for part in evaluated:
            part.add_to(self.collected)
        self.repeats.append(_Repeat.of(fitting, status, weights))
        return status if interrupted else None

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
            covers = held_out.COVERS if self.config.objective().lower_bound else held_out.COVERS_NO_BOUND
        return self.collected.summary(self.context.confidence, covers)

    def estimate(self, notes: tuple[Diagnostic, ...]) -> Estimate:
        """The answer."""
        name, status, details = self.config.estimator, self.ended, self.details()
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
        found = diagnose(facts, summary, self.shape_x[0], self.shape_x[1], self.shape_z[1])
        values: dict[str, Any] = {"folds_nats": list(summary.folds_nats), "effective_share": facts.effective_share}
        if summary.training_nats is not None:
            values["training_nats"] = summary.training_nats
        if math.isfinite(summary.ceiling_nats):
            values["bound_ceiling_nats"] = summary.ceiling_nats
        return Estimate(
            estimator=name,
            mi_nats=summary.mi_nats,
            status=found.status,
            standard_error_nats=summary.standard_error_nats,
            interval=summary.interval,
            diagnostics=(*notes, *found.diagnostics),
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
