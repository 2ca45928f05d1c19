"""`minecli estimators`: what -e can name, what each takes for granted, and when it fails."""

from __future__ import annotations

import typer

from minecli.cli.options import takes
from minecli.cli.presentation import show_listing
from minecli.cli.shared_options import RESULT
from minecli.estimators.registry import ESTIMATORS

EXAMPLE = "minecli estimators --format csv"
HELP = f"""List the estimators: what each computes and assumes, when it fails, and its source.

Example: {EXAMPLE}
"""


@takes(RESULT)
def estimators(ctx: typer.Context) -> None:
    from minecli.report.formats import Views
    from minecli.report.listing import estimators_table
    from minecli.report.payload import envelope

    records = [
        {
            "name": entry.name,
            "computes": entry.summary,
            "kind": entry.kind,
            "assumes": entry.assumes,
            "fails": entry.fails,
            "reference": entry.reference,
            "pointwise": entry.pointwise,
        }
        for entry in ESTIMATORS.values()
    ]
    views = Views(
        payload=envelope("estimators", estimators=records),
        table=lambda width, color: estimators_table(records, width=width, color=color),
        records=lambda: records,
    )
    show_listing(views, ctx)
