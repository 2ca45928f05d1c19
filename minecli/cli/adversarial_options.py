"""The options that `minecli gan` and `minecli ali` share. Defaults come from the presets of their configs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from minecli.apps.adversarial.config import BOUNDS

METHOD_PANEL = "Method"
TRAINING_PANEL = "Training"
DATA_PANEL = "Data"


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
