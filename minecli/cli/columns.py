"""`minecli columns`: what --x and --z can name."""

from __future__ import annotations

import typer

from minecli.cli.destinations import check_destinations
from minecli.cli.options import argument, takes
from minecli.cli.presentation import presentation_of, show
from minecli.cli.reading_options import READING, announce_remote, reading_from
from minecli.cli.shared_options import KINDS, RESULT, SPREADSHEET_SAFE, TABLE_HELP

EXAMPLE = "minecli columns sample_data/mixed_missing.csv"
HELP = f"""List the columns of a table: what --x and --z can name, and how each would be used.

Example: {EXAMPLE}
"""


@takes({"data": argument(list[str], TABLE_HELP, "DATA", default=...)}, READING, KINDS, RESULT, SPREADSHEET_SAFE)
def columns(ctx: typer.Context) -> None:
    from minecli.report.formats import Views
    from minecli.report.listing import columns_payload, columns_table
    from minecli.report.payload import plain
    from minecli.tables.files.sources import label_of
    from minecli.tables.summary import describe_columns

    given, streams, shown = ctx.params, ctx.obj, presentation_of(ctx)
    data, kinds = given["data"], {name: given[name] or () for name in KINDS}
    check_destinations({"--output": shown.output}, data, [each for selected in kinds.values() for each in selected])
    source = data[0] if len(data) == 1 else tuple(data)
    announce_remote(source, streams)
    described = describe_columns(source, reading=reading_from(given), stdin=streams.stdin, **kinds)
    for note in described.notes:
        streams.info(note)
    records = described.records()
    views = Views(
        payload=columns_payload(records, source=label_of(source)),
        table=lambda width, color: columns_table(records, width=width, color=color),
        records=lambda: records,
        lines=lambda: [plain(record) for record in records],
    )
    show(views, shown, streams)
