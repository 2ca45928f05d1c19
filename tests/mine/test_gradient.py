"""The gradient that is ascended: what the moving average changes, and that it is the gradient it claims to be."""

import math

import pytest
import torch

from minecli.mine.bounds import donsker_varadhan, log_mean_exp, nwj
from minecli.mine.gradient import MovingAverageDenominator, clip_gradients, surrogate

ROUNDING = 1e-12


def scores(theta, seed=0):
    """T = theta . features on 6 joint and 9 marginal pairs, for two models."""
    g = torch.Generator().manual_seed(seed)
    joint = torch.randn(2, 6, 3, generator=g, dtype=torch.float64)
    marginal = torch.randn(2, 9, 3, generator=g, dtype=torch.float64)
    return torch.einsum("mbf,mf->mb", joint, theta), torch.einsum("mbf,mf->mb", marginal, theta)


def gradient_of(function):
    theta = torch.full((2, 3), 0.3, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(function(theta).sum(), theta)[0]


def test_decay_zero_is_the_plain_gradient_of_the_minibatch_bound():
    average = MovingAverageDenominator(0.0)
    average.update(torch.tensor([5.0, -5.0], dtype=torch.float64))  # an older batch must not matter
    ours = gradient_of(lambda theta: surrogate("donsker-varadhan", *scores(theta), average))
    plain = gradient_of(lambda theta: donsker_varadhan(*scores(theta)))
    assert torch.allclose(ours, plain, atol=ROUNDING)


def test_nwj_is_the_gradient_of_its_own_bound():
    ours = gradient_of(lambda theta: surrogate("nwj", *scores(theta), MovingAverageDenominator(0.9)))
    plain = gradient_of(lambda theta: nwj(*(t + 1.0 for t in scores(theta))))
    assert torch.allclose(ours, plain, atol=ROUNDING)


def test_surrogate_gradient_equals_finite_differences():
    average = MovingAverageDenominator(0.9)
    average.update(torch.tensor([0.7, -0.2], dtype=torch.float64))
    frozen = average.log_average.clone()

    def value(theta):
        fixed = MovingAverageDenominator(0.9)
        fixed.log_average = frozen
        joint, marginal = scores(theta)
        # The denominator as the step sees it, held constant while theta moves.
        denominator = torch.logaddexp(
            frozen + math.log(0.9),
            log_mean_exp(scores(torch.full((2, 3), 0.3, dtype=torch.float64))[1]) + math.log(0.1),
        )
        return joint.mean(-1) - torch.exp(log_mean_exp(marginal) - denominator)

    ours = gradient_of(lambda theta: surrogate("donsker-varadhan", *scores(theta), average))
    step = 1e-5
    for model in range(2):
        for feature in range(3):
            up, down = (torch.full((2, 3), 0.3, dtype=torch.float64) for _ in range(2))
            up[model, feature] += step
            down[model, feature] -= step
            slope = (value(up).sum() - value(down).sum()) / (2 * step)
            # Central differences err by step^2 times a third derivative of order one, and by 1e-16 / step.
            assert ours[model, feature].item() == pytest.approx(slope.item(), abs=1e-9)


def test_average_starts_from_the_first_batch_and_weighs_the_old_by_the_decay():
    average = MovingAverageDenominator(0.75)
    assert average.update(torch.tensor([math.log(8.0)])).exp().item() == pytest.approx(8.0, rel=1e-6)
    assert average.update(torch.tensor([math.log(4.0)])).exp().item() == pytest.approx(7.0, rel=1e-6)


def test_average_survives_scores_whose_exponential_overflows():
    average = MovingAverageDenominator(0.99)
    average.update(torch.tensor([2000.0]))
    assert average.update(torch.tensor([1000.0])).item() == pytest.approx(2000.0 + math.log(0.99), rel=1e-6)


def test_no_gradient_flows_through_the_average():
    average = MovingAverageDenominator(0.5)
    log_batch = torch.tensor([1.0], requires_grad=True)
    assert not average.update(log_batch).requires_grad


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_decay_out_of_range_is_refused(decay):
    with pytest.raises(ValueError, match="ema_decay"):
        MovingAverageDenominator(decay)


def test_clipping_is_per_model_and_over_all_parameters():
    first, second = torch.zeros(2, 2, requires_grad=True), torch.zeros(2, 1, 1, requires_grad=True)
    first.grad, second.grad = torch.tensor([[3.0, 0.0], [0.1, 0.0]]), torch.tensor([[[4.0]], [[0.0]]])
    norms = clip_gradients([first, second], 1.0)
    assert norms.tolist() == pytest.approx([5.0, 0.1])
    assert first.grad[0].tolist() == pytest.approx([0.6, 0.0])
    assert second.grad[0].item() == pytest.approx(0.8)
    assert first.grad[1].tolist() == pytest.approx([0.1, 0.0])
