"""What classifiers have in common that are trained by the tool and judge what it makes: first weights, the course of
the learning rate, and a cache.
"""

from __future__ import annotations

import math
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
    return nn.Parameter(torch.randn(*shape, generator=draws) * math.sqrt(2 / math.prod(shape[1:])))


def one_cycle(step: int, total: int, peak: float, warmup_share: float) -> float:
    """The rate rises linearly from a twenty-fifth to the peak, then falls as a cosine to nearly nothing: Smith and
    Topin, "Super-convergence", 2018.

    >>> [round(one_cycle(step, 100, 1.0, 0.5), 3) for step in (0, 25, 50, 75, 99)]
    [0.04, 0.52, 1.0, 0.5, 0.001]
    """
    warmup = warmup_share * total
    if step < warmup:
        return peak * (0.04 + 0.96 * step / warmup)
    return peak * 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1.0, total - warmup)))


@dataclass(frozen=True)
class JudgeCache:
    """The file of one trained classifier; whatever is wrong with it costs the cache alone, and is said.

    Attributes:
        stage: what the observer is told this is.
        path: the file; None to keep nothing.
        mark: fingerprint of all that decides the weights.
        score: what the number is called that was measured when the classifier was trained.
    """

    stage: str
    path: Path | None
    mark: str
    score: str

    @classmethod
    def inside(cls, folder: Path | None, stage: str, mark: str, score: str) -> JudgeCache:
        """The file for this mark in a folder: other data or settings have another file, so that two of them in turn
        do not push each other out.

        >>> JudgeCache.inside(Path("cache"), "digit classifier", "0123456789abcdef", "accuracy").path.name
        'digit-classifier-0123456789ab.pt'
        """
        path = None if folder is None else folder / f"{stage.replace(' ', '-')}-{mark[:12]}.pt"
        return cls(stage, path, mark, score)

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
            state = load_checkpoint(path, fingerprint=self.mark)
            network = make()
            network.load_state_dict(state["network"])
            return network, float(state[self.score])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as problem:
            # Whatever a file holds that only looks like a checkpoint.
            raise DataError(f"'{path}' holds no classifier ({type(problem).__name__})", hint="remove it") from None

    def keep(self, network: nn.Module, score: float, observer: events.Observer) -> None:
        """Write the trained network and its score; the observer is told where that fails."""
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            weights: dict[str, Tensor] = {name: value.cpu() for name, value in network.state_dict().items()}
            save_checkpoint(self.path, {"network": weights, self.score: score}, fingerprint=self.mark)
        except OSError as failure:
            self._say_not_kept(f"{self.path.parent}: {failure.strerror}", observer)
        except OutputError as failure:
            self._say_not_kept(failure.problem, observer)

    def _say_not_kept(self, reason: str, observer: events.Observer) -> None:
        observer(events.Event(self.stage, message=f"not kept for later runs: {reason}"))
