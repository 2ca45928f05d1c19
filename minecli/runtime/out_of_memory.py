"""Tell, of anything that was raised, whether memory ran out: every library says it in words of its own."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from minecli.errors import MemoryShort, MinecliError
from minecli.runtime.memory import address_space_limit, in_words

# In small letters: torch on a CPU and a GPU, CUDA's libraries, C++, Arrow, the loader of shared objects, the system.
_SAID = (
    "out of memory",
    "defaultcpuallocator",
    "alloc_failed",
    "bad_alloc",
    "malloc of size",
    "realloc of size",
    "unable to allocate",
    "not enough memory",
    "failed to map segment from shared object",
    "cannot allocate memory",
    "can't allocate memory",
)
# A thread takes megabytes of its own; where there is no room for them, or too many threads, the same is said.
_SAID_OF_THREADS = (
    "can't start new thread",
    "failed to launch worker thread",
    "pthread_create failed",
    "thread creation failed",
    "resource temporarily unavailable",
)
# These quote values and names of the data, which may say anything.
_QUOTING = (MinecliError, ValueError, LookupError, TypeError)
_HINT = "ask for fewer rows or columns, or a smaller network"


def shortage_in(problem: BaseException) -> MemoryShort | None:
    """The error that explains `problem` to a person, if it, or what led to it, is that memory ran out; else None.

    >>> shortage_in(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes.")).problem
    'out of memory'
    >>> shortage_in(ValueError("'out of memory' is no number"))
    """
    for one in _led_to(problem):
        if isinstance(one, MemoryShort):
            return one
        if _ran_out(one):
            return _explained()
        if _says(one, _SAID_OF_THREADS):
            return MemoryShort(
                "no other thread can be started: out of memory, or too many threads", hint="try with OMP_NUM_THREADS=1"
            )
    return None


def _led_to(problem: BaseException) -> Iterator[BaseException]:
    """`problem`, what it was raised from or while handling, and so on."""
    seen: set[int] = set()
    one: BaseException | None = problem
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _ran_out(problem: BaseException) -> bool:
    # torch has its own class; its name saves an import.
    if isinstance(problem, MemoryError) or type(problem).__name__ == "OutOfMemoryError":
        return True
    return (isinstance(problem, OSError) and problem.errno == errno.ENOMEM) or _says(problem, _SAID)


def _says(problem: BaseException, words: tuple[str, ...]) -> bool:
    # A system error that has a number says nothing else, but the name of a file.
    numbered = isinstance(problem, OSError) and problem.errno is not None
    if numbered or isinstance(problem, _QUOTING):
        return False
    said = str(problem).lower()
    # That is room in a table of fixed size, not memory.
    return any(word in said for word in words) and "static tls" not in said


def _explained() -> MemoryShort:
    limit = address_space_limit()
    if limit is None:
        return MemoryShort("out of memory", hint=_HINT)
    return MemoryShort(f"out of memory: ulimit -v allows {in_words(limit)}", hint=f"raise it, or {_HINT}")
