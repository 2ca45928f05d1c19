"""Figures 1 and 2 of the MINE paper (Belghazi et al., ICML 2018, section 4), drawn from a benchmark's payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minecli.report.figure_style import (
    DARK,
    INK,
    estimator_handles,
    estimator_names,
    estimator_styles,
    legend_above,
    new_figure,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Table = list[list[float | None]]

# Differences below this many nats look alike: a colour scale of its own would show noise as if it were one.
_LEAST_DIFFERENCE = 0.1
_TRUTH_WIDTH, _TRUTH_ALPHA = 6.0, 0.25


def fig1_picture(payload: Mapping[str, Any]) -> Figure:
    """One panel per number of components: correlation, truth, and a line for every estimator."""
    groups = list(dict.fromkeys(task["group"] for task in payload["tasks"]))
    names = estimator_names(payload)
    figure = new_figure(4.3 * len(groups) + 0.3, 4.4)
    for i, group in enumerate(groups):
        axes = figure.add_subplot(1, len(groups), i + 1)
        tasks = sorted((t for t in payload["tasks"] if t["group"] == group), key=lambda t: t["place"]["rho"])
        rhos = [t["place"]["rho"] for t in tasks]
        axes.plot(rhos, [t["true_mi_nats"] for t in tasks], color=INK, linewidth=_TRUTH_WIDTH, alpha=_TRUTH_ALPHA)
        # Where estimators agree their markers lie on one another: the later the smaller, so that all are seen.
        for k, name in enumerate(names):
            _draw_line(axes, tasks, name, estimator_styles(names)[name], max(10.0 - 2.5 * k, 4.0))
        axes.set_title(group, color=INK, fontsize=11)
        axes.set_xlabel("correlation", color=INK, fontsize=10)
        axes.set_xlim(-1.07 if min(rhos) < 0 else -0.05, 1.07)
        if i == 0:
            axes.set_ylabel("mutual information in nats", color=INK, fontsize=10)
        tidy(axes)
    _legend(figure, payload, names)
    return figure


def _draw_line(axes: Axes, tasks: Sequence[Mapping[str, Any]], name: str, style: tuple[str, str], size: float) -> None:
    color, marker = style
    points = []
    for task in tasks:
        answer = next((a for a in task["answers"] if a["estimator"] == name), None)
        if answer is not None and answer["mean_nats"] is not None:
            points.append((task["place"]["rho"], answer["mean_nats"], _at_ceiling(answer)))
    axes.plot([p[0] for p in points], [p[1] for p in points], color=color, linewidth=0.25 * size)
    for hollow in (False, True):
        some = [p for p in points if p[2] == hollow]
        face = "white" if hollow else color
        axes.plot(
            [p[0] for p in some],
            [p[1] for p in some],
            linestyle="",
            marker=marker,
            markersize=size,
            color=color,
            markerfacecolor=face,
            markeredgewidth=1.4,
        )


def _at_ceiling(answer: Mapping[str, Any]) -> bool:
    return bool({"near-log-n-ceiling", "few-effective-rows"} & set(answer["diagnostics"]))


def _legend(figure: Figure, payload: Mapping[str, Any], names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    truth = Line2D([], [], color=INK, linewidth=_TRUTH_WIDTH, alpha=_TRUTH_ALPHA, label="truth")
    handles = [truth, *estimator_handles(names)]
    if any(_at_ceiling(a) for task in payload["tasks"] for a in task["answers"]):
        hollow = "hollow: beyond what so many rows can certify"
        handles.append(
            Line2D([], [], color=INK, marker="o", markersize=6, markerfacecolor="white", linestyle="", label=hollow)
        )
    legend_above(figure, handles, regime(payload))


def regime(payload: Mapping[str, Any]) -> str:
    """How the numbers came about, in one line.

    >>> regime({"config": {"rows": 5000, "fresh": None}})
    'samples of 5,000 rows'
    """
    config = payload["config"]
    if config["fresh"] is None:
        return f"samples of {config['rows']:,} rows"
    network = "the paper's plain network, " if config["fresh"]["plain"] else ""
    sampled = [name for name in config["estimators"] if "batch_size" not in config["estimators"][name]]
    also = f"; {', '.join(sampled)}: samples of {config['rows']:,} rows" if sampled else ""
    return f"{network}new rows at every step, evaluated on {config['fresh']['evaluation_rows']:,} more{also}"


def fig2_picture(payload: Mapping[str, Any]) -> Figure:
    """Heat maps of estimate, truth and difference: functions down, sigma across, one line of maps per estimator."""
    names = estimator_names(payload)
    functions = list(dict.fromkeys(t["place"]["function"] for t in payload["tasks"]))
    sigmas = sorted({t["place"]["sigma"] for t in payload["tasks"]})
    tasks = {(t["place"]["function"], t["place"]["sigma"]): t for t in payload["tasks"]}
    width = 3 * (0.48 * len(sigmas) + 0.4) + 1.2
    figure = new_figure(width, (0.5 * len(functions) + 0.9) * len(names) + 0.9)
    panels = figure.subplots(len(names), 3, squeeze=False, sharey=True)
    truth = [[_truth(tasks.get((f, s))) for s in sigmas] for f in functions]
    estimates = {n: [[_mean(tasks.get((f, s)), n) for s in sigmas] for f in functions] for n in names}
    top = max(v for table in (truth, *estimates.values()) for row in table for v in row if v is not None)
    for line, name in zip(panels, names, strict=True):
        off = [[_less(a, b) for a, b in zip(*rows, strict=True)] for rows in zip(estimates[name], truth, strict=True)]
        widest = max([_LEAST_DIFFERENCE, *(abs(v) for row in off for v in row if v is not None)])
        _heat_map(line[0], estimates[name], "viridis", (0.0, top), f"{name}, nats", "{:.2f}")
        _heat_map(line[1], truth, "viridis", (0.0, top), "truth, nats", "{:.2f}")
        _heat_map(line[2], off, "RdBu_r", (-widest, widest), f"{name} less truth, nats", "{:+.2f}")
        line[0].set_yticks(range(len(functions)), functions)
    across = "sigma / std f(x)" if payload["config"]["equal_snr"] else "sigma"
    for axes in panels.ravel():
        axes.set_xticks(range(len(sigmas)), [f"{s:g}" for s in sigmas])
    for axes in panels[-1]:
        axes.set_xlabel(across, color=INK, fontsize=10)
    figure.suptitle(f"z = f(x) + sigma noise, {payload['config']['dim']} + {payload['config']['dim']} columns; "
                    f"{regime(payload)}", color=INK, fontsize=11)  # fmt: skip
    return figure


def _truth(task: Mapping[str, Any] | None) -> float | None:
    return None if task is None else task["true_mi_nats"]


def _mean(task: Mapping[str, Any] | None, name: str) -> float | None:
    answers = [] if task is None else [a["mean_nats"] for a in task["answers"] if a["estimator"] == name]
    return answers[0] if answers else None


def _less(value: float | None, truth: float | None) -> float | None:
    return None if value is None or truth is None else value - truth


def _heat_map(axes: Axes, table: Table, colors: str, limits: tuple[float, float], title: str, form: str) -> None:
    """A table as colours, with its values written in; an empty cell where there is none."""
    import numpy as np

    values = np.array([[np.nan if v is None else v for v in row] for row in table], dtype=float)
    shown = axes.imshow(values, cmap=colors, vmin=limits[0], vmax=limits[1], aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            red, green, blue, _ = shown.cmap(shown.norm(value))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            ink = "white" if dark else DARK
            axes.text(j, i, form.format(value), ha="center", va="center", fontsize=9, color=ink)
    axes.set_title(title, color=INK, fontsize=10)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.spines[:].set_visible(False)
