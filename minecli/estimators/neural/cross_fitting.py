"""One cross-fitting: the networks of all folds, trained together, and what they make of the rows.

A few networks per fold, which differ in their weight decay, are trained as one batched network; those of a fold are
combined by weights fitted to its validation rows, and evaluated on its held-out rows and on those that trained them.
Under `--protocol paper` there are no folds, and training and evaluation share all rows (Definition 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import torch

from minecli import events
from minecli.estimators.config import MineConfig
from minecli.estimators.context import Context
from minecli.estimators.neural.features import FIT_ROWS, FeatureMap
from minecli.estimators.neural.held_out import Collected
from minecli.estimators.neural.rows import Batching, Indices, ModelRows, split_rows
from minecli.estimators.neural.screening import MOST_ROWS as SCREENED_ROWS
from minecli.estimators.neural.screening import screen
from minecli.mine.canonical import Canonical, canonical_correlations
from minecli.mine.ceilings import score_ceiling
from minecli.mine.config import TrainingConfig
from minecli.mine.contributions import RowTerms
from minecli.mine.evaluation import bound_of, fit_weights
from minecli.mine.fitting import CheckpointFile, EvaluationRows, Fitting, NetworkShape, shifted_scores
from minecli.mine.fitting import train_together as train_as_one
from minecli.mine.statistics_network import GaussianBase, StatisticsNetwork
from minecli.mine.training import Training
from minecli.result import Status
from minecli.runtime.checkpoint import fingerprint, repeat_path
from minecli.runtime.seeds import child_seed, torch_generator
from minecli.version import __version__

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
# The least network that a base can stand on.
_NOTHING_ELSE = TrainingConfig(hidden=1, layers=1, tower_layers=0)


@dataclass
class CrossFitting:
    """Where the rows of one repeat are, and the fitting of its networks.

    `base` are the copula bases alone, one per part (None: there are none); `tables` says how many tables' networks
    were trained as one.
    """

    config: MineConfig
    context: Context
    repeat: int
    seed: int
    rows: ModelRows
    fitting: Fitting
    base: StatisticsNetwork | None = None
    tables: int = 1

    @classmethod
    def prepare(
        cls, x: Array, z: Array, config: MineConfig, context: Context, repeat: int = 0, tables: int = 1
    ) -> CrossFitting:
        """Split the rows, fit what is fitted to training rows, build the networks.

        Args:
            x: shape (n, d_x).
            z: shape (n, d_z).
            config: settings.
            context: device and seed.
            repeat: which one this is, from 0; each splits the rows and starts the networks in its own way.
            tables: how many share the memory for features that are kept.

        Raises:
            DataError: too few rows for the folds.
        """
        seed = child_seed(context.seed, "repeat", repeat) if repeat else context.seed
        split = split_rows(len(x), config, seed)
        members, objective = len(config.weight_decays), config.objective()
        samples = [part.training(np.arange(min(part.training_rows, FIT_ROWS))) for part in split]
        fitted = [fit_features(x[s], z[s], config) for s in samples]
        maps, fits = [pair for pair, _ in fitted], [fit for _, fit in fitted if fit is not None]
        how = Batching(
            batch_size=config.batch_size,
            seed=child_seed(seed, "rows"),
            dtype=torch.float64 if config.precision == "float64" else torch.float32,
            device=context.device,
            members=members,
            tables=tables,
            steps=config.max_steps,
        )
        rows = ModelRows(x, z, split, maps, how)

        def shape(each: int) -> NetworkShape:
            """So many networks per part."""
            return NetworkShape(
                models=len(split) * each,
                x_features=maps[0][0].width,
                z_features=maps[0][1].width,
                ceiling=score_ceiling(len(x)),
                base=GaussianBase([fit for fit in fits for _ in range(each)], len(samples[0])) if fits else None,
                dtype=how.dtype,
                device=how.device,
            )

        networks = shape(members).build(config, torch_generator(seed, "network"))
        decay = torch.tensor(config.weight_decays_for(len(x)) * len(split), dtype=how.dtype, device=how.device)
        validation = None if config.protocol == "paper" else rows.validation(objective)
        training_seed = child_seed(seed, "training")
        return cls(
            config,
            context,
            repeat,
            seed,
            rows,
            Fitting(networks, rows.batch, validation, config, training_seed, decay),
            # Networks that are their bases and nothing else, because their readout is zero.
            shape(1).build(_NOTHING_ELSE, torch_generator(0, "base-alone")) if fits else None,
        )

    @property
    def training(self) -> Training:
        """The training of all the networks, and the best weights it has seen."""
        return self.fitting.training

    @property
    def stage(self) -> str:
        """What progress is called."""
        return f"{self.config.estimator} (repeat {self.repeat + 1})" if self.repeat else self.config.estimator

    def train(self) -> Status:
        """Train, from the checkpoint on where there is one, and keep it up to date."""
        return self.fitting.train(self.stage, self.context.observer, self.context.should_stop, self._checkpoint())

    def _checkpoint(self) -> CheckpointFile | None:
        path = self.context.checkpoint
        if path is None:
            return None
        if self.repeat:
            path = repeat_path(path, self.repeat + 1)
        settings = {"version": __version__, "seed": self.seed, **asdict(self.config)}
        return CheckpointFile(path, fingerprint(settings, self.rows.x, self.rows.z))

    def weights(self) -> list[list[float]]:
        """The weight of every model in its part, fitted on the validation part; equal ones where there is none."""
        members = self.rows.members
        if self.fitting.validation is None:
            return [[1.0 / members] * members for _ in self.rows.split]
        return self.fitting.validation.weights(self.training.best, members)

    def evaluate(self, weights: list[list[float]], should_stop: Callable[[], bool]) -> list[Evaluated] | None:
        """Evaluate every part's combination, once on its held-out rows and once on rows that trained it; None if
        stopped before all are done."""
        evaluated: list[Evaluated] = []
        for k in range(len(self.rows.split)):
            one = self._evaluated(k, weights[k], should_stop)
            if one is None:
                return None
            evaluated.append(one)
            self.context.observer(events.Event(f"{self.stage}: evaluation", k + 1, len(self.rows.split)))
        return evaluated

    def _evaluated(self, k: int, weights: Sequence[float], should_stop: Callable[[], bool]) -> Evaluated | None:
        """The terms of one part's combination; None where that was stopped."""
        part, members = self.rows.split[k], self.rows.members
        combination = {k * members + m: weight for m, weight in enumerate(weights)}
        held_out = self._rows(k, part.held_out, "evaluation", MOST_SHIFTS)
        own = self.fitting.terms(combination, held_out, should_stop)
        if own is None or self.config.protocol == "paper":
            return None if own is None else Evaluated(part.held_out, own)
        training = part.training(np.arange(min(part.training_rows, IN_SAMPLE_ROWS)))
        # A contrastive bound depends on how many re-pairings there are: no more here than there.
        most = own.shifts_per_row if math.isfinite(own.ceiling_nats) else MOST_SHIFTS
        in_sample = self.fitting.terms(combination, self._rows(k, training, "in-sample", most), should_stop)
        return None if in_sample is None else Evaluated(part.held_out, own, training, in_sample, self._base_nats(k))

    def _rows(self, part: int, rows: Indices, stream: str, most_shifts: int) -> EvaluationRows:
        """Some rows for one part's models to be evaluated on; `stream` names the random draws."""
        objective, in_all = self.config.objective(), len(rows) * len(self.rows.split)
        wanted = max(objective.pairs_factor * EVALUATION_PAIRS // in_all, objective.fewest_shifts)
        draws = torch_generator(self.seed, stream, part)
        return EvaluationRows(self.rows.of_part(part, rows), len(rows), min(wanted, most_shifts), draws)

    def _base_nats(self, part: int) -> float | None:
        """What the copula base reaches alone on a part's held-out rows, in nats, its size fitted to the validation
        rows; None where there is no base."""
        if self.base is None:
            return None
        alone, objective = self.base.select([part]), self.config.objective()

        def scores(rows: Indices, stream: str) -> torch.Tensor:
            features = self.rows.of_part(part, rows)(slice(None))
            return shifted_scores(alone, *features, BASE_SHIFTS, torch_generator(self.seed, stream, part))

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
    """Train cross-fittings of one config, device and number of rows, with networks of one signature, as one batched
    network; see `mine.fitting.train_together`."""
    first, others = fittings[0], fittings[1:]
    status = train_as_one(
        [each.fitting for each in fittings],
        f"{first.stage} on {len(fittings)} tables",
        child_seed(first.seed, "together", *(each.seed for each in others)),
        observer,
        should_stop,
    )
    if status in (Status.CONVERGED, Status.MAX_STEPS):
        for each in fittings:
            each.tables = len(fittings)
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
