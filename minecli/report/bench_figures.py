"""Pictures of benchmarks, drawn from the payload: the suite here, the paper's figures in `paper_figures`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from minecli.report.figure_style import (
    BAND,
    DIVIDER,
    INK,
    estimator_handles,
    estimator_names,
    estimator_styles,
    legend_above,
    new_figure,
    picture_files,
    tidy,
)
from minecli.report.paper_figures import fig1_picture, fig2_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW_INCHES = 0.34
LINEAR_NATS = 0.1


def pictures(payload: Mapping[str, Any]) -> dict[str, bytes]:
    """The picture of a benchmark as NAME.png and NAME.svg, NAME being suite, fig1 or fig2; none without records."""
    if not payload["records"]:
        return {}
    name = payload["command"].split()[-1]
    figure = {"suite": suite_picture, "fig1": fig1_picture, "fig2": fig2_picture}[name](payload)
    return picture_files({name: figure})


def _by_group(tasks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Tasks of one group together, groups and tasks in the order of their first appearance."""
    order = list(dict.fromkeys(task["group"] for task in tasks))
    return sorted(tasks, key=lambda task: order.index(task["group"]))


def suite_picture(payload: Mapping[str, Any]) -> Figure:
    """Every task a row: on the left estimates against the truth, on the right how far off they are."""
    tasks = _by_group(payload["tasks"])
    names = estimator_names(payload)
    longest = max(len(task["spec"]) for task in tasks)
    row_inches = max(_ROW_INCHES, 0.1 * len(names) + 0.06)
    figure = new_figure(7.6 + 0.075 * longest, row_inches * len(tasks) + 1.3)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for row, task in enumerate(tasks):
        truth = task["true_mi_nats"]
        left.plot([truth, truth], [row - 0.42, row + 0.42], color=INK, linewidth=2.2, solid_capstyle="butt", zorder=3)
        records = [r for r in payload["records"] if r["spec"] == task["spec"]]
        for i, name in enumerate(names):
            offset = 0.6 * ((i + 0.5) / len(names) - 0.5)
            own = [r for r in records if r["estimator"] == name and r["mi_nats"] is not None]
            _draw_answer(left, own, row + offset, 0.0, estimator_styles(names)[name])
            _draw_answer(right, own, row + offset, truth, estimator_styles(names)[name])
    for axes in (left, right):
        _bands(axes, tasks)
        tidy(axes, "x")
    left.set_yticks(range(len(tasks)), [task["spec"] for task in tasks])
    left.set_ylim(len(tasks) - 0.5, -0.5)
    left.set_xlabel("mutual information in nats", color=INK, fontsize=10)
    # Most errors are hundredths of a nat, some are whole nats; both should be seen.
    right.set_xscale("symlog", linthresh=LINEAR_NATS, linscale=1.5)
    far = [t for t in (-10, -1, -LINEAR_NATS, 0, LINEAR_NATS, 1, 10) if right.get_xlim()[0] <= t <= right.get_xlim()[1]]
    right.set_xticks(far, [f"{t:g}" for t in far])
    right.minorticks_off()
    right.set_xlabel(f"estimate less truth in nats\n(logarithmic beyond {LINEAR_NATS:g})", color=INK, fontsize=10)
    right.axvline(0.0, color=INK, linewidth=1.2, zorder=1)
    _suite_legend(figure, payload, names)
    return figure


def _bands(axes: Axes, tasks: Sequence[Mapping[str, Any]]) -> None:
    """Shade every other row, and draw a line where a group ends."""
    for row, task in enumerate(tasks):
        if row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color=BAND, zorder=0, linewidth=0)
        if row and task["group"] != tasks[row - 1]["group"]:
            axes.axhline(row - 0.5, color=DIVIDER, linewidth=0.8, zorder=1)


def _draw_answer(
    axes: Axes, records: Sequence[Mapping[str, Any]], y: float, origin: float, style: tuple[str, str]
) -> None:
    """One estimator on one task: every seed a dot, the mean a marker, the mean interval a line."""
    if not records:
        return
    color, marker = style
    values = [r["mi_nats"] - origin for r in records]
    if len(values) > 1:
        axes.plot(values, [y] * len(values), linestyle="", marker=".", markersize=3.5, color=color, alpha=0.55)
    intervals = [r["interval"] for r in records if r["interval"] is not None]
    if intervals:
        # Where nothing limits a value from above, the line ends at the values.
        highs = [max(values) if i["high_nats"] is None else i["high_nats"] - origin for i in intervals]
        ends = [fmean(i["low_nats"] for i in intervals) - origin, fmean(highs)]
        axes.plot(ends, [y, y], color=color, linewidth=1.2, alpha=0.85, solid_capstyle="butt")
    axes.plot([fmean(values)], [y], linestyle="", marker=marker, markersize=5, color=color, markeredgewidth=0, zorder=4)


def _suite_legend(figure: Figure, payload: Mapping[str, Any], names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    truth = Line2D([], [], color=INK, marker="|", markersize=11, markeredgewidth=2.2, linestyle="", label="truth")
    seeds = len(payload["config"]["seeds"])
    title = f"{payload['config']['rows']:,} rows, {seeds} seed" + (
        "s: dots; marker and line: their means" * (seeds > 1)
    )
    legend_above(figure, [truth, *estimator_handles(names)], title)
