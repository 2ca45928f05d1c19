"""How pictures of benchmarks look: colours, markers, axes, legends, and files that are the same each time."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minecli.foreign import legible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

INK = "#334155"
FAINT = "#e2e8f0"
# An estimator looks the same in every picture; names not listed take the spare looks in order.
_LOOKS: Mapping[str, tuple[str, str]] = {
    "mine": ("#2563eb", "o"),
    "mine-f": ("#d97706", "s"),
    "info-nce": ("#db2777", "P"),
    "smile": ("#0891b2", "X"),
    "mine-js": ("#65a30d", "<"),
    "tuba": ("#92400e", ">"),
    "ksg": ("#059669", "^"),
    "mixed-ksg": ("#7c3aed", "v"),
    "plug-in": ("#b45309", "P"),
    "gaussian": ("#64748b", "D"),
}
_SPARE = (("#4338ca", "p"), ("#be123c", "h"), ("#ca8a04", "*"), ("#0f766e", "d"))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, without a window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def image(figure: Figure, kind: str) -> bytes:
    """The figure as PNG or SVG. No date, version or random name in it: the same result gives the same bytes."""
    import matplotlib

    buffer = io.BytesIO()
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    with matplotlib.rc_context({"svg.hashsalt": "minecli"}):
        figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def drawn(text: str) -> str:
    r"""Foreign text, such as the name of a column, as matplotlib may have it: legible, and dollars not taken for
    mathematics.

    >>> drawn("$\\frac$"), drawn("bell \x07")
    ('\\$\\frac\\$', 'bell \\x07')
    """
    return legible(text).replace("$", r"\$")


def looks(estimators: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of every estimator.

    >>> looks(["new", "ksg"])["ksg"]
    ('#059669', '^')
    """
    unknown = [name for name in estimators if name not in _LOOKS]
    return {name: _LOOKS[name] if name in _LOOKS else _SPARE[unknown.index(name) % len(_SPARE)] for name in estimators}


def tidy(axes: Axes, grid: str = "both") -> None:
    """The house style of axes: a faint grid, no frame."""
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.grid(axis=grid, color=FAINT, linewidth=0.8)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def estimator_names(payload: Mapping[str, Any]) -> list[str]:
    """The estimators that have records, in the order of the table."""
    return [row["estimator"] for row in payload["estimators"]]


def estimator_handles(names: Sequence[str]) -> list[Line2D]:
    """One entry of a legend per estimator."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=color, marker=marker, markersize=6, linewidth=1.4, label=name)
        for name, (color, marker) in looks(names).items()
    ]


def legend_above(figure: Figure, handles: Sequence[Line2D], title: str) -> None:
    """A legend over the whole figure, headed by a line that says how the numbers came about."""
    legend = figure.legend(
        handles=handles,
        title=title,
        loc="outside upper center",
        ncols=min(len(handles), 6),
        frameon=False,
        labelcolor=INK,
        fontsize=10,
        title_fontsize=10,
    )
    legend.get_title().set_color(INK)
