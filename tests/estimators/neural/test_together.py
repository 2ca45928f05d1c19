"""Several tables whose networks train as one: the answers are those of each table alone."""

import math

import numpy as np
import pytest

from minecli.estimators.config import MineConfig
from minecli.estimators.context import Context
from minecli.estimators.neural import mine
from minecli.estimators.neural.mine import estimate_mine, estimate_together
from minecli.estimators.neural.rows import ModelRows
from minecli.result import Status

# Every other row of the batch is paired with each, so that it does not matter in which order shifts are drawn.
ALL_PAIRS = {"batch_size": 16, "marginal_shifts": 15}
SMALL = {"folds": 2, "max_steps": 60, "hidden": 8, "evaluate_every": 10, "precision": "float64", **ALL_PAIRS}


def tables(count, rows=300):
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((rows, 2))
        found.append((x, (0.3 + 0.3 * seed) * x[:, :1] ** (1 + seed % 2) + rng.standard_normal((rows, 1))))
    return found


@pytest.mark.parametrize(
    "changes", [{}, {"protocol": "paper"}, {"preprocess": "none"}, {"repeats": 2}, {"patience": 1, "max_steps": 200}]
)
def test_the_answers_are_those_of_each_alone(changes):
    config = MineConfig(**SMALL | changes)
    data, contexts = tables(3), [Context(seed=s) for s in (5, 6, 7)]
    together = estimate_together(data, config, contexts)
    alone = [estimate_mine(x, z, config, context) for (x, z), context in zip(data, contexts, strict=True)]
    for one, other in zip(together, alone, strict=True):
        # 60 steps in double precision; sums of e^T run over the same terms in another order.
        assert one.mi_nats == pytest.approx(other.mi_nats, abs=1e-9)
        assert one.interval.high_nats == pytest.approx(other.interval.high_nats, abs=1e-9)
        assert one.details["network_weights"] == other.details["network_weights"]
        # Together they go on until the last has settled; up to there the curves are the same.
        curves = [np.array(e.details["curve"], float)[: len(other.details["curve"])] for e in (one, other)]
        assert np.allclose(*curves, atol=1e-9, equal_nan=True)
        assert (one.details["tables_together"], other.details["tables_together"]) == (3, 1)
        assert one.status is other.status
    assert len({e.mi_nats for e in together}) == 3


def test_a_table_without_an_estimate_does_not_disturb_the_others():
    (x, _), other = tables(2)
    config = MineConfig(**SMALL)
    copied, found = estimate_together([(x, x[:, :1]), other], config, [Context(seed=1), Context(seed=2)])
    assert (copied.mi_nats, copied.status) == (None, Status.INFINITE)
    assert found.mi_nats == estimate_mine(*other, config, Context(seed=2)).mi_nats


def test_tables_whose_networks_differ_in_shape_do_not_meet():
    (x, z), (other, _) = tables(2)
    # A column that is a copy of another takes a variate from the Gaussian base.
    copied = np.column_stack([other[:, 0], other[:, 0]])
    z = np.column_stack([z, x[:, 0] + z[:, 0]])
    data = [(x, z), (copied, z), (x[::-1].copy(), z)]
    config, contexts = MineConfig(**SMALL), [Context(seed=s) for s in range(3)]
    found = estimate_together(data, config, contexts)
    assert [e.details["tables_together"] for e in found] == [2, 1, 2]
    for (a, b), context, estimate in zip(data, contexts, found, strict=True):
        assert estimate.mi_nats == pytest.approx(estimate_mine(a, b, config, context).mi_nats, abs=1e-9)


def test_where_one_becomes_infinite_each_is_trained_alone(monkeypatch):
    plain = ModelRows.batch

    def poisoned(self, step):
        x, z = plain(self, step)
        return (x, z * math.nan) if self.x[0, 0] == 99.0 else (x, z)

    monkeypatch.setattr(ModelRows, "batch", poisoned)
    (x, z), other = tables(2)
    x[0, 0] = 99.0
    config = MineConfig(**SMALL)
    lost, found = estimate_together([(x, z), other], config, [Context(seed=1), Context(seed=2)])
    assert (lost.mi_nats, lost.status) == (None, Status.NONFINITE)
    assert found == estimate_mine(*other, config, Context(seed=2))


def test_a_stop_is_obeyed_within(monkeypatch):
    asks = iter([False] * 3)
    contexts = [Context(should_stop=lambda: next(asks, True), seed=s) for s in (0, 1)]
    found = estimate_together(tables(2), MineConfig(**SMALL), contexts)
    assert [e.status for e in found] == [Status.INTERRUPTED] * 2
    assert [e.mi_nats for e in found] == [None] * 2


def test_a_table_alone_is_trained_alone(monkeypatch):
    monkeypatch.setattr(mine, "train_together", None)
    (data,) = tables(1)
    assert estimate_together([data], MineConfig(**SMALL), [Context()])[0].mi_nats is not None
