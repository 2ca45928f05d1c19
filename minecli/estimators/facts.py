"""What the data are, determined once, before anything is estimated: kinds of columns, copies and order of rows, and
what one side determines of the other. Estimators have it in their context; the verdict starts from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from minecli.estimators.copies import coded, kinds_and_copies, row_codes
from minecli.estimators.row_order import RowOrder, row_order
from minecli.estimators.same_order import find_identical_columns
from minecli.estimators.significance import SIGMAS
from minecli.tables.value_kinds import ValueKind, levels

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

# Copies are a matter of concern from this share of the rows on.
FEW_COPIES = 0.01
# A table whose cells hold fewer rows on average is too thin to be read off.
ROWS_PER_CELL = 5.0
ROWS_PER_CODE = 20.0
# Whole numbers of so few levels may be labels; they are taken for some where they come in about as many runs as levels.
MOST_LABELS, RUNS_PER_LEVEL = 20, 2


@dataclass(frozen=True)
class Block:
    """A column of the table in the array of its side: `width` array columns from `start` on (labels make several)."""

    name: str
    start: int
    width: int = 1

    @property
    def columns(self) -> slice:
        """The places of its array columns in the array of its side."""
        return slice(self.start, self.start + self.width)


@dataclass(frozen=True)
class Side:
    """One variable: the columns of its array by name and kind, the table's columns they come from, the kind of the
    whole.

    `dimensions` says in how many directions neighbours spread: each column that is not discrete, and one for all that
    are. `codes` counts the distinct rows where every column is discrete or holds codes or counts; `levels` does so
    where all are discrete, and `entropy_nats` is their entropy with Miller and Madow's correction. Otherwise they are
    None.
    """

    names: tuple[str, ...]
    kinds: tuple[ValueKind, ...]
    blocks: tuple[Block, ...] = ()
    dimensions: int = 1
    codes: int | None = None
    levels: int | None = None
    entropy_nats: float | None = None
    entropy_error_nats: float = 0.0

    @property
    def kind(self) -> ValueKind:
        """Discrete if every column is; with atoms if any has some or is discrete; else continuous."""
        kinds = set(self.kinds)
        if kinds <= {ValueKind.DISCRETE}:
            return ValueKind.DISCRETE
        return ValueKind.CONTINUOUS if kinds == {ValueKind.CONTINUOUS} else ValueKind.ATOMS


@dataclass(frozen=True)
class Facts:
    """What is known of x and z before any estimator is asked.

    `copies` is the share of rows that are copies of other rows. `identical` lists pairs (column of x, column of z), by
    number, that order the rows alike: the information is infinite. `cells` counts the distinct rows of both sides
    together, where both are discrete. `rows_dropped` were left out for missing values.
    """

    rows: int
    x: Side
    z: Side
    copies: float = 0.0
    order: RowOrder = field(default_factory=lambda: RowOrder(False, 1.0, 0.0))
    identical: tuple[tuple[int, int], ...] = ()
    cells: int | None = None
    rows_dropped: int = 0

    @property
    def copied(self) -> bool:
        """Whether so many rows are copies that held-out rows were seen in training."""
        return self.copies > FEW_COPIES

    @property
    def discrete(self) -> bool:
        """Whether both sides are discrete."""
        return self.x.kind is self.z.kind is ValueKind.DISCRETE

    @property
    def tabular(self) -> bool:
        """Whether both sides are discrete and the table of their levels is filled well enough to be read off."""
        return self.cells is not None and self.rows >= ROWS_PER_CELL * self.cells

    @property
    def thin(self) -> bool:
        """Whether both sides hold codes or counts with few rows each: chance then looks like dependence."""
        if self.tabular or self.x.codes is None or self.z.codes is None:
            return False
        return self.rows < ROWS_PER_CODE * max(self.x.codes, self.z.codes)

    @property
    def continuous(self) -> bool:
        """Whether no column of either side has atoms."""
        return self.x.kind is self.z.kind is ValueKind.CONTINUOUS

    @property
    def one_pair(self) -> bool:
        """Whether each side is one column of the table, so that the one pair of columns is the whole."""
        return len(self.x.blocks) == len(self.z.blocks) == 1

    @property
    def dimensions(self) -> int:
        """In how many directions neighbours spread, x and z together: `Side.dimensions`."""
        return self.x.dimensions + self.z.dimensions

    @property
    def entropy_nats(self) -> float | None:
        """The smaller entropy of the discrete sides, which the information cannot exceed; None if neither is."""
        known = [side.entropy_nats for side in (self.x, self.z) if side.entropy_nats is not None]
        return min(known, default=None)

    @property
    def most_nats(self) -> float:
        """What no value can exceed: that entropy and three of its standard errors."""
        limits = [
            side.entropy_nats + SIGMAS * side.entropy_error_nats
            for side in (self.x, self.z)
            if side.entropy_nats is not None
        ]
        return min(limits, default=math.inf)

    @cached_property
    def determined(self) -> str | None:
        """Which discrete side is a function of the other in these rows: "x", "z", "both" or None."""
        if self.cells is None or not self.tabular:
            return None
        by_z, by_x = self.cells == self.z.levels, self.cells == self.x.levels
        return {(True, True): "both", (True, False): "x", (False, True): "z"}.get((by_z, by_x))


def find_facts(
    x: Array,
    z: Array,
    names: tuple[Sequence[str], Sequence[str]] | None = None,
    *,
    blocks: tuple[Sequence[Block], Sequence[Block]] | None = None,
    rows_dropped: int = 0,
    ordered: bool = True,
) -> Facts:
    """Determine the facts of x, shape (n, d_x), and z, shape (n, d_z), row i of one belonging to row i of the other.

    Args:
        names: of the columns of both arrays; otherwise they are counted from 1.
        blocks: the table's columns in both arrays; otherwise each array column is one.
        rows_dropped: what the table had left out.
        ordered: whether the order of the rows may say something; False where a person said that it does not.

    >>> x = np.random.default_rng(0).standard_normal((500, 2))
    >>> facts = find_facts(x, (x[:, :1] > 0) * 1.0)
    >>> facts.x.kind.value, facts.z.kind.value, facts.z.levels, round(facts.entropy_nats, 2), facts.copied
    ('continuous', 'discrete', 2, 0.69, False)
    """
    x_names, z_names = names or (_counted("x", x), _counted("z", z))
    both = [*x.T, *z.T]
    kinds, copies = kinds_and_copies(both)
    x_blocks, z_blocks = blocks or (_singly(x_names), _singly(z_names))
    left = _side(x, x_names, kinds[: x.shape[1]], x_blocks)
    right = _side(z, z_names, kinds[x.shape[1] :], z_blocks)
    discrete = left.levels is not None and right.levels is not None
    labels = np.array([_labels(column, kind) for column, kind in zip(both, kinds, strict=True)])
    split = labels[: x.shape[1]], labels[x.shape[1] :]
    order = row_order(x, z, (left.names, right.names), split) if ordered else RowOrder(False, 1.0, float(len(x)))
    return Facts(
        rows=len(x),
        x=left,
        z=right,
        copies=copies,
        order=order,
        identical=tuple(find_identical_columns(x, z)),
        cells=len(np.unique(row_codes(both))) if discrete else None,
        rows_dropped=rows_dropped,
    )


def _labels(column: Array, kind: ValueKind) -> bool:
    """Whether the order of rows is to be taken for that of labels: of two levels, or of a few in about as many runs."""
    if kind is not ValueKind.DISCRETE:
        return False
    distinct = levels(column)
    runs = 1 + int(np.count_nonzero(np.diff(column)))
    return distinct <= 2 or (distinct <= MOST_LABELS and runs <= RUNS_PER_LEVEL * distinct)


def _counted(side: str, values: Array) -> list[str]:
    return [f"{side} column {j + 1}" for j in range(values.shape[1])]


def _singly(names: Sequence[str]) -> tuple[Block, ...]:
    return tuple(Block(name, j) for j, name in enumerate(names))


def _side(values: Array, names: Sequence[str], kinds: Sequence[ValueKind], blocks: Sequence[Block]) -> Side:
    spread = sum(kind is not ValueKind.DISCRETE for kind in kinds)
    labels = any(k is ValueKind.DISCRETE and c.min() != c.max() for k, c in zip(kinds, values.T, strict=True))
    dimensions = spread + labels
    side = Side(tuple(names), tuple(kinds), tuple(blocks), dimensions)
    if not all(k is ValueKind.DISCRETE or coded(c) for k, c in zip(kinds, values.T, strict=True)):
        return side
    _, counts = np.unique(row_codes(list(values.T)), return_counts=True)
    if spread:
        return replace(side, codes=len(counts))
    n = len(values)
    logs = np.log(counts / n)
    entropy = float(-(counts / n) @ logs)
    error = math.sqrt(max(float((counts / n) @ logs**2) - entropy**2, 0.0) / n)
    # Where all levels are as frequent, the error vanishes to first order, and this is what is left.
    scatter = math.sqrt((len(counts) - 1) / 2) / n
    corrected = entropy + (len(counts) - 1) / (2 * n)
    return replace(
        side, codes=len(counts), levels=len(counts), entropy_nats=corrected, entropy_error_nats=max(error, scatter)
    )
