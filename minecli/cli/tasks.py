"""`minecli tasks`: distributions whose mutual information is known."""

from __future__ import annotations

import typer

from minecli.cli.options import argument, takes
from minecli.cli.presentation import show_listing
from minecli.cli.shared_options import RESULT

EXAMPLE = "minecli tasks gaussian nonlinear"
HELP = f"""List tasks: distributions whose mutual information is known, with that truth and their numbers of columns.

A task is named by its spec or by the group it belongs to. `minecli sample` draws from one, and `minecli bench suite`
asks estimators about them.

Example: {EXAMPLE}
"""


@takes({"names": argument(list[str] | None, "Groups and specs; all public tasks by default.", "NAMES")}, RESULT)
def tasks(ctx: typer.Context) -> None:
    from minecli.report.bench_tables import list_table
    from minecli.report.formats import Views
    from minecli.report.payload import envelope
    from minecli.tasks.specs import describe, resolve_tasks

    records = [describe(spec) for spec in resolve_tasks(ctx.params["names"] or ["public"])]
    views = Views(
        payload=envelope("tasks", tasks=records),
        table=lambda width, color: list_table(records, width=width, color=color),
        records=lambda: records,
    )
    show_listing(views, ctx)
