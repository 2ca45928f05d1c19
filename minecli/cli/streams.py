"""The three standard streams and everything that depends on where they lead: terminals, colour, width, quiet."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TextIO, cast

from minecli.events import Event, Observer, ignore
from minecli.foreign import Styled, encoded, escaped, escaped_lines, legible
from minecli.runtime.writing import output_error
from minecli.units import Unit, from_nats

_SECONDS_BETWEEN_LINES = 5.0


def _open(stream: TextIO | None, mode: str) -> TextIO:
    """Python sets a stream to None that the shell has closed (`>&-`): nobody wants it, so it leads nowhere."""
    return stream if stream is not None else cast("TextIO", open(os.devnull, mode, encoding="utf-8"))


class ReaderGone(Exception):
    """Whoever read our standard output has stopped, like `head` after its lines. No error, only an end.

    Its own type, because Typer takes a BrokenPipeError for itself.
    """


@dataclass
class Streams:
    """Where output goes. Results to stdout and nothing else; all talk to stderr. Nobody else touches
    `sys.std*`, and nothing that others wrote reaches a terminal raw.

    `quiet` 1 silences progress and information, 2 warnings too; errors are always printed.
    """

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO
    stdout_is_terminal: bool = False
    stderr_is_terminal: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    width: int = 80
    quiet: int = 0

    @classmethod
    def standard(cls) -> Streams:
        """The streams of this process."""
        stdin, stdout, stderr = _open(sys.stdin, "r"), _open(sys.stdout, "w"), _open(sys.stderr, "w")
        return cls(
            stdin=stdin.buffer,
            stdout=stdout,
            stderr=stderr,
            stdout_is_terminal=stdout.isatty(),
            stderr_is_terminal=stderr.isatty(),
            environment=os.environ,
            width=shutil.get_terminal_size(fallback=(80, 24)).columns,
        )

    def color(self, is_terminal: bool) -> bool:
        """Whether a stream gets colour: it is a terminal that can, and NO_COLOR is not set."""
        dumb = self.environment.get("TERM") == "dumb"
        return is_terminal and not dumb and not self.environment.get("NO_COLOR")

    def result(self, text: str) -> None:
        """Write a result to stdout, on a terminal escaped unless it is `Styled`.

        Raises:
            OutputError: that fails.
            ReaderGone: nobody reads any more.
        """
        if self.stdout_is_terminal and not isinstance(text, Styled):
            text = escaped_lines(text)
        self._write(encoded(text))

    def result_bytes(self, content: bytes) -> None:
        """Write a result given as bytes of UTF-8 text, in the same way and with the same errors."""
        if self.stdout_is_terminal:
            self.result(content.decode("utf-8", "backslashreplace"))
        else:
            self._write(content)

    def _write(self, content: bytes) -> None:
        rest = memoryview(content)
        try:
            self.stdout.flush()
            # Unbuffered (PYTHONUNBUFFERED), one call may write a part only.
            while rest:
                rest = rest[self.stdout.buffer.write(rest) :]
            self.stdout.buffer.flush()
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as problem:
            raise output_error("standard output", problem) from problem

    def info(self, message: str) -> None:
        """Tell something that can be silenced by -q."""
        if self.quiet < 1:
            self._talk(message)

    def warn(self, message: str) -> None:
        """Tell a reason to doubt, silenced by -qq."""
        if self.quiet < 2:
            self._talk(f"warning: {message}", style="33")

    def error(self, message: str) -> None:
        """Tell an error; never silenced. `message` begins with its kind ("error: ...")."""
        self._talk(message, style="31")

    def stack(self, problem: BaseException) -> None:
        """Show where an error came from; for whoever asked for that."""
        self._say(escaped_lines("".join(traceback.format_exception(problem))))

    def _talk(self, message: str, style: str = "") -> None:
        line = f"minecli: {legible(message)}"
        if style and self.color(self.stderr_is_terminal):
            line = f"\x1b[{style}m{line}\x1b[0m"
        self._say(line + "\n")

    def _say(self, text: str) -> None:
        # A closed or full stderr must not turn a result into a failure.
        with contextlib.suppress(OSError, ValueError):
            self.stderr.write(text)
            self.stderr.flush()

    @contextlib.contextmanager
    def progress(self, unit: Unit) -> Iterator[Observer]:
        """An observer that shows events: bars on a terminal, a plain line every few seconds elsewhere."""
        if self.quiet >= 1:
            yield ignore
        elif self.stderr_is_terminal:
            with _bars(self, unit) as observer:
                yield observer
        else:
            yield _Lines(self.info, unit)


def describe_values(values: Mapping[str, float], unit: Unit) -> str:
    """Numbers for a progress line; what is called `..._nats` is shown in the unit asked for, said once at the end.

    >>> describe_values({"training_nats": 0.5, "held_out_nats": 0.25, "rate": 0.001}, "nats")
    'rate 0.001, training 0.500, held out 0.250 nats'
    """
    plain = [f"{key.replace('_', ' ')} {value:.4g}" for key, value in values.items() if not key.endswith("_nats")]
    information = [
        f"{key[:-5].replace('_', ' ')} {from_nats(value, unit):.3f}"
        for key, value in values.items()
        if key.endswith("_nats")
    ]
    return ", ".join(plain + information) + (f" {unit}" if information else "")


def _told(event: Event, unit: Unit) -> str:
    """An event's stage and message, with its numbers where it is the end of the stage."""
    numbers = f", {describe_values(event.values, unit)}" if event.done and event.values else ""
    return f"{event.stage}: {event.message}{numbers}"


class _Lines:
    """Events as plain lines for log files: the first after a few seconds, so that short work says nothing."""

    def __init__(self, say: Callable[[str], None], unit: Unit) -> None:
        self._say = say
        self._unit = unit
        self._last = time.monotonic()

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        if event.message:
            self._say(_told(event, self._unit))
        if now - self._last < _SECONDS_BETWEEN_LINES:
            return
        self._last = now
        steps = f"step {event.step}" + (f" of {event.total}" if event.total else "")
        numbers = describe_values(event.values, self._unit)
        self._say(f"{event.stage}: {steps}" + (f", {numbers}" if numbers else ""))


@contextlib.contextmanager
def _bars(streams: Streams, unit: Unit) -> Iterator[Observer]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(
        file=streams.stderr,
        no_color=not streams.color(True),
        width=streams.width,
        force_terminal=True,
        markup=False,
        emoji=False,
        highlight=False,
    )
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=14),
        MofNCompleteColumn(),
        TextColumn("{task.fields[numbers]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        speed_estimate_period=300.0,  # seconds: steps may be reported rarely
    )
    tasks: dict[str, Any] = {}
    numbers: dict[str, str] = {}

    def observe(event: Event) -> None:
        if event.stage not in tasks:
            for earlier in tasks.values():
                progress.update(earlier, visible=False)
            tasks[event.stage] = progress.add_task(legible(event.stage), total=event.total or None, numbers="")
        if event.values:
            numbers[event.stage] = escaped(describe_values(event.values, unit))
        progress.update(
            tasks[event.stage],
            completed=event.total if event.done and event.total else event.step,
            total=event.total or None,
            numbers=numbers.get(event.stage, ""),
        )
        if event.message:
            progress.console.print(legible(_told(event, unit)))

    with progress:
        yield observe
