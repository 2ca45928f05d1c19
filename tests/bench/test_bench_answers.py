import os

import numpy as np
import pytest

from minecli.bench.answers import Answering, batches, run_cells
from minecli.bench.cells import draw
from minecli.bench.config import SuiteRequest
from minecli.errors import DataError
from minecli.estimators.context import Context
from minecli.estimators.outcome import run_estimators
from minecli.estimators.registry import ESTIMATORS


def request(*names, rows=60, **more):
    configs = {name: ESTIMATORS[name].config() for name in names}
    tasks = ("1v1-normal-0.75", "mixed:classes=3")
    return SuiteRequest(tasks=tasks, seeds=(0, 1), rows=rows, estimators=configs, **more)


def run(asked, context=None, cells=None):
    found = []
    run_cells(
        asked.cells() if cells is None else cells,
        Answering(asked.estimators, context or Context(), found.append, {"minecli": "1"}),
        stage="bench",
    )
    return found


def test_a_record_holds_what_the_estimator_says_of_the_cells_data():
    asked = request("ksg", "gaussian")
    records = run(asked)
    assert [r.key for r in records] == [c.key for c in asked.cells()]
    for cell, record in zip(asked.cells(), records, strict=True):
        config = {cell.estimator: asked.estimators[cell.estimator]}
        (alone,) = run_estimators(*draw(cell), config, Context(seed=cell.seed)).estimates
        assert record.mi_nats == alone.mi_nats
        assert record.versions == {"minecli": "1"}


def test_a_cell_that_fails_does_not_stop_the_others(monkeypatch):
    calls = []

    def moody(x, z, configs, context):
        calls.append(context.seed)
        if context.seed == 0:
            raise DataError("no", hint="yes")
        return run_estimators(x, z, configs, context)

    monkeypatch.setattr("minecli.bench.answers.run_estimators", moody)
    events = []
    records = run(request("ksg"), Context(observer=events.append))
    assert [r.status for r in records] == ["failed", "converged"] * 2
    assert records[0].message == "no (yes)"
    assert [e.step for e in events] == [1, 2, 3, 4]
    assert "1v1-normal-0.75, seed 0, ksg failed: no (yes)" in events[0].message


def test_a_mistake_of_the_programs_own_is_not_hidden(monkeypatch):
    def broken(*args, **kwargs):
        raise TypeError("bug")

    monkeypatch.setattr("minecli.bench.answers.run_estimators", broken)
    with pytest.raises(TypeError):
        run(request("ksg"))


def test_a_stop_is_obeyed_between_cells_and_within():
    asked, done = request("ksg"), []
    context = Context(should_stop=lambda: len(done) >= 2)
    run_cells(asked.cells(), Answering(asked.estimators, context, done.append, {}), stage="bench")
    assert len(done) == 2
    # Asked within the training of the first cell: it leaves no record.
    asks = iter([False] * 3)
    mine = SuiteRequest(
        tasks=("1v1-normal-0.75",),
        rows=100,
        estimators={"mine": ESTIMATORS["mine"].config(max_steps=30, hidden=8, folds=2, evaluate_every=10)},
    )
    assert run(mine, Context(should_stop=lambda: next(asks, True))) == []


def test_data_are_drawn_once_for_all_estimators(monkeypatch):
    drawn = []

    def counting(cell):
        drawn.append(cell.key)
        return draw(cell)

    monkeypatch.setattr("minecli.bench.answers.draw", counting)
    run(request("ksg", "mixed-ksg", "gaussian"))
    assert len(drawn) == 4


def test_minecli_sample_and_estimate_give_the_very_same_number(cli, tmp_path):
    asked = SuiteRequest(
        tasks=("gaussian:dim=2,rho=0.5",), rows=200, seeds=(3,), estimators={"ksg": ESTIMATORS["ksg"].config()}
    )
    (record,) = run(asked)
    path = tmp_path / "s.parquet"
    words = ("--dim", "2", "--rho", "0.5", "-n", "200", "--seed", record.data_seed, "-o", path)
    assert cli("sample", "gaussian", *words).code == 0
    found = cli("estimate", path, "--x", "x*", "--z", "z*", "-e", "ksg", "--seed", "3").json["estimates"][0]
    assert found["mi_nats"] == record.mi_nats
    assert found["standard_error_nats"] == record.standard_error_nats


def test_the_working_directory_is_left_alone():
    run(request("ksg"))
    assert os.listdir() == []


def test_seeds_give_other_data():
    first, _, second, _ = run(request("ksg", "gaussian"))[:4]
    assert first.mi_nats != second.mi_nats
    assert np.isfinite(first.mi_nats)


def test_cells_of_a_neural_estimator_and_one_shape_are_batched():
    asked = SuiteRequest(
        tasks=("gaussian:rho=0.5", "gaussian:dim=2,rho=0.5", "gaussian:rho=0.9"),
        seeds=(0, 1),
        rows=60,
        estimators={name: ESTIMATORS[name].config() for name in ("mine", "ksg", "mine-f")},
    )
    cells = asked.cells()
    assert batches(cells, asked.estimators, 1) == [[cell] for cell in cells]
    found = batches(cells, asked.estimators, 3)
    assert sorted(c.key for group in found for c in group) == sorted(c.key for c in cells)
    neural = [(g[0].estimator, [c.spec for c in g]) for g in found if g[0].estimator == "mine"]
    one, two, nine = ("gaussian:dim=1,rho=0.5", "gaussian:dim=2,rho=0.5", "gaussian:dim=1,rho=0.9")
    assert neural == [("mine", [one, one, nine]), ("mine", [two, two]), ("mine", [nine])]
    assert all(len(g) == 1 for g in found if g[0].estimator == "ksg")


def test_batched_cells_have_the_records_of_cells_alone():
    config = ESTIMATORS["mine"].config(
        folds=2, max_steps=30, hidden=8, batch_size=16, marginal_shifts=15, precision="float64"
    )
    asked = SuiteRequest(
        tasks=("gaussian:rho=0.5", "gaussian:rho=0.9"), seeds=(0, 1), rows=120, estimators={"mine": config}
    )
    events = []

    def records(together, observer):
        found = []
        run_cells(
            asked.cells(),
            Answering(asked.estimators, Context(observer=observer), found.append, {}),
            stage="bench",
            together=together,
        )
        return found

    alone, batched = records(1, events.append), records(8, events.append)
    assert [r.key for r in batched] == [r.key for r in alone]
    assert [r.mi_nats for r in batched] == pytest.approx([r.mi_nats for r in alone], abs=1e-9)
    assert [r.details for r in batched] == [{"trained_together": 4}] * 4
    assert [e.step for e in events if e.stage == "bench"] == [1, 2, 3, 4] * 2


def test_a_stop_keeps_the_cells_that_were_done():
    config = ESTIMATORS["mine"].config(folds=2, max_steps=10, hidden=8)
    asked, done = SuiteRequest(tasks=("gaussian:rho=0.5",), seeds=(0, 1, 2), rows=60, estimators={"mine": config}), []

    def refused(*args):
        raise DataError("no", hint="yes")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minecli.bench.answers._answers_together", refused)
        context = Context(should_stop=lambda: len(done) >= 2)
        run_cells(asked.cells(), Answering(asked.estimators, context, done.append, {}), stage="bench", together=3)
    assert [r.seed for r in done] == [0, 1]


def test_batches_fit_into_memory(monkeypatch):
    monkeypatch.setattr("minecli.bench.answers.MOST_VALUES_TOGETHER", 2 * 60 * 2)
    asked = SuiteRequest(
        tasks=("gaussian:rho=0.5",), seeds=(0, 1, 2), rows=60, estimators={"mine": ESTIMATORS["mine"].config()}
    )
    assert [len(g) for g in batches(asked.cells(), asked.estimators, 64)] == [2, 1]


def test_a_batch_that_is_refused_is_asked_one_by_one(monkeypatch):
    def refused(*args):
        raise DataError("no", hint="yes")

    monkeypatch.setattr("minecli.estimators.neural.mine.estimate_together", refused)
    monkeypatch.setattr("minecli.bench.answers.run_estimators", run_estimators)
    asked = SuiteRequest(
        tasks=("gaussian:rho=0.5",), seeds=(0, 1), rows=60, estimators={"mine": ESTIMATORS["mine"].config()}
    )
    found = []
    run_cells(asked.cells(), Answering(asked.estimators, Context(), found.append, {}), stage="bench", together=2)
    assert [r.message for r in found] == ["no (yes)"] * 2
