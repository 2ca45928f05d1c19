"""What the classifiers that measure made samples have in common: first weights, and a cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from minecli import events
from minecli.errors import DataError, OutputError, UsageError
from minecli.runtime.checkpoint import load_checkpoint, save_checkpoint

Network = TypeVar("Network", bound=nn.Module)


def he_weight(draws: torch.Generator, *shape: int) -> nn.Parameter:
    """Normal weights (outputs, inputs...) of variance 2 / inputs, which keeps the scale of activations through
    rectifiers: He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015.

    >>> he_weight(torch.Generator().manual_seed(0), 3, 2, 5, 5).shape
    torch.Size([3, 2, 5, 5])
    """
    return nn.Parameter(nn.init.kaiming_normal_(torch.empty(shape), nonlinearity="relu", generator=draws))


@dataclass(frozen=True)
class ClassifierCache:
    """The file of one trained classifier; whatever is wrong with it costs the cache alone, and is said.

    Attributes:
        stage: what the observer is told this is.
        path: the file; None to store nothing.
        fingerprint: of all that decides the weights.
        score: what the number is called that was measured when the classifier was trained.
    """

    stage: str
    path: Path | None
    fingerprint: str
    score: str

    @classmethod
    def inside(cls, folder: Path | None, stage: str, fingerprint: str, score: str) -> ClassifierCache:
        """The file for this fingerprint in a folder: other data or settings have another file, so that two of them in
        turn do not push each other out.

        >>> ClassifierCache.inside(Path("cache"), "digit classifier", "0123456789abcdef", "accuracy").path.name
        'digit-classifier-0123456789ab.pt'
        """
        path = None if folder is None else folder / f"{stage.replace(' ', '-')}-{fingerprint[:12]}.pt"
        return cls(stage, path, fingerprint, score)

    def load(self, make: Callable[[], Network], observer: events.Observer) -> tuple[Network, float] | None:
        """The trained network and its score; None where there is no file or none that can be used.

        Args:
            make: an untrained network, always a new one: a failure may leave one half filled.
            observer: told why a file is not used.
        """
        if self.path is None or not os.path.exists(self.path):
            return None
        try:
            return self._read(self.path, make)
        except (DataError, UsageError) as failure:
            observer(events.Event(self.stage, message=f"trained again, as {failure.problem}"))
            return None

    def _read(self, path: Path, make: Callable[[], Network]) -> tuple[Network, float]:
        try:
            state = load_checkpoint(path, fingerprint=self.fingerprint)
            network = make()
            network.load_state_dict(state["network"])
            return network, float(state[self.score])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as problem:
            # Whatever a file holds that only looks like a checkpoint.
            raise DataError(f"'{path}' holds no classifier ({type(problem).__name__})", hint="remove it") from None

    def store(self, network: nn.Module, score: float, observer: events.Observer) -> None:
        """Write the trained network and its score; the observer is told where that fails."""
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            weights: dict[str, Tensor] = {name: value.cpu() for name, value in network.state_dict().items()}
            save_checkpoint(self.path, {"network": weights, self.score: score}, fingerprint=self.fingerprint)
        except OSError as failure:
            self._say_not_stored(f"{self.path.parent}: {failure.strerror}", observer)
        except OutputError as failure:
            self._say_not_stored(failure.problem, observer)

    def _say_not_stored(self, reason: str, observer: events.Observer) -> None:
        observer(events.Event(self.stage, message=f"not kept for later runs: {reason}"))
