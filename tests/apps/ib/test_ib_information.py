"""The measured information of encoders whose information is known."""

import math

import pytest
import torch
from ib_toys import CPU, config, training

from minecli import events
from minecli.apps.ib.information import estimate_of, from_json, is_near_ceiling, measured_information, to_json
from minecli.apps.ib.labelled_rows import Part
from minecli.apps.ib.training import IbTraining
from minecli.result import DiagnosticCode, Status

STATISTICS = {"information_steps": 120}


def normal_rows(count, columns, seed):
    x = torch.randn(count, columns, generator=torch.Generator().manual_seed(seed))
    return Part(x, torch.arange(count) % 3)


def linear_channel(deviations, gain=1.0, rows=1500, held_out=1000, columns=2, method="mine-gaussian", **changes):
    """Encoders z = gain * x + deviation * noise of normal x, one per deviation."""
    settings = config(code_dim=columns, hidden=columns, **(STATISTICS | changes))
    train, unseen = (normal_rows(n, columns, seed) for seed, n in enumerate((rows, held_out)))
    models = [(seed, 0.0) for seed in range(len(deviations))]
    ib = IbTraining(train, unseen, method, settings, models, 3, CPU)
    network = ib.last_finite["classifier"]
    identity = torch.eye(columns).expand(len(deviations), -1, -1)
    # Far to the right, where the units are linear, and back again.
    for layer, shift in zip(network.hidden, (10.0, 0.0), strict=True):
        layer.weight.copy_(identity)
        layer.bias.fill_(shift)
    raw = torch.tensor([math.log(math.expm1(s)) + 5.0 for s in deviations])[:, None, None]
    if network.gaussian:
        network.code.weight.copy_(torch.cat([gain * identity, torch.zeros_like(identity)], -1))
        network.code.bias[..., columns:] = raw
    else:
        network.code.weight.copy_(gain * identity)
    network.code.bias[..., :columns] = -10.0 * gain
    return ib


def truth(deviation, gain=1.0, columns=2):
    return 0.5 * columns * math.log1p((gain / deviation) ** 2)


def test_a_known_channel_lies_between_its_bounds_and_mine_is_near():
    deviations = (2.0, 0.4)
    ib = linear_channel(deviations)
    for found, deviation in zip(measured_information(ib), deviations, strict=True):
        known = truth(deviation)
        assert found.details["low_nats"] <= found.details["high_nats"] + 0.05
        # The chance of 500 rows.
        assert found.details["low_nats"] - 0.2 < known < found.details["high_nats"] + 0.2
        assert found.details["high_nats"] - found.details["low_nats"] < 0.15
        assert found.mi_nats == pytest.approx(known, abs=0.15 + 4.0 * found.standard_error_nats)
        assert 0.0 < found.standard_error_nats < 0.3
        assert found.details["divergence_nats"] >= found.details["high_nats"]
        assert found.details["ceiling_nats"] == pytest.approx(math.log(500))
        assert not is_near_ceiling(found)


def test_the_units_of_a_code_do_not_matter():
    small, large = (
        measured_information(linear_channel((g * 0.5,), g, 300, 100, information_steps=20))[0] for g in (0.1, 10.0)
    )
    assert small.mi_nats == pytest.approx(large.mi_nats, abs=1e-3)
    assert small.details["low_nats"] == pytest.approx(large.details["low_nats"], abs=1e-3)
    assert large.details["divergence_nats"] > small.details["divergence_nats"]


def test_noise_on_the_input_is_information_lost():
    known = truth(0.5)
    found = measured_information(linear_channel((1.0,), method="mine-additive", noise=0.5, test_draws=12))[0]
    assert found.mi_nats == pytest.approx(known, abs=0.25)
    assert found.details["low_nats"] is None
    assert found.details["high_nats"] is None


def test_the_code_that_is_measured_is_no_part_of_the_mean_it_is_measured_against():
    found = measured_information(linear_channel((1.0,), method="mine-additive", noise=0.5, test_draws=1))[0]
    # Of two codes of the same row, correlated by 0.8 in each column.
    assert found.mi_nats == pytest.approx(-math.log(1.0 - 0.8**2), abs=0.25)


def test_codes_of_nothing_hold_nothing():
    found = measured_information(linear_channel((1.0,), gain=0.0))[0]
    assert abs(found.mi_nats) < 4.0 * found.standard_error_nats + 0.02
    assert found.details["low_nats"] == pytest.approx(0.0, abs=1e-5)
    assert found.details["high_nats"] == pytest.approx(0.0, abs=1e-5)


def test_more_than_the_rows_can_certify_is_said():
    found = measured_information(linear_channel((1e-3,), rows=600, held_out=60))[0]
    assert truth(1e-3) > found.details["ceiling_nats"]
    assert is_near_ceiling(found)
    assert [d.code for d in found.diagnostics] == [DiagnosticCode.NEAR_LOG_N_CEILING]
    assert not found.trustworthy
    assert found.details["ceiling_nats"] == pytest.approx(math.log(30))
    assert found.details["low_nats"] <= math.log(30) + 1e-6


def test_the_upper_bound_is_never_beyond_the_divergence():
    found = measured_information(linear_channel((1e-2,), rows=200, held_out=40, information_steps=20))[0]
    assert found.details["low_nats"] <= found.details["high_nats"] <= found.details["divergence_nats"]


def test_a_measurement_does_not_depend_on_when_it_is_made():
    assert measured_information(linear_channel((0.5,), rows=200, held_out=100, information_steps=20)) == (
        measured_information(linear_channel((0.5,), rows=200, held_out=100, information_steps=20))
    )


def test_stopped_measurements_are_none():
    ib = linear_channel((0.5,), rows=200, held_out=100)
    stop = iter([False] * 5 + [True])
    assert measured_information(ib, should_stop=lambda: next(stop)) is None


@pytest.mark.parametrize("after", [0, 1, 13])
def test_a_resumed_measurement_goes_on_where_it_was(after):
    how = {"rows": 200, "held_out": 100, "information_steps": 20}
    states, whole, rest, stop = [], [], [], iter([False] * after + [True])
    uninterrupted = measured_information(linear_channel((0.5, 1.0), **how), lambda event: whole.append(event.step))
    stopped = linear_channel((0.5, 1.0), **how)
    assert measured_information(stopped, should_stop=lambda: next(stop), save=states.append) is None
    assert states[-1]["step"] == after
    again = linear_channel((0.5, 1.0), **how)
    found = measured_information(again, lambda event: rest.append(event.step), events.never, states[-1])
    assert found == uninterrupted
    assert rest == [step for step in whole if step > after]


def test_models_that_broke_and_too_few_rows_have_none():
    ib = linear_channel((1.0, 0.5), rows=200, held_out=100, information_steps=20)
    ib.diverged_at[0] = 7
    gone, whole = measured_information(ib)
    assert (gone.mi_nats, gone.status) == (None, Status.DIVERGED)
    assert whole.mi_nats is not None
    few = measured_information(linear_channel((1.0,), rows=200, held_out=3))
    assert [each.mi_nats for each in few] == [None]


@pytest.mark.parametrize("held_out", [4, 5, 9])
def test_a_handful_of_rows_is_enough_not_to_fail(held_out):
    found = measured_information(linear_channel((1.0,), rows=20, held_out=held_out, information_steps=5))[0]
    assert found.details["ceiling_nats"] == pytest.approx(math.log(held_out - held_out // 2))


def test_the_weights_measured_are_those_kept():
    ib = training("mine-gaussian", chosen_epoch=1, epochs=2)
    ib.run()
    found = measured_information(ib)
    with torch.no_grad():
        for parameter in (*ib.network.parameters(), *ib.averaged.parameters()):
            parameter.zero_()
    assert measured_information(ib) == found


def test_noise_on_the_input_leaves_no_known_bound_from_below():
    ib = training("dvb-additive", ((0, 0.01),), epochs=1, noise=1000.0)
    ib.run()
    (found,) = measured_information(ib)
    assert found.details["low_nats"] is None
    assert found.details["high_nats"] >= 0.0


@pytest.mark.parametrize(
    ("nats", "near", "known"),
    [(1.0, False, {"low_nats": 0.9, "high_nats": 1.1, "divergence_nats": 2.0}), (4.0, True, {}), (None, False, {})],
)
def test_what_is_measured_comes_back_from_its_json(nats, near, known):
    status = Status.NONFINITE if nats is None else Status.CONVERGED
    whole = estimate_of(nats, None if nats is None else 0.1, status, 5.0, known)
    content = to_json(whole)
    assert list(content) == [
        "nats", "standard_error_nats", "status", "near_ceiling", "ceiling_nats",
        "low_nats", "high_nats", "divergence_nats",
    ]  # fmt: skip
    assert (content["near_ceiling"], content["low_nats"]) == (near, known.get("low_nats"))
    assert type(content["status"]) is str
    assert from_json(content) == whole
