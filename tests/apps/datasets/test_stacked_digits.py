"""Stacks of digits: the table, the pixels, the modes, what a judge says of them, and the floor of its divergence."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from minecli.apps.datasets.mnist import Digits, pooled, read_mnist
from minecli.apps.datasets.stacked_digits import MOST_STACKED, DigitStacks, as_modes, stacked
from minecli.apps.metrics.stacks import StackMetrics, confident_digits, label_floor, label_metrics
from minecli.errors import DataError, UsageError

RNG = np.random.default_rng(0)
POOL = Digits(RNG.integers(256, size=(40, 28, 28)).astype(np.uint8), RNG.integers(10, size=40).astype(np.uint8))


class Reader:
    """Stands for the classifier: reads the digit off the first pixel, -1 + 0.2 digit, and is as sure as it is told."""

    def __init__(self, share):
        self.share = share

    def logits(self, images):
        digit = ((images[:, 0, 0] + 1.0) / 0.2).round().long()
        other = (1.0 - self.share) / 9
        return torch.full((len(images), 10), math.log(other)).scatter(1, digit[:, None], math.log(self.share))


def written(labels):
    """Images (n, stack, 28, 28) that `Reader` reads as `labels` (n, stack)."""
    images = torch.zeros(*labels.shape, 28, 28)
    images[..., 0, 0] = -1.0 + 0.2 * torch.tensor(labels)
    return images


def test_modes_are_numbers():
    assert as_modes(np.array([[1, 2, 3], [0, 0, 7]], dtype=np.uint8)).tolist() == [123, 7]
    assert as_modes(np.array([[4], [9]])).tolist() == [4, 9]
    assert as_modes(np.full((1, MOST_STACKED), 9, dtype=np.uint8)).tolist() == [10**MOST_STACKED - 1]


def test_the_table_is_fixed_by_its_seed():
    table = stacked(40, 500, 3, seed=7)
    assert (table.shape, table.dtype) == ((500, 3), np.int64)
    assert (table.min(), table.max()) == (0, 39)
    assert np.array_equal(table, stacked(40, 500, 3, seed=7))
    assert not np.array_equal(table, stacked(40, 500, 3, seed=8))


def test_digits_are_drawn_independently_and_alike():
    table = stacked(10, 200_000, 2, seed=0)
    # 2 n KL over the 100 pairs is about chi-squared with 99 degrees of freedom, beyond 160 with probability 1e-4.
    assert 400_000 * label_metrics(as_modes(table), 100)["kl"] < 160


def test_images_are_those_of_the_table():
    stacks = DigitStacks(POOL, count=50, stack=3, seed=1, device="cpu")
    assert (len(stacks), stacks.shape, stacks.device) == (50, (3, 28, 28), "cpu")
    indices = torch.tensor([[0, 49, 7, 7], [3, 2, 1, 0]])
    images = stacks.rows(indices)
    assert (images.shape, images.dtype) == ((2, 4, 3, 28, 28), torch.float32)
    expected = POOL.images[stacked(40, 50, 3, seed=1)[indices.numpy()]] / 127.5 - 1.0
    np.testing.assert_allclose(images.numpy(), expected, atol=1e-7)
    assert (images.min(), images.max()) == (-1.0, 1.0)


def test_images_are_nobody_elses():
    stacks = DigitStacks(POOL, count=5, stack=1, seed=0, device="cpu")
    indices = torch.tensor([[2, 2]])
    first = stacks.rows(indices).clone()
    stacks.rows(indices).zero_()
    assert torch.equal(stacks.rows(indices), first)


@pytest.mark.parametrize(
    ("count", "stack", "problem"),
    [
        (0, 3, "0 stacked digits are asked for; at least 1 is needed"),
        (5, 0, "0 digits are to be stacked; 1 to 6 can be"),
        (5, 7, "7 digits are to be stacked; 1 to 6 can be"),
    ],
)
def test_counts_out_of_range(count, stack, problem):
    for ask in (
        lambda: stacked(40, count, stack, 0),
        lambda: DigitStacks(POOL, count, stack, 0, "cpu"),
        lambda: label_floor(POOL.labels, stack, count, 0),
    ):
        with pytest.raises(UsageError) as caught:
            ask()
        assert caught.value.problem == problem
        assert caught.value.hint.startswith("try ")


def test_the_judge_by_hand():
    labels = np.array([[0, 1], [0, 1], [1, 0], [9, 9]])
    found = StackMetrics(Reader(0.75), 2, 0.9)(written(labels))
    assert found == {
        "populated_modes": 0.0,
        "confident_share": 0.0,
        "full_kl": pytest.approx(-math.log(1 - 0.81)),
        "modes": 3.0,
        "kl": pytest.approx(0.5 * math.log(50) + 0.5 * math.log(25)),
        "classifier_confidence": pytest.approx(0.75),
    }
    assert all(type(value) is float for value in found.values())


def test_the_judge_tells_all_modes():
    every = np.stack(np.divmod(np.arange(100), 10), axis=1)
    found = StackMetrics(Reader(0.95), 2, 0.9)(written(every))
    assert (found["modes"], found["kl"]) == (100.0, 0.0)
    assert (found["populated_modes"], found["confident_share"]) == (100.0, 1.0)
    assert found["full_kl"] == pytest.approx(-math.log(0.81))


def test_a_mode_that_is_named_once_in_many_samples_is_not_populated():
    labels = np.concatenate([np.zeros((495, 2), int), np.full((5, 2), 7)])
    # A quarter of the share of real data: 0.25 * 0.81 / 100 of 500 samples is 1.01.
    found = StackMetrics(Reader(0.95), 2, 0.9)(written(labels))
    assert (found["modes"], found["populated_modes"]) == (2.0, 2.0)
    found = StackMetrics(Reader(0.95), 2, 0.9)(written(labels[:496]))
    assert (found["modes"], found["populated_modes"]) == (2.0, 1.0)


def test_the_share_of_confident_digits_is_never_all_or_none():
    digits = written(np.array([[3], [4]])).flatten(0, 1)
    assert confident_digits(Reader(0.95), digits) == pytest.approx(2.5 / 3)
    assert confident_digits(Reader(0.75), digits) == pytest.approx(0.5 / 3)


def test_the_judge_refuses_other_shapes():
    judge = StackMetrics(Reader(0.9), 3, 0.9)
    for shape in ((4, 2, 28, 28), (4, 28, 28), (4, 3, 28, 27)):
        with pytest.raises(ValueError, match=r"\(n, 3, 28, 28\) is needed"):
            judge(torch.zeros(shape))
    with pytest.raises(DataError, match="labels"):
        judge(torch.zeros(0, 3, 28, 28))


@pytest.mark.parametrize(("stack", "count"), [(1, 500), (2, 5_000), (3, 26_000)])
def test_the_floor_of_uniform_labels_is_the_theory(stack, count):
    classes = 10**stack
    theory = (classes - 1) / (2 * count)
    # 2 n KL is about chi-squared: its mean over 20 draws is known to sqrt(2 / 20 / (classes - 1)), and the next term
    # of the expansion is at most 2 %.
    error = math.sqrt(0.1 / (classes - 1))
    found = label_floor(np.arange(10, dtype=np.uint8), stack, count, seed=0)
    assert found == pytest.approx(theory, rel=4 * error + 0.02)
    assert found == label_floor(np.arange(10, dtype=np.uint8), stack, count, seed=0)


def test_the_floor_of_uneven_labels_lies_higher():
    # One of two labels three times as likely: sum p ln(10 p) of the labels themselves, and 1 / (2 n) on top.
    exact = 0.75 * math.log(7.5) + 0.25 * math.log(2.5)
    assert label_floor(np.array([0, 0, 0, 1]), 1, 100_000, seed=0) == pytest.approx(exact, abs=0.002)


@pytest.mark.skipif("MINECLI_TEST_DATA" not in os.environ, reason="MINECLI_TEST_DATA names no folder with MNIST")
def test_the_floor_of_mnist():
    digits = pooled(*read_mnist(Path(os.environ["MINECLI_TEST_DATA"]) / "MNIST"))
    assert len(digits.labels) == 70_000
    assert label_floor(digits.labels, stack=3, count=26_000, seed=0) == pytest.approx(0.0236, abs=0.0015)
