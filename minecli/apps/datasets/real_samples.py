"""What a GAN learns from: real samples by their numbers, and how generated ones are judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

Metrics = Callable[[Tensor], dict[str, float | None]]


class RealSamples(Protocol):
    """So many samples of one shape, on the device that computes."""

    def __len__(self) -> int: ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample: (columns,) or (channels, height, width)."""

    @property
    def device(self) -> str:
        """Where samples are wanted and computed."""

    def rows(self, indices: Tensor) -> Tensor:
        """Samples by number: (models, b) to (models, b, *shape)."""


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
        """(columns,)."""
        return tuple(self.values.shape[1:])

    @property
    def device(self) -> str:
        """Where the tensor lies."""
        return str(self.values.device)

    def rows(self, indices: Tensor) -> Tensor:
        """Rows by number: (models, b) to (models, b, columns)."""
        return self.values[indices.to(self.values.device)]


@dataclass(frozen=True)
class Flattened:
    """Other samples as rows of columns: (models, b, *shape) as (models, b, columns)."""

    samples: RealSamples

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """(columns,)."""
        return (math.prod(self.samples.shape),)

    @property
    def device(self) -> str:
        """Where they are wanted."""
        return self.samples.device

    def rows(self, indices: Tensor) -> Tensor:
        """Rows by number: (models, b) to (models, b, columns)."""
        return self.samples.rows(indices).flatten(2)
