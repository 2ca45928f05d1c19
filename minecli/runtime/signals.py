"""Ctrl-C and SIGTERM as a question asked between units of work, so that a partial result survives them."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_SECONDS = 5.0


class Interruption:
    """Remembers the first signal that arrived."""

    def __init__(self, on_signal: Callable[[signal.Signals], None] | None = None) -> None:
        self.signal: signal.Signals | None = None
        self.before: dict[int, Any] = {}
        self._since = 0.0
        self._on_signal = on_signal

    def should_stop(self) -> bool:
        """Whether a signal has arrived.

        >>> Interruption().should_stop()
        False
        """
        return self.signal is not None

    @property
    def exit_code(self) -> int | None:
        """128 plus the signal's number, as shells have it: 130 for Ctrl-C, 143 for SIGTERM; None without a
        signal.
        """
        return None if self.signal is None else 128 + self.signal

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler: the first signal asks; a second one stops at once, as the handler has it that stood before:
        `cli.start.end_at_once` in the program, elsewhere KeyboardInterrupt or, of SIGTERM, SystemExit with code 143.
        Batch systems may deliver one SIGTERM twice, so that it counts as a second one only some seconds later.
        """
        if self.signal is not None:
            if number == signal.SIGTERM and time.monotonic() - self._since <= PATIENCE_SECONDS:
                return
            handler = self.before.get(number)
            if callable(handler):
                handler(number, frame)
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
        self._since = time.monotonic()
        self.signal = signal.Signals(number)
        if self._on_signal is not None:
            self._on_signal(self.signal)


@contextmanager
def stop_on_signals(on_signal: Callable[[signal.Signals], None] | None = None) -> Iterator[Interruption]:
    """Within the block, SIGINT and SIGTERM set a flag instead of ending the program; the old handlers come
    back.

    `on_signal` is called once, with the first signal. Signals that are ignored stay ignored (a job in the
    background of a script has SIGINT switched off), and outside the main thread, where Python allows no
    handlers, nothing changes.
    """
    interruption = Interruption(on_signal)
    if threading.current_thread() is threading.main_thread():
        for answered in _SIGNALS:
            if signal.getsignal(answered) is not signal.SIG_IGN:
                interruption.before[answered] = signal.signal(answered, interruption.handle)
    try:
        yield interruption
    finally:
        for number, handler in interruption.before.items():
            signal.signal(number, handler)
