"""Specs and groups."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from minecli.errors import UsageError
from minecli.tasks.catalogue import FIG1, FIG2, GROUPS, parse_task, spec_of
from minecli.tasks.gaussian import Gaussian, Independent
from minecli.tasks.registry import TASKS, make_task, task_names


@pytest.mark.parametrize("name", task_names())
def test_every_task_comes_back_from_its_spec(name):
    task = make_task(name)
    spec = spec_of(task)
    assert parse_task(spec) == task == parse_task(name)
    assert spec_of(parse_task(spec)) == spec
    assert spec.startswith(name)


@given(dim=some.integers(1, 10**6), rho=some.floats(-1, 1, exclude_min=True, exclude_max=True))
def test_every_number_comes_back_from_its_spec(dim, rho):
    assert parse_task(spec_of(Gaussian(dim=dim, rho=rho))) == Gaussian(dim=dim, rho=rho)


def test_equal_tasks_have_equal_specs():
    assert (
        spec_of(make_task("student", dof=2))
        == spec_of(make_task("student", dof=2.0))
        == "student:dim=1,dof=2.0,rho=0.0"
    )


def test_what_a_spec_may_look_like():
    assert parse_task("gaussian") == Gaussian()
    assert parse_task("gaussian: rho = -0.5 , dim=3") == Gaussian(dim=3, rho=-0.5)
    assert parse_task("independent:tails=heavy", dim=4) == Independent(dim=4, tails="heavy")
    assert parse_task("low-rank:mi-nats=1") == parse_task("low-rank:mi_nats=1.0")
    assert parse_task("gaussian", dim=2) == Gaussian(dim=2)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gausian:dim=2", r"task 'gausian' is not known; .*\(did you mean gaussian\?\)"),
        ("half_cube-1v1-normal", r"not known; .* and 40 public tasks \(did you mean half_cube-1v1-normal-0.75\?\)"),
        ("gaussian:dim", r"'gaussian:dim': 'dim' is no parameter; .* \(try gaussian:dim=1,rho=0.5\)"),
        ("gaussian:", r"'' is no parameter"),
        ("gaussian:dim=2,", r"'' is no parameter"),
        ("gaussian:sigma=2", r"the task 'gaussian' has no parameter 'sigma'; it has dim, rho"),
        ("gaussian:dim=2.5", r"dim is '2.5'; it must be a whole number \(try dim=1\)"),
        ("gaussian:rho=big", r"rho is 'big'; it must be a number \(try rho=0.5\)"),
        ("gaussian:rho=1", r"'gaussian:rho=1': rho is 1.0; it must be strictly between -1 and 1 \(try rho=0.5\)"),
        ("gaussian:rho=nan", r"rho is nan; it must be strictly between"),
        ("gaussian:dim=2,dim=3", r"dim is given twice"),
        ("nonlinear:function=exp", r"function is exp; it must be one of identity, cubic, sine"),
        ("1v1-normal-0.75:rho=0.5", r"'1v1-normal-0.75' has no parameters \(try 1v1-normal-0.75\)"),
    ],
)
def test_bad_specs(spec, message):
    with pytest.raises(UsageError, match=message):
        parse_task(spec)


def test_a_parameter_beside_a_spec_is_not_given_twice():
    with pytest.raises(UsageError, match="dim is given twice"):
        parse_task("gaussian:dim=2", dim=2)


@pytest.mark.parametrize("group", GROUPS)
def test_groups_hold_specs_in_their_full_form(group):
    specs = GROUPS[group]
    assert len(set(specs)) == len(specs)
    assert [spec_of(parse_task(spec)) for spec in specs] == list(specs)


def test_groups():
    assert list(GROUPS) == ["public", "paper", "extra"]
    assert len(GROUPS["public"]) == 40
    assert GROUPS["paper"] == FIG1 + FIG2
    assert (len(FIG1), len(FIG2)) == (26, 27)
    families = {parse_task(spec).name for spec in GROUPS["extra"]}
    assert {"mixed", "mixed-uniform", "zero-inflated", "low-rank", "independent", "embedding"} == families
    assert parse_task(FIG1[-1]) == Gaussian(dim=20, rho=0.99)


def test_default_low_rank_is_one_bit():
    assert make_task("low-rank").true_mi_nats() == math.log(2)


def test_no_family_has_the_name_of_a_public_task():
    assert len(set(task_names())) == len(task_names()) == len(TASKS) + 40
