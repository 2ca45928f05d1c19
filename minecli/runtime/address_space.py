"""Under `ulimit -v`, libraries are loaded while there is room for them, or not at all.

They map hundreds of megabytes, of which they touch few, and some take buffers when they are first used. One that finds
no room then may end the process with a line of its own, or try again for ever; nobody could say what has happened.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minecli.errors import MemoryShort
from minecli.runtime.memory import address_space_limit, in_words, mapped_bytes

_SIZE = 256


@dataclass(frozen=True)
class _Library:
    """What loading and using a library maps with one thread, and what every other thread adds, in MB as measured; and
    how to do both."""

    own: int
    per_thread: int
    use: Callable[[], object]


def secure_libraries(names: Sequence[str], threads: int) -> None:
    """Load and use libraries at once where `ulimit -v` is set, so that what comes later leaves them their room.

    Where it is not set, nothing is done: they are loaded when they are needed, if they are. Arrow is kept from
    reserving a gigabyte beforehand.

    Args:
        names: of numpy, pyarrow, scipy and torch.
        threads: how many will compute.

    Raises:
        MemoryShort: there is not enough room for those that are not loaded yet.

    >>> secure_libraries(["numpy"], threads=1)
    """
    limit = address_space_limit()
    if limit is None:
        return
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    wanted = [_LIBRARIES[name] for name in names if name not in sys.modules]
    needed = 10**6 * sum(library.own + (threads - 1) * library.per_thread for library in wanted)
    free = max(0, limit - mapped_bytes())
    if needed > free:
        problem = f"the libraries that compute need about {in_words(needed)}, and ulimit -v leaves {in_words(free)}"
        raise MemoryShort(problem, hint="raise ulimit -v" + (", or use --threads 1" if threads > 1 else ""))
    for library in wanted:
        library.use()


def _use_numpy() -> object:
    import numpy as np

    return np.ones((_SIZE, _SIZE)) @ np.ones((_SIZE, _SIZE))


def _use_pyarrow() -> object:
    import pyarrow.compute

    return pyarrow.compute.sum(pyarrow.array([1]))


def _use_scipy() -> object:
    import numpy as np
    from scipy.linalg import blas

    # Its linear algebra has buffers of its own.
    return blas.dgemm(1.0, np.ones((_SIZE, _SIZE)), np.ones((_SIZE, _SIZE)))


def _use_torch() -> object:
    import torch

    return torch.ones(_SIZE, _SIZE) @ torch.ones(_SIZE, _SIZE)


_LIBRARIES = {
    "numpy": _Library(80, 40, _use_numpy),
    "pyarrow": _Library(380, 70, _use_pyarrow),
    "scipy": _Library(120, 40, _use_scipy),
    "torch": _Library(700, 70, _use_torch),
}
