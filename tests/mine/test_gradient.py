"""The gradient that is ascended: what the moving average changes, and that it is the gradient it claims to be."""

import math

import pytest
import torch

from minecli.mine.bounds import donsker_varadhan, info_nce, jensen_shannon, log_mean_exp, nwj, tuba
from minecli.mine.gradient import MovingAverageDenominator, clip_gradients, corrected_donsker_varadhan
from minecli.mine.objectives import BOUNDS

OBJECTIVES = {name: bound.objective() for name, bound in BOUNDS.items()}

ROUNDING = 1e-12
THETA = torch.full((2, 3), 0.3, dtype=torch.float64)


def features(seed=0):
    """Three features of 6 joint pairs and of 2 re-pairings of them, for two models."""
    g = torch.Generator().manual_seed(seed)
    return torch.randn(2, 6, 3, generator=g, dtype=torch.float64), torch.randn(
        2, 2, 6, 3, generator=g, dtype=torch.float64
    )


def scores(theta):
    """The log ratios theta . features."""
    joint, marginal = features()
    return torch.einsum("mbf,mf->mb", joint, theta), torch.einsum("msbf,mf->msb", marginal, theta)


def gradient_of(function):
    theta = THETA.clone().requires_grad_()
    return torch.autograd.grad(function(theta).sum(), theta)[0]


def slopes_of(value, step=1e-5):
    """Central differences, shape (2, 3): they err by step^2 times a third derivative of order one, and 1e-16 / step."""
    slopes = torch.empty_like(THETA)
    for place in ((m, f) for m in range(2) for f in range(3)):
        up, down = THETA.clone(), THETA.clone()
        up[place] += step
        down[place] -= step
        slopes[place] = (value(up).sum() - value(down).sum()) / (2 * step)
    return slopes


def test_decay_zero_is_the_plain_gradient_of_the_minibatch_bound():
    average = MovingAverageDenominator(0.0)
    average.update(torch.tensor([5.0, -5.0], dtype=torch.float64))  # an older batch must not matter
    ours = gradient_of(lambda theta: corrected_donsker_varadhan(*scores(theta), average))
    plain = gradient_of(lambda theta: donsker_varadhan(*scores(theta)))
    assert torch.allclose(ours, plain, atol=ROUNDING)


# What each of the others ascends is its own bound: by finite differences of the bound, and by a formula on paper, the
# weights of the features of joint and of re-paired rows in the gradient.
FORMULAE = {
    "nwj": lambda j, m: nwj(j + 1.0, m + 1.0),
    "tuba": tuba,
    "info-nce": info_nce,
    "jensen-shannon": jensen_shannon,
    "smile": jensen_shannon,
}


def on_paper(name, joint, marginal):
    if name in ("nwj", "tuba"):
        return torch.ones_like(joint), marginal.exp() / 2
    if name == "info-nce":
        total = joint.exp() + marginal.exp().sum(1)
        return 1.0 - joint.exp() / total, marginal.exp() / total[:, None]
    return 1.0 / (1.0 + joint.exp()), 0.5 / (1.0 + (-marginal).exp())


def test_every_objective_is_checked():
    assert {*FORMULAE, "donsker-varadhan"} == set(OBJECTIVES)


@pytest.mark.parametrize("name", FORMULAE)
def test_ascent_is_the_gradient_of_its_bound(name):
    average = MovingAverageDenominator(0.9)
    ours = gradient_of(lambda theta: OBJECTIVES[name].ascent(*scores(theta), average))
    assert average.log_average is None
    assert torch.allclose(ours, slopes_of(lambda theta: FORMULAE[name](*scores(theta))), atol=1e-9)
    (joint, marginal), (up, down) = features(), on_paper(name, *scores(THETA))
    expected = torch.einsum("mb,mbf->mf", up, joint) / 6 - torch.einsum("msb,msbf->mf", down, marginal) / 6
    assert torch.allclose(ours, expected, atol=ROUNDING)


def test_corrected_gradient_equals_finite_differences():
    average = MovingAverageDenominator(0.9)
    average.update(torch.tensor([0.7, -0.2], dtype=torch.float64))
    frozen = average.log_average.clone()
    # The denominator as the step sees it, held constant while theta moves.
    denominator = torch.logaddexp(frozen + math.log(0.9), log_mean_exp(scores(THETA)[1].flatten(1)) + math.log(0.1))

    def value(theta):
        joint, marginal = scores(theta)
        return joint.mean(-1) - torch.exp(log_mean_exp(marginal.flatten(1)) - denominator)

    ours = gradient_of(lambda theta: OBJECTIVES["donsker-varadhan"].ascent(*scores(theta), average))
    assert torch.allclose(ours, slopes_of(value), atol=1e-9)


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
