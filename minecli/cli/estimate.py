"""`minecli estimate`: the mutual information between two groups of columns."""

from __future__ import annotations

from pathlib import Path

import typer

from minecli.api.request import EstimateRequest
from minecli.cli.estimate_job import EstimateJob
from minecli.cli.options import COLUMNS_HELP, Parameters, argument, of_fields, option, takes
from minecli.cli.reading_options import READING
from minecli.cli.runs import run_command
from minecli.cli.settings import estimator_names, setting_options
from minecli.cli.shared_options import (
    COMPUTING,
    DATA_PANEL,
    FOLDER,
    KINDS,
    ONE_NUMBER,
    OUTPUT,
    QUIET,
    RESULT_PANEL,
    ROWS,
    SEED,
    SPREADSHEET_SAFE,
    TABLE_HELP,
    UNITS,
    columns_option,
)  # fmt: skip

EXAMPLE = "minecli estimate sample_data/gaussian_1d.parquet --x x0 --z z0 -e ksg"
HELP = f"""Estimate the mutual information I(X; Z) between two groups of columns of a table.

The verdict comes first: a number to believe, a lower limit, or why neither can be said. Below stand the estimators
that the kinds of the columns call for, or those named by -e, each with an uncertainty and reasons to doubt it.

Example: {EXAMPLE}
"""
_DATA: Parameters = {
    "data": argument(list[str] | None, TABLE_HELP, "DATA"),
    "x": columns_option("--x", "-x", help=f"Columns of X: {COLUMNS_HELP}; comma-separated, repeatable."),
    "z": columns_option("--z", "-z", help="Columns of Z, named like those of X."),
    "estimator": option(
        list[str] | None,
        f"Repeatable: {', '.join(estimator_names())}. Otherwise what fits the kinds of the columns.",
        "--estimator", "-e", metavar="NAME", autocompletion=estimator_names,
    ),
    **of_fields(EstimateRequest, None, "confidence", show_default=True),
}  # fmt: skip
_TRUST: Parameters = of_fields(EstimateRequest, DATA_PANEL, "independent_rows")
_SHOWN: Parameters = {
    "pointwise": option(
        Path | None,
        "Write each row's log density ratio to FILE (.csv or .parquet).",
        "--pointwise", panel=RESULT_PANEL, metavar="FILE",
    ),
    "check": option(
        bool, "End with code 4 if the result is not trustworthy.", "--check", default=False, panel=RESULT_PANEL
    ),
    "explain": option(
        bool, "Say what the intervals and scales mean.", "--explain", default=False, panel=RESULT_PANEL
    ),
}  # fmt: skip


@takes(
    _DATA, SEED, READING, KINDS, ROWS, _TRUST, setting_options(), UNITS, ONE_NUMBER, OUTPUT, _SHOWN, SPREADSHEET_SAFE,
    QUIET, COMPUTING, FOLDER,
)  # fmt: skip
def estimate(ctx: typer.Context) -> None:
    run_command(EstimateJob(), ctx)
