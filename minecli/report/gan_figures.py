"""Pictures of GAN runs: samples over data, densities as in Figs. 3 and 4 of the paper, and curves of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minecli.report.bench_style import FAINT, image, tidy
from minecli.report.gan_columns import column_figure
from minecli.report.gan_digits import digit_figure
from minecli.report.panels import frame_square, method_colors, panel_grid, square_around
from minecli.report.training_curves import training_curves

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

    Rows = npt.NDArray[np.floating[Any]]

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
