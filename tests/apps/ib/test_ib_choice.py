"""Both phases of a method: what is chosen, by what, and that a stopped run goes on as if nothing had happened."""

import io
from types import SimpleNamespace

import pytest
import torch
from ib_toys import blobs, classified, request, weights

from minecli.apps.ensembles.results import TrainedMethod
from minecli.apps.ensembles.training import Evaluation
from minecli.apps.ib.choice import Choice, IbPhases, chosen
from minecli.apps.ib.labelled_rows import Classified, Part
from minecli.apps.ib.results import comparisons, method_entry, scatter_of
from minecli.result import Status


def evaluations(*errors, nll=None):
    likelihoods = [1.0] * len(errors) if nll is None else nll
    pairs = zip(errors, likelihoods, strict=True)
    return [Evaluation(10 * (i + 1), None, {"error_percent": e, "nll_nats": n}) for i, (e, n) in enumerate(pairs)]


def trained(*history, diverged_at=None):
    return SimpleNamespace(history=history, diverged_at=diverged_at or [None] * len(history), per_epoch=5)


ONE_BETA = ((0, 0.1), (1, 0.1))
TWO_BETAS = ((0, 0.1), (1, 0.1), (0, 1.0), (1, 1.0))


def test_the_least_mean_error_over_seeds_is_chosen():
    assert chosen(trained(evaluations(5, 1, 3), evaluations(5, 6, 3)), ONE_BETA) == Choice(0.1, 6, 3.0)
    four = trained(evaluations(9, 4), evaluations(9, 4), evaluations(9, 3), evaluations(9, 4))
    assert chosen(four, TWO_BETAS) == Choice(1.0, 4, 3.5)


def test_of_equal_errors_the_least_likelihood_and_then_the_first():
    assert chosen(trained(evaluations(2, 2, 2, nll=[0.5, 0.3, 0.4])), ((0, 0.1),)) == Choice(0.1, 4, 2.0)
    assert chosen(trained(evaluations(2, 2)), ((0, 0.1),)) == Choice(0.1, 2, 2.0)


def test_a_beta_that_broke_a_seed_is_chosen_only_where_there_is_no_other():
    history = (evaluations(9, 9), evaluations(9, 9), evaluations(1), evaluations(1, 1))
    assert chosen(trained(*history, diverged_at=[None, None, 15, None]), TWO_BETAS) == Choice(0.1, 2, 9.0)
    assert chosen(trained(*history, diverged_at=[3, 3, 15, None]), TWO_BETAS) == Choice(1.0, 2, 1.0)
    assert chosen(trained(*history, diverged_at=[3, 3, 15, 15]), TWO_BETAS) is None


def phases(method="mine-gaussian", data=None, **changes):
    return IbPhases(request(method, **changes), classified() if data is None else data, method)


def entry(of):
    return method_entry(TrainedMethod(of.method, of, 0.0, True), of.data)


def test_what_chooses_is_held_back_from_learning_and_all_is_learnt_at_last():
    found = phases(betas=(0.0, 1.0))
    assert (len(found.choosing.train), len(found.choosing.held_out)) == (80, 40)
    assert found.choosing.seeds == (0, 1, 0, 1)
    assert found.choosing.betas.tolist() == [0.0, 0.0, 1.0, 1.0]
    assert found.run()
    assert (len(found.final.train), len(found.final.held_out)) == (120, 60)
    assert found.final.betas.tolist() == [found.choice.beta] * 2
    assert found.final.chosen_epoch == found.choice.epoch
    assert [len(found.information[phase]) for phase in ("choosing", "final")] == [4, 2]
    whole = entry(found)
    assert whole["choice"] == {"beta": found.choice.beta, "epoch": found.choice.epoch}
    assert [point["beta"] for point in whole["choosing"]] == [0.0, 1.0]
    for seed in whole["seeds"]:
        assert seed["information_nats"] == seed["metrics"]["information_nats"] is not None
        assert seed["metrics"]["oracle_error_percent"] <= seed["metrics"]["last_error_percent"]


def test_methods_without_information_have_one_beta_and_no_information():
    found = phases("dropout", betas=(0.0, 1.0))
    assert found.choosing.seeds == (0, 1)
    assert found.run()
    assert found.information == {}
    assert not entry(found)["weighed"]


def test_without_a_choice_the_last_epoch_is_kept():
    found = phases("baseline", choose=False)
    assert (found.choosing, found.choice) == (None, None)
    assert found.run()
    pairs = zip(weights(found.final.averaged), weights(found.final.last_finite["classifier"]), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    for seed in entry(found)["seeds"]:
        assert seed["metrics"]["error_percent"] == seed["metrics"]["last_error_percent"]


def test_the_test_rows_choose_nothing():
    data = classified()
    turned = Classified(data.train, Part(data.test.x.flip(0), (data.test.labels + 1) % 3), data.choosing, data.classes)
    one, two = phases(data=data, betas=(0.0, 0.1), epochs=4), phases(data=turned, betas=(0.0, 0.1), epochs=4)
    assert one.run()
    assert two.run()
    assert one.choice == two.choice
    kept = [weights(each.final.last_finite["classifier"]) for each in (one, two)]
    assert all(torch.equal(a, b) for a, b in zip(*kept, strict=True))
    errors = [entry(each)["seeds"][0]["metrics"]["error_percent"] for each in (one, two)]
    assert errors[0] != errors[1]


def test_the_rows_held_back_do_choose():
    data = classified()
    labels = data.train.labels.clone()
    labels[-data.choosing :] = (labels[-data.choosing :] + 1) % 3
    turned = Classified(Part(data.train.x, labels), data.test, data.choosing, data.classes)
    settings = {"learning_rate": 5e-3, "epochs": 5}
    one, two = (phases("baseline", data=each, **settings) for each in (data, turned))
    one.choosing.run()
    two.choosing.run()
    assert chosen(one.choosing, one.models).epoch > chosen(two.choosing, two.models).epoch


def counted(of):
    """How often a run asks whether to stop, by what it does at the time."""
    places = []

    def asked():
        if of.final is None:
            over = of.choosing is not None and of.choosing.step >= of.choosing.steps
            places.append("measuring choices" if over else "choosing")
        else:
            places.append("measuring" if of.final.step >= of.final.steps else "final")
        return False

    assert of.run(should_stop=asked)
    return places


BETAS = (0.0, 0.5)


@pytest.fixture(scope="module")
def whole():
    found = phases(betas=BETAS, epochs=2)
    places = counted(found)
    return found, places


@pytest.mark.parametrize("place", ["choosing", "measuring choices", "final", "measuring"])
def test_resumed_is_uninterrupted(whole, place):
    uninterrupted, places = whole
    own = [i for i, name in enumerate(places) if name == place]
    at, states = own[len(own) // 2], []
    stop = iter([False] * at + [True])
    first = phases(betas=BETAS, epochs=2)
    assert not first.run(should_stop=lambda: next(stop), save=lambda state, at_once: states.append(kept(state)))
    second = phases(betas=BETAS, epochs=2)
    second.load_state_dict(torch.load(io.BytesIO(states[-1]), weights_only=True))
    if place.startswith("measuring"):
        # One question before each step, and the rest of the steps alone.
        assert second.measuring["step"] == len(own) // 2
        assert counted(second).count(place) == len(own) - len(own) // 2
    else:
        assert second.measuring is None
        assert second.run()
    assert (second.choice, second.information) == (uninterrupted.choice, uninterrupted.information)
    assert entry(second) == entry(uninterrupted)
    pairs = zip(
        weights(second.final.last_finite["classifier"]),
        weights(uninterrupted.final.last_finite["classifier"]),
        strict=True,
    )
    assert all(torch.equal(a, b) for a, b in pairs)
    # So does the stopped one itself.
    assert first.run()
    assert entry(first) == entry(uninterrupted)


def kept(state):
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def test_a_finished_run_that_is_taken_up_again_trains_nothing(whole):
    uninterrupted, _ = whole
    again = phases(betas=BETAS, epochs=2)
    again.load_state_dict(torch.load(io.BytesIO(kept(uninterrupted.state_dict())), weights_only=True))
    assert counted(again) == []
    assert entry(again) == entry(uninterrupted)


def test_the_state_of_a_finished_run_holds_only_the_networks_to_use(whole):
    state = whole[0].state_dict()
    assert set(state["good"]) == {"classifier"}
    for phase in ("choosing", "final"):
        assert not {"good", "networks", "optimizers", "averaged"} & set(state[phase])


def test_an_unfinished_method_has_an_entry_too():
    found, stop = phases(), iter([False] * 7 + [True])
    assert not found.run(should_stop=lambda: next(stop))
    partial = method_entry(TrainedMethod(found.method, found, 1.0, False), found.data)
    assert (partial["finished"], partial["choice"]) == (False, None)
    assert [seed["status"] for seed in partial["seeds"]] == [Status.INTERRUPTED] * 2


def test_a_method_whose_models_all_break_says_so():
    data = classified()
    not_finite = Part(data.train.x * float("nan"), data.train.labels)
    found = phases(data=Classified(not_finite, data.test, data.choosing, data.classes))
    assert found.run()
    partial = entry(found)
    assert [seed["status"] for seed in partial["seeds"]] == [Status.DIVERGED] * 2
    assert [seed["broken_at_step"] for seed in partial["seeds"]] == [4, 4]
    assert comparisons([TrainedMethod("mine-gaussian", found, 0.0, True), TrainedMethod("dvb", found, 0.0, True)]) == {
        "comparisons": []
    }


def test_methods_are_compared_with_the_anchor_row_by_row():
    methods = []
    for method in ("baseline", "dvb", "mine-additive"):
        each = phases(method, information_steps=2)
        assert each.run()
        methods.append(TrainedMethod(method, each, 0.0, True))
    found = comparisons(methods)["comparisons"]
    assert [(c["method"], c["reference"]) for c in found] == [("baseline", "dvb"), ("mine-additive", "dvb")]
    errors = {each.method: entry(each.training)["summary"]["error_percent"]["mean"] for each in methods}
    for comparison in found:
        difference = errors[comparison["method"]] - errors["dvb"]
        assert comparison["difference_percent"] == pytest.approx(difference, abs=1e-9)
    without = comparisons([methods[0], methods[2]])["comparisons"]
    assert [(c["method"], c["reference"]) for c in without] == [("mine-additive", "baseline")]
    assert comparisons(methods[:1]) == {"comparisons": []}
    assert scatter_of(methods[0]) is None


def test_codes_of_two_columns_are_for_a_picture():
    found = phases("dvb", code_dim=2, choose=False, information_steps=2)
    assert found.run()
    scatter = scatter_of(TrainedMethod("dvb", found, 0.0, True))
    assert scatter.codes.shape == (60, 2)
    assert scatter.labels.tolist() == blobs(60, seed=1).labels.tolist()
