"""Count neighbours: for each row, how many others lie within the distance of its k-th neighbour, side by side.

Distances are maximum norms: within x, within z, and the larger of both in the joint space (Kraskov, Stoegbauer and
Grassberger 2004, section II). Two searches give identical counts: `neighbours_tree` and `neighbours_brute`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Rule(Enum):
    """Which rows are counted; eps is the joint distance to the k-th other row, and a row never counts itself.

    - CUBE (KSG-1, equation 8): the rows strictly closer than eps in x, and in z. Where eps is 0 nothing is strictly
      closer, and the rows at distance 0 are counted.
    - RECTANGLE (KSG-2, equation 9): the rows not farther in x than the farthest in x of the k neighbours; so in z.
    - CLOSED_CUBE: the rows not farther than eps.
    - MIXTURE: as CUBE, but where eps is 0 the joint count is that of the rows at distance 0, the row itself included;
      and where, for eps above 0, more than one row lies exactly at eps in x or in z, the closed cube and all in it.

    Where the k-th and the next distance tie, "the k neighbours" are not defined: there RECTANGLE takes the closed cube
    with all the rows in it.
    """

    CUBE = auto()
    RECTANGLE = auto()
    CLOSED_CUBE = auto()
    MIXTURE = auto()


@dataclass(frozen=True)
class Counts:
    """Neighbour counts of some rows, each of shape (rows,): in the joint space, in x and in z.

    `closed` tells which rows counted the rows at the very edge too.
    """

    joint: Integers
    x: Integers
    z: Integers
    closed: Flags


class Search(Protocol):
    """A prepared search over all rows, asked about a few rows at a time; `chunk_rows` of them are fast.

    `order`, shape (n,), is a permutation of the rows in which runs of `run` rows are worth asking about together.
    """

    method: Literal["tree", "brute"]
    chunk_rows: int
    order: Integers
    run: int

    def counts(self, rows: Integers, rule: Rule, k: int | None = None) -> Counts:
        """The counts of some rows by `rule`; `k` overrules the number of neighbours that the search was made for."""
        ...
