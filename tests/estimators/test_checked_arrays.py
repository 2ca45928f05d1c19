"""Arrays are checked once, before any estimator is asked."""

import numpy as np
import pytest

from minecli.errors import DataError, UsageError
from minecli.estimators.arrays import checked_arrays
from minecli.estimators.config import GaussianConfig, KsgConfig
from minecli.estimators.context import Context
from minecli.estimators.outcome import run_estimators

X = np.arange(40.0).reshape(20, 2) ** 1.5


def with_value(value):
    values = X.copy()
    values[3, 1] = value
    return values


@pytest.mark.parametrize(
    ("x", "z", "error", "said"),
    [
        (with_value(np.nan), X, DataError, "^x holds nan in row 3, column 1"),
        (X, with_value(-np.inf), DataError, "^z holds -inf in row 3, column 1"),
        (X[:, 0], X, UsageError, r"^x has the shape \(20,\); .*x\[:, None\] makes one column"),
        (X, X[None], UsageError, r"^z has the shape \(1, 20, 2\)"),
        (X, X[:, :0], UsageError, r"^z has the shape \(20, 0\)"),
        (X, X[:19], UsageError, "^x has 20 rows and z has 19"),
        (X[:1], X[:1], DataError, "1 rows; at least 2"),
        (X.astype(str), X, UsageError, "^x holds <U32 values; it must hold numbers"),
        (X.astype(object), X, UsageError, "^x holds object values"),
        ([[1.0, 2.0], [3.0]], X, UsageError, "^x is no array"),
    ],
)
@pytest.mark.parametrize("config", [KsgConfig(), GaussianConfig()])
def test_no_estimator_gets_what_it_cannot_use(x, z, error, said, config):
    name = "ksg" if isinstance(config, KsgConfig) else "gaussian"
    with pytest.raises(error, match=said):
        run_estimators(x, z, {name: config}, Context())


def test_sound_arrays_are_taken_as_they_are():
    x, z = checked_arrays(X, X)
    assert x is X
    assert z is X
    whole, flags = checked_arrays(np.arange(4)[:, None], np.array([[True], [False]] * 2))
    assert (whole.dtype, flags.dtype) == (np.float64, np.float64)
    given, listed = (run_estimators(kind(X), kind(X**2), {"ksg": KsgConfig()}, Context()).estimates[0].mi_nats
                     for kind in (np.asarray, np.ndarray.tolist))  # fmt: skip
    assert given == listed
