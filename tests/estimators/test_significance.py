"""Critical values against those of scipy.stats, and the largest of many values against draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t

from minecli.estimators.significance import largest_by_chance, normal_critical_value, student_critical_value


@pytest.mark.parametrize("confidence", [0.5, 0.68, 0.9, 0.95, 0.99, 0.999])
def test_critical_values_are_those_of_scipy(confidence):
    assert normal_critical_value(confidence) == norm.interval(confidence)[1]
    assert student_critical_value(confidence, 7) == pytest.approx(t.interval(confidence, 7)[1], rel=1e-12)


def test_students_is_wider_and_becomes_the_normal_one():
    assert student_critical_value(0.95, 5) > student_critical_value(0.95, 50) > normal_critical_value(0.95)
    assert student_critical_value(0.95, 10**7) == pytest.approx(normal_critical_value(0.95), rel=1e-6)


@pytest.mark.parametrize("count", [10, 1000])
def test_the_largest_of_many_stays_below_on_average(count):
    largest = np.random.default_rng(0).standard_normal((2000, count)).max(axis=1)
    assert 0.7 * largest_by_chance(count) < largest.mean() < largest_by_chance(count)
