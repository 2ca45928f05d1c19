"""Pictures of GAN runs: samples over data, densities as in Figs. 3 and 4 of the paper, and curves of training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minecli.report.figure_style import (
    FAINT,
    INK,
    draw_dots,
    draw_image,
    drawable,
    frame_square,
    legend_above,
    method_colors,
    new_figure,
    panel_grid,
    picture_files,
    square_around,
    tidy,
)
from minecli.report.mosaic import mosaic
from minecli.report.training_curves import training_curves

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Rows = npt.NDArray[np.floating[Any]]
    Images = npt.NDArray[np.floating[Any]]

# Values by column of a table.
Columns = Mapping[str, Sequence[Any]]

MOST_PANELS = 16
_MOST_POINTS = 2500
_DENSITY_CELLS = 160
_MOST_LEVELS = 12
_BINS = 40


@dataclass(frozen=True)
class Cloud:
    """Samples under a title, shape (n, 2), (n, columns) or (n, channels, h, w); those of a user's table also as its
    columns, in their own units."""

    title: str
    rows: Rows
    columns: Mapping[str, Any] | None = None


def pictures(real: Cloud, generated: Sequence[Cloud], payload: Mapping[str, Any]) -> dict[str, bytes]:
    """File name to content, PNG and SVG: samples beside the data, as suits their shape, and the curves.

    Args:
        real: samples of the data.
        generated: samples of one seed of each method.
        payload: the run's JSON object, for the curves.
    """
    return picture_files({**_of_samples(real, generated), "curves": training_curves(payload["methods"])})


def column_figure(real: Columns, generated: Sequence[tuple[str, Columns, str]]) -> Figure:
    """The distribution of each of the first 16 columns, real ones filled, generated ones as lines.

    Args:
        real: values by column.
        generated: title, values by column, and colour, of each method.
    """
    from matplotlib.lines import Line2D

    names = list(real)[:MOST_PANELS]
    figure, axes = panel_grid(len(names), height=2.4, margin=0.6)
    for axis, name in zip(axes, names, strict=True):
        tidy(axis)
        axis.set_title(drawable(name), color=INK, fontsize=9)
        others = [(columns[name], color) for _, columns, color in generated]
        (_draw_numbers if _is_numeric(real[name]) else _draw_levels)(axis, real[name], others)
        axis.set_yticks([])
    handles = [Line2D([], [], color=FAINT, linewidth=6, label="real")]
    handles += [Line2D([], [], color=color, label=title) for title, _, color in generated]
    shown = "" if len(real) <= MOST_PANELS else f", the first {MOST_PANELS} of {len(real)} columns"
    legend_above(figure, handles, f"distribution of each column{shown}")
    return figure


def digit_figure(panels: Sequence[tuple[str, Images]]) -> Figure:
    """One grid of images per title, side by side.

    Args:
        panels: titles with images (n, channels, 28, 28) from -1 to 1; the first 64 are shown.
    """
    figure = new_figure(3.2 * len(panels), 3.5)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, shown) in zip(axes, panels, strict=True):
        draw_image(axis, mosaic(shown), title, interpolation="nearest")
    return figure


def _of_samples(real: Cloud, generated: Sequence[Cloud]) -> dict[str, Figure]:
    if real.columns is not None:
        colors = method_colors(len(generated))
        shown = [(cloud.title, cloud.columns or {}, color) for cloud, color in zip(generated, colors, strict=True)]
        return {"columns": column_figure(real.columns, shown)}
    if real.rows.ndim > 2:
        return {"digits": digit_figure([(cloud.title, cloud.rows) for cloud in (real, *generated)])}
    return {"samples": _samples(real.rows, generated), "density": _densities([real, *generated])}


def _samples(real: Rows, clouds: Sequence[Cloud]) -> Figure:
    """One panel per method: its samples over the data, in the plane."""
    figure, axes = panel_grid(len(clouds))
    limits = square_around(real)
    for axis, cloud, color in zip(axes, clouds, method_colors(len(clouds)), strict=True):
        tidy(axis)
        draw_dots(axis, real[:_MOST_POINTS], color=FAINT)
        draw_dots(axis, cloud.rows[:_MOST_POINTS], color=color, alpha=0.6)
        frame_square(axis, cloud.title, limits)
    return figure


def _densities(clouds: Sequence[Cloud]) -> Figure:
    """A smoothed histogram is a kernel density estimate on a grid; the same grid and width for all panels."""
    import numpy as np
    from scipy.ndimage import gaussian_filter

    figure, axes = panel_grid(len(clouds))
    limits = square_around(clouds[0].rows)
    for axis, cloud in zip(axes, clouds, strict=True):
        counts, *_ = np.histogram2d(cloud.rows[:, 0], cloud.rows[:, 1], bins=_DENSITY_CELLS, range=[limits, limits])
        smooth = gaussian_filter(counts / max(1, len(cloud.rows)), 2.0)
        axis.imshow(np.sqrt(smooth.T), origin="lower", extent=(*limits, *limits), cmap="Blues")
        frame_square(axis, cloud.title, limits)
    return figure


def _is_numeric(values: Sequence[Any]) -> bool:
    import numpy as np

    return np.asarray(values[:1]).dtype.kind in "iuf"


def _draw_numbers(axis: Axes, real: Sequence[Any], others: Sequence[tuple[Sequence[Any], str]]) -> None:
    """Histograms over the middle 99 % of the real values."""
    import numpy as np

    low, high = (float(v) for v in np.quantile(np.asarray(real, dtype=np.float64), (0.005, 0.995)))
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1).tolist()
    axis.hist(np.asarray(real, dtype=np.float64), bins=edges, density=True, color=FAINT)
    for values, color in others:
        axis.hist(np.asarray(values, dtype=np.float64), bins=edges, density=True, histtype="step", color=color)


def _draw_levels(axis: Axes, real: Sequence[Any], others: Sequence[tuple[Sequence[Any], str]]) -> None:
    """Shares of the most frequent levels."""
    counts = Counter(map(str, real))
    levels = [level for level, _ in counts.most_common(_MOST_LEVELS)]
    axis.bar(range(len(levels)), [counts[level] / len(real) for level in levels], color=FAINT)
    for values, color in others:
        own = Counter(map(str, values))
        axis.plot(range(len(levels)), [own[level] / len(values) for level in levels], "_", color=color, markersize=12)
    axis.set_xticks(range(len(levels)), [drawable(level[:8]) for level in levels], rotation=60, fontsize=7)
