"""What the classifiers that measure made samples have in common: first weights, training, and a cache."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from minecli import events
from minecli.errors import DataError, OutputError, UsageError
from minecli.runtime.checkpoint import load_checkpoint, save_checkpoint

Network = TypeVar("Network", bound=nn.Module)

_STEPS_PER_EVENT = 25


def he_weight(draws: torch.Generator, *shape: int) -> nn.Parameter:
    """Normal weights (outputs, inputs...) of variance 2 / inputs, which keeps the scale of activations through
    rectifiers: He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015.

    >>> he_weight(torch.Generator().manual_seed(0), 3, 2, 5, 5).shape
    torch.Size([3, 2, 5, 5])
    """
    return nn.Parameter(nn.init.kaiming_normal_(torch.empty(shape), nonlinearity="relu", generator=draws))


class ClassifierTraining(ABC, Generic[Network]):
    """How one kind of classifier is made, trained by Adam and measured, and its file in a cache. Whatever is wrong with
    the file costs the cache alone, and is said.

    Attributes:
        STAGE: what the observer is told this is.
        SCORE, TOLD: what the number is called that is measured of a trained network: in the file, and to the observer.
        device: where it computes.
        steps: the number of steps.
        fingerprint: of all that decides the weights.
    """

    STAGE: ClassVar[str]
    SCORE: ClassVar[str]
    TOLD: ClassVar[str]
    device: str
    steps: int
    fingerprint: str

    @abstractmethod
    def make(self) -> Network:
        """An untrained network, always a new one: a failure may leave one half filled."""

    @abstractmethod
    def rate(self, step: int) -> float:
        """The learning rate of a step."""

    @abstractmethod
    def loss(self, network: Network, step: int) -> Tensor:
        """What a step descends, in nats."""

    @abstractmethod
    def measure(self, network: Network) -> float:
        """How good a trained network is; NaN where nothing can be said."""

    def trained(
        self, cache: Path | None, observer: events.Observer, should_stop: Callable[[], bool]
    ) -> tuple[Network, float] | None:
        """The trained network and its score, from the folder `cache` where it has been stored, None to store nothing;
        None where training was stopped."""
        # Other data or settings have another file, so that two of them in turn do not push each other out.
        name = f"{self.STAGE.replace(' ', '-')}-{self.fingerprint[:12]}.pt"
        path = None if cache is None else cache / name
        if path is not None and path.exists():
            try:
                return self._read(path)
            except (DataError, UsageError) as failure:
                observer(events.Event(self.STAGE, message=f"trained again, as {failure.problem}"))
        network = self.make().to(self.device)
        if not self.train(network, observer, should_stop):
            return None
        score = self.measure(network)
        observer(events.Event(self.STAGE, 1, 1, {} if math.isnan(score) else {self.TOLD: score}, done=True))
        if path is not None and (failure_reason := self._store(path, network, score)):
            observer(events.Event(self.STAGE, message=f"not kept for later runs: {failure_reason}"))
        return network, score

    def train(self, network: Network, observer: events.Observer, should_stop: Callable[[], bool]) -> bool:
        """Train a network in place; False if stopped."""
        optimizer = torch.optim.Adam(network.parameters())
        for step in range(self.steps):
            if should_stop():
                return False
            for group in optimizer.param_groups:
                group["lr"] = self.rate(step)
            loss = self.loss(network, step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if (step + 1) % _STEPS_PER_EVENT == 0 or step + 1 == self.steps:
                observer(events.Event(self.STAGE, step + 1, self.steps, {"loss_nats": float(loss.detach())}))
        return True

    def _read(self, path: Path) -> tuple[Network, float]:
        try:
            state = load_checkpoint(path, fingerprint=self.fingerprint)
            network = self.make()
            network.load_state_dict(state["network"])
            return network, float(state[self.SCORE])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as problem:
            # Whatever a file holds that only looks like a checkpoint.
            raise DataError(f"'{path}' holds no classifier ({type(problem).__name__})", hint="remove it") from None

    def _store(self, path: Path, network: Network, score: float) -> str:
        """Why the network could not be written, "" where it was."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            weights = {name: value.cpu() for name, value in network.state_dict().items()}
            save_checkpoint(path, {"network": weights, self.SCORE: score}, fingerprint=self.fingerprint)
        except OSError as failure:
            return f"{path.parent}: {failure.strerror}"
        except OutputError as failure:
            return failure.problem
        return ""
