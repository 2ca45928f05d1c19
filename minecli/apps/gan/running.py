"""From a request to what came of it: one training per method, its checkpoint, its samples and its answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minecli import events
from minecli.apps.gan.config import METHODS
from minecli.apps.gan.datasets import Dataset
from minecli.apps.gan.request import GanRequest
from minecli.apps.gan.training import GanTraining
from minecli.apps.mode_metrics import mean_and_error
from minecli.runtime.checkpoint import PeriodicCheckpoint, fingerprint, load_checkpoint

_PICTURE_SAMPLES = {1: 20_000, 3: 64}


@dataclass(frozen=True)
class Arm:
    """What came of one method: the training, and the seconds it took this time."""

    method: str
    training: GanTraining
    seconds: float
    finished: bool


def mark(request: GanRequest, method: str) -> str:
    """What a method's checkpoint belongs to."""
    content = request.to_json()
    for name in ("methods", "preset", "data_root"):
        del content[name]
    return fingerprint(content | {"method": method})


def checkpoint_path(folder: Path, method: str) -> Path:
    """Where a run's folder keeps the state of a method."""
    return folder / f"checkpoint-{method}.pt"


def run_methods(
    request: GanRequest,
    dataset: Dataset,
    *,
    folder: Path | None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
) -> list[Arm]:
    """Train the methods one after the other, each from its checkpoint in `folder` where there is one."""
    arms: list[Arm] = []
    for method in sorted(request.methods, key=list(METHODS).index):
        training = GanTraining(dataset.real, method, request.config, request.seeds, dataset.metrics)
        save = None
        if folder is not None:
            path = checkpoint_path(folder, method)
            if path.exists():
                training.load_state_dict(load_checkpoint(path, fingerprint=mark(request, method)))
            save = _saver(path, mark(request, method), method, observer)
        begun = time.perf_counter()
        finished = training.run(observer, should_stop, save)
        arms.append(Arm(method, training, time.perf_counter() - begun, finished))
        if not finished:
            break
    return arms


def _saver(path: Path, mark: str, method: str, observer: events.Observer) -> Callable[[dict[str, Any], bool], None]:
    def warn(message: str) -> None:
        observer(events.Event(method, 0, 0, {}, message))

    checkpoint = PeriodicCheckpoint(path, mark, warn)
    return lambda state, at_once: checkpoint.save(state, at_once=at_once)


def picture_samples(arm: Arm) -> npt.NDArray[np.float32]:
    """So many samples of the first seed as pictures want, shape (n, *shape)."""
    count = _PICTURE_SAMPLES[len(arm.training.data.shape)]
    samples, _ = arm.training.sample(count, "picture", best=True)
    found: npt.NDArray[np.float32] = samples[0].numpy()
    return found


def sample_columns(arm: Arm, dataset: Dataset) -> dict[str, Any]:
    """`config.samples` samples of every seed as columns of a table: first the seed, under a name that is free."""
    samples, _ = arm.training.sample(arm.training.config.samples, "written", best=True)
    models, count = samples.shape[:2]
    columns = dataset.layout.columns(samples.reshape(models * count, *samples.shape[2:]).numpy())
    name = "seed"
    while name in columns:
        name += "_"
    return {name: np.repeat(np.array(arm.training.seeds), count)} | columns


def arm_entry(arm: Arm, dataset: Dataset) -> dict[str, Any]:
    """One method's answer as plain values: every seed with its last metrics, and their mean and standard error; of
    the first seed the full report where the data set has one."""
    training = arm.training
    seeds: list[dict[str, Any]] = []
    for m, seed in enumerate(training.seeds):
        history = training.history[m]
        seeds.append(
            {
                "seed": seed,
                "status": str(training.status(m)),
                "broken_at_step": training.broken[m],
                "step": history[-1].step if history else 0,
                "information_nats": history[-1].information_nats if history else None,
                "metrics": dict(history[-1].metrics) if history else {},
                "history": [asdict(look) for look in history],
            }
        )
    entry: dict[str, Any] = {"method": arm.method, "seconds": arm.seconds, "finished": arm.finished, "seeds": seeds}
    entry["summary"] = _summary([s["metrics"] for s in seeds])
    if dataset.report is not None and training.history[0]:
        samples, _ = training.sample(training.config.samples, "report", best=True)
        entry["report"] = dataset.report(samples[0].numpy())
    return entry


def _summary(metrics: list[dict[str, float | None]]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for name in next((m for m in metrics if m), {}):
        values = [v for m in metrics if (v := m.get(name)) is not None]
        mean, error = mean_and_error(values) if values else (None, None)
        summary[name] = {"mean": mean, "standard_error": error, "seeds": len(values)}
    return summary
