"""Stacked digits as pictures, in the manner of Fig. 5 of the paper: one channel per digit, shown as colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minecli.report.bench_style import INK, new_figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

    Images = npt.NDArray[np.floating[Any]]

PER_SIDE = 8
_GAP = 2


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


def mosaic(images: Images, per_side: int = PER_SIDE) -> Images:
    """One picture (height, width, 3), 0 to 1, of the first images laid in rows; what is lacking stays white.

    Digits of up to three channels become red, green and blue; further channels are averaged into the blue one.

    >>> import numpy as np
    >>> mosaic(np.zeros((3, 2, 28, 28)), per_side=2).shape
    (58, 58, 3)
    """
    import numpy as np

    side = images.shape[-1]
    picture = np.ones(((side + _GAP) * per_side - _GAP, (side + _GAP) * per_side - _GAP, 3))
    for i, image in enumerate(_colours(images[: per_side**2])):
        row, column = divmod(i, per_side)
        top, left = row * (side + _GAP), column * (side + _GAP)
        picture[top : top + side, left : left + side] = image
    return picture


def _colours(images: Images) -> Images:
    """(n, channels, h, w), -1 to 1, as (n, h, w, 3), 0 to 1."""
    import numpy as np

    light = np.clip((images + 1.0) / 2.0, 0.0, 1.0)
    if light.shape[1] == 1:
        light = np.repeat(light, 3, 1)
    blue = light[:, 2:].mean(1, keepdims=True) if light.shape[1] > 2 else np.zeros_like(light[:, :1])
    return np.moveaxis(np.concatenate([light[:, :2], blue], 1), 1, -1)
