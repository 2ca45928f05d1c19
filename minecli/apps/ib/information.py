"""I(X;Z) of encoders that are done, by networks that the encoders were not trained against.

The bound that an encoder was trained to lower is no measure of what it keeps: it has learnt to evade that very network.
Here fresh networks are trained on the encoder's training rows and evaluated on rows held out, with many re-pairings in
one logarithm. They see a row as its mean code: whatever T is a function of, the bound holds, and what a code says about
a row it says about that.

Of a Gaussian encoder without noise on or beside its input q(z|x) is known, and with it bounds that need no network, see
`densities`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from minecli import events
from minecli.apps.ib.code_pairs import CodePairs, EncoderBase, code_pairs
from minecli.apps.ib.densities import KnownBounds, known_bounds
from minecli.apps.ib.networks import Bottleneck, Coded, Noise
from minecli.apps.ib.training import IbTraining, divergence_from_prior
from minecli.mine.ceilings import near_ceiling, score_ceiling
from minecli.mine.config import TrainingConfig
from minecli.mine.fitting import EvaluationRows, Fitting, NetworkShape, ValidationRows, shifted_scores
from minecli.mine.statistics_network import StatisticsNetwork
from minecli.result import Diagnostic, DiagnosticCode, Estimate, Status
from minecli.runtime.seeds import torch_generator

# Rows held out that are used at most: half of them stop the training, half are evaluated.
_MOST_ROWS = 8192
_SHIFTS_PER_ROW = 64
_VALIDATION_SHIFTS = 16
_HIDDEN = 128
_MOST_TRAINING_ROWS = 20_000
_BATCH = 256
# Codes per row of the bounds that are known: fewer of many rows, whose mean is as exact.
_KNOWN_DRAWS = 4
_KNOWN = ("low_nats", "high_nats", "divergence_nats")


def estimate_of(
    nats: float | None, error_nats: float | None, status: Status, ceiling_nats: float, known: Mapping[str, Any]
) -> Estimate:
    """I(X;Z) of one model as an estimate.

    Args:
        nats: the Donsker-Varadhan bound on rows that no network saw, or None.
        error_nats: its standard error over rows.
        status: how the training of the network ended.
        ceiling_nats: what so many rows can certify at the very most; near it a diagnostic says so.
        known: `low_nats` and `high_nats`, which bound I(X;Z) where q(z|x) is known, and `divergence_nats`, the mean
            divergence from the prior, which is at least `high_nats`; None, or left out, elsewhere.

    >>> estimate_of(4.0, 0.1, Status.MAX_STEPS, 5.0, {}).diagnostics[0].code
    <DiagnosticCode.NEAR_LOG_N_CEILING: 'near-log-n-ceiling'>
    """
    doubts: tuple[Diagnostic, ...] = ()
    if nats is not None and near_ceiling(nats, ceiling_nats):
        message = (
            f"{nats:.3g} nats is close to or above {ceiling_nats:.3g}, the most that so many held-out rows can "
            "certify; the true value may be far above"
        )
        doubts = (Diagnostic(DiagnosticCode.NEAR_LOG_N_CEILING, message),)
    details = {"ceiling_nats": ceiling_nats} | {name: known.get(name) for name in _KNOWN}
    return Estimate("mine", nats, status, standard_error_nats=error_nats, diagnostics=doubts, details=details)


def is_near_ceiling(estimate: Estimate) -> bool:
    """Whether so much is beyond what so many rows can certify, and the truth may be far above."""
    return any(d.code is DiagnosticCode.NEAR_LOG_N_CEILING for d in estimate.diagnostics)


def to_json(estimate: Estimate) -> dict[str, Any]:
    """One model's I(X;Z) as plain values, as results and checkpoints hold it."""
    return {
        "nats": estimate.mi_nats,
        "standard_error_nats": estimate.standard_error_nats,
        "status": str(estimate.status),
        "near_ceiling": is_near_ceiling(estimate),
        "ceiling_nats": estimate.details["ceiling_nats"],
    } | {name: estimate.details[name] for name in _KNOWN}


def from_json(content: Mapping[str, Any]) -> Estimate:
    """The estimate that `to_json` wrote.

    >>> whole = estimate_of(1.0, 0.1, Status.CONVERGED, 5.0, {"low_nats": 0.5})
    >>> from_json(to_json(whole)) == whole
    True
    """
    value, error = content["nats"], content["standard_error_nats"]
    return estimate_of(value, error, Status(content["status"]), content["ceiling_nats"], content)


def measured_information(
    training: IbTraining,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
    state: dict[str, Any] | None = None,
    save: Callable[[dict[str, Any]], None] | None = None,
) -> list[Estimate] | None:
    """Measure I(X;Z) of every model that a training has stored, on the rows that it is evaluated on.

    Args:
        training: of the encoders, done.
        observer: told of the progress of the networks that measure.
        should_stop: asked between their steps.
        state: what `save` was handed last in an earlier attempt, from which it goes on; None to begin.
        save: handed the state of these networks at their evaluations, and where they are stopped.

    Returns:
        One estimate per model, see `estimate_of`; None where the measurement was stopped.
    """
    network: Any = training.last_finite["classifier"]
    held_out = training.held_out.x[:_MOST_ROWS].to(training.device)
    middle = len(held_out) // 2
    if middle < 2:
        return [estimate_of(None, None, Status.NONFINITE, 0.0, {}) for _ in training.seeds]
    seen, unseen, base = code_pairs(training, training.train.x[:_MOST_TRAINING_ROWS], held_out)
    fitting = _fitting(training, seen, unseen.some(slice(None, middle)), base)
    if state is not None:
        fitting.training.load_state_dict(state)
    status = fitting.training.run(f"I(X;Z) of {training.method}", observer, should_stop, save)
    if status is Status.INTERRUPTED:
        return None
    known = _known_bounds(network, held_out[middle:], training) if network.has_moments else {}
    evaluated = unseen.some(slice(middle, None))
    return [
        estimate_of(None, None, Status.DIVERGED, 0.0, {})
        if training.diverged_at[m] is not None
        else _evaluated(fitting, m, evaluated, status, {name: each[m] for name, each in known.items()})
        for m in range(len(training.seeds))
    ]


def _fitting(training: IbTraining, seen: CodePairs, stopping: CodePairs, base: EncoderBase) -> Fitting:
    """Fresh networks on rows learnt from, to be stopped by rows of their own."""
    steps, (models, count, width) = training.config.information_steps, seen.codes.shape
    settings = TrainingConfig(
        hidden=_HIDDEN, max_steps=steps, learning_rate=2e-3, batch_size=min(_BATCH, count),
        evaluate_every=max(1, steps // 20),
    )  # fmt: skip
    shape = NetworkShape(
        models=models,
        x_features=seen.rows.shape[-1],
        z_features=width,
        ceiling=score_ceiling(count),
        base=base,
        device=training.device,
    )

    def batch(step: int) -> tuple[Tensor, Tensor]:
        streams = [torch_generator(seed, "ib", "information", "rows", step) for seed in training.seeds]
        rows = torch.stack([torch.randint(count, (settings.batch_size,), generator=stream) for stream in streams])
        places = rows[..., None].to(seen.codes.device)
        return seen.rows.take_along_dim(places, 1), seen.codes.take_along_dim(places, 1)

    def scores(network: StatisticsNetwork, shifts: int) -> Tensor:
        own = torch_generator(0, "ib", "information", "validation")
        return shifted_scores(network, stopping.rows, stopping.codes, shifts, own)

    validation = ValidationRows(scores, settings.objective(), _VALIDATION_SHIFTS, _VALIDATION_SHIFTS)
    network = shape.build(settings, torch_generator(training.seeds[0], "ib", "information", "weights"))
    return Fitting(network, batch, validation, settings, training.seeds[0])


def _evaluated(fitting: Fitting, model: int, held_out: CodePairs, status: Status, known: Mapping[str, Any]) -> Estimate:
    """One model's bound on rows that nothing has seen, beside what is known of it."""
    count = held_out.codes.shape[1]
    draws = torch_generator(fitting.training.seed, "ib", "information", "evaluation")
    rows = EvaluationRows(lambda where: held_out.of_model(model, where), count, _SHIFTS_PER_ROW, draws)
    terms = fitting.terms({model: 1.0}, rows)
    assert terms is not None
    ceiling = math.log(count)
    if not math.isfinite(terms.value_nats):
        return estimate_of(None, None, Status.NONFINITE, ceiling, known)
    error = math.sqrt(float(terms.influence.var()) / count)
    return estimate_of(terms.value_nats, error, status, ceiling, known)


@torch.no_grad()
def _known_bounds(network: Bottleneck, x: Tensor, training: IbTraining) -> dict[str, list[Any]]:
    """The bounds that need no network: those of the module's docstring, and the mean divergence from the prior."""
    noise = Noise(training.seeds, training.device, "information", "known")
    every = x.expand(len(training.seeds), *x.shape)
    draws = min(_KNOWN_DRAWS, max(1, _MOST_ROWS // len(x)))
    drawn = [network.encode(every, noise) for _ in range(draws)]
    each = [_exactly(coded) for coded in drawn]
    low: list[Any]
    low, high = (torch.stack([getattr(e, side) for e in each]).mean(0).tolist() for side in ("low", "high"))
    divergence = divergence_from_prior(drawn[0]).tolist()
    if not network.is_known:
        # What is known is q(z|x, noise): z may say more about both than about x. The bounds from above hold for x, too.
        low = [None for _ in low]
    known: dict[str, list[Any]] = {
        "low_nats": low,
        "high_nats": list(map(min, high, divergence)),
        "divergence_nats": divergence,
    }
    return {name: [None if v is None or not math.isfinite(v) else v for v in values] for name, values in known.items()}


def _exactly(coded: Coded) -> KnownBounds:
    """Both bounds of `densities` by one draw of the codes."""
    assert coded.mean is not None
    assert coded.deviation is not None
    return known_bounds(coded.z.double(), coded.mean.double(), coded.deviation.double())
