"""The forecast of memory grows with what takes memory, and refuses what cannot fit before anything is computed."""

import numpy as np
import pytest

from minecli.errors import MemoryShort
from minecli.estimators.config import KsgConfig, MineConfig
from minecli.estimators.context import Context
from minecli.estimators.neural import forecast
from minecli.estimators.neural.forecast import needed_bytes, require_memory
from minecli.estimators.neural.mine import estimate_mine
from minecli.estimators.outcome import run_estimators
from minecli.estimators.registry import ESTIMATORS
from minecli.runtime import memory

TABLE = (100_000, (5, 5))


@pytest.mark.parametrize(
    "more",
    [
        MineConfig(hidden=480),
        MineConfig(layers=6),
        MineConfig(tower_layers=6),
        MineConfig(folds=10),
        MineConfig(weight_decays=(0.1, 0.5, 1.0)),
        MineConfig(batch_size=4096),
        MineConfig(marginal_shifts=32),
        MineConfig(precision="float64"),
    ],
    ids=str,
)
def test_more_of_anything_needs_more(more):
    assert needed_bytes(*TABLE, more) > needed_bytes(*TABLE, MineConfig())


def test_steps_and_repeats_need_nothing():
    assert needed_bytes(*TABLE, MineConfig(max_steps=9, repeats=9)) == needed_bytes(*TABLE, MineConfig())


def test_rows_and_columns_need_more():
    least = needed_bytes(1000, (1, 1), MineConfig())
    assert needed_bytes(10**7, (1, 1), MineConfig()) > least + 10**8
    assert needed_bytes(1000, (1, 500), MineConfig()) > least + 10**7


def test_small_work_is_not_refused_on_a_small_machine(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 500_000_000)
    require_memory(10_000, (10, 10), MineConfig())
    require_memory(10_000, (10, 10), ESTIMATORS["info-nce"].config())


def test_a_network_that_cannot_fit_is_refused_before_training(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 2_000_000_000)
    x = np.random.default_rng(0).standard_normal((200, 1))
    with pytest.raises(MemoryShort) as caught:
        estimate_mine(x, x[::-1].copy(), MineConfig(hidden=16_384), Context())
    said = str(caught.value)
    assert said.startswith("mine with 200 rows, 2 columns and 16384 units a layer needs about ")
    assert "and 2 GB are free" in said
    assert forecast._HINT in said


@pytest.mark.parametrize("problem", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_memory_that_runs_out_later_loses_nothing_done(monkeypatch, problem):
    def exhausted(*_):
        raise problem

    monkeypatch.setattr("minecli.estimators.neural.mine.estimate_mine", exhausted)
    x = np.random.default_rng(0).standard_normal((200, 1))
    outcome = run_estimators(x, x**2, {"mine": MineConfig(), "ksg": KsgConfig()}, Context())
    assert [e.estimator for e in outcome.estimates] == ["ksg"]
    assert isinstance(outcome.failure, MemoryShort)
    with pytest.raises(type(problem)):
        run_estimators(x, x**2, {"mine": MineConfig()}, Context())
