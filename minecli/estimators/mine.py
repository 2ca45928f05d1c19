r"""MINE and its relatives: bounds of I(X; Z) from statistics networks, evaluated on rows they have not seen.

Belghazi et al. (2018), sections 3 and 4. A few networks per fold and repeat, which differ in their weight decay, all
trained together as one batched network; those of a fold are combined and evaluated once, on its held-out rows, with
many re-pairings in one log-mean-exp. The estimate is the mean of those bounds, weighted by rows. Under
`--protocol paper` there are no folds, and training and evaluation share all rows (Definition 3.1).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from minecli import __version__, events
from minecli.errors import OutputError
from minecli.estimators.config import MineConfig
from minecli.estimators.context import Context
from minecli.estimators.diagnostics import constant_columns, duplicate_rows, identical_columns
from minecli.estimators.features import FIT_ROWS, FeatureMap, require_representable
from minecli.estimators.held_out import COVERS, COVERS_NO_BOUND, Collected
from minecli.estimators.mine_diagnostics import Training as TrainingFacts
from minecli.estimators.mine_diagnostics import diagnose
from minecli.estimators.rows import ModelRows, split_rows
from minecli.estimators.screening import screen
from minecli.mine.canonical import Canonical, canonical_correlations
from minecli.mine.evaluation import bound_of, fit_weights, held_out_terms, score_matrix
from minecli.mine.sampling import random_shifts
from minecli.mine.statistics_network import GaussianBase, StatisticsNetwork
from minecli.mine.training import Training
from minecli.result import Estimate, Status
from minecli.runtime.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from minecli.runtime.seeds import child_seed

Array = npt.NDArray[np.float64]

# A base with more variates than this would cost more than the network it helps.
MOST_BASE_COLUMNS = 512
# Re-paired rows in the evaluation: about a million in all, never fewer than one nor more than 256 per row.
EVALUATION_PAIRS = 2**20
MOST_SHIFTS = 256
SECONDS_BETWEEN_CHECKPOINTS = 5.0


def estimate_mine(x: Array, z: Array, config: MineConfig, context: Context) -> Estimate:
    """Estimate I(X; Z) in nats with statistics networks.

    Args:
        x: shape (n, d_x), finite.
        z: shape (n, d_z), finite; row i belongs to row i of x.
        config: settings; `config.bound` says what is trained and evaluated.
        context: device, seed, observer, stop question, checkpoint.

    Returns:
        The estimate, with one log density ratio per row in `pointwise_nats`.

    Raises:
        DataError: too few rows for the folds, a side that is constant, values beyond the precision.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((400, 1))
    >>> config = MineConfig(folds=2, max_steps=20, batch_size=64, hidden=8)
    >>> estimate_mine(x, x + rng.standard_normal((400, 1)), config, Context()).status in set(Status)
    True
    """
    name = config.estimator
    notes = constant_columns(x, z)
    if config.preprocess == "none":
        require_representable(x, z, config.precision)
    identical = identical_columns(x, z)
    notes += duplicate_rows(x, z)
    if identical:
        return Estimate(name, None, Status.INFINITE, diagnostics=(*notes, *identical))
    job = _Job.prepare(x, z, config, context)
    status = job.train(name)
    if status is Status.NONFINITE or (status is Status.INTERRUPTED and not job.training.history):
        return Estimate(name, None, status, diagnostics=notes, details=job.details())
    return job.report(name, status, notes)


@dataclass
class _Job:
    """One estimation under way: where its rows are, and the training of its models."""

    config: MineConfig
    context: Context
    rows: ModelRows
    training: Training
    shape: tuple[int, int, int]

    @classmethod
    def prepare(cls, x: Array, z: Array, config: MineConfig, context: Context) -> _Job:
        """Split the rows, fit what is fitted to training rows, build the networks, take up a checkpoint."""
        split = split_rows(len(x), config, context.seed)
        dtype = torch.float64 if config.precision == "float64" else torch.float32
        members, device = len(config.weight_decays), context.device
        samples = [part.training(np.arange(min(part.training_rows, FIT_ROWS))) for part in split]
        fitted = [fit_features(x[s], z[s], config) for s in samples]
        maps = [pair for pair, _ in fitted]
        row_seed = child_seed(context.seed, "rows")
        rows = ModelRows(x, z, split, maps, config.batch_size, row_seed, dtype, device, members)
        fits = [fit for _, fit in fitted for _ in range(members) if fit is not None]
        network = StatisticsNetwork(
            len(split) * members,
            maps[0][0].width,
            maps[0][1].width,
            hidden=config.hidden,
            layers=config.layers,
            tower_layers=config.tower_layers,
            ceiling=score_ceiling(len(x)),
            generator=torch.Generator().manual_seed(child_seed(context.seed, "network")),
            base=GaussianBase(fits, len(samples[0])) if fits else None,
            baseline=config.objective().baseline,
            dtype=dtype,
        ).to(device)
        decay = torch.tensor(config.weight_decays_for(len(x)) * len(split), dtype=dtype, device=device)
        validate = None if config.protocol == "paper" else rows.validation(config.objective())
        training = Training(network, rows.batch, validate, config, child_seed(context.seed, "training"), decay)
        return cls(config, context, rows, training, (len(x), x.shape[1], z.shape[1]))

    def train(self, name: str) -> Status:
        """Train, from the checkpoint on where there is one, and keep it up to date."""
        path = self.context.checkpoint
        if path is None:
            return self.training.run(name, self.context.observer, self.context.should_stop)
        settings = {"version": __version__, "seed": self.context.seed, **asdict(self.config)}
        mark = fingerprint(settings, self.rows.x, self.rows.z)
        if path.exists():
            self.training.load_state_dict(load_checkpoint(path, fingerprint=mark))
        saved_at = time.monotonic()

        def save(state: dict[str, Any]) -> None:
            nonlocal saved_at
            due = time.monotonic() - saved_at > SECONDS_BETWEEN_CHECKPOINTS
            if due or state["ended"] is not None or self.context.should_stop():
                try:
                    save_checkpoint(path, state, fingerprint=mark)
                except OutputError as failure:
                    # A full disk costs the checkpoint, not the hours of training it was to protect.
                    said = f"no checkpoint: {failure.problem}"
                    self.context.observer(events.Event(name, state["step"], self.config.max_steps, message=said))
                saved_at = time.monotonic()

        return self.training.run(name, self.context.observer, self.context.should_stop, save)

    def weights(self) -> list[list[float]]:
        """The weight of every model in its part, fitted on the validation part; equal ones where there is none."""
        best, members = self.training.best, self.rows.members
        if self.config.protocol == "paper":
            return [[1.0 / members] * members for _ in self.rows.split]
        scores = self.rows.validation_scores(best)
        return [fit_weights(part, self.config.objective()) for part in torch.split(scores, members)]

    def evaluate(self, name: str, weights: list[list[float]], should_stop: Callable[[], bool]) -> Collected | None:
        """Evaluate every part's combination once on its held-out rows; None if stopped before all are done."""
        n, members = self.shape[0], self.rows.members
        best, objective = self.training.best, self.config.objective()
        collected = Collected(n)
        for k, part in enumerate(self.rows.split):
            draws = torch.Generator().manual_seed(child_seed(self.context.seed, "evaluation", k))
            # What has no weight need not be computed; one is kept so that there is something to score.
            used = [m for m in range(members) if weights[k][m] > 0.0] or [0]
            found = held_out_terms(
                best.select([k * members + m for m in used]),
                self.rows.held_out(k, len(used)),
                len(part.held_out),
                shifts_per_row=min(
                    max(objective.pairs_factor * EVALUATION_PAIRS // n, objective.fewest_shifts), MOST_SHIFTS
                ),
                weights=[weights[k][m] for m in used],
                objective=objective,
                generator=draws,
                should_stop=should_stop,
            )
            if found is None:
                return None
            collected.add(found, part.held_out)
            self.context.observer(events.Event(f"{name}: evaluation", k + 1, len(self.rows.split)))
        return collected

    def report(self, name: str, status: Status, notes: tuple[Any, ...]) -> Estimate:
        """Put the held-out parts together."""
        # After an interruption the little that is left to do is done, so that there is a number to show.
        hurried = status is Status.INTERRUPTED
        weights = self.weights()
        collected = self.evaluate(name, weights, events.never if hurried else self.context.should_stop)
        if collected is None:
            return Estimate(name, None, Status.INTERRUPTED, diagnostics=notes, details=self.details())
        covers = COVERS if self.config.objective().lower_bound else COVERS_NO_BOUND
        summary = collected.summary(self.context.confidence, covers)
        if not math.isfinite(summary.mi_nats):
            ended = Status.INTERRUPTED if hurried else Status.NONFINITE
            return Estimate(name, None, ended, diagnostics=notes, details=self.details())
        facts = TrainingFacts(
            protocol=self.config.protocol,
            status=status,
            validation_nats=tuple(e.validation_nats for e in self.training.history if e.validation_nats is not None),
            still_rising=self.training.still_rising(),
            training_nats=self.training_bound(weights),
            held_out_rows=len(self.rows.split[0].held_out),
            effective_share=collected.effective_share,
        )
        found = diagnose(facts, summary, *self.shape)
        return Estimate(
            estimator=name,
            mi_nats=summary.mi_nats,
            status=found.status,
            standard_error_nats=summary.standard_error_nats,
            interval=summary.interval,
            diagnostics=(*notes, *found.diagnostics),
            details=self.details()
            | {
                "folds_nats": list(summary.folds_nats),
                "network_weights": weights,
                "training_nats": facts.training_nats,
                "effective_share": facts.effective_share,
            }
            | ({"bound_ceiling_nats": summary.ceiling_nats} if math.isfinite(summary.ceiling_nats) else {}),
            pointwise_nats=summary.pointwise_nats,  # type: ignore[arg-type]
        )

    @torch.no_grad()
    def training_bound(self, weights: list[list[float]]) -> float:
        """The bound of the same combinations on rows that trained the networks, for the gap between the two."""
        x, z = self.rows.batch(0)
        shifts = random_shifts(x.shape[1], 64, torch.Generator().manual_seed(child_seed(self.context.seed, "gap")))
        scores = score_matrix(self.training.best, x, z, [0, *shifts])
        scores = scores.view(-1, self.rows.members, *scores.shape[1:])
        combined = torch.einsum("km,kmsb->ksb", torch.tensor(weights).to(scores), scores)
        return float(bound_of(combined, self.config.objective()).mean())

    def details(self) -> dict[str, object]:
        """What was done, as plain JSON values."""
        return {
            "steps": self.training.step,
            "models": self.training.network.models,
            "training_rows": self.rows.split[0].training_rows,
            "validation_rows": len(self.rows.split[0].validation),
            "held_out_rows": len(self.rows.split[0].held_out),
            "ceiling_nats": self.training.network.ceiling,
            "curve": [[e.step, e.training_nats, e.validation_nats] for e in self.training.history],
        }


def fit_features(x: Array, z: Array, config: MineConfig) -> tuple[tuple[FeatureMap, FeatureMap], Canonical | None]:
    """Fit to training rows x (n, d_x), z (n, d_z): the features of both sides, their weights, and what the Gaussian
    base starts from, if there is to be one."""
    maps = FeatureMap(x, config.preprocess), FeatureMap(z, config.preprocess)
    if config.preprocess != "rank":
        return maps, None
    features = maps[0](x), maps[1](z)
    weights = screen(*features, *(side.columns * 2 for side in maps))
    for side, own in zip(maps, weights, strict=True):
        side.weights = own
    if not config.gaussian_base or x.shape[1] + z.shape[1] > MOST_BASE_COLUMNS:
        return maps, None
    left, right = (f[:, : m.columns] * w[: m.columns] for f, m, w in zip(features, maps, weights, strict=True))
    return maps, canonical_correlations(left, right)


def score_ceiling(rows: int) -> float:
    """The smooth bound on |T| in nats: ln n, what n rows can support, but not below 5.

    >>> round(score_ceiling(10_000), 2)
    9.21
    """
    return max(5.0, math.log(rows))
