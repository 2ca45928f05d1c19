"""A run of `minecli gan` from its request to its result on the stream, and samples of a run that is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli import __version__
from minecli.apps.gan.config import METHODS
from minecli.apps.gan.request import GanRequest
from minecli.cli.delivery import Resolved, deliver
from minecli.cli.environment import environment_facts
from minecli.cli.streams import Streams
from minecli.errors import MinecliError, OutputError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from minecli.apps.adversarial.running import Arm
    from minecli.apps.gan.datasets import Dataset
    from minecli.apps.gan.training import GanTraining
    from minecli.report.gan_figures import Cloud
    from minecli.runtime.run_directory import RunDirectory

SUMMARY = "summary.json"


@dataclass(frozen=True)
class Showing:
    """How and where to show the result."""

    format: Resolved
    output: Path | None


def run_gan(
    request: GanRequest,
    showing: Showing,
    streams: Streams,
    *,
    device: str,
    threads: int | None,
    run_dir: Path | None,
    resume: Path | None,
) -> int:
    """Train what is asked for, keep it in the run's folder and show it; the exit code."""
    from minecli.apps.adversarial.running import run_methods
    from minecli.apps.gan.datasets import load_dataset
    from minecli.apps.gan.layout import write_columns
    from minecli.apps.gan.running import untrained
    from minecli.runtime.device import apply_threads, resolve_device, resolve_threads
    from minecli.runtime.run_directory import create_run, open_run
    from minecli.runtime.signals import stop_on_signals

    counted = resolve_threads(threads)
    apply_threads(counted.count)
    found = resolve_device(device)
    run: RunDirectory | None = None
    arms: list[Arm[GanTraining]] = []
    with streams.progress("nats") as observe, stop_on_signals() as interruption:
        # Data that cannot be read must not leave a folder behind.
        dataset = load_dataset(request, found.name, streams.stdin, observe, interruption.should_stop)
        if resume is not None:
            run = open_run(resume)
        elif run_dir is not None:
            run = create_run(run_dir, request.to_json())
        if dataset is not None:
            folder = None if run is None else run.path
            if folder is not None and dataset.table is not None:
                write_columns(folder, dataset.table)
            arms = run_methods(
                request,
                partial(untrained, request, dataset),
                folder=folder,
                observer=observe,
                should_stop=interruption.should_stop,
            )
    if dataset is None or not arms:
        streams.error("interrupted before the training began; nothing is kept")
        return int(interruption.exit_code or 0)
    stopped = len(arms) < len(request.methods) or not arms[-1].finished
    environment = environment_facts(found, counted, request.seeds[0]) | {"seed": list(request.seeds)}
    payload = _payload(request, dataset, arms, environment, stopped)
    failure = _keep(run, payload, arms, dataset) if run is not None and not stopped else None
    _show(payload, showing, streams)
    if failure is not None:
        raise OutputError(f"{failure.problem}; the result is on standard output", hint=failure.hint)
    if stopped:
        again = f"; go on with: minecli gan --resume {run.path}" if run else ""
        streams.error(f"interrupted at step {arms[-1].training.step} of {request.config.steps}{again}")
        return int(interruption.exit_code or 0)
    return 0


def _payload(
    request: GanRequest, dataset: Dataset, arms: Sequence[Arm[GanTraining]], environment: dict[str, Any], stopped: bool
) -> dict[str, Any]:
    from minecli.apps.gan.running import arm_entry
    from minecli.report.gan_payload import gan_payload

    return gan_payload(
        tool_version=__version__,
        config=request.to_json(),
        data=dataset.facts,
        methods=[arm_entry(arm, dataset) for arm in arms],
        interrupted=stopped,
        environment=environment,
    )


def _keep(
    run: RunDirectory, payload: dict[str, Any], arms: Sequence[Arm[GanTraining]], dataset: Dataset
) -> MinecliError | None:
    """Write the result, the samples of all seeds and the pictures into the run's folder.

    What goes wrong comes back instead of being raised: the result has yet to be shown.
    """
    from minecli.apps.gan.running import picture_samples, sample_columns
    from minecli.report.formats import to_json
    from minecli.report.gan_figures import pictures
    from minecli.runtime.writing import write_bytes, write_text
    from minecli.tasks.table_file import table_bytes

    try:
        for arm in arms:
            table = _table(sample_columns(arm, dataset))
            write_bytes(run.path / f"samples-{arm.method}.parquet", table_bytes(table, "parquet"))
        clouds = [_cloud(f"{arm.method}, seed {arm.training.seeds[0]}", picture_samples(arm), dataset) for arm in arms]
        for name, content in pictures(_cloud("data", dataset.real_samples(), dataset), clouds, payload).items():
            write_bytes(run.path / name, content)
        # Last, since it says that the run is finished.
        write_text(run.path / SUMMARY, to_json(payload))
    except OutputError as problem:
        return problem
    return None


def _cloud(title: str, samples: npt.NDArray[np.float32], dataset: Dataset) -> Cloud:
    from minecli.report.gan_figures import Cloud

    return Cloud(title, samples, None if dataset.table is None else dataset.table.restore(samples))


def _table(columns: dict[str, Any]) -> Any:
    import pyarrow as pa

    return pa.table(columns)


def _show(payload: dict[str, Any], showing: Showing, streams: Streams) -> None:
    from minecli.report import formats
    from minecli.report.gan_payload import seed_records
    from minecli.report.gan_tables import gan_table

    if showing.format == "table":
        color = streams.color(showing.output is None and streams.stdout_is_terminal)
        text = gan_table(payload, width=streams.width, color=color)
    elif showing.format == "json":
        text = formats.to_json(payload)
    else:
        records = seed_records(payload)
        text = formats.to_csv(records) if showing.format == "csv" else formats.to_ndjson(records)
    deliver(text, streams, showing.output)


def sample_run(
    folder: Path, rows: int, output: Path, streams: Streams, *, method: str | None, model: int | None, seed: int
) -> None:
    """Write samples of one model of a run, as they would be from the very generator that was kept."""
    from minecli.apps.gan.sampling import samples_of
    from minecli.runtime.run_directory import open_run
    from minecli.runtime.writing import check_writable, write_bytes
    from minecli.tasks.table_file import format_of, table_bytes

    file_format = format_of(str(output))
    if str(output) != "-":
        check_writable(output)
    if rows < 1:
        raise UsageError(f"-n is {rows}; it must be at least 1", hint="try -n 10000")
    request = GanRequest.from_json(open_run(folder).read_config())
    method = _one_of(method, request)
    model = request.seeds[0] if model is None else model
    if model not in request.seeds:
        raise UsageError(
            f"the run in '{folder}' has no model of seed {model}; it has {', '.join(map(str, request.seeds))}",
            hint=f"try --model {request.seeds[0]}",
        )
    columns = samples_of(folder, request, method, model, rows, seed)
    content = table_bytes(_table(columns), file_format)
    if str(output) == "-":
        streams.result_bytes(content)
    else:
        write_bytes(output, content)
    where = "" if str(output) == "-" else f" in {output}"
    streams.info(f"{rows} samples of {method}, seed {model}{where}")


def _one_of(method: str | None, request: GanRequest) -> str:
    """The method named, or the run's most informed one: the last in the order of `METHODS`."""
    if method is None:
        return max(request.methods, key=list(METHODS).index)
    if method not in request.methods:
        raise UsageError(
            f"the run has no method '{method}'; it has {', '.join(request.methods)}",
            hint=f"try --method {request.methods[0]}",
        )
    return method
