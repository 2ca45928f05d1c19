"""The options that `minecli gan` and `minecli ali` share, and what requests are made of them. Defaults come from the
presets of their configs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from minecli.apps.ensembles.config import BOUNDS
from minecli.cli.reading_options import reading_from
from minecli.cli.request import lasting_source
from minecli.cli.words import seed_list
from minecli.errors import UsageError

if TYPE_CHECKING:
    from minecli.apps.ensembles.config import ComparisonRequest

METHOD_PANEL = "Method"
TRAINING_PANEL = "Training"
DATA_PANEL = "Data"
_TABLE_OPTIONS = ("missing", "sample")


def number(text: str, *flags: str, panel: str, metavar: str = "N") -> Any:
    """An option whose default is the preset's."""
    return typer.Option(*flags, help=text, metavar=metavar, rich_help_panel=panel, show_default=False)


def data_argument(text: str, named: Iterable[str]) -> Any:
    """DATA, with the named data sets as completions."""
    return typer.Argument(metavar="DATA", help=text, autocompletion=lambda: list(named), show_default=False)


def methods_option(methods: Iterable[str]) -> Any:
    """--method, one or several of these."""
    known = list(methods)
    return typer.Option(
        "--method",
        metavar="NAMES",
        help=f"Separated by commas: {', '.join(known)}; default mine.",
        autocompletion=lambda: known,
        rich_help_panel=METHOD_PANEL,
        show_default=False,
    )


Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--x",
        "-x",
        metavar="COLS",
        help="Columns of a table to learn: names, gene_*, x0:x19, /regex/, @file.",
        rich_help_panel=DATA_PANEL,
        show_default=False,
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        metavar="DIR",
        help="Folder with the files of MNIST (otherwise fetched once) or CelebA.",
        rich_help_panel=DATA_PANEL,
        show_default=False,
    ),
]
PresetName = Annotated[
    Literal["quick", "paper"],
    typer.Option("--preset", help="What all the settings start from.", rich_help_panel=METHOD_PANEL),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        "--seeds",
        metavar="SEEDS",
        help="How many (N: 0 to N-1), or which: 0,5,7. One: 5,",
        rich_help_panel=METHOD_PANEL,
    ),
]
Beta = Annotated[
    float | None, number("Weight of the information; 0 leaves it out.", "--beta", panel=METHOD_PANEL, metavar="B")
]
Bound = Annotated[
    str | None,
    number(f"On the information: {' or '.join(BOUNDS)} (MINE-f).", "--bound", panel=METHOD_PANEL, metavar="NAME"),
]
GradientPenalty = Annotated[
    float | None,
    number("Weight of a zero-centred gradient penalty.", "--gradient-penalty", panel=METHOD_PANEL, metavar="W"),
]
Steps = Annotated[int | None, number("Training steps.", "--steps", panel=TRAINING_PANEL)]
NoiseDim = Annotated[
    int | None, number("Latent components besides the code.", "--noise-dim", panel=TRAINING_PANEL, metavar="D")
]
CodeDim = Annotated[int | None, number("Components of the code.", "--code-dim", panel=TRAINING_PANEL, metavar="D")]
BatchSize = Annotated[int | None, number("Samples of a step.", "--batch-size", panel=TRAINING_PANEL)]
LearningRate = Annotated[
    float | None, number("Step size of Adam.", "--learning-rate", panel=TRAINING_PANEL, metavar="RATE")
]
DecayFrom = Annotated[
    float | None,
    number("Share of the steps after which it falls to 0.", "--decay-from", panel=TRAINING_PANEL, metavar="S"),
]
Samples = Annotated[int | None, number("Samples that are judged and written.", "--samples", panel=TRAINING_PANEL)]

# What the commands on finished runs share.
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder made by --run-dir.", show_default=False)]
Method = Annotated[
    str | None, typer.Option("--method", metavar="NAME", help="Which of the run's methods.", show_default=False)
]
Model = Annotated[
    int | None,
    typer.Option("--model", metavar="SEED", help="Which of the run's seeds; default the first.", show_default=False),
]
OtherMissing = Annotated[
    Literal["error", "drop"] | None,
    typer.Option("--missing", help="Rows of DATA with missing values; default as in the run.", show_default=False),
]
Rows = Annotated[int, typer.Option("--rows", "-n", metavar="N", help="Number of samples.")]
TableOutput = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help=".parquet, .csv, .csv.gz, or - for CSV on stdout.")
]


def asked_fields(
    given: Mapping[str, Any], kind: type[ComparisonRequest], default_seeds: Callable[[str], int]
) -> dict[str, Any]:
    """The fields of a request that do not depend on the application, of options by their names. What a run folder
    stores must hold from any folder: relative paths become absolute.

    Raises:
        UsageError: no data set, or seeds that are none.
    """
    dataset, root = given["dataset"], given["data_root"]
    if dataset is None:
        raise UsageError("no data set is named", hint=f"try minecli {kind.COMMAND} {kind.NAMED[0]}")
    lasting = given["run_dir"] is not None
    is_folder = kind.FOLDERS and dataset not in kind.NAMED and Path(dataset).is_dir()
    return {
        "dataset": lasting_source(dataset) if lasting and (given["x"] or is_folder) else dataset,
        "seeds": seed_list(given["seeds"] or str(default_seeds(dataset))),
        "preset": given["preset_name"],
        "data_root": None if root is None else str(root.resolve() if lasting else root),
        "x": tuple(given["x"] or ()),
        "reading": reading_from(given),
        **{name: tuple(given[name] or ()) for name in ("categorical", "numeric")},
        **{name: given[name] for name in _TABLE_OPTIONS},
    }


def asked_settings(given: Mapping[str, Any], kind: type[ComparisonRequest]) -> dict[str, Any]:
    """What options say of the fields of a request's config; None where they say nothing."""
    return {field.name: given.get(field.name) for field in fields(kind.CONFIG)}
