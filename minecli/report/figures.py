"""Pictures: how the held-out bound rose while the network learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minecli.report.figure_style import FAINT, INK, image, line_colors, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Curve:
    """The values in nats of one quantity (`label`) that one stage of an estimation reported, with their steps."""

    stage: str
    label: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


def curves_from(events: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """Collect every number called `..._nats` that a stage reported at two steps or more.

    A resumed run reports some steps twice; the later report stands.

    >>> event = {"stage": "mine", "values": {"held_out_nats": 0.1}}
    >>> [c.steps for c in curves_from([event | {"step": 10}, event | {"step": 20}, event | {"step": 20}])]
    [(10, 20)]
    """
    reported: dict[tuple[str, str], dict[int, float]] = {}
    for event in events:
        for key, value in event.get("values", {}).items():
            if key.endswith("_nats") and value is not None:
                reported.setdefault((event["stage"], key[:-5]), {})[event["step"]] = value
    curves = []
    for (stage, key), points in reported.items():
        steps = tuple(sorted(points))
        if len(steps) >= 2:
            curves.append(Curve(stage, key.replace("_", " "), steps, tuple(points[s] for s in steps)))
    return curves


def learning_curve(curves: Sequence[Curve], payload: Mapping[str, Any]) -> bytes:
    """A PNG of the curves, one panel per estimator with a line per repeat, its estimate being a level line and band.

    Args:
        curves: of one run, from `curves_from`.
        payload: the run's JSON object, for the estimates and the number of rows.
    """
    stages = list(dict.fromkeys(_estimator_of(curve.stage) for curve in curves))
    figure = new_figure(7.0, 3.4 * len(stages))
    for i, stage in enumerate(stages):
        axes = figure.add_subplot(len(stages), 1, i + 1)
        own = [c for c in curves if _estimator_of(c.stage) == stage]
        colors = line_colors(list(dict.fromkeys(c.label for c in own)))
        for curve in own:
            width, label = (1.6, curve.label) if curve.stage == stage else (0.6, None)
            axes.plot(curve.steps, curve.values, color=colors[curve.label], linewidth=width, label=label)
        _draw_estimate(axes, stage, payload)
        axes.set_title(f"{stage}: {payload['data']['n']:,} rows", loc="left", color=INK, fontsize=11)
        axes.set_xlabel("training step", color=INK)
        axes.set_ylabel("nats", color=INK)
        axes.tick_params(colors=INK)
        axes.grid(axis="y", color=FAINT, linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower right", labelcolor=INK)
    return image(figure, "png")


def _estimator_of(stage: str) -> str:
    return stage.partition(" (repeat ")[0]


def _draw_estimate(axes: Axes, stage: str, payload: Mapping[str, Any]) -> None:
    entry = next((e for e in payload["estimates"] if e["estimator"] == stage), None)
    if entry is None or entry["mi_nats"] is None:
        return
    axes.axhline(entry["mi_nats"], color=INK, linewidth=1.0, linestyle=(0, (4, 3)), label="estimate")
    interval = entry["interval"]
    if interval and interval["low_nats"] is not None and interval["high_nats"] is not None:
        axes.axhspan(interval["low_nats"], interval["high_nats"], color=INK, alpha=0.08, linewidth=0)
