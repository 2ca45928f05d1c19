"""SIGINT and SIGTERM while nothing is under way that could be stopped in order: one line, and the end.

These handlers stand before anything heavy is imported, so nothing is imported here that the interpreter has not
loaded by itself. While work runs, `signals.stop_on_signals` takes over.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

ANSWERED = (signal.SIGINT, signal.SIGTERM)
_LINE = b"minecli: interrupted\n"

_first: int | None = None


class Interrupted(BaseException):
    """A signal ends the program; that has been said. No KeyboardInterrupt, which Typer would take for itself."""


def end_on_signals() -> None:
    """From now on a signal says one line and ends the program with 128 plus its number, as shells have it. Signals
    that are ignored stay ignored: a job in the background of a script has SIGINT switched off.
    """
    for number in ANSWERED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end_at_once)
    sys.unraisablehook = _end_of_unraisable


def end_at_once(number: int, frame: FrameType | None) -> None:
    """The handler. The first signal unwinds the stack, so that half-written files go; a second one does not wait for
    that. Nor does one within an import: a library may swallow an exception there, or dress it up as its own.
    """
    global _first
    again = _first is not None
    if not again:
        _first = number
        try:
            os.write(2, _LINE)
        except OSError:
            pass  # nobody listens
    if again or _within_an_import(frame):
        os._exit(exit_code() or 0)
    raise Interrupted


def exit_code() -> int | None:
    """128 plus the number of the first signal that ended the program; None where none has."""
    return None if _first is None else 128 + _first


def ignore_signals() -> None:
    """Nothing is left to end: an answer has been given, and a signal during the interpreter's own end would put a
    traceback beside it, or another exit code."""
    for number in ANSWERED:
        signal.signal(number, signal.SIG_IGN)


def _within_an_import(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _end_of_unraisable(problem: sys.UnraisableHookArgs) -> None:
    """Where Python would only report an exception and go on, in a destructor for one, the end is the end."""
    if issubclass(problem.exc_type, Interrupted):
        os._exit(exit_code() or 0)
    sys.__unraisablehook__(problem)
