"""What networks learn from: real samples by their numbers, and pixels as networks have them, from -1 to 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor


class RealSamples(Protocol):
    """Samples of one shape by number, wherever they are stored."""

    def __len__(self) -> int: ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample: (columns,) or (channels, height, width)."""

    @property
    def device(self) -> str:
        """The name of the device on which samples are wanted and computed, such as "cpu"."""

    def rows(self, indices: Tensor) -> Tensor:
        """Samples by number: int64 (models, b) to float32 (models, b, *shape), on `device`."""


@dataclass(frozen=True)
class RealRows:
    """Rows of columns held as one tensor, shape (n, columns).

    >>> import torch
    >>> RealRows(torch.eye(3)).rows(torch.tensor([[2, 0]])).shape
    torch.Size([1, 2, 3])
    """

    values: Tensor

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row, (columns,)."""
        return tuple(self.values.shape[1:])

    @property
    def device(self) -> str:
        """The name of the device on which the tensor lies."""
        return str(self.values.device)

    def rows(self, indices: Tensor) -> Tensor:
        """Rows by number: (models, b) to (models, b, columns)."""
        return self.values[indices.to(self.values.device)]


@dataclass(frozen=True)
class _Derived:
    """Other samples, of which some or some other form are wanted."""

    samples: RealSamples

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return self.samples.shape

    @property
    def device(self) -> str:
        """The name of the device on which samples are wanted."""
        return self.samples.device


@dataclass(frozen=True)
class Flattened(_Derived):
    """Other samples as rows of columns: (models, b, *shape) as (models, b, columns)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row, (columns,): the number of values of a sample."""
        return (math.prod(self.samples.shape),)

    def rows(self, indices: Tensor) -> Tensor:
        """Rows by number: (models, b) to (models, b, columns)."""
        return self.samples.rows(indices).flatten(2)


@dataclass(frozen=True)
class SamplePart(_Derived):
    """Some samples of others: `numbers`, shape (n,), says which."""

    numbers: Tensor

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, indices: Tensor) -> Tensor:
        """Samples by their number in this part: (models, b) to (models, b, *shape)."""
        return self.samples.rows(self.numbers[indices.to(self.numbers.device)])


def from_bytes(pixels: Tensor) -> Tensor:
    """Bytes of any shape as float32 from -1 to 1, in new memory.

    >>> import torch
    >>> from_bytes(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([-1.,  1.])
    """
    return pixels.float().div_(127.5).sub_(1.0)


def as_bytes(images: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Pixels from -1 to 1 as bytes from 0 to 255.

    >>> as_bytes(np.array([-1.0, 0.0, 1.5], np.float32)).tolist()
    [0, 128, 255]
    """
    pixels: npt.NDArray[np.uint8] = np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype(np.uint8)
    return pixels
