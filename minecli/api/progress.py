"""What long work says to whoever asked for `progress=True`: one line on standard error, written over and over."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

from minecli.events import Event, Observer, ignore

_SECONDS_BETWEEN_LINES = 0.5
_WIDTH = 60


@contextlib.contextmanager
def observer_of(progress: bool | Observer) -> Iterator[Observer]:
    """The observer that was asked for: none, one line on standard error, or the caller's own."""
    if callable(progress):
        yield progress
    elif progress:
        line = _Line()
        try:
            yield line
        finally:
            line.end()
    else:
        yield ignore


class _Line:
    """The stage and step that the work is at."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        if now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            steps = f"step {event.step}" + (f" of {event.total}" if event.total else "")
            sys.stderr.write(f"\r{f'{event.stage}: {steps}':<{_WIDTH}.{_WIDTH}}")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave an empty line behind."""
        if self._last:
            sys.stderr.write(f"\r{'':<{_WIDTH}}\r")
            sys.stderr.flush()
