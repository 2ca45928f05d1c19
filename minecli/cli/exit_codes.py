"""What the program answers to the shell, and which error means which answer."""

from __future__ import annotations

import errno
from enum import IntEnum, unique

from minecli.cli.words import as_typed, flag
from minecli.errors import DataError, DeviceError, MinecliError, OutputError, UsageError
from minecli.runtime.out_of_memory import shortage_in
from minecli.settings import SettingError


@unique
class ExitCode(IntEnum):
    """The exit codes. Those above 128 are 128 plus a signal's number, as shells have it."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    DATA = 3
    DOUBTFUL = 4
    MISSING = 5
    PARTIAL = 6
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


# Subclasses before their parents. An OutputError shares code 5: a resource (room on a disk) is missing.
_CODES: tuple[tuple[type[MinecliError], ExitCode], ...] = (
    (UsageError, ExitCode.USAGE),
    (DataError, ExitCode.DATA),
    (DeviceError, ExitCode.MISSING),
    (OutputError, ExitCode.MISSING),
)


def exit_code_of(error: MinecliError) -> ExitCode:
    """The exit code of an explained error.

    >>> exit_code_of(DataError("empty")).value
    3
    """
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return ExitCode.INTERNAL


def explain(problem: BaseException) -> tuple[str, ExitCode]:
    """The line to print and the code to end with, for anything that reached the top of the program."""
    if isinstance(problem, KeyboardInterrupt):
        return "interrupted", ExitCode.INTERRUPTED
    # Whatever went wrong for want of memory is that, though it may look like a damaged file or a missing library.
    problem = shortage_in(problem) or problem
    if isinstance(problem, SettingError):
        problem = UsageError(flag(problem.name) + problem.problem.removeprefix(problem.name), hint=problem.hint)
    if isinstance(problem, MinecliError):
        return f"error: {as_typed(str(problem))}", exit_code_of(problem)
    if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
        return "error: no space left on the disk (free some space)", ExitCode.MISSING
    first = (str(problem).splitlines() or [""])[0]
    line = f"internal error: {type(problem).__name__}: {first} (run again with --traceback and report it)"
    return line, ExitCode.INTERNAL
