"""What stands beside a GAN's metrics: noise, and real data."""

import numpy as np
import pytest
import torch

from minecli.apps.datasets.mnist import Digits
from minecli.apps.datasets.stacked_digits import DigitStacks
from minecli.apps.datasets.synthetic import gaussians25
from minecli.apps.gan.config import GanRequest, preset
from minecli.apps.gan.references import stack_references, toy_references


def test_references_of_toys_have_the_spread_of_the_data_and_as_many_samples():
    seen = toy_references(
        gaussians25,
        lambda samples: {"n": float(len(samples)), "sd": float(samples.std()), "most": float(samples.abs().max())},
        preset("quick", "gaussians25", samples=4000),
        "gaussians25",
    )
    assert list(seen) == ["noise", "uniform noise", "real"]
    assert all(each["n"] == 4000 for each in seen.values())
    # Coordinates of the grid have variance 8 + 0.05^2, and those of its square 8.4^2 / 12 at least.
    assert seen["noise"]["sd"] == pytest.approx(8**0.5, rel=0.05)
    assert seen["real"]["sd"] == pytest.approx(8**0.5, rel=0.05)
    assert seen["uniform noise"]["sd"] == pytest.approx(8.3 / 12**0.5, rel=0.05)
    assert seen["uniform noise"]["most"] < 4.5 < seen["noise"]["most"]


def test_references_of_stacks():
    rng = np.random.default_rng(0)
    digits = Digits(rng.integers(0, 2, (30, 28, 28), dtype=np.uint8) * 255, np.arange(30, dtype=np.uint8) % 10)
    stacks, fresh = (DigitStacks(digits, 50, 2, seed, "cpu") for seed in (0, 1))
    config = preset("quick", "stacked-mnist", samples=50, generator_filters=4)
    seen = {}

    def metrics(images):
        seen[len(seen)] = images
        return {"modes": 1.0}

    assert list(stack_references(stacks, fresh, metrics, config)) == ["noise", "untrained", "real"]
    noise, untrained, real = seen.values()
    assert noise.shape == untrained.shape == real.shape == (50, 2, 28, 28)
    assert torch.equal(real, fresh.rows(torch.arange(50)[None])[0])
    assert noise.abs().max() <= 1.0
    assert noise.mean() == pytest.approx(float(real.mean()), abs=0.05)
    assert untrained.std() < 0.1


def test_a_checkpoint_of_a_version_without_later_settings_is_still_the_runs_own():
    request = GanRequest(
        dataset="spiral", methods=("mine",), seeds=(0,), preset="quick", config=preset("paper", "spiral")
    )
    mark = request.marked("mine")
    assert not {"one_latent", "averaging"} & set(mark["config"])
    other = GanRequest(
        dataset="spiral", methods=("mine",), seeds=(0,), preset="quick",
        config=preset("paper", "spiral", averaging=0.9),
    )  # fmt: skip
    assert other.marked("mine")["config"]["averaging"] == 0.9
