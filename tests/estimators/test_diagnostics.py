"""What is noticed in the data before and beside an estimate."""

import numpy as np
import pytest

from minecli.errors import DataError
from minecli.estimators import same_order
from minecli.estimators.diagnostics import constant_columns, tied_rows, tied_share
from minecli.estimators.same_order import find_identical_columns


def columns(n=50, d=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def test_independent_columns_are_not_identical():
    assert find_identical_columns(columns(), columns(seed=1)) == []


def test_every_identical_pair_is_named():
    x = columns()
    z = np.c_[x[:, 2], columns(seed=1)[:, 0], -np.exp(x[:, 0]), 3 * x[:, 2] - 1]
    assert find_identical_columns(x, z) == [(0, 2), (2, 0), (2, 3)]


def test_one_exchanged_pair_of_rows_makes_them_different():
    x = columns(d=1)
    z = x.copy()
    z[[3, 8]] = z[[8, 3]]
    assert find_identical_columns(x, z) == []


@pytest.mark.parametrize(("n", "found"), [(9, []), (10, [(0, 0)])])
def test_few_rows_may_agree_by_chance(n, found):
    x = columns(n, 1)
    assert find_identical_columns(x, x) == found


def test_columns_of_few_values_carry_finite_information():
    x = np.repeat(np.arange(12.0), 2)[:, None]
    assert find_identical_columns(x, x) == []
    mostly_distinct = np.r_[np.arange(13.0), np.zeros(11)][:, None]
    assert find_identical_columns(mostly_distinct, mostly_distinct) == [(0, 0)]


def test_ties_must_agree_too():
    x = np.arange(20.0)[:, None]
    z = x.copy()
    z[5] = z[4]
    assert find_identical_columns(x, z) == []


def test_tied_rows_are_those_equal_in_all_columns():
    side = np.array([[1, 2], [1, 3], [1, 2], [0.0, 5], [-0.0, 5], [1, 5.0]])
    assert tied_rows(side).tolist() == [True, False, True, True, True, False]
    assert tied_rows(side[:, :1]).tolist() == [True] * 6
    assert not tied_rows(columns()).any()


def test_the_tied_share_is_that_of_the_worst_column():
    assert tied_share(np.array([[1.0, 1], [2, 1], [3, 1], [4, 2]])) == 0.75
    assert tied_share(columns()) == 0.0


def test_constant_columns_are_noted_or_refused():
    x = np.c_[np.full(50, 2.5), columns(d=1)]
    messages = [d.message for d in constant_columns(columns(), x)]
    assert messages == ["z column 1 has the single value 2.5 and adds nothing"]
    with pytest.raises(DataError, match=r"every column of x is constant \(first value 2.5\)"):
        constant_columns(x[:, :1], columns())


def test_screening_rows_first_finds_what_all_rows_show(monkeypatch):
    rng = np.random.default_rng(0)
    x, z = rng.standard_normal((5000, 4)), rng.standard_normal((5000, 3))
    z[:, 2] = -np.exp(x[:, 1])
    almost = z.copy()
    almost[17, 2] = 5.0  # one row out of order, and not one that the screening looks at
    plain = find_identical_columns(x, z)
    monkeypatch.setattr(same_order, "_SCREENING_ROWS", 100)
    assert find_identical_columns(x, z) == plain == [(1, 2)]
    assert find_identical_columns(x, almost) == []
