"""Stacked digits as pictures, in the manner of Fig. 5 of the paper: one channel per digit, shown as colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minecli.report.bench_style import INK, new_figure
from minecli.report.mosaic import mosaic

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

    Images = npt.NDArray[np.floating[Any]]


def digit_figure(panels: Sequence[tuple[str, Images]]) -> Figure:
    """One grid of images per title.

    Args:
        panels: titles with images (n, channels, 28, 28) from -1 to 1; the first 64 are shown.
    """
    figure = new_figure(3.2 * len(panels), 3.5)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, images) in zip(axes, panels, strict=True):
        axis.imshow(mosaic(images), interpolation="nearest")
        axis.set_title(title, color=INK, fontsize=10)
        axis.set_axis_off()
    return figure
