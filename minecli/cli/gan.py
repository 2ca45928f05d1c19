"""`minecli gan`: generative adversarial networks with a mutual-information term."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from minecli import __version__
from minecli.apps.gan.config import METHODS, PRESETS, preset
from minecli.apps.gan.request import DATASETS, GanRequest
from minecli.cli import options as opt
from minecli.cli.bench_options import seeds as seed_list
from minecli.cli.delivery import deliver, resolve_format
from minecli.cli.environment import environment_facts
from minecli.cli.streams import Streams
from minecli.cli.words import flag, names
from minecli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minecli.apps.gan.running import Arm
    from minecli.runtime.run_directory import RunDirectory

EXAMPLE = "minecli gan spiral --compare --steps 100 --seeds 2"
HELP = f"""Train a GAN that keeps its modes by mutual information, and say whether modes were lost.

DATA is {" or ".join(DATASETS)}. The generator maximises beta times the information between its samples and their code;
beta 0 is the plain GAN.

Example: {EXAMPLE}
"""
NETWORK_PANEL = "Training"
PICTURE_ROWS = 20_000

_ALLOWED_WITH_RESUME = {"format", "output", "quiet", "device", "threads", "resume"}


def gan(
    ctx: typer.Context,
    dataset: Annotated[
        str | None, typer.Argument(metavar="DATA", help=f"{', '.join(DATASETS)}.", show_default=False)
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            metavar="NAMES",
            help=f"Separated by commas: {', '.join(METHODS)} (default mine).",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Train the plain GAN beside it, on the same seeds.")
    ] = False,
    preset_name: Annotated[
        Literal["quick", "paper"], typer.Option("--preset", help="What the options below start from.")
    ] = "quick",
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="SEEDS", help="How many (N: 0 to N-1), or which: 0,5,7. One: 5,")
    ] = "3",
    beta: Annotated[
        float | None,
        typer.Option("--beta", help="Weight of the information; 0: none.", rich_help_panel=NETWORK_PANEL),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="N", help="Training steps.", rich_help_panel=NETWORK_PANEL)
    ] = None,
    noise_dim: Annotated[
        int | None,
        typer.Option(
            "--noise-dim", metavar="D", help="Latent columns besides the code.", rich_help_panel=NETWORK_PANEL
        ),
    ] = None,
    code_dim: Annotated[
        int | None,
        typer.Option("--code-dim", metavar="D", help="Columns of the code c.", rich_help_panel=NETWORK_PANEL),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", metavar="N", help="Rows of a step.", rich_help_panel=NETWORK_PANEL)
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Adam's.", rich_help_panel=NETWORK_PANEL)
    ] = None,
    pack: Annotated[
        int | None,
        typer.Option("--pack", metavar="M", help="Rows PacGAN judges together.", rich_help_panel=NETWORK_PANEL),
    ] = None,
    bound: Annotated[
        str | None,
        typer.Option("--bound", help="donsker-varadhan (MINE) or nwj (MINE-f).", rich_help_panel=NETWORK_PANEL),
    ] = None,
    format: opt.TableFormat = "auto",
    output: opt.Output = None,
    quiet: opt.Quiet = 0,
    device: opt.DeviceName = "auto",
    threads: opt.Threads = None,
    run_dir: opt.RunDir = None,
    resume: opt.Resume = None,
) -> None:
    from minecli.runtime.writing import check_writable

    streams: Streams = ctx.obj
    streams.quiet = quiet
    if output is not None:
        check_writable(output)
    request = _resumed(resume, ctx) if resume is not None else _request(ctx.params)
    raise typer.Exit(_run(request, ctx.params, streams))


def _request(given: dict[str, Any]) -> GanRequest:
    if given["dataset"] is None:
        raise UsageError("no data set is named", hint=f"try minecli gan {DATASETS[0]}")
    methods = names(given["method"] or []) or ["mine"]
    if given["compare"] and "gan" not in methods:
        methods = ["gan", *methods]
    return GanRequest(
        dataset=given["dataset"],
        methods=tuple(methods),
        seeds=seed_list(given["seeds"]),
        preset=given["preset_name"],
        config=preset(given["preset_name"], **{f.name: given.get(f.name) for f in fields(PRESETS["quick"])}),
    )


def _resumed(path: Path, ctx: typer.Context) -> GanRequest:
    from minecli.runtime.run_directory import open_run

    typed = [n for n in ctx.params if "COMMANDLINE" in str(ctx.get_parameter_source(n))]
    changed = [n for n in typed if n not in _ALLOWED_WITH_RESUME]
    if changed:
        words = ["DATA" if n == "dataset" else flag(n.removesuffix("_name")) for n in changed]
        raise UsageError(
            f"--resume takes its settings from '{path}' and does not go with {', '.join(words)}",
            hint="leave them out, or start another run with --run-dir",
        )
    return GanRequest.from_json(open_run(path).read_config())


def _run(request: GanRequest, given: dict[str, Any], streams: Streams) -> int:
    from minecli.apps.gan.running import arm_entry, run_methods
    from minecli.report.gan_payload import gan_payload
    from minecli.runtime.device import apply_threads, resolve_device, resolve_threads
    from minecli.runtime.run_directory import create_run, open_run
    from minecli.runtime.signals import stop_on_signals

    threads = resolve_threads(given["threads"])
    apply_threads(threads.count)
    device = resolve_device(given["device"])
    run: RunDirectory | None = None
    if given["resume"] is not None:
        run = open_run(given["resume"])
    elif given["run_dir"] is not None:
        run = create_run(given["run_dir"], request.to_json())
    with streams.progress("nats") as observe, stop_on_signals() as interruption:
        folder = run.path if run is not None else None
        arms = run_methods(
            request, device=device.name, folder=folder, observer=observe, should_stop=interruption.should_stop
        )
    environment = environment_facts(device, threads, request.seeds[0])
    environment["seed"] = list(request.seeds)
    stopped = interruption.exit_code if len(arms) < len(request.methods) or not arms[-1].finished else None
    payload = gan_payload(
        tool_version=__version__,
        config=request.to_json(),
        methods=[arm_entry(arm) for arm in arms],
        interrupted=stopped is not None,
        environment=environment,
    )
    if run is not None and stopped is None:
        _keep(run, payload, arms)
    _show(payload, given, streams)
    if stopped is not None:
        again = f"; go on with: minecli gan --resume {run.path}" if run else ""
        streams.error(f"interrupted at step {arms[-1].training.step} of {request.config.steps}{again}")
        return stopped
    return 0


def _keep(run: RunDirectory, payload: dict[str, Any], arms: Sequence[Arm]) -> None:
    """Write the result, the samples of all seeds and the pictures into the run's folder."""
    from minecli.apps.gan.running import picture_rows, write_samples
    from minecli.report.formats import to_json
    from minecli.report.gan_figures import Cloud, pictures
    from minecli.runtime.writing import write_bytes, write_text

    write_text(run.path / "summary.json", to_json(payload))
    for arm in arms:
        write_samples(arm, run.path / f"samples-{arm.method}.parquet")
    clouds = [Cloud(f"{arm.method}, seed {arm.training.seeds[0]}", picture_rows(arm)) for arm in arms]
    for name, content in pictures(arms[0].training.data.cpu().numpy()[:PICTURE_ROWS], clouds, payload).items():
        write_bytes(run.path / name, content)


def _show(payload: dict[str, Any], given: dict[str, Any], streams: Streams) -> None:
    from minecli.report import formats
    from minecli.report.gan_payload import seed_records
    from minecli.report.gan_tables import gan_table

    output = given["output"]
    chosen = resolve_format(given["format"], streams, output)
    if chosen == "table":
        color = streams.color(output is None and streams.stdout_is_terminal)
        text = gan_table(payload, width=streams.width, color=color)
    elif chosen == "json":
        text = formats.to_json(payload)
    else:
        records = seed_records(payload)
        text = formats.to_csv(records) if chosen == "csv" else formats.to_ndjson(records)
    deliver(text, streams, output)
