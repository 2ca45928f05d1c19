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
        ("independent", {"tails": "fat"}, "--tails is fat; .* one of light, heavy"),
        ("multinormal-dense", {"rho": -0.1}, "--rho is -0.1; .* at least 0 and below 1"),
        ("multinormal-sparse", {"pairs": 6}, "--pairs is 6; .* from 1 to dim = 5"),
        ("low-rank", {"latent": 51}, "--latent is 51; .* from 1 to dim = 50"),
        ("low-rank", {"mi_nats": 10.5}, "--mi-nats is 10.5; .* from 0 to 10 per signal, that is to 10"),
        ("mixed-uniform", {"classes": 1}, "--classes is 1; .* from 2 to 1000"),
        ("zero-inflated", {"share": 1.5}, "--share is 1.5; .* from 0 to 1"),
        ("1v1-normal-0.75", {"rho": 0.5}, r"no --rho: its name fixes everything \(leave out --rho\)"),
        ("1v1-normal-0.7", {}, r"and 40 public tasks \(did you mean 1v1-normal-0.75\?\)"),
    ],
)
def test_bad_requests(name, given, message):
    with pytest.raises(UsageError, match=message):
        make_task(name, **given)
