"""Count neighbours: for each row, how many others lie within the distance of its k-th neighbour, side by side.

Distances are maximum norms: within x, within z, and the larger of both in the joint space (Kraskov, Stoegbauer and
Grassberger 2004, section II). Two searches give identical counts: `neighbours_tree` and `neighbours_brute`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from minecli.estimators.config import SearchMethod

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Below this many rows a tree needs at most half a second in any dimension, less than loading torch.
_FEWEST_ROWS_FOR_BRUTE = 2_000


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
    """A prepared search over all rows, asked about a few rows at a time; `chunk_rows` is a good number of them.

    `order`, shape (n,), is a permutation of the rows in which runs of `run` rows are worth asking about together.
    """

    method: Literal["tree", "brute"]
    chunk_rows: int
    order: Integers
    run: int

    def counts(self, rows: Integers, rule: Rule) -> Counts: ...


def prepare(points: Array, d_x: int, k: int, *, method: SearchMethod, threads: int, device: str) -> Search:
    """Return a search over `points`, shape (n, d_x + d_z), whose first `d_x` columns are x; needs n > k."""
    from minecli.estimators.neighbours_brute import BruteSearch
    from minecli.estimators.neighbours_tree import TreeSearch

    n, d = points.shape
    chosen = choose_method(n, d) if method == "auto" else method
    if chosen == "tree":
        return TreeSearch(points, d_x, k, threads)
    return BruteSearch(points, d_x, k, threads, device)


def choose_method(n: int, d: int) -> Literal["tree", "brute"]:
    """Choose the faster search for n rows of d columns, x and z together: the tree up to d = 5 + 5.5 log10(n / 1000).

    Measured on one core of a Xeon with AVX-512, in microseconds per row, tree (independent normal columns; columns
    with one common factor, correlation 0.9) | brute force:

        n          2+2             4+4               5+5               6+6               8+8
        1,000      9; 7 | 17       35; 19 | 13       58; 27 | 14       72; 32 | 15       98; 45 | 16
        10,000     18; 13 | 108    98; 57 | 139      182; 91 | 128     282; 132 | 150    632; 214 | 141
        100,000    37; 26 | 1075   245; 143 | 1324   513; 274 | 1410   951; 448 | 1687   2667; 1018 | 1841

    Both divide by the number of cores. The line runs between the break-even points of the two kinds of columns. Few
    rows always go to the tree, which does not have to load torch.

    >>> [choose_method(n, d) for n, d in [(1_000, 40), (10_000, 10), (10_000, 40), (1_000_000, 20)]]
    ['tree', 'tree', 'brute', 'tree']
    """
    if n < _FEWEST_ROWS_FOR_BRUTE or d <= 5.0 + 5.5 * math.log10(n / 1000.0):
        return "tree"
    return "brute"
