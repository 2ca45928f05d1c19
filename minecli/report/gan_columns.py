"""Generated columns of a table beside the real ones: one panel per column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minecli.report.bench_style import FAINT, INK, drawn, legend_above, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
