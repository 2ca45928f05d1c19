"""What was watched while adversarial networks were trained, as curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minecli.report.figure_style import INK, legend_above, method_colors, panel_grid, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Names that say less than they should; the others are read as they are.
_LABELS = {
    "information_nats": "information, nats",
    "adversarial_norm": "norm of the adversarial gradient",
    "information_norm": "norm of the information gradient",
}
_FIRST = ("information_nats", "generator_loss", "discriminator_loss", "adversarial_norm", "information_norm")

Entry = Mapping[str, Any]


def training_curves(methods: Sequence[Entry]) -> Figure | None:
    """One panel per quantity, one thin line per seed and a colour per method; what nobody has is left out.

    What is not trained has no curve: a dashed line shows the mean of its metrics. None where nothing was watched.

    Args:
        methods: the entries of a payload, with "method", "summary" and, per seed, "history".
    """
    shown = watched_names(methods)
    if not shown:
        return None
    figure, axes = panel_grid(len(shown))
    colors = method_colors(len(methods))
    for axis, name in zip(axes, shown, strict=True):
        tidy(axis)
        axis.set_title(_LABELS.get(name, name.replace("_", " ")), color=INK, fontsize=9)
        for entry, color in zip(methods, colors, strict=True):
            _draw(axis, entry, name, color)
    handles = [_handle(entry, color) for entry, color in zip(methods, colors, strict=True)]
    legend_above(figure, handles, "one line per seed, over training steps")
    return figure


def watched_names(methods: Sequence[Entry]) -> list[str]:
    """What any evaluation of any seed has a value of: information, losses and gradients first, then the metrics.

    >>> first = {"step": 1, "generator_loss": 0.5, "information_nats": None, "metrics": {"modes": 3.0}}
    >>> watched_names([{"method": "gan", "seeds": [{"history": [first]}]}])
    ['generator_loss', 'modes']
    """
    evaluations = [each for entry in methods for seed in entry["seeds"] for each in seed["history"]]
    own = dict.fromkeys(_FIRST) | dict.fromkeys(name for each in evaluations for name in each)
    metrics = dict.fromkeys(name for each in evaluations for name in each["metrics"])
    names = [name for name in own | metrics if name not in ("step", "metrics")]
    return [name for name in names if any(_value(each, name) is not None for each in evaluations)]


def _draw(axis: Axes, entry: Entry, name: str, color: str) -> None:
    if not _is_trained(entry):
        value = (entry["summary"].get(name) or {}).get("mean")
        if value is not None:
            axis.axhline(value, color=color, linewidth=1.0, linestyle="--")
        return
    for seed in entry["seeds"]:
        known = [(each["step"], v) for each in seed["history"] if (v := _value(each, name)) is not None]
        if known:
            # A single evaluation makes no line.
            marker = "o" if len(known) == 1 else ""
            steps, values = [step for step, _ in known], [v for _, v in known]
            axis.plot(steps, values, color=color, linewidth=1.0, marker=marker, markersize=4)


def _handle(entry: Entry, color: str) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=color, label=entry["method"], linestyle="-" if _is_trained(entry) else "--")


def _is_trained(entry: Entry) -> bool:
    return any(seed["history"] for seed in entry["seeds"])


def _value(evaluation: Mapping[str, Any], name: str) -> float | None:
    value: float | None = evaluation[name] if name in evaluation else evaluation["metrics"].get(name)
    return value
