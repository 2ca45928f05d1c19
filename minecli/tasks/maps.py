"""Injective maps of one side of a task: they change every density and leave the mutual information as it is.

I(f(X); g(Z)) = I(X; Z) for injective f and g, so a task seen through such maps keeps its truth while it grows
heavy tails, bounded support, several modes or a twisted geometry. Tests invert every map. They are those of Czyz
et al., *Beyond Normal* (NeurIPS 2023); constants as in the repository cbg-ethz/bmi.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

_HALVINGS = 54  # of brackets a few units wide: down to the spacing of floats


class Map(Protocol):
    """An injective map of rows."""

    def forward(self, values: Array) -> Array:
        """The image of each row: from shape (n, d) to (n, d')."""
        ...


@dataclass(frozen=True)
class Identity:
    """Every row as it is."""

    def forward(self, values: Array) -> Array:
        return values


@dataclass(frozen=True)
class Chain:
    """One map after another: `maps[0]` first."""

    maps: tuple[Map, ...]

    def forward(self, values: Array) -> Array:
        for step in self.maps:
            values = step.forward(values)
        return values


@dataclass(frozen=True)
class NormalCdf:
    """The standard normal distribution function at every element: normal columns become uniform on (0, 1)."""

    def forward(self, values: Array) -> Array:
        from scipy.special import ndtr

        uniform: Array = ndtr(values)
        return uniform


@dataclass(frozen=True)
class HalfCube:
    """v sqrt(|v|) at every element: v to the power 3/2 with its sign, which makes tails heavier."""

    def forward(self, values: Array) -> Array:
        import numpy as np

        return values * np.sqrt(np.abs(values))


@dataclass(frozen=True)
class Asinh:
    """asinh v at every element: logarithmic far out, which makes heavy tails light."""

    def forward(self, values: Array) -> Array:
        import numpy as np

        return np.arcsinh(values)


@dataclass(frozen=True)
class Wiggly:
    """v + sum of amplitude * sin(frequency * v + phase) at every element; `waves` holds those triples.

    Increasing, because its slope is at least 1 - sum |amplitude * frequency|, which must be above 0: ValueError
    otherwise.
    """

    waves: tuple[tuple[float, float, float], ...]

    def __post_init__(self) -> None:
        if self.least_slope <= 0:
            raise ValueError(f"waves {self.waves} may turn back: the slope is only known to be {self.least_slope}")

    @property
    def least_slope(self) -> float:
        """A lower limit of the slope, 1 - sum |amplitude * frequency|."""
        return 1.0 - sum(abs(amplitude * frequency) for amplitude, frequency, _ in self.waves)

    def forward(self, values: Array) -> Array:
        import numpy as np

        result = values.copy()
        for amplitude, frequency, phase in self.waves:
            result += amplitude * np.sin(frequency * values + phase)
        return result


@dataclass(frozen=True)
class NormalToMixture:
    """Standard normal columns become mixtures of unit-variance normals with these `means` and `weights`.

    The quantile of the mixture at the normal distribution function, at every element. Both distribution functions
    increase strictly, and so does the map.
    """

    means: tuple[float, ...]
    weights: tuple[float, ...]

    def forward(self, values: Array) -> Array:
        import numpy as np
        from scipy.special import ndtr

        # Areas are taken on the side where they are below 1/2: near 0 they keep their digits, near 1 they would not.
        side = np.where(values < 0, 1.0, -1.0)
        area = ndtr(-np.abs(values))
        # Each component's own quantile lies at its mean plus v, and the mixture's between them.
        low, high = values + min(self.means), values + max(self.means)
        return _solve(lambda v: side * (self._area(v, side) - area), low, high)

    def _area(self, values: Array, side: Array) -> Array:
        """The mixture's probability below each value where `side` is 1, above it where `side` is -1."""
        import numpy as np
        from scipy.special import ndtr

        total = np.zeros_like(values)
        for mean, weight in zip(self.means, self.weights, strict=True):
            total += weight * ndtr(side * (values - mean))
        return total


@dataclass(frozen=True)
class Spiral:
    """Each row v turns in the plane of two of its coordinates by the angle speed |v|^2, |v| being its length.

    With the angle a: v_i' = cos(a) v_i + sin(a) v_j and v_j' = cos(a) v_j - sin(a) v_i, for `plane` = (i, j).
    A rotation keeps the length, so that turning back by the same angle inverts it.
    """

    plane: tuple[int, int]
    speed: float

    def forward(self, values: Array) -> Array:
        import numpy as np

        i, j = self.plane
        angle = self.speed * np.sum(values * values, axis=1)
        cosine, sine = np.cos(angle), np.sin(angle)
        result = values.copy()
        result[:, i] = cosine * values[:, i] + sine * values[:, j]
        result[:, j] = cosine * values[:, j] - sine * values[:, i]
        return result


@dataclass(frozen=True)
class SwissRoll:
    """One column u in (0, 1) rolled up in the plane: (t cos t, t sin t) / 21 with t = 1.5 pi (1 + 2 u).

    The distance from the origin is t / 21, so that no two points meet.
    """

    def forward(self, values: Array) -> Array:
        import numpy as np

        t = 1.5 * math.pi * (1 + 2 * values)
        return np.hstack([t * np.cos(t), t * np.sin(t)]) / 21


def _solve(excess: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Where the increasing `excess` crosses 0, element by element, by halving [low, high]."""
    import numpy as np

    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        short = excess(middle) < 0
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return 0.5 * (low + high)
