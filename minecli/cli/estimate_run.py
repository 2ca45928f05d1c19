"""From a request to a shown result: read, look at the data, estimate, judge, keep, show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli.api.estimation import Surroundings, compute
from minecli.api.request import Request
from minecli.cli.delivery import Presentation, show
from minecli.cli.reading_options import announce_remote
from minecli.cli.request import resolved
from minecli.cli.streams import Streams
from minecli.errors import DataError, OutputError, UsageError
from minecli.estimators.registry import ESTIMATORS
from minecli.events import Event

if TYPE_CHECKING:
    from minecli.api.result import Result
    from minecli.runtime.run_directory import RunDirectory
    from minecli.runtime.signals import Interruption
    from minecli.units import Unit


def run_estimate(
    request: Request,
    shown: Presentation,
    streams: Streams,
    *,
    device: str,
    threads: int | None,
    run_dir: Path | None,
    resume: Path | None,
) -> int:
    """Compute what the request asks for, show it, and answer with the exit code."""
    from minecli.runtime.address_space import secure_libraries
    from minecli.runtime.device import apply_threads, resolve_device, resolve_threads
    from minecli.runtime.run_directory import create_run, is_finished, open_run

    used_threads = resolve_threads(threads)
    apply_threads(used_threads.count)
    used_device = resolve_device(device)
    run: RunDirectory | None = None
    if resume is not None:
        run = open_run(resume)
        if is_finished(run):
            if shown.pointwise is not None:
                raise UsageError(
                    f"the run in '{resume}' is finished and keeps no values per row",
                    hint="estimate again with --pointwise and without --resume",
                )
            streams.info(f"the run in '{resume}' is finished; this is its result")
            return show(_of_this_version(run.read_result() or {}, resume), shown, streams)
    announce_remote(request.source, streams)
    trained = ["torch"] if any(ESTIMATORS[name].trains for name in request.estimators) else []
    secure_libraries(["numpy", "pyarrow", "scipy", *trained], used_threads.count)
    from minecli.estimators.table_facts import facts_of  # loads what has just been secured

    groups = request.load(streams.stdin)
    for note in groups.notes:
        streams.info(note)
    facts = facts_of(groups, ordered=not request.independent_rows)
    if facts is not None and not request.estimators:
        from minecli.estimators.choice import choice_sentence

        streams.info(choice_sentence(facts))
    request = resolved(request, facts)
    if resume is None and run_dir is not None:
        run = create_run(run_dir, request.to_json())  # after the data: a mistyped column leaves no folder behind
    with _watched(streams, shown.unit, run) as (observe, interruption):
        surroundings = Surroundings(
            device=used_device,
            threads=used_threads,
            observer=observe,
            should_stop=interruption.should_stop,
            checkpoint_of=run.checkpoint_path if run is not None else None,
        )
        result = compute(request, groups, surroundings, facts)
    payload = result.to_dict()
    unkept = _keep(run, payload) if run is not None else None
    code = show(payload, shown, streams)
    if shown.pointwise is not None:
        _write_pointwise(shown.pointwise, result, streams)
    if result.failure is not None:
        raise result.failure
    if unkept is not None:
        raise unkept
    if interruption.exit_code is not None:
        again = f"; go on with: minecli estimate --resume {run.path}" if run else ""
        streams.error(f"interrupted: the result is partial{again}")
        return interruption.exit_code
    return code


def _of_this_version(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A stored result; DataError where another version wrote it, whose keys mean something else."""
    from minecli.report.payload import SCHEMA_VERSION

    if payload.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"the result in '{folder}' was written by another version of minecli "
            f"(schema {payload.get('schema_version')}, not {SCHEMA_VERSION})",
            hint="estimate again with another --run-dir",
        )
    return payload


@contextmanager
def _watched(
    streams: Streams, unit: Unit, run: RunDirectory | None
) -> Iterator[tuple[Callable[[Event], None], Interruption]]:
    """Who listens to the work, on the screen and in the run's folder, and who stops it."""
    from minecli.runtime.run_directory import EventLog
    from minecli.runtime.signals import stop_on_signals

    with ExitStack() as stack:
        observers: list[Callable[[Event], None]] = [stack.enter_context(streams.progress(unit))]
        log = EventLog(run.events_path) if run is not None else None
        if log is not None:
            stack.callback(log.close)
            observers.append(log)

        def observe(event: Event) -> None:
            for observer in observers:
                observer(event)

        yield observe, stack.enter_context(stop_on_signals())
        if log is not None and log.failure is not None:
            streams.warn(f"the event stream is not complete: {log.failure}")


def _keep(run: RunDirectory, payload: dict[str, Any]) -> OutputError | None:
    """Store the result, and the learning curve where some estimator learned, in the run's folder.

    What goes wrong comes back instead of being raised: the result has yet to be shown.
    """
    from minecli.report.figures import curves_from, learning_curve
    from minecli.report.formats import to_json
    from minecli.runtime.run_directory import read_events
    from minecli.runtime.writing import write_bytes

    try:
        run.write_result(to_json(payload))
        curves = curves_from(read_events(run.events_path))
        if curves:
            write_bytes(run.figure_path, learning_curve(curves, payload))
    except OutputError as problem:
        return problem
    return None


def _write_pointwise(path: Path, result: Result, streams: Streams) -> None:
    from minecli.report.pointwise import pointwise_bytes
    from minecli.runtime.writing import write_bytes

    terms = {e.estimator: e.pointwise_nats for e in result.estimates if e.pointwise_nats is not None}
    if not terms:
        asked = ", ".join(e.estimator for e in result.estimates)
        raise UsageError(f"--pointwise: {asked} gave no value per row, so '{path}' was not written", hint="add -e mine")
    assert result.row_numbers is not None
    write_bytes(path, pointwise_bytes(path.name, result.row_numbers, terms))
    streams.info(f"wrote {path}: one line per row, from {' and '.join(terms)}")
