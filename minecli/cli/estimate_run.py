"""From a request to a shown result: read, look at the data, estimate, judge, keep, show."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli import __version__
from minecli.cli.delivery import Presentation, show
from minecli.cli.environment import environment_facts
from minecli.cli.reading_options import announce_remote
from minecli.cli.request import Request, data_facts, facts_of
from minecli.cli.streams import Streams
from minecli.errors import DataError, OutputError, UsageError
from minecli.estimators.registry import ESTIMATORS
from minecli.events import Event

if TYPE_CHECKING:
    from minecli.estimators.facts import Facts
    from minecli.estimators.running import Outcome
    from minecli.estimators.verdict import Verdict
    from minecli.runtime.device import Device, Threads
    from minecli.runtime.run_directory import RunDirectory
    from minecli.runtime.signals import Interruption
    from minecli.tables.groups import Groups
    from minecli.units import Unit

# Who answers 0 where a side is constant and nobody was asked.
_FOR_CONSTANTS = "plug-in"


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
    from minecli.runtime.checkpoint import fingerprint
    from minecli.runtime.device import apply_threads, resolve_device, resolve_threads
    from minecli.runtime.run_directory import create_run, is_finished, open_run
    from minecli.runtime.state_files import refusing

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
            with refusing(run.result_path):
                return show(_of_this_version(run.read_result() or {}, resume), shown, streams)
    announce_remote(request.source, streams)
    trained = ["torch"] if any(ESTIMATORS[name].trains for name in request.estimators) else []
    secure_libraries(["numpy", "pyarrow", "scipy", *trained], used_threads.count)
    groups = request.load(streams.stdin)
    for note in groups.notes:
        streams.info(note)
    if groups.constant:
        if resume is None and run_dir is not None:
            run = create_run(run_dir, request.to_json())
        return _show_constant(request, groups, shown, streams, used_device, used_threads, run)
    facts = facts_of(groups, ordered=not request.independent_rows)
    if not request.estimators:
        from minecli.estimators.choice import choice_sentence

        streams.info(choice_sentence(facts))
    request = request.resolved(facts)
    if resume is None and run_dir is not None:
        run = create_run(run_dir, request.to_json())  # after the data: a mistyped column leaves no folder behind
    with ExitStack() as stack:
        if run is not None:
            stack.enter_context(run.working())
            run.remember_data(fingerprint({}, groups.x.values, groups.z.values))
        outcome, verdict, interruption = _compute(
            request, groups, facts, used_device, used_threads, shown.unit, streams, run
        )
        payload = _payload(request, groups, facts, outcome, verdict, used_device, used_threads)
        unkept = _keep(run, payload) if run is not None else None
        code = show(payload, shown, streams)
        if shown.pointwise is not None:
            _write_pointwise(shown.pointwise, groups, outcome, streams)
        if outcome.failure is not None:
            raise outcome.failure
        if unkept is not None:
            raise unkept
        if interruption.exit_code is not None:
            again = f"; go on with: minecli estimate --resume {run.path}" if run else ""
            streams.error(f"interrupted: the result is partial{again}")
            return interruption.exit_code
        return code


def _show_constant(
    request: Request,
    groups: Groups,
    shown: Presentation,
    streams: Streams,
    device: Device,
    threads: Threads,
    run: RunDirectory | None,
) -> int:
    """A side without a column that varies: 0 nats, whatever was asked."""
    from minecli.estimators.running import Outcome
    from minecli.estimators.verdict import constant

    side = " and ".join(groups.constant)
    verdict = constant(list(request.estimators) or [_FOR_CONSTANTS], side)
    outcome = Outcome(verdict.estimates)
    payload = _payload(request, groups, None, outcome, verdict, device, threads)
    with run.working() if run is not None else nullcontext():
        unkept = _keep(run, payload) if run is not None else None
    code = show(payload, shown, streams)
    if shown.pointwise is not None:
        _write_pointwise(shown.pointwise, groups, outcome, streams)
    if unkept is not None:
        raise unkept
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


def _compute(
    request: Request,
    groups: Groups,
    facts: Facts,
    device: Device,
    threads: Threads,
    unit: Unit,
    streams: Streams,
    run: RunDirectory | None,
) -> tuple[Outcome, Verdict, Interruption]:
    from minecli.estimators.context import Context
    from minecli.estimators.parts import find_parts
    from minecli.estimators.running import run_estimators
    from minecli.estimators.verdict import judge
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

        interruption = stack.enter_context(stop_on_signals())
        context = Context(
            device=device.name,
            threads=threads.count,
            seed=request.seed,
            confidence=request.confidence,
            observer=observe,
            should_stop=interruption.should_stop,
            facts=facts,
        )
        x, z = groups.x.values, groups.z.values
        parts = find_parts(x, z, facts, context)
        outcome = run_estimators(x, z, request.estimators, context, run.checkpoint_path if run is not None else None)
        if log is not None and log.failure is not None:
            streams.warn(f"the event stream is not complete: {log.failure}")
    return outcome, judge(outcome.estimates, facts, parts), interruption


def _payload(
    request: Request,
    groups: Groups,
    facts: Facts | None,
    outcome: Outcome,
    verdict: Verdict,
    device: Device,
    threads: Threads,
) -> dict[str, Any]:
    from minecli.report.payload import EstimateReport, estimate_payload
    from minecli.report.verdict import verdict_entry

    return estimate_payload(
        EstimateReport(
            tool_version=__version__,
            config=request.to_json(),
            data=data_facts(groups, facts),
            estimates=verdict.estimates,
            verdict=verdict_entry(vars(verdict), facts.entropy_nats if facts else None),
            environment=environment_facts(device, threads, request.seed),
            failure=str(outcome.failure) if outcome.failure else None,
        )
    )


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


def _write_pointwise(path: Path, groups: Groups, outcome: Outcome, streams: Streams) -> None:
    from minecli.report.pointwise import pointwise_bytes
    from minecli.runtime.writing import write_bytes

    terms = {e.estimator: e.pointwise_nats for e in outcome.estimates if e.pointwise_nats is not None}
    if not terms:
        asked = ", ".join(e.estimator for e in outcome.estimates)
        raise UsageError(f"--pointwise: {asked} gave no value per row, so '{path}' was not written", hint="add -e mine")
    write_bytes(path, pointwise_bytes(path.name, groups.row_numbers, terms))
    streams.info(f"wrote {path}: one line per row, from {' and '.join(terms)}")
