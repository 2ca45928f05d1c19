"""Pictures of `minecli ali`: reconstructions and samples in the manner of Fig. 6 of the paper, latents, and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minecli.report.figure_style import (
    BEHIND,
    FAINT,
    INK,
    draw_dots,
    draw_image,
    drawable,
    frame_square,
    heading,
    method_colors,
    new_figure,
    panel_grid,
    picture_files,
    square_around,
    tidy,
)
from minecli.report.mosaic import mosaic, paired_centres, paired_mosaic
from minecli.report.training_curves import training_curves

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

    Array = npt.NDArray[np.floating[Any]]

_PAIRS_ACROSS, _PAIR_LINES = 16, 2
_SAMPLES_ACROSS = 8
_PICTURE_INCHES = 11.2
_JOINED = 500
_MOST_POINTS = 1000
_MOST_COLUMNS = 16
_POINTS_PER_COLUMN = 300
_LONGEST_NAME = 22
# Widths of the prior, in standard deviations, drawn as circles.
_CIRCLES = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class MethodPictures:
    """What there is to see of one method's first seed.

    Attributes:
        method, title: "ali", and "ali, seed 0".
        originals, reconstructions, samples: images (n, channels, h, w) from -1 to 1, or rows (n, d); a reconstruction
            stands where its original does.
        latents: codes of the originals, (n, l), or None.
        labels: of the originals, (n,), or None.
        traversal: images made while one component of the latent moves, (lines, steps, channels, h, w), or None.
    """

    method: str
    title: str
    originals: Array
    reconstructions: Array
    samples: Array
    latents: Array | None
    labels: npt.NDArray[np.integer[Any]] | None
    traversal: Array | None


def pictures(methods: Sequence[MethodPictures], payload: Mapping[str, Any]) -> dict[str, bytes]:
    """File name to content, PNG and SVG: "reconstructions"; of images "traversals", of points in the plane "latent";
    and "curves", where anything was watched.

    Args:
        methods: what there is to see, all of the same data.
        payload: the run's JSON object, for the curves and the names of columns.
    """
    figures = _of_samples(methods, payload["data"].get("columns")) if methods else {}
    return picture_files({**figures, "curves": training_curves(payload["methods"])})


def _of_samples(methods: Sequence[MethodPictures], columns: Sequence[str] | None) -> dict[str, Figure]:
    shape = methods[0].originals.shape
    if len(shape) > 2:
        figures = {"reconstructions": _image_pairs(methods)}
        walked = [(m.title, m.traversal) for m in methods if m.traversal is not None]
        return figures | ({"traversals": _traversals(walked)} if walked else {})
    if shape[1] != 2:
        return {"reconstructions": _columns(methods, columns)}
    coded = [m for m in methods if m.latents is not None]
    return {"reconstructions": _points(methods)} | ({"latent": _latents(coded)} if coded else {})


def _image_pairs(methods: Sequence[MethodPictures]) -> Figure:
    """A line per method: originals with their reconstructions right under them, and fresh samples beside."""
    count, _, height, width = methods[0].originals.shape
    lines = min(_PAIR_LINES, -(-count // _PAIRS_ACROSS))
    inch = _PICTURE_INCHES / (_PAIRS_ACROSS + _SAMPLES_ACROSS)
    figure = new_figure(_PICTURE_INCHES + 0.8, (inch * 2 * lines * height / width + 0.45) * len(methods))
    axes = figure.subplots(len(methods), 2, squeeze=False, width_ratios=(_PAIRS_ACROSS, _SAMPLES_ACROSS))
    for (left, right), m in zip(axes, methods, strict=True):
        left.imshow(paired_mosaic(m.originals, m.reconstructions, _PAIRS_ACROSS, lines))
        draw_image(right, mosaic(m.samples, _SAMPLES_ACROSS, 2 * lines), "fresh samples")
        left.set_title(f"{m.title}: originals (x) and, under them, reconstructions (x̂)", color=INK, fontsize=10)
        left.set_yticks(paired_centres(height, lines), ["x", "x̂"] * lines)
        left.set_xticks([])
        left.tick_params(colors=INK, labelsize=9, length=0)
        left.spines[:].set_visible(False)
        # The two are not quite equally high.
        left.set_anchor("N")
        right.set_anchor("N")
    return figure


def _traversals(walked: Sequence[tuple[str, Array]]) -> Figure:
    lines, steps, _, height, width = walked[0][1].shape
    size = 3.8
    tall = size * (lines * height) / (steps * width) + 0.35
    figure, axes = panel_grid(len(walked), across=3, width=size, height=tall, margin=0.4)
    for axis, (title, images) in zip(axes, walked, strict=True):
        draw_image(axis, mosaic(images.reshape(-1, *images.shape[2:]), steps, lines), title)
    heading(figure, "from left to right one component of the latent grows; a line per image")
    return figure


def _points(methods: Sequence[MethodPictures]) -> Figure:
    """Two panels per method: originals joined to their reconstructions, and fresh samples over originals."""
    import numpy as np
    from matplotlib.collections import LineCollection

    figure, axes = panel_grid(2 * len(methods))
    limits = square_around(methods[0].originals)
    for i, (m, color) in enumerate(zip(methods, method_colors(len(methods)), strict=True)):
        left, right = axes[2 * i : 2 * i + 2]
        again = m.reconstructions[:_JOINED]
        ends = np.stack([m.originals[:_JOINED], again], 1)
        left.add_collection(LineCollection(list(ends), colors=color, linewidths=0.5, alpha=0.4))
        for axis, points, what in ((left, again, "reconstructions"), (right, m.samples, "fresh samples")):
            tidy(axis)
            draw_dots(axis, m.originals[:_MOST_POINTS], color=BEHIND, zorder=0)
            draw_dots(axis, points[:_MOST_POINTS], color=color, alpha=0.7)
            frame_square(axis, f"{m.title}: {what}{_outside(points, limits)}", limits)
    return figure


def _outside(points: Array, limits: tuple[float, float]) -> str:
    """What the frame does not show, in words."""
    share = 1.0 - float(((points >= limits[0]) & (points <= limits[1])).all(1).mean())
    return f"\n({share:.1%} outside)" if share > 0.0 else ""


def _latents(methods: Sequence[MethodPictures]) -> Figure:
    """The codes of the originals, a colour per label, and circles of 1, 2 and 3 standard deviations of the prior."""
    from matplotlib.patches import Circle

    figure, axes = panel_grid(len(methods), margin=0.4)
    for axis, m in zip(axes, methods, strict=True):
        assert m.latents is not None
        tidy(axis)
        codes = _in_the_plane(m.latents)
        colors = {"color": method_colors(1)[0]} if m.labels is None else {"c": m.labels[:_MOST_POINTS], "cmap": "turbo"}
        for radius in _CIRCLES:
            axis.add_patch(Circle((0.0, 0.0), radius, fill=False, color=INK, linewidth=0.6, alpha=0.5))
        draw_dots(axis, codes[:_MOST_POINTS], **colors)
        reach = _reach(codes)
        parts = "" if m.latents.shape[1] <= 2 else f", 2 of {m.latents.shape[1]} components"
        frame_square(axis, f"{m.title}{parts}{_outside(codes, (-reach, reach))}", (-reach, reach))
    coloured = any(m.labels is not None for m in methods)
    heading(
        figure,
        f"codes of the originals{', a colour per label' if coloured else ''}; "
        "circles at 1, 2 and 3 standard deviations of the prior",
    )
    return figure


def _in_the_plane(latents: Array) -> Array:
    """The first two components; a single one lies on a line."""
    import numpy as np

    return latents[:, :2] if latents.shape[1] > 1 else np.concatenate([latents, np.zeros_like(latents)], 1)


def _reach(codes: Array) -> float:
    """Half the side of a square around 0 that holds the circles and 99 % of the codes."""
    import numpy as np

    finite = np.abs(codes[np.isfinite(codes).all(1)])
    return max(1.1 * _CIRCLES[-1], 1.1 * float(np.quantile(finite, 0.99)) if len(finite) else 0.0)


def _columns(methods: Sequence[MethodPictures], names: Sequence[str] | None) -> Figure:
    """Reconstructed values over true ones: a line of panels per column and a panel per method, or, of a single method,
    four columns side by side."""
    width = methods[0].originals.shape[1]
    known = names if names is not None and len(names) == width else [f"column {j}" for j in range(width)]
    shown = min(width, _MOST_COLUMNS)
    across = len(methods) if len(methods) > 1 else 4
    figure, axes = panel_grid(shown * len(methods), across=across, width=2.2, height=2.4, margin=0.5)
    cases = [(j, m, c) for j in range(shown) for m, c in zip(methods, method_colors(len(methods)), strict=True)]
    for axis, (j, m, color) in zip(axes, cases, strict=True):
        limits = square_around(m.originals[:, j])
        axis.plot(limits, limits, color=FAINT, linewidth=1.0, zorder=0)
        truth, again = m.originals[:_POINTS_PER_COLUMN, j], m.reconstructions[:_POINTS_PER_COLUMN, j]
        axis.scatter(truth, again, s=4.0, color=color, linewidths=0, alpha=0.6)
        tidy(axis)
        frame_square(axis, f"{drawable(_shortened(known[j]))}\n{m.method}{_explained(m, j)}", limits)
        axis.title.set_fontsize(8)
    rest = "" if shown == width else f", the first {shown} of {width} columns"
    heading(figure, f"reconstructed over true values, standardised{rest}")
    return figure


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def _explained(m: MethodPictures, column: int) -> str:
    """R², one minus the mean squared error over the variance, in words; nothing of a column that is constant."""
    truth, again = m.originals[:, column], m.reconstructions[:, column]
    variance = float(truth.var())
    return f", R² {1.0 - float(((truth - again) ** 2).mean()) / variance:.2f}" if variance > 0.0 else ""
