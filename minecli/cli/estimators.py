"""`minecli estimators`: what -e can name, what each takes for granted, and when it fails."""

from __future__ import annotations

import typer

from minecli import __version__
from minecli.cli import options as opt
from minecli.cli.delivery import deliver, resolve_format
from minecli.cli.streams import Streams
from minecli.estimators.registry import ESTIMATORS

EXAMPLE = "minecli estimators --format csv"
HELP = f"""List the estimators: what each computes and assumes, when it fails, and its source.

Example: {EXAMPLE}
"""


def estimators(
    ctx: typer.Context, format: opt.TableFormat = "auto", output: opt.Output = None, quiet: opt.Quiet = 0
) -> None:
    from minecli.report import formats
    from minecli.report.listing import estimators_payload, estimators_table
    from minecli.runtime.writing import check_writable

    streams: Streams = ctx.obj
    streams.quiet = quiet
    chosen = resolve_format(format, streams, output)
    if output is not None:
        check_writable(output)
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
    if chosen == "table":
        color = streams.color(output is None and streams.stdout_is_terminal)
        text = estimators_table(records, width=streams.width, color=color)
    elif chosen == "json":
        text = formats.to_json(estimators_payload(records, tool_version=__version__))
    else:
        text = formats.to_csv(records) if chosen == "csv" else formats.to_ndjson(records)
    deliver(text, streams, output)
