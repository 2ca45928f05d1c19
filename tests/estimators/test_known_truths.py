"""The default settings against known truths: what a person gets who types nothing but columns.

Every case runs the estimators that the kinds choose, and the verdict. Where rows are many, networks are trained on
fewer folds and for fewer steps than by default; with `-m slow`, the same cases run with all defaults. The limit of a
case is four standard errors of its best estimator (false-fail rate 6e-5) or what the verdict calls right, whichever is
larger.
"""

import math
from types import MappingProxyType

import numpy as np
import pytest
import torch

from minecli.cli.settings import default_configs
from minecli.estimators.choice import default_estimators
from minecli.estimators.context import Context
from minecli.estimators.facts import find_facts
from minecli.estimators.outcome import run_estimators
from minecli.estimators.parts import find_parts
from minecli.estimators.verdict import Answer, decide
from minecli.runtime.seeds import generator
from minecli.tasks.registry import make_task


@pytest.fixture(params=[{"folds": 2, "max_steps": 300}, pytest.param({}, marks=pytest.mark.slow)], ids=["less", "all"])
def settings(request):
    return request.param


def verdict_on(x, z, seed, settings=MappingProxyType({})):
    facts = find_facts(x, z)
    context = Context(seed=seed, facts=facts)
    outcome = run_estimators(x, z, default_configs(default_estimators(facts), settings), context)
    return decide(outcome.estimates, facts, find_parts(x, z, facts, context))


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in one order, whatever runs beside."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_gaussian_pair_is_believed(seed, settings):
    task = make_task("gaussian", dim=1, rho=0.8)
    found = verdict_on(*task.sample(4000, generator(seed, "truths", "gaussian")), seed, settings)
    assert found.answer is Answer.BELIEVE
    # Truth 0.511; the standard deviation at 4,000 rows is 0.8 / sqrt(4000) = 0.0126.
    assert found.mi_nats == pytest.approx(task.true_mi_nats(), abs=0.05)


def test_independent_columns_have_none_and_what_is_planted_is_found(seed, settings):
    """The second half fails for an estimator that always answers 0."""
    rng = generator(seed, "truths", "none")
    # The upper limit is the value and 1.96 standard errors of 0.009: above 0.05 once in 4,000 draws.
    x, z = rng.standard_normal((2, 10_000, 1))
    found = verdict_on(x, z, seed, settings)
    assert (found.answer, found.trustworthy) == (Answer.NO_DEPENDENCE, True)
    assert found.at_most_nats <= 0.05
    planted = verdict_on(x, 0.3 * x + math.sqrt(1 - 0.09) * z, seed, settings)
    assert planted.answer is Answer.BELIEVE
    # Truth 0.047 nats, standard deviation 0.3 / sqrt(10000) = 0.003.
    assert 0.02 < planted.mi_nats < 0.08


def test_a_dependence_in_the_common_scale_alone_is_not_doubted_away(seed, settings):
    """2 + 2 Student columns with one degree of freedom: no correlation, 0.432 nats."""
    task = make_task("student", dim=2, dof=1)
    found = verdict_on(*task.sample(4000, generator(seed, "truths", "student")), seed, settings)
    truth = task.true_mi_nats()
    assert found.answer in (Answer.BELIEVE, Answer.AT_LEAST)
    assert 0.3 < found.at_least_nats < truth
    if found.answer is Answer.BELIEVE:
        assert found.mi_nats == pytest.approx(truth, abs=0.05)


def test_a_product_of_signs_among_noise_is_a_lower_limit_at_least(seed):
    """500 rows: nearest neighbours find a third of it, and were believed."""
    rng = generator(seed, "truths", "signs")
    x = rng.standard_normal((500, 4))
    z = np.c_[np.sign(x[:, 0] * x[:, 1]) * np.abs(rng.standard_normal(500)), rng.standard_normal((500, 2))]
    found = verdict_on(x, z, seed)
    assert not found.trustworthy
    assert found.mi_nats is None
    assert (found.at_least_nats or 0.0) < math.log(2)
    neighbours = next(e for e in found.estimates if e.estimator == "ksg")
    assert neighbours.mi_nats < 0.4


def test_zeros_that_meet_zeros_are_atoms_and_the_value_is_right(seed, settings):
    """x is 0 or 1 + normal, and z follows: the exact value by the chain rule over (x = 0, z = 0)."""
    rng = generator(seed, "truths", "zeros")
    on = rng.random(3000) < 0.4
    z_on = np.where(rng.random(3000) < 0.9, on, ~on)
    x = np.where(on, rng.standard_normal(3000), 0.0)
    z = np.where(z_on, rng.standard_normal(3000), 0.0)
    # Given who is on, the values are independent: I is that of the 2 x 2 table.
    table = np.array([[0.6 * 0.9, 0.6 * 0.1], [0.4 * 0.1, 0.4 * 0.9]])
    truth = float((table * np.log(table / np.outer(table.sum(1), table.sum(0)))).sum())
    found = verdict_on(x[:, None], z[:, None], seed, settings)
    assert found.answer is Answer.BELIEVE
    assert found.mi_nats == pytest.approx(truth, abs=0.05)


def test_a_table_is_answered_exactly(seed):
    rng = generator(seed, "truths", "table")
    a = rng.integers(0, 4, 5000)
    b = np.where(rng.random(5000) < 0.7, a, rng.integers(0, 4, 5000))
    same = 0.7 + 0.3 / 4
    truth = math.log(4) + same * math.log(same) + 0.225 * math.log(0.075)
    found = verdict_on(a[:, None] * 1.0, b[:, None] * 1.0, seed)
    assert (found.answer, found.estimator) == (Answer.BELIEVE, "plug-in")
    assert found.mi_nats == pytest.approx(truth, abs=0.05)
    independent = verdict_on(a[:, None] * 1.0, rng.permutation(b)[:, None] * 1.0, seed)
    assert (independent.answer, independent.trustworthy) == (Answer.NO_DEPENDENCE, True)
