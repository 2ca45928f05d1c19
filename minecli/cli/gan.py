"""`minecli gan`: generative adversarial networks with a mutual-information term."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from minecli.apps.gan.config import DATASETS, METHODS, GanRequest, default_seeds, preset
from minecli.cli import comparison_options as copt
from minecli.cli import options as opt
from minecli.cli.default_command import DEFAULT, DefaultCommand, GroupWithDefault
from minecli.cli.reading_options import reads_a_table
from minecli.cli.streams import Streams
from minecli.cli.words import names

EXAMPLE = "minecli gan spiral --compare --steps 100 --seeds 2"
SAMPLE_EXAMPLE = "minecli gan sample run -n 1000 -o samples.parquet"
HELP = f"""Train a GAN that keeps its modes by mutual information, and say whether modes were lost.

The generator maximises beta times the information between its samples and their code; beta 0 is the plain GAN.
`minecli gan sample RUN` draws from the generator of a finished run.

Example: {EXAMPLE}
"""
SAMPLE_HELP = f"""Draw samples from a generator that `minecli gan --run-dir RUN` trained, as a table.

Columns of a user's table come back in their own units; images as lists of bytes, one column per channel.

Example: {SAMPLE_EXAMPLE}
"""
GROUP_HELP = "GANs that keep their modes by mutual information."

app = typer.Typer(
    cls=GroupWithDefault,
    help=GROUP_HELP,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Data = Annotated[
    str | None, copt.data_argument(f"{', '.join(DATASETS)}, or a table (file, URL, - for stdin) with --x.", DATASETS)
]
Methods = Annotated[list[str] | None, copt.methods_option(METHODS)]
Compare = Annotated[
    bool,
    typer.Option(
        "--compare", help="Train the plain GAN beside it, on the same seeds.", rich_help_panel=copt.METHOD_PANEL
    ),
]
Stack = Annotated[
    int | None,
    copt.number("Digits per image: 3 make 1000 modes, 2 make 100.", "--stack", panel=copt.DATA_PANEL),
]
Pack = Annotated[int | None, copt.number("Samples that PacGAN judges together.", "--pack", panel=copt.METHOD_PANEL)]
Unroll = Annotated[
    int | None, copt.number("Steps that the unrolled GAN foresees.", "--unroll", panel=copt.METHOD_PANEL)
]


@app.command(DEFAULT, cls=DefaultCommand, hidden=True, help=HELP)
@reads_a_table
def gan(
    ctx: typer.Context,
    dataset: Data = None,
    x: copt.Columns = None,
    data_root: copt.DataRoot = None,
    stack: Stack = None,
    categorical: opt.Categorical = None,
    numeric: opt.Numeric = None,
    missing: opt.Missing = "error",
    sample: opt.Sample = None,
    method: Methods = None,
    compare: Compare = False,
    preset_name: copt.PresetName = "quick",
    seeds: copt.Seeds = None,
    beta: copt.Beta = None,
    pack: Pack = None,
    unroll: Unroll = None,
    bound: copt.Bound = None,
    gradient_penalty: copt.GradientPenalty = None,
    steps: copt.Steps = None,
    noise_dim: copt.NoiseDim = None,
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
    from minecli.cli.comparison_run import run_command
    from minecli.cli.gan_run import GAN

    raise typer.Exit(run_command(GAN, GanRequest, _request, ctx))


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
    from minecli.cli.gan_run import sample_run

    streams: Streams = ctx.obj
    streams.quiet = quiet
    sample_run(run, rows, output, streams, method=method, model=model, seed=seed)


def _request(given: dict[str, Any]) -> GanRequest:
    shared = copt.asked_fields(given, GanRequest, default_seeds)
    methods = names(given["method"] or []) or ["mine"]
    if given["compare"] and "gan" not in methods:
        methods = ["gan", *methods]
    config = preset(given["preset_name"], given["dataset"], **copt.asked_settings(given, GanRequest))
    return GanRequest(methods=tuple(methods), config=config, **shared)
