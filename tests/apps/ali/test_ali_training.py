"""The loop of adversarially learned inference: signs, gradients, cycles, seeds beside each other, resumption."""

import pytest
import torch

from minecli.apps.adversarial import losses
from minecli.apps.adversarial.clipping import clip_adaptively
from minecli.apps.adversarial.networks import encoded
from minecli.apps.ali.config import METHODS, AliRequest, preset
from minecli.apps.ali.datasets import AliDataset
from minecli.apps.ali.linear import LinearCoding
from minecli.apps.ali.results import Coder
from minecli.apps.ali.training import AliTraining
from minecli.apps.datasets.real_samples import Flattened, RealRows
from minecli.errors import UsageError
from minecli.result import Status

SMALL = {"generator_hidden": 32, "discriminator_hidden": 32, "batch_size": 50, "samples": 100, "evaluate_every": 10}
TRAINED = [method for method in METHODS if method != "pca"]


def config(**changes):
    return preset("quick", **(SMALL | {"steps": 30, "gradient_penalty": 0.0} | changes))


def rows(count=500, columns=3, seed=0):
    return torch.randn(count, columns, generator=torch.Generator().manual_seed(seed))


def error(x, again, samples, which):
    return {"error": float((again - x).norm(dim=1).mean()), "spread": float(samples.std())}


def nothing(x, again, samples, which):
    return {}


def training(method="mine", seeds=(0,), **changes):
    dataset = AliDataset(RealRows(rows()), rows(100, seed=1), (3,), error, {})
    return AliTraining(dataset, method, config(**changes), seeds)


def weights(training):
    return [p.detach().clone() for name in ("encoder", "generator") for p in training.networks[name].parameters()]


def test_a_large_weight_raises_the_information_of_encoder_pairs():
    def ends(beta):
        ali = training(seeds=(0, 1), steps=300, evaluate_every=300, beta=beta)
        ali.run()
        return [history[-1].information_nats for history in ali.history]

    for little, much in zip(ends(1e-9), ends(10.0), strict=True):
        assert much > little + 0.3


def test_codes_and_reconstructions_come_from_averaged_weights_and_training_from_the_others():
    averaged, plain = training(averaging=0.9), training()
    for ali in (averaged, plain):
        ali.run()
    for a, b in zip(weights(averaged), weights(plain), strict=True):
        assert torch.equal(a, b)
    for name in ("encoder", "generator"):
        own, current = averaged.judged(name).state_dict(), averaged.networks[name].state_dict()
        assert any(not torch.equal(value, current[part]) for part, value in own.items())
        assert all(torch.equal(value, averaged.last_finite[name].state_dict()[part]) for part, value in own.items())
    assert plain.judged("encoder") is plain.encoder
    x = rows(20)
    code = averaged.encode(x)
    assert torch.equal(code, averaged.encode(x, best=True))
    assert not torch.equal(code, plain.encode(x))
    assert torch.equal(averaged.decode(code), averaged.decode(code, best=True))


@pytest.mark.parametrize("clip", ["encoder", "generator", "off"])
def test_the_encoder_ascends_the_clipped_information_and_the_generator_is_not_on_its_path(monkeypatch, clip):
    ali = training(beta=1e6, clipping=clip)
    for _ in range(3):
        ali.advance()
        ali.step += 1
    draws = ali.draw()
    monkeypatch.setattr(ali, "_step_discriminators", lambda draws: None)
    monkeypatch.setattr(ali, "ascend_statistics", lambda *_: None)
    code, fake = encoded(ali.encoder(draws.real), draws.noises[1]), ali.generator(draws.priors[1])
    loss = losses.ali_loss(ali.networks["discriminator"], (draws.real, code), (fake, draws.priors[1]))
    own = list(ali.encoder.parameters())
    u = torch.autograd.grad(loss.sum(), own, retain_graph=True)
    made = torch.autograd.grad(loss.sum(), list(ali.generator.parameters()), retain_graph=True)
    m = torch.autograd.grad(-1e6 * ali.information(draws.real, code, draws.shifts).sum(), own)
    ali.advance()
    clipped = {"encoder": clip_adaptively(u, m), "generator": clip_adaptively([*u, *made], m), "off": m}[clip]
    for parameter, one, two in zip(own, u, clipped, strict=True):
        torch.testing.assert_close(parameter.grad, one + two)
    # Statistics networks start at zero, and so does what the encoder hears of them.
    assert ali.clipped_share(0) == (0.0 if clip == "off" else 0.75)
    for parameter, one in zip(ali.generator.parameters(), made, strict=True):
        torch.testing.assert_close(parameter.grad, one)


def test_without_weight_it_is_plain_ali():
    plain, informed = training("ali"), training("mine", beta=0.0)
    plain.run()
    informed.run()
    assert all(torch.equal(a, b) for a, b in zip(weights(plain), weights(informed), strict=True))


@pytest.mark.parametrize("method", TRAINED)
def test_a_seed_is_what_it_would_be_alone(method):
    both, alone = (training(method, seeds=seeds, steps=4) for seeds in ((3, 7), (7,)))
    both.run()
    alone.run()
    for a, b in zip(weights(both), weights(alone), strict=True):
        torch.testing.assert_close(a[1:], b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("method", TRAINED)
def test_resumed_is_uninterrupted(method):
    whole = training(method, seeds=(0, 1))
    assert whole.run()
    first, states = training(method, seeds=(0, 1)), []
    stop = iter([False] * 17 + [True])
    assert not first.run(should_stop=lambda: next(stop), save=lambda state, at_once: states.append(state))
    second = training(method, seeds=(0, 1))
    second.load_state_dict(states[-1])
    assert second.run()
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(second), strict=True))
    assert whole.history == second.history


@pytest.mark.parametrize("method", ["autoencoder", "alice-l2"])
def test_a_squared_error_makes_reconstructions_better(method):
    ali = training(method, steps=400, evaluate_every=100, code_dim=3, reconstruction_weight=10.0)
    ali.run()
    errors = [each.metrics["error"] for each in ali.history[0]]
    assert errors[-1] < 0.75 * errors[0]


def test_the_cycle_discriminators_learn_and_are_listened_to():
    ali = training("alice-adv")
    before = {n: [p.detach().clone() for p in ali.networks[n].parameters()] for n in ("sample cycles", "latent cycles")}
    ali.advance()
    for name, held in before.items():
        assert any(not torch.equal(a, b) for a, b in zip(held, ali.networks[name].parameters(), strict=True))
    draws = ali.draw()
    code, fake = encoded(ali.encoder(draws.real), draws.noises[1]), ali.generator(draws.priors[1])
    with_cycles = ali._loss(draws, code, fake)
    plain = losses.ali_loss(ali.networks["discriminator"], (draws.real, code), (fake, draws.priors[1]))
    again, back = ali.generator(code), encoded(ali.encoder(fake), draws.noises[1])
    cycles = sum(
        losses.generator_loss(ali.networks[name], pair)
        for name, pair in (("sample cycles", (draws.real, again)), ("latent cycles", (draws.priors[1], back)))
    )
    torch.testing.assert_close(with_cycles, plain + 0.1 * cycles)


def test_a_model_that_diverges_is_stopped_and_its_last_finite_copy_is_stored():
    ali = training(seeds=(0, 1), steps=30)
    ali.run(should_stop=iter([False] * 10 + [True]).__next__)
    before = {name: tensor[0].clone() for name, tensor in ali.last_finite["encoder"].state_dict().items()}
    with torch.no_grad():
        ali.generator.last.weight[0] = float("nan")
    ali.run()
    assert (ali.diverged_at[0], ali.diverged_at[1]) == (20, None)
    assert [ali.status(m) for m in range(2)] == [Status.DIVERGED, Status.MAX_STEPS]
    for name, tensor in ali.last_finite["encoder"].state_dict().items():
        assert torch.equal(tensor[0], before[name])


def test_principal_components_are_an_encoder_and_a_decoder():
    data, settings = RealRows(rows(columns=5)), config(code_dim=5)
    dataset = AliDataset(data, rows(100, 5), (5,), error, {})
    linear = LinearCoding(dataset, settings, (0, 1))
    assert linear.run()
    codes = linear.encode(data.values)
    assert codes.shape == (2, 500, 5)
    torch.testing.assert_close(codes[0].std(0), torch.ones(5), rtol=0.02, atol=0)
    torch.testing.assert_close(linear.decode(codes)[0], data.values, rtol=1e-4, atol=1e-4)
    again = LinearCoding(dataset, settings, (0, 1))
    again.load_state_dict(linear.state_dict())
    assert torch.equal(again.encode(data.values), codes)
    assert linear.sample(20, "here").shape == (2, 20, 5)


def test_principal_components_of_images_make_images():
    images = torch.where(torch.rand(60, 1, 4, 4, generator=torch.Generator().manual_seed(0)) < 0.5, -1.0, 1.0)
    free, held = (
        LinearCoding(AliDataset(RealRows(images), images[:20], shape, error, {}), config(code_dim=3), (0,))
        for shape in ((16,), (1, 4, 4))
    )
    assert free.run()
    assert held.run()
    codes = free.encode(images)
    assert free.decode(codes).abs().max() > 1.0
    assert torch.equal(held.decode(codes), free.decode(codes).clamp(-1.0, 1.0))
    assert held.sample(50, "here").abs().max() <= 1.0
    stored = Coder(AliRequest(dataset="mnist", methods=("pca",), seeds=(0,), preset="quick", config=config()),
                   (1, 4, 4), held.coder, None)  # fmt: skip
    assert torch.equal(stored.decode(codes[0]), held.decode(codes)[0])


def test_images_are_rows_of_pixels_for_perceptrons():
    images = RealRows(torch.rand(60, 1, 28, 28) * 2 - 1)
    dataset = AliDataset(Flattened(images), images.values.flatten(1)[:20], (1, 28, 28), nothing, {})
    ali = AliTraining(dataset, "mine", config(steps=2), (0,))
    assert ali.run()
    assert ali.sample(7, "here").shape == (1, 7, 784)
    assert ali.sample(7, "here").abs().max() <= 1.0


def test_images_meet_convolutions():
    images = RealRows(torch.rand(60, 1, 28, 28) * 2 - 1)
    small = config(
        arch="conv",
        steps=2,
        generator_filters=2,
        discriminator_filters=2,
        statistics_filters=2,
        image_layers=3,
        joint_units=8,
    )
    for method in TRAINED:
        ali = AliTraining(AliDataset(images, images.values[:20], (1, 28, 28), nothing, {}), method, small, (0, 1))
        assert ali.run()
        assert ali.decode(ali.encode(images.values[:3])).shape == (2, 3, 1, 28, 28)


def test_noise_comes_in_with_images_where_there_are_maps_for_it():
    images = RealRows(torch.rand(60, 1, 28, 28) * 2 - 1)
    small = {"arch": "conv", "steps": 2, "image_layers": 3, "joint_units": 8, "noise_channels": 3, "code_dim": 2}
    small |= {f"{name}_filters": 2 for name in ("generator", "discriminator", "statistics")}
    dataset = AliDataset(images, images.values[:20], (1, 28, 28), nothing, {})
    ali = AliTraining(dataset, "mine", config(**small, direct_latent=True), (0, 1))
    first = ali.draw().noises
    assert [noise.shape for noise in first] == [(2, 50, 3, 28, 28)] * 2
    assert all(torch.equal(a, b) for a, b in zip(first, ali.draw().noises, strict=True))
    assert ali.run()
    assert ali.networks["discriminator"].latent is None
    codes = ali.encode(images.values)
    assert codes.shape == (2, 60, 2)
    # The code of an image is its own: no other image's noise is in it.
    torch.testing.assert_close(ali.encode(images.values.flip(0)).flip(1), codes)
    drawn = ali.made()[2]
    assert drawn.shape == (2, 20, 2)
    assert not torch.allclose(drawn, codes[:, :20])


def test_noise_maps_are_for_convolutions():
    with pytest.raises(UsageError, match="`noise_channels` are for convolutions"):
        preset("quick", "mnist", noise_channels=8)
    assert preset("paper", "mnist").noise_channels == 128
    assert preset("paper", "mnist", arch="mlp").noise_channels == 0
