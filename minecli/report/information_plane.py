"""The information plane of `minecli ib`: what codes say about the class against what they keep of the row, by beta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from minecli.report.figure_style import INK, legend_above, method_colors, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Entry = Mapping[str, Any]

# Where a label may stand beside its point, in points of the page, the first that is free.
_PLACES: tuple[tuple[float, float, Literal["left", "center", "right"]], ...] = (
    (5, -9, "left"), (5, 4, "left"), (-5, -9, "right"), (-5, 4, "right"), (0, 8, "center"), (0, -14, "center"),
    (14, -3, "left"), (-14, -3, "right"), (5, 16, "left"), (5, -22, "left"),
)  # fmt: skip


@dataclass(frozen=True, order=True)
class PlanePoint:
    """One beta: I(Z;Y) at least, and I(X;Z) as it is known, in nats.

    `x` is the middle of the interval from `low` to `high` between which I(X;Z) is known to lie, or the bound by fresh
    networks; `high` None: nothing is known from above.
    """

    beta: float
    x: float
    y: float
    low: float
    high: float | None
    is_open: bool


def plane_points(entry: Entry) -> list[PlanePoint]:
    """The points of a method, by beta; those of which a side is not known are left out."""
    points = []
    for point in entry["choosing"]:

        def mean(name: str, summary: Mapping[str, Any] = point["summary"]) -> float | None:
            value: float | None = summary.get(name, {}).get("mean")
            return value

        fresh, y = mean("information_nats"), mean("label_information_nats")
        low, high = mean("information_low_nats"), mean("information_high_nats")
        if y is None or (low is None and fresh is None):
            continue
        if low is not None and high is not None:
            points.append(PlanePoint(point["beta"], 0.5 * (low + high), y, low, high, False))
        elif fresh is not None:
            points.append(PlanePoint(point["beta"], fresh, y, fresh, high, bool(point["near_ceiling"])))
    return sorted(points)


def plane(methods: Sequence[Entry]) -> Figure | None:
    """I(Z;Y) against I(X;Z) of every beta, on the rows held back; None where no method has several."""
    from matplotlib.lines import Line2D

    known = [(e["method"], each) for e in methods if len(e["choosing"]) > 1 and (each := plane_points(e))]
    if not known:
        return None
    figure = new_figure(6.5, 4.4)
    axis = figure.subplots()
    tidy(axis)
    colors = method_colors(len(known))
    for (_, points), color in zip(known, colors, strict=True):
        axis.plot([point.x for point in points], [point.y for point in points], color=color, linewidth=1.0)
        for point in points:
            if point.high is not None:
                axis.plot([point.low, point.high], [point.y, point.y], "|-", color=color, linewidth=2.5, alpha=0.35)
            inside = "white" if point.is_open else color
            axis.plot(point.x, point.y, "o", color=color, markerfacecolor=inside, markersize=5)
    axis.margins(x=0.08, y=0.08)
    axis.set_xlabel("I(X;Z), nats: known to lie in the bar, or at least, by fresh networks", color=INK)
    axis.set_ylabel("I(Z;Y), at least, nats", color=INK)
    handles = [Line2D([], [], color=c, marker="o", label=m) for (m, _), c in zip(known, colors, strict=True)]
    legend_above(figure, handles, "each point a beta; hollow: close to or beyond what the rows certify")
    _label(axis, [(point, color) for (_, points), color in zip(known, colors, strict=True) for point in points])
    return figure


def _label(axis: Axes, points: Sequence[tuple[PlanePoint, str]]) -> None:
    """Write beta beside every point, where no other label and no point is; a label without such a place stands at the
    first."""
    figure = axis.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    dots = [axis.transData.transform((p.x, p.y)) for p, _ in points]
    taken: list[Any] = []
    for point, color in points:
        text = axis.annotate(
            f"{point.beta:g}", (point.x, point.y), xytext=_PLACES[0][:2], textcoords="offset points", fontsize=7,
            color=color, ha=_PLACES[0][2],
        )  # fmt: skip
        for x, y, alignment in (*_PLACES, _PLACES[0]):
            text.set_position((x, y))
            text.set_horizontalalignment(alignment)
            box = text.get_window_extent(renderer)
            if not any(box.overlaps(other) for other in taken) and not any(box.contains(*dot) for dot in dots):
                break
        taken.append(box)
