"""The entry point: SIGINT and SIGTERM have their answer before the command line, and all that it imports, is loaded.

While nothing is under way that could be stopped in order, the answer is one line and the end. While work runs,
`runtime.signals.stop_on_signals` takes over. Nothing is imported here that the interpreter has not loaded by itself, or
nearly.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from importlib.machinery import ModuleSpec
from types import FrameType

TYPE_CHECKING = False  # as type checkers know it, without the milliseconds that `typing` takes
if TYPE_CHECKING:
    from typing import NoReturn

_ANSWERED = (signal.SIGINT, signal.SIGTERM)
_LINE = b"minecli: interrupted\n"

_first: int | None = None


class Interrupted(BaseException):
    """A signal ends the program; that has been said. No KeyboardInterrupt, which Typer would take for itself."""


class _WithoutPandas:
    """The command line never makes a data frame, and yet pyarrow would import pandas at its first array, which takes up
    to a second. As long as the import fails, it does without. (Who only asks whether pandas is there is told so.)"""

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, cls) if name == "pandas" else None  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """As usual."""

    @staticmethod
    def exec_module(module: object) -> None:
        raise ModuleNotFoundError("pandas is not used here")


def main() -> NoReturn:
    """Run the command line of this process and exit with its code, or with that of the signal that ended it: 128 plus
    its number, as shells have it."""
    _end_on_signals()
    sys.meta_path.insert(0, _WithoutPandas)
    code: int | None = None
    try:
        try:
            from minecli.cli.main import serve

            code = serve()
        finally:
            _ignore_signals()
    except Interrupted:
        pass
    # A library may have turned the exception into one of its own: what the signal asked for counts.
    sys.exit(_exit_code() or code)


def _end_on_signals() -> None:
    """Signals that are ignored stay ignored: a job in the background of a script has SIGINT switched off."""
    for number in _ANSWERED:
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
        with contextlib.suppress(OSError):  # nobody may listen
            os.write(2, _LINE)
    if again or _within_an_import(frame):
        os._exit(_exit_code() or 0)
    raise Interrupted


def _within_an_import(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _end_of_unraisable(problem: sys.UnraisableHookArgs) -> None:
    """Where Python would only report an exception and go on, in a destructor for one, the end is the end."""
    if issubclass(problem.exc_type, Interrupted):
        os._exit(_exit_code() or 0)
    sys.__unraisablehook__(problem)


def _exit_code() -> int | None:
    return None if _first is None else 128 + _first


def _ignore_signals() -> None:
    """An answer has been given: a signal during the interpreter's own end would put a traceback beside it, or another
    exit code."""
    for number in _ANSWERED:
        signal.signal(number, signal.SIG_IGN)
