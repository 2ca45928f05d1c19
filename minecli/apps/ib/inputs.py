"""Data to be encoded by a run that is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from torch import Tensor

from minecli.apps.comparison.layout import pixel_lists, read_columns, table_layout
from minecli.apps.comparison.user_table import known_features
from minecli.apps.ib.config import MNIST
from minecli.apps.ib.data import digit_rows
from minecli.apps.ib.request import IbRequest
from minecli.apps.mnist import SIDE, read_mnist
from minecli.errors import UsageError


@dataclass(frozen=True)
class Inputs:
    """Rows (n, inputs) as networks see them, the columns of a table that they make, and labels where they are known."""

    x: Tensor
    columns: dict[str, Any]
    labels: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.x)


def load_inputs(
    folder: Path, request: IbRequest, data: str | None, data_root: Path | None, stdin: BinaryIO | None
) -> Inputs:
    """Read what is to be encoded.

    Args:
        data: a table with the run's columns; `mnist` or None for the test images, where the run is about those.
        data_root: where MNIST's files are; that of the run where it is None.

    Raises:
        UsageError, DataError: the data are of another kind, or cannot be read.
    """
    if request.is_table:
        if data is None:
            raise UsageError("no table to encode is named", hint=f"try minecli ib encode {folder} {request.dataset}")
        features = known_features(folder, request, data, stdin)
        return Inputs(features, table_layout(read_columns(folder)).columns(features.numpy()))
    if data not in (None, MNIST):
        raise UsageError(f"the run in '{folder}' is about MNIST's digits, not '{data}'", hint="try mnist as DATA")
    root = None if request.data_root is None else Path(request.data_root)
    _, test = read_mnist(data_root or root)
    part = digit_rows(test)
    images = part.x.view(-1, 1, SIDE, SIDE).numpy()
    return Inputs(part.x, pixel_lists((1, SIDE, SIDE)).columns(images), part.labels.numpy())
