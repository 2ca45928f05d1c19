"""`minecli columns`: what --x and --z can name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from minecli import __version__
from minecli.cli import options as opt
from minecli.cli.delivery import deliver, resolve_format
from minecli.cli.destinations import check_destinations
from minecli.cli.streams import Streams

EXAMPLE = "minecli columns sample_data/mixed_missing.csv"
HELP = f"""List the columns of a table: what --x and --z can name, and how each would be used.

Example: {EXAMPLE}
"""


def columns(
    ctx: typer.Context,
    data: opt.Data,
    input_format: opt.InputFormat = None,
    delimiter: opt.Delimiter = None,
    na_values: opt.NaValues = None,
    categorical: opt.Categorical = None,
    numeric: opt.Numeric = None,
    format: opt.TableFormat = "auto",
    output: opt.Output = None,
    quiet: opt.Quiet = 0,
) -> None:
    from minecli.report import formats
    from minecli.report.listing import columns_payload, columns_table
    from minecli.tables.summary import describe_columns

    streams: Streams = ctx.obj
    streams.quiet = quiet
    chosen = resolve_format(format, streams, output)
    check_destinations({"--output": output}, data, [*(categorical or ()), *(numeric or ())])
    found = describe_columns(
        data,
        input_format=input_format,
        delimiter=delimiter,
        na_values=tuple(na_values or ()),
        categorical=tuple(categorical or ()),
        numeric=tuple(numeric or ()),
        stdin=streams.stdin,
    )
    records: list[dict[str, Any]] = [asdict(column) for column in found]
    if chosen == "table":
        color = streams.color(output is None and streams.stdout_is_terminal)
        text = columns_table(records, width=streams.width, color=color)
    elif chosen == "json":
        text = formats.to_json(columns_payload(records, source=data, tool_version=__version__))
    elif chosen == "ndjson":
        text = formats.to_ndjson(columns_payload(records, source=data, tool_version=__version__)["columns"])
    else:
        text = formats.to_csv(records)
    deliver(text, streams, output)
