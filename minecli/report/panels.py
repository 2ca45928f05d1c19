"""Panels of one picture: their grid, a colour per method, and squares of the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minecli.report.bench_style import INK, new_figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Rows = npt.NDArray[np.floating[Any]]

_COLORS = (
    "#64748b", "#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777", "#0891b2", "#78350f", "#84cc16", "#dc2626",
)  # fmt: skip
# Of size 10, with room to spare.
_LETTERS_PER_INCH = 11


def method_colors(count: int) -> list[str]:
    """A colour for each of so many methods, in their order; after ten they repeat.

    >>> method_colors(11)[0] == method_colors(11)[10]
    True
    """
    return [_COLORS[i % len(_COLORS)] for i in range(count)]


def panel_grid(
    count: int, *, across: int = 4, width: float = 3.2, height: float = 3.4, margin: float = 0.0
) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, line by line; what is left of the last line stays empty.

    Args:
        across: most panels in a line.
        width, height: of a panel, inches.
        margin: inches above all panels, for a legend or a title.
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


def heading(figure: Figure, text: str) -> None:
    """A line over all panels that says what they show, broken where the figure is narrow."""
    import textwrap

    figure.suptitle(textwrap.fill(text, int(_LETTERS_PER_INCH * figure.get_figwidth())), color=INK, fontsize=10)
