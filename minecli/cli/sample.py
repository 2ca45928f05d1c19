"""`minecli sample`: data whose true mutual information is known."""

from __future__ import annotations

import typer

from minecli.cli.options import Parameters, argument, option, takes, whole_option
from minecli.cli.presentation import check_table_destination, deliver_table
from minecli.cli.shared_options import QUIET, SAMPLE_ROWS, SEED, TABLE_OUTPUT
from minecli.cli.words import flag
from minecli.settings import MOST_COLUMNS
from minecli.tasks.registry import TASKS

PANEL = "Parameters of the distribution"
EXAMPLE = "minecli sample gaussian --dim 20 --rho 0.9 -n 1000 --seed 0 -o -"
HELP = (
    """Draw a table whose true mutual information is known: columns x0, x1, ... and z0, z1, ...

A Parquet file holds the truth in its metadata; for CSV it is said on stderr only.

Distributions:

"""
    + "\n\n".join(f"  {name}: {entry.summary}" for name, entry in TASKS.items())
    + f"""

Or one of 40 public benchmark tasks by its name, such as 1v1-bimodal-0.75;
`minecli tasks` shows them. Parameters may also follow the name:
gaussian:dim=20,rho=0.9.

Example: {EXAMPLE}
"""
)


_WHOLE = (
    ("dim", "Columns on each side."),
    ("classes", "Number of labels."),
    ("latent", "Signals shared by both sides."),
    ("pairs", "Pairs of columns that are correlated."),
)
_OTHERS = (
    ("rho", float, "Correlation between x_i and z_i.", "R"),
    ("dof", float, "Degrees of freedom.", "NU"),
    ("sigma", float, "Standard deviation of the noise.", "S"),
    ("epsilon", float, "Half-width of uniform noise.", "E"),
    ("function", str, "identity, cubic or sine.", "NAME"),
    ("spacing", float, "Distance between class means.", "D"),
    ("share", float, "Probability that a value is 0.", "P"),
    ("mi_nats", float, "The information itself.", "I"),
    ("tails", str, "light or heavy.", "NAME"),
)
_PARAMETERS: Parameters = {
    **{
        name: whole_option(name, text, flag(name), most=MOST_COLUMNS, panel=PANEL, metavar="N") for name, text in _WHOLE
    },
    **{
        name: option(kind | None, text, flag(name), panel=PANEL, metavar=metavar)
        for name, kind, text, metavar in _OTHERS
    },
}
_SHAPE: Parameters = {
    "as_list": option(bool, "One list column per side, like an embedding.", "--as-list", default=False),
    "missing_share": option(float, "Share of values to leave empty.", "--missing-share", default=0.0, metavar="S"),
}


@takes(
    {"task": argument(str, "Name of the distribution.", "TASK", default=..., completions=lambda: TASKS)},
    TABLE_OUTPUT, SAMPLE_ROWS, SEED, _PARAMETERS, _SHAPE, QUIET,
)  # fmt: skip
def sample(ctx: typer.Context) -> None:
    from minecli.tasks.catalogue import parse_task
    from minecli.tasks.table_file import sample_table

    given = ctx.params
    ctx.obj.quiet = given["quiet"]
    task = parse_task(given["task"], **{name: given[name] for name in _PARAMETERS if given[name] is not None})
    check_table_destination(given["output"])
    shape = {name: given[name] for name in _SHAPE}
    table = sample_table(task, given["rows"], given["seed"], **shape)
    truth = f"; true MI {task.true_mi_nats():.6g} nats"
    deliver_table(table, given["output"], ctx.obj, f"{given['rows']} rows of {task}", truth)
