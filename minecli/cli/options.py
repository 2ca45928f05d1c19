"""Every option that has one meaning everywhere. Defaults are not written here: they come from the config classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from minecli.cli.settings import setting
from minecli.cli.words import numbers
from minecli.estimators.registry import ESTIMATORS
from minecli.units import Unit

DATA_PANEL = "Data"
KSG_PANEL = "Nearest neighbours (ksg, mixed-ksg)"
MINE_PANEL = "Neural estimators"
RESULT_PANEL = "Result"
RUN_PANEL = "Running"

OutputFormat = Literal["auto", "table", "json", "ndjson", "csv", "value"]
ListFormat = Literal["auto", "table", "json", "ndjson", "csv"]


def _estimator_names() -> list[str]:
    return list(ESTIMATORS)


def _strengths(words: list[str] | None) -> tuple[float, ...] | None:
    """Repeated, or separated by commas; None where nothing was said, for which there is an empty list."""
    return numbers("weight_decay", ",".join(words), float) if words else None


Data = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA",
        help="Table file, folder or glob of parts, several files, URL, or - for stdin.",
        show_default=False,
    ),
]
DataParts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DATA",
        help="Table file (CSV, Parquet, Arrow, ...), folder or glob of parts, several files, URL, or - for stdin.",
        show_default=False,
    ),
]
XColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--x",
        "-x",
        metavar="COLS",
        help="Columns of X: names, gene_*, x0:x19, /regex/, @file; comma-separated, repeatable.",
        rich_help_panel=DATA_PANEL,
        show_default=False,
    ),
]
ZColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--z",
        "-z",
        metavar="COLS",
        help="Columns of Z, named like those of X.",
        rich_help_panel=DATA_PANEL,
        show_default=False,
    ),
]
Categorical = Annotated[
    list[str] | None,
    typer.Option(
        "--categorical",
        metavar="COLS",
        help="Columns to use as labels, whatever their type.",
        rich_help_panel=DATA_PANEL,
        show_default=False,
    ),
]
Numeric = Annotated[
    list[str] | None,
    typer.Option(
        "--numeric",
        metavar="COLS",
        help="Columns to use as numbers, text among them.",
        rich_help_panel=DATA_PANEL,
        show_default=False,
    ),
]
Missing = Annotated[
    Literal["error", "drop"],
    typer.Option("--missing", help="What to do with rows that have missing values.", rich_help_panel=DATA_PANEL),
]
Sample = Annotated[
    int | None,
    typer.Option(
        "--sample",
        metavar="N",
        help="Use N rows chosen at random (by --seed).",
        rich_help_panel=DATA_PANEL,
        show_default=False,
    ),
]
IndependentRows = Annotated[
    bool,
    typer.Option(
        "--independent-rows",
        help="Rows are independent, whatever their order in the file suggests.",
        rich_help_panel=DATA_PANEL,
    ),
]

Estimators = Annotated[
    list[str] | None,
    typer.Option(
        "--estimator",
        "-e",
        metavar="NAME",
        autocompletion=_estimator_names,
        help=f"Repeatable: {', '.join(ESTIMATORS)}. Otherwise what fits the kinds of the columns.",
        show_default=False,
    ),
]
Preprocess = Annotated[
    str | None, setting("Before estimating: rank (to normal scores), standardize or none.", "preprocess", "Options")
]
Confidence = Annotated[float, typer.Option("--confidence", metavar="LEVEL", help="Coverage of the intervals.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Where all randomness comes from.")]

Neighbours = Annotated[
    int | None, setting("Number of neighbours.", "neighbours", KSG_PANEL, "--neighbours", "--k", "-k", metavar="K")
]
KsgVariant = Annotated[int | None, setting("Kraskov's algorithm 1 or 2.", "ksg_variant", KSG_PANEL, metavar="1|2")]
KsgJitter = Annotated[
    float | None,
    setting("Noise added to break ties, relative to each column's spread.", "ksg_jitter", KSG_PANEL, metavar="SIZE"),
]

TableCorrection = Annotated[
    str | None,
    setting(
        "Bias correction of the table: chao-wang-jost, miller-madow or none.",
        "table_correction",
        "Tables (plug-in)",
        metavar="NAME",
    ),
]
Protocol = Annotated[
    str | None,
    setting(
        "held-out: each row is judged by networks that never saw it; paper: in-sample.",
        "protocol",
        MINE_PANEL,
        metavar="held-out|paper",
    ),
]
Folds = Annotated[int | None, setting("Parts for cross-fitting.", "folds", MINE_PANEL, metavar="N")]
Repeats = Annotated[int | None, setting("Cross-fittings to average.", "repeats", MINE_PANEL, metavar="N")]
TargetPrecision = Annotated[
    float | None,
    setting("Add cross-fittings until the interval is so narrow.", "target_precision", MINE_PANEL, metavar="NATS"),
]
MaxRepeats = Annotated[
    int | None,
    setting("Most cross-fittings for --target-precision.", "max_repeats", MINE_PANEL, metavar="N"),
]
MaxSteps = Annotated[int | None, setting("Most training steps.", "max_steps", MINE_PANEL, metavar="N")]
BatchSize = Annotated[int | None, setting("Rows per step.", "batch_size", MINE_PANEL, metavar="N")]
MarginalShifts = Annotated[
    int | None,
    setting("Other rows each row is paired with per step.", "marginal_shifts", MINE_PANEL, metavar="N"),
]
Hidden = Annotated[int | None, setting("Width of the hidden layers.", "hidden", MINE_PANEL, metavar="N")]
Layers = Annotated[int | None, setting("Number of joint hidden layers.", "layers", MINE_PANEL, metavar="N")]
TowerLayers = Annotated[
    int | None, setting("Hidden layers of each side before both meet.", "tower_layers", MINE_PANEL, metavar="N")
]
WeightDecay = Annotated[
    list[str] | None,
    setting(
        "Weight decay at 10,000 rows; for each a network per fold.",
        "weight_decay",
        MINE_PANEL,
        metavar="D[,D...]",
        callback=_strengths,
    ),
]
LearningRate = Annotated[float | None, setting("Step size of Adam.", "learning_rate", MINE_PANEL, metavar="RATE")]
EmaDecay = Annotated[
    float | None,
    setting(
        "Weight of the old value in the moving average that corrects the gradient.",
        "ema_decay",
        MINE_PANEL,
        metavar="W",
    ),
]
GaussianBase = Annotated[
    bool | None,
    setting(
        "Start from the log ratio of a Gaussian copula.",
        "gaussian_base",
        MINE_PANEL,
        "--gaussian-base/--no-gaussian-base",
    ),
]
SmileClip = Annotated[
    float | None, setting("Nats at which smile clips scores.", "smile_clip", MINE_PANEL, metavar="NATS")
]
Precision = Annotated[str | None, setting("float32 or float64.", "precision", MINE_PANEL, metavar="TYPE")]

Units = Annotated[Unit, typer.Option("--units", help="Unit of the result.", rich_help_panel=RESULT_PANEL)]
Format = Annotated[
    OutputFormat,
    typer.Option("--format", "-f", help="auto: a table on a terminal, JSON elsewhere.", rich_help_panel=RESULT_PANEL),
]
TableFormat = Annotated[
    ListFormat,
    typer.Option("--format", "-f", help="auto: a table on a terminal, JSON elsewhere.", rich_help_panel=RESULT_PANEL),
]


def _or_standard_output(path: Path | None) -> Path | None:
    """A dash is standard output, as it is standard input where DATA is named."""
    return None if path == Path("-") else path


Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        callback=_or_standard_output,
        metavar="FILE",
        help="Write the result to FILE (whole or not at all) instead of stdout.",
        rich_help_panel=RESULT_PANEL,
        show_default=False,
    ),
]
Pointwise = Annotated[
    Path | None,
    typer.Option(
        "--pointwise",
        metavar="FILE",
        help="Write each row's log density ratio to FILE (.csv or .parquet).",
        rich_help_panel=RESULT_PANEL,
        show_default=False,
    ),
]
Check = Annotated[
    bool,
    typer.Option("--check", help="End with code 4 if the result is not trustworthy.", rich_help_panel=RESULT_PANEL),
]
SpreadsheetSafe = Annotated[
    bool,
    typer.Option(
        "--spreadsheet-safe",
        help="In CSV, put ' before text that a spreadsheet would run.",
        rich_help_panel=RESULT_PANEL,
    ),
]
Explain = Annotated[
    bool,
    typer.Option("--explain", help="Say what the intervals and scales mean.", rich_help_panel=RESULT_PANEL),
]
Quiet = Annotated[
    int,
    typer.Option(
        "--quiet",
        "-q",
        count=True,
        help="-q: no progress; -qq: no warnings either.",
        rich_help_panel=RESULT_PANEL,
        show_default=False,
    ),
]

Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        help="Threads to use; otherwise all cores this process may use.",
        rich_help_panel=RUN_PANEL,
        show_default=False,
    ),
]
DeviceName = Annotated[
    str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda or cuda:N.", rich_help_panel=RUN_PANEL)
]
RunDir = Annotated[
    Path | None,
    typer.Option(
        "--run-dir",
        metavar="DIR",
        help="Keep config, events, checkpoint, result and learning curve in DIR.",
        rich_help_panel=RUN_PANEL,
        show_default=False,
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        "--resume",
        metavar="DIR",
        help="Go on with the run in DIR, with its own settings.",
        rich_help_panel=RUN_PANEL,
        show_default=False,
    ),
]
