"""The loop of models that are trained side by side, one per seed: steps, evaluations, divergence, and its state.

What a step is, and what a model is measured by, is said by those who use it. Everything random is drawn from streams
named by seed and step, so that a run resumed from its checkpoint makes the draws it would have made, and a seed's
draws do not depend on the seeds trained beside it.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from minecli import events
from minecli.mine.config import TrainingConfig
from minecli.mine.gradient import MovingAverageDenominator
from minecli.mine.training import ScoresPairs, ascend
from minecli.result import Status

# The paper's own choice for GANs (Radford et al., 2016).
BETAS = (0.5, 0.999)

_SAMPLES_AT_ONCE = 1000

# Whether what a model makes is finite, and its metrics.
Measurement = tuple[bool, Mapping[str, float | None]]
# Takes the state of a training, and whether it must be written now.
Save = Callable[[dict[str, Any], bool], None]


@dataclass(frozen=True)
class Evaluation:
    """One model at one step: a bound on the information in nats, and the metrics of what it makes. What training adds
    to it (losses, norms) is smoothed over the last steps."""

    step: int
    information_nats: float | None
    metrics: dict[str, float | None]

    @classmethod
    def of(cls, step: int, values: Mapping[str, float], metrics: Mapping[str, float | None]) -> Self:
        """An evaluation of what is known; the rest is None.

        >>> Evaluation.of(3, {}, {"modes": 25.0})
        Evaluation(step=3, information_nats=None, metrics={'modes': 25.0})
        """
        named = {f.name: values.get(f.name) for f in fields(cls) if f.name not in ("step", "metrics")}
        return cls(step=step, metrics=dict(metrics), **named)


@dataclass(frozen=True)
class Schedule:
    """How many steps a training has; models are evaluated every so many of them, and after the last."""

    steps: int
    evaluate_every: int


class SideBySideTraining(ABC):
    """Several models, one per seed, trained side by side.

    Attributes:
        diverged_at: the step at which a model was no longer finite, for each; None for those that are.
        history: the evaluations of each model while it was finite.
        last_finite: the networks named in `STORED` as they were when each model was last evaluated and finite.

    Args:
        method: a name, for those who watch.
        schedule: steps and evaluations.
        statistics: how a statistics network ascends.
        seeds: one model each.
        device: where it computes.
        networks: by name, each with all models; each is trained by an Adam of its own.
    """

    EVALUATION: ClassVar[type[Evaluation]] = Evaluation
    STORED: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        method: str,
        schedule: Schedule,
        statistics: TrainingConfig,
        seeds: Sequence[int],
        device: torch.device,
        networks: Mapping[str, nn.Module],
    ) -> None:
        self.method, self.schedule, self.statistics = method, schedule, statistics
        self.seeds, self.device, self.step = tuple(seeds), device, 0
        self.networks = {name: network.to(device) for name, network in networks.items()}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=self.learning_rate(name), betas=BETAS, fused=True)
            for name, network in self.networks.items()
        }
        self.average = MovingAverageDenominator(statistics.ema_decay)
        self.last_finite = {
            name: copy.deepcopy(self.networks[name]).eval().requires_grad_(False) for name in self.STORED
        }
        self.diverged_at: list[int | None] = [None] * len(self.seeds)
        self.history: list[list[Evaluation]] = [[] for _ in self.seeds]
        self._recent: dict[str, Tensor] = {}

    @property
    def steps(self) -> int:
        """The number of steps of the whole training."""
        return self.schedule.steps

    @abstractmethod
    def learning_rate(self, network: str) -> float:
        """The learning rate of a network's Adam at the step that comes; asked before the first step, too."""

    @abstractmethod
    def advance(self) -> None:
        """Take one step with all networks."""

    @abstractmethod
    def measure(self) -> tuple[list[Measurement], Tensor | None]:
        """Measure every model: whether what it makes is finite, and its metrics; and the bound on the information on
        fresh samples in nats, shape (models,), where there is one."""

    def run(
        self,
        observer: events.Observer = events.ignore,
        should_stop: Callable[[], bool] = events.never,
        save: Save | None = None,
    ) -> bool:
        """Train to the last step, or until no model is finite; False where it was stopped before."""
        while self.step < self.steps and not all(step is not None for step in self.diverged_at):
            if should_stop():
                if save is not None:
                    save(self.state_dict(), True)
                return False
            for name, optimizer in self.optimizers.items():
                for group in optimizer.param_groups:
                    group["lr"] = self.learning_rate(name)
            self.advance()
            self.step += 1
            if self.step % self.schedule.evaluate_every == 0 or self.step == self.steps:
                observer(self.evaluate())
                if save is not None:
                    save(self.state_dict(), self.step == self.steps)
        return True

    def status(self, model: int) -> Status:
        """How a model has ended. No bound stops rising here: `max_steps` is the regular end."""
        if self.diverged_at[model] is not None:
            return Status.DIVERGED
        return Status.MAX_STEPS if self.step >= self.steps else Status.INTERRUPTED

    def descend(self, name: str, loss: Tensor) -> None:
        """One step of a network DOWN a loss, shape (models,)."""
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    @property
    def _scoring(self) -> ScoresPairs:
        return self.networks["statistics"]  # type: ignore[return-value]

    def ascend_statistics(self, samples: Tensor, latent: Tensor, shifts: Sequence[int]) -> None:
        """One step of the statistics network UP its bound, on pairs that carry no gradient: samples (models, b, *shape)
        and latents (models, b, l), and the latter shifted by each of `shifts` as pairs of the marginals."""
        optimizer = self.optimizers["statistics"]
        bound = ascend(self._scoring, optimizer, self.average, samples, latent, shifts, self.statistics)
        self.remember(information_nats=bound)

    def information(self, samples: Tensor, latent: Tensor, shifts: Sequence[int]) -> Tensor:
        """The bound on I(samples; latent) in nats, shape (models,), differentiable in both; see `ascend_statistics`."""
        t = self._scoring.score_rows(samples, latent, [0, *shifts])
        value: Tensor = self.statistics.objective().value_of(t[:, 0], t[:, 1:])
        return value

    def remember(self, **values: Tensor) -> None:
        """Smooth what evaluations show, shape (models,) each, over some fifty steps."""
        for name, value in values.items():
            held = self._recent.get(name)
            self._recent[name] = value.detach() if held is None else held.lerp(value.detach(), 0.02)

    @torch.no_grad()
    def evaluate(self) -> events.Event:
        """Evaluate every model that is finite; of one that is not any more the step is noted, and it is left behind."""
        recent = {name: value.tolist() for name, value in self._recent.items()}
        measurements, bound = self.measure()
        if bound is not None:
            recent["information_nats"] = bound.tolist()
        for m, (is_finite, metrics) in enumerate(measurements):
            values = {name: each[m] for name, each in recent.items()}
            if self.diverged_at[m] is not None:
                continue
            if not (is_finite and finite(values)):
                self.diverged_at[m] = self.step
                continue
            self.store(m)
            self.history[m].append(self.EVALUATION.of(self.step, values, metrics))
        return events.Event(self.method, self.step, self.steps, mean_of_last(self.history))

    def judged(self, name: str) -> nn.Module:
        """The network that is measured and stored: the one that is trained, or what is made of it, such as an average
        of its weights."""
        return self.networks[name]

    def store(self, model: int) -> None:
        """Copy what is judged of a model that is finite to `last_finite`."""
        for name, stored in self.last_finite.items():
            copy_model(self.judged(name), stored, model)

    def _parts(self) -> dict[str, Mapping[str, Any]]:
        return {"networks": self.networks, "optimizers": self.optimizers, "good": self.last_finite}

    def part_states(self) -> dict[str, Any]:
        """The states of networks, optimisers and what is stored."""
        return {part: {name: each.state_dict() for name, each in own.items()} for part, own in self._parts().items()}

    def state_dict(self) -> dict[str, Any]:
        """Everything `load_state_dict` needs to go on as if nothing had happened: tensors and plain values."""
        return {
            "step": self.step,
            "broken": self.diverged_at,
            **self.part_states(),
            "log_average": self.average.log_average,
            "recent": self._recent,
            "history": [[asdict(each) for each in evaluations] for evaluations in self.history],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a run with the same data, settings and seeds."""
        self.step, self.diverged_at = int(state["step"]), list(state["broken"])
        for part, own in self._parts().items():
            for name, each in own.items():
                each.load_state_dict(state[part][name])
        self.average.log_average = None if state["log_average"] is None else state["log_average"].to(self.device)
        self._recent = {name: value.to(self.device) for name, value in state["recent"].items()}
        self.history = [[self.EVALUATION(**each) for each in evaluations] for evaluations in state["history"]]


def finite(values: Mapping[str, float]) -> bool:
    """Whether all values are finite.

    >>> finite({"generator_loss": float("inf")})
    False
    """
    return all(math.isfinite(v) for v in values.values())


def mean_of_last(histories: Sequence[Sequence[Evaluation]]) -> dict[str, float]:
    """The mean over models of what the progress line shows: their last metrics and information in nats."""
    values: dict[str, list[float]] = {}
    for last in (history[-1] for history in histories if history):
        for name, value in {**last.metrics, "information_nats": last.information_nats}.items():
            if value is not None:
                values.setdefault(name, []).append(value)
    return {name: sum(v) / len(v) for name, v in values.items()}


def copy_model(source: nn.Module, target: nn.Module, model: int) -> None:
    """Copy the weights and buffers of one model from a network to another one of the same shape, in place."""
    current = source.state_dict()
    for name, tensor in target.state_dict().items():
        tensor[model] = current[name][model]


@torch.no_grad()
def applied(network: nn.Module, inputs: Tensor, device: torch.device) -> Tensor:
    """What a network makes of (models, n, ...) by its running statistics, in parts: (models, n, ...), on the CPU. The
    network is left in the mode it was in."""
    before = network.training
    network.eval()
    parts = [network(part.to(device)).cpu() for part in torch.split(inputs, _SAMPLES_AT_ONCE, 1)]
    network.train(before)
    return torch.cat(parts, 1)


def only_model(network: nn.Module, which: int) -> nn.Module:
    """The same network with its model number `which` alone; changed in place."""
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(parameter.data[which : which + 1], requires_grad=False))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer[which : which + 1])
    return network
