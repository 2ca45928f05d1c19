"""The data sets that classifiers learn from."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from minecli import events
from minecli.apps.ib.classified import Classified, Part, choosing_rows
from minecli.apps.ib.request import IbRequest
from minecli.apps.mnist import CLASSES, SIDE, Digits, read_mnist


def load_classified(
    request: IbRequest,
    device: str = "cpu",
    stdin: BinaryIO | None = None,
    observer: events.Observer = events.ignore,
) -> Classified:
    """Read what a request names, the same for every method and seed.

    Raises:
        DataError, UsageError: see `apps.mnist.read_mnist` and `tables.classes.load_classes`.
    """
    if request.is_table:
        from minecli.apps.ib.user_table import load_user_classes

        return load_user_classes(request, device, stdin)
    train, test = read_mnist(None if request.data_root is None else Path(request.data_root), observer)
    count = min(request.config.rows, len(train.images))
    choosing = choosing_rows(count)
    facts = {"rows": count, "rows_held_back": choosing if request.config.choose else 0, "rows_tested": len(test.images)}
    first = Digits(train.images[:count], train.labels[:count])
    return Classified(digit_rows(first), digit_rows(test), choosing, tuple(range(CLASSES)), device, facts)


def digit_rows(digits: Digits) -> Part:
    """Digits as rows of 784 pixels from -1 to 1."""
    return Part(pixel_rows(digits.images), torch.from_numpy(digits.labels.astype(np.int64)))


def pixel_rows(images: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Bytes (n, 28, 28) as (n, 784) from -1 to 1."""
    return torch.from_numpy(images).reshape(-1, SIDE * SIDE).float().div_(127.5).sub_(1.0)
