"""Statistics networks that see new rows at every step, as those of the paper's section 4 do: many cells as one network.

All cells of one estimator that have the same numbers of columns are trained as one batched network. Nothing is ever
seen twice, so that there is no overfitting and no need of folds: what is measured is the method, not the sample. Every
bound is computed once, on rows drawn for that purpose, with many re-pairings in one log-mean-exp.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli import __version__, events
from minecli.bench.cells import Cell, Key
from minecli.bench.config import FreshConfig
from minecli.bench.records import Record, record_of
from minecli.estimators.config import MineConfig
from minecli.estimators.context import Context
from minecli.estimators.neural.cross_fitting import fit_features, score_ceiling
from minecli.estimators.neural.held_out import COVERS_NEW_ROWS, Collected
from minecli.estimators.neural.mine_diagnostics import Training as TrainingFacts
from minecli.estimators.neural.mine_diagnostics import diagnose
from minecli.mine.evaluation import criterion_of, fit_weights, row_terms, score_matrix
from minecli.mine.sampling import random_shifts
from minecli.mine.statistics_network import GaussianBase, StatisticsNetwork
from minecli.mine.training import Training, end_of, still_rising
from minecli.result import Estimate, Status
from minecli.runtime.checkpoint import PeriodicCheckpoint, fingerprint, load_checkpoint
from minecli.runtime.seeds import child_seed, generator, torch_generator
from minecli.tasks.specs import columns_of, numeric

Array = npt.NDArray[np.float64]
Sides = tuple[Array, Array]

# Quantiles and correlations of so many rows are good to a few thousandths; the rest is the network's work.
FIT_ROWS = 100_000
VALIDATION_ROWS = 4096
VALIDATION_SHIFTS = 4
SCALE_SHIFTS = 32


def run_fresh(
    cells: Sequence[Cell],
    configs: Mapping[str, Any],
    fresh: FreshConfig,
    context: Context,
    on_record: Callable[[Record], None],
    *,
    done: Mapping[Key, Record],
    versions: Mapping[str, str],
    folder: Path | None,
) -> None:
    """Train and evaluate all cells that are not done, and hand over each record as it comes.

    Args:
        cells: all fresh cells of the plan, done or not, because those of one network are trained together.
        configs: the neural estimators' settings by name.
        fresh: settings of the regime.
        context: device, observer, stop question; every cell has its own seed.
        on_record: takes the records.
        done: the records there are.
        versions: of what computes.
        folder: where unfinished training is kept, if anywhere.
    """
    for (name, *columns), own in _networks(cells).items():
        # A cell whose network went to infinity was left behind by the others, and stays so.
        together = [c for c in own if c.key not in done or done[c.key].status != Status.NONFINITE]
        while any(c.key not in done for c in together):
            if context.should_stop():
                return
            path = folder / f"checkpoint-{'-'.join(map(str, (name, *columns)))}.pt" if folder is not None else None
            job = _Job.prepare(together, configs[name], fresh, context, path)
            status = job.train(name)
            if status is Status.INTERRUPTED:
                return
            lost = job.nonfinite() if status is Status.NONFINITE else []
            for m in lost or range(len(together)):
                if together[m].key in done:
                    continue
                record = job.record(m, name, versions)
                if record is None:
                    return
                on_record(record)
            job.forget()
            together = [c for m, c in enumerate(together) if lost and m not in lost]


def _networks(cells: Sequence[Cell]) -> dict[tuple[str, int, int], list[Cell]]:
    """The cells that make one batched network: same estimator, same numbers of columns."""
    found: dict[tuple[str, int, int], list[Cell]] = {}
    for cell in cells:
        found.setdefault((cell.estimator, *columns_of(cell.task)), []).append(cell)
    return found


class FreshRows:
    """New rows of every cell, whenever they are asked for, as the features its network sees.

    Rows are named by purpose and number: the same name gives the same rows, another one rows never seen before.
    """

    def __init__(self, cells: Sequence[Cell], config: MineConfig, plain: bool, device: str) -> None:
        self.cells, self.config, self.device = cells, config, device
        self.dtype = torch.float64 if config.precision == "float64" else torch.float32
        shown = replace(config, preprocess="none", gaussian_base=False) if plain else config
        found = [fit_features(*self._drawn(cell, FIT_ROWS, "fit", 0), shown) for cell in cells]
        self.maps = [maps for maps, _ in found]
        self.fits = [fit for _, fit in found if fit is not None]

    @staticmethod
    def _drawn(cell: Cell, rows: int, purpose: str, number: int) -> Sides:
        draws = generator(cell.data_seed, "fresh", purpose, number)
        return numeric(cell.task, *cell.task.sample(rows, draws))

    def features(self, which: Sequence[int], rows: int, purpose: str, number: int = 0) -> tuple[Tensor, Tensor]:
        """Features of so many new rows of some cells, shapes (len(which), rows, features)."""
        drawn = [self._drawn(self.cells[m], rows, purpose, number) for m in which]
        sides = []
        for side in (0, 1):
            mapped = np.stack([self.maps[m][side](both[side]) for m, both in zip(which, drawn, strict=True)])
            sides.append(torch.from_numpy(mapped).to(self.dtype).to(self.device))
        return sides[0], sides[1]

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """The rows of a training step."""
        return self.features(range(len(self.cells)), self.config.batch_size, "step", step)

    def base(self) -> GaussianBase | None:
        """The log ratio of the Gaussian copula fitted to every cell's first sample, if there is to be one."""
        return GaussianBase(self.fits, FIT_ROWS) if self.fits else None


@dataclass
class _Job:
    """One batched network under way: its rows, its training, and how long that has taken."""

    config: MineConfig
    fresh: FreshConfig
    context: Context
    path: Path | None
    rows: FreshRows
    training: Training
    validation: tuple[Tensor, Tensor]
    seconds: float = 0.0
    scales: list[float] = field(default_factory=list)

    @classmethod
    def prepare(
        cls, cells: Sequence[Cell], config: MineConfig, fresh: FreshConfig, context: Context, path: Path | None
    ) -> _Job:
        """Fit what is fitted to every cell's first sample, build the network, take up a checkpoint."""
        rows = FreshRows(cells, config, fresh.plain, context.device)
        seed = child_seed(cells[0].seed, "bench", "fresh", config.bound)
        network = StatisticsNetwork(
            len(cells),
            rows.maps[0][0].width,
            rows.maps[0][1].width,
            hidden=config.hidden,
            layers=config.layers,
            tower_layers=0 if fresh.plain else config.tower_layers,
            ceiling=math.inf if fresh.plain else score_ceiling(fresh.evaluation_rows * fresh.shifts_per_row),
            generator=torch_generator(seed, "network"),
            base=rows.base(),
            baseline=config.objective().baseline,
            dtype=rows.dtype,
        ).to(context.device)
        validation = rows.features(range(len(cells)), VALIDATION_ROWS, "validation")
        job = cls(config, fresh, context, path, rows, None, validation)  # type: ignore[arg-type]
        job.training = Training(network, rows.batch, job.validate, config, child_seed(seed, "training"))
        if path is not None and path.exists():
            state = load_checkpoint(path, fingerprint=job.mark())
            job.seconds = float(state["seconds"])
            job.training.load_state_dict(state["training"])
        return job

    def mark(self) -> str:
        """What decides the training, hashed."""
        settings = {"version": __version__, **asdict(self.config), **asdict(self.fresh)}
        return fingerprint(settings | {"cells": [list(c.key) for c in self.rows.cells]})

    def _validation_scores(self, network: StatisticsNetwork, shifts: int) -> Tensor:
        draws = torch_generator(self.rows.cells[0].seed, "bench", "validation")
        return score_matrix(network, *self.validation, [0, *random_shifts(VALIDATION_ROWS, shifts, draws)])

    def validate(self, network: StatisticsNetwork) -> Tensor:
        """The criterion on rows that are kept for it, shape (cells,)."""
        objective = self.config.objective()
        shifts = max(VALIDATION_SHIFTS, objective.fewest_shifts)
        return criterion_of(self._validation_scores(network, shifts), objective)

    def train(self, name: str) -> Status:
        """Train, from the checkpoint on where there is one, and keep it up to date; then fit the scores' scales."""
        started, before = time.monotonic(), self.seconds
        stage = f"{name} on {len(self.rows.cells)} cells"

        def warn(said: str) -> None:
            self.context.observer(events.Event(stage, self.training.step, self.config.max_steps, message=said))

        checkpoint = None if self.path is None else PeriodicCheckpoint(self.path, self.mark(), warn)

        def save(state: dict[str, Any]) -> None:
            self.seconds = before + time.monotonic() - started
            if checkpoint is not None:
                kept = {"training": state, "seconds": self.seconds}
                checkpoint.save(kept, at_once=state["ended"] is not None or self.context.should_stop())

        status = self.training.run(stage, self.context.observer, self.context.should_stop, save)
        if status in (Status.CONVERGED, Status.MAX_STEPS):
            scores = self._validation_scores(
                self.training.best, max(SCALE_SHIFTS, self.config.objective().fewest_shifts)
            )
            self.scales = [fit_weights(own[None], self.config.objective())[0] for own in scores]
        return status

    def curve(self, m: int) -> tuple[float, ...]:
        """The validation bound of one cell over its training, in nats."""
        return tuple(e.by_model_nats[m] for e in self.training.history)

    def nonfinite(self) -> list[int]:
        """The cells whose network has gone to infinity; all of them if none can be told."""
        cells = range(len(self.rows.cells))
        return [m for m in cells if not math.isfinite(self.curve(m)[-1])] or list(cells)

    def forget(self) -> None:
        """Remove the checkpoint of training that is done with."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)

    def record(self, m: int, name: str, versions: Mapping[str, str]) -> Record | None:
        """Evaluate one cell, or say why that cannot be done; None if stopped before the end."""
        cell, started = self.rows.cells[m], time.monotonic()
        details: dict[str, Any] = {
            "steps": self.training.step,
            "training_rows": self.training.step * self.config.batch_size,
            "trained_together": len(self.rows.cells),
            "plain": self.fresh.plain,
        }
        share = self.seconds / len(self.rows.cells)
        if not self.scales:
            estimate = Estimate(name, None, Status.NONFINITE, seconds=share)
            return record_of(cell, estimate, versions, self.context.device, **details)
        estimate_or_none = self._estimate(m, name)
        if estimate_or_none is None:
            return None
        seconds = share + time.monotonic() - started
        ceiling = self.training.network.ceiling
        details |= {"score_scale": self.scales[m], "ceiling_nats": ceiling if math.isfinite(ceiling) else None}
        return record_of(cell, estimate_or_none, versions, self.context.device, seconds=seconds, **details)

    def _estimate(self, m: int, name: str) -> Estimate | None:
        objective, count = self.config.objective(), self.fresh.evaluation_rows
        terms = row_terms(
            self.training.best.select([m]),
            lambda where: self.rows.features([m], where.stop - where.start, "evaluation", where.start),
            count,
            shifts_per_row=max(self.fresh.shifts_per_row, objective.fewest_shifts),
            weights=[self.scales[m]],
            objective=objective,
            generator=torch_generator(self.rows.cells[m].seed, "bench", "evaluation"),
            should_stop=self.context.should_stop,
        )
        if terms is None:
            return None
        collected = Collected(count)
        collected.add(terms, np.arange(count))
        summary = collected.summary(self.context.confidence, COVERS_NEW_ROWS)
        if not math.isfinite(summary.mi_nats):
            return Estimate(name, None, Status.NONFINITE)
        curve = self.curve(m)
        rising = not bool(self.training.settled[m]) and still_rising(curve, end_of(self.config.patience))
        facts = TrainingFacts(
            protocol="held-out",
            status=Status.MAX_STEPS if rising else Status.CONVERGED,
            validation_nats=curve,
            still_rising=rising,
            held_out_rows=count,
            effective_share=collected.effective_share,
        )
        x, z = self.rows.maps[m]
        found = diagnose(facts, summary, count, x.columns, z.columns)
        return Estimate(
            name,
            summary.mi_nats,
            found.status,
            standard_error_nats=summary.standard_error_nats,
            interval=summary.interval,
            diagnostics=found.diagnostics,
        )
