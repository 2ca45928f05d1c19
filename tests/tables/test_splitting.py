"""Every row is held out once, and no part of a fold overlaps another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minecli.errors import DataError, UsageError
from minecli.tables.splitting import MOST_VALIDATION_ROWS, ROWS_PER_FOLD, cross_fit


@given(rows=st.integers(20, 400), folds=st.integers(2, 12), seed=st.integers(0, 5))
def test_parts_are_disjoint_and_held_out_parts_cover_everything(rows, folds, seed):
    if rows < ROWS_PER_FOLD * folds:
        return
    parts = cross_fit(rows, folds, np.random.default_rng(seed))
    held = [parts.held_out(k) for k in range(folds)]
    assert sorted(np.concatenate(held).tolist()) == list(range(rows))
    for k in range(folds):
        three = [set(held[k].tolist()), set(parts.validation(k).tolist()), set(parts.training(k).tolist())]
        assert len(set.union(*three)) == sum(map(len, three))
        assert len(parts.validation(k)) == parts.validation_rows >= 2
        assert len(parts.training(k)) == parts.training_rows


def test_training_rows_can_be_asked_for_by_place():
    parts = cross_fit(103, 4, np.random.default_rng(0))
    places = np.array([5, 0, parts.training_rows - 1])
    assert parts.training(3, places).tolist() == parts.training(3)[places].tolist()


def test_validation_part_is_capped():
    assert cross_fit(200_000, 2, np.random.default_rng(0)).validation_rows == MOST_VALIDATION_ROWS


def test_too_few_rows_names_what_would_do():
    with pytest.raises(
        DataError, match=r"19 rows are too few for 2 folds; at least 20 are needed \(collect more rows\)"
    ):
        cross_fit(19, 2, np.random.default_rng(0))
    with pytest.raises(DataError, match="--folds 3"):
        cross_fit(30, 5, np.random.default_rng(0))


def test_one_fold_is_refused():
    with pytest.raises(UsageError, match="folds is 1"):
        cross_fit(100, 1, np.random.default_rng(0))
