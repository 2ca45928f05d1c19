"""The loop of models that are trained side by side, one per seed: steps, looks, divergence, and its state.

What a step is, and what a model is judged by, is said by those who use it. Everything random is drawn from streams
named by seed and step, so that a run resumed from its checkpoint makes the draws it would have made, and a seed's
draws do not depend on the seeds trained beside it.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

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

Judgement = tuple[bool, Mapping[str, float | None]]
Save = Callable[[dict[str, Any], bool], None]


@dataclass(frozen=True)
class Look:
    """One model at one step: a bound on the information in nats, and the metrics of what it makes. What training adds
    to it (losses, norms) is smoothed over the last steps."""

    step: int
    information_nats: float | None
    metrics: dict[str, float | None]

    @classmethod
    def of(cls, step: int, values: Mapping[str, float], metrics: Mapping[str, float | None]) -> Self:
        """A look at what is known; the rest is None.

        >>> Look.of(3, {}, {"modes": 25.0})
        Look(step=3, information_nats=None, metrics={'modes': 25.0})
        """
        named = {f.name: values.get(f.name) for f in fields(cls) if f.name not in ("step", "metrics")}
        return cls(step=step, metrics=dict(metrics), **named)


class SideBySideTraining(ABC):
    """Several models, one per seed, trained side by side.

    Args:
        method: a name, for those who watch.
        steps: of the whole training.
        looks_every: steps from look to look.
        statistics: how a statistics network ascends.
        seeds: one model each.
        device: where it computes.
        networks: by name, each with all models; each is trained by an Adam of its own.
        kept: names of those of which the last whole copy is kept, in `good`.
    """

    LOOK: type[Look] = Look

    def __init__(
        self,
        method: str,
        steps: int,
        looks_every: int,
        statistics: TrainingConfig,
        seeds: Sequence[int],
        device: torch.device,
        networks: Mapping[str, nn.Module],
        kept: Sequence[str],
    ) -> None:
        self.method, self.steps, self.looks_every, self.statistics = method, steps, looks_every, statistics
        self.seeds, self.device, self.step = tuple(seeds), device, 0
        self.networks = {name: network.to(device) for name, network in networks.items()}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=self.learning_rate(name), betas=BETAS, fused=True)
            for name, network in self.networks.items()
        }
        self.average = MovingAverageDenominator(statistics.ema_decay)
        self.good = {name: copy.deepcopy(self.networks[name]).eval().requires_grad_(False) for name in kept}
        self.broken: list[int | None] = [None] * len(self.seeds)
        self.history: list[list[Look]] = [[] for _ in self.seeds]
        self._recent: dict[str, Tensor] = {}

    @abstractmethod
    def learning_rate(self, network: str) -> float:
        """Of a network's Adam at the step that comes; asked before the first step, too."""

    @abstractmethod
    def advance(self) -> None:
        """One step of all networks."""

    @abstractmethod
    def judge(self) -> tuple[list[Judgement], Tensor | None]:
        """For every model whether what it makes is finite, and its metrics; and the bound on the information on fresh
        samples in nats, shape (models,), where there is one."""

    def run(
        self,
        observer: events.Observer = events.ignore,
        should_stop: Callable[[], bool] = events.never,
        save: Save | None = None,
    ) -> bool:
        """Train to the last step; False where it was stopped before. `save` is handed the state and whether it must
        be kept now."""
        while self.step < self.steps and not all(b is not None for b in self.broken):
            if should_stop():
                if save is not None:
                    save(self.state_dict(), True)
                return False
            for name, optimizer in self.optimizers.items():
                for group in optimizer.param_groups:
                    group["lr"] = self.learning_rate(name)
            self.advance()
            self.step += 1
            if self.step % self.looks_every == 0 or self.step == self.steps:
                observer(self.look())
                if save is not None:
                    save(self.state_dict(), self.step == self.steps)
        return True

    def status(self, model: int) -> Status:
        """How a model has ended. No bound stops rising here: `max_steps` is the regular end."""
        if self.broken[model] is not None:
            return Status.DIVERGED
        return Status.MAX_STEPS if self.step >= self.steps else Status.INTERRUPTED

    def descend(self, name: str, loss: Tensor) -> None:
        """One step of a network's own loss, shape (models,)."""
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def ascend_statistics(self, samples: Tensor, latent: Tensor, shifts: Sequence[int]) -> None:
        """One step of the statistics network, on pairs that carry no gradient."""
        network, optimizer = self.networks["statistics"], self.optimizers["statistics"]
        bound = ascend(_scoring(network), optimizer, self.average, samples, latent, shifts, self.statistics)
        self.remember(information_nats=bound)

    def information(self, samples: Tensor, latent: Tensor, shifts: Sequence[int]) -> Tensor:
        """The bound on I(samples; latent) in nats, shape (models,), differentiable in both."""
        t = _scoring(self.networks["statistics"]).score_rows(samples, latent, [0, *shifts])
        value: Tensor = self.statistics.objective().value_of(t[:, 0], t[:, 1:])
        return value

    def remember(self, **values: Tensor) -> None:
        """Smooth what is watched, shape (models,) each, over some fifty steps."""
        for name, value in values.items():
            held = self._recent.get(name)
            self._recent[name] = value.detach() if held is None else held.lerp(value.detach(), 0.02)

    @torch.no_grad()
    def look(self) -> events.Event:
        """Judge every model that is whole; one that is not any more is marked as broken and left behind."""
        recent = {name: value.tolist() for name, value in self._recent.items()}
        judgements, bound = self.judge()
        if bound is not None:
            recent["information_nats"] = bound.tolist()
        for m, (whole, metrics) in enumerate(judgements):
            values = {name: each[m] for name, each in recent.items()}
            if self.broken[m] is not None:
                continue
            if not (whole and finite(values)):
                self.broken[m] = self.step
                continue
            self.keep(m)
            self.history[m].append(self.LOOK.of(self.step, values, metrics))
        return events.Event(self.method, self.step, self.steps, mean_of_last(self.history))

    def keep(self, model: int) -> None:
        """Put away a model that was found whole."""
        for name, copied in self.good.items():
            copy_model(self.networks[name], copied, model)

    def state_dict(self) -> dict[str, Any]:
        """Everything `load_state_dict` needs to go on as if nothing had happened."""
        return {
            "step": self.step,
            "broken": self.broken,
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "good": {name: network.state_dict() for name, network in self.good.items()},
            "log_average": self.average.log_average,
            "recent": self._recent,
            "history": [[asdict(look) for look in looks] for looks in self.history],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a run with the same data, settings and seeds."""
        self.step, self.broken = int(state["step"]), list(state["broken"])
        for name, network in self.networks.items():
            network.load_state_dict(state["networks"][name])
            self.optimizers[name].load_state_dict(state["optimizers"][name])
        for name, network in self.good.items():
            network.load_state_dict(state["good"][name])
        self.average.log_average = None if state["log_average"] is None else state["log_average"].to(self.device)
        self._recent = {name: value.to(self.device) for name, value in state["recent"].items()}
        self.history = [[self.LOOK(**look) for look in looks] for looks in state["history"]]


def finite(values: Mapping[str, float]) -> bool:
    """Whether all of them are.

    >>> finite({"generator_loss": float("inf")})
    False
    """
    return all(math.isfinite(v) for v in values.values())


def mean_of_last(histories: Sequence[Sequence[Look]]) -> dict[str, float]:
    """The mean over models of what the progress line shows: their last metrics and information in nats."""
    values: dict[str, list[float]] = {}
    for look in (history[-1] for history in histories if history):
        for name, value in {**look.metrics, "information_nats": look.information_nats}.items():
            if value is not None:
                values.setdefault(name, []).append(value)
    return {name: sum(v) / len(v) for name, v in values.items()}


def _scoring(network: nn.Module) -> ScoresPairs:
    return network  # type: ignore[return-value]


def copy_model(source: nn.Module, target: nn.Module, model: int) -> None:
    """Copy one of the models that two networks hold."""
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
    """The same network with one of its models alone; changed in place."""
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(parameter.data[which : which + 1], requires_grad=False))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer[which : which + 1])
    return network
