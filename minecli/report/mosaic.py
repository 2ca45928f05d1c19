"""Many images as one picture: laid in lines, and, to be compared, originals over their reconstructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Images = npt.NDArray[np.floating[Any]]

PER_SIDE = 8
_GAP = 2
_PAIR_GAP = 6


def mosaic(images: Images, columns: int = PER_SIDE, lines: int | None = None) -> Images:
    """One picture (height, width, 3), 0 to 1, of the first images laid in lines; what is lacking stays white.

    One channel is grey. Of stacked digits, two channels become red and green; three are colours as they are; further
    ones are averaged into the blue. What is not finite is white.

    Args:
        images: (n, channels, h, w) from -1 to 1.
        columns: images in a line.
        lines: None for as many as there are columns.

    >>> import numpy as np
    >>> mosaic(np.zeros((3, 2, 28, 28)), columns=2).shape
    (58, 58, 3)
    >>> mosaic(np.zeros((3, 1, 10, 20)), columns=3, lines=1).shape
    (10, 64, 3)
    """
    import numpy as np

    lines = columns if lines is None else lines
    height, width = images.shape[-2:]
    picture = np.ones(((height + _GAP) * lines - _GAP, (width + _GAP) * columns - _GAP, 3))
    for i, image in enumerate(_colours(images[: columns * lines])):
        line, column = divmod(i, columns)
        top, left = line * (height + _GAP), column * (width + _GAP)
        picture[top : top + height, left : left + width] = image
    return picture


def paired_mosaic(above: Images, below: Images, columns: int, lines: int) -> Images:
    """One picture as `mosaic` makes it, of so many double lines: an image of `above`, and right under it its
    counterpart of `below`. Double lines stand further apart than the two lines of each.

    >>> import numpy as np
    >>> paired_mosaic(np.zeros((6, 1, 10, 10)), np.zeros((6, 1, 10, 10)), columns=3, lines=2).shape
    (50, 34, 3)
    """
    import numpy as np

    parts: list[Images] = []
    for start in range(0, columns * lines, columns):
        if parts:
            parts.append(np.ones((_PAIR_GAP, parts[0].shape[1], 3)))
        chosen = slice(start, start + columns)
        upper, lower = (mosaic(images[chosen], columns, 1) for images in (above, below))
        parts += [upper, np.ones((_GAP, upper.shape[1], 3)), lower]
    return np.vstack(parts)


def paired_centres(height: int, lines: int) -> list[float]:
    """How far from the top the middles of the lines of a `paired_mosaic` are, two for each of its double lines.

    >>> paired_centres(10, 2)
    [5.0, 17.0, 33.0, 45.0]
    """
    pair = 2 * height + _GAP + _PAIR_GAP
    return [line * pair + below * (height + _GAP) + height / 2 for line in range(lines) for below in (0, 1)]


def _colours(images: Images) -> Images:
    """(n, channels, h, w), -1 to 1, as (n, h, w, 3), 0 to 1."""
    import numpy as np

    light = np.clip((np.nan_to_num(images, nan=1.0) + 1.0) / 2.0, 0.0, 1.0)
    if light.shape[1] == 1:
        light = np.repeat(light, 3, 1)
    blue = light[:, 2:].mean(1, keepdims=True) if light.shape[1] > 2 else np.zeros_like(light[:, :1])
    return np.moveaxis(np.concatenate([light[:, :2], blue], 1), 1, -1)
