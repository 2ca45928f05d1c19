"""Rows of a person's own table as choices and scores (`table_coding`), for generators that draw their categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from minecli.apps.datasets.evaluated_rows import TableColumn, table_columns
from minecli.apps.datasets.table_coding import TableCoding
from minecli.apps.datasets.table_rows import TableRows, checked_features, stored_columns
from minecli.tables.groups import OneGroup
from minecli.tables.kinds import Array, Mask
from minecli.tables.origins import Origin, Values, arrow_column, restored, snapped

MISSING = "missing"

Features = Tensor | npt.NDArray[Any]


@dataclass(frozen=True)
class CodedRows:
    """The rows of a table, and the way from features to rows of that table again, missing values included.

    Attributes:
        origins: one per column of the file, in the order of the selection.
        coding: of the columns as features.
        real: (n, d + m) float64: the rows in units of the array, where values are missing the median or no level; and
            for each of m columns with missing values 1 where they are, else 0. Without rows, (0, d + m), a stored
            generator can make rows of the file when the file is gone.

    >>> import io
    >>> from minecli.tables.groups import load_group
    >>> from minecli.tables.wanted import Wanted
    >>> table = io.BytesIO(b"a,b\\n" + b"1,red\\n3,\\n" * 10)
    >>> rows = CodedRows.of(load_group("-", ["*"], Wanted(missing="learn"), stdin=table))
    >>> rows.names, rows.features[:2].tolist()
    (('a', 'b missing'), [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]])
    >>> rows.arrow_table(rows.features[:2])["b"].to_pylist()
    ['red', None]
    """

    origins: tuple[Origin, ...]
    coding: TableCoding
    real: Array = field(repr=False)

    @classmethod
    def of(cls, one: OneGroup, learnt: npt.NDArray[np.int64] | None = None) -> CodedRows:
        """The rows of a loaded table; DataError for values beyond 1e100 in size. The coding is that of the rows
        numbered `learnt`, or of all: others are to be evaluated by what was known without them."""
        values = TableRows.of(one).real
        absent = one.absent if one.absent is not None else np.zeros((len(values), len(one.origins)), np.bool_)
        known = slice(None) if learnt is None else learnt
        return cls.with_rows(one.origins, TableCoding.of(one.origins, values[known], absent[known]), values, absent)

    @classmethod
    def with_rows(cls, origins: tuple[Origin, ...], coding: TableCoding, values: Array, absent: Mask) -> CodedRows:
        """Rows of the array (n, d), of which `absent`, (n, columns), are missing."""
        flags = absent[:, list(coding.missing)].astype(np.float64)
        return cls(origins, coding, np.concatenate([coding.filled(values, absent), flags], axis=1))

    def __len__(self) -> int:
        return len(self.real)

    @property
    def width(self) -> int:
        """How many features there are."""
        return self.coding.width

    @property
    def columns(self) -> list[TableColumn]:
        """The columns of the file among those of `real`."""
        return table_columns(self.origins, self.coding.missing)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the d + m columns of `real`: "age", "colour=red", "emb[3]", "age missing"."""
        array = tuple(name for origin in self.origins for name in origin.names)
        return array + tuple(f"{self.origins[column].name} {MISSING}" for column in self.coding.missing)

    @cached_property
    def features(self) -> Tensor:
        """The real rows as features, (n, width) float32 on the CPU."""
        return self.features_of(self.real)

    def features_of(self, rows: Array) -> Tensor:
        """Rows as `real` has them, (n, d + m), as features, (n, width) float32 on the CPU."""
        values, absent = self.parted(rows)
        return torch.from_numpy(self.coding.features(values, absent).astype(np.float32))

    def parted(self, rows: Array) -> tuple[Array, Mask]:
        """Rows as `real` has them, (n, d + m), as values (n, d), and what of them is missing, (n, columns)."""
        missing = list(self.coding.missing)
        width = rows.shape[1] - len(missing)
        absent = np.zeros((len(rows), len(self.origins)), np.bool_)
        absent[:, missing] = rows[:, width:] > 0.5
        return rows[:, :width], absent

    def values(self, features: Features) -> Array:
        """Features (n, width) as rows like those of `real`, (n, d + m), with values that a real row could have.

        Raises:
            DataError: another number of features, or values that are not finite.
        """
        values, absent = self.coding.rows(checked_features(features, self.coding.width), len(self.origins))
        for column in self.columns:
            if column.origin.width:
                values[:, column.places] = snapped(column.origin, values[:, column.places])
        return CodedRows.with_rows(self.origins, self.coding, values, absent).real

    def restore(self, features: Features) -> dict[str, Values]:
        """Features (n, width) to the values of the file's columns that are there, each column as long as it has such
        values, for pictures; a missing category is the level "missing".

        Raises:
            DataError: another number of features, or values that are not finite.
        """
        shown: dict[str, Values] = {}
        for origin, values, gone in self._columns(self.values(features)):
            if isinstance(values, list):
                shown[origin.name] = [MISSING if no else value for value, no in zip(values, gone, strict=True)]
            else:
                shown[origin.name] = values[~gone]
        return shown

    def arrow_table(self, features: Features) -> dict[str, Any]:
        """Features (n, width) as Arrow arrays in the types of the file, by name, null where a value is missing.

        Raises:
            DataError: another number of features, or values that are not finite.
        """
        return self.arrow_rows(self.values(features))

    def arrow_rows(self, rows: Array) -> dict[str, Any]:
        """Rows as `real` has them as Arrow arrays in the types of the file, by name, null where a value is missing."""
        columns = {}
        for origin, values, gone in self._columns(rows):
            array = arrow_column(origin, values)
            # Null places give null, whatever the type.
            places = pa.array(np.arange(len(gone)), mask=gone)
            columns[origin.name] = array.take(places) if gone.any() else array
        return columns

    def _columns(self, rows: Array) -> list[tuple[Origin, Values, Mask]]:
        values, absent = self.parted(rows)
        return [
            (column.origin, restored(column.origin, values[:, column.places]), absent[:, number])
            for number, column in enumerate(self.columns)
        ]

    def to_json(self) -> dict[str, Any]:
        """All but the rows as plain JSON values. Of the rows it holds the levels of categories, up to 1,000 values of
        each number with their ranks, the first date and the first list of a column, and what is constant."""
        return {"columns": [origin.to_json() for origin in self.origins], "coding": self.coding.to_json()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> CodedRows:
        """What `to_json` wrote, without rows; DataError where the content is something else."""
        with stored_columns():
            origins = tuple(Origin.from_json(each) for each in content["columns"])
            coding = TableCoding.from_json(content["coding"])
            width = sum(origin.width for origin in origins)
            if coding.places != width or any(not 0 <= v.column < len(origins) for v in coding.variables):
                raise ValueError(f"{width} columns, but a coding of {coding.places}")
        return cls(origins, coding, np.empty((0, width + len(coding.missing))))
