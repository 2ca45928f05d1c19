"""The columns of a table as choices and scores, which a generator makes by a softmax and a linear map, and back.

    category, text, boolean   a choice among the levels
    number, date, time        a choice among atoms and "between", and a normal score (`number_scale`)
    list of numbers           each entry as a number
    missing                   one more choice of the column; of a list, a choice of its own

Of a choice among m options there are m features, 0 or 1; of one option there is none. A score is 0 where another choice
than "between" is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minecli.apps.datasets.number_scale import NumberScale
from minecli.tables.kinds import Array, Mask
from minecli.tables.one_hot import nearest_levels, one_hot
from minecli.tables.origins import Origin

Features = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Variable:
    """One thing to be generated: a category of `levels`, or a number on a `scale`; `column` counts the file's columns.
    `missing`: it may be. With one level and missing it says whether a list or a constant is there."""

    column: int
    levels: int
    scale: NumberScale | None
    missing: bool

    @property
    def options(self) -> int:
        """How many choices there are."""
        return (self.levels if self.scale is None else self.scale.options) + self.missing

    @property
    def entries(self) -> int:
        """How many features the choice takes."""
        return self.options if self.options > 1 else 0

    @property
    def scored(self) -> bool:
        """Whether a score is among the features, which is the last."""
        return self.scale is not None and self.scale.continuous

    @property
    def width(self) -> int:
        """How many features there are."""
        return self.entries + self.scored

    @property
    def places(self) -> int:
        """How many columns of the array it fills."""
        if self.scale is not None:
            return 1
        return {1: 0, 2: 1}.get(self.levels, self.levels)

    def coded(self, block: Array, absent: Mask) -> Array:
        """Columns of the array (n, places), and which rows are missing (n,), as features (n, width)."""
        chosen = self._chosen(block)
        if self.missing:
            chosen = np.where(absent, self.options - 1, chosen)
        features = np.zeros((len(block), self.width))
        if self.entries:
            features[np.arange(len(block)), chosen] = 1.0
        if self.scale is not None and self.scored:
            between = chosen == len(self.scale.atoms)
            features[between, -1] = self.scale.scores_of(block[between, 0])
        return features

    def _chosen(self, block: Array) -> npt.NDArray[np.integer[Any]]:
        if self.scale is not None:
            return self.scale.chosen(block[:, 0])
        return nearest_levels(block) if self.places else np.zeros(len(block), np.int64)

    def decoded(self, features: Features) -> tuple[Array, Mask]:
        """Features (n, width) as columns of the array (n, places), and which rows are missing (n,), whose values mean
        nothing."""
        rows = len(features)
        chosen = features[:, : self.entries].argmax(axis=1) if self.entries else np.zeros(rows, np.int64)
        absent = chosen == self.options - 1 if self.missing else np.zeros(rows, np.bool_)
        chosen = np.where(absent, 0, chosen)
        if self.scale is not None:
            scores = features[:, -1].astype(np.float64) if self.scored else np.zeros(rows)
            return self.scale.values_of(chosen, scores)[:, None], absent
        if not self.places:
            return np.empty((rows, 0)), absent
        return one_hot(chosen, self.levels).astype(np.float64), absent

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        scale = None if self.scale is None else self.scale.to_json()
        return {"column": self.column, "levels": self.levels, "scale": scale, "missing": self.missing}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Variable:
        """What `to_json` wrote; KeyError, TypeError, ValueError where the content is something else."""
        scale = None if content["scale"] is None else NumberScale.from_json(content["scale"])
        return cls(int(content["column"]), int(content["levels"]), scale, bool(content["missing"]))


@dataclass(frozen=True)
class Choices:
    """Where choices and scores stand among `width` features: the places of each choice, and each score's place with
    that of its "between", None where a score is always there."""

    width: int
    groups: tuple[tuple[int, ...], ...]
    scores: tuple[tuple[int, int | None], ...]

    @property
    def entries(self) -> int:
        """How many features belong to choices."""
        return sum(map(len, self.groups))


@dataclass(frozen=True)
class TableCoding:
    """The variables of a table, in the order of the array's columns.

    >>> import io
    >>> from minecli.tables.groups import load_group
    >>> one = load_group("-", ["*"], stdin=io.BytesIO(b"a,b\\n" + b"1,red\\n3,blue\\n2,red\\n3,red\\n" * 5))
    >>> coding = TableCoding.of(one.origins, one.group.values, np.zeros((20, 2), bool))
    >>> coding.features(one.group.values[:2], np.zeros((2, 2), bool)).tolist()
    [[1.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0, 0.0]]
    """

    variables: tuple[Variable, ...]

    @classmethod
    def of(cls, origins: Sequence[Origin], values: Array, absent: Mask) -> TableCoding:
        """The coding of rows (n, d) of which `absent`, (n, columns), says what is missing."""
        variables: list[Variable] = []
        left = 0
        for column, origin in enumerate(origins):
            there, missing = ~absent[:, column], bool(absent[:, column].any())
            # Of what is there in none of these rows, only a filler is known.
            block = values[there if there.any() else slice(None), left : left + origin.width]
            left += origin.width
            if origin.indicators or not origin.width:
                levels = len(origin.levels) or (2 if origin.width else 1)
                variables.append(Variable(column, levels, None, missing))
                continue
            alone = origin.kind != "list"
            scales = [NumberScale.of(block[:, j]) for j in range(origin.width)]
            variables += [Variable(column, 0, scale, missing and alone) for scale in scales]
            if missing and not alone:
                variables.append(Variable(column, 1, None, True))
        return cls(tuple(variables))

    @property
    def width(self) -> int:
        """How many features there are."""
        return sum(variable.width for variable in self.variables)

    @property
    def places(self) -> int:
        """How many columns of the array there are."""
        return sum(variable.places for variable in self.variables)

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the file's columns that may be missing."""
        return tuple(dict.fromkeys(variable.column for variable in self.variables if variable.missing))

    @property
    def choices(self) -> Choices:
        """Where choices and scores stand among the features."""
        groups, scores, left = [], [], 0
        for variable in self.variables:
            if variable.entries:
                groups.append(tuple(range(left, left + variable.entries)))
            if variable.scale is not None and variable.scored:
                gate = left + len(variable.scale.atoms) if variable.entries else None
                scores.append((left + variable.entries, gate))
            left += variable.width
        return Choices(self.width, tuple(groups), tuple(scores))

    def features(self, values: Array, absent: Mask) -> Array:
        """Rows of the array (n, d), and what of them is missing (n, columns), as features (n, width)."""
        coded = [variable.coded(values[:, place], absent[:, variable.column]) for variable, place, _ in self._parts()]
        return np.concatenate([np.empty((len(values), 0)), *coded], axis=1)

    def rows(self, features: Features, columns: int) -> tuple[Array, Mask]:
        """Features (n, width) as rows of the array (n, d), and what of them is missing, (n, columns), where values mean
        nothing."""
        blocks, absent = [np.empty((len(features), 0))], np.zeros((len(features), columns), np.bool_)
        for variable, _, place in self._parts():
            block, gone = variable.decoded(features[:, place])
            blocks.append(block)
            absent[:, variable.column] |= gone
        return np.concatenate(blocks, axis=1), absent

    def filled(self, values: Array, absent: Mask) -> Array:
        """Rows of the array (n, d) with the same in place of whatever is missing: of numbers the median, of categories
        no level at all."""
        filled = values.copy()
        for variable, place, _ in self._parts():
            filled[absent[:, variable.column], place] = 0.0 if variable.scale is None else variable.scale.typical
        return filled

    def _parts(self) -> Iterator[tuple[Variable, slice, slice]]:
        """Each variable, its columns of the array, and its features."""
        left = start = 0
        for variable in self.variables:
            yield variable, slice(left, left + variable.places), slice(start, start + variable.width)
            left, start = left + variable.places, start + variable.width

    def to_json(self) -> list[dict[str, Any]]:
        """Plain JSON values."""
        return [variable.to_json() for variable in self.variables]

    @classmethod
    def from_json(cls, content: Sequence[Mapping[str, Any]]) -> TableCoding:
        """What `to_json` wrote; KeyError, TypeError, ValueError where the content is something else."""
        return cls(tuple(Variable.from_json(each) for each in content))
