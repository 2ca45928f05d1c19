"""`minecli docs`: the manual, page by page."""

from __future__ import annotations

import typer

from minecli.cli.options import argument, takes
from minecli.cli.streams import Streams
from minecli.docs import page, topics

EXAMPLE = "minecli docs trust"
HELP = f"""Show a page of the manual, or list its pages.

Example: {EXAMPLE}
"""


@takes(
    {"topic": argument(str | None, "Name of the page; without it the pages are listed.", "TOPIC", completions=topics)}
)
def docs(ctx: typer.Context) -> None:
    topic = ctx.params["topic"]
    streams: Streams = ctx.obj
    if topic is None:
        widest = max(map(len, topics()))
        streams.result("".join(f"{name:{widest}}  {about}\n" for name, about in topics().items()))
    else:
        streams.result(_rendered(page(topic), streams) if streams.stdout_is_terminal else page(topic))


def _rendered(text: str, streams: Streams) -> str:
    from rich.markdown import Markdown

    from minecli.report.text_tables import render

    # Links by their target: the page it names can be typed, where a terminal's hyperlink leads nowhere.
    return render([Markdown(text, hyperlinks=False, code_theme="ansi_dark")], streams.width, streams.color(True))
