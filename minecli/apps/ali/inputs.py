"""Data to be encoded by a run that is done: those it held out, or others of the same kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.apps.adversarial.layout import Layout, coordinates, pixel_lists, read_columns, table_layout
from minecli.apps.ali.config import GRID, MNIST
from minecli.apps.ali.request import AliRequest
from minecli.errors import DataError, UsageError

if TYPE_CHECKING:
    from minecli.apps.table_rows import TableRows


@dataclass(frozen=True)
class Inputs:
    """Samples (n, *shape) as they are, what they are called, their labels where known, and how they become a table."""

    samples: Tensor
    layout: Layout
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return self.layout.shape

    def columns(self, samples: Tensor) -> dict[str, Any]:
        """Other samples of the same kind as columns of a table."""
        return self.layout.columns(samples.numpy())


def layout_of_run(folder: Path, request: AliRequest) -> Layout:
    """How samples of a run become a table, without its data."""
    if request.is_table:
        return table_layout(read_columns(folder))
    if request.dataset == GRID:
        return coordinates(2)
    channels = 1 if request.dataset == MNIST else 3
    return pixel_lists((channels, request.config.side, request.config.side))


def load_inputs(
    folder: Path, request: AliRequest, data: str | None, data_root: Path | None, stdin: BinaryIO | None
) -> Inputs:
    """Read what is to be encoded.

    Args:
        data: a table with the run's columns; a folder of images, or `mnist`, for runs on images; None for what the run
            held out.
        data_root: where MNIST's files are; that of the run where it is None.

    Raises:
        UsageError, DataError: the data are of another kind, or cannot be read.
    """
    layout = layout_of_run(folder, request)
    if data is None:
        return _held_out(request, layout, stdin)
    if not request.is_images:
        return _rows(folder, request, layout, data, stdin)
    if request.dataset == MNIST:
        if data != MNIST:
            raise UsageError(f"the run in '{folder}' is about MNIST's digits, not '{data}'", hint="try mnist as DATA")
        return _digits(request, layout, data_root)
    from minecli.apps.image_folder import ImageFolder

    images = ImageFolder(Path(data), request.config.side, device="cpu")
    return Inputs(images.rows(torch.arange(len(images))[None])[0], layout, tuple(images.names))


def _held_out(request: AliRequest, layout: Layout, stdin: BinaryIO | None) -> Inputs:
    from minecli.apps.ali.datasets import load_dataset

    dataset = load_dataset(request, "cpu", stdin)
    assert dataset is not None
    samples = dataset.held_out.reshape(-1, *layout.shape)
    return Inputs(samples, layout, _numbered(len(samples)), dataset.labels)


def _digits(request: AliRequest, layout: Layout, data_root: Path | None) -> Inputs:
    from minecli.apps.mnist import read_mnist
    from minecli.apps.stacked_digits import as_images

    known = None if request.data_root is None else Path(request.data_root)
    _, test = read_mnist(data_root or known)
    return Inputs(as_images(test.images), layout, _numbered(len(test.labels)), test.labels.astype(np.int64))


def _rows(folder: Path, request: AliRequest, layout: Layout, data: str, stdin: BinaryIO | None) -> Inputs:
    from minecli.apps.table_rows import TableRows
    from minecli.tables.groups import load_group

    columns = list(request.x) if request.is_table else ["x0", "x1"]
    one = load_group(
        data,
        columns,
        input_format=request.input_format,
        delimiter=request.delimiter,
        na_values=request.na_values,
        missing=request.missing,
        stdin=stdin,
    )
    table = TableRows.of(one)
    if not request.is_table:
        samples = torch.from_numpy(table.real.astype(np.float32))
        return Inputs(samples, layout, _numbered(len(samples)))
    samples = _aligned(read_columns(folder), table, data)
    return Inputs(samples, layout, _numbered(len(samples)))


def _aligned(learnt: TableRows, given: TableRows, source: str) -> Tensor:
    """The given rows as features of the learnt table: a level that does not occur is a column of zeros."""
    places = {name: i for i, name in enumerate(given.names)}
    unknown = [name for name in given.names if name not in learnt.names]
    lacking = [name for name in learnt.names if name not in places and "=" not in name]
    if unknown or lacking:
        what = f"has {unknown[0]}, which the run has not seen" if unknown else f"lacks {lacking[0]}, or it is constant"
        raise DataError(
            f"'{source}' does not fit the run: it {what}",
            hint=f"the run knows {', '.join(learnt.names[:8])}{', ...' if len(learnt.names) > 8 else ''}",
        )
    values = np.stack([given.real[:, places[n]] if n in places else np.zeros(len(given)) for n in learnt.names], 1)
    return torch.from_numpy(((values - learnt.centre) / learnt.scale).astype(np.float32))


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"{i:06d}" for i in range(count))
