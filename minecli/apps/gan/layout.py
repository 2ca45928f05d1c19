"""How samples of a data set become a table: what a run folder needs to write them without the data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minecli.apps.gan.config import STACKED
from minecli.apps.gan.request import GanRequest
from minecli.errors import DataError
from minecli.runtime.writing import write_text

if TYPE_CHECKING:
    from minecli.apps.table_rows import TableRows

SIDE = 28
COLUMNS_FILE = "columns.json"

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """The shape of one sample, and the columns of a table that samples (n, *shape) make."""

    shape: tuple[int, ...]
    columns: Callable[[Samples], dict[str, Any]]


def layout_of(request: GanRequest, table: TableRows | None = None) -> Layout:
    """The layout of a request's data set; that of a user's `table` is its own."""
    if table is not None:
        return Layout((len(table.names),), lambda samples: table.arrow_columns(table.restore(samples)))
    if request.dataset == STACKED:
        return Layout((request.config.stack, SIDE, SIDE), _pixels)
    return Layout((2,), _coordinates)


def _coordinates(samples: Samples) -> dict[str, Any]:
    return {f"x{i}": samples[:, i] for i in range(samples.shape[1])}


def _pixels(samples: Samples) -> dict[str, Any]:
    """One column of lists of bytes per channel, row by row from the top: 0 is paper, 255 ink."""
    import pyarrow as pa

    pixels = np.clip(np.rint((samples + 1.0) * 127.5), 0, 255).astype(np.uint8)
    return {
        f"digit{c}": pa.FixedSizeListArray.from_arrays(pa.array(pixels[:, c].ravel()), SIDE * SIDE)
        for c in range(pixels.shape[1])
    }


def write_columns(folder: Path, table: TableRows) -> None:
    """Keep in a run's folder what makes generated features columns of the user's table again."""
    write_text(folder / COLUMNS_FILE, json.dumps(table.to_json(), indent=1) + "\n")


def read_columns(folder: Path) -> TableRows:
    """What `write_columns` kept; DataError where it cannot be read."""
    from minecli.apps.table_rows import TableRows

    path = folder / COLUMNS_FILE
    try:
        return TableRows.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DataError(f"'{path}' cannot be read: {problem}", hint="start the run again in another folder") from None
