"""What all benchmarks do once it is known what to do: run folder, records, signals, result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli import __version__
from minecli.bench.config import BenchRequest
from minecli.cli.delivery import Resolved, deliver
from minecli.cli.environment import environment_facts, version_of
from minecli.cli.exit_codes import ExitCode
from minecli.cli.streams import Streams
from minecli.errors import MinecliError, OutputError
from minecli.runtime.state_files import RECORDS

if TYPE_CHECKING:
    from minecli.bench.cells import Cell, Key
    from minecli.bench.records import Record, RecordFile
    from minecli.runtime.device import Device, Threads
    from minecli.runtime.run_directory import RunDirectory
    from minecli.runtime.signals import Interruption

_VERSIONS = ("torch", "numpy", "scipy")


@dataclass(frozen=True)
class Delivery:
    """How the result is shown and where it goes."""

    format: Resolved
    output: Path | None


@dataclass
class _Progress:
    """The records there are, and where new ones go."""

    cells: list[Cell]
    done: dict[Key, Record]
    file: RecordFile | None
    tell: Callable[[Record], None]

    def take(self, record: Record) -> None:
        if self.file is not None:
            self.file.append(record)
        self.done[record.key] = record
        self.tell(record)

    @property
    def left(self) -> list[Cell]:
        """Cells without a record; failed ones have another try, because their cause may have been removed."""
        return [c for c in self.cells if c.key not in self.done or self.done[c.key].failed]

    @property
    def records(self) -> list[Record]:
        """The records of the plan, in its order."""
        return [self.done[c.key] for c in self.cells if c.key in self.done]


def run_bench(
    request: BenchRequest,
    delivery: Delivery,
    streams: Streams,
    *,
    device: str,
    threads: int | None,
    together: int | None,
    run_dir: Path | None,
    resume: Path | None,
) -> int:
    """Work through the plan, show what came of it, and answer with the exit code."""
    from minecli.runtime.device import apply_threads, resolve_device, resolve_threads
    from minecli.runtime.run_directory import create_run, open_run

    used_threads = resolve_threads(threads)
    apply_threads(used_threads.count)
    used_device = resolve_device(device)
    cells = request.cells()  # before the folder: a mistyped task leaves none behind
    run: RunDirectory | None = None
    if resume is not None:
        run = open_run(resume)
    elif run_dir is not None:
        run = create_run(run_dir, request.to_json())
    with ExitStack() as stack:
        if run is not None:
            stack.enter_context(run.working())
        progress = _progress(cells, run, delivery, streams, stack)
        interruption = _work(request, progress, run, used_device, used_threads, together, streams)
        payload = _payload(request, progress, used_device, used_threads)
        stopped = interruption.exit_code
        unkept = _keep(run, payload) if run is not None and stopped is None else None
        _show(payload, delivery, streams)
        if unkept is not None:
            raise unkept
        if stopped is not None:
            again = f"; go on with: minecli {request.command} --resume {run.path}" if run else ""
            streams.error(f"interrupted: {payload['cells_done']} of {payload['cells']} cells are done{again}")
            return stopped
        if payload["cells_failed"]:
            streams.error(f"{payload['cells_failed']} of {payload['cells']} cells failed; the rest is done")
            return ExitCode.PARTIAL
        return ExitCode.DONE


def _progress(
    cells: list[Cell], run: RunDirectory | None, delivery: Delivery, streams: Streams, stack: ExitStack
) -> _Progress:
    """Read back what is done, and open the file that takes the rest."""
    from minecli.bench.records import RecordFile, latest, read_records

    def tell(record: Record) -> None:
        if delivery.format == "ndjson" and delivery.output is None:
            streams.result(_line(record))

    done = latest(read_records(run.path / RECORDS)) if run is not None else {}
    file = None
    if run is not None:
        file = RecordFile(run.path / RECORDS)
        stack.callback(file.close)
    progress = _Progress(cells, done, file, tell)
    for record in progress.records:
        if not record.failed:
            tell(record)
    if done:
        streams.info(f"{len(cells) - len(progress.left)} of {len(cells)} cells are done already in '{run.path}'")  # type: ignore[union-attr]
    return progress


def _line(record: Record) -> str:
    from minecli.report.formats import to_ndjson
    from minecli.report.payload import plain

    return to_ndjson([plain(record.to_json())])


def _work(
    request: BenchRequest,
    progress: _Progress,
    run: RunDirectory | None,
    device: Device,
    threads: Threads,
    together: int | None,
    streams: Streams,
) -> Interruption:
    from minecli.bench.running import run_cells
    from minecli.estimators.context import Context
    from minecli.runtime.signals import stop_on_signals

    versions = {"minecli": __version__} | {name: version_of(name) or "" for name in _VERSIONS}
    with streams.progress("nats") as observe, stop_on_signals() as interruption:
        context = Context(
            device=device.name,
            threads=threads.count,
            confidence=request.confidence,
            observer=observe,
            should_stop=interruption.should_stop,
        )
        left = progress.left
        run_cells(
            [c for c in left if not request.is_fresh(c.estimator)],
            request.estimators,
            context,
            progress.take,
            versions=versions,
            stage=request.command,
            before=len(progress.cells) - len(left),
            together=together,
        )
        if request.fresh is not None:
            from minecli.bench.fresh import run_fresh

            cells = [c for c in progress.cells if request.is_fresh(c.estimator)]
            folder = run.path if run is not None else None
            run_fresh(
                cells,
                request.estimators,
                request.fresh,
                context,
                progress.take,
                done=progress.done,
                versions=versions,
                folder=folder,
            )
    return interruption


def _payload(request: BenchRequest, progress: _Progress, device: Device, threads: Threads) -> dict[str, Any]:
    from minecli.bench.summary import by_estimator, by_task
    from minecli.report.payload import BenchReport, bench_payload

    records = progress.records
    environment = environment_facts(device, threads, request.seeds[0])
    environment["seed"] = list(request.seeds)
    return bench_payload(
        BenchReport(
            tool_version=__version__,
            command=request.command,
            config=request.to_json(),
            cells=len(progress.cells),
            tasks=[asdict(row) for row in by_task(records)],
            estimators=[asdict(row) for row in by_estimator(records)],
            records=[record.to_json() for record in records],
            environment=environment,
        )
    )


def _keep(run: RunDirectory, payload: dict[str, Any]) -> MinecliError | None:
    """Write summary, tables and pictures into the run's folder.

    What goes wrong comes back instead of being raised: the result has yet to be shown.
    """
    from minecli.report.bench_figures import pictures
    from minecli.report.bench_tables import bench_markdown
    from minecli.report.formats import to_csv, to_json
    from minecli.report.payload import answer_records
    from minecli.runtime.state_files import SUMMARY, write_object
    from minecli.runtime.writing import write_bytes, write_text

    try:
        write_object(run.path / SUMMARY, to_json(payload))
        write_text(run.path / "table.csv", to_csv(answer_records(payload)))
        write_text(run.path / "table.md", bench_markdown(payload))
        for name, content in pictures(payload).items():
            write_bytes(run.path / name, content)
    except OutputError as problem:
        return problem
    return None


def _show(payload: dict[str, Any], delivery: Delivery, streams: Streams) -> None:
    from minecli.report import formats
    from minecli.report.bench_tables import bench_table
    from minecli.report.payload import answer_records

    if delivery.format == "ndjson":
        if delivery.output is not None:
            deliver(formats.to_ndjson(payload["records"]), streams, delivery.output)
        return
    if delivery.format == "table":
        color = streams.color(delivery.output is None and streams.stdout_is_terminal)
        text = bench_table(payload, width=streams.width, color=color)
    elif delivery.format == "csv":
        text = formats.to_csv(answer_records(payload))
    else:
        text = formats.to_json(payload)
    deliver(text, streams, delivery.output)
