"""Choices by a Gumbel-softmax: exact draws, straight-through gradients, gated scores."""

import numpy as np
import torch
from torch import nn

from minecli.apps.adversarial.config import AdversarialConfig
from minecli.apps.adversarial.draws import draw_prior
from minecli.apps.adversarial.table_head import TableGenerator, gumbel
from minecli.apps.datasets.table_coding import Choices

# Two choices of 3 and 2, a score that goes with the last of the second, and one that is always there.
CHOICES = Choices(7, ((0, 1, 2), (4, 5)), ((6, 5), (3, None)))


def draws(count, seed=0):
    return gumbel(count, 5, torch.Generator().manual_seed(seed))


def made(raw, noise, temperature=0.7):
    return TableGenerator(nn.Identity(), CHOICES, temperature)(torch.cat([raw, noise], -1))


def test_choices_are_draws_from_the_softmax_at_any_temperature():
    raw = torch.tensor([1.0, 0.0, -1.0, 2.5, 0.5, -0.5, 3.0]).expand(1, 20_000, 7)
    for temperature in (0.1, 5.0):
        rows = made(raw, draws(20_000)[None], temperature)[0]
        assert set(rows[:, [0, 1, 2, 4, 5]].unique().tolist()) == {0.0, 1.0}
        assert bool((rows[:, :3].sum(1) == 1.0).all())
        assert bool((rows[:, 4:6].sum(1) == 1.0).all())
        for group in ([0, 1, 2], [4, 5]):
            # Four standard errors of a share among 20,000.
            torch.testing.assert_close(rows[:, group].mean(0), raw[0, 0, group].softmax(0), atol=0.015, rtol=0.0)
        assert bool((rows[:, 3] == 2.5).all())
        torch.testing.assert_close(rows[:, 6], 3.0 * rows[:, 5])


def test_the_gradient_is_that_of_the_relaxed_choice():
    raw = torch.randn(1, 4, 7, generator=torch.Generator().manual_seed(1), requires_grad=True)
    noise, weights = draws(4)[None], torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(2))
    (found,) = torch.autograd.grad((made(raw, noise)[..., :3] * weights).sum(), raw)
    relaxed = ((raw[..., :3] + noise[..., :3]) / 0.7).softmax(-1)
    (expected,) = torch.autograd.grad((relaxed * weights).sum(), raw)
    torch.testing.assert_close(found, expected)


def test_a_table_of_numbers_alone_has_no_choices():
    raw = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    head = TableGenerator(nn.Identity(), Choices(3, (), ((0, None), (1, None), (2, None))), 1.0)
    assert torch.equal(head(raw), raw)


def test_noise_is_standard_gumbel_and_leaves_the_latents_as_they_are():
    noise = gumbel(20_000, 2, torch.Generator().manual_seed(0)).numpy()
    assert np.isfinite(noise).all()
    assert abs(noise.mean() - np.euler_gamma) < 0.03
    assert abs(noise.std() - np.pi / np.sqrt(6.0)) < 0.03
    config = AdversarialConfig(noise_dim=3, code_dim=2)
    plain, more = (draw_prior(config, 6, torch.Generator().manual_seed(0), choices) for choices in (0, 4))
    assert torch.equal(plain, more[:, :5])
    assert more.shape == (6, 9)
