"""The entry point: signals have their answer before the command line, and all that it imports, is loaded."""

from __future__ import annotations

import sys

from minecli.runtime.sudden_end import Interrupted, end_on_signals, exit_code, ignore_signals

TYPE_CHECKING = False  # as type checkers know it, without the milliseconds that `typing` takes
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process and exit with its code, or with that of the signal that ended it."""
    end_on_signals()
    code: int | None = None
    try:
        try:
            from minecli.cli.main import serve

            code = serve()
        finally:
            ignore_signals()
    except Interrupted:
        pass
    # A library may have turned the exception into one of its own: what the signal asked for counts.
    sys.exit(exit_code() or code)
