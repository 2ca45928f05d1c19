"""`minecli ib`: classifiers whose bottleneck forgets what does not predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from minecli.apps.ib.config import (
    BOUNDED,
    ENCODERS,
    METHODS,
    MNIST,
    OF_CLASSES,
    OF_THE_PAPER,
    IbConfig,
    IbRequest,
    default_method,
    default_seeds,
    is_bounded,
    preset,
)
from minecli.cli.comparison_job import (
    ENDING,
    METHOD_PANEL,
    MODEL,
    ONLY_X,
    OTHER_DATA,
    ComparisonJob,
    Trained,
    asked_fields,
    asked_settings,
    compare_option,
    data_options,
    export_model,
    method_names,
    method_options,
    opened_model,
    read_with,
    setting_options,
)  # fmt: skip
from minecli.cli.default_command import DEFAULT, DefaultCommand, group
from minecli.cli.exporting import EXPORT, EXPORT_HELP, EXPORT_OUTPUT
from minecli.cli.options import Parameters, of_fields, option, takes
from minecli.cli.presentation import deliver_table
from minecli.cli.runs import Work, run_command
from minecli.cli.shared_options import DATA_PANEL, RUN, TABLE_OUTPUT
from minecli.cli.words import flag, names
from minecli.errors import UsageError

if TYPE_CHECKING:
    from minecli.apps.ib.labelled_rows import Classified

EXAMPLE = "minecli ib data.csv --x '*,!label' --target label --compare --epochs 2"
ENCODE_EXAMPLE = "minecli ib encode run data.csv -o z.parquet"
EXPORT_EXAMPLE = "minecli ib export run -o model.pt"
HELP = f"""Train a classifier whose bottleneck keeps what predicts the class and forgets the rest.

The encoder minimises beta times the information between rows and codes; beta 0 leaves it out. Of several
values of --beta, and of the epochs, those are chosen that answer held-back training rows best.
`minecli ib encode RUN DATA` writes the codes of a finished run.

Example: {EXAMPLE}
"""
ENCODE_HELP = f"""Encode data by an encoder that `minecli ib --run-dir RUN` trained.

Rows keep their columns and get the list column `latent` (several columns in a CSV), `predicted` and `confidence`:
the most probable class and its probability; or `predicted` and `deviation` of a number. Without DATA: the test
images of MNIST.

Example: {ENCODE_EXAMPLE}
"""
_SHORT = [*(m for m in METHODS if not m.startswith("mine-")), "mine"]
_TARGET: Parameters = {
    "target": option(
        str | None, "Column of a table to predict: classes, or a number.", "--target", panel=DATA_PANEL, metavar="COL"
    ),
    **of_fields(IbConfig, DATA_PANEL, "rows"),
}
_ENCODER: Parameters = {
    "encoder": option(
        list[str] | None, f"Of the method mine: {', '.join(ENCODERS)}; default additive.", "--encoder",
        panel=METHOD_PANEL, metavar="NAMES",
    ),
}  # fmt: skip

app = group("The information bottleneck: classifiers that forget what does not predict.")


@app.command(DEFAULT, cls=DefaultCommand, hidden=True, help=HELP)
@takes(
    data_options("mnist, or a table (file, URL, -) with --x and --target.", [MNIST], _TARGET),
    method_options(_SHORT, Literal["quick", "medium", "good", "paper"], "minibatch, with --preset paper mine"),
    _ENCODER,
    compare_option(),
    setting_options(
        IbConfig,
        ("betas", "choose", "protocol", "code_noise", "noise", "noise_dim", "dropout", "smoothing", "confidence_weight",
         "class_weights", "bound", "statistics_noise", "hidden_noise", "statistics_steps", "marginal_shifts"),
        ("epochs", "code_dim", "hidden", "batch_size", "learning_rate", "decay", "averaging", "train_draws",
         "test_draws", "evaluate_every"),
    ),
    ENDING,
    EXPORT,
)  # fmt: skip
def ib(ctx: typer.Context) -> None:
    run_command(IbJob(), ctx)


class IbJob(ComparisonJob[IbRequest]):
    """Pictures are what it stores."""

    kind = IbRequest

    def request(self, given: Mapping[str, Any], ctx: typer.Context) -> IbRequest:
        named = given["preset"]
        shared = asked_fields(given, IbRequest, lambda dataset: default_seeds(named))
        methods = _methods(given)
        changes = asked_settings(given, IbRequest, methods)
        if given["epochs"] is not None:
            # So many passes and no more, however few the rows.
            changes["least_steps"] = 1
        config = preset(named, given["dataset"], **changes)
        _require_uses(changes, methods, config)
        return IbRequest(methods=methods, config=config, target=given["target"], **shared)

    def load(self, request: IbRequest, work: Work) -> tuple[IbRequest, Classified] | None:
        """Of a number, --compare leaves out what is for classes; a method that was named is refused."""
        loaded = super().load(request, work)
        if loaded is None or not loaded[1].is_number:
            return loaded
        misfits = [name for name in request.methods if name in OF_CLASSES]
        if misfits and not work.given.get("compare"):
            raise UsageError(
                f"--method {misfits[0]} is for classes, and '{request.target}' holds numbers",
                hint=f"leave it out, or say that these are classes: --categorical {request.target}",
            )
        if request.config.class_weights != "none":
            raise UsageError(
                f"--class-weights is for classes, and '{request.target}' holds numbers", hint="leave it out"
            )
        return replace(request, methods=tuple(m for m in request.methods if m not in OF_CLASSES)), loaded[1]

    def store(self, folder: Path, payload: dict[str, Any], data: Classified, trained: Trained) -> None:
        from minecli.apps.ib.results import scatter_of
        from minecli.report.ib_figures import pictures
        from minecli.runtime.writing import write_bytes

        scatters = [(s.method, s.codes, s.labels) for each in trained.methods if (s := scatter_of(each)) is not None]
        for name, content in pictures(scatters, [str(name) for name in data.classes], payload).items():
            write_bytes(folder / name, content)

    def table(self, payload: dict[str, Any], width: int, color: bool) -> str:
        from minecli.report.ib_tables import ib_table

        return ib_table(payload, width=width, color=color)


def _require_uses(changes: Mapping[str, Any], methods: Sequence[str], config: IbConfig) -> None:
    """UsageError for a setting of the other protocol than the one that MINE is trained by."""
    if config.protocol == BOUNDED:
        for name in OF_THE_PAPER:
            if name in changes:
                raise UsageError(f"{flag(name)} is for the paper's protocol alone", hint="add --protocol paper")
    elif "code_noise" in changes and not any(is_bounded(m, config) for m in methods):
        raise UsageError("--code-noise is for bounded codes alone", hint="leave it out, or add --protocol bounded")


def _methods(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The methods by their full names: `mine` stands for one per encoder."""
    if given["compare"]:
        if given["method"] or given["encoder"]:
            raise UsageError("--compare trains every method and encoder", hint="leave out --method and --encoder")
        return tuple(METHODS)
    encoders = names(given["encoder"] or [])
    asked = method_names(given, "mine" if encoders else default_method(given["preset"]))
    for encoder in encoders:
        if encoder not in ENCODERS:
            raise UsageError(
                f"there is no encoder '{encoder}'; there are {', '.join(ENCODERS)}", hint="try --encoder additive"
            )
    if encoders and "mine" not in asked:
        raise UsageError("--encoder is for the method mine alone", hint="add it: --method mine")
    each = ([f"mine-{e}" for e in encoders or ["additive"]] if name == "mine" else [name] for name in asked)
    return tuple(name for several in each for name in several)


@app.command("encode", help=ENCODE_HELP)
@takes(
    OTHER_DATA,
    TABLE_OUTPUT,
    ONLY_X,
    {"drawn": option(bool, "One draw of each code instead of its mean.", "--drawn", default=False)},
    MODEL,
)
def encode(ctx: typer.Context) -> None:
    from minecli.apps.ib.labelled_rows import load_inputs
    from minecli.apps.ib.results import coded_columns, load_coder

    given, output = ctx.params, ctx.params["output"]
    request, method, model = opened_model(ctx, IbRequest)
    coder = load_coder(given["run"], request, method, model)
    request = read_with(request, given["data"], given["missing"])
    whole = not given["only_x"]
    inputs = load_inputs(given["run"], request, given["data"], given["data_root"], ctx.obj.stdin, whole)
    columns = coded_columns(inputs, coder, drawn=given["drawn"], as_list=output.suffix == ".parquet")
    deliver_table(columns, output, ctx.obj, f"{len(inputs)} codes by {method}, seed {model}")


@app.command("export", help=EXPORT_HELP.format(more="", example=EXPORT_EXAMPLE))
@takes(RUN, EXPORT_OUTPUT, MODEL)
def export(ctx: typer.Context) -> None:
    export_model(ctx, IbRequest)
