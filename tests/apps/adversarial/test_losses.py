"""What the players descend, against its definition."""

import copy
import math

import pytest
import torch
from torch import nn

from minecli.apps.adversarial import losses


class Judge(nn.Module):
    """A small smooth discriminator of one model."""

    def __init__(self, columns):
        super().__init__()
        draws = torch.Generator().manual_seed(5)
        self.first = nn.Parameter(torch.randn(1, columns, 8, generator=draws))
        self.last = nn.Parameter(torch.randn(1, 8, 1, generator=draws))

    def forward(self, samples, latent=None):
        judged = samples if latent is None else torch.cat([samples, latent], -1)
        return torch.tanh(judged @ self.first).matmul(self.last).squeeze(-1)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


REAL, FAKE = draw(1, 6, 2, seed=1), draw(1, 6, 2, seed=2)


def test_the_discriminators_loss_is_the_cross_entropy_of_both_sides():
    judge = Judge(2)
    real, fake = torch.sigmoid(judge(REAL)), torch.sigmoid(judge(FAKE))
    expected = -(real.log().mean() + (1 - fake).log().mean())
    torch.testing.assert_close(losses.discriminator_loss(judge, (REAL, None), (FAKE, None))[0], expected)


def test_the_penalty_is_half_the_mean_squared_slope_at_real_samples():
    judge = Judge(2).double()
    real, fake = REAL.double(), FAKE.double()
    plain = losses.discriminator_loss(judge, (real, None), (fake, None))
    slopes = torch.zeros_like(real)
    for column in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[column] = 1e-6
        slopes[..., column] = (judge(real + step) - judge(real - step)) / 2e-6
    penalised = losses.discriminator_loss(judge, (real, None), (fake, None), gradient_penalty=3.0)
    torch.testing.assert_close(penalised - plain, 1.5 * slopes.square().sum(-1).mean(1), rtol=1e-6, atol=1e-8)


def test_the_generator_descends_minus_log_d():
    expected = -torch.sigmoid(Judge(2)(FAKE)).log().mean()
    torch.testing.assert_close(losses.generator_loss(Judge(2), (FAKE, None))[0], expected)


def test_ali_moves_both_sides():
    judge, latent, code = Judge(3), draw(1, 6, 1), draw(1, 6, 1, seed=3).requires_grad_()
    fake = FAKE.clone().requires_grad_()
    loss = losses.ali_loss(judge, (REAL, code), (fake, latent))
    d_fake, d_real = torch.sigmoid(judge(fake, latent)), torch.sigmoid(judge(REAL, code))
    torch.testing.assert_close(loss[0], -(d_fake.log().mean() + (1 - d_real).log().mean()))
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(loss.sum(), [fake, code]))


def test_veegans_reconstructor_learns_from_reconstruction_alone():
    judge, latent = Judge(3), draw(1, 6, 1)
    fake, back = FAKE.clone().requires_grad_(), draw(1, 6, 1, seed=4).requires_grad_()
    loss = losses.veegan_loss(judge, (fake, latent), latent, back)
    expected = (latent - back).square().mean() - judge(fake, latent).mean()
    torch.testing.assert_close(loss[0], expected)
    (slope,) = torch.autograd.grad(loss.sum(), back)
    torch.testing.assert_close(slope, 2 * (back - latent) / 6)


@pytest.mark.parametrize("earlier", [0, 4])
@pytest.mark.parametrize("steps", [1, 3])
def test_unrolled_parameters_are_those_of_real_steps_of_adam(earlier, steps):
    judge = Judge(2)
    optimizer = torch.optim.Adam(judge.parameters(), lr=0.05, betas=(0.5, 0.999))

    def really(count, judge, optimizer):
        for _ in range(count):
            optimizer.zero_grad()
            losses.discriminator_loss(judge, (REAL, None), (FAKE, None)).sum().backward()
            optimizer.step()

    really(earlier, judge, optimizer)
    before = copy.deepcopy(judge.state_dict())
    foreseen = losses.unrolled(judge, optimizer, (REAL, None), (FAKE, None), steps)
    for name, tensor in judge.state_dict().items():
        assert torch.equal(tensor, before[name])
    really(steps, judge, optimizer)
    for name, parameter in judge.named_parameters():
        torch.testing.assert_close(foreseen[name], parameter.detach(), rtol=1e-4, atol=1e-5)


def test_the_generator_feels_how_the_discriminator_will_answer():
    judge = Judge(2).double()
    optimizer = torch.optim.Adam(judge.parameters(), lr=0.05, betas=(0.5, 0.999))
    losses.discriminator_loss(judge, (REAL.double(), None), (FAKE.double(), None)).sum().backward()
    optimizer.step()

    def surrogate(fake):
        foreseen = losses.unrolled(judge, optimizer, (REAL.double(), None), (fake, None), 3)
        return losses.generator_loss(losses.Foreseen(judge, foreseen), (fake, None)).sum()

    fake = FAKE.double().requires_grad_()
    (slope,) = torch.autograd.grad(surrogate(fake), fake)
    step = torch.zeros_like(fake)
    step[0, 2, 1] = 1e-6
    difference = (surrogate(fake + step) - surrogate(fake - step)) / 2e-6
    assert math.isclose(float(slope[0, 2, 1]), float(difference.detach()), rel_tol=1e-4)
