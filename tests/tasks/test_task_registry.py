import pytest

from minecli.errors import UsageError
from minecli.tasks.registry import make_task
from minecli.tasks.task import parameters


def test_defaults_stay_unless_given():
    assert parameters(make_task("gaussian", dim=7)) == {"dim": 7, "rho": 0.5}


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("gausian", {}, r"task 'gausian' is not known; there are gaussian, .*\(did you mean gaussian\?\)"),
        ("qqq", {}, r"task 'qqq' is not known.*\(try gaussian\)"),
        ("gaussian", {"dof": 3.0}, "the task 'gaussian' has no --dof; it has --dim, --rho"),
        ("gaussian", {"dim": 0}, "--dim is 0; for the task 'gaussian' it must be at least 1"),
        ("gaussian", {"rho": 1.0}, "--rho is 1.0; .* strictly between -1 and 1"),
        ("gaussian", {"rho": float("nan")}, "--rho is nan"),
        ("student", {"dof": 0.0}, "--dof is 0.0; .* greater than 0"),
        ("student", {"dof": float("inf")}, "--dof is inf"),
        ("student", {"rho": -1.0}, "--rho is -1.0"),
        ("uniform-noise", {"epsilon": 0.0}, "--epsilon is 0.0; .* greater than 0"),
        ("nonlinear", {"function": "exp"}, "--function is exp; .* one of identity, cubic, sine"),
        ("nonlinear", {"sigma": 0.0}, "--sigma is 0.0; .* at least 0.01"),
        ("mixed", {"classes": 27}, "--classes is 27; .* from 2 to 26"),
        ("mixed", {"spacing": -1.0}, "--spacing is -1.0; .* from 0 to 100"),
        ("embedding", {"latent": 40}, "--latent is 40; .* from 1 to dim = 32"),
        ("embedding", {"sigma": 0.0}, "--sigma is 0.0; .* greater than 0"),
        ("independent", {"dim": -1}, "--dim is -1"),
    ],
)
def test_bad_requests(name, given, message):
    with pytest.raises(UsageError, match=message):
        make_task(name, **given)
