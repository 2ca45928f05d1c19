"""`minecli ib`: classifiers whose bottleneck forgets what does not predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from minecli.apps.ib.config import ENCODERS, METHODS, MNIST, IbRequest, default_seeds, preset
from minecli.cli import comparison_options as copt
from minecli.cli import options as opt
from minecli.cli.comparison_run import run_command
from minecli.cli.default_command import DEFAULT, DefaultCommand, GroupWithDefault
from minecli.cli.ib_run import IB, encode_data
from minecli.cli.reading_options import reads_a_table
from minecli.cli.words import names, numbers
from minecli.errors import UsageError

EXAMPLE = "minecli ib data.csv --x '*,!label' --target label --compare --epochs 2"
ENCODE_EXAMPLE = "minecli ib encode run data.csv -o z.parquet"
HELP = f"""Train a classifier whose bottleneck keeps what predicts the class and forgets the rest.

The encoder minimises beta times the information between rows and codes; beta 0 leaves it out. Of several
values of --beta, and of the epochs, those are chosen that answer held-back training rows best.
`minecli ib encode RUN DATA` writes the codes of a finished run.

Example: {EXAMPLE}
"""
ENCODE_HELP = f"""Encode data by an encoder that `minecli ib --run-dir RUN` trained.

Rows get the list column `latent` (several columns in a CSV), and `predicted` and `confidence`: the most
probable class and its probability. Without DATA: the test images of MNIST.

Example: {ENCODE_EXAMPLE}
"""
GROUP_HELP = "The information bottleneck: classifiers that forget what does not predict."
_SHORT = [*(m for m in METHODS if not m.startswith("mine-")), "mine"]

app = typer.Typer(
    cls=GroupWithDefault,
    help=GROUP_HELP,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Data = Annotated[str | None, copt.data_argument("mnist, or a table (file, URL, -) with --x and --target.", [MNIST])]
Target = Annotated[
    str | None,
    typer.Option(
        "--target", metavar="COL", help="Column of a table that holds the classes.", rich_help_panel=copt.DATA_PANEL
    ),
]
Methods = Annotated[list[str] | None, copt.methods_option(_SHORT)]
Encoder = Annotated[
    list[str] | None,
    typer.Option(
        "--encoder",
        metavar="NAMES",
        help=f"Of the method mine: {', '.join(ENCODERS)}; default additive.",
        rich_help_panel=copt.METHOD_PANEL,
        show_default=False,
    ),
]
Compare = Annotated[
    bool, typer.Option("--compare", help="Train every method, on the same seeds.", rich_help_panel=copt.METHOD_PANEL)
]
PresetName = Annotated[
    Literal["quick", "good", "paper"],
    typer.Option("--preset", help="What all the settings start from.", rich_help_panel=copt.METHOD_PANEL),
]
Betas = Annotated[
    str | None,
    typer.Option(
        "--beta",
        metavar="B[,B...]",
        help="Weight of the information, or several to choose from: 1e-3,1e-2.",
        rich_help_panel=copt.METHOD_PANEL,
        show_default=False,
    ),
]
Choose = Annotated[
    bool | None,
    typer.Option(
        "--choose/--no-choose",
        help="Choose epoch and beta on held-back training rows, then train on all.",
        rich_help_panel=copt.METHOD_PANEL,
        show_default=False,
    ),
]


def _method(text: str, name: str, metavar: str = "W") -> Any:
    return copt.number(text, name, panel=copt.METHOD_PANEL, metavar=metavar)


def _training(text: str, name: str, metavar: str = "N") -> Any:
    return copt.number(text, name, panel=copt.TRAINING_PANEL, metavar=metavar)


@app.command(DEFAULT, cls=DefaultCommand, hidden=True, help=HELP)
@reads_a_table
def ib(
    ctx: typer.Context,
    dataset: Data = None,
    x: copt.Columns = None,
    target: Target = None,
    data_root: copt.DataRoot = None,
    rows: Annotated[int | None, copt.number("Training rows at most.", "--rows", panel=copt.DATA_PANEL)] = None,
    categorical: opt.Categorical = None,
    numeric: opt.Numeric = None,
    missing: opt.Missing = "error",
    sample: opt.Sample = None,
    method: Methods = None,
    encoder: Encoder = None,
    compare: Compare = False,
    preset_name: PresetName = "quick",
    seeds: copt.Seeds = None,
    beta: Betas = None,
    choose: Choose = None,
    noise: Annotated[float | None, _method("Deviation of additive noise.", "--noise", "S")] = None,
    noise_dim: Annotated[int | None, _method("Columns of propagated noise.", "--noise-dim", "N")] = None,
    dropout: Annotated[float | None, _method("Share of units left out by dropout.", "--dropout", "P")] = None,
    smoothing: Annotated[float | None, _method("Share of a label that is spread.", "--smoothing", "P")] = None,
    confidence_weight: Annotated[float | None, _method("Of the confidence penalty.", "--confidence-weight")] = None,
    bound: copt.Bound = None,
    statistics_noise: Annotated[
        float | None, _method("Deviation of noise on T's input.", "--statistics-noise", "S")
    ] = None,
    hidden_noise: Annotated[
        float | None, _method("Deviation of noise on T's hidden layers.", "--hidden-noise", "S")
    ] = None,
    statistics_steps: Annotated[int | None, _method("Steps of T per step.", "--statistics-steps", "N")] = None,
    marginal_shifts: Annotated[int | None, _method("Re-pairings per row.", "--marginal-shifts", "N")] = None,
    epochs: Annotated[int | None, _training("Passes over the training rows.", "--epochs")] = None,
    code_dim: Annotated[int | None, _training("Columns of the bottleneck.", "--code-dim", "D")] = None,
    hidden: Annotated[int | None, _training("Units per hidden layer.", "--hidden")] = None,
    batch_size: Annotated[int | None, _training("Rows of a step.", "--batch-size")] = None,
    learning_rate: Annotated[float | None, _training("Step size of Adam.", "--learning-rate", "RATE")] = None,
    decay: Annotated[
        float | None, _training("What it is multiplied by every second epoch.", "--decay", "FACTOR")
    ] = None,
    averaging: Annotated[
        float | None, _training("Weight of the old average of the weights; 0: none.", "--averaging", "W")
    ] = None,
    train_draws: Annotated[int | None, _training("Codes per row in training.", "--train-draws")] = None,
    test_draws: Annotated[int | None, _training("Codes per row in tests.", "--test-draws")] = None,
    evaluate_every: Annotated[int | None, _training("Epochs between looks.", "--evaluate-every")] = None,
    format: opt.TableFormat = "auto",
    output: opt.Output = None,
    quiet: opt.Quiet = 0,
    device: opt.DeviceName = "auto",
    threads: opt.Threads = None,
    run_dir: opt.RunDir = None,
    resume: opt.Resume = None,
) -> None:
    raise typer.Exit(run_command(IB, IbRequest, _request, ctx))


@app.command("encode", help=ENCODE_HELP)
def encode(
    ctx: typer.Context,
    run: copt.Run,
    data: Annotated[str | None, typer.Argument(metavar="DATA", help="Table, or mnist.", show_default=False)] = None,
    output: copt.TableOutput = Path("-"),
    data_root: copt.DataRoot = None,
    missing: copt.OtherMissing = None,
    drawn: Annotated[bool, typer.Option("--drawn", help="One draw of each code instead of its mean.")] = False,
    method: copt.Method = None,
    model: copt.Model = None,
    quiet: opt.Quiet = 0,
) -> None:
    ctx.obj.quiet = quiet
    how: dict[str, Any] = {"data_root": data_root, "missing": missing, "drawn": drawn, "method": method, "model": model}
    encode_data(run, data, output, ctx.obj, **how)


def _request(given: dict[str, Any]) -> IbRequest:
    named = given["preset_name"]
    shared = copt.asked_fields(given, IbRequest, lambda dataset: default_seeds(named))
    changes = copt.asked_settings(given, IbRequest)
    changes["betas"] = None if given["beta"] is None else numbers("beta", given["beta"], float)
    if given["epochs"] is not None:
        # So many passes and no more, however few the rows.
        changes["least_steps"] = 1
    config = preset(named, given["dataset"], **changes)
    return IbRequest(methods=_methods(given), config=config, target=given["target"], **shared)


def _methods(given: dict[str, Any]) -> tuple[str, ...]:
    """The methods by their full names: `mine` stands for one per encoder."""
    if given["compare"]:
        if given["method"] or given["encoder"]:
            raise UsageError("--compare trains every method and encoder", hint="leave out --method and --encoder")
        return tuple(METHODS)
    asked, encoders = names(given["method"] or []) or ["mine"], names(given["encoder"] or [])
    for encoder in encoders:
        if encoder not in ENCODERS:
            raise UsageError(
                f"there is no encoder '{encoder}'; there are {', '.join(ENCODERS)}", hint="try --encoder additive"
            )
    if encoders and "mine" not in asked:
        raise UsageError("--encoder is for the method mine alone", hint="add it: --method mine")
    each = ([f"mine-{e}" for e in encoders or ["additive"]] if name == "mine" else [name] for name in asked)
    return tuple(name for group in each for name in group)
