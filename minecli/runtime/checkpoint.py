"""States of unfinished work on disk: whole or absent, and never taken up by a run they do not belong to.

A checkpoint carries a format version and a fingerprint of the config and the data it was computed from.
Loading executes no code from the file (`weights_only=True`).
"""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli.errors import DataError, OutputError, UsageError
from minecli.runtime.writing import atomic_path

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FORMAT = 1
SECONDS_BETWEEN_CHECKPOINTS = 5.0


def fingerprint(config: Mapping[str, object], *arrays: npt.NDArray[np.generic]) -> str:
    """A hash of everything that decides a result: the config (plain JSON values) and the arrays' bytes and
    shapes.

    >>> fingerprint({"seed": 0}) == fingerprint({"seed": 1})
    False
    """
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode("utf-8"))
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode("ascii"))
        # A view as raw bytes: a contiguous array of gigabytes is hashed without being copied.
        contiguous = array if array.flags.c_contiguous else array.copy(order="C")
        digest.update(contiguous.reshape(-1).view("u1").data)
    return digest.hexdigest()


def save_checkpoint(path: Path, state: Mapping[str, Any], *, fingerprint: str) -> None:
    """Write `state` (tensors, numbers, strings, lists and dicts of them) atomically; OutputError where that
    fails.
    """
    import torch

    with atomic_path(path) as partial, open(partial, "wb") as file:
        torch.save({"format": FORMAT, "fingerprint": fingerprint, "state": dict(state)}, file)


class PeriodicCheckpoint:
    """A checkpoint that is written every few seconds, and at once where it matters.

    Args:
        path: where.
        mark: the fingerprint it bears.
        warn: told why, where it cannot be written: that costs the checkpoint, not the work it was to protect.
    """

    def __init__(self, path: Path, mark: str, warn: Callable[[str], None]) -> None:
        self._path, self._mark, self._warn = path, mark, warn
        self._saved_at = time.monotonic()

    def save(self, state: Mapping[str, Any], *, at_once: bool) -> None:
        """Write the state if it is time, or `at_once`."""
        if not at_once and time.monotonic() - self._saved_at <= SECONDS_BETWEEN_CHECKPOINTS:
            return
        try:
            save_checkpoint(self._path, state, fingerprint=self._mark)
        except OutputError as failure:
            self._warn(f"no checkpoint: {failure.problem}")
        self._saved_at = time.monotonic()


def load_checkpoint(path: Path, *, fingerprint: str) -> dict[str, Any]:
    """Read the state saved at `path`, on the CPU.

    DataError where the file cannot be read; UsageError where it belongs to another config, other data or
    another format.
    """
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError) as problem:
        reason = (str(problem) or "it is cut short").splitlines()[0]
        raise DataError(f"checkpoint '{path}' cannot be read: {reason}", hint="remove it and start again") from problem
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(
            f"checkpoint '{path}' was written by another version of minecli", hint="remove it and start again"
        )
    if content.get("fingerprint") != fingerprint:
        raise UsageError(
            f"checkpoint '{path}' belongs to other data or other settings than this run",
            hint="resume with the same data and settings, or choose another --run-dir",
        )
    state: dict[str, Any] = content["state"]
    return state
