"""Adaptive clipping: length, direction, identity, and one norm over all of a model's parameters."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minecli.apps.adversarial.clipping import clip_adaptively, model_norms

SHAPES = ((3, 4, 5), (3, 1, 5), (3, 7))


def gradients(seed, size):
    draws = torch.Generator().manual_seed(seed)
    return [size * torch.randn(shape, generator=draws, dtype=torch.float64) for shape in SHAPES]


def whole(parts, model):
    return torch.cat([p[model].flatten() for p in parts])


@given(seed=st.integers(0, 1000), size=st.floats(1e-6, 1e6))
def test_never_longer_than_either_and_of_the_same_direction(seed, size):
    adversarial, information = gradients(seed, 1.0), gradients(seed + 1, size)
    clipped = clip_adaptively(adversarial, information)
    for m in range(3):
        a, u, g = (whole(parts, m) for parts in (clipped, adversarial, information))
        assert a.norm().item() == pytest.approx(min(u.norm().item(), g.norm().item()), rel=1e-9)
        assert torch.dot(a, g).item() == pytest.approx((a.norm() * g.norm()).item(), rel=1e-9)


def test_the_identity_where_the_information_gradient_is_the_shorter():
    adversarial, information = gradients(0, 1.0), gradients(1, 0.01)
    for before, after in zip(information, clip_adaptively(adversarial, information), strict=True):
        assert torch.equal(before, after)


def test_the_norm_is_of_the_whole_model_not_of_a_layer():
    adversarial = [torch.tensor([[0.0]]), torch.tensor([[5.0]])]
    information = [torch.tensor([[3.0]]), torch.tensor([[4.0]])]
    assert torch.cat(clip_adaptively(adversarial, information)).flatten().tolist() == [3.0, 4.0]


def test_nothing_is_left_where_the_adversary_is_content():
    information = gradients(0, 1.0)
    clipped = clip_adaptively([torch.zeros_like(g) for g in information], information)
    assert all(not c.any() for c in clipped)


def test_a_vanished_information_gradient_stays_zero():
    adversarial = gradients(0, 1.0)
    clipped = clip_adaptively(adversarial, [torch.zeros_like(g) for g in adversarial])
    assert all(not c.any() for c in clipped)


def test_models_do_not_share_a_norm():
    parts = [torch.tensor([[3.0, 4.0], [0.0, 1.0]])]
    assert model_norms(parts).tolist() == [5.0, 1.0]
