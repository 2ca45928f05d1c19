"""Marginal pairs are never joint pairs."""

import pytest
import torch
from scipy import stats

from minecli.mine.sampling import random_shifts, shifted


@pytest.mark.parametrize("rows", [2, 3, 50])
def test_no_row_is_paired_with_itself(rows):
    generator = torch.Generator().manual_seed(0)
    index = torch.arange(rows)[None]
    for shift in random_shifts(rows, rows, generator):
        moved = shifted(index, shift)
        assert not (moved == index).any()
        assert sorted(moved[0].tolist()) == index[0].tolist()


def test_shifts_are_distinct_and_all_are_reached():
    shifts = random_shifts(10, 100, torch.Generator().manual_seed(1))
    assert sorted(shifts) == list(range(1, 10))


def test_shifts_are_uniform(seed):
    generator = torch.Generator().manual_seed(seed)
    counts = torch.bincount(torch.tensor([random_shifts(9, 1, generator)[0] for _ in range(4000)]), minlength=9)[1:]
    # False-fail rate 1e-4; finds a shift that is drawn half as often as it should with near certainty.
    assert stats.chisquare(counts.numpy()).pvalue > 1e-4


def test_one_row_cannot_be_re_paired():
    with pytest.raises(ValueError, match="two rows"):
        random_shifts(1, 1, torch.Generator())
