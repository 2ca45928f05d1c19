import numpy as np
import pytest
import torch

from minecli.errors import UsageError
from minecli.runtime.seeds import child_seed, generator, torch_generator


def test_same_name_same_stream():
    assert np.array_equal(generator(3, "a", 1).random(5), generator(3, "a", 1).random(5))


def test_seeds_are_pinned():
    # A change here changes every published number made with a seed: it must be on purpose.
    assert child_seed(0, "split") == 781298373577139186
    assert child_seed(1, "split", 2) == 2354377892792798643


def test_streams_differ_by_seed_name_and_kind():
    seeds = {
        child_seed(0, "a"),
        child_seed(1, "a"),
        child_seed(0, "b"),
        child_seed(0, "a", "b"),
        child_seed(0, "ab"),
        child_seed(0, 1),
        child_seed(0, "1"),
    }
    assert len(seeds) == 7


def test_seed_fits_torch():
    assert all(0 <= child_seed(s, "x") < 2**63 for s in range(200))


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_bad_seed(seed):
    with pytest.raises(UsageError, match="must be an integer of at least 0"):
        child_seed(seed, "a")


def test_torch_generator_is_that_of_the_child_seed():
    expected = torch.Generator().manual_seed(child_seed(3, "a", 1))
    assert torch.equal(torch.randn(5, generator=torch_generator(3, "a", 1)), torch.randn(5, generator=expected))
    assert torch_generator(3, "a", device=torch.device("cpu")).device == torch.device("cpu")
