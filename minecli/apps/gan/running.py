"""From a request to what came of it: the data set, one training per method, and their checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli import events
from minecli.apps.gan.config import METHODS
from minecli.apps.gan.request import GanRequest
from minecli.apps.gan.training import GanTraining
from minecli.apps.mode_metrics import grid_metrics, mean_and_error, spiral_metrics
from minecli.apps.toys import gaussians25, spiral
from minecli.runtime.checkpoint import PeriodicCheckpoint, fingerprint, load_checkpoint
from minecli.runtime.seeds import child_seed
from minecli.runtime.writing import atomic_path

_PICTURE_ROWS = 20_000

_TOYS = {"spiral": (spiral, spiral_metrics), "gaussians25": (gaussians25, grid_metrics)}


@dataclass(frozen=True)
class Arm:
    """What came of one method: the training, and the seconds it took this time."""

    method: str
    training: GanTraining
    seconds: float
    finished: bool


def real_rows(request: GanRequest, device: str) -> Tensor:
    """The data set's rows; the same ones for every method and seed."""
    make, _ = _TOYS[request.dataset]
    rows = make(request.config.rows, np.random.default_rng(child_seed(0, "gan", "data", request.dataset)))
    return torch.from_numpy(rows).to(device)


def prepare(request: GanRequest, method: str, data: Tensor) -> GanTraining:
    """An untrained GAN of one method."""
    _, judge = _TOYS[request.dataset]
    return GanTraining(data, method, request.config, request.seeds, lambda rows: judge(rows.numpy()))


def mark(request: GanRequest, method: str) -> str:
    """What a method's checkpoint belongs to."""
    content = request.to_json()
    return fingerprint({k: content[k] for k in ("dataset", "seeds", "config")} | {"method": method})


def run_methods(
    request: GanRequest,
    *,
    device: str,
    folder: Path | None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
) -> list[Arm]:
    """Train the methods one after the other, each from its checkpoint in `folder` where there is one."""
    data = real_rows(request, device)
    arms: list[Arm] = []
    for method in sorted(request.methods, key=METHODS.index):
        training = prepare(request, method, data)
        save = None
        if folder is not None:
            path = folder / f"checkpoint-{method}.pt"
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


def picture_rows(arm: Arm) -> npt.NDArray[np.float32]:
    """So many rows of the first seed as the pictures of densities want, shape (n, columns)."""
    rows, _ = arm.training.sample(_PICTURE_ROWS, "picture", best=True)
    return rows[0].cpu().numpy()


def write_samples(arm: Arm, path: Path) -> None:
    """Write `config.samples` rows of every seed as Parquet: the seed and the columns x0, x1, ..."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, _ = arm.training.sample(arm.training.config.samples, "written", best=True)
    models, count, columns = rows.shape
    table = {"seed": np.repeat(np.array(arm.training.seeds), count)}
    table |= {f"x{i}": rows[..., i].reshape(models * count).cpu().numpy() for i in range(columns)}
    with atomic_path(path) as partial:
        pq.write_table(pa.table(table), partial)


def arm_entry(arm: Arm) -> dict[str, Any]:
    """One method's answer as plain values: every seed with its last metrics, and their mean and standard error."""
    seeds: list[dict[str, Any]] = []
    for m, seed in enumerate(arm.training.seeds):
        history = arm.training.history[m]
        seeds.append(
            {
                "seed": seed,
                "status": str(arm.training.status(m)),
                "broken_at_step": arm.training.broken[m],
                "step": history[-1].step if history else 0,
                "information_nats": history[-1].information_nats if history else None,
                "metrics": dict(history[-1].metrics) if history else {},
                "history": [asdict(look) for look in history],
            }
        )
    summary: dict[str, Any] = {}
    for name in next((s["metrics"] for s in seeds if s["metrics"]), {}):
        values = [s["metrics"][name] for s in seeds if s["metrics"].get(name) is not None]
        mean, error = mean_and_error(values) if values else (None, None)
        summary[name] = {"mean": mean, "standard_error": error, "seeds": len(values)}
    return {"method": arm.method, "seconds": arm.seconds, "finished": arm.finished, "seeds": seeds, "summary": summary}
