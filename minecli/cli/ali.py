"""`minecli ali`: adversarially learned inference with a mutual-information term."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from minecli.apps.ali.config import METHODS, AliConfig, default_seeds, preset
from minecli.apps.ali.request import DATASETS, AliRequest
from minecli.cli import adversarial_options as aopt
from minecli.cli import options as opt
from minecli.cli.adversarial_run import Showing, resumed_request, run_application
from minecli.cli.ali_run import ALI, encode_data, reconstruct_data, sample_run
from minecli.cli.default_command import DEFAULT, DefaultCommand, GroupWithDefault
from minecli.cli.delivery import resolve_format
from minecli.cli.destinations import check_destinations
from minecli.cli.request import lasting_source
from minecli.cli.streams import Streams
from minecli.cli.words import names, seed_list
from minecli.errors import UsageError

EXAMPLE = "minecli ali gaussians25 --compare --steps 100 --seeds 2"
ENCODE_EXAMPLE = "minecli ali encode run data.csv -o latent.parquet"
RECONSTRUCT_EXAMPLE = "minecli ali reconstruct run data.csv -o again.parquet"
HELP = f"""Train an encoder and a generator against each other, and measure what reconstructions keep.

The encoder maximises beta times the information between samples and their codes; beta 0 is plain ALI.
Once a run is done, `minecli ali encode RUN DATA`, `reconstruct RUN DATA` and `sample RUN` use its models.

Example: {EXAMPLE}
"""
ENCODE_HELP = f"""Encode data by an encoder that `minecli ali --run-dir RUN` trained.

A table gets its columns and a list column `latent`; images give `image` and `latent`, lists both, so that
`minecli estimate z.parquet --x image --z latent` can follow. Without DATA: what the run held out.

Example: {ENCODE_EXAMPLE}
"""
RECONSTRUCT_HELP = f"""Encode data and decode them again, by the models that `minecli ali --run-dir RUN` trained.

A table comes back as a table in its own units; images as a Parquet file of lists, or, where -o names a folder, as
PNG files. Without DATA: what the run held out.

Example: {RECONSTRUCT_EXAMPLE}
"""
SAMPLE_HELP = """Draw samples from a generator that `minecli ali --run-dir RUN` trained, as a table.

Example: minecli ali sample run -n 1000 -o samples.parquet
"""
GROUP_HELP = "Inference that reconstructs: ALI with mutual information."

app = typer.Typer(
    cls=GroupWithDefault,
    help=GROUP_HELP,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_TABLE_OPTIONS = ("input_format", "delimiter", "missing", "sample")

Data = Annotated[
    str | None,
    aopt.data_argument(f"{', '.join(DATASETS)}, a folder of images, or a table (file, URL, -) with --x.", DATASETS),
]
Methods = Annotated[list[str] | None, aopt.methods_option(METHODS)]
Compare = Annotated[
    bool, typer.Option("--compare", help="Train every method, on the same seeds.", rich_help_panel=aopt.METHOD_PANEL)
]
Architecture = Annotated[
    Literal["mlp", "conv"] | None,
    typer.Option("--arch", help="What meets images: perceptrons or convolutions.", rich_help_panel=aopt.METHOD_PANEL),
]
Side = Annotated[int | None, aopt.number("Pixels that images are scaled to.", "--side", panel=aopt.DATA_PANEL)]
SkipBroken = Annotated[
    bool,
    typer.Option("--skip-broken", help="Leave out files that are no images.", rich_help_panel=aopt.DATA_PANEL),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder made by --run-dir.", show_default=False)]
Other = Annotated[
    str | None,
    typer.Argument(metavar="DATA", help="Table, folder of images, or mnist.", show_default=False),
]
Method = Annotated[
    str | None, typer.Option("--method", metavar="NAME", help="Which of the run's methods.", show_default=False)
]
Model = Annotated[
    int | None,
    typer.Option("--model", metavar="SEED", help="Which of the run's seeds; default the first.", show_default=False),
]
TableOutput = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help=".parquet, .csv, .csv.gz, or - for CSV on stdout.")
]


@app.command(DEFAULT, cls=DefaultCommand, hidden=True, help=HELP)
def ali(
    ctx: typer.Context,
    dataset: Data = None,
    x: aopt.Columns = None,
    data_root: aopt.DataRoot = None,
    side: Side = None,
    skip_broken: SkipBroken = False,
    input_format: opt.InputFormat = None,
    delimiter: opt.Delimiter = None,
    na_values: opt.NaValues = None,
    missing: opt.Missing = "error",
    sample: opt.Sample = None,
    method: Methods = None,
    compare: Compare = False,
    preset_name: aopt.PresetName = "quick",
    seeds: aopt.Seeds = None,
    arch: Architecture = None,
    beta: aopt.Beta = None,
    bound: aopt.Bound = None,
    gradient_penalty: aopt.GradientPenalty = None,
    steps: aopt.Steps = None,
    code_dim: aopt.CodeDim = None,
    batch_size: aopt.BatchSize = None,
    learning_rate: aopt.LearningRate = None,
    decay_from: aopt.DecayFrom = None,
    samples: aopt.Samples = None,
    format: opt.TableFormat = "auto",
    output: opt.Output = None,
    quiet: opt.Quiet = 0,
    device: opt.DeviceName = "auto",
    threads: opt.Threads = None,
    run_dir: opt.RunDir = None,
    resume: opt.Resume = None,
) -> None:
    streams: Streams = ctx.obj
    streams.quiet = quiet
    request = _request(ctx.params) if resume is None else resumed_request(resume, ctx, AliRequest)
    check_destinations({"--output": output}, request.dataset if request.is_table else "", request.x)
    showing = Showing(resolve_format(format, streams, output), output)
    how: dict[str, Any] = {"device": device, "threads": threads, "run_dir": run_dir, "resume": resume}
    raise typer.Exit(run_application(ALI, request, showing, streams, **how))


@app.command("encode", help=ENCODE_HELP)
def encode(
    ctx: typer.Context,
    run: Run,
    data: Other = None,
    output: TableOutput = Path("-"),
    data_root: aopt.DataRoot = None,
    method: Method = None,
    model: Model = None,
    quiet: opt.Quiet = 0,
) -> None:
    ctx.obj.quiet = quiet
    encode_data(run, data, output, ctx.obj, data_root=data_root, method=method, model=model)


@app.command("reconstruct", help=RECONSTRUCT_HELP)
def reconstruct(
    ctx: typer.Context,
    run: Run,
    data: Other = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PLACE", help=".parquet, .csv, .csv.gz, -, or a folder for PNGs.")
    ] = Path("-"),
    data_root: aopt.DataRoot = None,
    method: Method = None,
    model: Model = None,
    quiet: opt.Quiet = 0,
) -> None:
    ctx.obj.quiet = quiet
    reconstruct_data(run, data, output, ctx.obj, data_root=data_root, method=method, model=model)


@app.command("sample", help=SAMPLE_HELP)
def sample(
    ctx: typer.Context,
    run: Run,
    rows: Annotated[int, typer.Option("--rows", "-n", metavar="N", help="Number of samples.")] = 10_000,
    output: TableOutput = Path("-"),
    method: Method = None,
    model: Model = None,
    seed: opt.Seed = 0,
    quiet: opt.Quiet = 0,
) -> None:
    ctx.obj.quiet = quiet
    sample_run(run, rows, output, ctx.obj, method=method, model=model, seed=seed)


def _request(given: dict[str, Any]) -> AliRequest:
    if given["dataset"] is None:
        raise UsageError("no data set is named", hint=f"try minecli ali {DATASETS[0]}")
    methods = list(METHODS) if given["compare"] else names(given["method"] or []) or ["mine"]
    is_table, lasting = bool(given["x"]), given["run_dir"] is not None
    dataset, root = given["dataset"], given["data_root"]
    is_folder = not is_table and dataset not in DATASETS
    has_place = is_table or (is_folder and Path(dataset).is_dir())
    changes = {f.name: given.get(f.name) for f in fields(AliConfig)}
    return AliRequest(
        dataset=lasting_source(dataset) if lasting and has_place else dataset,
        methods=tuple(methods),
        seeds=seed_list(given["seeds"] or str(default_seeds(dataset))),
        preset=given["preset_name"],
        config=preset(given["preset_name"], dataset, folder=is_folder, **changes),
        data_root=None if root is None else str(root.resolve() if lasting else root),
        x=tuple(given["x"] or ()),
        na_values=tuple(given["na_values"] or ()),
        skip_broken=given["skip_broken"],
        **{name: given[name] for name in _TABLE_OPTIONS},
    )
