"""`minecli columns`: what --x and --z can name."""

from __future__ import annotations

import typer

from minecli import __version__
from minecli.cli import options as opt
from minecli.cli.delivery import deliver, resolve_format
from minecli.cli.destinations import check_destinations
from minecli.cli.reading_options import announce_remote, reading_from, reads_a_table
from minecli.cli.streams import Streams

EXAMPLE = "minecli columns sample_data/mixed_missing.csv"
HELP = f"""List the columns of a table: what --x and --z can name, and how each would be used.

Example: {EXAMPLE}
"""


@reads_a_table
def columns(
    ctx: typer.Context,
    data: opt.Data,
    categorical: opt.Categorical = None,
    numeric: opt.Numeric = None,
    format: opt.TableFormat = "auto",
    output: opt.Output = None,
    spreadsheet_safe: opt.SpreadsheetSafe = False,
    quiet: opt.Quiet = 0,
) -> None:
    from minecli.report import formats
    from minecli.report.listing import columns_payload, columns_table
    from minecli.tables.files.sources import label_of
    from minecli.tables.summary import describe_columns

    streams: Streams = ctx.obj
    streams.quiet = quiet
    chosen = resolve_format(format, streams, output)
    check_destinations({"--output": output}, data, [*(categorical or ()), *(numeric or ())])
    source = data[0] if len(data) == 1 else tuple(data)
    announce_remote(source, streams)
    found = describe_columns(
        source,
        reading=reading_from(ctx.params),
        categorical=tuple(categorical or ()),
        numeric=tuple(numeric or ()),
        stdin=streams.stdin,
    )
    for note in found.notes:
        streams.info(note)
    records, label = found.records(), label_of(source)
    if chosen == "table":
        color = streams.color(output is None and streams.stdout_is_terminal)
        text: str = columns_table(records, width=streams.width, color=color)
    elif chosen == "json":
        text = formats.to_json(columns_payload(records, source=label, tool_version=__version__))
    elif chosen == "ndjson":
        text = formats.to_ndjson(columns_payload(records, source=label, tool_version=__version__)["columns"])
    else:
        text = formats.to_csv(records, defuse=spreadsheet_safe)
    deliver(text, streams, output)
