"""Pictures of runs of the information bottleneck: errors, curves, the information plane, and codes of two columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minecli.report.confusion import confusion_figure, least_confused
from minecli.report.figure_style import (
    INK,
    draw_dots,
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
from minecli.report.information_plane import plane
from minecli.report.training_curves import training_curves

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

    Codes = tuple[str, npt.NDArray[np.float32], npt.NDArray[np.int64]]

Entry = Mapping[str, Any]
_MOST_COLOURED = 10


def pictures(scatters: Sequence[Codes], classes: Sequence[str], payload: Mapping[str, Any]) -> dict[str, bytes]:
    """File name to content, PNG and SVG: "errors", "curves", "plane" of several betas, "codes" of two columns,
    "confusion" of classes.

    Args:
        scatters: of each method with a bottleneck of two columns, its codes (n, 2) and their classes (n,).
        classes: what the classes are called.
        payload: the run's JSON object.
    """
    methods, confusion = payload["methods"], least_confused(payload)
    figures = {
        "errors": _errors(methods),
        "curves": training_curves(methods),
        "plane": plane(methods),
        "codes": _codes(scatters, classes) if scatters else None,
        "confusion": confusion_figure(confusion) if confusion else None,
    }
    return picture_files(figures)


def _errors(methods: Sequence[Entry]) -> Figure | None:
    """The test error of every method, of a number the root mean squared one: the mean over seeds, as a bar twice the
    standard error over seeds and, of classes, that of a test set of so many rows, and every seed."""
    name = "rmse" if any("rmse" in entry["summary"] for entry in methods) else "error_percent"
    known = [entry for entry in methods if entry["summary"].get(name, {}).get("mean") is not None]
    if not known:
        return None
    figure = new_figure(6.5, 0.9 + 0.36 * len(known))
    axis = figure.subplots()
    tidy(axis, "x")
    for place, (entry, color) in enumerate(zip(known, method_colors(len(known)), strict=True)):
        value = entry["summary"][name]
        seeds = [s["metrics"][name] for s in entry["seeds"] if s["metrics"]]
        error = ((value["standard_error"] or 0.0) ** 2 + (entry["binomial_error_percent"] or 0.0) ** 2) ** 0.5
        axis.plot(seeds, [place + 0.22] * len(seeds), "|", color=color, markersize=6)
        axis.errorbar(value["mean"], place, xerr=2.0 * error, fmt="o", color=color, markersize=5, capsize=3)
    axis.set_yticks(range(len(known)), [entry["method"] for entry in known], color=INK)
    axis.set_ylim(len(known) - 0.5, -0.6)
    axis.set_xlim(left=max(0.0, axis.get_xlim()[0]))
    what, of = ("RMSE", "seeds") if name == "rmse" else ("error, %", "seeds and test set")
    axis.set_xlabel(f"test {what}: mean, ± 2 standard errors ({of}), each seed", color=INK)
    return figure


def _codes(scatters: Sequence[Codes], classes: Sequence[str]) -> Figure:
    from matplotlib import colormaps
    from matplotlib.lines import Line2D

    figure, axes = panel_grid(len(scatters))
    palette = colormaps["tab10"]
    for axis, (method, codes, labels) in zip(axes, scatters, strict=True):
        tidy(axis)
        draw_dots(axis, codes, c=palette(labels % _MOST_COLOURED), alpha=0.7)
        frame_square(axis, method, square_around(codes))
    shown = list(map(drawable, classes[:_MOST_COLOURED]))
    handles = [Line2D([], [], color=palette(i), marker="o", linestyle="", label=name) for i, name in enumerate(shown)]
    legend_above(figure, handles, "one code per test row; colours are classes")
    return figure
