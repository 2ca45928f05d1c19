"""The loop of networks that are trained against a discriminator: steps, looks, divergence, and its state.

What a step is, and what a model is judged by, is said by those who use it. Everything random is drawn from streams
named by seed and step, so that a run resumed from its checkpoint makes the draws it would have made, and a seed's
draws do not depend on the seeds trained beside it.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from minecli import events
from minecli.apps.adversarial.clipping import clip_adaptively, model_norms
from minecli.apps.adversarial.config import AdversarialConfig
from minecli.apps.adversarial.looks import Look, finite, mean_of_last
from minecli.mine.gradient import MovingAverageDenominator
from minecli.mine.sampling import random_shifts
from minecli.mine.training import ScoresPairs, ascend
from minecli.result import Status

# The paper's own choice for GANs (Radford et al., 2016).
BETAS = (0.5, 0.999)
# Samples and re-pairings for an evaluation of the bound, of which the logarithm of all pairs is taken at once; images
# cost a convolution for every pair.
EVALUATION_SAMPLES = {1: 2500, 3: 500}
EVALUATION_PAIRINGS = {1: 20, 3: 4}
_SAMPLES_AT_ONCE = 1000

Judgement = tuple[bool, Mapping[str, float | None]]
Save = Callable[[dict[str, Any], bool], None]


class AdversarialTraining(ABC):
    """Several models, one per seed, trained side by side.

    Args:
        method: a name, for those who watch.
        config: settings.
        seeds: one model each.
        device: where it computes.
        networks: by name, each with all models; each is trained by an Adam of its own.
        kept: names of those of which the last whole copy is kept, in `good`.
    """

    def __init__(
        self,
        method: str,
        config: AdversarialConfig,
        seeds: Sequence[int],
        device: torch.device,
        networks: Mapping[str, nn.Module],
        kept: Sequence[str],
    ) -> None:
        self.method, self.config, self.seeds, self.device = method, config, tuple(seeds), device
        self.networks = {name: network.to(device) for name, network in networks.items()}
        self.optimizers = {name: self._adam(network) for name, network in self.networks.items()}
        self.average = MovingAverageDenominator(config.ema_decay)
        self.good = {name: copy.deepcopy(self.networks[name]).eval().requires_grad_(False) for name in kept}
        self.step = 0
        self.broken: list[int | None] = [None] * len(self.seeds)
        self.history: list[list[Look]] = [[] for _ in self.seeds]
        self._recent: dict[str, Tensor] = {}

    def _adam(self, network: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(network.parameters(), lr=self.config.learning_rate, betas=BETAS, fused=True)

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
        while self.step < self.config.steps and not all(b is not None for b in self.broken):
            if should_stop():
                if save is not None:
                    save(self.state_dict(), True)
                return False
            rate = self.config.learning_rate_at(self.step)
            for group in (g for optimizer in self.optimizers.values() for g in optimizer.param_groups):
                group["lr"] = rate
            self.advance()
            self.step += 1
            if self.step % self.config.evaluate_every == 0 or self.step == self.config.steps:
                observer(self.look())
                if save is not None:
                    save(self.state_dict(), self.step == self.config.steps)
        return True

    def status(self, model: int) -> Status:
        """How a model has ended. No bound stops rising here: `max_steps` is the regular end."""
        if self.broken[model] is not None:
            return Status.DIVERGED
        return Status.MAX_STEPS if self.step >= self.config.steps else Status.INTERRUPTED

    def descend(self, name: str, loss: Tensor) -> None:
        """One step of a network's own loss, shape (models,)."""
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def descend_informed(self, names: Sequence[str], loss: Tensor, bound: Tensor | None = None) -> None:
        """One step of several networks on their loss, and of the first one also on the information.

        Args:
            names: the networks; the first is on the information's path.
            loss: shape (models,).
            bound: on the information in nats, shape (models,); weighed by beta, its gradient is clipped to the length
                of the loss's (`clipping`) and ASCENDED.
        """
        own = list(self.networks[names[0]].parameters())
        others = [p for name in names[1:] for p in self.networks[name].parameters()]
        gradients = list(torch.autograd.grad(loss.sum(), own + others, retain_graph=bound is not None))
        adversarial = gradients[: len(own)]
        self.remember(generator_loss=loss, adversarial_norm=model_norms(adversarial))
        if bound is not None:
            information = torch.autograd.grad(-self.config.beta * bound.sum(), own)
            self.remember(information_norm=model_norms(information))
            clipped = clip_adaptively(adversarial, information)
            gradients[: len(own)] = [u + a for u, a in zip(adversarial, clipped, strict=True)]
        for parameter, gradient in zip(own + others, gradients, strict=True):
            parameter.grad = gradient
        for name in names:
            self.optimizers[name].step()

    def ascend_statistics(self, samples: Tensor, latent: Tensor, shifts: Sequence[int]) -> None:
        """One step of the statistics network, on pairs that carry no gradient."""
        network = self.networks["statistics"]
        optimizer, settings = self.optimizers["statistics"], self.config.statistics()
        bound = ascend(_scoring(network), optimizer, self.average, samples, latent, shifts, settings)
        self.remember(information_nats=bound)

    def information(self, samples: Tensor, latent: Tensor, shifts: Sequence[int]) -> Tensor:
        """The bound on I(samples; latent) in nats, shape (models,), differentiable in both."""
        t = _scoring(self.networks["statistics"]).score_rows(samples, latent, [0, *shifts])
        value: Tensor = self.config.statistics().objective().value_of(t[:, 0], t[:, 1:])
        return value

    def information_on(self, samples: Tensor, latent: Tensor, shift_stream: torch.Generator) -> Tensor:
        """The bound on the first of many pairs, with many re-pairings in one logarithm: for looks, not for training."""
        dims = samples.dim() - 2
        count = EVALUATION_SAMPLES[dims]
        rows, code = samples[:, :count].to(self.device), latent[:, :count].to(self.device)
        return self.information(rows, code, random_shifts(rows.shape[1], EVALUATION_PAIRINGS[dims], shift_stream))

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
            for name, copied in self.good.items():
                _copy_model(self.networks[name], copied, m)
            self.history[m].append(Look.of(self.step, values, metrics))
        return events.Event(self.method, self.step, self.config.steps, mean_of_last(self.history))

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
        self.history = [[Look(**look) for look in looks] for looks in state["history"]]


def _scoring(network: nn.Module) -> ScoresPairs:
    return network  # type: ignore[return-value]


def _copy_model(source: nn.Module, target: nn.Module, model: int) -> None:
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
