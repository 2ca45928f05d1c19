r"""Statistics networks from their first weights to their terms on given rows: built, trained, combined, evaluated.

Every estimate from networks goes this way once, whoever asks: cross-fitting, benchmarks on new rows, the measured
information of a bottleneck. They differ in where the rows come from, which is all that they say themselves: training
batches, validation rows (no gradient sees them; they stop the training and choose how networks are combined), and
evaluation rows (nothing has seen them). The ceilings of what comes out stand in `ceilings`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from minecli import events
from minecli.mine.config import TrainingConfig
from minecli.mine.contributions import RowTerms
from minecli.mine.evaluation import Rows, criterion_of, fit_weights, row_terms, score_matrix
from minecli.mine.objectives import Objective
from minecli.mine.sampling import random_shifts
from minecli.mine.statistics_network import LogRatioBase, StatisticsNetwork
from minecli.mine.training import Batch, Training
from minecli.result import Status
from minecli.runtime.checkpoint import PeriodicCheckpoint, resume_from


@dataclass(frozen=True, kw_only=True)
class NetworkShape:
    """What the rows, and not the settings, decide about networks.

    Attributes:
        models: how many networks there are, side by side.
        x_features: features of a row of x.
        z_features: features of a row of z.
        ceiling: the smooth bound on the absolute score, in nats; infinity for none.
        base: the log density ratio that they start from, or None.
        dtype: of weights and scores.
        device: where they compute.
    """

    models: int
    x_features: int
    z_features: int
    ceiling: float
    base: LogRatioBase | None = None
    dtype: torch.dtype = torch.float32
    device: str | torch.device = "cpu"

    def build(self, config: TrainingConfig, draws: torch.Generator) -> StatisticsNetwork:
        """Networks of this shape and with the layers of `config`, their first weights drawn from `draws`.

        >>> shape = NetworkShape(models=3, x_features=2, z_features=1, ceiling=5.0)
        >>> shape.build(TrainingConfig(hidden=8), torch.Generator().manual_seed(0)).models
        3
        """
        return StatisticsNetwork(
            self.models,
            self.x_features,
            self.z_features,
            hidden=config.hidden,
            layers=config.layers,
            tower_layers=config.tower_layers,
            ceiling=self.ceiling,
            generator=draws,
            base=self.base,
            baseline=config.objective().baseline,
            dtype=self.dtype,
        ).to(self.device)


def shifted_scores(network: StatisticsNetwork, x: Tensor, z: Tensor, shifts: int, draws: torch.Generator) -> Tensor:
    """Scores of rows x (models, n, features) with their own z and with those of so many other rows, in nats.

    Returns:
        Shape (models, 1 + shifts, n), the joint pairs first; fewer shifts where there are fewer other rows.
    """
    return score_matrix(network, x, z, [0, *random_shifts(x.shape[1], shifts, draws)])


@dataclass(frozen=True)
class ValidationRows:
    """Rows that no gradient sees: they stop the training and choose how networks are combined.

    Attributes:
        scores: a network's scores of them with so many re-pairings per row, shape (models, 1 + re-pairings, n), the
            joint pairs first.
        objective: whose criterion is computed.
        stopping_shifts: re-pairings per row where the training asks whether to go on.
        combining_shifts: re-pairings per row where the weights of a combination are fitted, which is done once.
    """

    scores: Callable[[StatisticsNetwork, int], Tensor]
    objective: Objective
    stopping_shifts: int
    combining_shifts: int

    def __call__(self, network: StatisticsNetwork) -> Tensor:
        """The criterion of every model in nats, shape (models,)."""
        return criterion_of(self.scores(network, self.stopping_shifts), self.objective)

    def weights(self, network: StatisticsNetwork, members: int) -> list[list[float]]:
        """The weight of every model in the combination of the `members` models side by side that it belongs to."""
        scores = self.scores(network, self.combining_shifts)
        return [fit_weights(own, self.objective) for own in torch.split(scores, members)]


@dataclass(frozen=True)
class EvaluationRows:
    """`count` rows in random order on which a combination of networks is evaluated.

    Attributes:
        features: gives those of a slice of the rows, shapes (1, b, features), as all the networks see them.
        count: how many rows there are, at least two.
        shifts_per_row: how many other rows each is paired with, as far as there are so many.
        draws: where the re-pairings are drawn from.
    """

    features: Rows
    count: int
    shifts_per_row: int
    draws: torch.Generator


@dataclass(frozen=True)
class CheckpointFile:
    """Where the state of a training is saved, and the fingerprint of what decides that state."""

    path: Path
    fingerprint: str


class Fitting:
    """Networks that are trained once and evaluated as often as wanted.

    Args:
        network: what to train, in place.
        batch: gives step s its (x, z) features, shapes (models, b, features); it must depend on s alone.
        validation: rows that stop the training, or None: then the last averaged weights are the result.
        config: settings.
        seed: names the random streams of the training.
        weight_decay: see `Training`.
    """

    def __init__(
        self,
        network: StatisticsNetwork,
        batch: Batch,
        validation: ValidationRows | None,
        config: TrainingConfig,
        seed: int,
        weight_decay: Tensor | None = None,
    ) -> None:
        self.training = Training(network, batch, validation, config, seed, weight_decay)
        self.validation = validation
        self.seconds = 0.0  # spent on training, those before an interruption included

    def train(
        self,
        stage: str,
        observer: events.Observer = events.ignore,
        should_stop: Callable[[], bool] = events.never,
        checkpoint: CheckpointFile | None = None,
    ) -> Status:
        """Train, from the checkpoint on where there is one, and keep it up to date; return how the training ended.

        Args:
            stage: what progress is called.
            observer: told of progress, and of a state that could not be written.
            should_stop: asked between steps.
            checkpoint: where the state is saved, if anywhere.

        Raises:
            DataError: the checkpoint cannot be read.
            UsageError: it belongs to other data or other settings.
        """

        def say(said: str) -> None:
            observer(events.Event(stage, self.training.step, self.training.config.max_steps, message=said))

        periodic = None
        if checkpoint is not None:
            resume_from(checkpoint.path, fingerprint=checkpoint.fingerprint, load=self._adopt, say=say)
            periodic = PeriodicCheckpoint(checkpoint.path, checkpoint.fingerprint, say)
        before, started = self.seconds, time.monotonic()

        def save(state: dict[str, Any]) -> None:
            self.seconds = before + time.monotonic() - started
            if periodic is not None:
                at_once = state["ended"] is not None or should_stop()
                periodic.save(state | {"seconds": self.seconds}, at_once=at_once)

        return self.training.run(stage, observer, should_stop, save)

    def _adopt(self, state: dict[str, Any]) -> None:
        if "training" in state:  # benchmarks with new rows at every step once kept it one level deeper
            state = {**state["training"], "seconds": state["seconds"]}
        self.training.load_state_dict(state)
        self.seconds = float(state.get("seconds", 0.0))

    def terms(
        self,
        combination: Mapping[int, float],
        rows: EvaluationRows,
        should_stop: Callable[[], bool] = events.never,
    ) -> RowTerms | None:
        """Evaluate a combination of the trained networks on rows; None where that was stopped.

        Args:
            combination: the weight of each model that belongs to it, by the model's number.
            rows: where to evaluate it: held out, for an estimate.
            should_stop: asked once per block of rows.
        """
        # What has no weight need not be computed; one is used all the same, so that there is something to score.
        used = [m for m, weight in combination.items() if weight > 0.0] or [next(iter(combination))]

        def features(where: slice) -> tuple[Tensor, Tensor]:
            x, z = rows.features(where)
            return x.expand(len(used), -1, -1), z.expand(len(used), -1, -1)

        return row_terms(
            self.training.best.select(used),
            features,
            rows.count,
            shifts_per_row=rows.shifts_per_row,
            weights=[combination[m] for m in used],
            objective=self.training.config.objective(),
            generator=rows.draws,
            should_stop=should_stop,
        )


def train_together(
    fittings: Sequence[Fitting],
    stage: str,
    seed: int,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
) -> Status:
    """Train the networks of several fittings as one batched network.

    Every model keeps its own start, rows and best weights, and is stopped by its own validation rows: what comes out
    differs from training one by one in the re-pairings drawn for a step, which all then share, and in rounding.
    Nothing is handed back after an interruption, or where some model became infinite: then train one by one.

    Args:
        fittings: of one config, device and number of rows, with networks of one signature.
        stage: what progress is called.
        seed: names the random streams of the training.
        observer: told of the progress of all.
        should_stop: asked between steps.
    """
    trainings = [fitting.training for fitting in fittings]
    first, size = trainings[0], trainings[0].network.models
    shares = [slice(size * i, size * (i + 1)) for i in range(len(trainings))]

    def batch(step: int) -> tuple[Tensor, Tensor]:
        x, z = (torch.cat(side) for side in zip(*(training.batch(step) for training in trainings), strict=True))
        return x, z

    def validate(network: StatisticsNetwork) -> Tensor:
        each = zip(trainings, shares, strict=True)
        return torch.cat(
            [t.validate(network.select(range(s.start, s.stop))) for t, s in each if t.validate is not None]
        )

    whole = Training(
        StatisticsNetwork.joined([training.network for training in trainings]),
        batch,
        None if first.validate is None else validate,
        first.config,
        seed,
        torch.cat([t.weight_decay for t in trainings if t.weight_decay is not None]),
    )
    status = whole.run(stage, observer, should_stop)
    if status in (Status.CONVERGED, Status.MAX_STEPS):
        for training, share in zip(trainings, shares, strict=True):
            training.adopt(whole, share)
    return status
