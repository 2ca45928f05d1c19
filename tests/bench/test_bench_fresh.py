import math

import numpy as np
import pytest
import torch

from minecli.bench import fresh as fresh_module
from minecli.bench.answers import Answering
from minecli.bench.config import Fig1Request, FreshConfig
from minecli.bench.fresh import FreshRows, run_fresh
from minecli.errors import UsageError
from minecli.estimators.context import Context
from minecli.estimators.neural.cross_fitting import fit_features
from minecli.estimators.registry import ESTIMATORS

SMALL = {"hidden": 8, "max_steps": 30, "batch_size": 64, "evaluate_every": 10}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(fresh_module, "FIT_ROWS", 400)
    monkeypatch.setattr(fresh_module, "VALIDATION_ROWS", 128)


def request(*names, dims=(1,), rhos=(0.0, 0.8), plain=False, evaluation_rows=1000, **changes):
    configs = {name: ESTIMATORS[name].config(**SMALL | changes) for name in names}
    fresh = FreshConfig(evaluation_rows=evaluation_rows, shifts_per_row=16, plain=plain)
    return Fig1Request(dims=dims, rhos=rhos, estimators=configs, fresh=fresh)


def run(asked, context=None, done=None, folder=None):
    done = {} if done is None else done

    def take(record):
        done[record.key] = record

    run_fresh(
        asked.cells(),
        asked.fresh,
        Answering(asked.estimators, context or Context(), take, {}),
        done=done,
        folder=folder,
    )
    return [done[c.key] for c in asked.cells() if c.key in done]


def without_seconds(records):
    return [r.to_json() | {"seconds": 0.0} for r in records]


def test_every_cell_gets_an_estimate_with_status_and_details():
    records = run(request("mine", "mine-f", dims=(1, 3)))
    assert len(records) == 8
    for r in records:
        assert r.n == 1000
        assert r.status in ("converged", "max_steps")
        assert r.interval is not None
        assert r.details["training_rows"] == 30 * 64
        assert r.details["trained_together"] == 2
        # The ceiling of the score is that of the pairs, not of the rows.
        assert r.details["ceiling_nats"] == pytest.approx(math.log(16_000))
        # A Gaussian fitted to 400 rows is close from the start; 1,000 rows know it to about 0.05.
        assert r.mi_nats == pytest.approx(r.true_mi_nats, abs=0.3)


def test_the_same_seed_gives_the_same_numbers_and_other_seeds_others():
    asked = request("mine")
    assert without_seconds(run(asked)) == without_seconds(run(asked))


def test_rows_are_new_at_every_step_and_for_every_purpose():
    rows = FreshRows(request("mine").cells(), ESTIMATORS["mine"].config(**SMALL), plain=True, device="cpu")
    x, z = rows.batch(0)
    assert x.shape == z.shape == (2, 64, 1)
    assert torch.equal(x, rows.batch(0)[0])
    evaluation, _ = rows.features([0, 1], 64, "evaluation", 0)
    seen = torch.cat([x, rows.batch(1)[0], evaluation], 1)
    for cell in seen:
        assert len(torch.unique(cell)) == 3 * 64


def test_features_are_fitted_as_those_of_a_sample_are():
    # Six columns a side, of which screening weighs the features unequally; the base is of the weighed scores.
    config = ESTIMATORS["mine"].config(**SMALL)
    rows = FreshRows(request("mine", dims=(6,)).cells(), config, plain=False, device="cpu")
    for (x, z), maps, base in zip(
        (rows._drawn(c, fresh_module.FIT_ROWS, "fit", 0) for c in rows.cells), rows.maps, rows.fits, strict=True
    ):
        expected, expected_base = fit_features(x, z, config)
        for own, other, values in zip(maps, expected, (x, z), strict=True):
            assert np.ptp(own.weights) > 0.0
            assert np.array_equal(own(values[:50]), other(values[:50]))
        assert np.array_equal(base.x_weights, expected_base.x_weights)
    assert FreshRows(request("mine").cells(), config, plain=True, device="cpu").base() is None
    bare = ESTIMATORS["mine"].config(**SMALL, gaussian_base=False)
    assert FreshRows(request("mine").cells(), bare, plain=False, device="cpu").base() is None


def test_a_batched_cell_is_trained_on_its_own_task():
    # The second of two cells is strongly dependent, the first not at all: a mix-up of models would show.
    none, strong = run(request("mine", rhos=(0.0, 0.95), plain=True, max_steps=300, learning_rate=1e-2, hidden=16))
    assert abs(none.mi_nats) < 0.05
    assert strong.mi_nats > 0.5 * strong.true_mi_nats


def test_plain_has_neither_base_nor_ceiling():
    (record, _) = run(request("mine", plain=True))
    # Infinity has no place in JSON: an absent ceiling is None.
    assert record.details["ceiling_nats"] is None
    assert record.details["plain"] is True


def test_beyond_what_the_rows_can_certify_is_said():
    (record,) = run(request("mine", dims=(20,), rhos=(0.9,), evaluation_rows=500))
    assert record.true_mi_nats > 16
    assert {"near-log-n-ceiling", "few-effective-rows"} & set(record.diagnostics)


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path):
    asked = request("mine", "mine-f")
    whole = run(asked)
    for asks in range(1, 40, 7):  # stopped in training, between cells, in an evaluation
        folder, done = tmp_path / str(asks), {}
        folder.mkdir()
        count = iter(range(asks))
        run(asked, Context(should_stop=lambda count=count: next(count, None) is None), done, folder)
        run(asked, None, done, folder)
        assert without_seconds(done[c.key] for c in asked.cells()) == without_seconds(whole)
        assert list(folder.iterdir()) == []  # the checkpoint of finished training goes


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    count = iter(range(5))
    stop = Context(should_stop=lambda: next(count, None) is None)
    assert run(request("mine"), stop, folder=tmp_path) == []
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-mine-1-1.pt"]
    with pytest.raises(UsageError, match="belongs to other data or other settings"):
        run(request("mine", rhos=(0.1,)), folder=tmp_path)


def test_done_cells_are_not_asked_again():
    asked, done = request("mine"), {}
    first = run(asked, done=done)
    del done[first[1].key]
    again = run(asked, done=done)
    assert again[0] is first[0]
    assert without_seconds(again) == without_seconds(first)


def test_a_cell_that_goes_to_infinity_takes_no_other_with_it(monkeypatch):
    real = FreshRows.features

    def poisoned(self, which, rows, purpose, number=0):
        x, z = real(self, which, rows, purpose, number)
        if purpose == "step" and self.cells[0].place["rho"] == 0.0:
            x[0] = math.nan
        return x, z

    monkeypatch.setattr(FreshRows, "features", poisoned)
    lost, kept = run(request("mine"))
    assert (lost.status, lost.mi_nats) == ("nonfinite", None)
    assert kept.mi_nats == pytest.approx(kept.true_mi_nats, abs=0.3)
    assert kept.details["trained_together"] == 1


def test_contrastive_bound_in_the_fresh_regime():
    (record, _) = run(request("info-nce", batch_size=64))
    assert np.isfinite(record.mi_nats)
