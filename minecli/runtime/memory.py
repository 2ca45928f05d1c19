"""How much memory is free for this process, and a refusal in one line where a piece of work would need more.

A machine that runs out of memory kills the process without a word; whoever knows beforehand what a step needs asks
here first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from minecli.errors import MemoryShort

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")

# Where each version of control groups has its files: the folder, the limit, what is used, and the line of
# `memory.stat` that counts pages of files, which are counted as used but given back as soon as they are needed.
_VERSIONS = (
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available_bytes() -> int | None:
    """How many more bytes this process may take: the least that the machine, a container or `ulimit -v` leaves.

    None where nothing is known, as on systems without /proc. Never negative.

    >>> free = available_bytes()
    >>> free is None or free >= 0
    True
    """
    known = [*_of_the_machine(), *_of_control_groups(), *_of_the_address_space()]
    return max(0, min(known)) if known else None


def refuse_beyond(needed: int, what: str, hint: str) -> None:
    """Raise MemoryShort where `what` needs more than is free; do nothing where that is not known.

    >>> refuse_beyond(1000, "a small table", hint="name fewer columns")
    """
    free = available_bytes()
    if free is not None and needed > free:
        problem = f"{what} needs about {in_words(needed)} of memory, and {in_words(free)} are free"
        raise MemoryShort(problem, hint=hint)


def address_space_limit() -> int | None:
    """What `ulimit -v` allows this process, in bytes; None where it does not limit it."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def in_words(count: int) -> str:
    """A number of bytes as a person says it.

    >>> in_words(8_400_000_000), in_words(1_530_000_000), in_words(31_000_000), in_words(0)
    ('8.4 GB', '1.53 GB', '31 MB', '0 MB')
    """
    if count < 10**9:
        return f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.3g} GB" if count < 10**12 else f"{count / 1e12:,.1f} TB"


def _of_the_machine() -> Iterator[int]:
    kilobytes = _line(_PROC / "meminfo", "MemAvailable:")
    if kilobytes is not None:
        yield kilobytes * 1024


def _of_control_groups() -> Iterator[int]:
    """What each group that holds this process leaves: a limit binds all groups below it."""
    for folder, limit_file, used_file, cache_line in _VERSIONS:
        for group in _own_groups(_CGROUPS / folder, controller=folder):
            limit, used = _number(group / limit_file), _number(group / used_file)
            if limit is not None and used is not None:
                yield limit - used + (_line(group / "memory.stat", cache_line) or 0)


def _own_groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders under `root` of the group of this process and of all groups around it.

    In a container the path may be the host's, where `root` is the group itself; folders that are not there have no
    files to read.
    """
    for line in _text(_PROC / "self" / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller in controllers.split(","):
            own = root / path.strip("/")
            yield own
            yield from (parent for parent in own.parents if parent.is_relative_to(root))


def _of_the_address_space() -> Iterator[int]:
    limit = address_space_limit()
    if limit is not None:
        yield limit - mapped_bytes()


def mapped_bytes() -> int:
    """The address space this process has taken; 0 where that cannot be known."""
    pages = _text(_PROC / "self" / "statm").split()
    return int(pages[0]) * os.sysconf("SC_PAGE_SIZE") if pages else 0


def _line(path: Path, name: str) -> int | None:
    """The number after `name` in a file of lines."""
    for line in _text(path).splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return None


def _number(path: Path) -> int | None:
    """The number that a file consists of; None for `max`."""
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
