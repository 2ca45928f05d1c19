"""How samples of a data set become a table: what a run folder needs to write them without the data."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from minecli.apps.datasets.real_samples import as_bytes, from_bytes
from minecli.errors import UsageError
from minecli.runtime.state_files import COLUMNS, present, read_object, refusing, write_object

if TYPE_CHECKING:
    from torch import Tensor

    from minecli.apps.datasets.coded_rows import CodedRows
    from minecli.apps.datasets.mnist import Digits
    from minecli.apps.datasets.table_rows import TableRows

Samples = npt.NDArray[np.float32]
Rows = TypeVar("Rows")


@dataclass(frozen=True)
class Layout:
    """The shape of one sample, and the columns of a table that samples (n, *shape) make."""

    shape: tuple[int, ...]
    columns: Callable[[Samples], dict[str, Any]]


def coordinates(count: int) -> Layout:
    """The layout of rows of `count` numbers: columns x0, x1, ..."""
    return Layout((count,), lambda rows: {f"x{i}": rows[:, i] for i in range(count)})


def table_layout(table: TableRows | CodedRows) -> Layout:
    """The layout of features of a user's table: its own columns in their own units."""
    return Layout((table.width,), table.arrow_table)


def channel_lists(shape: tuple[int, ...], name: str) -> Layout:
    """Images of channels that are pictures of their own: a column of lists of bytes per channel, name0, name1, ...

    Lists go row by row from the top; 0 stands for -1, 255 for 1.
    """
    return Layout(shape, lambda images: {f"{name}{c}": _lists(images[:, c]) for c in range(shape[0])})


def pixel_lists(shape: tuple[int, ...]) -> Layout:
    """Images as one column `image` of lists of bytes, channel after channel, row by row from the top."""
    return Layout(shape, lambda images: {"image": _lists(images)})


def _lists(images: Samples) -> Any:
    import pyarrow as pa

    pixels = as_bytes(images).reshape(len(images), -1)
    return pa.FixedSizeListArray.from_arrays(pa.array(pixels.ravel()), pixels.shape[1])


def digit_images(digits: Digits) -> Tensor:
    """Digits as single-channel images (n, 1, 28, 28) from -1 (paper) to 1 (ink)."""
    import torch

    return from_bytes(torch.from_numpy(digits.images)[:, None])


@dataclass(frozen=True)
class Inputs:
    """Samples (n, *shape) to be encoded, how they become a table, what they are called, their labels where known,
    sentences on what was left out, and the columns of their own table, which stand beside the codes, if there are any.
    """

    samples: Tensor
    layout: Layout
    names: tuple[str, ...] = ()
    labels: npt.NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return self.layout.shape

    def columns(self, samples: Tensor) -> dict[str, Any]:
        """Samples of this kind, (n, *shape), as columns of a table, by their names."""
        return self.layout.columns(samples.numpy())

    def coded(self, codes: Samples, as_list: bool) -> dict[str, Any]:
        """The samples as columns, or the columns they came with, the label where it is known, and their codes (n, l);
        see `with_latent`."""
        known = {} if self.labels is None else {"label": self.labels}
        return with_latent((dict(self.given) or self.columns(self.samples)) | known, codes, as_list)


def digits_to_encode(folder: Path, data: str | None, root: Path | None) -> Inputs:
    """MNIST's test set, for a run in `folder` that is about those digits; UsageError where other data are named."""
    from minecli.apps.datasets.mnist import read_mnist

    if data not in (None, "mnist"):
        raise UsageError(f"the run in '{folder}' is about MNIST's digits, not '{data}'", hint="try mnist as DATA")
    _, test = read_mnist(root)
    images = digit_images(test)
    return Inputs(images, pixel_lists(tuple(images.shape[1:])), numbered(len(images)), test.labels.astype(np.int64))


def numbered(count: int) -> tuple[str, ...]:
    """Names of samples that have none.

    >>> numbered(2)
    ('000000', '000001')
    """
    return tuple(f"{i:06d}" for i in range(count))


def free_name(name: str, taken: Container[str]) -> str:
    """The name of a column that is to stand beside others.

    >>> free_name("seed", {"seed", "x"})
    'seed_'
    """
    while name in taken:
        name += "_"
    return name


def with_latent(columns: Mapping[str, Any], codes: Samples, as_list: bool) -> dict[str, Any]:
    """Columns and, under a name that is free, the codes (n, l) of their rows: the list column `latent`, or columns
    latent0, latent1, ... where lists are not wanted."""
    import pyarrow as pa

    name = "latent"
    while name in columns or any(f"{name}{i}" in columns for i in range(codes.shape[1])):
        name += "_"
    if not as_list:
        return {**columns, **{f"{name}{i}": codes[:, i] for i in range(codes.shape[1])}}
    return {**columns, name: pa.FixedSizeListArray.from_arrays(pa.array(codes.ravel()), codes.shape[1])}


def write_columns(folder: Path, table: TableRows | CodedRows, mark: str) -> None:
    """Keep in a run's folder what makes generated features columns of the user's table again, and the fingerprint
    `mark` of its rows.

    Raises:
        UsageError: the folder holds that of other rows, which a resumed run must not go on with.
        DataError: what it holds cannot be read.
    """
    path = folder / COLUMNS
    if present(path):
        if read_object(path).get("fingerprint", mark) != mark:
            raise UsageError(
                f"the data are no longer those that the run in '{folder}' has learnt from",
                hint="start another run with --run-dir, or bring the data back",
            )
        return
    write_object(path, json.dumps(table.to_json() | {"fingerprint": mark}, indent=1) + "\n")


def read_columns(folder: Path) -> TableRows:
    """What `write_columns` kept; DataError where it cannot be read."""
    from minecli.apps.datasets.table_rows import TableRows

    return _stored(folder, TableRows.from_json)


def read_coded_columns(folder: Path) -> CodedRows:
    """What `write_columns` kept of coded rows; DataError where it cannot be read."""
    from minecli.apps.datasets.coded_rows import CodedRows

    return _stored(folder, CodedRows.from_json)


def _stored(folder: Path, read: Callable[[Mapping[str, Any]], Rows]) -> Rows:
    path = folder / COLUMNS
    content = read_object(path)
    with refusing(path):
        return read(content)
