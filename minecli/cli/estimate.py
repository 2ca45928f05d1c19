"""`minecli estimate`: the mutual information between two groups of columns."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from minecli import __version__
from minecli.cli import options as opt
from minecli.cli.delivery import Presentation, resolve_format, show
from minecli.cli.destinations import check_destinations
from minecli.cli.environment import environment_facts
from minecli.cli.request import Request, data_facts, lasting_source
from minecli.cli.settings import configs_from
from minecli.cli.streams import Streams
from minecli.cli.words import flag
from minecli.errors import OutputError, UsageError
from minecli.estimators.registry import ESTIMATORS
from minecli.events import Event
from minecli.units import Unit

if TYPE_CHECKING:
    from minecli.estimators.comparison import Comparison
    from minecli.estimators.running import Outcome
    from minecli.runtime.device import Device, Threads
    from minecli.runtime.run_directory import RunDirectory
    from minecli.runtime.signals import Interruption
    from minecli.tables.groups import Groups

DEFAULT_ESTIMATORS = ("mine", "ksg")
EXAMPLE = "minecli estimate sample_data/gaussian_1d.parquet --x x0 --z z0 -e ksg"
HELP = f"""Estimate the mutual information I(X; Z) between two groups of columns of a table.

Several estimators answer side by side, each with an uncertainty, a status and reasons to doubt it, if there
are any.

Example: {EXAMPLE}
"""


def estimate(
    ctx: typer.Context,
    data: opt.DataOrNone = None,
    x: opt.XColumns = None,
    z: opt.ZColumns = None,
    estimator: opt.Estimators = list(DEFAULT_ESTIMATORS),  # noqa: B006
    preprocess: opt.Preprocess = None,
    confidence: opt.Confidence = Request.confidence,
    seed: opt.Seed = Request.seed,
    missing: opt.Missing = Request.missing,
    sample: opt.Sample = None,
    input_format: opt.InputFormat = None,
    delimiter: opt.Delimiter = None,
    na_values: opt.NaValues = None,
    neighbours: opt.Neighbours = None,
    ksg_variant: opt.KsgVariant = None,
    ksg_jitter: opt.KsgJitter = None,
    protocol: opt.Protocol = None,
    folds: opt.Folds = None,
    repeats: opt.Repeats = None,
    target_precision: opt.TargetPrecision = None,
    max_repeats: opt.MaxRepeats = None,
    max_steps: opt.MaxSteps = None,
    batch_size: opt.BatchSize = None,
    marginal_shifts: opt.MarginalShifts = None,
    hidden: opt.Hidden = None,
    layers: opt.Layers = None,
    tower_layers: opt.TowerLayers = None,
    weight_decay: opt.WeightDecay = None,
    learning_rate: opt.LearningRate = None,
    ema_decay: opt.EmaDecay = None,
    gaussian_base: opt.GaussianBase = None,
    smile_clip: opt.SmileClip = None,
    precision: opt.Precision = None,
    units: opt.Units = "nats",
    format: opt.Format = "auto",
    output: opt.Output = None,
    pointwise: opt.Pointwise = None,
    check: opt.Check = False,
    quiet: opt.Quiet = 0,
    device: opt.DeviceName = "auto",
    threads: opt.Threads = None,
    run_dir: opt.RunDir = None,
    resume: opt.Resume = None,
) -> None:
    given = dict(ctx.params)
    streams: Streams = ctx.obj
    streams.quiet = quiet
    shown = Presentation(units, resolve_format(format, streams, output), output, pointwise, check)
    request = _request(given) if resume is None else _resumed(resume, ctx)
    _check_destinations(shown, request)
    code = run_estimate(request, shown, streams, device=device, threads=threads, run_dir=run_dir, resume=resume)
    raise typer.Exit(code)


SETTINGS = (
    "preprocess", "neighbours", "ksg_variant", "ksg_jitter", "protocol", "folds", "repeats", "target_precision",
    "max_repeats", "max_steps", "batch_size", "marginal_shifts", "hidden", "layers", "tower_layers", "weight_decay",
    "learning_rate", "ema_decay", "gaussian_base", "smile_clip", "precision",
)  # fmt: skip
# What may be said again when a run is resumed: where to show the result and how fast to compute it, and,
# because standard input cannot be read twice, the data.
_ALLOWED_WITH_RESUME = {
    "data", "units", "format", "output", "pointwise", "check", "quiet", "device", "threads", "resume",
}  # fmt: skip


def _check_destinations(shown: Presentation, request: Request) -> None:
    """Refuse a place that cannot or should not be written now, rather than after the work."""
    from minecli.report.pointwise import pointwise_format

    if shown.pointwise is not None:
        pointwise_format(shown.pointwise.name)
        if not any(ESTIMATORS[name].pointwise for name in request.estimators):
            asked = " and ".join(request.estimators)
            raise UsageError(f"--pointwise: {asked} has no value per row", hint="add -e mine or -e ksg")
    destinations = {"--output": shown.output, "--pointwise": shown.pointwise}
    check_destinations(destinations, request.source, [*request.x, *request.z])


def _request(given: dict[str, Any]) -> Request:
    """The request the options make; UsageError for what is lacking or does not fit together."""
    if given["data"] is None:
        raise UsageError("no DATA is named", hint="minecli estimate FILE --x COLS --z COLS")
    for side in ("x", "z"):
        if not given[side]:
            raise UsageError(
                f"--{side} is missing: name the columns of {side.upper()}",
                hint=f"minecli columns {given['data']} lists them",
            )
    if given["max_repeats"] is not None and given["target_precision"] is None:
        raise UsageError(
            "--max-repeats goes with --target-precision",
            hint=f"add it, or ask for --repeats {given['max_repeats']}",
        )
    return Request(
        source=lasting_source(given["data"]) if given["run_dir"] else given["data"],
        x=tuple(given["x"]),
        z=tuple(given["z"]),
        estimators=configs_from(given["estimator"], {name: given[name] for name in SETTINGS}),
        na_values=tuple(given["na_values"] or ()),
        **{k: given[k] for k in ("input_format", "delimiter", "missing", "sample", "seed", "confidence")},
    )


def _resumed(path: Path, ctx: typer.Context) -> Request:
    """The request of the run in `path`; UsageError where options try to change it."""
    from minecli.runtime.run_directory import open_run

    changed = [
        name
        for name in ctx.params
        if name not in _ALLOWED_WITH_RESUME and "COMMANDLINE" in str(ctx.get_parameter_source(name))
    ]
    if changed:
        raise UsageError(
            f"--resume takes its settings from '{path}' and does not go with {', '.join(map(flag, changed))}",
            hint="leave them out, or start another run with --run-dir",
        )
    request = Request.from_json(open_run(path).read_config())
    if ctx.params["data"] is not None:
        return replace(request, source=ctx.params["data"])
    if request.source == "-":
        raise UsageError(
            "the data of this run came from standard input", hint=f"minecli estimate - --resume {path} < DATA"
        )
    return request


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
            return show(run.read_result() or {}, shown, streams)
    groups = request.load(streams.stdin)
    if resume is None and run_dir is not None:
        run = create_run(run_dir, request.to_json())  # after the data: a mistyped column leaves no folder behind
    for note in groups.notes:
        streams.info(note)
    outcome, interruption = _compute(request, groups, used_device, used_threads, shown.unit, streams, run)
    comparison = _compare(outcome, groups)
    payload = _payload(request, groups, outcome, comparison, used_device, used_threads)
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


def _compute(
    request: Request,
    groups: Groups,
    device: Device,
    threads: Threads,
    unit: Unit,
    streams: Streams,
    run: RunDirectory | None,
) -> tuple[Outcome, Interruption]:
    from minecli.estimators.context import Context
    from minecli.estimators.running import run_estimators
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
        )
        checkpoint_of = run.checkpoint_path if run is not None else None
        outcome = run_estimators(groups.x.values, groups.z.values, request.estimators, context, checkpoint_of)
        if log is not None and log.failure is not None:
            streams.warn(f"the event stream is not complete: {log.failure}")
    return outcome, interruption


def _compare(outcome: Outcome, groups: Groups) -> Comparison:
    from minecli.estimators.comparison import compare

    return compare(outcome.estimates, groups.x.values.shape[1] + groups.z.values.shape[1])


def _payload(
    request: Request,
    groups: Groups,
    outcome: Outcome,
    comparison: Comparison,
    device: Device,
    threads: Threads,
) -> dict[str, Any]:
    from minecli.report.payload import EstimateReport, estimate_payload

    facts = asdict(comparison) | {"diagnostics": comparison.diagnostics}
    return estimate_payload(
        EstimateReport(
            tool_version=__version__,
            config=request.to_json(),
            data=data_facts(groups),
            estimates=outcome.estimates,
            comparison=facts,
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
