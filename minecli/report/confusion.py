"""Which classes are answered as which: of the method with the least error, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minecli.report.figure_style import INK, drawable, new_figure
from minecli.report.number_formats import NONE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More do not fit into the width of a terminal, or into a picture that can be read.
MOST_IN_TABLE, MOST_IN_PICTURE = 12, 40
_LONGEST_NAME = 18
_MOST_WITH_NUMBERS = 20


@dataclass(frozen=True)
class Confusion:
    """The sum over seeds of how many rows of each class (rows) are answered as each class (columns) by a method."""

    method: str
    classes: list[str]
    counts: list[list[int]]

    @property
    def shares(self) -> list[list[float | None]]:
        """Of each class's rows the share with each answer; None of a class without rows."""
        return [[c / sum(row) if sum(row) else None for c in row] for row in self.counts]


def least_confused(payload: Mapping[str, Any]) -> Confusion | None:
    """That of the method with the least mean error; None where no seed has one.

    >>> seeds = [{"confusion": [[3, 1], [0, 4]]}, {"confusion": [[4, 0], [0, 4]]}]
    >>> entry = {"method": "dvb", "summary": {"error_percent": {"mean": 6.25}}, "seeds": seeds}
    >>> found = least_confused({"methods": [entry], "data": {"classes": ["no", "yes"]}})
    >>> found.counts, found.shares[0]
    ([[7, 1], [0, 8]], [0.875, 0.125])
    """
    known = [
        (e, own) for e in payload["methods"] if (own := [s["confusion"] for s in e["seeds"] if s.get("confusion")])
    ]
    if not known:
        return None
    entry, matrices = min(known, key=lambda each: each[0]["summary"]["error_percent"]["mean"])
    size = range(len(matrices[0]))
    names = payload["data"].get("classes") or list(size)
    return Confusion(
        entry["method"], [str(name) for name in names], [[sum(m[i][j] for m in matrices) for j in size] for i in size]
    )


def confusion_columns(confusion: Confusion) -> tuple[str, list[str], dict[str, list[str]]]:
    """Head, labels and columns of its table, in per cent of each class's rows; no labels where there are too many."""
    if len(confusion.classes) > MOST_IN_TABLE:
        return "", [], {}
    cells = [[NONE if v is None else f"{100.0 * v:.1f}" for v in row] for row in confusion.shares]
    names = [_short(name) for name in confusion.classes]
    columns = {f"as {name}": [row[j] for row in cells] for j, name in enumerate(names)}
    return f"{confusion.method}: % of", names, columns


def confusion_figure(confusion: Confusion) -> Figure | None:
    """The shares as a picture, classes by answers; None where there are too many classes."""
    count = len(confusion.classes)
    if count > MOST_IN_PICTURE:
        return None
    side = max(2.2, 0.34 * count)
    figure = new_figure(side + 2.4, side + 1.6)
    axis = figure.subplots()
    shares = [[0.0 if v is None else v for v in row] for row in confusion.shares]
    axis.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    names = [drawable(_short(name)) for name in confusion.classes]
    # Upright, they cannot run into each other however long they are.
    axis.set_xticks(range(count), names, rotation=90, color=INK, fontsize=8)
    axis.set_yticks(range(count), names, color=INK, fontsize=8)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    for i, row in enumerate(shares if count <= _MOST_WITH_NUMBERS else []):
        for j, share in enumerate(row):
            if share >= 0.005:
                ink = "white" if share > 0.6 else INK
                axis.text(j, i, f"{100.0 * share:.0f}", ha="center", va="center", color=ink, fontsize=7)
    axis.set_xlabel("answer", color=INK)
    axis.set_ylabel("class", color=INK)
    axis.set_title(f"{confusion.method}: % of each class's rows", color=INK, fontsize=10)
    return figure


def _short(name: str, longest: int = _LONGEST_NAME) -> str:
    return name if len(name) <= longest else f"{name[: longest - 3]}..."


def number_lines(payload: Mapping[str, Any]) -> Sequence[str]:
    """What there is to know about the errors of a target that is a number; nothing of classes."""
    data = payload["data"]
    if "target_deviation" not in data:
        return ()
    return (
        f"RMSE in units of the target, whose deviation over the rows to learn from is {data['target_deviation']:.4g}; "
        "NLL in units of that (a normal distribution without X: 1.42)",
    )
