"""Stacked digits, whose modes are known: images of several channels, each channel one digit of MNIST.

Metz et al., "Unrolled generative adversarial networks" (2017), in the form of Lin et al., "PacGAN" (2018).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.apps.datasets.mnist import CLASSES, SIDE, Digits
from minecli.apps.datasets.real_samples import from_bytes
from minecli.errors import UsageError
from minecli.runtime.seeds import generator

MOST_STACKED = 6

Labels = npt.NDArray[np.integer[Any]]


def as_modes(labels: Labels) -> npt.NDArray[np.int64]:
    """Labels of channels, shape (b, stack), read as numbers, shape (b,): the first channel is the leading digit.

    >>> as_modes(np.array([[0, 4, 2], [9, 9, 9]])).tolist()
    [42, 999]
    """
    powers = CLASSES ** np.arange(labels.shape[1] - 1, -1, -1, dtype=np.int64)
    modes: npt.NDArray[np.int64] = labels.astype(np.int64) @ powers
    return modes


def stacked(pool: int, count: int, stack: int, seed: int) -> npt.NDArray[np.int64]:
    """Which digits of a pool of so many lie in each image: a fixed table, shape (count, stack).

    They are drawn independently and with replacement, so that all 10^stack combinations of labels occur, with about
    the same weight.

    Raises:
        UsageError: count below 1, or stack not in 1 .. 6.
    """
    check_counts(stack, count)
    return generator(seed, "stacked-digits", stack).integers(pool, size=(count, stack))


class DigitStacks:
    """Stacks of digits as real samples: the pool's images and the table of `stacked`, both on the device.

    Args:
        digits: the pool. Published experiments draw from training and test set together: `mnist.pooled(train, test)`.
        count: how many images there are.
        stack: channels of an image.
        seed: of the table.
        device: where images are wanted, such as "cpu" or "cuda:0".

    Raises:
        UsageError: count below 1, or stack not in 1 .. 6.

    >>> blank = Digits(np.zeros((5, 28, 28), np.uint8), np.zeros(5, np.uint8))
    >>> DigitStacks(blank, count=100, stack=3, seed=0, device="cpu").rows(torch.tensor([[99, 0]])).shape
    torch.Size([1, 2, 3, 28, 28])
    """

    def __init__(self, digits: Digits, count: int, stack: int, seed: int, device: str) -> None:
        # Bytes: all images in single precision would take 1.2 GB instead of 55 MB.
        self._pool = torch.tensor(digits.images, device=device)
        self._table = torch.tensor(stacked(len(digits.images), count, stack, seed), device=device)

    def __len__(self) -> int:
        return len(self._table)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image, (stack, 28, 28)."""
        return (self._table.shape[1], SIDE, SIDE)

    @property
    def device(self) -> str:
        """The name of the device on which images are wanted and computed."""
        return str(self._table.device)

    def rows(self, indices: Tensor) -> Tensor:
        """Images by number: int64 (models, b) to float32 (models, b, stack, 28, 28), -1 (paper) to 1 (ink)."""
        return from_bytes(self._pool[self._table[indices.to(self._table.device)]])


def check_counts(stack: int, count: int) -> None:
    """Refuse numbers of digits per image, and of images, that cannot be stacked.

    Raises:
        UsageError: stack not in 1 .. 6, or count below 1.
    """
    if not 1 <= stack <= MOST_STACKED:
        raise UsageError(f"{stack} digits are to be stacked; 1 to {MOST_STACKED} can be", hint="try --stack 3")
    if count < 1:
        raise UsageError(f"{count} stacked digits are asked for; at least 1 is needed", hint="try 128000 of them")
