"""One training per method, with its checkpoint, and what came of it as plain values."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from minecli import events
from minecli.apps.ensembles.config import ComparisonRequest
from minecli.apps.ensembles.training import Evaluation, Save, only_model
from minecli.errors import DataError, UsageError
from minecli.runtime.checkpoint import PeriodicCheckpoint, checkpoint_path, fingerprint, load_checkpoint, resume_from
from minecli.runtime.state_files import present


class Training(Protocol):
    """What is trained, or fitted in closed form: one model per seed."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, one model each."""

    @property
    def diverged_at(self) -> list[int | None]:
        """The step at which each model was no longer finite; None for those that are."""

    @property
    def history(self) -> Sequence[Sequence[Evaluation]]:
        """The evaluations of each model, the first one first."""

    @property
    def step(self) -> int:
        """The number of steps that are done."""

    @property
    def steps(self) -> int:
        """The number of steps of the whole training."""

    def run(
        self,
        observer: events.Observer = events.ignore,
        should_stop: Callable[[], bool] = events.never,
        save: Save | None = None,
    ) -> bool:
        """See `SideBySideTraining.run`."""

    def status(self, model: int) -> str:
        """How a model has ended, one of the words of `result.Status` or "closed-form"."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `run` has handed to `save` in an earlier run."""


T = TypeVar("T", bound=Training)

_TRAIN_AGAIN = "train again with another --run-dir"


@dataclass(frozen=True)
class TrainedMethod(Generic[T]):
    """What came of one method: the training, the seconds it took this time, and whether it came to its end."""

    method: str
    training: T
    seconds: float
    finished: bool


@dataclass(frozen=True)
class Application:
    """What an application computes.

    Attributes:
        load: request, device, stdin, observer, should_stop -> data set, None where it was stopped. It has `facts` for
            the result, and the user's `table` or None.
        build: request, data set, method -> untrained models.
        entry: trained method, data set -> its part of the result, plain values.
        definitions: data set -> what its metrics are, None to leave that out of the result.
        across: trained methods -> further parts of the result, which compare them.
    """

    load: Callable[..., Any]
    build: Callable[[Any, Any, str], Any]
    entry: Callable[[Any, Any], dict[str, Any]]
    definitions: Callable[[Any], Mapping[str, str] | None] = lambda dataset: None
    across: Callable[[Sequence[Any]], dict[str, Any]] = lambda methods: {}


def require_state(folder: Path, request: ComparisonRequest, method: str, what: str) -> dict[str, Any]:
    """The state of a method that a run's folder keeps; `what` it holds, for the message.

    Raises:
        DataError: it cannot be read.
        UsageError: it belongs to another run, or the run has not come far enough to have one.
    """
    path = checkpoint_path(folder, method)
    if not present(path):
        raise UsageError(
            f"the run in '{folder}' has no {what} of method '{method}' yet",
            hint=f"go on with it: minecli {request.COMMAND} --resume {folder}",
        )
    return load_checkpoint(path, fingerprint=fingerprint(request.marked(method)))


def kept_networks(state: Mapping[str, Any], seeds: Sequence[int], model: int, **networks: nn.Module) -> None:
    """Fill networks of all seeds, by their names in a state, with the last that were whole when they were looked at,
    and leave the model of seed `model` alone in them; in place.

    Raises:
        DataError: the state holds other networks, or values in them are not finite.
    """
    which = seeds.index(model)
    for name, network in networks.items():
        try:
            network.load_state_dict(state["good"][name])
        except (LookupError, TypeError, AttributeError, RuntimeError) as problem:
            raise DataError(
                f"the state that was kept holds no {name} of this run's shape", hint=_TRAIN_AGAIN
            ) from problem
        only_model(network, which)
        require_finite(f"the {name} kept of seed {model}", network.state_dict())


def require_finite(what: str, tensors: Mapping[str, Tensor]) -> None:
    """DataError for weights that are not finite: whatever is computed with them means nothing."""
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise DataError(f"{what} is of no use: values in '{name}' are not finite", hint=_TRAIN_AGAIN)


def run_methods(
    request: ComparisonRequest,
    build: Callable[[str], T],
    *,
    folder: Path | None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
) -> list[TrainedMethod[T]]:
    """Train the methods one after the other, each from its checkpoint in `folder` where there is one.

    Args:
        build: makes an untrained model of a method.
    """
    trained: list[TrainedMethod[T]] = []
    for method in sorted(request.methods, key=list(request.METHODS).index):
        training = build(method)
        save = None
        if folder is not None:
            save = _taken_up(folder, request, method, training, observer)
        begun = time.perf_counter()
        finished = training.run(observer, should_stop, save)
        trained.append(TrainedMethod(method, training, time.perf_counter() - begun, finished))
        if not finished:
            break
    return trained


def _taken_up(
    folder: Path, request: ComparisonRequest, method: str, training: Training, observer: events.Observer
) -> Save:
    """Go on from the checkpoint where there is one; what keeps it up to date."""
    path, mark = checkpoint_path(folder, method), fingerprint(request.marked(method))

    def say(message: str) -> None:
        observer(events.Event(method, 0, 0, {}, message))

    resume_from(path, fingerprint=mark, load=training.load_state_dict, say=say)
    checkpoint = PeriodicCheckpoint(path, mark, say)
    return lambda state, at_once: checkpoint.save(state, at_once=at_once)


def entry_of(trained: TrainedMethod[T], metrics: Sequence[Mapping[str, float | None]] | None = None) -> dict[str, Any]:
    """One method's answer as plain values: every seed with its metrics, and their mean and standard error.

    Args:
        metrics: of every seed; those of the last evaluation where there are none.
    """
    training = trained.training
    seeds: list[dict[str, Any]] = []
    for m, seed in enumerate(training.seeds):
        history = training.history[m]
        last = history[-1] if history else None
        seeds.append(
            {
                "seed": seed,
                "status": str(training.status(m)),
                "broken_at_step": training.diverged_at[m],
                "step": 0 if last is None else last.step,
                "information_nats": None if last is None else last.information_nats,
                "metrics": dict(metrics[m] if metrics is not None else {} if last is None else last.metrics),
                "history": [asdict(each) for each in history],
            }
        )
    return {
        "method": trained.method,
        "seconds": trained.seconds,
        "finished": trained.finished,
        "seeds": seeds,
        "summary": summary_of([s["metrics"] for s in seeds]),
    }


def last_quarter(history: Sequence[Evaluation], steps: int) -> dict[str, float | None]:
    """The mean of each metric over the evaluations of the last quarter of `steps`; None where one of them lacks it.

    >>> last_quarter([Evaluation.of(step, {}, {"modes": step / 10}) for step in (70, 80, 90, 100)], 100)
    {'modes': 9.0}
    """
    late = [each.metrics for each in history if each.step > 0.75 * steps]
    means: dict[str, float | None] = {}
    for name in late[0] if late else ():
        values = [value for metrics in late if (value := metrics.get(name)) is not None]
        means[name] = sum(values) / len(values) if len(values) == len(late) else None
    return means


def add_last_quarter(entry: dict[str, Any], training: Training) -> None:
    """Add to a method's answer each seed's means over the last quarter of its steps, and their summary: metrics of what
    plays against a discriminator move from one evaluation to the next."""
    for seed, history in zip(entry["seeds"], training.history, strict=True):
        seed["last_quarter"] = last_quarter(history, training.steps)
    entry["last_quarter"] = summary_of([seed["last_quarter"] for seed in entry["seeds"]])


def add_clipped_share(entry: dict[str, Any], shares: Sequence[float | None]) -> None:
    """Add to a method's answer the share of steps at which the information's gradient was shortened, of each seed, None
    where there is none, and its summary."""
    for seed, share in zip(entry["seeds"], shares, strict=True):
        seed["clipped_share"] = share
    entry["clipped_share"] = summary_of([{"share": share} for share in shares])["share"]


def summary_of(metrics: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Mean, standard error and number of seeds of every metric.

    >>> summary_of([{"modes": 24.0}, {"modes": 25.0}])
    {'modes': {'mean': 24.5, 'standard_error': 0.5, 'seeds': 2}}
    """
    summary: dict[str, Any] = {}
    for name in next((m for m in metrics if m), {}):
        values = [v for m in metrics if (v := m.get(name)) is not None]
        mean, error = mean_and_error(values) if values else (None, None)
        summary[name] = {"mean": mean, "standard_error": error, "seeds": len(values)}
    return summary


def mean_and_error(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean over seeds and its standard error, the standard deviation (n - 1) over sqrt(n); None for one seed.

    Raises:
        DataError: no value, or one that is not finite.

    >>> mean_and_error([1.0, 3.0]), mean_and_error([2.0])
    ((2.0, 1.0), (2.0, None))
    """
    if not values or not all(math.isfinite(value) for value in values):
        problem = f"the values are {list(values)}; there must be at least one, and all must be finite"
        raise DataError(problem, hint="leave out seeds without a value")
    array = np.asarray(values, dtype=np.float64)
    error = float(array.std(ddof=1) / math.sqrt(len(array))) if len(array) > 1 else None
    return float(array.mean()), error
