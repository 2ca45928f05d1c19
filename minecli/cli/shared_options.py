"""The options that mean the same everywhere: data, kinds of columns, the result and how the program runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from minecli.api.request import EstimateRequest
from minecli.cli.options import Parameter, Parameters, argument, of_fields, option, whole_option
from minecli.settings import MOST_SEED
from minecli.units import Unit

DATA_PANEL = "Data"
RESULT_PANEL = "Result"
RUN_PANEL = "Running"

TABLE_HELP = "Table file (CSV, Parquet, Arrow, ...), folder or glob of parts, several files, URL, or - for stdin."

# How many threads are asked for at most; more than any machine has.
_MOST_THREADS = 65_536


def columns_option(*flags: str, help: str) -> Parameter:
    """An option that selects columns of the table; repeatable."""
    return option(list[str] | None, help, *flags, panel=DATA_PANEL, metavar="COLS")


KINDS: Parameters = of_fields(EstimateRequest, DATA_PANEL, "categorical", "numeric")
ROWS: Parameters = {
    "missing": option(
        Literal["error", "drop"], "What to do with rows that have missing values.", "--missing", default="error",
        panel=DATA_PANEL,
    ),
    **of_fields(EstimateRequest, DATA_PANEL, "sample"),
}  # fmt: skip
SEED: Parameters = {
    "seed": whole_option(
        "seed", "Where all randomness comes from.", "--seed", default=0, metavar="N", show_default=True, most=MOST_SEED
    )
}

_FORMAT_HELP = "auto: a table on a terminal, JSON elsewhere."


def _or_standard_output(path: Path | None) -> Path | None:
    """A dash is standard output, as it is standard input where DATA is named."""
    return None if path == Path("-") else path


OUTPUT: Parameters = {
    "output": option(
        Path | None, "Write the result to FILE (whole or not at all) instead of stdout.", "--output", "-o",
        panel=RESULT_PANEL, metavar="FILE", callback=_or_standard_output,
    ),
}  # fmt: skip
QUIET: Parameters = {
    "quiet": Parameter(
        Annotated[
            int,
            typer.Option("--quiet", "-q", count=True, help="-q: no progress; -qq: no warnings either.",
                         rich_help_panel=RESULT_PANEL, show_default=False),
        ],
        0,
    ),
}  # fmt: skip
RESULT: Parameters = {
    "format": option(
        Literal["auto", "table", "json", "ndjson", "csv"], _FORMAT_HELP, "--format", "-f", default="auto",
        panel=RESULT_PANEL,
    ),
    **OUTPUT, **QUIET,
}  # fmt: skip
ONE_NUMBER: Parameters = {
    "format": option(
        Literal["auto", "table", "json", "ndjson", "csv", "value"], _FORMAT_HELP, "--format", "-f", default="auto",
        panel=RESULT_PANEL,
    ),
}  # fmt: skip
UNITS: Parameters = {"units": option(Unit, "Unit of the result.", "--units", default="nats", panel=RESULT_PANEL)}
SPREADSHEET_SAFE: Parameters = {
    "spreadsheet_safe": option(
        bool, "In CSV, put ' before text that a spreadsheet would run.", "--spreadsheet-safe", default=False,
        panel=RESULT_PANEL,
    ),
}  # fmt: skip

# A table that a command writes instead of a result, as samples and codes are.
TABLE_OUTPUT: Parameters = {
    "output": option(
        Path, ".parquet, .csv, .csv.gz, or - for CSV on stdout.", "--output", "-o", default=Path("-"), metavar="FILE"
    ),
}
SAMPLE_ROWS: Parameters = {
    "rows": whole_option("rows", "Number of rows.", "--rows", "-n", default=10_000, metavar="N"),
}

COMPUTING: Parameters = {
    "device": option(str, "auto, cpu, cuda or cuda:N.", "--device", default="auto", panel=RUN_PANEL, metavar="DEVICE"),
    "threads": whole_option(
        "threads", "Threads to use; otherwise all cores this process may use.", "--threads", panel=RUN_PANEL,
        metavar="N", most=_MOST_THREADS,
    ),
}  # fmt: skip
FOLDER: Parameters = {
    "run_dir": option(
        Path | None, "Keep config, events, checkpoints, result and pictures in DIR; the same command goes on.",
        "--run-dir", panel=RUN_PANEL, metavar="DIR",
    ),
    "resume": option(
        Path | None, "Go on with the run in DIR, with its own settings.", "--resume", panel=RUN_PANEL, metavar="DIR"
    ),
}  # fmt: skip

RUN: Parameters = {
    "run": argument(Path, "Folder made by --run-dir.", "RUN", default=...),
}
