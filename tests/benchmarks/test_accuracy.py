"""How far the default settings are from known truths at n = 10,000: `pytest -m benchmark -s -k accuracy`."""

import time

import pytest
import torch

from minecli.estimators.config import MineConfig
from minecli.estimators.context import Context
from minecli.estimators.nearest.ksg import estimate_ksg
from minecli.estimators.neural.mine import estimate_mine
from minecli.estimators.registry import ESTIMATORS
from minecli.runtime.seeds import generator
from minecli.tasks.registry import make_task

pytestmark = pytest.mark.benchmark

ROWS = 10_000
# Task, parameters, and the largest absolute error that is acceptable, in nats.
CASES = [
    ("gaussian", {"dim": 1, "rho": 0.0}, 0.03),
    ("gaussian", {"dim": 1, "rho": 0.5}, 0.03),
    ("gaussian", {"dim": 1, "rho": 0.9}, 0.03),
    ("student", {"dim": 5, "dof": 2}, 0.06),
    ("student", {"dim": 5, "dof": 3}, 0.06),
    ("student", {"dim": 1, "dof": 1}, 0.06),
    ("gaussian", {"dim": 20, "rho": 0.5}, 0.2877),
]


def test_accuracy_of_the_defaults(seed):
    torch.set_num_threads(2)
    print(f"\n{'task':38} {'truth':>7} {'mine':>8} {'se':>7} {'in 95%':>6} {'s':>6} {'ksg':>8} {'s':>6}   limit")
    failed = []
    for name, parameters, limit in CASES:
        task = make_task(name, **parameters)
        x, z = task.sample(ROWS, generator(seed, "benchmark", str(task)))
        started = time.perf_counter()
        mine = estimate_mine(x, z, MineConfig(), Context(seed=seed, threads=2))
        middle = time.perf_counter()
        ksg = estimate_ksg(x, z, ESTIMATORS["ksg"].config(), Context(seed=seed, threads=2))
        ended = time.perf_counter()
        truth = task.true_mi_nats()
        print(
            f"{task!s:38} {truth:7.4f} {mine.mi_nats:8.4f} {mine.standard_error_nats:7.4f} "
            f"{'yes' if truth in mine.interval else 'no':>6} {middle - started:6.1f} "
            f"{ksg.mi_nats:8.4f} {ended - middle:6.2f}   {limit}",
            flush=True,
        )
        if abs(mine.mi_nats - truth) > limit:
            failed.append(f"{task}: {mine.mi_nats:.4f} for {truth:.4f}")
        if truth == 0.0 and 0.0 not in mine.interval:
            failed.append(f"{task}: the interval misses 0")
    assert not failed


def test_accuracy_coverage_of_independence(seed):
    """How often the 95 % interval covers 0 on independent columns, over 20 draws of 2,000 rows."""
    covered = 0
    for draw in range(20):
        rng = generator(seed, "coverage", draw)
        x, z = rng.standard_normal((2000, 2)), rng.standard_normal((2000, 2))
        covered += 0.0 in estimate_mine(x, z, MineConfig(), Context(seed=draw, threads=2)).interval
    print(f"\nindependent 2 + 2 columns, n = 2,000: the interval covers 0 in {covered} of 20 draws")
    # Of 20 draws at 95 % coverage, 15 or fewer happen with probability 3e-4.
    assert covered >= 16
