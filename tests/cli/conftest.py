"""What tests of applications share: files of MNIST, small."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

MakeDigits = Callable[[int, int], Path]


@pytest.fixture
def make_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeDigits:
    """`make_digits(400, 50)`: a folder with MNIST's four files of so many training and test images of noise, labelled
    0 to 9 in turn; classifiers go into a cache of their own."""
    monkeypatch.setenv("MINECLI_CACHE_DIR", str(tmp_path / "cache"))

    def make(train: int, test: int) -> Path:
        folder, rng = tmp_path / "mnist-files", np.random.default_rng(0)
        folder.mkdir()
        for part, count in (("train", train), ("t10k", test)):
            images = rng.integers(256, size=(count, 28, 28)).astype(np.uint8)
            header = struct.pack(">4I", 2051, count, 28, 28)
            (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
            labels = (np.arange(count) % 10).astype(np.uint8)
            header = struct.pack(">2I", 2049, count)
            (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
        return folder

    return make
