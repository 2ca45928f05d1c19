"""The style of pictures: colours, markers, axes, legends, and files that are the same each time."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minecli.foreign import legible

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    Rows = npt.NDArray[np.floating[Any]]

# Text and lines of their own; figures on a light ground; a grid, and data behind what is compared with them; the same
# where single points of them have to be seen; lines between groups; every other row.
INK, DARK = "#334155", "#0f172a"
FAINT, BEHIND = "#e2e8f0", "#cbd5e1"
DIVIDER, BAND = "#94a3b8", "#f8fafc"
# An estimator has the same colour and marker in every picture; names not listed have the spare ones in order.
_ESTIMATORS: Mapping[str, tuple[str, str]] = {
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
# Methods that are compared, and lines in one panel.
_METHODS = (
    "#64748b", "#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777", "#0891b2", "#78350f", "#84cc16", "#dc2626",
)  # fmt: skip
_LINES = ("#2563eb", "#d97706", "#059669", "#db2777")
# Of size 10, with room to spare.
_LETTERS_PER_INCH = 11


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, without a window.

    >>> new_figure(7.0, 3.4).get_size_inches().tolist()
    [7.0, 3.4]
    """
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


def picture_files(figures: Mapping[str, Figure | None]) -> dict[str, bytes]:
    """File name to content, each figure as PNG and as SVG; None is left out.

    >>> list(picture_files({"curves": new_figure(1.0, 1.0), "plane": None}))
    ['curves.png', 'curves.svg']
    """
    present = {name: figure for name, figure in figures.items() if figure is not None}
    return {f"{name}.{kind}": image(figure, kind) for name, figure in present.items() for kind in ("png", "svg")}


def drawable(text: str) -> str:
    r"""Foreign text, such as the name of a column, as matplotlib may have it: legible, and without dollars that
    start a formula.

    >>> drawable("$\\frac$"), drawable("bell \x07")
    ('\\$\\frac\\$', 'bell \\x07')
    """
    return legible(text).replace("$", r"\$")


def estimator_styles(estimators: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of every estimator.

    >>> estimator_styles(["new", "ksg"])
    {'new': ('#4338ca', 'p'), 'ksg': ('#059669', '^')}
    """
    spare = {n: _SPARE[i % len(_SPARE)] for i, n in enumerate(n for n in estimators if n not in _ESTIMATORS)}
    return {name: _ESTIMATORS[name] if name in _ESTIMATORS else spare[name] for name in estimators}


def tidy(axes: Axes, grid: str = "both") -> None:
    """The house style of axes: a faint grid, no frame."""
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.grid(axis=grid, color=FAINT, linewidth=0.8)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def estimator_names(payload: Mapping[str, Any]) -> list[str]:
    """The estimators that have records, in the order of the table.

    >>> estimator_names({"estimators": [{"estimator": "mine"}, {"estimator": "ksg"}]})
    ['mine', 'ksg']
    """
    return [row["estimator"] for row in payload["estimators"]]


def estimator_handles(names: Sequence[str]) -> list[Line2D]:
    """One entry of a legend per estimator, in its colour and with its marker."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=color, marker=marker, markersize=6, linewidth=1.4, label=name)
        for name, (color, marker) in estimator_styles(names).items()
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


def method_colors(count: int) -> list[str]:
    """A colour for each of so many methods, in their order; after ten they repeat.

    >>> method_colors(11)[0] == method_colors(11)[10]
    True
    """
    return [_METHODS[i % len(_METHODS)] for i in range(count)]


def line_colors(labels: Sequence[str]) -> dict[str, str]:
    """A colour for each kind of line in one panel; after four they repeat.

    >>> line_colors(["held out", "training"])
    {'held out': '#2563eb', 'training': '#d97706'}
    """
    return {label: _LINES[i % len(_LINES)] for i, label in enumerate(labels)}


def panel_grid(
    count: int, *, across: int = 4, width: float = 3.2, height: float = 3.4, margin: float = 0.0
) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, line by line; what is left of the last line stays empty.

    Args:
        across: most panels in a line.
        width, height: of a panel, inches.
        margin: inches above all panels, for a legend or a title.

    >>> figure, axes = panel_grid(5)
    >>> figure.get_size_inches().round(1).tolist(), len(axes)
    ([12.8, 6.8], 5)
    """
    columns = min(count, across)
    lines = -(-count // columns)
    figure = new_figure(width * columns, height * lines + margin)
    axes = list(figure.subplots(lines, columns, squeeze=False).ravel())
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[:count]


def square_around(rows: Rows) -> tuple[float, float]:
    """The limits of one square that holds rows (n, 2), or values (n,), with a margin of a tenth, or, where all values
    are the same, of 1.

    >>> import numpy as np
    >>> square_around(np.array([[0.0, 10.0], [5.0, 5.0]]))
    (-1.0, 11.0)
    """
    low, high = float(rows.min()), float(rows.max())
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin


def frame_square(axis: Axes, title: str, limits: tuple[float, float]) -> None:
    """A square part of the plane under a title, without a frame around it."""
    axis.set_title(title, color=INK, fontsize=10)
    axis.set_xlim(limits)
    axis.set_ylim(limits)
    axis.set_aspect("equal")
    axis.tick_params(colors=INK, labelsize=8, length=0)
    axis.spines[:].set_visible(False)


def draw_dots(axis: Axes, points: Rows, **style: Any) -> None:
    """Points in the plane, shape (n, 2), as small dots."""
    axis.scatter(points[:, 0], points[:, 1], s=4.0, linewidths=0, **style)


def draw_image(axis: Axes, picture: Rows, title: str, **how: Any) -> None:
    """A picture (height, width, 3) under a title, without axes."""
    axis.imshow(picture, **how)
    axis.set_title(title, color=INK, fontsize=10)
    axis.set_axis_off()


def heading(figure: Figure, text: str) -> None:
    """A line over all panels that says what they show, broken where the figure is narrow."""
    import textwrap

    figure.suptitle(textwrap.fill(text, int(_LETTERS_PER_INCH * figure.get_figwidth())), color=INK, fontsize=10)
