"""Statistics networks that see new rows at every step, as those of the paper's section 4 do: many cells as one network.

All cells of one estimator that have the same numbers of columns are trained as one batched network. Nothing is ever
seen twice, so that there is no overfitting and no need of folds: what is measured is the method, not the sample. Every
bound is computed once, on rows drawn for that purpose, with many re-pairings in one log-mean-exp.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.bench.answers import Answering
from minecli.bench.cells import Cell, Key
from minecli.bench.config import FreshConfig
from minecli.bench.records import Record, record_of
from minecli.estimators.config import MineConfig
from minecli.estimators.context import Context
from minecli.estimators.neural.cross_fitting import fit_features
from minecli.estimators.neural.held_out import COVERS_NEW_ROWS, Collected
from minecli.estimators.neural.mine_diagnostics import Training as TrainingFacts
from minecli.estimators.neural.mine_diagnostics import diagnose
from minecli.mine.ceilings import score_ceiling
from minecli.mine.fitting import (
    CheckpointFile,
    EvaluationRows,
    Fitting,
    NetworkShape,
    ValidationRows,
    shifted_scores,
)
from minecli.mine.objectives import Objective
from minecli.mine.statistics_network import GaussianBase, StatisticsNetwork
from minecli.mine.training import Training, end_of, still_rising
from minecli.result import Estimate, Status
from minecli.runtime.checkpoint import checkpoint_path, fingerprint, remove_checkpoint
from minecli.runtime.seeds import child_seed, generator, torch_generator
from minecli.tasks.specs import columns_of, numeric
from minecli.version import __version__

Array = npt.NDArray[np.float64]
Sides = tuple[Array, Array]

# Quantiles and correlations of so many rows are good to a few thousandths; the rest is the network's work.
FIT_ROWS = 100_000
VALIDATION_ROWS = 4096
VALIDATION_SHIFTS = 4
SCALE_SHIFTS = 32


def run_fresh(
    cells: Sequence[Cell],
    fresh: FreshConfig,
    answering: Answering,
    *,
    done: Mapping[Key, Record],
    folder: Path | None,
) -> None:
    """Train and evaluate all cells that are not done, and hand over each record as it comes.

    Args:
        cells: all fresh cells of the plan, done or not, because those of one network are trained together.
        fresh: settings of the regime.
        answering: with what.
        done: the records there are.
        folder: where unfinished training is kept, if anywhere.
    """
    context = answering.context
    for (name, *columns), own in _networks(cells).items():
        # A cell whose network went to infinity was left behind by the others, and stays so.
        together = [c for c in own if c.key not in done or done[c.key].status != Status.NONFINITE]
        while any(c.key not in done for c in together):
            if context.should_stop():
                return
            path = checkpoint_path(folder, name, *columns) if folder is not None else None
            job = _Job.prepare(together, answering.configs[name], fresh, context, path)
            status = job.train(name)
            if status is Status.INTERRUPTED:
                return
            lost = job.nonfinite() if status is Status.NONFINITE else []
            for m in lost or range(len(together)):
                if together[m].key in done:
                    continue
                record = job.record(m, name, answering.versions)
                if record is None:
                    return
                answering.add(record)
            job.forget()
            together = [c for m, c in enumerate(together) if lost and m not in lost]


def _networks(cells: Sequence[Cell]) -> dict[tuple[str, int, int], list[Cell]]:
    """The cells that make one batched network: same estimator, same numbers of columns."""
    networks: dict[tuple[str, int, int], list[Cell]] = {}
    for cell in cells:
        networks.setdefault((cell.estimator, *columns_of(cell.task)), []).append(cell)
    return networks


class FreshRows:
    """New rows of every cell, whenever they are asked for, as the features its network sees.

    Rows are named by purpose and number: the same name gives the same rows, another one rows never seen before.
    """

    def __init__(self, cells: Sequence[Cell], config: MineConfig, plain: bool, device: str) -> None:
        self.cells, self.device = cells, device
        self.config = replace(config, preprocess="none", gaussian_base=False, tower_layers=0) if plain else config
        self.dtype = torch.float64 if config.precision == "float64" else torch.float32
        fitted = [fit_features(*self._drawn(cell, FIT_ROWS, "fit", 0), self.config) for cell in cells]
        self.maps = [maps for maps, _ in fitted]
        self.fits = [fit for _, fit in fitted if fit is not None]

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

    def networks(self, ceiling: float, seed: int) -> StatisticsNetwork:
        """One network per cell, its score bounded by so many nats."""
        (x, z), *_ = self.maps
        shape = NetworkShape(
            models=len(self.cells),
            x_features=x.width,
            z_features=z.width,
            ceiling=ceiling,
            base=self.base(),
            dtype=self.dtype,
            device=self.device,
        )
        return shape.build(self.config, torch_generator(seed, "network"))

    def validation(self, objective: Objective) -> ValidationRows:
        """Rows of all cells that no gradient sees."""
        x, z = self.features(range(len(self.cells)), VALIDATION_ROWS, "validation")

        def scores(network: StatisticsNetwork, shifts: int) -> Tensor:
            return shifted_scores(network, x, z, shifts, torch_generator(self.cells[0].seed, "bench", "validation"))

        stopping, combining = (max(shifts, objective.fewest_shifts) for shifts in (VALIDATION_SHIFTS, SCALE_SHIFTS))
        return ValidationRows(scores, objective, stopping, combining)

    def evaluation(self, m: int, count: int, shifts_per_row: int) -> EvaluationRows:
        """So many rows of one cell that nothing has seen."""
        draws = torch_generator(self.cells[m].seed, "bench", "evaluation")

        def features(where: slice) -> tuple[Tensor, Tensor]:
            return self.features([m], where.stop - where.start, "evaluation", where.start)

        return EvaluationRows(features, count, shifts_per_row, draws)


@dataclass
class _Job:
    """One batched network under way: its rows, its fitting, where its state is kept, and the scale of every cell's
    score (none before the end of a training that came to one)."""

    config: MineConfig
    fresh: FreshConfig
    context: Context
    rows: FreshRows
    fitting: Fitting
    checkpoint: CheckpointFile | None
    scales: list[float] = field(default_factory=list)

    @classmethod
    def prepare(
        cls, cells: Sequence[Cell], config: MineConfig, fresh: FreshConfig, context: Context, path: Path | None
    ) -> _Job:
        """Fit what is fitted to every cell's first sample, and build the network."""
        rows = FreshRows(cells, config, fresh.plain, context.device)
        seed = child_seed(cells[0].seed, "bench", "fresh", config.bound)
        # The score may be as large as all pairs of the evaluation can support.
        ceiling = math.inf if fresh.plain else score_ceiling(fresh.evaluation_rows * fresh.shifts_per_row)
        network, validation = rows.networks(ceiling, seed), rows.validation(config.objective())
        fitting = Fitting(network, rows.batch, validation, config, child_seed(seed, "training"))
        settings = {"version": __version__, **asdict(config), **asdict(fresh)}
        decisive = fingerprint(settings | {"cells": [list(c.key) for c in cells]})
        return cls(config, fresh, context, rows, fitting, None if path is None else CheckpointFile(path, decisive))

    @property
    def training(self) -> Training:
        """The training of all the networks, and the best weights it has seen."""
        return self.fitting.training

    def train(self, name: str) -> Status:
        """Train, from the checkpoint on where there is one, and keep it up to date; then fit the scores' scales."""
        stage = f"{name} on {len(self.rows.cells)} cells"
        status = self.fitting.train(stage, self.context.observer, self.context.should_stop, self.checkpoint)
        if status in (Status.CONVERGED, Status.MAX_STEPS) and self.fitting.validation is not None:
            self.scales = [scale for (scale,) in self.fitting.validation.weights(self.training.best, 1)]
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
        if self.checkpoint is not None:
            remove_checkpoint(self.checkpoint.path)

    def record(self, m: int, name: str, versions: Mapping[str, str]) -> Record | None:
        """Evaluate one cell, or say why that cannot be done; None if stopped before the end."""
        cell, started = self.rows.cells[m], time.monotonic()
        details: dict[str, Any] = {
            "steps": self.training.step,
            "training_rows": self.training.step * self.config.batch_size,
            "trained_together": len(self.rows.cells),
            "plain": self.fresh.plain,
        }
        share = self.fitting.seconds / len(self.rows.cells)
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
        count = self.fresh.evaluation_rows
        shifts = max(self.fresh.shifts_per_row, self.config.objective().fewest_shifts)
        terms = self.fitting.terms(
            {m: self.scales[m]}, self.rows.evaluation(m, count, shifts), self.context.should_stop
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
        findings = diagnose(facts, summary, count, x.columns, z.columns)
        return Estimate(
            name,
            summary.mi_nats,
            findings.status,
            standard_error_nats=summary.standard_error_nats,
            interval=summary.interval,
            diagnostics=findings.diagnostics,
        )
