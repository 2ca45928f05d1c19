"""Algorithm 1 of the paper: the one loop of the package that trains statistics networks.

`ascend` is a single step, for whoever trains a statistics network beside something else. `Training` is the whole
loop: schedule, averaged weights, early stopping on a validation bound, progress, interruption and resumption.

Everything random is drawn from streams named by the step, so that a run resumed from its checkpoint makes exactly
the draws it would have made without the interruption.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from minecli import events
from minecli.mine.config import TrainingConfig
from minecli.mine.gradient import MovingAverageDenominator, clip_gradients
from minecli.mine.sampling import random_shifts
from minecli.mine.statistics_network import StatisticsNetwork
from minecli.result import Status
from minecli.runtime.seeds import torch_generator

Batch = Callable[[int], tuple[Tensor, Tensor]]
Validation = Callable[[StatisticsNetwork], Tensor]

# The validation bound counts as rising while it gains more than this many nats, plus this share of itself, over
# `patience` evaluations: below that, further steps are not worth their time.
RISE_NATS = 1e-3
RISE_SHARE = 2e-3


class ScoresPairs(Protocol):
    """A statistics network as its training sees it: several models side by side."""

    def score_rows(self, x: Tensor, z: Tensor, shifts: Sequence[int]) -> Tensor:
        """Score row i of x with row i - s of z for each shift s: (models, len(shifts), b), in nats."""

    def parameters(self) -> Iterable[nn.Parameter]:
        """The weights that are trained, each of shape (models, ...)."""


def ascend(
    network: ScoresPairs,
    optimizer: torch.optim.Optimizer,
    average: MovingAverageDenominator,
    x: Tensor,
    z: Tensor,
    shifts: Sequence[int],
    config: TrainingConfig,
) -> Tensor:
    """Take one step of gradient ascent, for every model.

    Args:
        x: features of the batch's rows, shape (models, b, x_features).
        z: likewise, shape (models, b, z_features); row i belongs to row i of x.
        shifts: the re-pairings that make the marginal pairs, each in 1 .. b-1.

    Returns:
        The criterion on this batch in nats, detached, shape (models,). It says how training goes and is no estimate.
    """
    objective = config.objective()
    t = network.score_rows(x, z, [0, *shifts])
    joint, marginal = t[:, 0], t[:, 1:]
    loss = -objective.ascent(joint, marginal, average).sum()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    clip_gradients(list(network.parameters()), config.gradient_clip)
    optimizer.step()
    return objective.criterion_of(joint.detach(), marginal.detach())


@dataclass(frozen=True)
class Evaluation:
    """The models during training, in nats: every model's bound on training batches, and on its validation
    part (empty: there is none)."""

    step: int
    training_by_model_nats: tuple[float, ...]
    by_model_nats: tuple[float, ...]

    @property
    def training_nats(self) -> float:
        """The mean over models."""
        return sum(self.training_by_model_nats) / len(self.training_by_model_nats)

    @property
    def validation_nats(self) -> float | None:
        """The mean over models."""
        return sum(self.by_model_nats) / len(self.by_model_nats) if self.by_model_nats else None


class Training:
    """The loop, its state, and the best averaged weights it has seen.

    Args:
        network: the networks to train, in place.
        batch: gives step s its (x, z) features, shapes (models, b, features); it must depend on s alone.
        validate: the bound on the validation part, shape (models,), or None to train without one; then the
            averaged weights of the last step are the result.
        config: settings.
        seed: names the random streams.
        weight_decay: by how much, in units of the learning rate, each model's weights shrink at every step, shape
            (models,) (decoupled weight decay, Loshchilov and Hutter, 2019); None for not at all.
    """

    def __init__(
        self,
        network: StatisticsNetwork,
        batch: Batch,
        validate: Validation | None,
        config: TrainingConfig,
        seed: int,
        weight_decay: Tensor | None = None,
    ) -> None:
        self.weight_decay = weight_decay
        self.network, self.batch, self.validate, self.config, self.seed = network, batch, validate, config, seed
        self.averaged = copy.deepcopy(network).requires_grad_(False)
        self.best = copy.deepcopy(self.averaged)
        self.best_nats = torch.full((network.models,), -math.inf, dtype=torch.float64)
        self.settled = torch.zeros(network.models, dtype=torch.bool)
        self.average = MovingAverageDenominator(config.ema_decay)
        self.optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
        self.step = 0
        self.ended: Status | None = None
        self.history: list[Evaluation] = []
        self._recent: Tensor | None = None

    def learning_rate(self, step: int) -> float:
        """The schedule: linear from a tenth to the peak over the warm-up, then a cosine down to a thousandth."""
        warmup = max(1, round(self.config.warmup_share * self.config.max_steps))
        if step < warmup:
            return self.config.learning_rate * (0.1 + 0.9 * step / warmup)
        progress = (step - warmup) / max(1, self.config.max_steps - warmup)
        return self.config.learning_rate * (0.001 + 0.999 * 0.5 * (1.0 + math.cos(math.pi * progress)))

    def run(
        self,
        stage: str,
        observer: events.Observer = events.ignore,
        should_stop: Callable[[], bool] = events.never,
        save: Callable[[dict[str, Any]], None] | None = None,
    ) -> Status:
        """Train until the validation bound stops rising or the steps are used up; return how it ended.

        `save` is handed the whole state at evaluations and before an interruption is obeyed. A run that has ended
        stays ended: resumed from its last state, it returns the same status without another step.
        """
        while self.ended is None:
            if should_stop():
                if save is not None:
                    save(self.state_dict())
                return Status.INTERRUPTED
            self._advance()
            if self.step % self.config.evaluate_every and self.step not in (1, self.config.max_steps):
                continue
            evaluation = self._evaluate()
            observer(_progress(stage, evaluation, self.config.max_steps))
            self.ended = self._verdict(evaluation)
            if save is not None:
                save(self.state_dict())
        return self.ended

    def _verdict(self, evaluation: Evaluation) -> Status | None:
        """How the run has ended, or None if it has not."""
        if not math.isfinite(evaluation.training_nats) or not math.isfinite(evaluation.validation_nats or 0.0):
            return Status.NONFINITE
        if self.validate is not None and bool(self.settled.all()):
            return Status.CONVERGED
        if self.step < self.config.max_steps:
            return None
        return self._outcome()

    def _advance(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(self.step)
        x, z = self.batch(self.step)
        draws = torch_generator(self.seed, "shifts", self.step)
        shifts = random_shifts(x.shape[1], self.config.marginal_shifts, draws)
        value = ascend(self.network, self.optimizer, self.average, x, z, shifts, self.config)
        self._decay()
        # The average of the first steps is short, so that it does not hold on to the initial weights.
        keep = min(self.config.weight_average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for slow, fast in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
                slow.lerp_(fast, 1.0 - keep)
        self._recent = value if self._recent is None else self._recent.lerp(value, 0.02)
        self.step += 1

    @torch.no_grad()
    def _decay(self) -> None:
        if self.weight_decay is None:
            return
        # A strength beyond 1 / learning rate leaves nothing; it must not turn weights around.
        remaining = (1.0 - self.learning_rate(self.step) * self.weight_decay[:, None, None]).clamp(min=0.0)
        for weight in self.network.decaying():
            weight.mul_(remaining)

    @torch.no_grad()
    def _evaluate(self) -> Evaluation:
        assert self._recent is not None
        if self.validate is None:
            values, better = self.best_nats, torch.ones_like(self.settled)
        else:
            values = self.validate(self.averaged).double().cpu()
            better = (values > self.best_nats) & ~self.settled
        for best, current in zip(self.best.parameters(), self.averaged.parameters(), strict=True):
            best[better] = current[better]
        self.best_nats = torch.where(better, values, self.best_nats)
        by_model = () if self.validate is None else tuple(values.tolist())
        evaluation = Evaluation(self.step, tuple(self._recent.tolist()), by_model)
        self.history.append(evaluation)
        self._settle()
        return evaluation

    def _settle(self) -> None:
        """Close the models for which `patience` evaluations after the warm-up have brought no rise.

        Each model is stopped by its own validation part: what is validation to one is held out to another, and a
        decision on all of them together would let held-out rows choose the weights that are evaluated on them.
        """
        if self.validate is None or self.step <= self.config.warmup_share * self.config.max_steps:
            return
        for m in range(self.network.models):
            curve = [e.by_model_nats[m] for e in self.history]
            if not still_rising(curve, self.config.patience):
                self.settled[m] = True

    def still_rising(self) -> bool:
        """Whether the mean validation bound was still rising at the end."""
        curve = [e.validation_nats for e in self.history if e.validation_nats is not None]
        return self.validate is not None and still_rising(curve, end_of(self.config.patience))

    def adopt(self, whole: Training, share: slice) -> None:
        """Become what came of some of the models of another training that has ended.

        Args:
            whole: the training of a network that `StatisticsNetwork.joined` made of this one's and others.
            share: which of its models are this one's.
        """
        assert whole._recent is not None
        self.step, self._recent = whole.step, whole._recent[share]
        self.best = whole.best.select(range(share.start, share.stop))
        self.best_nats, self.settled = whole.best_nats[share], whole.settled[share]
        self.history = [
            Evaluation(e.step, e.training_by_model_nats[share], e.by_model_nats[share]) for e in whole.history
        ]
        self.ended = Status.CONVERGED if bool(self.settled.all()) else self._outcome()

    def _outcome(self) -> Status:
        """How a run that has used up its steps has ended."""
        return Status.MAX_STEPS if self.still_rising() else Status.CONVERGED

    def state_dict(self) -> dict[str, Any]:
        """Everything a later `load_state_dict` needs to go on as if nothing had happened."""
        return {
            "step": self.step,
            "ended": None if self.ended is None else str(self.ended),
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "best": self.best.state_dict(),
            "best_nats": self.best_nats,
            "settled": self.settled,
            "optimizer": self.optimizer.state_dict(),
            "log_average": self.average.log_average,
            "recent": self._recent,
            "history": [[e.step, list(e.training_by_model_nats), list(e.by_model_nats)] for e in self.history],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` gave, of a run with the same settings, data and seed."""
        device = self.network.bias.device
        self.step = int(state["step"])
        self.ended = None if state["ended"] is None else Status(state["ended"])
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.best.load_state_dict(state["best"])
        self.best_nats = state["best_nats"]
        self.settled = state["settled"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.log_average = None if state["log_average"] is None else state["log_average"].to(device)
        self._recent = None if state["recent"] is None else state["recent"].to(device)
        self.history = [Evaluation(step, tuple(nats), tuple(by_model)) for step, nats, by_model in state["history"]]


def still_rising(curve: Sequence[float], evaluations: int) -> bool:
    """Whether the last so many values of a validation curve, in nats, exceed all before by more than noise, or there
    are too few to say.

    >>> still_rising([0.1, 0.5, 0.5, 0.5], 2), still_rising([0.1, 0.2, 0.3, 0.4], 2), still_rising([0.1], 2)
    (False, True, True)
    """
    if len(curve) <= evaluations:
        return True
    before, after = max(curve[:-evaluations]), max(curve[-evaluations:])
    return after - before > RISE_NATS + RISE_SHARE * abs(before)


def end_of(patience: int) -> int:
    """How many evaluations count as the end of training: the learning rate has become small by then, and a bound that
    still rises shows that more steps would have raised it further.

    >>> end_of(9)
    3
    """
    return max(1, patience // 3)


def _progress(stage: str, evaluation: Evaluation, total: int) -> events.Event:
    values = {"training_nats": evaluation.training_nats}
    if evaluation.validation_nats is not None:
        values["validation_nats"] = evaluation.validation_nats
    return events.Event(stage, evaluation.step, total, values)
