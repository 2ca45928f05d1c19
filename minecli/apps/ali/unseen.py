"""Data to be encoded by a run that is done: those it held out, or others of the same kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from minecli.apps.ali.config import GRID, MNIST, AliRequest
from minecli.apps.ali.datasets import digit_images, load_held_out
from minecli.apps.datasets.mnist import read_mnist
from minecli.apps.datasets.sample_columns import Layout, coordinates, pixel_lists, read_columns, table_layout
from minecli.apps.datasets.table_rows import known_features
from minecli.errors import UsageError


@dataclass(frozen=True)
class Inputs:
    """Samples (n, *shape) as they are, how they become a table, what they are called, their labels where known, and
    sentences on what was left out."""

    samples: Tensor
    layout: Layout
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return self.layout.shape

    def columns(self, samples: Tensor) -> dict[str, Any]:
        """Samples of this kind, (n, *shape), as columns of a table, by their names."""
        return self.layout.columns(samples.numpy())


def layout_of_run(folder: Path, request: AliRequest) -> Layout:
    """How samples of a run become a table, without its data; DataError where what its folder knows of a user's columns
    cannot be read."""
    if request.is_table:
        return table_layout(read_columns(folder))
    if request.dataset == GRID:
        return coordinates(2)
    channels = 1 if request.dataset == MNIST else 3
    return pixel_lists((channels, request.config.side, request.config.side))


def load_inputs(
    folder: Path,
    request: AliRequest,
    data: str | None,
    data_root: Path | None,
    stdin: BinaryIO | None,
    skip_broken: bool = False,
) -> Inputs:
    """Read what is to be encoded.

    Args:
        data: a table with the run's columns; a folder of images, or `mnist`, for runs on images; None for what the run
            held out.
        data_root: where MNIST's files are; that of the run where it is None.
        skip_broken: leave out files of a folder that are no images.

    Raises:
        UsageError, DataError: the data are of another kind, or cannot be read.
    """
    layout = layout_of_run(folder, request)
    if data is None:
        held_out, labels = load_held_out(replace(request, skip_broken=request.skip_broken or skip_broken), stdin)
        return Inputs(held_out, layout, _numbered(len(held_out)), labels)
    if not request.is_images:
        samples = _rows(folder, request, data, stdin)
        return Inputs(samples, layout, _numbered(len(samples)))
    if request.dataset == MNIST:
        if data != MNIST:
            raise UsageError(f"the run in '{folder}' is about MNIST's digits, not '{data}'", hint="try mnist as DATA")
        _, test = read_mnist(data_root or request.root)
        return Inputs(digit_images(test), layout, _numbered(len(test.labels)), test.labels.astype(np.int64))
    from minecli.apps.datasets.image_folder import ImageFolder

    images = ImageFolder(Path(data), request.config.side, device="cpu", broken="skip" if skip_broken else "error")
    notes = images.notes if images.skipped else ()
    return Inputs(images.rows(torch.arange(len(images))[None])[0], layout, images.names, notes=notes)


def _rows(folder: Path, request: AliRequest, data: str, stdin: BinaryIO | None) -> Tensor:
    """Rows as networks see them, shape (n, columns): those of a user's table by what the run knows of its columns."""
    from minecli.tables.origins import Origin

    if not request.is_table:
        origins = [Origin(name, "float", (name,), pa.float64()) for name in ("x0", "x1")]
        return torch.from_numpy(request.load_known(data, origins, stdin).astype(np.float32))
    table = read_columns(folder)
    return known_features(table, request.load_known(data, table.origins, stdin), data)


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"{i:06d}" for i in range(count))
