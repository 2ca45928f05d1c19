"""What ten seeds trained as one batched model cost beside ten trainings: `pytest -m benchmark -s -k together`."""

import time

import pytest
import torch

from minecli.apps.ib.config import preset
from minecli.apps.ib.labelled_rows import Part
from minecli.apps.ib.training import IbTraining

pytestmark = pytest.mark.benchmark

SEEDS = 10


def milliseconds(training, steps):
    for _ in range(3):
        training.advance()
    if training.device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(steps):
        training.advance()
    if training.device.type == "cuda":
        torch.cuda.synchronize()
    return 1000.0 * (time.perf_counter() - started) / steps


@pytest.mark.parametrize("size", ["quick", "paper"])
@pytest.mark.parametrize("method", ["dvb", "mine-additive"])
def test_ten_seeds_together_beside_ten_alone(size, method):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    draws = torch.Generator().manual_seed(0)
    rows = Part(torch.rand(2000, 784, generator=draws), torch.randint(10, (2000,), generator=draws))

    def training(seeds):
        return IbTraining(rows, rows, method, preset(size), [(s, 1e-3) for s in seeds], 10, device)

    alone = milliseconds(training(range(1)), 20)
    together = milliseconds(training(range(SEEDS)), 20)
    print(f"\n{device}, {size}, {method}: a step of one {alone:.2f} ms, of ten together {together:.2f} ms; ", end="")
    print(f"together / ten alone = {together / (SEEDS * alone):.2f}")
