"""What came of a GAN's run: its answer, the samples it writes and shows, and those of a run that is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from minecli.apps.adversarial.draws import draw_prior, stream
from minecli.apps.datasets.coded_rows import CodedRows
from minecli.apps.datasets.sample_columns import Layout, free_name, read_coded_columns, read_columns
from minecli.apps.datasets.table_rows import TableRows
from minecli.apps.ensembles.results import (
    Application,
    TrainedMethod,
    add_clipped_share,
    add_last_quarter,
    entry_of,
    kept_networks,
    require_state,
)
from minecli.apps.ensembles.training import applied
from minecli.apps.gan.conditional import Drawn, condition_of, draw_where
from minecli.apps.gan.config import GanRequest
from minecli.apps.gan.own_table import choices_of
from minecli.apps.gan.targets import Dataset, layout_of, load_dataset
from minecli.apps.gan.training import GanTraining, generator_of
from minecli.errors import UsageError

_PICTURE_SAMPLES = {1: 20_000, 3: 64}


def untrained(request: GanRequest, dataset: Dataset, method: str) -> GanTraining:
    """The GANs of a method before their first step, one for each of the request's seeds."""
    return GanTraining(dataset.real, method, request.config, request.seeds, dataset.metrics, choices_of(dataset.table))


def method_entry(trained: TrainedMethod[GanTraining], dataset: Dataset) -> dict[str, Any]:
    """One method's answer as plain values: metrics after the last step and, since two GANs change places from one
    evaluation to the next, their mean over the evaluations of the last quarter of the steps; the share of steps at
    which the information's gradient was shortened, where there is one; and the full report on the first seed where the
    data set has one."""
    entry, training = entry_of(trained), trained.training
    add_last_quarter(entry, training)
    add_clipped_share(entry, [training.clipped_share(m) for m in range(len(training.seeds))])
    if dataset.report is not None and trained.training.history[0]:
        samples = trained.training.sample(trained.training.config.samples, "report", best=True)
        entry["report"] = dataset.report(samples[0].numpy())
    return entry


def picture_samples(trained: TrainedMethod[GanTraining]) -> npt.NDArray[np.float32]:
    """Samples of the first seed, as many as pictures show, shape (n, *shape)."""
    count = _PICTURE_SAMPLES[len(trained.training.data.shape)]
    first: npt.NDArray[np.float32] = trained.training.sample(count, "picture", best=True)[0].numpy()
    return first


def sample_columns(trained: TrainedMethod[GanTraining], dataset: Dataset) -> dict[str, Any]:
    """`config.samples` samples of every seed as columns of a table: first the seed, under a name that is free."""
    training = trained.training
    samples = training.sample(training.config.samples, "written", best=True)
    columns = dataset.layout.columns(samples.flatten(0, 1).numpy())
    return {free_name("seed", columns): np.repeat(np.array(training.seeds), samples.shape[1])} | columns


def samples_of(
    folder: Path, request: GanRequest, chosen: tuple[str, int], rows: int, seed: int, where: Sequence[str] = ()
) -> Drawn:
    """Draw `rows` samples of the method and seed that are `chosen`, as columns of a table; `seed` decides which. They
    satisfy all that `where` says (`conditional.condition_of`).

    It is the last generator that gave finite samples when it was evaluated; see `GanTraining.last_finite`.

    Raises:
        UsageError: the run has not come far enough to have a generator of that method; no condition for its columns.
        DataError: the checkpoint cannot be read, or too few samples satisfy the condition.
    """
    stored, model = stored_generator(folder, request, chosen), chosen[1]
    if where and stored.table is None:
        raise UsageError("--where is for runs on a table of your own", hint="leave it out")
    condition = condition_of(where, stored.table.origins) if where and stored.table is not None else None
    draws = stream(seed, "drawn", model)

    def draw(count: int) -> dict[str, Any]:
        prior = draw_prior(request.config, count, draws, stored.entries)[None]
        return stored.layout.columns(applied(stored.generator, prior, torch.device("cpu"))[0].numpy())

    return Drawn(draw(rows)) if condition is None else draw_where(draw, rows, condition)


@dataclass(frozen=True)
class StoredGenerator:
    """The generator of one seed that a run's folder holds, on the CPU, how its samples become a table, what is known of
    the run's own table, and how many entries of its latents choose levels."""

    generator: nn.Module
    layout: Layout
    table: TableRows | CodedRows | None
    entries: int


def stored_generator(folder: Path, request: GanRequest, chosen: tuple[str, int]) -> StoredGenerator:
    """The generator of the method and seed that are `chosen`; see `samples_of` for the errors."""
    method, model = chosen
    state = require_state(folder, request, method, "generator")
    table: TableRows | CodedRows | None = None
    if request.is_table:
        table = read_coded_columns(folder) if request.config.coding == "choices" else read_columns(folder)
    layout, choices = layout_of(request, table), choices_of(table)
    generator = generator_of(request.seeds, layout.shape, request.config, choices)
    kept_networks(state, request.seeds, model, generator=generator)
    return StoredGenerator(generator, layout, table, 0 if choices is None else choices.entries)


APPLICATION = Application(load_dataset, untrained, method_entry, lambda dataset: dataset.definitions)
