"""Every row is held out once, and no part of a fold overlaps another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minecli.errors import DataError, UsageError
from minecli.tables.splitting import (
    MOST_VALIDATION_ROWS,
    ROWS_PER_FOLD,
    cross_fit,
    everything,
    hold_out,
    random_order,
    share_of,
    stratified_order,
)


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


def test_the_parts_are_those_of_the_folds():
    cross = cross_fit(103, 4, np.random.default_rng(0))
    for fold, part in enumerate(cross.parts()):
        assert part.training_rows == cross.training_rows
        assert part.training(np.arange(part.training_rows)).tolist() == cross.training(fold).tolist()
        assert part.validation.tolist() == cross.validation(fold).tolist()
        assert part.held_out.tolist() == cross.held_out(fold).tolist()


def test_everything_trains_in_random_order():
    part = everything(50, np.random.default_rng(3))
    assert part.held_out.tolist() == random_order(50, np.random.default_rng(3)).tolist()
    assert part.training(np.arange(50)).tolist() == part.held_out.tolist()


@given(rows=st.integers(3, 400), share=st.sampled_from([0.2, 0.5]), most=st.none() | st.integers(1, 50))
def test_a_share_is_held_out_by_the_first_places_of_a_permutation(rows, share, most):
    learnt, held_out = hold_out(rows, share, np.random.default_rng(rows), most)
    order = np.random.default_rng(rows).permutation(rows)
    count = min(round(share * rows), rows if most is None else most)
    assert held_out.dtype == learnt.dtype == np.int64
    assert held_out.tolist() == sorted(order[:count].tolist())
    assert learnt.tolist() == sorted(order[count:].tolist())


def test_shares_are_never_none_of_the_rows():
    assert [share_of(rows, 0.2) for rows in (1, 2, 3, 8, 60)] == [1, 1, 1, 2, 12]
    assert share_of(60, 0.125, least=2, most=5) == 5


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_a_stratified_order_has_each_row_once(labels):
    order = stratified_order(np.array(labels), np.random.default_rng(0))
    assert sorted(order.tolist()) == list(range(len(labels)))
