"""Two sets of points in the plane on which generators are known to leave out parts: a spiral and a grid of normals.

Both stand without units. The spiral is that of the ALI experiments (IshmaelBelghazi/ALI, with mila-iqia/fuel's toy data
sets), the grid that of ALI and of PacGAN (Lin et al., "PacGAN: the power of two samples in generative adversarial
networks", NeurIPS 2018). The MINE paper (Belghazi et al., ICML 2018, section 5.1) shows both and defines neither.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minecli.errors import UsageError

Points = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float32]

# The arm winds twice, and its distance from the middle grows by a third at every half turn.
ARC_TURNS = 2.0
ARC_NOISE = 0.1
GRID_COORDINATES = (-4.0, -2.0, 0.0, 2.0, 4.0)
GRID_STD = 0.05


def arc_at(positions: Points) -> Points:
    """The arm at so many turns p in 0 .. ARC_TURNS, shape (n,), from its inner end: (r sin 2 pi p, r cos 2 pi p) with
    r = (2 p + 1) / 3, shape (n, 2).

    >>> arc_at(np.array([0.0, 0.25])).round(3).tolist()
    [[0.0, 0.333], [0.5, 0.0]]
    """
    radius, angle = (2.0 * positions + 1.0) / 3.0, 2.0 * np.pi * positions
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def spiral(rows: int, rng: np.random.Generator) -> Rows:
    """Draw rows of the spiral, (rows, 2): a place on the arm, p uniform on (0, 2), plus ARC_NOISE times a standard
    normal. As p is uniform and not the length of the arm, the inner turn is denser than the outer one.

    Raises:
        UsageError: fewer than one row.
    """
    _require_rows(rows)
    on_arm = arc_at(rng.uniform(0.0, ARC_TURNS, rows))
    return (on_arm + ARC_NOISE * rng.standard_normal((rows, 2))).astype(np.float32)


def grid_means() -> Points:
    """The 25 means, every pair of GRID_COORDINATES, shape (25, 2); the second coordinate varies fastest.

    >>> grid_means()[:2].tolist()
    [[-4.0, -4.0], [-4.0, -2.0]]
    """
    first, second = np.meshgrid(GRID_COORDINATES, GRID_COORDINATES, indexing="ij")
    return np.stack([first.ravel(), second.ravel()], axis=1)


def gaussians25(rows: int, rng: np.random.Generator) -> Rows:
    """Draw rows of the grid, (rows, 2): one of the 25 means, each as likely, plus GRID_STD times a standard normal.

    Raises:
        UsageError: fewer than one row.
    """
    _require_rows(rows)
    means = grid_means()
    chosen = means[rng.integers(len(means), size=rows)]
    return (chosen + GRID_STD * rng.standard_normal((rows, 2))).astype(np.float32)


def _require_rows(rows: int) -> None:
    if rows < 1:
        raise UsageError(f"rows is {rows}; it must be at least 1", hint="try 1000")
