"""A run of `minecli gan`, `ali` or `ib`, from its request to its result on the stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from minecli import __version__
from minecli.cli.delivery import Resolved, deliver, resolve_format
from minecli.cli.destinations import check_destinations
from minecli.cli.environment import environment_facts
from minecli.cli.reading_options import announce_remote
from minecli.cli.streams import Streams
from minecli.cli.words import flag
from minecli.errors import MinecliError, OutputError, UsageError

if TYPE_CHECKING:
    from minecli.apps.ensembles.config import ComparisonRequest
    from minecli.runtime.run_directory import RunDirectory
    from minecli.tables.missing import MissingPolicy

_ALLOWED_WITH_RESUME = {"format", "output", "quiet", "device", "threads", "resume"}

Asked = TypeVar("Asked", bound="ComparisonRequest")


@dataclass(frozen=True)
class Application:
    """What distinguishes one application from another; none of it is called before there is work.

    load: request, device, stdin, observer, should_stop -> data set, None where it was stopped. It has `facts` for the
        result, and the user's `table` or None.
    build: request, data set, method -> untrained models.
    entry: arm, data set -> one method's part of the result, plain values.
    keep: folder, payload, arms, data set; writes samples and pictures.
    table: payload, width, color -> text.
    definitions: data set -> what its metrics are, None to leave that out of the result.
    across: arms -> further parts of the result, which compare methods.
    """

    name: str
    load: Callable[..., Any]
    build: Callable[..., Any]
    entry: Callable[[Any, Any], dict[str, Any]]
    keep: Callable[..., None]
    table: Callable[..., str]
    definitions: Callable[[Any], Mapping[str, str] | None] = lambda dataset: None
    across: Callable[[Sequence[Any]], Mapping[str, Any]] = lambda arms: {}


@dataclass(frozen=True)
class Showing:
    """How and where to show the result."""

    format: Resolved
    output: Path | None


def run_command(
    application: Application, kind: type[Asked], request_of: Callable[[dict[str, Any]], Asked], ctx: typer.Context
) -> int:
    """What an application's own command does with its options, those of `ctx`; the exit code."""
    given, streams = ctx.params, ctx.obj
    streams.quiet, output, resume = given["quiet"], given["output"], given["resume"]
    request = request_of(given) if resume is None else resumed_request(resume, ctx, kind)
    selectors = [*request.x, *request.categorical, *request.numeric]
    check_destinations({"--output": output}, request.dataset if request.is_table else "", selectors)
    showing = Showing(resolve_format(given["format"], streams, output), output)
    how = {name: given[name] for name in ("device", "threads", "run_dir", "resume")}
    return run_application(application, request, showing, streams, **how)


def run_application(
    application: Application,
    request: ComparisonRequest,
    showing: Showing,
    streams: Streams,
    *,
    device: str,
    threads: int | None,
    run_dir: Path | None,
    resume: Path | None,
) -> int:
    """Train what is asked for, keep it in the run's folder and show it; the exit code."""
    from minecli.apps.datasets.sample_columns import write_columns
    from minecli.apps.ensembles.results import run_methods
    from minecli.runtime.device import apply_threads, resolve_device, resolve_threads
    from minecli.runtime.run_directory import create_run, open_run
    from minecli.runtime.signals import stop_on_signals

    counted = resolve_threads(threads)
    apply_threads(counted.count)
    found = resolve_device(device)
    run: RunDirectory | None = None
    arms: list[Any] = []
    announce_remote(request.dataset, streams)
    with ExitStack() as stack:
        with streams.progress("nats") as observe, stop_on_signals() as interruption:
            # Data that cannot be read must not leave a folder behind.
            dataset = application.load(request, found.name, streams.stdin, observe, interruption.should_stop)
            if resume is not None:
                run = open_run(resume)
            elif run_dir is not None:
                run = create_run(run_dir, request.to_json())
            if run is not None:
                stack.enter_context(run.working())
            if dataset is not None:
                if run is not None and dataset.table is not None:
                    write_columns(run.path, dataset.table, dataset.facts["fingerprint"])
                arms = run_methods(
                    request,
                    partial(application.build, request, dataset),
                    folder=None if run is None else run.path,
                    observer=observe,
                    should_stop=interruption.should_stop,
                )
        if dataset is None or not arms:
            streams.error("interrupted before the training began; nothing is kept")
            return int(interruption.exit_code or 0)
        stopped = len(arms) < len(request.methods) or not arms[-1].finished
        environment = environment_facts(found, counted, request.seeds[0]) | {"seed": list(request.seeds)}
        payload = _payload(application, request, dataset, arms, environment, stopped)
        failure = _keep(application, run, payload, arms, dataset) if run is not None and not stopped else None
        _show(application, payload, showing, streams)
        if failure is not None:
            raise OutputError(f"{failure.problem}; the result is on standard output", hint=failure.hint)
        if stopped:
            again = f"; go on with: minecli {application.name} --resume {run.path}" if run else ""
            streams.error(f"interrupted at step {arms[-1].training.step} of {arms[-1].training.steps}{again}")
            return int(interruption.exit_code or 0)
        return 0


def _payload(
    application: Application,
    request: ComparisonRequest,
    dataset: Any,
    arms: list[Any],
    environment: dict[str, Any],
    stopped: bool,
) -> dict[str, Any]:
    from minecli.report.payload import method_payload, plain

    found = method_payload(
        tool_version=__version__,
        command=application.name,
        config=request.to_json(),
        data=dataset.facts,
        methods=[application.entry(arm, dataset) for arm in arms],
        interrupted=stopped,
        environment=environment,
        definitions=application.definitions(dataset),
    )
    return {**found, **plain(application.across(arms))}


def resumed_request(path: Path, ctx: typer.Context, kind: type[Asked]) -> Asked:
    """The request of the run in `path`; UsageError where options try to change it."""
    from minecli.runtime.run_directory import open_run

    typed = [n for n in ctx.params if "COMMANDLINE" in str(ctx.get_parameter_source(n))]
    changed = [n for n in typed if n not in _ALLOWED_WITH_RESUME]
    if changed:
        words = ["DATA" if n == "dataset" else flag(n.removesuffix("_name")) for n in changed]
        raise UsageError(
            f"--resume takes its settings from '{path}' and does not go with {', '.join(words)}",
            hint="leave them out, or start another run with --run-dir",
        )
    return open_run(path).read_request(kind.from_json)


def _keep(
    application: Application, run: RunDirectory, payload: dict[str, Any], arms: list[Any], dataset: Any
) -> MinecliError | None:
    """What goes wrong comes back instead of being raised: the result has yet to be shown."""
    from minecli.report.formats import to_json
    from minecli.runtime.state_files import SUMMARY, write_object

    try:
        application.keep(run.path, payload, arms, dataset)
        # Last, since it says that the run is finished.
        write_object(run.path / SUMMARY, to_json(payload))
    except OutputError as problem:
        return problem
    return None


def _show(application: Application, payload: dict[str, Any], showing: Showing, streams: Streams) -> None:
    from minecli.report import formats
    from minecli.report.payload import seed_records

    if showing.format == "table":
        color = streams.color(showing.output is None and streams.stdout_is_terminal)
        text = application.table(payload, width=streams.width, color=color)
    elif showing.format == "json":
        text = formats.to_json(payload)
    else:
        records = seed_records(payload)
        text = formats.to_csv(records) if showing.format == "csv" else formats.to_ndjson(records)
    deliver(text, streams, showing.output)


def chosen_model(folder: Path, kind: type[Asked], method: str | None, model: int | None) -> tuple[Asked, str, int]:
    """The request of the run in `folder`, and the method and seed that are meant: those named, or the last method in
    the order of `METHODS`, and the first seed. UsageError where the run has no such one."""
    from minecli.runtime.run_directory import open_run

    request = open_run(folder).read_request(kind.from_json)
    if method is None:
        method = max(request.methods, key=list(request.METHODS).index)
    elif method not in request.methods:
        raise UsageError(
            f"the run has no method '{method}'; it has {', '.join(request.methods)}",
            hint=f"try --method {request.methods[0]}",
        )
    seed = request.seeds[0] if model is None else model
    if seed not in request.seeds:
        raise UsageError(
            f"the run in '{folder}' has no model of seed {seed}; it has {', '.join(map(str, request.seeds))}",
            hint=f"try --model {request.seeds[0]}",
        )
    return request, method, seed


def read_with(request: Asked, data: str | None, missing: MissingPolicy | None) -> Asked:
    """A run's request as it reads other data: all rows of their own table, and with what is to become of missing values
    where that is said.

    Raises:
        UsageError: there are no other data, or no table of them.
    """
    if data is not None and request.is_table:
        # Which table of a file, and which rows, was said of the run's own data.
        request = replace(request, reading=replace(request.reading, where=None, sql=None, table=None))
    if missing is None:
        return request
    if data is None or not request.is_table:
        raise UsageError("--missing is for a table that is named", hint="leave it out")
    return replace(request, missing=missing)


def deliver_table(columns: Mapping[str, Any], output: Path, streams: Streams, what: str) -> None:
    """Write columns as a table, to `output` or as CSV to standard output, and say so."""
    import pyarrow as pa

    from minecli.runtime.writing import write_bytes
    from minecli.tasks.table_file import format_of, table_bytes

    content = table_bytes(pa.table(dict(columns)), format_of(str(output)))
    if str(output) == "-":
        streams.result_bytes(content)
    else:
        write_bytes(output, content)
    where = "" if str(output) == "-" else f" in {output}"
    streams.info(f"{what}{where}")


def check_table_destination(output: Path) -> None:
    """Refuse a place that cannot be written, or an ending that names no format, before the work."""
    from minecli.runtime.writing import check_writable
    from minecli.tasks.table_file import format_of

    format_of(str(output))
    if str(output) != "-":
        check_writable(output)
