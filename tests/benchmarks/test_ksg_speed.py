"""How long and how much memory the nearest-neighbour estimators take; run with -m benchmark -s."""

import math
import os
import resource
import time

import numpy as np
import pytest

from minecli.estimators.config import KsgConfig
from minecli.estimators.context import Context
from minecli.estimators.nearest.ksg import estimate_ksg

pytestmark = pytest.mark.benchmark
THREADS = os.cpu_count() or 1


def gaussian(n, d, rho=0.5):
    g = np.random.default_rng(0)
    x = g.standard_normal((n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * g.standard_normal((n, d))


def best_of(runs, work):
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


@pytest.mark.parametrize("n", [1_000, 10_000, 100_000])
def test_one_and_one_columns_beside_scikit_learn(n):
    from sklearn.feature_selection import mutual_info_regression

    x, z = gaussian(n, 1)
    theirs = best_of(3, lambda: mutual_info_regression(x, z[:, 0], random_state=0))
    for interval in (False, True):
        config = KsgConfig(interval=interval)
        ours = best_of(3, lambda config=config: estimate_ksg(x, z, config, Context()))
        print(f"\nn={n} 1+1 interval={interval}: {ours:.4f} s, scikit-learn {theirs:.4f} s, ratio {ours / theirs:.2f}")
        assert ours < 3 * theirs + 0.05


@pytest.mark.parametrize(("n", "d"), [(10_000, 2), (10_000, 5), (10_000, 20), (50_000, 5)])
def test_many_columns(n, d):
    x, z = gaussian(n, d)
    estimate_ksg(x[:3000], z[:3000], KsgConfig(search="brute"), Context())  # loads torch
    started, cpu = time.perf_counter(), time.process_time()
    result = estimate_ksg(x, z, KsgConfig(), Context(threads=THREADS))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(
        f"\nn={n} {d}+{d} {result.details['search']}, {THREADS} threads: {wall:.2f} s, cpu {cpu:.2f} s; "
        f"{result.mi_nats:.3f} +- {result.standard_error_nats:.3f} (truth {-0.5 * d * math.log(0.75):.3f})"
    )
    assert wall < 30


@pytest.mark.parametrize("n", [1_000_000, 10_000_000])
def test_memory_of_many_rows(n):
    x, z = gaussian(n, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    result = estimate_ksg(x, z, KsgConfig(interval=False), Context(threads=THREADS))
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"\nn={n} 1+1: {time.perf_counter() - started:.1f} s, peak memory +{added:.0f} MiB; {result.mi_nats:.4f}")
    assert added < 1100
