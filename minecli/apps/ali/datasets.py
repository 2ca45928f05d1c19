"""The data sets of adversarially learned inference: what is learnt, what is held out, and what models are measured
by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli import events
from minecli.apps.adversarial.draws import stream
from minecli.apps.ali.config import CELEBA, GRID, MNIST, AliRequest
from minecli.apps.datasets import celeba
from minecli.apps.datasets.image_folder import Broken, ImageFolder
from minecli.apps.datasets.mnist import default_cache, read_mnist
from minecli.apps.datasets.real_samples import Flattened, RealRows, RealSamples
from minecli.apps.datasets.sample_columns import digit_images
from minecli.apps.datasets.synthetic import Rows, gaussians25, grid_means
from minecli.apps.datasets.table_rows import TableRows, UserTable
from minecli.apps.metrics import attribute_classifier, digit_classifier, two_sample
from minecli.apps.metrics.modes import grid_metrics
from minecli.apps.metrics.reconstruction import DEFINITIONS, attribute_scores, reconstruction_metrics
from minecli.apps.metrics.two_sample import TableDistances
from minecli.errors import UsageError
from minecli.runtime.seeds import generator
from minecli.tables.splitting import share_of

# Evaluations during training are to take seconds; the answer at the end is about all that is held out.
MEASURED_IN_TRAINING = 1000
_HELD_OUT = 0.2
_GRID_DEFINITIONS = {
    "modes": "means of the grid with a fresh sample within 3 standard deviations",
    "high_quality_share": "share of fresh samples within 3 standard deviations of a mean",
}

Numbers = npt.NDArray[np.int64]
# Originals, reconstructions (both (n, *shape)), fresh samples, and the numbers of the originals among the held-out.
Measure = Callable[[Tensor, Tensor, Tensor, Numbers], dict[str, float | None]]


@dataclass(frozen=True)
class AliDataset:
    """Samples, and what models are measured by.

    `shape` is that of a sample as it is; `real` and `held_out` have been flattened to rows where perceptrons are to
    meet images. `labels` are of the held-out samples, where they are known. `facts` are what a reader of the result
    needs to know. `table` is a user's own.
    """

    real: RealSamples
    held_out: Tensor
    shape: tuple[int, ...]
    measure: Measure
    definitions: dict[str, str]
    facts: dict[str, Any] = field(default_factory=dict)
    labels: npt.NDArray[np.int64] | None = None
    table: TableRows | None = None

    @property
    def bounded(self) -> bool:
        """Whether samples lie within (-1, 1), as images do."""
        return len(self.shape) > 1

    def metrics(self, reconstructed: Tensor, samples: Tensor, which: Numbers) -> dict[str, float | None]:
        """Measure reconstructions of the held-out samples numbered `which`, (n,), and fresh samples, both of which may
        be rows of pixels."""
        parts = (self.held_out[torch.from_numpy(which)], reconstructed, samples)
        x, again, made = (part.reshape(-1, *self.shape) for part in parts)
        return self.measure(x, again, made, which)


def load_dataset(
    request: AliRequest,
    device: str,
    stdin: BinaryIO | None = None,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
) -> AliDataset | None:
    """Make or read what a request names, the same for every method and seed; None where it was stopped.

    Raises:
        DataError, UsageError: see `tables.groups.load_group`, and in `datasets` `mnist.read_mnist`,
            `celeba.read_celeba` and `image_folder.ImageFolder`.
    """
    dataset = _loaded(request, device, stdin, observer, should_stop)
    if dataset is None:
        return None
    return replace(dataset, facts={**dataset.facts, "references": references(dataset, request.config.samples)})


def _loaded(
    request: AliRequest,
    device: str,
    stdin: BinaryIO | None,
    observer: events.Observer,
    should_stop: Callable[[], bool],
) -> AliDataset | None:
    if request.is_table:
        return _table(request, device, stdin)
    if request.dataset == GRID:
        return _grid(request, device)
    load = _mnist if request.dataset == MNIST else _images
    dataset = load(request, device, observer, should_stop)
    if dataset is None or request.config.arch == "conv":
        return dataset
    return replace(dataset, real=Flattened(dataset.real), held_out=dataset.held_out.flatten(1))


def references(dataset: AliDataset, count: int) -> dict[str, dict[str, float | None]]:
    """Metrics of the first held-out samples, in the place of a model's.

    "noise": each sample's reconstruction is another sample, and `count` fresh samples are normal noise with the mean
    and the standard deviation of each column or pixel. "real": each sample is its own reconstruction, and fresh samples
    are the held-out ones, as many as there are up to `count`.
    """
    truth = dataset.held_out[:MEASURED_IN_TRAINING]
    which = np.arange(len(truth))
    draws = torch.randn(count, *truth.shape[1:], generator=stream(0, "reference", "noise"))
    noise = dataset.held_out.mean(0) + dataset.held_out.std(0) * draws
    if dataset.bounded:
        noise = noise.clamp(-1.0, 1.0)
    return {
        "noise": dataset.metrics(truth.roll(1, 0), noise, which),
        "real": dataset.metrics(truth, dataset.held_out[:count], which),
    }


def load_held_out(request: AliRequest, stdin: BinaryIO | None = None) -> tuple[Tensor, npt.NDArray[np.int64] | None]:
    """The samples that a request holds out, (n, *shape) as they are, and their labels where they are known: those of
    `load_dataset`, without what models are measured by, which may take minutes to train. See there for the errors."""
    if request.is_table:
        split = UserTable.of(request.load(stdin), request.config.held_out)
        return split.rows.features[split.held_out], None
    if request.dataset == GRID:
        _, held_out, labels = _grid_rows(request)
        return torch.from_numpy(held_out), labels
    if request.dataset == MNIST:
        unseen = read_mnist(request.root)[1].first(request.config.held_out)
        return digit_images(unseen), unseen.labels.astype(np.int64)
    return _read_images(request, "cpu").truth(), None


def _grid_rows(request: AliRequest) -> tuple[Rows, Rows, npt.NDArray[np.int64]]:
    """Rows to learn, rows held out, and which mean the latter belong to."""
    config, draws = request.config, generator(0, "ali", "data", GRID)
    rows, held_out = gaussians25(config.rows, draws), gaussians25(config.held_out, draws)
    return rows, held_out, ((held_out[:, None] - grid_means()) ** 2).sum(2).argmin(1)


def _grid(request: AliRequest, device: str) -> AliDataset:
    rows, held_out, labels = _grid_rows(request)

    def measure(x: Tensor, again: Tensor, samples: Tensor, which: Numbers) -> dict[str, float | None]:
        del which
        of_samples = grid_metrics(samples.numpy())
        return reconstruction_metrics(x, again) | {name: of_samples[name] for name in (*_GRID_DEFINITIONS, "kl")}

    definitions = {**DEFINITIONS, **_GRID_DEFINITIONS, "kl": "of the modes' shares from equal ones, in nats"}
    facts = {"rows": len(rows), "rows_held_out": len(held_out)}
    real, unseen = RealRows(torch.from_numpy(rows).to(device)), torch.from_numpy(held_out)
    return AliDataset(real, unseen, (2,), measure, definitions, facts, labels)


def _table(request: AliRequest, device: str, stdin: BinaryIO | None) -> AliDataset:
    split = UserTable.of(request.load(stdin), request.config.held_out)
    table = split.rows
    distances = TableDistances(table)

    def measure(x: Tensor, again: Tensor, samples: Tensor, which: Numbers) -> dict[str, float | None]:
        del which
        return reconstruction_metrics(x, again) | distances(samples)

    definitions = {
        **DEFINITIONS,
        **two_sample.DEFINITIONS,
    }
    real, held_out = RealRows(table.features[split.learnt].to(device)), table.features[split.held_out]
    return AliDataset(real, held_out, (len(table.names),), measure, definitions, split.facts, table=table)


def _mnist(
    request: AliRequest, device: str, observer: events.Observer, should_stop: Callable[[], bool]
) -> AliDataset | None:
    train, test = read_mnist(request.root, observer)
    classifier = digit_classifier.load_classifier((train, test), device, default_cache(), observer, should_stop)
    if classifier is None:
        return None
    learnt, unseen = train.first(request.config.rows), test.first(request.config.held_out)
    labels = unseen.labels.astype(np.int64)

    def measure(x: Tensor, again: Tensor, samples: Tensor, which: Numbers) -> dict[str, float | None]:
        del samples
        return reconstruction_metrics(x, again, classifier=classifier, labels=torch.from_numpy(labels[which]))

    facts = {
        "images": len(learnt.labels),
        "images_held_out": len(unseen.labels),
        "classifier_accuracy": classifier.accuracy,
        "held_out": "the first images of MNIST's test set",
    }
    real, held_out = RealRows(digit_images(learnt).to(device)), digit_images(unseen)
    return AliDataset(real, held_out, tuple(held_out.shape[1:]), measure, dict(DEFINITIONS), facts, labels)


@dataclass(frozen=True)
class _Images:
    """Images of a folder, their attributes where they have some, the numbers of those to learn from and of those held
    out, and the rule by which they are."""

    images: ImageFolder
    attributes: npt.NDArray[np.bool_] | None
    learnt: Numbers
    held_out: Numbers
    rule: str

    def truth(self) -> Tensor:
        """Those held out, (n, 3, side, side), on the CPU."""
        return self.images.rows(torch.from_numpy(self.held_out)[None])[0].cpu()


def _read_images(request: AliRequest, device: str, observer: events.Observer = events.ignore) -> _Images:
    config = request.config
    broken: Broken = "skip" if request.skip_broken else "error"
    if request.dataset == CELEBA and request.data_root is None:
        raise UsageError(
            "CelebA's faces are not fetched: their terms want everybody to ask for them",
            hint=f"get them from {celeba.HOME} and pass --data-root DIR",
        )
    root = request.root or Path(request.dataset)
    attributes = None
    if request.dataset == CELEBA or celeba.is_celeba(root):
        faces = celeba.read_celeba(root, config.side, device=device, broken=broken, observer=observer)
        images, attributes = faces.images, faces.attributes
        unseen, rule = celeba.held_out(images.names)
    else:
        images = ImageFolder(root, config.side, device=device, broken=broken, observer=observer)
        count = len(images)
        unseen = np.arange(count) >= count - share_of(count, _HELD_OUT, least=0)
        rule = "the last fifth of the images by name"
    learnt, held_out = np.flatnonzero(~unseen)[: config.rows], np.flatnonzero(unseen)[: config.held_out]
    return _Images(images, attributes, learnt, held_out, rule)


def _images(
    request: AliRequest, device: str, observer: events.Observer, should_stop: Callable[[], bool]
) -> AliDataset | None:
    split = _read_images(request, device, observer)
    images, truth = split.images, split.truth()
    facts = {
        "images": len(split.learnt),
        "images_held_out": len(split.held_out),
        "held_out": split.rule,
        "skipped": images.skipped,
        "notes": list(images.notes),
    }
    attributes, classifier = split.attributes, None
    if attributes is not None:
        labelled = attribute_classifier.LabelledImages(images, attributes, split.learnt, split.held_out)
        load = attribute_classifier.load_attribute_classifier
        classifier = load(labelled, device, default_cache(), observer, should_stop)
        if classifier is None:
            return None
        facts["classifier_balanced_accuracy"] = classifier.balanced_accuracy

    def measure(x: Tensor, again: Tensor, samples: Tensor, which: Numbers) -> dict[str, float | None]:
        del samples
        metrics = reconstruction_metrics(x, again)
        if classifier is None or attributes is None:
            return metrics
        return metrics | attribute_scores(classifier.predict(again), attributes[split.held_out[which]])

    return AliDataset(images.part(split.learnt), truth, images.shape, measure, dict(DEFINITIONS), facts)
