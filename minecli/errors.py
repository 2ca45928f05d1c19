"""What can go wrong through no fault of the program, each as its own type.

A message has three parts: what was wrong (with the value), what is allowed, what to type next. The first two make
the `problem`, the third is the `hint`; `cli/exit_codes.py` maps each type to an exit code and prints one line.
"""

from __future__ import annotations


class MinecliError(Exception):
    """A failure that is explained to a person in one line.

    >>> str(MinecliError("k is 0; it must be at least 1", hint="try --k 3"))
    'k is 0; it must be at least 1 (try --k 3)'
    """

    def __init__(self, problem: str, *, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.problem} ({self.hint})" if self.hint else self.problem


class UsageError(MinecliError):
    """The command line asks for something that does not exist or does not fit together."""


class DataError(MinecliError):
    """The data cannot be read, or cannot be used for what was asked."""


class DeviceError(MinecliError):
    """A device or resource that was asked for is missing."""


class MemoryShort(DeviceError):
    """There is not enough memory for what was asked."""


class OutputError(MinecliError):
    """A finished result could not be written where it was asked for."""
