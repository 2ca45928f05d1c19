"""A column of numbers as a choice and a score: what a generator can learn whatever the distribution.

Values that many rows share, such as the zeros of "amount paid", are choices of their own (atoms); all others are the
choice "between" with a standard normal score: the normal quantile of the value's rank. Whatever the shape of the
distribution, the scores of the real rows are normal; a generator has no several modes, tails or units to learn, only
how columns hang together. Modes of their own for each column, as CTGAN has them (Xu et al., "Modeling tabular data
using conditional GAN", 2019), need a mixture fitted per column, and still leave its errors in the margins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minecli.tables.kinds import Array

# A value that so many of the rows share is an atom; a number that takes so few values has nothing else.
ATOM_SHARE = 0.05
FEW_VALUES = 10
# Between so many quantiles values lie on straight lines.
_MOST_QUANTILES = 1000

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NumberScale:
    """The atoms of a number, (a,), and values (q,) in rising order with their normal scores (q,), both empty where
    there are atoms alone; `typical` is the median of all.

    >>> scale = NumberScale.of(np.array([0.0] * 50 + list(range(1, 51))))
    >>> scale.atoms.tolist(), scale.options
    ([0.0], 2)
    >>> scale.chosen(np.array([0.0, 7.0, 7.5])).tolist()
    [0, 1, 1]
    >>> np.round(scale.values_of(np.array([0, 1]), scale.scores_of(np.array([7.0, 7.0]))), 9).tolist()
    [0.0, 7.0]
    """

    atoms: Array
    values: Array
    scores: Array
    typical: float

    @classmethod
    def of(cls, known: Array) -> NumberScale:
        """The scale of the numbers (n,) that are known, at least one, all finite."""
        from scipy.special import ndtri

        values, counts = np.unique(known, return_counts=True)
        is_atom = counts >= ATOM_SHARE * len(known)
        if len(values) <= FEW_VALUES:
            is_atom[:] = len(values) < len(known) / 2 or len(values) == 1
        # Few that differ from all others are no column of their own: their value lies between the atoms.
        atoms, values, counts = values[is_atom], values[~is_atom], counts[~is_atom]
        scores = ndtri((np.cumsum(counts) - 0.5 * counts) / max(1, counts.sum()))
        if len(values) > _MOST_QUANTILES:
            chosen = np.unique(np.linspace(0, len(values) - 1, _MOST_QUANTILES).round().astype(np.int64))
            values, scores = values[chosen], scores[chosen]
        return cls(atoms, values, scores, float(np.median(known)))

    @property
    def continuous(self) -> bool:
        """Whether there is anything besides atoms."""
        return len(self.values) > 0

    @property
    def options(self) -> int:
        """How many choices there are: the atoms, and "between" where there is such a thing."""
        return len(self.atoms) + self.continuous

    def chosen(self, values: Array) -> Numbers:
        """The choice of each value (n,): its atom, or "between", which is the last; the nearest atom where there are
        atoms alone."""
        if not len(self.atoms):
            return np.zeros(len(values), np.int64)
        nearest: Numbers = np.abs(values[:, None] - self.atoms).argmin(axis=1)
        if not self.continuous:
            return nearest
        return np.where(self.atoms[nearest] == values, nearest, len(self.atoms))

    def scores_of(self, values: Array) -> Array:
        """The normal scores of values (n,); those beyond all that are known have the outermost one."""
        return np.interp(values, self.values, self.scores)

    def values_of(self, chosen: Numbers, scores: Array) -> Array:
        """The values of choices (n,) and scores (n,), never beyond those that are known."""
        if not self.continuous:
            return self.atoms[chosen]
        between = np.interp(scores, self.scores, self.values)
        if not len(self.atoms):
            return between
        return np.where(chosen < len(self.atoms), self.atoms[np.minimum(chosen, len(self.atoms) - 1)], between)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        listed = {name: getattr(self, name).tolist() for name in ("atoms", "values", "scores")}
        return {**listed, "typical": self.typical}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> NumberScale:
        """What `to_json` wrote; KeyError, TypeError, ValueError where the content is something else."""
        atoms, values, scores = (np.array(content[name], dtype=np.float64) for name in ("atoms", "values", "scores"))
        ordered = values.shape == scores.shape and (np.diff(values) > 0).all() and (np.diff(scores) > 0).all()
        if atoms.ndim != 1 or values.ndim != 1 or not ordered or not len(atoms) + len(values):
            raise ValueError("a scale of numbers is in disorder")
        return cls(atoms, values, scores, float(content["typical"]))
