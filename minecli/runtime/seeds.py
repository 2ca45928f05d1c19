"""Independent random streams from one seed, each called by name.

A stream depends on the seed and on its own name alone. A new consumer of randomness therefore changes nobody
else's draws, and the order in which streams are asked for does not matter.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from minecli.errors import UsageError

if TYPE_CHECKING:
    import torch

_WORDS_PER_NAME = 4


def _spawn_key(names: tuple[str | int, ...]) -> tuple[int, ...]:
    """Hash the path of names to 32-bit words; the separator keeps ("a", "bc") apart from ("ab", "c")."""
    path = "\x1f".join(f"{type(name).__name__}:{name}" for name in names)
    digest = hashlib.sha256(path.encode("utf-8")).digest()
    return tuple(int.from_bytes(digest[4 * i : 4 * i + 4], "little") for i in range(_WORDS_PER_NAME))


def seed_sequence(seed: int, *names: str | int) -> np.random.SeedSequence:
    """The seed sequence of the stream `names` under `seed`, a non-negative integer; UsageError otherwise."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UsageError(f"the seed is {seed}; it must be an integer of at least 0", hint="try --seed 0")
    return np.random.SeedSequence(entropy=seed, spawn_key=_spawn_key(names))


def child_seed(seed: int, *names: str | int) -> int:
    """Derive a seed in [0, 2^63) for the stream `names`, fit for whatever takes one number as its seed.

    >>> child_seed(0, "split") == child_seed(0, "split")
    True
    >>> child_seed(0, "split") == child_seed(0, "network")
    False
    """
    low, high = (int(word) for word in seed_sequence(seed, *names).generate_state(2, np.uint32))
    return (low | (high << 32)) & (2**63 - 1)


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator for the stream `names`.

    >>> bool(generator(7, "noise").random() == generator(7, "noise").random())
    True
    """
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, *names)))


def torch_generator(seed: int, *names: str | int, device: str | torch.device = "cpu") -> torch.Generator:
    """A torch generator on `device` for the stream `names`.

    >>> torch_generator(7, "noise").initial_seed() == child_seed(7, "noise")
    True
    """
    import torch

    return torch.Generator(device).manual_seed(child_seed(seed, *names))
