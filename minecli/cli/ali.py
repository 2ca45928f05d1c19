"""`minecli ali`: adversarially learned inference with a mutual-information term."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from minecli.apps.ali.config import DATASETS, METHODS, AliRequest, default_seeds, preset
from minecli.cli import comparison_options as copt
from minecli.cli import options as opt
from minecli.cli.ali_run import ALI, encode_data, reconstruct_data, sample_run
from minecli.cli.comparison_run import run_command
from minecli.cli.default_command import DEFAULT, DefaultCommand, GroupWithDefault
from minecli.cli.reading_options import reads_a_table
from minecli.cli.words import names
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

Data = Annotated[
    str | None,
    copt.data_argument(f"{', '.join(DATASETS)}, a folder of images, or a table (file, URL, -) with --x.", DATASETS),
]
Methods = Annotated[list[str] | None, copt.methods_option(METHODS)]
Compare = Annotated[
    bool, typer.Option("--compare", help="Train every method, on the same seeds.", rich_help_panel=copt.METHOD_PANEL)
]
Architecture = Annotated[
    Literal["mlp", "conv"] | None,
    typer.Option("--arch", help="What meets images: perceptrons or convolutions.", rich_help_panel=copt.METHOD_PANEL),
]
Side = Annotated[int | None, copt.number("Pixels that images are scaled to.", "--side", panel=copt.DATA_PANEL)]
SkipBroken = Annotated[
    bool,
    typer.Option("--skip-broken", help="Leave out files that are no images.", rich_help_panel=copt.DATA_PANEL),
]
Other = Annotated[
    str | None,
    typer.Argument(metavar="DATA", help="Table, folder of images, or mnist.", show_default=False),
]


@app.command(DEFAULT, cls=DefaultCommand, hidden=True, help=HELP)
@reads_a_table
def ali(
    ctx: typer.Context,
    dataset: Data = None,
    x: copt.Columns = None,
    data_root: copt.DataRoot = None,
    side: Side = None,
    skip_broken: SkipBroken = False,
    categorical: opt.Categorical = None,
    numeric: opt.Numeric = None,
    missing: opt.Missing = "error",
    sample: opt.Sample = None,
    method: Methods = None,
    compare: Compare = False,
    preset_name: copt.PresetName = "quick",
    seeds: copt.Seeds = None,
    arch: Architecture = None,
    beta: copt.Beta = None,
    bound: copt.Bound = None,
    gradient_penalty: copt.GradientPenalty = None,
    steps: copt.Steps = None,
    code_dim: copt.CodeDim = None,
    batch_size: copt.BatchSize = None,
    learning_rate: copt.LearningRate = None,
    decay_from: copt.DecayFrom = None,
    samples: copt.Samples = None,
    format: opt.TableFormat = "auto",
    output: opt.Output = None,
    quiet: opt.Quiet = 0,
    device: opt.DeviceName = "auto",
    threads: opt.Threads = None,
    run_dir: opt.RunDir = None,
    resume: opt.Resume = None,
) -> None:
    raise typer.Exit(run_command(ALI, AliRequest, _request, ctx))


@app.command("encode", help=ENCODE_HELP)
def encode(
    ctx: typer.Context,
    run: copt.Run,
    data: Other = None,
    output: copt.TableOutput = Path("-"),
    data_root: copt.DataRoot = None,
    skip_broken: SkipBroken = False,
    missing: copt.OtherMissing = None,
    method: copt.Method = None,
    model: copt.Model = None,
    quiet: opt.Quiet = 0,
) -> None:
    ctx.obj.quiet = quiet
    how: dict[str, Any] = {"data_root": data_root, "skip_broken": skip_broken, "missing": missing}
    how |= {"method": method, "model": model}
    encode_data(run, data, output, ctx.obj, **how)


@app.command("reconstruct", help=RECONSTRUCT_HELP)
def reconstruct(
    ctx: typer.Context,
    run: copt.Run,
    data: Other = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PLACE", help=".parquet, .csv, .csv.gz, -, or a folder for PNGs.")
    ] = Path("-"),
    data_root: copt.DataRoot = None,
    skip_broken: SkipBroken = False,
    missing: copt.OtherMissing = None,
    method: copt.Method = None,
    model: copt.Model = None,
    quiet: opt.Quiet = 0,
) -> None:
    ctx.obj.quiet = quiet
    how: dict[str, Any] = {"data_root": data_root, "skip_broken": skip_broken, "missing": missing}
    how |= {"method": method, "model": model}
    reconstruct_data(run, data, output, ctx.obj, **how)


@app.command("sample", help=SAMPLE_HELP)
def sample(
    ctx: typer.Context,
    run: copt.Run,
    rows: copt.Rows = 10_000,
    output: copt.TableOutput = Path("-"),
    method: copt.Method = None,
    model: copt.Model = None,
    seed: opt.Seed = 0,
    quiet: opt.Quiet = 0,
) -> None:
    ctx.obj.quiet = quiet
    sample_run(run, rows, output, ctx.obj, method=method, model=model, seed=seed)


def _request(given: dict[str, Any]) -> AliRequest:
    shared, dataset = copt.asked_fields(given, AliRequest, default_seeds), given["dataset"]
    if given["compare"] and given["method"]:
        raise UsageError("--compare trains every method", hint="leave out --method")
    methods = list(METHODS) if given["compare"] else names(given["method"] or []) or ["mine"]
    is_folder = not given["x"] and dataset not in DATASETS
    changes = copt.asked_settings(given, AliRequest)
    config = preset(given["preset_name"], dataset, folder=is_folder, **changes)
    return AliRequest(methods=tuple(methods), config=config, skip_broken=given["skip_broken"], **shared)
