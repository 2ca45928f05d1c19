import math

import pytest

from minecli.bench.config import BenchRequest, Fig1Request, Fig2Request, FreshConfig, SuiteRequest
from minecli.errors import DataError, UsageError
from minecli.estimators.registry import ESTIMATORS
from minecli.tasks.catalogue import GROUPS
from minecli.tasks.specs import describe, resolve_tasks


def configs(*names):
    return {name: ESTIMATORS[name].config() for name in names}


def test_the_suite_asks_every_estimator_about_every_task_with_every_seed():
    tasks = resolve_tasks(["public"])
    cells = SuiteRequest(tasks=tasks, seeds=(0, 4), estimators=configs("ksg", "mine")).cells()
    assert len(cells) == len(GROUPS["public"]) * 2 * 2
    assert len({c.key for c in cells}) == len(cells)
    # Estimators vary first, then seeds, so that the data of one task are drawn once for all estimators.
    assert [(c.seed, c.estimator) for c in cells[:4]] == [(0, "ksg"), (0, "mine"), (4, "ksg"), (4, "mine")]
    assert all(c.true_mi_nats == c.task.true_mi_nats() for c in cells)


def test_groups_and_specs_mix_and_repeats_go():
    found = resolve_tasks(["1v1-normal-0.75,gaussian:dim=2,rho=0.5", "gaussian:rho=0.5,dim=2"])
    assert found == ("1v1-normal-0.75", "gaussian:dim=2,rho=0.5")
    assert resolve_tasks(["public", "1v1-normal-0.75"]) == GROUPS["public"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("publik", "did you mean public?"),
        ("gausian", "did you mean gaussian?"),
        ("gaussian:rho=2", "strictly between -1 and 1"),
        ("gaussian:colour=2", "colour"),
    ],
)
def test_wrong_tasks(word, message):
    with pytest.raises(UsageError, match=message):
        resolve_tasks([word])


def test_describe():
    assert describe("gaussian:dim=2,rho=0.0") == {
        "spec": "gaussian:dim=2,rho=0.0",
        "x_columns": 2,
        "z_columns": 2,
        "true_mi_nats": 0.0,
    }


def test_figure_1_has_the_papers_grid():
    cells = Fig1Request(dims=(1, 20), estimators=configs("ksg")).cells()
    upward = [0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]
    assert [c.place["rho"] for c in cells[:13]] == [-rho for rho in upward[:0:-1]] + upward
    assert cells[-1].true_mi_nats == pytest.approx(-10 * math.log(1 - 0.99**2))
    assert cells[-1].group == "d = 20"


def test_figure_2_knows_the_truth_and_scales_sigma():
    cells = Fig2Request(estimators=configs("ksg")).cells()
    truths = {(c.place["function"], c.place["sigma"]): c.true_mi_nats for c in cells}
    assert len(cells) == 27
    # By an independent quadrature.
    expected = {("identity", 0.1): 3.334, ("cubic", 0.5): 0.451, ("sine", 0.9): 0.290}
    assert {key: round(truths[key], 3) for key in expected} == expected
    scaled = Fig2Request(equal_snr=True, estimators=configs("ksg")).cells()
    by_sigma = {}
    for c in scaled:
        by_sigma.setdefault(c.place["sigma"], []).append(c.true_mi_nats)
    # At the same sigma the three differ by two thirds, at the same signal-to-noise ratio by far less.
    assert max(truths[f, 0.5] for f in ("identity", "cubic", "sine")) > 1.6 * truths["cubic", 0.5]
    assert max(by_sigma[0.5]) < 1.2 * min(by_sigma[0.5])


def test_fresh_rows_are_for_neural_estimators():
    fresh = FreshConfig(evaluation_rows=500)
    cells = Fig1Request(dims=(1,), rhos=(0.5,), estimators=configs("mine", "ksg"), rows=100, fresh=fresh).cells()
    assert [(c.estimator, c.rows) for c in cells] == [("mine", 500), ("ksg", 100)]
    with pytest.raises(UsageError, match="--fresh is for the neural estimators, not for ksg"):
        Fig1Request(estimators=configs("ksg"), fresh=fresh)


REQUESTS = [
    SuiteRequest(tasks=("1v1-normal-0.75",), seeds=(3,), estimators=configs("mine", "ksg")),
    Fig1Request(dims=(3,), rhos=(0.1,), estimators=configs("mine-f"), fresh=FreshConfig(plain=True)),
    Fig2Request(functions=("sine",), sigmas=(0.5,), equal_snr=True, estimators=configs("gaussian"), confidence=0.9),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: r.COMMAND)
def test_requests_are_stored_whole(request_):
    assert type(request_).from_json(request_.to_json()) == request_


def test_a_run_of_another_kind_is_refused():
    with pytest.raises(UsageError, match="this is a run of `minecli bench fig1`, not of `minecli bench fig2`"):
        Fig2Request.from_json(REQUESTS[1].to_json())
    with pytest.raises(UsageError, match="this is a run of `minecli estimate`"):
        SuiteRequest.from_json({"source": "a.csv"})
    with pytest.raises(DataError, match="not one this version"):
        SuiteRequest.from_json({"command": "bench suite", "estimators": {"ksg": {"colour": 1}}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": ()}, "--seed is empty"),
        ({"seeds": (1, 1)}, "--seed names 1 twice"),
        ({"seeds": (-1,)}, "seed is -1"),
        ({"rows": 1}, "rows is 1; it must be a whole number of at least 2"),
        ({"confidence": 1.0}, "confidence is 1.0"),
        ({"rhos": ()}, r"rhos is \(\); it must be 1 to"),
        ({"dims": (1, 1)}, "--dims names 1 twice"),
    ],
)
def test_wrong_requests(changes, message):
    with pytest.raises(UsageError, match=message):
        Fig1Request(**{"estimators": configs("ksg")} | changes)


def test_a_wrong_correlation_is_refused_before_anything_runs():
    with pytest.raises(UsageError, match="strictly between -1 and 1"):
        Fig1Request(rhos=(1.0,), estimators=configs("ksg")).cells()


def test_the_base_asks_nothing():
    with pytest.raises(NotImplementedError):
        BenchRequest(estimators=configs("ksg")).cells()
