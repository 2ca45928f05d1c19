"""What came of a GAN's run: its samples, and its answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minecli.apps.comparison.running import Arm, entry_of
from minecli.apps.gan.datasets import Dataset
from minecli.apps.gan.request import GanRequest
from minecli.apps.gan.training import GanTraining

_PICTURE_SAMPLES = {1: 20_000, 3: 64}


def untrained(request: GanRequest, dataset: Dataset, method: str) -> GanTraining:
    """The GANs of a method before their first step."""
    return GanTraining(dataset.real, method, request.config, request.seeds, dataset.metrics)


def picture_samples(arm: Arm[GanTraining]) -> npt.NDArray[np.float32]:
    """So many samples of the first seed as pictures want, shape (n, *shape)."""
    count = _PICTURE_SAMPLES[len(arm.training.data.shape)]
    samples, _ = arm.training.sample(count, "picture", best=True)
    found: npt.NDArray[np.float32] = samples[0].numpy()
    return found


def sample_columns(arm: Arm[GanTraining], dataset: Dataset) -> dict[str, Any]:
    """`config.samples` samples of every seed as columns of a table: first the seed, under a name that is free."""
    samples, _ = arm.training.sample(arm.training.config.samples, "written", best=True)
    models, count = samples.shape[:2]
    columns = dataset.layout.columns(samples.reshape(models * count, *samples.shape[2:]).numpy())
    name = "seed"
    while name in columns:
        name += "_"
    return {name: np.repeat(np.array(arm.training.seeds), count)} | columns


def arm_entry(arm: Arm[GanTraining], dataset: Dataset) -> dict[str, Any]:
    """One method's answer as plain values, with the full report on the first seed where the data set has one."""
    entry = entry_of(arm)
    if dataset.report is not None and arm.training.history[0]:
        samples, _ = arm.training.sample(arm.training.config.samples, "report", best=True)
        entry["report"] = dataset.report(samples[0].numpy())
    return entry
