"""The data sets a GAN is trained on: real samples, what generated ones are measured by, and what to say about both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from minecli import events
from minecli.apps.datasets.coded_rows import CodedRows
from minecli.apps.datasets.mnist import SIDE, default_cache, pooled, read_mnist
from minecli.apps.datasets.real_samples import RealRows, RealSamples, from_bytes
from minecli.apps.datasets.sample_columns import Layout, channel_lists, coordinates, table_layout
from minecli.apps.datasets.stacked_digits import DigitStacks
from minecli.apps.datasets.synthetic import gaussians25, spiral
from minecli.apps.datasets.table_rows import TableRows
from minecli.apps.gan.config import STACKED, GanRequest
from minecli.apps.gan.own_table import DEFINITIONS, OwnTable
from minecli.apps.gan.references import SampleMetrics, stack_references, toy_references
from minecli.apps.metrics import digit_classifier
from minecli.apps.metrics.modes import GRID_DEFINITIONS, SPIRAL_DEFINITIONS, grid_metrics, spiral_metrics
from minecli.apps.metrics.stacks import STACK_DEFINITIONS, StackMetrics, confident_digits, label_floor
from minecli.runtime.seeds import child_seed, generator

_TOYS = {
    "spiral": (spiral, spiral_metrics, SPIRAL_DEFINITIONS),
    "gaussians25": (gaussians25, grid_metrics, GRID_DEFINITIONS),
}
_SHOWN_REAL = 20_000

Report = Callable[[npt.NDArray[np.float32]], dict[str, Any]]


@dataclass(frozen=True)
class Dataset:
    """Real samples, and what generated ones are measured by.

    `facts` are plain values that a reader of the result needs: the classifier's accuracy, the floor of a metric, the
    rows of a table, and under "references" what the metrics are of noise and of real data. `definitions` says what each
    metric is. `report` compares one model's samples with the real ones in full, where that is defined. `table`
    is a user's own.
    """

    real: RealSamples
    metrics: SampleMetrics
    layout: Layout
    facts: dict[str, Any] = field(default_factory=dict)
    definitions: Mapping[str, str] | None = None
    report: Report | None = None
    table: TableRows | CodedRows | None = None

    def real_samples(self, count: int = _SHOWN_REAL) -> npt.NDArray[np.float32]:
        """The first real samples, for pictures: shape (count, *shape), or all where there are fewer."""
        first = torch.arange(min(count, len(self.real)))[None]
        return self.real.rows(first)[0].cpu().numpy()


def layout_of(request: GanRequest, table: TableRows | CodedRows | None = None) -> Layout:
    """How samples of a request's data set become a table; those of a user's `table` become its columns again."""
    if table is not None:
        return table_layout(table)
    if request.dataset == STACKED:
        return channel_lists((request.config.stack, SIDE, SIDE), "digit")
    return coordinates(2)


def load_dataset(
    request: GanRequest,
    device: str,
    stdin: BinaryIO | None = None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
) -> Dataset | None:
    """Make or read what a request names, the same for every method and seed; None where it was stopped.

    Raises:
        DataError, UsageError: see `tables.groups.load_group` and `datasets.mnist.read_mnist`.
    """
    if request.is_table:
        return _table(request, device, stdin)
    if request.dataset == STACKED:
        return _stacked_digits(request, device, observer, should_stop)
    return _toy(request, device)


def _toy(request: GanRequest, device: str) -> Dataset:
    make, of_rows, definitions = _TOYS[request.dataset]
    config = request.config

    def metrics(samples: torch.Tensor) -> dict[str, float | None]:
        return of_rows(samples.numpy())

    rows = make(config.rows, generator(0, "gan", "data", request.dataset))
    facts = {"rows": len(rows), "references": toy_references(make, metrics, config, request.dataset)}
    real = RealRows(torch.from_numpy(rows).to(device))
    return Dataset(real, metrics, layout_of(request), facts, definitions)


def _stacked_digits(
    request: GanRequest, device: str, observer: events.Observer, should_stop: Callable[[], bool]
) -> Dataset | None:
    config = request.config
    train, test = read_mnist(request.root, observer)
    classifier = digit_classifier.load_classifier((train, test), device, default_cache(), observer, should_stop)
    if classifier is None:
        return None
    digits = pooled(train, test)
    sure = confident_digits(classifier, from_bytes(torch.tensor(test.images)))
    metrics = StackMetrics(classifier, config.stack, sure)
    seed = child_seed(0, "gan", "data", STACKED)
    real = DigitStacks(digits, config.rows, config.stack, seed, device)
    fresh = DigitStacks(digits, config.samples, config.stack, child_seed(0, "gan", "reference", STACKED), device)
    facts = {
        "images": config.rows,
        "modes": 10**config.stack,
        "samples": config.samples,
        "classifier_accuracy": classifier.accuracy,
        "confident_digits": sure,
        "kl_floor_nats": label_floor(digits.labels, config.stack, config.samples, 0),
        "references": stack_references(real, fresh, metrics, config),
    }
    return Dataset(real, metrics, layout_of(request), facts, STACK_DEFINITIONS)


def _table(request: GanRequest, device: str, stdin: BinaryIO | None) -> Dataset:
    own = OwnTable.of(request.load(stdin), request)
    real, layout = RealRows(own.features(device)), layout_of(request, own.rows)
    return Dataset(real, own.distances, layout, own.facts, DEFINITIONS, own.report, own.rows)
