"""Pictures of GAN runs: samples over data, densities as in Figs. 3 and 4 of the paper, and curves of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minecli.report.bench_style import FAINT, INK, image, legend_above, new_figure, tidy
from minecli.report.gan_columns import column_figure
from minecli.report.gan_digits import digit_figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Rows = npt.NDArray[np.floating[Any]]

_COLORS = ("#64748b", "#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777")
_MOST_POINTS = 2500
_DENSITY_CELLS = 160
_CURVES = (
    ("information_nats", "information, nats"),
    ("generator_loss", "generator loss"),
    ("discriminator_loss", "discriminator loss"),
    ("adversarial_norm", "norm of the adversarial gradient"),
    ("information_norm", "norm of the information gradient"),
)


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
    drawn = _of_samples(real, generated) | {"curves": _curves(payload)}
    return {f"{name}.{kind}": image(figure, kind) for name, figure in drawn.items() for kind in ("png", "svg")}


def _of_samples(real: Cloud, generated: Sequence[Cloud]) -> dict[str, Figure]:
    if real.columns is not None:
        shown = [
            (cloud.title, cloud.columns or {}, color)
            for cloud, color in zip(generated, _cycle(len(generated)), strict=True)
        ]
        return {"columns": column_figure(real.columns, shown)}
    if real.rows.ndim > 2:
        return {"digits": digit_figure([(cloud.title, cloud.rows) for cloud in (real, *generated)])}
    return {"samples": _samples(real.rows, generated), "density": _densities([real, *generated])}


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    columns = min(count, 4)
    lines = -(-count // columns)
    figure = new_figure(3.2 * columns, 3.4 * lines)
    grid = figure.subplots(lines, columns, squeeze=False)
    axes = list(grid.ravel())
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[:count]


def _samples(real: Rows, clouds: Sequence[Cloud]) -> Figure:
    figure, axes = _panels(len(clouds))
    limits = _limits(real)
    for axis, cloud, color in zip(axes, clouds, _cycle(len(clouds)), strict=True):
        tidy(axis)
        size = 4.0
        axis.scatter(real[:_MOST_POINTS, 0], real[:_MOST_POINTS, 1], s=size, color=FAINT, linewidths=0)
        axis.scatter(
            cloud.rows[:_MOST_POINTS, 0], cloud.rows[:_MOST_POINTS, 1], s=size, color=color, linewidths=0, alpha=0.6
        )
        _frame(axis, cloud.title, limits)
    return figure


def _densities(clouds: Sequence[Cloud]) -> Figure:
    """A smoothed histogram is a kernel density estimate on a grid; the same grid and width for all panels."""
    import numpy as np
    from scipy.ndimage import gaussian_filter

    figure, axes = _panels(len(clouds))
    limits = _limits(clouds[0].rows)
    for axis, cloud in zip(axes, clouds, strict=True):
        counts, *_ = np.histogram2d(cloud.rows[:, 0], cloud.rows[:, 1], bins=_DENSITY_CELLS, range=[limits, limits])
        smooth = gaussian_filter(counts / max(1, len(cloud.rows)), 2.0)
        axis.imshow(np.sqrt(smooth.T), origin="lower", extent=(*limits, *limits), cmap="Blues")
        _frame(axis, cloud.title, limits)
    return figure


def _frame(axis: Axes, title: str, limits: tuple[float, float]) -> None:
    axis.set_title(title, color=INK, fontsize=10)
    axis.set_xlim(limits)
    axis.set_ylim(limits)
    axis.set_aspect("equal")
    axis.tick_params(colors=INK, labelsize=8, length=0)
    axis.spines[:].set_visible(False)


def _limits(real: Rows) -> tuple[float, float]:
    """One square that holds the data with a margin of a tenth."""
    low, high = float(real.min()), float(real.max())
    margin = 0.1 * (high - low)
    return low - margin, high + margin


def _curves(payload: Mapping[str, Any]) -> Figure:
    """One panel per quantity, one thin line per seed and a colour per method; what nobody has is left out."""
    from matplotlib.lines import Line2D

    looks = [look for entry in payload["methods"] for seed in entry["seeds"] for look in seed["history"]]
    labels = [*_CURVES, *((name, name.replace("_", " ")) for name in (looks[-1]["metrics"] if looks else {}))]
    shown = [(name, label) for name, label in labels if any(_value(look, name) is not None for look in looks)]
    figure, axes = _panels(max(1, len(shown)))
    for axis, (name, label) in zip(axes, shown, strict=False):
        tidy(axis)
        axis.set_title(label, color=INK, fontsize=9)
        for entry, color in zip(payload["methods"], _cycle(len(payload["methods"])), strict=True):
            for seed in entry["seeds"]:
                known = [(look["step"], v) for look in seed["history"] if (v := _value(look, name)) is not None]
                if known:
                    # A single look makes no line.
                    marker = "o" if len(known) == 1 else ""
                    steps, values = [step for step, _ in known], [v for _, v in known]
                    axis.plot(steps, values, color=color, linewidth=1.0, marker=marker, markersize=4)
    handles = [
        Line2D([], [], color=color, label=entry["method"])
        for entry, color in zip(payload["methods"], _cycle(len(payload["methods"])), strict=True)
    ]
    legend_above(figure, handles, "one line per seed, over training steps")
    return figure


def _value(look: Mapping[str, Any], name: str) -> float | None:
    found: float | None = look[name] if name in look else look["metrics"].get(name)
    return found


def _cycle(count: int) -> list[str]:
    return [_COLORS[i % len(_COLORS)] for i in range(count)]
