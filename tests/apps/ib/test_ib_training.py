"""The loop of the information bottleneck: signs, gradients, averages, epochs, seeds and betas beside each other."""

import copy

import pytest
import torch
from ib_toys import CPU, QUIET, blobs, config, training, weights
from torch.distributions import Normal, kl_divergence

from minecli.apps.ib.config import METHODS
from minecli.apps.ib.information import measured_information
from minecli.apps.ib.networks import Noise
from minecli.apps.ib.training import IbTraining, classification_loss
from minecli.result import Status

BETA_0_AND_LARGE = ((0, 0.0), (0, 100.0))
INFORMED = ("mine-gaussian", "mine-propagated", "mine-additive")


def with_fitted_statistics(method, steps=100):
    """Two models, the same but for beta, and a statistics network that knows something of their codes."""
    ib = training(method, BETA_0_AND_LARGE, **QUIET, statistics_rate=5e-3, learning_rate=1e-2)
    for _ in range(steps):
        x, _, coded = batch_of(ib)
        ib.ascend_statistics(x, coded.z.detach(), ib._shifts(0))
        ib.step += 1
    return ib


def batch_of(ib):
    """What the step that comes is about to see: rows, labels, codes."""
    x, labels = ib.rows_of_step()
    return x, labels, ib.network.encode(x, Noise(ib.seeds, CPU, "step", ib.step))


@torch.no_grad()
def bound_seen(ib, x, z):
    return ib.information(x, z, ib._shifts("encoder"))


@pytest.mark.parametrize("method", INFORMED)
def test_the_encoder_lowers_the_bound_it_sees_and_leaves_the_statistics_network_alone(method, monkeypatch):
    ib = with_fitted_statistics(method)
    monkeypatch.setattr(ib, "ascend_statistics", lambda *_: None)
    for parameter in ib.networks["statistics"].parameters():
        parameter.grad = None
    before = weights(ib.networks["statistics"])
    x, _, coded = batch_of(ib)
    first = bound_seen(ib, x, coded.z)
    assert first[0] == first[1] > 0.0
    ib.advance()
    plain, informed = bound_seen(ib, x, batch_of(ib)[2].z) - first
    assert informed < plain - 0.01
    assert informed < -0.01
    assert all(parameter.grad is None for parameter in ib.networks["statistics"].parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, ib.networks["statistics"].parameters(), strict=True))


@pytest.mark.parametrize("bound", ["donsker-varadhan", "nwj"])
def test_the_statistics_network_raises_the_bound_and_leaves_the_encoder_alone(bound, monkeypatch):
    ib = training(
        models=BETA_0_AND_LARGE, bound=bound, statistics_steps=3, statistics_rate=1e-3, ema_decay=0.0, **QUIET
    )
    monkeypatch.setattr(ib, "descend_bottleneck", lambda *_: None)
    # So that every step of it climbs the same bound.
    monkeypatch.setattr(ib, "_shifts", lambda name: [1, 5])
    x, _, coded = batch_of(ib)
    before, encoder = bound_seen(ib, x, coded.z), weights(ib.network)
    ib.advance()
    assert (bound_seen(ib, x, coded.z) > before).all()
    assert all(torch.equal(a, b) for a, b in zip(encoder, ib.network.parameters(), strict=True))


@pytest.mark.parametrize("method", ["mine-gaussian", "mine-additive", "dvb", "dvb-additive"])
def test_the_gradient_is_that_of_the_objective(method, monkeypatch):
    ib = training(method, ((0, 0.5), (1, 2.0)), train_draws=3, statistics_rate=1e-2, **QUIET)
    x, labels = ib.rows_of_step()
    coded = ib.network.encode(x, Noise(ib.seeds, CPU, "step", 0), 3, fresh_inputs=False)
    for _ in range(50 if method.startswith("mine") else 0):
        ib.ascend_statistics(x, coded.z[:, :20].detach(), ib._shifts("encoder"))
    monkeypatch.setattr(ib, "ascend_statistics", lambda *_: None)
    loss = classification_loss(method, ib.network.logits(coded.z), labels, ib.config)
    if method.startswith("dvb"):
        term = kl_divergence(Normal(coded.mean, coded.deviation), Normal(0.0, 1.0)).sum(-1).mean(-1)
    else:
        term = ib.information(x, coded.z[:, :20], ib._shifts("encoder"))
        assert (term > 0.1).all()
    total = (loss + torch.tensor([0.5, 2.0]) * term).sum()
    wanted = torch.autograd.grad(total, list(ib.network.parameters()))
    ib.advance()
    for parameter, gradient in zip(ib.network.parameters(), wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_a_bound_below_zero_is_not_lowered_further(monkeypatch):
    with_term, without = (training("mine-additive", ((0, beta),), **QUIET) for beta in (5.0, 1e-12))
    for ib in (with_term, without):
        monkeypatch.setattr(ib, "ascend_statistics", lambda *_: None)
        monkeypatch.setattr(ib, "information", lambda x, z, shifts: z.sum((1, 2)) * 0.0 - z.square().sum((1, 2)))
        ib.advance()
    for a, b in zip(with_term.network.parameters(), without.network.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)


@pytest.mark.parametrize(("method", "beta"), [("mine-gaussian", 1.0), ("mine-additive", 2.0), ("dvb", 2.0)])
def test_a_large_weight_makes_codes_that_say_less_of_the_row(method, beta):
    ib = training(
        method,
        ((0, 0.0), (0, beta)),
        rows=blobs(400),
        held_out=blobs(160, seed=1),
        **QUIET,
        hidden=24,
        code_dim=2,
        noise=1.0,
        batch_size=50,
        epochs=20,
        learning_rate=2e-3,
        statistics_rate=1e-2,
        statistics_steps=2,
        evaluate_every=20,
        information_steps=40,
    )
    if ib.network.gaussian:
        # Deviations of 0.7 to begin with: those of 0.007 take long to grow.
        for network in (ib.network, ib.averaged):
            network.code.bias.data[..., 2:] = 5.0
    assert ib.run()
    free, squeezed = measured_information(ib)
    assert free.mi_nats > 1.0
    assert squeezed.mi_nats < 0.6 * free.mi_nats
    if ib.network.gaussian:
        assert squeezed.details["high_nats"] < free.details["low_nats"]


def test_without_weight_there_is_no_statistics_network_and_nothing_changes():
    alone, beside = training(models=((0, 0.0),)), training(models=BETA_0_AND_LARGE)
    assert alone.run()
    assert beside.run()
    assert set(alone.networks) == {"classifier"}
    assert set(beside.networks) == {"classifier", "statistics"}
    assert alone.history[0][-1].information_nats is None
    for a, b in zip(alone.network.parameters(), beside.network.parameters(), strict=True):
        torch.testing.assert_close(a[0], b[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_is_what_it_would_be_alone(method):
    both, alone = (training(method, [(s, 1e-2) for s in seeds], epochs=1) for seeds in ((3, 7), (7,)))
    both.run()
    alone.run()
    assert both.step == 6
    for a, b in zip(weights(both.averaged), weights(alone.averaged), strict=True):
        torch.testing.assert_close(a[1:], b, rtol=1e-3, atol=1e-5)
    assert both.history[1][0].metrics["error_percent"] == alone.history[0][0].metrics["error_percent"]
    assert both.history[1][0].metrics["nll_nats"] == pytest.approx(alone.history[0][0].metrics["nll_nats"], rel=1e-4)
    assert any(not torch.equal(a[0], a[1]) for a in weights(both.averaged))


def test_betas_of_a_seed_see_the_same_rows_and_draw_the_same_noise():
    ib = training("mine-additive", ((4, 0.0), (4, 1.0), (5, 0.0)))
    x, labels = ib.rows_of_step()
    draws = Noise(ib.seeds, CPU, "step", 0).normal(20, 6)
    for same in (x, labels, draws, *weights(ib.network), *weights(ib.networks["statistics"])):
        assert torch.equal(same[0], same[1])
    for other in (x, draws):
        assert not torch.equal(other[0], other[2])


def test_an_epoch_shows_every_row_once_in_another_order():
    ib = training("baseline", ((0, 0.0), (1, 0.0)))
    passes = []
    for _ in range(2):
        seen = []
        for _ in range(ib.per_pass):
            seen.append(ib.rows_of_step()[0])
            ib.step += 1
        passes.append(torch.cat(seen, 1))
    for each in (*passes[0], *passes[1]):
        assert sorted(each[:, 0].tolist()) == sorted(ib.train.x[:, 0].tolist())
    assert not torch.equal(passes[0][0], passes[0][1])
    assert not torch.equal(passes[0][0], passes[1][0])


@pytest.mark.parametrize(
    ("rows", "batch", "epochs", "least", "per_pass", "per_epoch"),
    [
        (120, 20, 3, 1, 6, 6),
        (125, 20, 3, 1, 6, 6),
        (120, 20, 3, 18, 6, 6),
        (120, 20, 3, 19, 6, 12),
        (120, 20, 3, 100, 6, 36),
        (120, 500, 3, 7, 1, 3),
        (6000, 100, 2, 100, 60, 60),
    ],
)
def test_few_rows_are_passed_over_as_often_as_makes_the_least_steps(rows, batch, epochs, least, per_pass, per_epoch):
    ib = training("baseline", rows=blobs(rows), batch_size=batch, epochs=epochs, least_steps=least)
    assert (ib.per_pass, ib.per_epoch, ib.steps) == (per_pass, per_epoch, epochs * per_epoch)
    assert ib.steps >= least
    ib.step = per_epoch
    assert ib.epoch == 1


def test_the_learning_rate_is_a_staircase_and_the_statistics_network_has_its_own(monkeypatch):
    ib = training(learning_rate=0.01, decay=0.5, decay_epochs=2, epochs=5, statistics_rate=0.02)
    rates = []
    advance = ib.advance

    def watched():
        rates.append([ib.optimizers[name].param_groups[0]["lr"] for name in ("classifier", "statistics")])
        advance()

    monkeypatch.setattr(ib, "advance", watched)
    ib.run()
    assert [rate for rate, _ in rates[::6]] == pytest.approx([0.01, 0.01, 0.005, 0.005, 0.0025])
    assert all(rates[i][0] == rates[6 * (i // 6)][0] for i in range(30))
    assert {rate for _, rate in rates} == {0.02}


@pytest.mark.parametrize("averaging", [0.0, 0.5, 0.99])
def test_the_average_weighs_the_steps_as_it_says(averaging):
    ib = training("baseline", averaging=averaging, learning_rate=0.01)
    steps = []
    for _ in range(7):
        ib.advance()
        ib.step += 1
        steps.append(torch.cat([p.flatten() for p in weights(ib.network)]))
    found = torch.cat([p.flatten() for p in weights(ib.averaged)])
    shares = torch.tensor([averaging ** (6 - s) for s in range(7)])
    torch.testing.assert_close(found, (shares[:, None] * torch.stack(steps)).sum(0) / shares.sum())
    assert not any(p.requires_grad for p in ib.averaged.parameters())


def test_the_averaged_weights_are_judged():
    ib = training("baseline", averaging=0.99)
    ib.run()
    for parameter in ib.network.parameters():
        parameter.data.fill_(float("nan"))
    again = ib.measure()[0][0]
    assert again == (True, ib.history[0][-1].metrics)


def test_the_weights_of_the_chosen_epoch_are_kept():
    ib, seen = training("baseline", chosen_epoch=2, epochs=4), {}
    ib.run(lambda event: seen.update({event.step: copy.deepcopy(ib.averaged)}))
    assert list(seen) == [6, 12, 18, 24]
    kept = weights(ib.last_finite["classifier"])
    assert all(torch.equal(a, b) for a, b in zip(kept, weights(seen[12]), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(kept, weights(seen[24]), strict=True))


def test_looks_do_not_change_the_training():
    often, seldom = training(evaluate_every=1), training(evaluate_every=3)
    often.run()
    seldom.run()
    assert [len(each.history[0]) for each in (often, seldom)] == [3, 1]
    assert all(torch.equal(a, b) for a, b in zip(weights(often.averaged), weights(seldom.averaged), strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(method):
    ib = training(method, rows=blobs(300), learning_rate=1e-2, epochs=4, noise=0.3)
    ib.run()
    first, last = (ib.history[0][i].metrics for i in (0, -1))
    assert last["error_percent"] < 10.0
    assert last["nll_nats"] < first["nll_nats"]
    assert ib.status(0) is Status.MAX_STEPS


def test_a_model_that_diverges_is_left_behind_and_its_last_whole_weights_kept():
    ib = training(models=((0, 1e-2), (1, 1e-2)))
    stop = iter([False] * 8 + [True])
    ib.run(should_stop=lambda: next(stop))
    kept = [p[0] for p in weights(ib.last_finite["classifier"])]
    with torch.no_grad():
        ib.network.code.weight[0] = float("nan")
    ib.run()
    assert ib.diverged_at == [12, None]
    assert [ib.status(m) for m in (0, 1)] == [Status.DIVERGED, Status.MAX_STEPS]
    assert [len(evaluations) for evaluations in ib.history] == [1, 3]
    for before, after in zip(kept, ib.last_finite["classifier"].parameters(), strict=True):
        assert torch.equal(before, after[0])


@pytest.mark.parametrize("method", ["baseline", "mine-propagated"])
def test_resumed_is_uninterrupted(method):
    def models():
        return training(method, ((0, 1e-2), (1, 1e-2)), dropout=0.2)

    whole, first, states = models(), models(), []
    assert whole.run()
    stop = iter([False] * 10 + [True])
    assert not first.run(should_stop=lambda: next(stop), save=lambda state, at_once: states.append(state))
    second = models()
    second.load_state_dict(states[-1])
    assert second.step == 10
    assert second.run()
    assert whole.history == second.history
    for one, two in (
        (whole.last_finite["classifier"], second.last_finite["classifier"]),
        (whole.averaged, second.averaged),
    ):
        assert all(torch.equal(a, b) for a, b in zip(weights(one), weights(two), strict=True))


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
def test_a_step_on_a_gpu_gives_finite_losses(method):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    models = [(seed, beta) for beta in (0.0, 1.0) for seed in (0, 1)]
    ib = IbTraining(blobs(), blobs(60, seed=1), method, config(), models, 3, torch.device("cuda:0"))
    assert ib.run()
    assert ib.diverged_at == [None] * 4
    assert all(each.loss_nats is not None for evaluations in ib.history for each in evaluations)
    for information in measured_information(ib) or ():
        assert information.mi_nats is not None
