"""GANs on coded rows: what they learn, seeds beside each other, resumption, references."""

import io

import numpy as np
import pytest
import torch

from minecli.apps.datasets.real_samples import RealRows
from minecli.apps.gan.config import METHODS, GanRequest, preset
from minecli.apps.gan.own_table import OwnTable, choices_of
from minecli.apps.gan.training import GanTraining
from minecli.errors import UsageError
from minecli.tables.groups import load_group
from minecli.tables.wanted import Wanted

SMALL = {"generator_hidden": 32, "discriminator_hidden": 32, "samples": 2000, "evaluate_every": 10, "steps": 30}


@pytest.fixture(scope="module")
def table():
    """Two categories that agree, a number of half zeros that grows with them, and holes."""
    rng = np.random.default_rng(0)
    levels = rng.choice(["a", "b", "rare"], 1500, p=[0.62, 0.35, 0.03])
    lines = ["one,two,paid"]
    for level in levels:
        paid = 0 if rng.random() < 0.5 else round(float(rng.exponential(10.0 if level == "a" else 40.0)), 2)
        lines.append(f"{level},{level if rng.random() < 0.95 else 'b'},{'' if rng.random() < 0.2 else paid}")
    return load_group("-", ["*"], Wanted(missing="learn"), stdin=io.BytesIO("\n".join(lines).encode()))


def request_of(method="gan", seeds=(0,), target=None, **changes):
    config = preset("quick", "my.csv", **(SMALL | changes))
    fields = {"dataset": "my.csv", "x": ("*",), "methods": (method,), "seeds": seeds, "preset": "quick"}
    return GanRequest(**fields, config=config, missing="learn", utility_target=target)


def training(one, method="gan", seeds=(0,), **changes):
    request = request_of(method, seeds, **changes)
    own = OwnTable.of(one, request)
    data = RealRows(own.features("cpu"))
    return own, GanTraining(data, method, request.config, seeds, own.distances, choices_of(own.rows))


def weights(gan):
    return [p.detach().clone() for p in gan.generator.parameters()]


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_is_what_it_would_be_alone(table, method):
    (_, both), (_, alone) = (training(table, method, seeds, steps=3) for seeds in ((3, 7), (7,)))
    both.run()
    alone.run()
    for a, b in zip(weights(both), weights(alone), strict=True):
        torch.testing.assert_close(a[1:], b, rtol=1e-3, atol=1e-3)


def test_resumed_is_uninterrupted(table):
    _, whole = training(table, "mine")
    whole.run()
    _, first = training(table, "mine")
    states, stop = [], iter([False] * 17 + [True])
    first.run(should_stop=lambda: next(stop), save=lambda state, at_once: states.append(state))
    _, second = training(table, "mine")
    second.load_state_dict(states[-1])
    second.run()
    for a, b in zip(weights(whole), weights(second), strict=True):
        assert torch.equal(a, b)
    assert whole.history == second.history


def test_shares_zeros_holes_and_dependence_are_learnt(table):
    own, gan = training(table, steps=400, evaluate_every=400)
    gan.run()
    metrics = gan.history[0][-1].metrics
    assert metrics["levels_close"] == 1.0
    made = own.rows.values(gan.sample(2000, "report")[0])
    # Both categories have the same level in 97 % of the real rows, and in 51 % where one is shuffled.
    agree = [(rows[:, :3] * rows[:, 3:6]).sum(1).mean() for rows in (made, own.rows.real, own.noise)]
    assert agree[0] > 0.75
    assert agree[1] > 0.95
    assert agree[2] < 0.55
    paid, gone = made[:, -2], made[:, -1]
    assert abs(gone.mean() - 0.2) < 0.07
    assert abs((paid[gone == 0.0] == 0.0).mean() - 0.5) < 0.1


def test_samples_in_training_and_at_the_end_are_alike(table):
    """Choices are 0 or 1 both times, and every row has one of each."""
    _, gan = training(table, steps=5)
    gan.run()
    prior = gan.prior(50, "x")
    for rows in (gan.generator(prior).detach()[0], gan.decode(prior)[0]):
        for group in choices_of(training(table)[0].rows).groups:
            torch.testing.assert_close(rows[:, list(group)].sum(1), torch.ones(50))
            assert bool(((rows[:, list(group)].round() - rows[:, list(group)]).abs() < 1e-5).all())


def test_noise_has_the_margins_and_real_rows_the_dependence(table):
    own = OwnTable.of(table, request_of(target="two"))
    noise, real = (own.facts["references"][name] for name in ("noise", "real"))
    assert noise["ks_largest"] < 0.05
    assert noise["correlation_gap"] > 4 * real["correlation_gap"]
    report = own.report(own.rows.features[:300].numpy())
    scores = {name: part["utility"][0]["accuracy"] for name, part in report["references"].items()}
    assert scores["real"] > 0.9 > scores["noise"] + 0.1
    assert report["privacy"]["copies"] > report["references"]["real"]["privacy"]["copies"]


def test_old_settings_are_still_those_of_old_runs():
    """Fields that came later have no part in what a checkpoint belongs to, unless they are set."""
    old = GanRequest(
        dataset="my.csv", x=("*",), methods=("gan",), seeds=(0,), preset="quick", config=preset("quick", "spiral")
    )
    assert {"coding", "temperature", "mean_weight", "table_pack"} & set(old.marked("gan")["config"]) == set()
    assert "utility_target" not in old.marked("gan")
    assert request_of().marked("gan")["config"]["coding"] == "choices"


def test_missing_values_are_learnt_by_choices_alone():
    with pytest.raises(UsageError, match="--missing is 'learn'; it must be error or drop"):
        request_of(coding="linear")
