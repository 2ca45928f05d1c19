import json
import math

import numpy as np
import pytest

from minecli.bench.cells import Cell, draw
from minecli.bench.records import RecordFile, failed_record, latest, read_records, record_of
from minecli.errors import DataError, OutputError
from minecli.result import Diagnostic, DiagnosticCode, Estimate, Interval, Status
from minecli.tasks.registry import make_task

TASK = make_task("gaussian", dim=1, rho=0.5)
TRUTH = -0.5 * math.log(0.75)


def cell(**changes):
    spec = "gaussian:dim=1,rho=0.5"
    values = {"task": TASK, "spec": spec, "group": "gaussian", "true_mi_nats": TRUTH, "rows": 50, "seed": 0}
    return Cell(**values | {"estimator": "ksg"} | changes)


def record(value=0.2, **changes):
    interval = Interval(value - 0.1, value + 0.1, 0.95, "x")
    found = Diagnostic(DiagnosticCode.FEW_SAMPLES, "few")
    estimate = Estimate(
        "ksg",
        value,
        Status.CONVERGED,
        standard_error_nats=0.05,
        interval=interval,
        diagnostics=(found,),
        seconds=1.23456,
    )
    return record_of(cell(**changes), estimate, {"minecli": "1"}, "cpu", steps=3)


def test_a_record_says_what_was_asked_and_what_came_of_it():
    content = record().to_json()
    assert content["true_mi_nats"] == TRUTH
    assert content["error_nats"] == 0.2 - TRUTH
    assert content["interval"] == {"low_nats": 0.1, "high_nats": pytest.approx(0.3), "level": 0.95}
    assert content["covered"] is True
    assert content["parameters"] == {"dim": 1, "rho": 0.5}
    assert content["diagnostics"] == ["few-samples"]
    assert content["seconds"] == 1.235
    assert content["details"] == {"steps": 3}
    assert record(0.5).covered is False


def test_a_failed_record():
    failed = failed_record(cell(), "too few", {}, "cpu", 0.1)
    assert (failed.failed, failed.mi_nats, failed.error_nats, failed.covered) == (True, None, None, None)
    assert failed.message == "too few"


def test_there_and_back(tmp_path):
    path = tmp_path / "r.ndjson"
    written = [record(), record(seed=1), failed_record(cell(seed=2), "ä", {}, "cpu", 0.0)]
    file = RecordFile(path)
    for one in written:
        file.append(one)
        assert path.read_text().endswith("}\n")  # seen out at once
    file.close()
    assert read_records(path) == written
    assert read_records(tmp_path / "none") == []


@pytest.mark.parametrize("kept", [1, 40])
def test_a_line_cut_short_is_left_out_and_removed(tmp_path, kept):
    path = tmp_path / "r.ndjson"
    lines = [json.dumps(r.to_json()) for r in (record(), record(seed=1))]
    path.write_text(lines[0] + "\n" + lines[1][:kept])
    assert read_records(path) == [record()]
    file = RecordFile(path)
    file.append(record(seed=1))
    file.close()
    assert path.read_text() == "\n".join(lines) + "\n"


def test_a_whole_record_without_its_line_break_is_not_half_believed(tmp_path):
    path = tmp_path / "r.ndjson"
    path.write_text(json.dumps(record().to_json()))
    assert read_records(path) == []
    RecordFile(path).close()
    assert path.read_text() == ""


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "r.ndjson"
    path.write_text("{}\n" + json.dumps(record().to_json()) + "\n")
    with pytest.raises(DataError, match=r"line 1 of .* is no record"):
        read_records(path)


def test_keys_of_later_versions_do_no_harm(tmp_path):
    path = tmp_path / "r.ndjson"
    path.write_text(json.dumps(record().to_json() | {"new": 1}) + "\n")
    assert read_records(path) == [record()]


def test_the_latest_record_of_a_cell_counts():
    found = latest([record(0.1), record(0.3, seed=1), record(0.2)])
    assert [r.mi_nats for r in found.values()] == [0.2, 0.3]


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError):
        RecordFile(tmp_path / "none" / "r.ndjson")


def test_data_depend_on_task_and_seed_alone():
    x, z = draw(cell())
    again = draw(cell(estimator="mine"))
    assert np.array_equal(x, again[0])
    assert np.array_equal(z, again[1])
    assert cell().data_seed != cell(seed=1).data_seed
    assert cell().data_seed != cell(spec="gaussian:dim=1,rho=0.6").data_seed


def test_labels_become_columns():
    task = make_task("mixed", classes=3)
    x, z = draw(cell(task=task))
    assert (x.shape, z.shape) == ((50, 1), (50, 3))
    assert np.array_equal(z.sum(1), np.ones(50))
    assert draw(cell(task=make_task("mixed", classes=2)))[1].shape == (50, 1)


def test_what_is_not_finite_has_no_place_in_a_record():
    interval = Interval(-math.inf, math.inf, 0.95, "x")
    wild = Estimate("ksg", 0.1, Status.CONVERGED, standard_error_nats=math.nan, interval=interval)
    found = record_of(cell(), wild, {}, "cpu")
    assert (found.standard_error_nats, found.interval, found.covered) == (None, None, None)
