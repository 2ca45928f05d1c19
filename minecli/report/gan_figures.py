"""Pictures of GAN runs: samples over data, densities as in Figs. 3 and 4 of the paper, and curves of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minecli.report.bench_style import (
    FAINT,
    INK,
    drawn,
    frame_square,
    image,
    legend_above,
    method_colors,
    new_figure,
    panel_grid,
    square_around,
    tidy,
)
from minecli.report.mosaic import mosaic
from minecli.report.training_curves import training_curves

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

    Rows = npt.NDArray[np.floating[Any]]
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes

    Images = npt.NDArray[np.floating[Any]]


_MOST_POINTS = 2500
_DENSITY_CELLS = 160


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
    drawn = _of_samples(real, generated)
    if (curves := training_curves(payload["methods"])) is not None:
        drawn["curves"] = curves
    return {f"{name}.{kind}": image(figure, kind) for name, figure in drawn.items() for kind in ("png", "svg")}


def _of_samples(real: Cloud, generated: Sequence[Cloud]) -> dict[str, Figure]:
    if real.columns is not None:
        shown = [
            (cloud.title, cloud.columns or {}, color)
            for cloud, color in zip(generated, method_colors(len(generated)), strict=True)
        ]
        return {"columns": column_figure(real.columns, shown)}
    if real.rows.ndim > 2:
        return {"digits": digit_figure([(cloud.title, cloud.rows) for cloud in (real, *generated)])}
    return {"samples": _samples(real.rows, generated), "density": _densities([real, *generated])}


def _samples(real: Rows, clouds: Sequence[Cloud]) -> Figure:
    figure, axes = panel_grid(len(clouds))
    limits = square_around(real)
    for axis, cloud, color in zip(axes, clouds, method_colors(len(clouds)), strict=True):
        tidy(axis)
        size = 4.0
        axis.scatter(real[:_MOST_POINTS, 0], real[:_MOST_POINTS, 1], s=size, color=FAINT, linewidths=0)
        axis.scatter(
            cloud.rows[:_MOST_POINTS, 0], cloud.rows[:_MOST_POINTS, 1], s=size, color=color, linewidths=0, alpha=0.6
        )
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


MOST_PANELS = 16
_MOST_LEVELS = 12
_BINS = 40

Columns = Mapping[str, Sequence[Any]]


def column_figure(real: Columns, generated: Sequence[tuple[str, Columns, str]]) -> Figure:
    """The distribution of each of the first 16 columns, real ones filled, generated ones as lines.

    Args:
        real: values by column.
        generated: title, values by column, and colour, of each method.
    """
    from matplotlib.lines import Line2D

    names = list(real)[:MOST_PANELS]
    per_line = min(4, len(names))
    lines = -(-len(names) // per_line)
    figure = new_figure(3.2 * per_line, 2.4 * lines + 0.6)
    axes = list(figure.subplots(lines, per_line, squeeze=False).ravel())
    for spare in axes[len(names) :]:
        spare.set_visible(False)
    for axis, name in zip(axes, names, strict=False):
        tidy(axis)
        axis.set_title(drawn(name), color=INK, fontsize=9)
        others = [(columns[name], colour) for _, columns, colour in generated]
        (_numbers if _is_numeric(real[name]) else _levels)(axis, real[name], others)
        axis.set_yticks([])
    handles = [Line2D([], [], color=FAINT, linewidth=6, label="real")]
    handles += [Line2D([], [], color=colour, label=title) for title, _, colour in generated]
    shown = "" if len(real) <= MOST_PANELS else f", the first {MOST_PANELS} of {len(real)} columns"
    legend_above(figure, handles, f"distribution of each column{shown}")
    return figure


def _is_numeric(values: Sequence[Any]) -> bool:
    import numpy as np

    return np.asarray(values[:1]).dtype.kind in "iuf"


def _numbers(axis: Axes, real: Sequence[Any], others: Sequence[tuple[Sequence[Any], str]]) -> None:
    """Histograms over the middle 99 % of the real values."""
    import numpy as np

    low, high = (float(v) for v in np.quantile(np.asarray(real, dtype=np.float64), (0.005, 0.995)))
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1).tolist()
    axis.hist(np.asarray(real, dtype=np.float64), bins=edges, density=True, color=FAINT)
    for values, colour in others:
        axis.hist(np.asarray(values, dtype=np.float64), bins=edges, density=True, histtype="step", color=colour)


def _levels(axis: Axes, real: Sequence[Any], others: Sequence[tuple[Sequence[Any], str]]) -> None:
    """Shares of the most frequent levels."""
    from collections import Counter

    counts = Counter(map(str, real))
    levels = [level for level, _ in counts.most_common(_MOST_LEVELS)]
    axis.bar(range(len(levels)), [counts[level] / len(real) for level in levels], color=FAINT)
    for values, colour in others:
        found = Counter(map(str, values))
        axis.plot(
            range(len(levels)), [found[level] / len(values) for level in levels], "_", color=colour, markersize=12
        )
    axis.set_xticks(range(len(levels)), [drawn(level[:8]) for level in levels], rotation=60, fontsize=7)


def digit_figure(panels: Sequence[tuple[str, Images]]) -> Figure:
    """One grid of images per title.

    Args:
        panels: titles with images (n, channels, 28, 28) from -1 to 1; the first 64 are shown.
    """
    figure = new_figure(3.2 * len(panels), 3.5)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, images) in zip(axes, panels, strict=True):
        axis.imshow(mosaic(images), interpolation="nearest")
        axis.set_title(title, color=INK, fontsize=10)
        axis.set_axis_off()
    return figure
