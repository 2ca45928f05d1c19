"""One cross-fitting: the networks of all folds, trained together, and what they make of the rows.

A few networks per fold, which differ in their weight decay, are trained as one batched network; those of a fold are
combined by weights fitted to its validation rows, and evaluated on its held-out rows and on those that trained them.
Under `--protocol paper` there are no folds, and training and evaluation share all rows (Definition 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from minecli import __version__, events
from minecli.estimators.config import MineConfig
from minecli.estimators.context import Context
from minecli.estimators.neural.features import FIT_ROWS, FeatureMap
from minecli.estimators.neural.held_out import Collected
from minecli.estimators.neural.rows import Indices, ModelRows, split_rows
from minecli.estimators.neural.screening import MOST_ROWS as SCREENED_ROWS
from minecli.estimators.neural.screening import screen
from minecli.mine.canonical import Canonical, canonical_correlations
from minecli.mine.contributions import RowTerms
from minecli.mine.evaluation import bound_of, fit_weights, row_terms, score_matrix
from minecli.mine.sampling import random_shifts
from minecli.mine.statistics_network import GaussianBase, StatisticsNetwork
from minecli.mine.training import Training
from minecli.result import Status
from minecli.runtime.checkpoint import PeriodicCheckpoint, fingerprint, repeat_path, resume_from
from minecli.runtime.seeds import child_seed, torch_generator

Array = npt.NDArray[np.float64]

# A base with more variates than this would cost more than the network it helps.
MOST_BASE_COLUMNS = 512
# Re-paired rows in the evaluation: about a million in all, never fewer than one nor more than 256 per row.
EVALUATION_PAIRS = 2**20
MOST_SHIFTS = 256
# Training rows that are evaluated, per fold: enough to tell how far they are from the held-out ones.
IN_SAMPLE_ROWS = 2**14
# Re-pairings per row when the base is evaluated alone: it is smooth, and its value is only set beside the estimate's.
BASE_SHIFTS = 32


@dataclass
class CrossFitting:
    """Where the rows of one repeat are, and the training of its networks."""

    config: MineConfig
    context: Context
    repeat: int
    seed: int
    rows: ModelRows
    training: Training
    base: StatisticsNetwork | None = None  # the copula bases alone, one per part
    tables: int = 1  # how many were trained as one network

    @classmethod
    def prepare(
        cls, x: Array, z: Array, config: MineConfig, context: Context, repeat: int = 0, tables: int = 1
    ) -> CrossFitting:
        """Split the rows, fit what is fitted to training rows, build the networks.

        Args:
            repeat: which one this is, from 0; each splits the rows and starts the networks in its own way.
            tables: how many share the memory for cached features.
        """
        seed = child_seed(context.seed, "repeat", repeat) if repeat else context.seed
        split = split_rows(len(x), config, seed)
        dtype = torch.float64 if config.precision == "float64" else torch.float32
        members, device = len(config.weight_decays), context.device
        samples = [part.training(np.arange(min(part.training_rows, FIT_ROWS))) for part in split]
        fitted = [fit_features(x[s], z[s], config) for s in samples]
        maps = [pair for pair, _ in fitted]
        rows = ModelRows(
            x,
            z,
            split,
            maps,
            config.batch_size,
            child_seed(seed, "rows"),
            dtype,
            device,
            members,
            tables,
            steps=config.max_steps,
        )
        fits = [fit for _, fit in fitted for _ in range(members) if fit is not None]
        network = StatisticsNetwork(
            len(split) * members,
            maps[0][0].width,
            maps[0][1].width,
            hidden=config.hidden,
            layers=config.layers,
            tower_layers=config.tower_layers,
            ceiling=score_ceiling(len(x)),
            generator=torch_generator(seed, "network"),
            base=GaussianBase(fits, len(samples[0])) if fits else None,
            baseline=config.objective().baseline,
            dtype=dtype,
        ).to(device)
        base = _base_alone(maps, fits[::members], len(samples[0]), score_ceiling(len(x)), dtype, device)
        decay = torch.tensor(config.weight_decays_for(len(x)) * len(split), dtype=dtype, device=device)
        validate = None if config.protocol == "paper" else rows.validation(config.objective())
        training = Training(network, rows.batch, validate, config, child_seed(seed, "training"), decay)
        return cls(config, context, repeat, seed, rows, training, base)

    @property
    def stage(self) -> str:
        """What progress is called."""
        return f"{self.config.estimator} (repeat {self.repeat + 1})" if self.repeat else self.config.estimator

    def train(self) -> Status:
        """Train, from the checkpoint on where there is one, and keep it up to date."""
        path = self.context.checkpoint
        if path is None:
            return self.training.run(self.stage, self.context.observer, self.context.should_stop)
        if self.repeat:
            path = repeat_path(path, self.repeat + 1)
        settings = {"version": __version__, "seed": self.seed, **asdict(self.config)}
        mark = fingerprint(settings, self.rows.x, self.rows.z)

        def say(said: str) -> None:
            self.context.observer(events.Event(self.stage, self.training.step, self.config.max_steps, message=said))

        resume_from(path, fingerprint=mark, load=self.training.load_state_dict, say=say)
        checkpoint = PeriodicCheckpoint(path, mark, say)

        def save(state: dict[str, Any]) -> None:
            checkpoint.save(state, at_once=state["ended"] is not None or self.context.should_stop())

        return self.training.run(self.stage, self.context.observer, self.context.should_stop, save)

    def weights(self) -> list[list[float]]:
        """The weight of every model in its part, fitted on the validation part; equal ones where there is none."""
        members = self.rows.members
        if self.config.protocol == "paper":
            return [[1.0 / members] * members for _ in self.rows.split]
        scores = self.rows.validation_scores(self.training.best)
        return [fit_weights(part, self.config.objective()) for part in torch.split(scores, members)]

    def evaluate(self, weights: list[list[float]], should_stop: Callable[[], bool]) -> list[Evaluated] | None:
        """Evaluate every part's combination, once on its held-out rows and once on rows that trained it; None if
        stopped before all are done."""
        found: list[Evaluated] = []
        for k, part in enumerate(self.rows.split):
            own = self._terms(k, weights[k], part.held_out, "evaluation", MOST_SHIFTS, should_stop)
            if own is None:
                return None
            if self.config.protocol == "paper":
                found.append(Evaluated(part.held_out, own))
            else:
                places = np.arange(min(part.training_rows, IN_SAMPLE_ROWS))
                training = part.training(places)
                # A contrastive bound depends on how many re-pairings there are: no more here than there.
                most = own.shifts_per_row if math.isfinite(own.ceiling_nats) else MOST_SHIFTS
                in_sample = self._terms(k, weights[k], training, "in-sample", most, should_stop)
                if in_sample is None:
                    return None
                found.append(Evaluated(part.held_out, own, training, in_sample, self._base_nats(k)))
            self.context.observer(events.Event(f"{self.stage}: evaluation", k + 1, len(self.rows.split)))
        return found

    def _terms(
        self,
        part: int,
        weights: list[float],
        rows: Indices,
        stream: str,
        most_shifts: int,
        should_stop: Callable[[], bool],
    ) -> RowTerms | None:
        """The terms of one part's combination on some rows; `stream` names the random draws."""
        members, objective = self.rows.members, self.config.objective()
        # What has no weight need not be computed; one is kept so that there is something to score.
        used = [m for m in range(members) if weights[m] > 0.0] or [0]
        in_all = len(rows) * len(self.rows.split)
        wanted = max(objective.pairs_factor * EVALUATION_PAIRS // in_all, objective.fewest_shifts)
        return row_terms(
            self.training.best.select([part * members + m for m in used]),
            self.rows.of_part(part, rows, len(used)),
            len(rows),
            shifts_per_row=min(wanted, most_shifts),
            weights=[weights[m] for m in used],
            objective=objective,
            generator=torch_generator(self.seed, stream, part),
            should_stop=should_stop,
        )

    def _base_nats(self, part: int) -> float | None:
        """What the copula base reaches alone on a part's held-out rows, its size fitted to the validation rows."""
        if self.base is None:
            return None
        alone, objective = self.base.select([part]), self.config.objective()

        def scores(rows: Indices, stream: str) -> torch.Tensor:
            draws = torch_generator(self.seed, stream, part)
            shifts = random_shifts(len(rows), min(BASE_SHIFTS, len(rows) - 1), draws)
            return score_matrix(alone, *self.rows.of_part(part, rows, 1)(slice(None)), [0, *shifts])

        own = self.rows.split[part]
        (weight,) = fit_weights(scores(own.validation, "base-validation"), objective)
        return float(bound_of(weight * scores(own.held_out[:IN_SAMPLE_ROWS], "base").double(), objective))


@dataclass(frozen=True)
class Evaluated:
    """One part's combination on its held-out rows and on rows that trained it (None under the paper's protocol, where
    these are the same), and what the base alone reaches on the held-out rows (None: there is no base)."""

    held_out: Indices
    terms: RowTerms
    training: Indices | None = None
    in_sample: RowTerms | None = None
    base_nats: float | None = None

    def add_to(self, collected: Collected) -> None:
        """Hand the terms to what collects them."""
        collected.add(self.terms, self.held_out, self.base_nats)
        if self.training is not None and self.in_sample is not None:
            collected.add_in_sample(self.in_sample, self.training)


def train_together(
    fittings: Sequence[CrossFitting], observer: events.Observer, should_stop: Callable[[], bool]
) -> Status:
    """Train cross-fittings as one batched network.

    Every model keeps its own start, rows and best weights, and is stopped by its own validation rows: what comes out
    differs from training one by one in the re-pairings drawn for a step, which all then share, and in rounding.
    Nothing is handed back after an interruption, or where some model became infinite: then train one by one.

    Args:
        fittings: of one config, device and number of rows, with networks of one signature.
        observer: told of the progress of all.
        should_stop: asked between steps.
    """
    first = fittings[0]

    def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        sides = zip(*(fitting.rows.batch(step) for fitting in fittings), strict=True)
        x, z = (torch.cat(side) for side in sides)
        return x, z

    def validate(network: StatisticsNetwork) -> torch.Tensor:
        own = [network.select(range(m.start, m.stop)) for m in shares]
        found = [f.training.validate(n) for f, n in zip(fittings, own, strict=True) if f.training.validate is not None]
        return torch.cat(found)

    size = first.training.network.models
    shares = [slice(size * i, size * (i + 1)) for i in range(len(fittings))]
    training = Training(
        StatisticsNetwork.joined([fitting.training.network for fitting in fittings]),
        batch,
        None if first.training.validate is None else validate,
        first.config,
        child_seed(first.seed, "together", *(fitting.seed for fitting in fittings[1:])),
        torch.cat([f.training.weight_decay for f in fittings if f.training.weight_decay is not None]),
    )
    status = training.run(f"{first.stage} on {len(fittings)} tables", observer, should_stop)
    if status in (Status.CONVERGED, Status.MAX_STEPS):
        for fitting, share in zip(fittings, shares, strict=True):
            fitting.training.take(training, share)
            fitting.tables = len(fittings)
    return status


def fit_features(x: Array, z: Array, config: MineConfig) -> tuple[tuple[FeatureMap, FeatureMap], Canonical | None]:
    """Fit to training rows x (n, d_x), z (n, d_z): the features of both sides, their weights, and what the Gaussian
    base starts from, if there is to be one."""
    maps = FeatureMap(x, config.preprocess), FeatureMap(z, config.preprocess)
    if config.preprocess != "rank":
        return maps, None
    # What lies between columns and weights takes several times their room: of no more rows than are looked at.
    features = maps[0](x[:SCREENED_ROWS]), maps[1](z[:SCREENED_ROWS])
    weights = screen(*features, *(side.columns * 2 for side in maps))
    del features
    for side, own in zip(maps, weights, strict=True):
        side.weights = own
    if not config.gaussian_base or x.shape[1] + z.shape[1] > MOST_BASE_COLUMNS:
        return maps, None
    left, right = (m.scores(v) * own[: m.columns] for m, v, own in zip(maps, (x, z), weights, strict=True))
    # The base needs the maps to the variates alone, and every fold keeps what it needs.
    return maps, canonical_correlations(left, right, variates=False)


def _base_alone(
    maps: Sequence[tuple[FeatureMap, FeatureMap]],
    fits: Sequence[Canonical],
    rows: int,
    ceiling: float,
    dtype: torch.dtype,
    device: str,
) -> StatisticsNetwork | None:
    """Networks that are their bases and nothing else (their readout is zero), one per part."""
    if not fits:
        return None
    (x, z), draws = maps[0], torch_generator(0, "base-alone")
    base = GaussianBase(fits, rows)
    return StatisticsNetwork(
        len(maps), x.width, z.width, hidden=1, layers=1, ceiling=ceiling, generator=draws, base=base, dtype=dtype
    ).to(device)


def score_ceiling(rows: int) -> float:
    """The smooth bound on |T| in nats: ln n, what n rows can support, but not below 5.

    >>> round(score_ceiling(10_000), 2)
    9.21
    """
    return max(5.0, math.log(rows))
