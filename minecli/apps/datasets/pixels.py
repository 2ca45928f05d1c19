"""Pixels as bytes, 0 to 255, and as networks have them, -1 to 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor


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
    found: npt.NDArray[np.uint8] = np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype(np.uint8)
    return found
