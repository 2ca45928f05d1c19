"""Rows with a class each: the columns that predict, and the column that says which class a row is of."""

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
from minecli.tables.asked_kinds import asked_kinds
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


@dataclass(frozen=True)
class ClassedRows:
    """The columns that predict, the class of each row, (n,) from 0, and what the classes are called, in order."""

    one: OneGroup
    labels: npt.NDArray[np.int64]
    classes: tuple[bool | int | str, ...]


def load_classes(
    source: str | Sequence[str],
    columns: Sequence[str],
    target: str,
    wanted: Wanted = DEFAULT_WANTED,
    *,
    stdin: BinaryIO | None = None,
) -> ClassedRows:
    """Read the columns that `columns` select, and the class of each row from the column `target`: whole numbers,
    booleans or words. The other arguments are those of `load_groups`.

    >>> import io
    >>> text = b"a,b\\n" + b"1,red\\n2,blue\\n" * 10
    >>> rows = load_classes("-", ["a"], "b", stdin=io.BytesIO(text))
    >>> rows.classes, rows.labels[:3].tolist()
    (('blue', 'red'), [1, 0, 1])

    Raises what `load_group` raises, UsageError for a target that is not there or selected by `columns` or as a number,
    and DataError for one that holds one class, more than MOST_CLASSES, numbers that are not whole, or a class of fewer
    than FEWEST_OF_A_CLASS rows.
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
        if asked.of(target) == "number":
            raise UsageError(
                f"--numeric selects '{target}', whose values --target takes as classes",
                hint=f"take it out of --numeric; what the columns say of a number: minecli estimate ... --z {target}",
            )
        return Chosen((chosen, (target,)), asked)

    rows = usable_rows(source, choose, wanted, stdin, "--x and --target")
    labels, classes = _classes(rows.pop(target))
    return ClassedRows(learnable_group(rows, source), labels, classes)


def _classes(column: Column) -> tuple[npt.NDArray[np.int64], tuple[bool | int | str, ...]]:
    """The class of each row, shape (n,), as its place among the classes, and these in order; see `load_classes`."""
    name, kind, values = column.name, column.kind, decoded(column.values)
    if kind == "float":
        hint = f"how much the columns say about a number: minecli estimate ... --z {name}"
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
            hint=f"is it a number? minecli estimate ... --z {name}",
        )


def _check_sizes(name: str, order: Sequence[Any], sizes: npt.NDArray[np.int64]) -> None:
    least = int(sizes.argmin())
    if sizes[least] < FEWEST_OF_A_CLASS:
        raise DataError(
            f"class '{order[least]}' of column '{name}' has {counted(int(sizes[least]), 'row')}; it would be absent "
            f"from training or test, for which {FEWEST_OF_A_CLASS} are needed",
            hint="join rare classes, or leave those rows out",
        )
