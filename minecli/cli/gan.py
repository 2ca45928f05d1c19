"""`minecli gan`: generative adversarial networks with a mutual-information term."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from minecli.apps.gan.config import DATASETS, METHODS, STACKED, GanConfig, GanRequest, default_seeds, preset
from minecli.cli.comparison_job import (
    ENDING,
    MODEL,
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
    import numpy as np
    import numpy.typing as npt

    from minecli.apps.gan.targets import Dataset
    from minecli.report.gan_figures import Cloud

EXAMPLE = "minecli gan spiral --compare --steps 100 --seeds 2"
SAMPLE_EXAMPLE = "minecli gan sample run -n 1000 -o samples.parquet"
EXPORT_EXAMPLE = "minecli gan export run -o model.pt"
HELP = f"""Train a GAN that keeps its modes by mutual information, and say whether modes were lost.

The generator maximises beta times the information between its samples and their code; beta 0 is the plain GAN.
`minecli gan sample RUN` draws from the generator of a finished run.

Example: {EXAMPLE}
"""
SAMPLE_HELP = f"""Draw samples from a generator that `minecli gan --run-dir RUN` trained, as a table.

Columns of a user's table come back in their own units; images as lists of bytes, one column per channel. With --where
samples are drawn until enough of them satisfy the condition, which is exact for this generator, and slow where that is
rare.

Example: {SAMPLE_EXAMPLE}
"""
DATA_HELP = f"{', '.join(DATASETS)}, or a table (file, URL, - for stdin) with --x."
# Settings that only a user's table has a use for.
OF_TABLES = ("coding", "temperature", "table_pack", "mean_weight")
OWN_TABLE: Parameters = {
    "missing": option(
        Literal["error", "drop", "learn"],
        "Missing values: an error, rows left out, or learnt as a level of their own.",
        "--missing", default="error", panel=DATA_PANEL,
    ),
    "utility_target": option(
        str | None,
        "Column that models predict to tell what generated rows are worth; default the first five in turn.",
        "--utility-target", panel=DATA_PANEL, metavar="COL",
    ),
}  # fmt: skip

WHERE: Parameters = {
    "where": option(
        list[str] | None,
        "Samples of a table that satisfy this: COLUMN=LEVEL, or age > 30 and city in ['Bonn', 'Oslo']; repeatable.",
        "--where", metavar="EXPR",
    ),
}  # fmt: skip

app = group("GANs that keep their modes by mutual information.")


@app.command(DEFAULT, cls=DefaultCommand, hidden=True, help=HELP)
@takes(
    data_options(DATA_HELP, DATASETS, {**of_fields(GanConfig, DATA_PANEL, "stack"), **OWN_TABLE}),
    method_options(list(METHODS), Literal["quick", "medium", "paper"]),
    compare_option("Train the plain GAN beside it, on the same seeds."),
    setting_options(
        GanConfig,
        ("beta", "clipping", "pack", "unroll", "bound", "gradient_penalty", *OF_TABLES),
        (
            "steps",
            "noise_dim",
            "code_dim",
            "batch_size",
            "learning_rate",
            "decay_from",
            "averaging",
            "samples",
            "evaluate_every",
        ),
    ),
    size_options(TRAINING_PANEL),
    ENDING,
    EXPORT,
)
def gan(ctx: typer.Context) -> None:
    run_command(GanJob(), ctx)


class GanJob(ComparisonJob[GanRequest]):
    """Samples and pictures are what it stores."""

    kind = GanRequest

    def request(self, given: Mapping[str, Any], ctx: typer.Context) -> GanRequest:
        shared, methods = asked_fields(given, GanRequest, default_seeds), method_names(given)
        if given["compare"] and "gan" not in methods:
            methods = ["gan", *methods]
        if given["stack"] is not None and given["dataset"] != STACKED:
            raise UsageError(f"--stack is for {STACKED}, not for '{given['dataset']}'", hint="leave it out")
        for name in OF_TABLES:
            if given[name] is not None and not given["x"]:
                raise UsageError(f"{flag(name)} is for tables, not for '{given['dataset']}'", hint="leave it out")
        changes = asked_settings(given, GanRequest, methods) | sizes_of(given, of_images=given["dataset"] == STACKED)
        config = preset(given["preset"], given["dataset"], **changes)
        return GanRequest(methods=tuple(methods), config=config, utility_target=given["utility_target"], **shared)

    def store(self, folder: Path, payload: dict[str, Any], dataset: Dataset, trained: Trained) -> None:
        import pyarrow as pa

        from minecli.apps.gan.results import picture_samples, sample_columns
        from minecli.report.gan_figures import pictures
        from minecli.runtime.writing import write_bytes
        from minecli.tasks.table_file import table_bytes

        for each in trained.methods:
            content = table_bytes(pa.table(sample_columns(each, dataset)), "parquet")
            write_bytes(folder / f"samples-{each.method}.parquet", content)
        clouds = [
            _cloud(f"{each.method}, seed {each.training.seeds[0]}", picture_samples(each), dataset)
            for each in trained.methods
        ]
        for name, content in pictures(_cloud("data", dataset.real_samples(), dataset), clouds, payload).items():
            write_bytes(folder / name, content)

    def table(self, payload: dict[str, Any], width: int, color: bool) -> str:
        from minecli.report.gan_tables import gan_table

        return gan_table(payload, width=width, color=color)


def _cloud(title: str, samples: npt.NDArray[np.float32], dataset: Dataset) -> Cloud:
    from minecli.report.gan_figures import Cloud

    return Cloud(title, samples, None if dataset.table is None else dataset.table.restore(samples))


@app.command("sample", help=SAMPLE_HELP)
@takes(RUN, SAMPLE_ROWS, WHERE, TABLE_OUTPUT, SEED, MODEL)
def sample(ctx: typer.Context) -> None:
    from minecli.apps.gan.results import samples_of

    given = ctx.params
    request, method, model = opened_model(ctx, GanRequest)
    where = given["where"] or ()
    drawn = samples_of(given["run"], request, (method, model), given["rows"], given["seed"], where)
    share = "" if drawn.share is None else f"; {drawn.share:.2%} of those drawn satisfy --where"
    deliver_table(drawn.columns, given["output"], ctx.obj, f"{given['rows']} samples of {method}, seed {model}", share)


@app.command("export", help=EXPORT_HELP.format(more="", example=EXPORT_EXAMPLE))
@takes(RUN, EXPORT_OUTPUT, MODEL)
def export(ctx: typer.Context) -> None:
    export_model(ctx, GanRequest)
