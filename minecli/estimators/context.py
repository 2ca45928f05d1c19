"""What an estimator may use besides the data and its own config, and the shape of every estimator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from minecli import events
from minecli.result import Estimate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from minecli.estimators.facts import Facts

    Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Context:
    """The surroundings of one estimation: they may change its speed and its random draws, never its meaning.

    `device` is resolved already ("cpu", "cuda:0"). `should_stop` is asked between units of work; once it answers
    yes, the estimator returns what it has with status `interrupted`. `checkpoint` is a file the estimator may write
    its state to and, where it exists, goes on from. `facts` is what is known of the data; an estimator that needs some
    and is given none finds them itself.
    """

    device: str = "cpu"
    threads: int = 1
    seed: int = 0
    confidence: float = 0.95
    observer: events.Observer = events.ignore
    should_stop: Callable[[], bool] = events.never
    checkpoint: Path | None = None
    facts: Facts | None = None


class Estimator(Protocol):
    """x of shape (n, d_x), z of shape (n, d_z), row i of one belonging to row i of the other; finite float64."""

    def __call__(self, x: Array, z: Array, config: Any, context: Context) -> Estimate: ...
