"""What a person says a column is, where that is not what its type says: --categorical and --numeric."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from minecli.errors import UsageError
from minecli.tables.kinds import Asked, Column
from minecli.tables.labels import as_labels
from minecli.tables.selectors.grammar import selected
from minecli.tables.selectors.header import Header
from minecli.tables.selectors.wording import quoted
from minecli.tables.text_numbers import as_numbers


@dataclass(frozen=True)
class AskedKinds:
    """The columns that are to be labels and those that are to be numbers, each with whether it was called by its own
    name."""

    labels: Mapping[str, bool] = field(default_factory=dict)
    numbers: Mapping[str, bool] = field(default_factory=dict)

    def of(self, name: str) -> Asked | None:
        """What a column is to be; None where nothing was said of it."""
        if name in self.labels:
            return "labels"
        return "number" if name in self.numbers else None

    def without_effect(self, used: Collection[str], options: str) -> tuple[str, ...]:
        """Sentences on columns that were called by their names and are not `used`, those that `options` select. Globs
        may well hold more than that.

        >>> AskedKinds({"a": True, "b": False}).without_effect((), "--x")
        ("--categorical has no effect on 'a', which is not among the columns of --x",)
        """
        notes = []
        for option, columns in (("--categorical", self.labels), ("--numeric", self.numbers)):
            idle = [name for name, by_name in columns.items() if by_name and name not in used]
            if idle:
                which = "which is" if len(idle) == 1 else "which are"
                notes.append(f"{option} has no effect on {quoted(idle)}, {which} not among the columns of {options}")
        return tuple(notes)


def asked_kinds(
    categorical: Sequence[str], numeric: Sequence[str], names: Header | Sequence[str], *, source: str = "FILE"
) -> AskedKinds:
    """Resolve the selectors of both options among the columns `names`.

    Raises UsageError for what `select_columns` refuses, and for a column in both.

    >>> kinds = asked_kinds(["shop,z*"], [], ["shop", "age", "zip"])
    >>> kinds.of("zip"), kinds.of("age")
    ('labels', None)
    """
    labels = selected(categorical, names, option="--categorical", source=source) if categorical else {}
    numbers = selected(numeric, names, option="--numeric", source=source) if numeric else {}
    both = [name for name in labels if name in numbers]
    if both:
        what = "a column is" if len(both) == 1 else "columns are"
        raise UsageError(
            f"--categorical and --numeric both name {quoted(both)}; {what} either labels or numbers",
            hint=f"take it out of one of them, as in --categorical 'SELECTORS,!{both[0]}'",
        )
    return AskedKinds(labels, numbers)


def as_asked(column: Column, decimal: str = ".") -> Column:
    """A column without missing values as what it is to be; as it is where nothing was asked. `decimal` is the mark in
    numbers that are text.

    Raises DataError for values that cannot be that.

    >>> import pyarrow as pa
    >>> as_asked(Column.of("a", pa.chunked_array([["1,5", "2"]]), "number"), decimal=",").values.to_pylist()
    [1.5, 2.0]
    """
    if column.asked == "labels":
        return as_labels(column)
    return as_numbers(column, decimal) if column.asked == "number" else column
