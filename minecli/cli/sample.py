"""`minecli sample`: data whose true mutual information is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from minecli.cli.streams import Streams
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
`minecli bench suite --list` shows them. Parameters may also follow the name:
gaussian:dim=20,rho=0.9.

Example: {EXAMPLE}
"""
)


def _task_names() -> list[str]:
    from minecli.tasks.registry import task_names

    return list(task_names())


def _parameter(text: str, *flags: str, metavar: str = "N") -> Any:
    return typer.Option(*flags, help=text, metavar=metavar, rich_help_panel=PANEL, show_default=False)


def sample(
    ctx: typer.Context,
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK", help="Name of the distribution.", autocompletion=_task_names, show_default=False
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help=".parquet, .csv, .csv.gz, or - for CSV on stdout.")
    ] = Path("-"),
    rows: Annotated[int, typer.Option("--rows", "-n", metavar="N", help="Number of rows.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Where all randomness comes from.")] = 0,
    dim: Annotated[int | None, _parameter("Columns on each side.", "--dim")] = None,
    rho: Annotated[float | None, _parameter("Correlation between x_i and z_i.", "--rho", metavar="R")] = None,
    dof: Annotated[float | None, _parameter("Degrees of freedom.", "--dof", metavar="NU")] = None,
    sigma: Annotated[float | None, _parameter("Standard deviation of the noise.", "--sigma", metavar="S")] = None,
    epsilon: Annotated[float | None, _parameter("Half-width of uniform noise.", "--epsilon", metavar="E")] = None,
    function: Annotated[str | None, _parameter("identity, cubic or sine.", "--function", metavar="NAME")] = None,
    classes: Annotated[int | None, _parameter("Number of labels.", "--classes")] = None,
    spacing: Annotated[float | None, _parameter("Distance between class means.", "--spacing", metavar="D")] = None,
    latent: Annotated[int | None, _parameter("Signals shared by both sides.", "--latent")] = None,
    pairs: Annotated[int | None, _parameter("Pairs of columns that are correlated.", "--pairs")] = None,
    share: Annotated[float | None, _parameter("Probability that a value is 0.", "--share", metavar="P")] = None,
    mi_nats: Annotated[float | None, _parameter("The information itself.", "--mi-nats", metavar="I")] = None,
    tails: Annotated[str | None, _parameter("light or heavy.", "--tails", metavar="NAME")] = None,
    as_list: Annotated[bool, typer.Option("--as-list", help="One list column per side, like an embedding.")] = False,
    missing_share: Annotated[
        float, typer.Option("--missing-share", metavar="S", help="Share of values to leave empty.")
    ] = 0.0,
    quiet: Annotated[
        int, typer.Option("--quiet", "-q", count=True, help="Say nothing on stderr.", show_default=False)
    ] = 0,
) -> None:
    from minecli.runtime.writing import check_writable, write_bytes
    from minecli.tasks.catalogue import parse_task
    from minecli.tasks.table_file import format_of, sample_table, table_bytes

    streams: Streams = ctx.obj
    streams.quiet = quiet
    given = {"dim": dim, "rho": rho, "dof": dof, "sigma": sigma, "epsilon": epsilon, "function": function}
    given |= {"classes": classes, "spacing": spacing, "latent": latent, "pairs": pairs, "share": share}
    given |= {"mi_nats": mi_nats, "tails": tails}
    chosen = parse_task(task, **{name: value for name, value in given.items() if value is not None})
    destination = str(output)
    file_format = format_of(destination)
    if destination != "-":
        check_writable(output)
    table = sample_table(chosen, rows, seed, as_list=as_list, missing_share=missing_share)
    content = table_bytes(table, file_format)
    if destination == "-":
        streams.result_bytes(content)
    else:
        write_bytes(output, content)
    where = "" if destination == "-" else f" in {output}"
    streams.info(f"{rows} rows of {chosen}{where}; true MI {chosen.true_mi_nats():.6g} nats")
