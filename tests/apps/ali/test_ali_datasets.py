"""What metrics of adversarially learned inference are worth: noise and real samples in the place of a model's."""

import numpy as np
import pytest

from minecli.apps.ali.config import AliRequest, preset
from minecli.apps.ali.datasets import load_dataset
from minecli.apps.datasets.synthetic import grid_means


@pytest.fixture(scope="module")
def grid():
    config = preset("quick", samples=2500, rows=1000, held_out=3000)
    return load_dataset(AliRequest(dataset="gaussians25", methods=("ali",), seeds=(0,), preset="quick", config=config),
                        "cpu")  # fmt: skip


def test_real_samples_are_their_own_reconstructions_and_reach_every_mode(grid):
    real = grid.facts["references"]["real"]
    assert real["euclidean_error"] == 0.0
    assert real["modes"] == 25.0
    assert real["kl"] < 0.02


def test_noise_is_another_sample_and_of_little_quality(grid):
    noise, real = (grid.facts["references"][name] for name in ("noise", "real"))
    means = grid_means()
    between = np.linalg.norm(means[:, None] - means, axis=2)
    # Of a thousand pairs of independent modes, four standard errors.
    assert noise["euclidean_error"] == pytest.approx(between.mean(), abs=4 * between.std() / 1000**0.5)
    assert noise["high_quality_share"] < 0.1 < real["high_quality_share"]


def test_references_are_the_same_each_time(grid):
    config = preset("quick", samples=2500, rows=1000, held_out=3000, beta=0.5)
    again = AliRequest(dataset="gaussians25", methods=("mine",), seeds=(3,), preset="quick", config=config)
    assert load_dataset(again, "cpu").facts["references"] == grid.facts["references"]
