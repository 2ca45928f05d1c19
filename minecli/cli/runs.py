"""The one way to run a command: options, data, run folder, events, signals, result, and how to go on.

A `Job` says what is particular to a command. Everything else is here: device and threads; a folder that is made only
once the data could be read; the same command again, which goes on with its unfinished run or shows its finished one;
the event stream; signals; what is stored, what is shown, and with which exit code it ends.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar

import typer

from minecli.cli.destinations import check_destinations
from minecli.cli.exit_codes import ExitCode
from minecli.cli.options import was_typed
from minecli.cli.presentation import Presentation, presentation_of, show
from minecli.cli.streams import Streams
from minecli.cli.words import flag
from minecli.errors import DataError, OutputError, UsageError
from minecli.events import Event, Observer
from minecli.runtime.environment import environment_facts
from minecli.runtime.state_files import SUMMARY

if TYPE_CHECKING:
    from minecli.report.formats import Views
    from minecli.runtime.device import Device, Threads
    from minecli.runtime.request import Request
    from minecli.runtime.run_directory import RunDirectory
    from minecli.runtime.signals import Interruption

Asked = TypeVar("Asked", bound="Request")
Data = TypeVar("Data")
Outcome = TypeVar("Outcome")

# What may be said again when a run is resumed: where to show the result and how fast to compute it.
_SAID_AGAIN = {
    "format", "output", "units", "pointwise", "check", "explain", "spreadsheet_safe", "quiet", "device", "threads",
    "together", "resume",
}  # fmt: skip


@dataclass
class Work:
    """What a job may use while it works. The folder is None before the data are read, and where none was asked for."""

    given: Mapping[str, Any]
    shown: Presentation
    streams: Streams
    device: Device
    threads: Threads
    observers: list[Observer] = field(default_factory=list)
    folder: RunDirectory | None = None
    interruption: Interruption | None = None

    def observe(self, event: Event) -> None:
        """Tell everybody who listens."""
        for observer in self.observers:
            observer(event)

    def should_stop(self) -> bool:
        """Whether a signal has arrived."""
        return self.interruption is not None and self.interruption.should_stop()

    @property
    def path(self) -> Path | None:
        """Of the run's folder."""
        return None if self.folder is None else self.folder.path


class Job(ABC, Generic[Asked, Data, Outcome]):
    """What distinguishes one command from another. Nothing heavy is loaded before `load`.

    Attributes:
        RESULT: the file of the run's folder that holds the finished result.
        STOPS_LOADING: whether `load` asks `Work.should_stop`; otherwise a signal ends it at once.
        STORES_PARTIAL: whether an interrupted run stores what it has.
        SAID_AGAIN: options that go with --resume beside the usual ones.
    """

    kind: type[Asked]
    RESULT: ClassVar[str] = SUMMARY
    STOPS_LOADING: ClassVar[bool] = False
    STORES_PARTIAL: ClassVar[bool] = False
    SAID_AGAIN: ClassVar[frozenset[str]] = frozenset()

    @property
    def command(self) -> str:
        """What is typed after `minecli`."""
        return self.kind.COMMAND

    @abstractmethod
    def request(self, given: Mapping[str, Any], ctx: typer.Context) -> Asked:
        """What the options ask for; UsageError for what is lacking or does not fit together."""

    def resumed(self, request: Asked, given: Mapping[str, Any], path: Path) -> Asked:
        """The stored request of a run that goes on, with what may be said again."""
        del given, path
        return request

    def seeds_of(self, request: Asked) -> int | list[int]:
        """Where all randomness comes from, as the result says it."""
        return list(request.seeds)  # type: ignore[attr-defined]

    def sources(self, request: Asked) -> str | Sequence[str]:
        """The files that are read, which no result may overwrite."""
        return ""

    def selectors(self, request: Asked) -> Sequence[str]:
        """What selects columns, and may name files by `@`."""
        return ()

    def check(self, request: Asked, shown: Presentation) -> None:
        """Refuse now, rather than after the work, what else cannot be shown."""

    @abstractmethod
    def load(self, request: Asked, work: Work) -> tuple[Asked, Data] | None:
        """Read the data: the request, resolved where that depends on them, and what is needed; None where stopped."""

    def begin(self, request: Asked, data: Data, folder: RunDirectory) -> None:
        """Write what a new or resumed run keeps of its data; UsageError where they are no longer the same."""

    @abstractmethod
    def compute(self, request: Asked, data: Data, work: Work) -> Outcome:
        """Do the work, as far as signals allow."""

    def interrupted(self, outcome: Outcome, work: Work) -> str | None:
        """How far the work has come, where it was stopped; None where it was not."""
        return None

    @abstractmethod
    def payload(self, request: Asked, data: Data, outcome: Outcome, environment: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON object of the result."""

    def is_finished(self, payload: Mapping[str, Any], folder: Path) -> bool:
        """Whether the result that a run's folder holds is all there is to do."""
        return not payload.get("interrupted", False)

    def store(self, folder: Path, payload: dict[str, Any], data: Data, outcome: Outcome) -> None:
        """Write what belongs to the result into the run's folder: pictures, samples, tables."""

    @abstractmethod
    def views(self, payload: dict[str, Any], shown: Presentation) -> Views:
        """The result as each format shows it."""

    def end(self, payload: dict[str, Any], data: Data, outcome: Outcome, work: Work) -> int:
        """What is left to do once the result is shown; the exit code."""
        return self.told(payload, work)

    def told(self, payload: dict[str, Any], work: Work) -> int:
        """What is said of a result, new or stored, once it is shown; the exit code."""
        return ExitCode.DONE


def run_command(job: Job[Any, Any, Any], ctx: typer.Context) -> NoReturn:
    """What a command does with its options, those of `ctx`."""
    from minecli.runtime.device import apply_threads, resolve_device, resolve_threads

    given, streams = ctx.params, ctx.obj
    shown = presentation_of(ctx)
    request = job.request(given, ctx) if given["resume"] is None else _resumed(job, ctx)
    destinations = {"--output": shown.output, "--pointwise": shown.pointwise}
    check_destinations(destinations, job.sources(request), job.selectors(request), given["resume"] or given["run_dir"])
    job.check(request, shown)
    threads = resolve_threads(given["threads"])
    apply_threads(threads.count)
    work = Work(given, shown, streams, resolve_device(given["device"]), threads)
    raise typer.Exit(_run(job, request, work))


def _resumed(job: Job[Asked, Any, Any], ctx: typer.Context) -> Asked:
    """The request of the run to go on with; UsageError where options try to change it."""
    from minecli.runtime.run_directory import open_run

    path = ctx.params["resume"]
    changed = [name for name in ctx.params if name not in _SAID_AGAIN | job.SAID_AGAIN and was_typed(ctx, name)]
    if changed:
        raise UsageError(
            f"--resume takes its settings from '{path}' and does not go with {', '.join(map(flag, changed))}",
            hint="leave them out, or start another run with --run-dir",
        )
    return job.resumed(open_run(path, job.RESULT).read_request(job.kind.from_stored), ctx.params, path)


def _run(job: Job[Asked, Data, Outcome], request: Asked, work: Work) -> int:
    from minecli.runtime.run_directory import open_run

    if work.given["resume"] is not None:
        work.folder = open_run(work.given["resume"], job.RESULT)
        stored = _stored_result(job, work.folder)
        if stored is not None and not work.given.get("data"):
            return _show_again(job, stored, work)
    with ExitStack() as folder:
        with ExitStack() as watched:
            loaded = _loaded(job, request, work, watched)
            if loaded is None:
                return _nothing_stored(work)
            request, data = loaded
            stored = _open_folder(job, request, work, folder)
            if stored is not None and work.folder is not None:
                job.begin(request, data, work.folder)  # with other data it would not be the result
                return _show_again(job, stored, work)
            _begin(job, request, data, work, watched)
            outcome = job.compute(request, data, work)
        return _finish(job, request, data, outcome, work)


def _loaded(job: Job[Asked, Data, Any], request: Asked, work: Work, stack: ExitStack) -> tuple[Asked, Data] | None:
    """The data, before a folder is made: what cannot be read must not leave one behind."""
    if job.STOPS_LOADING:
        _watch(work, stack)
        return job.load(request, work)
    loaded = job.load(request, work)
    _watch(work, stack)
    return loaded


def _watch(work: Work, stack: ExitStack) -> None:
    """From here on progress is shown, and signals ask instead of ending the program."""
    from minecli.runtime.signals import stop_on_signals

    work.observers.append(stack.enter_context(work.streams.progress(work.shown.unit)))
    work.interruption = stack.enter_context(stop_on_signals())


def _nothing_stored(work: Work) -> int:
    work.streams.error("interrupted before the training began; nothing is kept")
    return _signal_code(work)


def _signal_code(work: Work) -> int:
    return int((work.interruption and work.interruption.exit_code) or ExitCode.INTERRUPTED)


def _same_run(job: Job[Asked, Any, Any], request: Asked, work: Work) -> RunDirectory | None:
    """The run in --run-dir, where it has the very same request, in whatever form an earlier version stored it."""
    from minecli.runtime.run_directory import RunDirectory
    from minecli.runtime.state_files import present

    run_dir = work.given["run_dir"]
    if run_dir is None or not present((run := RunDirectory(run_dir, job.RESULT)).config_path):
        return None
    return run if run.read_request(job.kind.from_stored) == request else None


def _open_folder(job: Job[Asked, Any, Any], request: Asked, work: Work, stack: ExitStack) -> dict[str, Any] | None:
    """Make the run's folder, or take up the run with the very same request; the stored result of a finished one.
    UsageError where another process works in it."""
    from minecli.runtime.run_directory import create_run

    run_dir = work.given["run_dir"]
    if work.folder is None and run_dir is not None:
        work.folder = _same_run(job, request, work) or create_run(run_dir, request.to_stored(), job.RESULT)
    if work.folder is not None:
        stored = _stored_result(job, work.folder)
        if stored is not None:
            return stored
        stack.enter_context(work.folder.working())
    return None


def _stored_result(job: Job[Any, Any, Any], run: RunDirectory) -> dict[str, Any] | None:
    from minecli.report.payload import SCHEMA_VERSION
    from minecli.runtime.state_files import refusing

    payload = run.read_result()
    if payload is None:
        return None
    with refusing(run.result_path):
        if not job.is_finished(payload, run.path):
            return None
    if payload.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"the result in '{run.path}' was written by another version of minecli "
            f"(schema {payload.get('schema_version')}, not {SCHEMA_VERSION})",
            hint=f"run {job.command} again with another --run-dir",
        )
    return payload


def _show_again(job: Job[Any, Any, Any], payload: dict[str, Any], work: Work) -> int:
    from minecli.runtime.state_files import refusing

    path = work.given["resume"] or work.given["run_dir"]
    if work.shown.pointwise is not None:
        raise UsageError(
            f"the run in '{path}' is finished and keeps no values per row",
            hint="estimate again with --pointwise, without this folder",
        )
    work.streams.info(f"the run in '{path}' is finished; this is its result")
    with refusing(path / job.RESULT):
        show(job.views(payload, work.shown), work.shown, work.streams)
        return job.told(payload, work)


def _begin(job: Job[Asked, Data, Any], request: Asked, data: Data, work: Work, stack: ExitStack) -> None:
    """Take possession of the folder and let events be written into it."""
    from minecli.runtime.run_directory import EventLog

    if work.folder is None:
        return
    job.begin(request, data, work.folder)
    log = EventLog(work.folder.events_path)
    work.observers.append(log)

    def close() -> None:
        log.close()
        if log.failure is not None:
            work.streams.warn(f"the event stream is not complete: {log.failure}")

    stack.callback(close)


def _finish(job: Job[Asked, Data, Outcome], request: Asked, data: Data, outcome: Outcome, work: Work) -> int:
    """Store, show, and say how to go on. A result that cannot be stored is shown before the error is raised."""
    stopped = job.interrupted(outcome, work)
    environment = environment_facts(work.device, work.threads, job.seeds_of(request))
    payload = job.payload(request, data, outcome, environment)
    unstored = None
    if work.folder is not None and (stopped is None or job.STORES_PARTIAL):
        unstored = _store(job, work.folder, payload, data, outcome)
    show(job.views(payload, work.shown), work.shown, work.streams)
    if unstored is not None:
        raise OutputError(f"{unstored.problem}; the result is on standard output", hint=unstored.hint)
    code = job.end(payload, data, outcome, work)
    if stopped is None:
        return code
    again = f"; go on with: minecli {job.command} --resume {work.path}" if work.folder else ""
    work.streams.error(f"{stopped}{again}")
    return _signal_code(work)


def _store(
    job: Job[Any, Data, Outcome], folder: RunDirectory, payload: dict[str, Any], data: Data, outcome: Outcome
) -> OutputError | None:
    from minecli.report.formats import to_json

    try:
        job.store(folder.path, payload, data, outcome)
        # Last, since it says that the run is finished.
        folder.write_result(to_json(payload))
        if job.is_finished(payload, folder.path):
            folder.drop_previous_checkpoints()
    except OutputError as problem:
        return problem
    return None
