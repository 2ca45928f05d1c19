"""What a "marginal" pair is: x of one row with z of another row, never of its own.

Rows of a batch are in random order, so that a cyclic shift of z against x by 1 .. b-1 places is a random
derangement: every pair it makes is a draw from the product of the marginals, and none is a joint pair. A random
permutation keeps one row in place on average, and such a pair carries the whole joint score into the marginal term.
"""

from __future__ import annotations

import torch
from torch import Tensor


def random_shifts(rows: int, count: int, generator: torch.Generator) -> list[int]:
    """Draw `count` distinct shifts from 1 .. rows-1 (all of them where there are no more), in random order.

    Raises:
        ValueError: with fewer than two rows there is no other row to pair with.

    >>> sorted(random_shifts(4, 10, torch.Generator().manual_seed(0)))
    [1, 2, 3]
    """
    if rows < 2:
        raise ValueError(f"re-pairing needs at least two rows, not {rows}")
    return [int(s) + 1 for s in torch.randperm(rows - 1, generator=generator)[:count]]


def shifted(values: Tensor, shift: int, dim: int = 1) -> Tensor:
    """The rows shifted cyclically along `dim`, so that row i of the result belongs to row i - shift of the input.

    >>> shifted(torch.tensor([[10, 11, 12]]), 1)
    tensor([[12, 10, 11]])
    """
    return torch.roll(values, shift, dim)
