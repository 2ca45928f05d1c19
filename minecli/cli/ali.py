"""`minecli ali`: adversarially learned inference with a mutual-information term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from minecli.apps.ali.config import CELEBA, DATASETS, METHODS, MNIST, AliConfig, AliRequest, default_seeds, preset
from minecli.cli.comparison_job import (
    ENDING,
    METHOD_PANEL,
    MODEL,
    ONLY_X,
    OTHER_DATA,
    TRAINING_PANEL,
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
from minecli.cli.network_sizes import size_options, sizes_of
from minecli.cli.options import Parameters, of_fields, option, takes
from minecli.cli.presentation import deliver_table
from minecli.cli.runs import run_command
from minecli.cli.shared_options import DATA_PANEL, RUN, SAMPLE_ROWS, SEED, TABLE_OUTPUT
from minecli.cli.words import flag
from minecli.errors import UsageError

if TYPE_CHECKING:
    from minecli.apps.ali.datasets import AliDataset
    from minecli.apps.datasets.sample_columns import Inputs

EXAMPLE = "minecli ali gaussians25 --compare --steps 100 --seeds 2"
ENCODE_EXAMPLE = "minecli ali encode run data.csv -o latent.parquet"
RECONSTRUCT_EXAMPLE = "minecli ali reconstruct run data.csv -o again.parquet"
EXPORT_EXAMPLE = "minecli ali export run -o model.pt"
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
DATA_HELP = f"{', '.join(DATASETS)}, a folder of images, or a table (file, URL, -) with --x."
_BROKEN: Parameters = {
    "skip_broken": option(bool, "Leave out files that are no images.", "--skip-broken", default=False, panel=DATA_PANEL)
}

app = group("Inference that reconstructs: ALI with mutual information.")


@app.command(DEFAULT, cls=DefaultCommand, hidden=True, help=HELP)
@takes(
    data_options(DATA_HELP, DATASETS, {**of_fields(AliConfig, DATA_PANEL, "side"), **_BROKEN}),
    method_options(list(METHODS), Literal["quick", "medium", "paper"]),
    compare_option(),
    of_fields(AliConfig, METHOD_PANEL, "arch", "noise_channels"),
    setting_options(
        AliConfig,
        ("beta", "clipping", "bound", "gradient_penalty"),
        ("steps", "code_dim", "batch_size", "learning_rate", "decay_from", "averaging", "samples", "evaluate_every"),
    ),
    size_options(TRAINING_PANEL),
    ENDING,
    EXPORT,
)
def ali(ctx: typer.Context) -> None:
    run_command(AliJob(), ctx)


class AliJob(ComparisonJob[AliRequest]):
    """Pictures are what it stores."""

    kind = AliRequest

    def request(self, given: Mapping[str, Any], ctx: typer.Context) -> AliRequest:
        shared, dataset = asked_fields(given, AliRequest, default_seeds), given["dataset"]
        if given["compare"] and given["method"]:
            raise UsageError("--compare trains every method", hint="leave out --method")
        methods = list(METHODS) if given["compare"] else method_names(given)
        is_folder = not given["x"] and dataset not in DATASETS
        changes = asked_settings(given, AliRequest, methods)
        arch = preset(given["preset"], dataset, folder=is_folder, **changes).arch
        changes |= sizes_of(given, of_images=arch == "conv" and (is_folder or dataset in (MNIST, CELEBA)))
        config = preset(given["preset"], dataset, folder=is_folder, **changes)
        request = AliRequest(methods=tuple(methods), config=config, skip_broken=given["skip_broken"], **shared)
        for name in ("side", "arch", "noise_channels", "skip_broken"):
            if given[name] and not request.is_images:
                raise UsageError(f"{flag(name)} is for images, and '{dataset}' holds none", hint="leave it out")
        return request

    def store(self, folder: Path, payload: dict[str, Any], dataset: AliDataset, trained: Trained) -> None:
        from minecli.apps.ali.results import shown_of
        from minecli.report.ali_figures import MethodPictures, pictures
        from minecli.runtime.writing import write_bytes

        shown = []
        for each in trained.methods:
            samples = shown_of(each, dataset)
            parts = {part.name: getattr(samples, part.name) for part in fields(samples)}
            title = f"{each.method}, seed {each.training.seeds[0]}"
            shown.append(MethodPictures(method=each.method, title=title, **parts))
        for name, content in pictures(shown, payload).items():
            write_bytes(folder / name, content)

    def table(self, payload: dict[str, Any], width: int, color: bool) -> str:
        from minecli.report.ali_tables import ali_table

        return ali_table(payload, width=width, color=color)


@app.command("encode", help=ENCODE_HELP)
@takes(OTHER_DATA, TABLE_OUTPUT, ONLY_X, _BROKEN, MODEL)
def encode(ctx: typer.Context) -> None:
    from minecli.apps.ali.results import coded_columns, load_coder

    given, output = ctx.params, ctx.params["output"]
    request, method, model = opened_model(ctx, AliRequest)
    inputs = _inputs(request, ctx)
    coder = load_coder(given["run"], request, method, model, inputs.shape)
    columns = coded_columns(inputs, coder, as_list=output.suffix == ".parquet")
    deliver_table(columns, output, ctx.obj, f"{len(inputs)} codes by {method}, seed {model}")


def _inputs(request: AliRequest, ctx: typer.Context) -> Inputs:
    from minecli.apps.ali.unseen import load_inputs

    given, data = ctx.params, ctx.params["data"]
    request = read_with(request, data, given["missing"])
    whole = not given.get("only_x", True)
    inputs = load_inputs(given["run"], request, data, given["data_root"], ctx.obj.stdin, given["skip_broken"], whole)
    for note in inputs.notes:
        ctx.obj.info(note)
    return inputs


_PLACE: Parameters = {
    "output": option(
        Path, ".parquet, .csv, .csv.gz, -, or a folder for PNGs.", "--output", "-o", default=Path("-"), metavar="PLACE"
    ),
}


@app.command("reconstruct", help=RECONSTRUCT_HELP)
@takes(OTHER_DATA, _PLACE, _BROKEN, MODEL)
def reconstruct(ctx: typer.Context) -> None:
    from minecli.apps.ali.results import load_coder, reconstructed, write_images

    given, output = ctx.params, ctx.params["output"]
    as_images = output.suffix == "" and str(output) != "-"
    request, method, model = opened_model(ctx, AliRequest, table=not as_images)
    if as_images and not request.is_images:
        raise UsageError(f"'{output}' has no ending, and rows make no images", hint="try -o again.parquet")
    inputs = _inputs(request, ctx)
    coder = load_coder(given["run"], request, method, model, inputs.shape)
    again, what = reconstructed(inputs, coder), f"{len(inputs)} reconstructions by {method}, seed {model}"
    if as_images:
        write_images(again, inputs.names, output)
        ctx.obj.info(f"{what} in {output}")
    else:
        deliver_table(inputs.columns(again), output, ctx.obj, what)


@app.command("sample", help=SAMPLE_HELP)
@takes(RUN, SAMPLE_ROWS, TABLE_OUTPUT, SEED, MODEL)
def sample(ctx: typer.Context) -> None:
    from minecli.apps.ali.results import load_coder
    from minecli.apps.ali.unseen import layout_of_run

    given = ctx.params
    request, method, model = opened_model(ctx, AliRequest)
    layout = layout_of_run(given["run"], request)
    samples = load_coder(given["run"], request, method, model, layout.shape).sample(given["rows"], given["seed"])
    what = f"{given['rows']} samples of {method}, seed {model}"
    deliver_table(layout.columns(samples.numpy()), given["output"], ctx.obj, what)


_PART: Parameters = {
    "part": option(
        Literal["encoder", "generator"],
        "The encoder with the generator, or the generator alone.",
        "--part",
        default="encoder",
    )
}


@app.command("export", help=EXPORT_HELP.format(more="--part generator: the generator alone.", example=EXPORT_EXAMPLE))
@takes(RUN, EXPORT_OUTPUT, _PART, MODEL)
def export(ctx: typer.Context) -> None:
    export_model(ctx, AliRequest, part=ctx.params["part"])
