"""Data to be encoded by a run that is done: those it held out, or others of the same kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from minecli.apps.ali.config import GRID, MNIST, AliRequest
from minecli.apps.ali.datasets import load_held_out
from minecli.apps.datasets.image_folder import ImageFolder
from minecli.apps.datasets.sample_columns import (
    Inputs,
    Layout,
    coordinates,
    digits_to_encode,
    numbered,
    pixel_lists,
    read_columns,
    table_layout,
)
from minecli.apps.datasets.table_rows import known_features
from minecli.tables.origins import Origin


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
    whole: bool = False,
) -> Inputs:
    """Read what is to be encoded.

    Args:
        data: a table with the run's columns; a folder of images, or `mnist`, for runs on images; None for what the run
            held out.
        data_root: where MNIST's files are; that of the run where it is None.
        skip_broken: leave out files of a folder that are no images.
        whole: all columns of a table are wanted beside the codes, not those of the run alone.

    Raises:
        UsageError, DataError: the data are of another kind, or cannot be read.
    """
    layout = layout_of_run(folder, request)
    if data is None:
        held_out, labels = load_held_out(replace(request, skip_broken=request.skip_broken or skip_broken), stdin)
        return Inputs(held_out, layout, numbered(len(held_out)), labels)
    if not request.is_images:
        samples, given = _rows(folder, request, data, stdin, whole)
        return Inputs(samples, layout, numbered(len(samples)), given=given)
    if request.dataset == MNIST:
        return digits_to_encode(folder, data, data_root or request.root)
    images = ImageFolder(Path(data), request.config.side, device="cpu", broken="skip" if skip_broken else "error")
    notes = images.notes if images.skipped else ()
    return Inputs(images.rows(torch.arange(len(images))[None])[0], layout, images.names, notes=notes)


def _rows(
    folder: Path, request: AliRequest, data: str, stdin: BinaryIO | None, whole: bool
) -> tuple[Tensor, dict[str, Any]]:
    """Rows as networks see them, shape (n, columns), those of a user's table by what the run knows of its columns; and
    all columns as they are, where they are wanted."""
    if not request.is_table:
        origins = [Origin(name, "float", (name,), pa.float64()) for name in ("x0", "x1")]
        values, given = request.load_known(data, origins, stdin, whole)
        return torch.from_numpy(values.astype(np.float32)), given
    table = read_columns(folder)
    values, given = request.load_known(data, table.origins, stdin, whole)
    return known_features(table, values, data), given
