"""Standard errors from disjoint parts."""

import numpy as np
import pytest

from minecli.estimators.nearest.pointwise import Pointwise
from minecli.estimators.nearest.subsampling import error_from_parts, fewest_rows, interval, parts, standard_error


def split(n, k=3, seed=0):
    return list(parts(n, k, np.random.default_rng(seed)))


def error_of(whole, parts):
    return standard_error(whole, [p.mean() for p in parts], [p.var(ddof=1) / len(p) for p in parts])


@pytest.mark.parametrize(("n", "count"), [(99, 0), (100, 5), (500, 5), (700, 7), (2000, 20), (100_000, 20)])
def test_there_are_five_to_twenty_parts(n, count):
    assert len(split(n)) == count


def test_parts_are_disjoint_and_exhaust_the_rows():
    rows = np.concatenate(split(1234))
    assert (np.sort(rows) == np.arange(1234)).all()


def test_many_neighbours_need_larger_parts():
    assert fewest_rows(20) == 525
    assert split(524, k=20) == []
    assert len(split(525, k=20)) == 5


def test_the_seed_decides_the_parts():
    assert all((a == b).all() for a, b in zip(split(300), split(300), strict=True))
    assert any((a != b).any() for a, b in zip(split(300), split(300, seed=1), strict=True))


def test_of_independent_terms_it_is_the_error_of_the_mean():
    terms = np.random.default_rng(0).standard_normal(20_000)
    found = error_of(Pointwise(terms, 20_000), [terms[rows] for rows in split(20_000)])
    # The variance between 20 parts has a relative deviation of sqrt(2 / 19) = 0.32, its root half of that:
    # 4.5 of these, false-fail rate 7e-6.
    assert found == pytest.approx(1 / np.sqrt(20_000), rel=4.5 * 0.16)


def test_terms_without_scatter_within_parts():
    whole = Pointwise(np.array([1.0, 1.0, 2.0, 2.0]), 4)
    expected = np.sqrt(np.var([1.0, 2.0], ddof=1) / 2)
    assert error_of(whole, [np.array([1.0, 1.0]), np.array([2.0, 2.0])]) == pytest.approx(expected, abs=1e-15)


def test_a_part_that_was_stopped_gives_no_error():
    whole = Pointwise(np.arange(100.0), 100)
    rows = iter(split(100))
    assert error_from_parts(whole, rows, lambda part: Pointwise(np.full(len(part), np.nan), 0)) is None


def test_the_interval_widens_with_the_level_and_holds_the_estimate():
    narrow, wide = interval(0.1, 0.02, 10, 0.8), interval(0.1, 0.02, 10, 0.99)
    assert wide.low_nats < narrow.low_nats < 0.1 < narrow.high_nats < wide.high_nats
    assert (narrow.level, wide.level) == (0.8, 0.99)
