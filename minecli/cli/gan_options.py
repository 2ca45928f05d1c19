"""The options of `minecli gan`. Defaults come from the presets of `apps.gan.config`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from minecli.apps.adversarial.config import BOUNDS
from minecli.apps.gan.config import METHODS
from minecli.apps.gan.request import DATASETS

METHOD_PANEL = "Method"
TRAINING_PANEL = "Training"
DATA_PANEL = "Data"


def _number(text: str, *flags: str, panel: str, metavar: str = "N") -> Any:
    return typer.Option(*flags, help=text, metavar=metavar, rich_help_panel=panel, show_default=False)


def _names() -> list[str]:
    return list(DATASETS)


def _methods() -> list[str]:
    return list(METHODS)


Data = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help=f"{', '.join(DATASETS)}, or a table (file, URL, - for stdin) with --x.",
        autocompletion=_names,
        show_default=False,
    ),
]
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
        help="Folder with MNIST's four files; otherwise they are fetched once.",
        rich_help_panel=DATA_PANEL,
        show_default=False,
    ),
]
Stack = Annotated[int | None, _number("Digits per image: 3 make 1000 modes, 2 make 100.", "--stack", panel=DATA_PANEL)]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        metavar="NAMES",
        help=f"Separated by commas: {', '.join(METHODS)}; default mine.",
        autocompletion=_methods,
        rich_help_panel=METHOD_PANEL,
        show_default=False,
    ),
]
Compare = Annotated[
    bool,
    typer.Option("--compare", help="Train the plain GAN beside it, on the same seeds.", rich_help_panel=METHOD_PANEL),
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
    float | None, _number("Weight of the information; 0: the plain GAN.", "--beta", panel=METHOD_PANEL, metavar="B")
]
Pack = Annotated[int | None, _number("Samples that PacGAN judges together.", "--pack", panel=METHOD_PANEL)]
Unroll = Annotated[int | None, _number("Steps that the unrolled GAN foresees.", "--unroll", panel=METHOD_PANEL)]
Bound = Annotated[
    str | None,
    _number(f"On the information: {' or '.join(BOUNDS)} (MINE-f).", "--bound", panel=METHOD_PANEL, metavar="NAME"),
]
GradientPenalty = Annotated[
    float | None,
    _number("Weight of a zero-centred gradient penalty.", "--gradient-penalty", panel=METHOD_PANEL, metavar="W"),
]
Steps = Annotated[int | None, _number("Training steps.", "--steps", panel=TRAINING_PANEL)]
NoiseDim = Annotated[
    int | None, _number("Latent components besides the code.", "--noise-dim", panel=TRAINING_PANEL, metavar="D")
]
CodeDim = Annotated[int | None, _number("Components of the code.", "--code-dim", panel=TRAINING_PANEL, metavar="D")]
BatchSize = Annotated[int | None, _number("Samples of a step.", "--batch-size", panel=TRAINING_PANEL)]
LearningRate = Annotated[
    float | None, _number("Step size of Adam.", "--learning-rate", panel=TRAINING_PANEL, metavar="RATE")
]
DecayFrom = Annotated[
    float | None,
    _number("Share of the steps after which it falls to 0.", "--decay-from", panel=TRAINING_PANEL, metavar="S"),
]
Samples = Annotated[int | None, _number("Samples that are judged and written.", "--samples", panel=TRAINING_PANEL)]
