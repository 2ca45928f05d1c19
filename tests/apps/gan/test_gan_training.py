"""The GAN's loop: signs, gradients, seeds beside each other, resumption, divergence."""

import pytest
import torch

from minecli.apps.adversarial.clipping import clip_adaptively
from minecli.apps.adversarial.draws import prior_of
from minecli.apps.datasets.real_samples import RealRows
from minecli.apps.gan.config import METHODS, preset
from minecli.apps.gan.training import GanTraining
from minecli.result import Status

SMALL = {"generator_hidden": 32, "discriminator_hidden": 32, "batch_size": 50, "samples": 200, "evaluate_every": 10}


def config(**changes):
    return preset("quick", **(SMALL | {"steps": 30} | changes))


def rows(seed=0, columns=2):
    return torch.randn(500, columns, generator=torch.Generator().manual_seed(seed))


def training(method="mine", seeds=(0,), data=None, **changes):
    return GanTraining(RealRows(rows() if data is None else data), method, config(**changes), seeds, spread)


def spread(samples):
    return {"spread": float(samples.std())}


def weights(training):
    return [p.detach().clone() for p in training.generator.parameters()]


def test_a_large_weight_raises_the_information_and_none_leaves_it():
    # The statistics network of a plain GAN is trained beside it here, without telling the generator.
    def ends(beta):
        gan = training("mine", seeds=(0, 1), steps=300, beta=beta, evaluate_every=300, code_dim=1, noise_dim=3)
        gan.run()
        return [history[-1].information_nats for history in gan.history]

    for little, much in zip(ends(1e-9), ends(100.0), strict=True):
        assert much > little + 0.3


def test_the_generators_gradient_is_the_adversarial_one_plus_the_clipped_one():
    gan = training(beta=1e6)
    for _ in range(3):
        gan.advance()
    draws = gan.draw()
    prior = draws.priors[1]
    parameters = list(gan.generator.parameters())
    fake = gan.generator(prior)
    loss = torch.nn.functional.softplus(-gan.discriminator(fake)).mean()
    u = torch.autograd.grad(loss, parameters, retain_graph=True)
    m = torch.autograd.grad(-1e6 * gan.information(fake, prior, draws.shifts).sum(), parameters)
    gan.step_generator(draws, 1)
    for parameter, one, two in zip(parameters, u, clip_adaptively(u, m), strict=True):
        torch.testing.assert_close(parameter.grad, one + two)


def test_without_weight_it_is_the_plain_gan():
    plain, informed = training("gan"), training("mine", beta=0.0)
    plain.run()
    informed.run()
    for a, b in zip(weights(plain), weights(informed), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_is_what_it_would_be_alone(method):
    both, alone = (training(method, seeds=seeds, steps=4) for seeds in ((3, 7), (7,)))
    both.run()
    alone.run()
    for a, b in zip(weights(both), weights(alone), strict=True):
        torch.testing.assert_close(a[1:], b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_resumed_is_uninterrupted(method):
    whole = training(method, seeds=(0, 1))
    assert whole.run()
    first = training(method, seeds=(0, 1))
    states = []
    stop = iter([False] * 17 + [True])
    assert not first.run(should_stop=lambda: next(stop), save=lambda state, at_once: states.append((state, at_once)))
    assert states[-1][1]
    second = training(method, seeds=(0, 1))
    second.load_state_dict(states[-1][0])
    assert second.step == 17
    assert second.run()
    for a, b in zip(weights(whole), weights(second), strict=True):
        assert torch.equal(a, b)
    assert whole.history == second.history


def test_a_seed_that_diverges_is_stopped_and_named_and_the_others_go_on():
    gan = training(seeds=(0, 1), steps=40)
    for _ in range(10):
        gan.advance()
    gan.step = 10
    gan.evaluate()
    before = {name: tensor[0].clone() for name, tensor in gan.last_finite["generator"].state_dict().items()}
    with torch.no_grad():
        gan.generator.last.weight[0] = float("nan")
    gan.run()
    assert gan.diverged_at[0] == 20
    assert gan.diverged_at[1] is None
    assert [gan.status(m) for m in range(2)] == [Status.DIVERGED, Status.MAX_STEPS]
    for name, tensor in gan.last_finite["generator"].state_dict().items():
        assert torch.equal(tensor[0], before[name])
        assert torch.isfinite(tensor).all()


def test_all_seeds_diverged_ends_the_run():
    gan = training(steps=1000)
    with torch.no_grad():
        gan.generator.last.weight.fill_(float("nan"))
    assert gan.run()
    assert gan.step == 10


def test_packs_are_judged_together():
    gan = training("pacgan", pack=5)
    logits = gan.discriminator(torch.randn(1, 50, 2))
    assert logits.shape == (1, 10)


def test_the_learning_rate_falls_at_the_end():
    gan = training(steps=10, decay_from=0.5, learning_rate=1.0e-3)
    rates = []
    for _ in range(10):
        gan.run(should_stop=iter([False, True]).__next__)
        rates.append(gan.optimizers["generator"].param_groups[0]["lr"])
    assert rates[:6] == [1e-3] * 6
    assert rates[6:] == pytest.approx([8e-4, 6e-4, 4e-4, 2e-4])


@pytest.mark.parametrize("method", ["veegan", "ali"])
def test_the_encoder_learns_and_the_discriminator_sees_the_latent(method):
    gan = training(method)
    before = [p.detach().clone() for p in gan.networks["encoder"].parameters()]
    gan.advance()
    assert all(not torch.equal(a, b) for a, b in zip(before, gan.networks["encoder"].parameters(), strict=True))
    rows = torch.randn(1, 50, 2)
    assert not torch.equal(
        gan.discriminator(rows, torch.zeros(1, 50, 2)), gan.discriminator(rows, torch.ones(1, 50, 2))
    )


def test_a_penalty_holds_the_discriminator_flat():
    def slope(penalty):
        gan = training("gan", steps=100, gradient_penalty=penalty)
        gan.run()
        rows_ = rows(1)[None].requires_grad_()
        (found,) = torch.autograd.grad(gan.discriminator(rows_).sum(), rows_)
        return float(found.square().sum(-1).mean())

    assert slope(10.0) < 0.5 * slope(0.0)


def test_uniform_priors_lie_within_one():
    prior = prior_of((0, 1), config(prior="uniform"), 1000, "here")
    assert prior.shape == (2, 1000, 2)
    assert prior.abs().max() <= 1.0
    assert prior.std() == pytest.approx(3**-0.5, abs=0.02)


def test_one_latent_serves_discriminator_and_both_steps_of_the_generator():
    gan = training("gan", one_latent=True, generator_steps=2)
    draws, seen = gan.draw(), []
    assert len(draws.priors) == 1
    gan.generator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    gan.advance()
    # The discriminator's samples are the first step's, and the second step makes new ones of the same latents.
    assert len(seen) == 2
    for latents in seen:
        assert torch.equal(latents, draws.priors[0])


def test_samples_made_once_are_those_made_twice():
    # Without normalisation's running statistics, which a second pass moves, the steps are the same.
    once, twice = training("mine", one_latent=True), training("mine", one_latent=True)
    twice.step_generator = lambda draws, turn, made=None: GanTraining.step_generator(twice, draws, turn)
    for gan in (once, twice):
        for _ in range(5):
            gan.advance()
    for a, b in zip(weights(once), weights(twice), strict=True):
        torch.testing.assert_close(a, b)


def test_samples_come_from_averaged_weights():
    gan = training("gan", averaging=0.9)
    for _ in range(2):
        gan.advance()
    assert not torch.equal(gan.judged("generator").last.weight, gan.generator.last.weight)
    gan.evaluate()
    for name, value in gan.last_finite["generator"].state_dict().items():
        assert torch.equal(value, gan.judged("generator").state_dict()[name])
    latents = gan.prior(10, "here")
    torch.testing.assert_close(gan.decode(latents), gan.decode(latents, best=True))


def test_averaged_weights_follow_their_formula():
    gan = training("gan", averaging=0.5)
    expected = gan.generator.last.weight.detach().clone()
    for step in range(20):
        gan.step = step
        gan.advance()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * gan.generator.last.weight.detach()
    torch.testing.assert_close(gan.judged("generator").last.weight, expected)


def test_a_resumed_run_goes_on_with_its_average_and_its_count_of_clipped_steps():
    changes = {"averaging": 0.9, "one_latent": True, "beta": 0.05}
    whole, second = training("mine", **changes), training("mine", **changes)
    whole.run()
    first, states = training("mine", **changes), []
    first.run(should_stop=iter([False] * 17 + [True]).__next__, save=lambda state, at_once: states.append(state))
    second.load_state_dict(states[-1])
    second.run()
    for a, b in zip(whole.judged("generator").parameters(), second.judged("generator").parameters(), strict=True):
        assert torch.equal(a, b)
    assert whole.history == second.history
    assert whole.clipped_share(0) == second.clipped_share(0)


def test_a_state_of_an_earlier_version_is_taken_up():
    whole, second, states = training("mine"), training("mine"), []
    whole.run(save=lambda state, at_once: states.append(state))
    del states[0]["shortened"]
    second.load_state_dict(states[0])
    assert second.run()


def test_the_share_of_clipped_steps_is_that_of_gradients_that_were_shortened():
    # The statistics network starts from zero and has no gradient at the first of the 30 steps.
    for beta, share in ((1e-9, 0.0), (1e6, 29 / 30)):
        gan = training("mine", beta=beta, seeds=(0, 1))
        assert gan.clipped_share(0) is None
        gan.run()
        assert [gan.clipped_share(m) for m in range(2)] == [share, share]
        assert gan.history[1][-1].clipped_share == pytest.approx(share)
    assert training("gan").clipped_share(0) is None
