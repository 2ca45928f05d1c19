"""Rows with a class or a number each: the columns that predict, and the column that is to be predicted."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minecli.errors import DataError, UsageError
from minecli.tables.arrays import numbers
from minecli.tables.asked_kinds import as_asked, asked_kinds
from minecli.tables.files.sources import label_of
from minecli.tables.groups import OneGroup, learnable_group
from minecli.tables.kinds import Column, decoded
from minecli.tables.labels import MOST_CLASSES, too_many, whole_numbers
from minecli.tables.selectors.grammar import select_columns
from minecli.tables.selectors.header import Header
from minecli.tables.selectors.wording import counted, quoted
from minecli.tables.text_numbers import refuse_damaged
from minecli.tables.usable_rows import Chosen, usable_rows
from minecli.tables.wanted import DEFAULT_WANTED, Wanted

# So that a class can be learnt and tested.
FEWEST_OF_A_CLASS = 5
# Squares of larger numbers would leave the range of numbers.
_LARGEST = 1e100


@dataclass(frozen=True)
class ClassedRows:
    """The columns that predict, and the target of each row, (n,): its class, from 0, and what the classes are called,
    in order; or a number as float64, and no classes."""

    one: OneGroup
    labels: npt.NDArray[np.int64] | npt.NDArray[np.float64]
    classes: tuple[bool | int | str, ...]

    @property
    def is_number(self) -> bool:
        """Whether the target is a number."""
        return not self.classes


def load_classes(
    source: str | Sequence[str],
    columns: Sequence[str],
    target: str,
    wanted: Wanted = DEFAULT_WANTED,
    *,
    stdin: BinaryIO | None = None,
) -> ClassedRows:
    """Read the columns that `columns` select, and the class of each row from the column `target`: whole numbers,
    booleans or words. Where it holds numbers that are not whole, or more whole ones than could be classes, or was asked
    to be a number, its values are what is to be predicted. The other arguments are those of `load_groups`.

    >>> import io
    >>> text = b"a,b\\n" + b"1,red\\n2,blue\\n" * 10
    >>> rows = load_classes("-", ["a"], "b", stdin=io.BytesIO(text))
    >>> rows.classes, rows.labels[:3].tolist()
    (('blue', 'red'), [1, 0, 1])

    Raises what `load_group` raises, UsageError for a target that is not there or selected by `columns`, and DataError
    for one that holds one value alone, more words than MOST_CLASSES, a class of fewer than FEWEST_OF_A_CLASS rows,
    numbers that are not finite, or, asked to be labels, not whole.
    """

    def choose(header: Header) -> Chosen:
        names, label = header.names, label_of(source)
        if target not in names:
            near = difflib.get_close_matches(target, names, n=1)
            raise UsageError(
                f"--target '{target}' is no column of '{label}', which has {quoted(names)}",
                hint=f"did you mean {near[0]}?" if near else f"minecli columns {label} shows them",
            )
        chosen = select_columns(columns, header, source=label)
        if target in chosen:
            raise UsageError(
                f"--x selects '{target}', which is to be predicted",
                hint=f"take it out: --x '{','.join(columns)},!{target}'",
            )
        asked = asked_kinds(wanted.categorical, wanted.numeric, header, source=label)
        return Chosen((chosen, (target,)), asked)

    rows = usable_rows(source, choose, wanted, stdin, "--x and --target")
    column = rows.pop(target)
    if _is_number(column):
        values = _numbers(column, rows.decimal)
        return ClassedRows(learnable_group(rows, source), values, ())
    labels, classes = _classes(column)
    return ClassedRows(learnable_group(rows, source), labels, classes)


def _is_number(column: Column) -> bool:
    """Whether a target is a number rather than a class: where that was asked; else where it has decimals, or more whole
    numbers than could be classes."""
    if column.asked is not None or column.kind not in ("integer", "float"):
        return column.asked == "number"
    values = column.values
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    whole = column.kind == "integer" or pc.all(pc.equal(values, pc.floor(values))).as_py()
    return not whole or too_many(len(pc.unique(values)), len(values))


def _numbers(column: Column, decimal: str) -> npt.NDArray[np.float64]:
    """The values of a target that is a number, shape (n,)."""
    name, column = column.name, as_asked(column, decimal)
    if column.kind not in ("integer", "float"):
        raise DataError(
            f"column '{name}' holds no numbers (it is of kind {column.kind})", hint=f"leave '{name}' out of --numeric"
        )
    values: npt.NDArray[np.float64] = np.concatenate([numbers(chunk) for chunk in column.values.chunks])
    values = values.astype(np.float64)
    if np.abs(values).max() > _LARGEST:
        raise DataError(
            f"column '{name}' has values beyond {_LARGEST:g} in size",
            hint="drop those rows first, or divide the column",
        )
    if values.min() == values.max():
        raise DataError(
            f"column '{name}' holds only {values[0]:g} in {counted(len(values), 'row')}; there is nothing to predict",
            hint="name a column that varies in --target",
        )
    return values


def _classes(column: Column) -> tuple[npt.NDArray[np.int64], tuple[bool | int | str, ...]]:
    """The class of each row, shape (n,), as its place among the classes, and these in order; see `load_classes`."""
    name, kind, values = column.name, column.kind, decoded(column.values)
    if kind == "float":
        hint = f"to predict a number, leave '{name}' out of --categorical"
        values = whole_numbers(name, values, "classes", hint)
    elif kind not in ("integer", "boolean", "text", "category"):
        raise DataError(
            f"column '{name}' holds no classes (it is of kind {kind})", hint="--target names words or whole numbers"
        )
    distinct = pc.unique(values)
    refuse_damaged(name, distinct)
    _check_count(name, len(distinct), len(values))
    order = sorted(distinct.to_pylist())
    labels = pc.index_in(values, value_set=pa.array(order, type=distinct.type)).to_numpy()
    _check_sizes(name, order, np.bincount(labels))
    return labels.astype(np.int64), tuple(order)


def _check_count(name: str, count: int, rows: int) -> None:
    if count == 1:
        raise DataError(
            f"column '{name}' holds one class in {counted(rows, 'row')}; there is nothing to predict",
            hint="name a column with at least two in --target",
        )
    if too_many(count, rows):
        raise DataError(
            f"column '{name}' holds {count:,} different values in {counted(rows, 'row')}; that is too many for "
            f"classes (at most {MOST_CLASSES:,}, and half the rows)",
            hint=f"is it a number? --numeric {name}",
        )


def _check_sizes(name: str, order: Sequence[Any], sizes: npt.NDArray[np.int64]) -> None:
    least = int(sizes.argmin())
    if sizes[least] < FEWEST_OF_A_CLASS:
        raise DataError(
            f"class '{order[least]}' of column '{name}' has {counted(int(sizes[least]), 'row')}; it would be absent "
            f"from training or test, for which {FEWEST_OF_A_CLASS} are needed",
            hint=f"join rare classes, or leave those rows out; is it a number? --numeric {name}"
            if isinstance(order[least], int)
            else "join rare classes, or leave those rows out",
        )
