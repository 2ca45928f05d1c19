"""Which of the two neighbour searches answers, by the numbers of rows and columns."""

from __future__ import annotations

import math
from typing import Literal

from minecli.estimators.config import SearchMethod
from minecli.estimators.nearest.neighbours import Array, Search
from minecli.estimators.nearest.neighbours_brute import BruteSearch
from minecli.estimators.nearest.neighbours_tree import TreeSearch
from minecli.runtime.address_space import secure_libraries

# Below this many rows a tree needs at most half a second in any dimension, less than loading torch.
_FEWEST_ROWS_FOR_BRUTE = 2_000


def prepare(points: Array, d_x: int, k: int, *, method: SearchMethod, threads: int, device: str) -> Search:
    """Return a search over `points`, shape (n, d_x + d_z), whose first `d_x` columns are x; needs n > k.

    DeviceError where brute force is to run on a device that cannot be used.

    >>> import numpy as np
    >>> prepare(np.random.default_rng(0).random((50, 2)), 1, 3, method="auto", threads=1, device="cpu").method
    'tree'
    """
    n, d = points.shape
    chosen = choose_method(n, d) if method == "auto" else method
    if chosen == "tree":
        return TreeSearch(points, d_x, k, threads)
    secure_libraries(["torch"], threads)
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
