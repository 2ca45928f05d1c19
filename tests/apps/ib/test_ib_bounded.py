"""Bounded codes with noise of a fixed deviation, what is known of them, and the statistics network that sees them."""

import math

import pytest
import torch
from ib_toys import CPU, QUIET, blobs, config, training, weights

from minecli.apps.ib.config import METHODS, IbConfig, IbRequest, is_bounded, preset
from minecli.apps.ib.densities import known_bounds, log_densities
from minecli.apps.ib.information import measured_information
from minecli.apps.ib.networks import Bottleneck, Noise
from minecli.apps.ib.statistics_networks import CodeStatistics
from minecli.errors import UsageError

BOUNDED_MINE = ("mine-gaussian", "mine-propagated", "mine-additive")
BETA_0_AND_LARGE = ((0, 0.0), (0, 100.0))


def moments(seed, *shape):
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draws, dtype=torch.float64)


def test_log_densities_are_those_of_normals_up_to_a_constant():
    z, mean, deviation = moments(0, 2, 5, 3), moments(1, 2, 4, 3), moments(2, 2, 4, 3).exp()
    normal = torch.distributions.Normal(mean[:, None], deviation[:, None])
    whole = normal.log_prob(z[:, :, None]).sum(-1) + 1.5 * math.log(2.0 * math.pi)
    assert torch.allclose(log_densities(z, mean, deviation), whole)


def test_known_bounds_of_more_rows_than_are_computed_at_once():
    count = 300
    mean, deviation = moments(1, 2, count, 3), (0.2 * moments(2, 2, count, 3)).exp()
    z = mean + deviation * moments(0, 2, count, 3)
    every = log_densities(z, mean, deviation).exp()
    own = every.diagonal(dim1=1, dim2=2)
    found = known_bounds(z, mean, deviation)
    assert torch.allclose(found.low, (own / every.mean(2)).log().mean(1))
    assert torch.allclose(found.high, (own / ((every.sum(2) - own) / (count - 1))).log().mean(1))


def test_known_bounds_enclose_a_known_channel():
    mean = moments(0, 1, 4000, 2)
    z = mean + 0.5 * moments(1, 1, 4000, 2)
    truth = math.log1p(1.0 / 0.25)
    found = known_bounds(z, mean, torch.full_like(mean, 0.5))
    assert float(found.low) - 0.05 < truth < float(found.high) + 0.05
    assert float(found.high - found.low) < 0.02


@torch.no_grad()
@pytest.mark.parametrize("method", [m for m in METHODS if is_bounded(m, IbConfig(protocol="bounded"))])
def test_codes_are_bounded_and_have_the_noise_that_is_asked_for(method):
    network = Bottleneck(method, config(protocol="bounded", code_noise=0.25), 6, 3, (0, 1))
    x = 1e3 * blobs(40).x.expand(2, -1, -1)
    coded = network.encode(x, Noise((0, 1), CPU, "test"))
    assert float(coded.mean.square().mean(-1).max()) < 1.0 + 1e-6
    assert bool((coded.deviation == 0.25).all())
    assert float((coded.z - coded.mean).std()) == pytest.approx(0.25, rel=0.2)
    assert network.noiseless(x).shape == coded.mean.shape


def test_codes_of_one_column_have_room():
    network = Bottleneck("minibatch", config(code_dim=1), 6, 3, (0,))
    mean = network.encode(blobs(40).x[None], Noise((0,), CPU, "test")).mean
    assert len(mean.unique()) == 40


def test_scores_of_codes_are_a_normal_log_density_and_a_function_of_the_code():
    t = CodeStatistics(config(code_noise=0.5), (0, 1), rows=50)
    m, z = moments(0, 2, 7, 4).float(), moments(1, 2, 7, 4).float()
    found = t.score_rows(m, z, [0, 3])
    of_code = t.readout(torch.nn.functional.elu(t.second(torch.nn.functional.elu(t.first(z))))).squeeze(-1)
    for place, shift in enumerate((0, 3)):
        other, own = z.roll(shift, 1), of_code.roll(shift, 1)
        expected = own - 2.0 * (other - m).square().sum(-1) - 4 * math.log(0.5)
        assert torch.allclose(found[:, place], expected, atol=1e-4)


def test_scores_are_the_share_of_the_own_row_among_all_rows():
    t = CodeStatistics(config(code_noise=0.5), (0,), rows=50)
    m, z, seen = (moments(seed, 1, rows, 4).float() for seed, rows in ((0, 7), (1, 7), (2, 30)))
    t.readout.weight.data.zero_()
    t.see(z, seen)
    (found,) = t.score_rows(m, z, [2]).exp()
    normal = torch.distributions.Normal
    code = z[0].roll(2, 0)
    own = normal(m[0], 0.5).log_prob(code).sum(-1).exp()
    others = normal(seen, 0.5).log_prob(code[:, None]).sum(-1).exp().mean(1)
    torch.testing.assert_close(found[0], own / (own / 50 + others * 49 / 50), rtol=1e-3, atol=1e-6)


def test_no_score_claims_more_than_the_rows_support():
    t = CodeStatistics(config(code_noise=0.01), (0,), rows=50)
    t.readout.weight.data.zero_()
    m = moments(0, 1, 7, 4).float()
    t.see(m, moments(2, 1, 30, 4).float())
    assert torch.allclose(t.score_rows(m, m, [0]), torch.tensor(50.0).log())


def test_deviations_are_learnt_where_there_is_other_noise():
    for method, learnt in (("mine-gaussian", False), ("mine-additive", True)):
        ib = training(method, BETA_0_AND_LARGE, protocol="bounded")
        before = ib.networks["statistics"].log_deviation.clone()
        for _ in range(3):
            ib.advance()
        assert torch.equal(before, ib.networks["statistics"].log_deviation) is not learnt


@pytest.mark.parametrize("method", BOUNDED_MINE)
def test_the_encoder_lowers_the_bound_and_the_statistics_network_raises_it(method, monkeypatch):
    ib = training(method, BETA_0_AND_LARGE, protocol="bounded", learning_rate=1e-2, statistics_rate=1e-2)
    x, _ = ib.rows_of_step()

    def bound():
        with torch.no_grad():
            z = ib.network.encode(x, Noise(ib.seeds, CPU, "step", 0)).z
            return ib.information(ib.network.noiseless(x), z, ib._shifts("encoder"))

    encoder, untrained = weights(ib.network), bound()
    with monkeypatch.context() as patched:
        patched.setattr(ib, "descend_bottleneck", lambda *_: None)
        for _ in range(20):
            ib.advance()
    first = bound()
    assert (first > untrained).all()
    assert all(torch.equal(a, b) for a, b in zip(encoder, ib.network.parameters(), strict=True))
    statistics = weights(ib.networks["statistics"])
    with monkeypatch.context() as patched:
        patched.setattr(ib, "ascend_statistics", lambda *_: None)
        ib.advance()
    plain, informed = bound() - first
    assert informed < min(0.0, float(plain)) - 0.01
    assert all(torch.equal(a, b) for a, b in zip(statistics, ib.networks["statistics"].parameters(), strict=True))


@pytest.mark.parametrize("method", ["minibatch", "minibatch-additive", "mine-gaussian"])
def test_a_large_beta_leaves_less_in_the_code(method):
    ib = training(method, ((0, 0.0), (0, 1.0)), protocol="bounded", epochs=40, learning_rate=1e-2, statistics_rate=1e-2)
    ib.run()
    free, weighed = measured_information(ib)
    assert weighed.details["high_nats"] < free.details["high_nats"] - 0.3
    assert ib.history[1][-1].information_nats < ib.history[0][-1].information_nats


def test_what_is_known_of_noise_on_or_beside_the_input_is_an_upper_end():
    for method in ("mine-additive", "mine-propagated", "minibatch-additive"):
        (found,) = measured_information(training(method, protocol="bounded"))
        assert found.details["low_nats"] is None
        assert found.details["high_nats"] > 0.0
    (found,) = measured_information(training("mine-gaussian", protocol="bounded"))
    assert found.details["low_nats"] <= found.details["high_nats"]


def test_a_pass_that_sees_all_pairs_has_no_moving_average():
    assert IbConfig(protocol="bounded").statistics().ema_decay == 0.0
    assert IbConfig(protocol="paper").statistics().ema_decay == IbConfig().ema_decay
    assert training("mine-gaussian", protocol="bounded")._shifts(0) == list(range(1, 20))
    assert len(training("mine-gaussian", **QUIET)._shifts(0)) == 1


def test_a_request_of_a_version_without_bounded_codes_is_the_papers():
    request = IbRequest(
        dataset="mnist",
        methods=("mine-additive",),
        seeds=(0,),
        preset="quick",
        config=preset("quick", protocol="paper"),
    )
    stored = request.to_stored()
    del stored["config"]["protocol"], stored["config"]["code_noise"]
    again = IbRequest.from_stored(stored)
    assert again == request
    assert again.marked("mine-additive") == request.marked("mine-additive")
    assert not set(request.marked("mine-additive")["config"]) & {"protocol", "code_noise"}


def test_no_noise_is_refused():
    with pytest.raises(UsageError, match="code_noise is 0"):
        IbConfig(code_noise=0.0)
