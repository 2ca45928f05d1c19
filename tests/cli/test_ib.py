"""`minecli ib` as it is typed: results, run folders, interruption, encoders in a pipeline, errors."""

import csv
import io
import json
import os
import re
import shlex
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from minecli.apps.ib import config as ib_config
from minecli.apps.ib.config import METHODS, IbRequest
from minecli.apps.ib.labelled_rows import load_user_classes
from minecli.cli import ib
from minecli.runtime.signals import Interruption

TINY = {
    "code_dim": 2, "hidden": 8, "statistics_hidden": 8, "epochs": 2, "batch_size": 20, "least_steps": 1,
    "test_draws": 3, "noise_dim": 2, "evaluate_every": 1, "information_steps": 4,
}  # fmt: skip
ON_CPU = ("--threads", "1", "--device", "cpu", "-q")
FAST = ("--seeds", "1", *ON_CPU)
LABELLED = ("--x", "*,!label", "--target", "label")


@pytest.fixture(autouse=True)
def tiny_presets(monkeypatch):
    """Presets so small that every command takes a moment: a table's 1,000 steps at least are no option."""
    for presets in (ib_config._TABLE, ib_config._MNIST):
        monkeypatch.setitem(presets, "quick", replace(presets["quick"], **TINY))


@pytest.fixture
def drawn():
    """Asks for pictures."""


@pytest.fixture(autouse=True)
def no_pictures(request, monkeypatch):
    """Pictures take longer than all the rest; only a test that asks for them has them."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr("minecli.report.ib_figures.pictures", lambda *_: {})


def write_rows(path, count=150, labels=("green", "blue", "red")):
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["width", "height", "city", "label"])
        for i in range(count):
            kind = i % len(labels)
            city = ["Bonn", "Graz", "Oslo"][int(rng.integers(3))]
            writer.writerow([round(3 * kind + rng.normal(), 3), round(rng.normal() - kind, 3), city, labels[kind]])
    return path


@pytest.fixture
def table(tmp_path):
    return write_rows(tmp_path / "data.csv")


@pytest.fixture
def run(cli, table, tmp_path):
    """The folder of a finished run."""
    folder = tmp_path / "run"
    ran = cli("ib", table, *LABELLED, *FAST, "--run-dir", folder)
    assert ran.code == 0, ran.stderr
    return folder


def same(payload):
    """All but the seconds and where it was made."""
    methods = [{k: v for k, v in entry.items() if k != "seconds"} for entry in payload["methods"]]
    return {k: v for k, v in payload.items() if k != "environment"} | {"methods": methods}


def records(ran):
    assert ran.code == 0, ran.stderr
    return list(csv.DictReader(io.StringIO(ran.stdout)))


@pytest.mark.parametrize("command", ["ib", "encode"])
def test_help_ends_with_an_example(cli, capsys, command):
    words, text, example = {
        "ib": (("ib",), ib.HELP, ib.EXAMPLE),
        "encode": (("ib", "encode"), ib.ENCODE_HELP, ib.ENCODE_EXAMPLE),
    }[command]
    assert cli(*words, "--help").code == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert text.rsplit("Example: ", 1)[1].strip() == example
    assert example in " ".join(re.sub(r"[│╭╮╰╯─]", " ", shown).split())


def test_the_examples_run(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_rows(Path("data.csv"))
    ran = cli(*shlex.split(ib.EXAMPLE)[1:], *ON_CPU)
    assert ran.code == 0, ran.stderr
    assert [entry["method"] for entry in ran.json["methods"]] == list(METHODS)
    assert [c["reference"] for c in ran.json["comparisons"]] == ["dvb"] * (len(METHODS) - 1)
    for entry in ran.json["methods"]:
        for seed in entry["seeds"]:
            assert set(seed["metrics"]) <= set(ran.json["definitions"])
    assert cli("ib", "data.csv", *LABELLED, *FAST, "--run-dir", "run").code == 0
    coded = cli(*shlex.split(ib.ENCODE_EXAMPLE)[1:])
    assert coded.code == 0, coded.stderr
    assert "150 codes by minibatch, seed 0 in z.parquet" in coded.stderr
    assert pq.read_table("z.parquet").num_rows == 150


def test_json_says_what_was_done(cli, table):
    ran = cli("ib", table, *LABELLED, "--method", "mine,baseline", "--encoder", "gaussian", "--beta", "0,0.01", *FAST)
    assert ran.code == 0, ran.stderr
    found = ran.json
    assert [entry["method"] for entry in found["methods"]] == ["baseline", "mine-gaussian"]
    assert found["config"]["config"]["betas"] == [0.0, 0.01]
    assert (found["config"]["target"], found["data"]["classes"]) == ("label", ["blue", "green", "red"])
    assert (found["data"]["rows"], found["data"]["rows_tested"], found["data"]["rows_held_back"]) == (120, 30, 20)
    assert found["data"]["columns"][:2] == ["width", "height"]
    mine = found["methods"][1]
    assert mine["beta"] == mine["choice"]["beta"]
    assert mine["beta"] in (0.0, 0.01)
    assert [point["beta"] for point in mine["choosing"]] == [0.0, 0.01]
    metrics = mine["seeds"][0]["metrics"]
    assert metrics["information_low_nats"] is not None
    assert metrics["error_percent"] * 30 / 100 == pytest.approx(round(metrics["error_percent"] * 30 / 100))
    again = cli("ib", table, *LABELLED, "--method", "mine,baseline", "--encoder", "gaussian", "--beta", "0,0.01", *FAST)
    assert same(again.json) == same(found)


def test_the_table(cli, table):
    ran = cli("ib", table, *LABELLED, "--method", "mine,dvb", "--seeds", "2", "--format", "table", *ON_CPU)
    assert ran.code == 0, ran.stderr
    assert max(map(len, ran.stdout.splitlines())) <= 80
    shown = " ".join(ran.stdout.split())
    assert "mine-additive against dvb" in shown
    assert "120 rows learnt, 30 tested; epoch and beta chosen on 20 of the rows, then all learnt" in shown


def test_records(cli, table):
    words = ("ib", table, *LABELLED, "--method", "mine,baseline", "--seeds", "2", *ON_CPU)
    found = records(cli(*words, "--format", "csv"))
    assert [(r["method"], r["seed"]) for r in found] == [
        ("baseline", "0"), ("baseline", "1"), ("mine-additive", "0"), ("mine-additive", "1"),
    ]  # fmt: skip
    assert {r["information_nats"] == "" for r in found[:2]} == {True}
    lines = [json.loads(line) for line in cli(*words, "--format", "ndjson").stdout.splitlines()]
    for line, record in zip(lines, found, strict=True):
        assert line["error_percent"] == float(record["error_percent"])
        assert (line["information_nats"] is None) == (line["method"] == "baseline")


def test_a_run_folder_and_what_resume_shows(cli, table, tmp_path, monkeypatch, drawn):
    folder = tmp_path / "run"
    words = ("ib", table, *LABELLED, "--method", "mine,dvb", "--encoder", "gaussian", "--beta", "0,0.1", *FAST)
    ran = cli(*words, "--run-dir", folder)
    assert ran.code == 0, ran.stderr
    assert json.loads((folder / "summary.json").read_text()) == ran.json
    for name in ("errors", "curves", "plane", "codes"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG"), name
        assert b"<svg" in (folder / f"{name}.svg").read_bytes()
    monkeypatch.setattr("minecli.report.ib_figures.pictures", lambda *_: {})
    again = cli("ib", "--resume", folder, *ON_CPU)
    assert again.code == 0, again.stderr
    assert same(again.json) == same(ran.json)
    refused = cli("ib", "--resume", folder, "--beta", "1", "--target", "city")
    assert refused.code == 2
    assert "does not go with --beta, --target" in refused.stderr


# A long training, so that each of these is within another part of it.
@pytest.mark.parametrize(
    ("after", "number", "code"), [(3, signal.SIGTERM, 143), (30, signal.SIGINT, 130), (36, signal.SIGTERM, 143)]
)
def test_a_stopped_run_goes_on_where_it_was(cli, table, tmp_path, monkeypatch, after, number, code):
    words = ("ib", table, *LABELLED, "--method", "mine,baseline", *FAST)
    whole = cli(*words)
    folder, asked, should_stop = tmp_path / "run", [], Interruption.should_stop

    def counting(self):
        asked.append(1)
        if len(asked) == after:
            os.kill(os.getpid(), number)
        return should_stop(self)

    with monkeypatch.context() as patched:
        patched.setattr(Interruption, "should_stop", counting)
        stopped = cli(*words, "--run-dir", folder)
    assert stopped.code == code, stopped.stderr
    assert stopped.json["interrupted"]
    assert f"go on with: minecli ib --resume {folder}" in stopped.stderr
    assert not (folder / "summary.json").exists()
    unfinished = cli("ib", "encode", folder, table, "--method", "mine-additive")
    assert (unfinished.code, unfinished.stdout) == (2, "")
    assert f"minecli ib --resume {folder}" in unfinished.stderr
    resumed = cli("ib", "--resume", folder, *ON_CPU)
    assert resumed.code == 0, resumed.stderr
    assert same(resumed.json) == same(whole.json)


def test_codes_as_parquet_and_as_columns(cli, run, table, tmp_path):
    out = tmp_path / "z.parquet"
    assert cli("ib", "encode", run, table, "-o", out).code == 0
    written = pq.read_table(out)
    assert written.column_names == ["width", "height", "city", "label", "latent", "predicted", "confidence"]
    assert written.num_rows == 150
    assert len(written["latent"][0].as_py()) == 2
    assert set(written["predicted"].to_pylist()) <= {"green", "blue", "red"}
    assert all(1 / 3 <= p <= 1.0 for p in written["confidence"].to_pylist())
    flat = records(cli("ib", "encode", run, table))
    assert list(flat[0]) == ["width", "height", "city", "label", "latent0", "latent1", "predicted", "confidence"]
    alone = records(cli("ib", "encode", run, table, "--only-x"))
    assert list(alone[0]) == [name for name in flat[0] if name != "label"]
    assert [[r[name] for name in alone[0]] for r in flat] == [list(r.values()) for r in alone]
    codes = np.array(written["latent"].to_pylist())
    np.testing.assert_allclose([[float(r["latent0"]), float(r["latent1"])] for r in flat], codes, rtol=1e-5)
    assert [r["predicted"] for r in flat] == written["predicted"].to_pylist()
    mutual = cli("estimate", out, "--x", "width,height", "--z", "latent", "-e", "ksg", "-q")
    assert mutual.code == 0, mutual.stderr
    # The noise is the run's, not the moment's.
    assert cli("ib", "encode", run, table).stdout == cli("ib", "encode", run, table).stdout


def test_all_columns_of_the_data_are_written_as_they_are(cli, run, table, tmp_path):
    rows = list(csv.DictReader(table.read_text().splitlines()))[:6]
    data = {
        "note": pa.array(['a "b", c', None, "x\ny", "", "e", "f"]),
        "when": pa.array([18_262 + i for i in range(6)], pa.date32()),
        "width": pa.array([float(r["width"]) for r in rows]),
        "latent": pa.array(range(6), pa.int8()),
        "city": pa.array([r["city"] for r in rows]).dictionary_encode(),
        "predicted": pa.array([True, None] * 3),
        "height": pa.array([None, *(float(r["height"]) for r in rows[1:])], pa.float64()),
        "gap": pa.array([float("inf"), None, float("nan"), 1e300, 0.0, -1.0]),
    }
    source, out = tmp_path / "wide.parquet", tmp_path / "z.parquet"
    pq.write_table(pa.table(data), source)
    assert cli("ib", "encode", run, source, "--missing", "drop", "-o", out).code == 0
    written = pq.read_table(out)
    assert written.column_names == [*data, "latent_", "predicted_", "confidence"]
    # Of the columns beside those of --x missing values are no reason to leave a row out.
    for name, column in data.items():
        assert written[name].type == column.type
        assert repr(written[name].to_pylist()) == repr(column.to_pylist()[1:])
    text = cli("ib", "encode", run, source, "--missing", "drop")
    found = list(csv.DictReader(io.StringIO(text.stdout)))
    assert [r["note"] for r in found] == ["", "x\ny", "", "e", "f"]
    assert (found[0]["when"], found[0]["predicted"], found[1]["predicted"]) == ("2020-01-02", "", "True")
    expected = records(cli("ib", "encode", run, source, "--missing", "drop", "--only-x"))
    assert [r["latent_0"] for r in found] == [r["latent0"] for r in expected]
    nested = pa.table({**data, "tags": pa.array([["a"], [], None, ["b"], [], []])})
    pq.write_table(nested, source)
    refused = cli("ib", "encode", run, source, "--missing", "drop")
    assert refused.code == 2
    assert "column 'tags' holds lists, which CSV cannot store" in refused.stderr
    assert cli("ib", "encode", run, source, "--missing", "drop", "-o", out).code == 0
    assert pq.read_table(out)["tags"].to_pylist() == [[], None, ["b"], [], []]


def test_predictions_are_those_of_the_run(cli, tmp_path):
    folder, table = tmp_path / "run", write_rows(tmp_path / "data.csv", 600)
    how = ("--method", "baseline", "--epochs", "20", "--learning-rate", "0.02", "--batch-size", "50")
    ran = cli("ib", table, *LABELLED, *how, *FAST, "--run-dir", folder)
    assert ran.code == 0, ran.stderr
    said = [r["predicted"] for r in records(cli("ib", "encode", folder, table))]
    true = [line.rsplit(",", 1)[1] for line in table.read_text().splitlines()[1:]]
    right = np.mean([a == b for a, b in zip(said, true, strict=True)])
    assert ran.json["methods"][0]["seeds"][0]["metrics"]["error_percent"] < 20.0
    assert right > 0.85


def test_a_drawn_code_is_not_the_mean(cli, table, tmp_path):
    folder = tmp_path / "run"
    assert cli("ib", table, *LABELLED, "--method", "mine,baseline", *FAST, "--run-dir", folder).code == 0
    for method, differs in (("mine-additive", True), ("baseline", False)):
        mean, drawn = (
            [r["latent0"] for r in records(cli("ib", "encode", folder, table, "--method", method, *how))]
            for how in ((), ("--drawn",))
        )
        assert (mean != drawn) == differs, method


def test_one_row_is_encoded(cli, table, tmp_path):
    folder = tmp_path / "run"
    assert cli("ib", table, *LABELLED, "--method", "dvb", "--seeds", "2", *ON_CPU, "--run-dir", folder).code == 0
    everything = records(cli("ib", "encode", folder, table))
    lines = table.read_text().splitlines()
    one = records(cli("ib", "encode", folder, "-", stdin=f"{lines[0]}\n{lines[8]}\n".encode()))
    assert len(one) == 1
    assert {k: v for k, v in one[0].items() if k in ("width", "height", "city", "predicted")} == {
        k: v for k, v in everything[7].items() if k in ("width", "height", "city", "predicted")
    }
    # Codes are means over all noise; the confidence is one over a few draws.
    for name, error in (("latent0", 1e-5), ("latent1", 1e-5), ("confidence", 0.05)):
        assert float(one[0][name]) == pytest.approx(float(everything[7][name]), abs=error)
    # Labels are not needed, and another seed is another encoder.
    unlabelled = "\n".join(line.rsplit(",", 1)[0] for line in lines[:2])
    other = records(cli("ib", "encode", folder, "-", "--model", "1", stdin=unlabelled.encode()))
    assert other[0]["latent0"] != everything[0]["latent0"]


def test_what_cannot_be_encoded_is_explained(cli, run, table, tmp_path):
    head = "width,height,city,label\n"
    unknown = cli("ib", "encode", run, "-", stdin=f"{head}1,2,Rome,red\n".encode())
    assert (unknown.code, unknown.stdout) == (3, "")
    assert "city=Rome, which the run has not seen" in unknown.stderr
    far = cli("ib", "encode", run, "-", stdin=f"{head}1e60,2,Oslo,red\n".encode())
    assert far.code == 3
    assert "far beyond" in far.stderr
    for words, message in (
        ((run,), f"try minecli ib encode {run}"),
        ((run, table, "--method", "dvb"), "the run has no method 'dvb'; it has minibatch"),
        ((run, table, "--model", "7"), "has no model of seed 7; it has 0"),
        ((run, table, "-o", tmp_path / "z.txt"), "z.txt"),
        ((tmp_path, table), "holds no run"),
    ):
        refused = cli("ib", "encode", *words)
        assert (refused.code, refused.stdout) == (2, ""), refused.stderr
        assert message in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


WITH_LABELS = {
    "one class": ((["x"] * 30), "column 'kind' holds one class in 30 rows"),
    "many classes": ([f"w{i}" for i in range(30)], "column 'kind' holds 30 different values in 30 rows"),
    "missing": ((["x", ""] * 15), "missing values in 15 of 30 rows: 'kind' 15"),
    "rare": ((["x"] * 26 + ["y"] * 4), "class 'y' of column 'kind' has 4 rows; it would be absent"),
    "infinite": ((["1.0", "inf"] * 15), "column 'kind' holds 15 infinite values"),
    "beyond": ((["1.0", "1e30"] * 15), "column 'kind' holds numbers of 20 digits and more"),
}


@pytest.mark.parametrize(("labels", "message"), WITH_LABELS.values(), ids=WITH_LABELS.keys())
def test_columns_that_hold_no_classes_are_refused(cli, tmp_path, labels, message):
    rows = "".join(f"{i * 7 % 11},{label}\n" for i, label in enumerate(labels))
    words = ("ib", "-", "--x", "a", "--target", "kind", *FAST, "--run-dir", tmp_path / "run")
    ran = cli(*words, stdin=f"a,kind\n{rows}".encode())
    assert (ran.code, ran.stdout) == (3, "")
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def write_prices(path, count=200):
    rng = np.random.default_rng(1)
    rows = [
        (round(a, 3), round(100 + 20 * a + 5 * e, 2), i % 3) for i, (a, e) in enumerate(rng.normal(size=(count, 2)))
    ]
    path.write_text("size,price,rooms\n" + "".join(f"{a},{p},{r}\n" for a, p, r in rows))
    return path


PRICED = ("--x", "size", "--target", "price")


def test_a_number_is_predicted_in_its_own_units(cli, tmp_path, monkeypatch, drawn):
    table, folder = write_prices(tmp_path / "prices.csv"), tmp_path / "run"
    monkeypatch.setitem(ib_config._TABLE, "quick", replace(ib_config._TABLE["quick"], epochs=20, averaging=0.9))
    how = ("--learning-rate", "0.02", "--method", "dvb,baseline", "--seeds", "2", *ON_CPU)
    ran = cli("ib", table, *PRICED, *how, "--run-dir", folder, "--format", "table")
    assert ran.code == 0, ran.stderr
    shown = " ".join(ran.stdout.split())
    for words in ("RMSE", "R²", "baseline against dvb", "whose deviation over the rows to learn from is"):
        assert words in shown
    assert "error %" not in shown
    payload = json.loads((folder / "summary.json").read_text())
    assert "classes" not in payload["data"]
    for entry in payload["methods"]:
        for seed in entry["seeds"]:
            assert 3.0 < seed["metrics"]["rmse"] < 12.0
            assert set(seed["metrics"]) <= set(payload["definitions"])
    assert (folder / "errors.png").exists()
    assert not (folder / "confusion.png").exists()
    coded = records(cli("ib", "encode", folder, table, "--method", "baseline"))
    errors = [float(r["predicted"]) - float(line.split(",")[1])
              for r, line in zip(coded, table.read_text().splitlines()[1:], strict=True)]  # fmt: skip
    assert 3.0 < np.sqrt(np.mean(np.square(errors))) < 12.0
    assert 2.0 < float(coded[0]["deviation"]) < 20.0


def test_methods_for_classes_are_refused_for_a_number(cli, tmp_path):
    table = write_prices(tmp_path / "prices.csv")
    for words, message in (
        (("--method", "dvb,label-smoothing"), "--method label-smoothing is for classes, and 'price' holds numbers"),
        (("--method", "confidence-penalty"), "--categorical price"),
        (("--class-weights", "balanced"), "--class-weights is for classes, and 'price' holds numbers"),
    ):
        refused = cli("ib", table, *PRICED, *words, *FAST, "--run-dir", tmp_path / "run")
        assert (refused.code, refused.stdout) == (2, "")
        assert message in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
        assert not (tmp_path / "run").exists()
    every = cli("ib", table, *PRICED, "--compare", "--epochs", "1", "--no-choose", *FAST, "--run-dir", tmp_path / "run")
    assert every.code == 0, every.stderr
    trained = [entry["method"] for entry in every.json["methods"]]
    assert trained == [m for m in METHODS if m not in ib_config.OF_CLASSES]
    assert json.loads((tmp_path / "run" / "config.json").read_text())["methods"] == trained
    again = cli("ib", table, *PRICED, "--compare", "--epochs", "1", "--no-choose", *FAST, "--run-dir", tmp_path / "run")
    assert again.json == every.json  # its seconds, too: it was not trained again


def test_whole_numbers_are_classes_unless_they_are_said_to_be_numbers(cli, tmp_path):
    table = write_prices(tmp_path / "prices.csv")
    words = ("ib", table, "--x", "size", "--target", "rooms", "--method", "baseline", "--epochs", "1", *FAST)
    assert cli(*words).json["data"]["classes"] == [0, 1, 2]
    assert cli(*words, "--numeric", "rooms").json["data"]["target_mean"] == pytest.approx(1.0, abs=0.1)


def test_which_classes_are_taken_for_which(cli, table, tmp_path, drawn):
    folder = tmp_path / "run"
    words = ("--method", "dvb,baseline", "--seeds", "2", "--class-weights", "balanced", *ON_CPU, "--run-dir", folder)
    ran = cli("ib", table, *LABELLED, *words, "--format", "table")
    assert ran.code == 0, ran.stderr
    shown = " ".join(ran.stdout.split())
    assert "% of blue green red" in shown
    assert "balanced" in shown
    assert (folder / "confusion.png").read_bytes().startswith(b"\x89PNG")
    payload = json.loads((folder / "summary.json").read_text())
    for seed in (seed for entry in payload["methods"] for seed in entry["seeds"]):
        counts = np.array(seed["confusion"])
        assert (counts.shape, counts.sum()) == ((3, 3), 30)
        assert seed["metrics"]["error_percent"] == pytest.approx(100.0 * (1.0 - np.trace(counts) / 30))
        np.testing.assert_allclose(seed["recall"], np.diag(counts) / counts.sum(1))
        assert seed["metrics"]["balanced_error_percent"] == pytest.approx(100.0 * (1.0 - np.mean(seed["recall"])))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no data set is named"),
        (("minst",), "did you mean mnist?"),
        (("data.csv",), "--x does not say which columns"),
        (("data.csv", "--x", "width"), "--target does not say which column holds the classes"),
        (("data.csv", "--x", "width", "--target", "lable"), "did you mean label?"),
        (("data.csv", "--x", "*", "--target", "label"), "take it out: --x '*,!label'"),
        (("no.csv", *LABELLED), "no.csv"),
        (("mnist", "--target", "label"), "--target is for tables"),
        (("mnist", *LABELLED), "--x names columns of a table"),
        (("data.csv", *LABELLED, "--data-root", "x"), "--data-root is for mnist alone"),
        (("data.csv", *LABELLED, "--beta", "-1"), "beta is -1.0; it must be a number of at least 0"),
        (("data.csv", *LABELLED, "--beta", "1e-3,x"), "--beta holds 'x', which is no number"),
        (("data.csv", *LABELLED, "--beta", "nan"), "beta is nan"),
        (("data.csv", *LABELLED, "--beta", "1,1"), "--beta names a value twice"),
        (("data.csv", *LABELLED, "--no-choose", "--beta", "0,1"), "nothing would choose among 2 values of --beta"),
        (("data.csv", *LABELLED, "--method", "dbv"), "did you mean dvb?"),
        (("data.csv", *LABELLED, "--method", "dvb,dvb"), "names a method twice"),
        (("data.csv", *LABELLED, "--encoder", "gauss"), "there is no encoder 'gauss'; there are gaussian, propagated"),
        (("data.csv", *LABELLED, "--method", "dvb", "--encoder", "gaussian"), "--encoder is for the method mine"),
        (("data.csv", *LABELLED, "--epochs", "0"), "epochs is 0"),
        (("data.csv", *LABELLED, "--rows", "5"), "rows is 5"),
        (("data.csv", *LABELLED, "--method", "dropout", "--dropout", "1"), "--dropout is 1.0"),
        (("data.csv", *LABELLED, "--dropout", "0.5"), "--dropout is for dropout, and the methods are minibatch"),
        (("data.csv", *LABELLED, "--method", "mine", "--bound", "smile"), "bound is 'smile'"),
        (("data.csv", *LABELLED, "--class-weights", "equal"), "--class-weights is 'equal'"),
        (("data.csv", *LABELLED, "--seeds", "1,1"), "seeds are different whole numbers"),
        (("encode", "no-run"), "holds no run"),
    ],
)
def test_what_does_not_fit_is_explained(cli, table, monkeypatch, words, message):
    monkeypatch.chdir(table.parent)
    ran = cli("ib", *words)
    assert ran.code in (2, 3)
    assert (ran.code == 3) == (words[:1] == ("no.csv",)), ran.stderr
    assert ran.stdout == ""
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_rows_with_missing_values_are_encoded_as_asked(cli, run, table, tmp_path):
    lines = table.read_text().splitlines()
    holes = tmp_path / "holes.csv"
    holes.write_text("\n".join([*lines[:3], "," + lines[3].partition(",")[2], lines[4]]) + "\n")
    refused = cli("ib", "encode", run, holes)
    assert refused.code == 3
    assert "--missing drop" in refused.stderr
    dropped = cli("ib", "encode", run, holes, "--missing", "drop")
    assert dropped.code == 0, dropped.stderr
    assert len(dropped.stdout.splitlines()) == 4
    assert cli("ib", "encode", run, "--missing", "drop").code == 2


def test_epochs_are_as_many_as_asked_for(cli, table, monkeypatch):
    monkeypatch.setitem(ib_config._TABLE, "quick", replace(ib_config._TABLE["quick"], least_steps=400))
    steps = [
        cli("ib", table, *LABELLED, "--method", "baseline", *asked, *FAST, "--format", "json").json
        for asked in ((), ("--epochs", "3"))
    ]
    at_least, three = (ran["methods"][0]["seeds"][0]["step"] for ran in steps)
    assert at_least >= 400
    # 120 rows to learn from, 20 in a step.
    assert three == 18


def test_a_run_does_not_go_on_with_other_data(cli, tmp_path):
    table, folder = write_rows(tmp_path / "t.csv"), tmp_path / "run"
    assert cli("ib", table, *LABELLED, "--method", "baseline", *FAST, "--run-dir", folder).code == 0
    (folder / "summary.json").unlink()  # as if it had been stopped just before its end
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_rows(table, labels=("blue", "green", "red"))
    refused = cli("ib", "--resume", folder, "-q")
    assert refused.code == 2
    assert "the data are no longer those" in refused.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_rows_that_are_tested_do_not_set_the_scale(tmp_path):
    table = write_rows(tmp_path / "t.csv")
    asked = {
        "methods": ("dvb",),
        "seeds": (0,),
        "preset": "quick",
        "config": ib_config.preset("quick", "t"),
        "x": ("width",),
    }

    def loaded(path):
        return load_user_classes(IbRequest(dataset=str(path), target="label", **asked), "cpu", None)

    first = loaded(table)
    lines = table.read_text().splitlines()
    of_tested = first.test.x[0] * float(first.table.scale[0]) + float(first.table.centre[0])
    changed = next(i for i, line in enumerate(lines[1:], 1) if abs(float(line.split(",")[0]) - of_tested) < 1e-3)
    lines[changed] = ",".join(["1000000", *lines[changed].split(",")[1:]])
    (tmp_path / "changed.csv").write_text("\n".join(lines) + "\n")
    again = loaded(tmp_path / "changed.csv")
    assert torch.equal(first.train.x, again.train.x)
    assert not torch.equal(first.test.x, again.test.x)


def test_methods_and_encoders_become_full_names(cli, table):
    words = ("ib", table, *LABELLED, "--epochs", "1", "--no-choose", *FAST)
    both = cli(*words, "--method", "mine", "--encoder", "propagated,gaussian")
    assert [entry["method"] for entry in both.json["methods"]] == ["mine-gaussian", "mine-propagated"]
    assert both.json["data"]["rows_held_back"] == 0
    assert both.json["methods"][0]["choice"] is None


def test_digits(cli, make_digits, tmp_path):
    folder, digits = tmp_path / "run", make_digits(120, 40)
    words = ("ib", "mnist", "--data-root", digits, "--rows", "100", "--method", "mine,dvb", *FAST)
    ran = cli(*words, "--run-dir", folder)
    assert ran.code == 0, ran.stderr
    assert (ran.json["data"]["rows"], ran.json["data"]["rows_held_back"]) == (100, 17)
    coded = cli("ib", "encode", folder, "mnist", "-o", tmp_path / "z.parquet", "--method", "dvb")
    assert coded.code == 0, coded.stderr
    written = pq.read_table(tmp_path / "z.parquet")
    assert written.column_names == ["image", "label", "latent", "predicted", "confidence"]
    assert (written.num_rows, len(written["image"][0].as_py())) == (40, 784)
    assert written["label"].to_pylist() == [i % 10 for i in range(40)]
    right = np.mean([a != b for a, b in zip(written["label"].to_pylist(), written["predicted"].to_pylist(),
                                                 strict=True)])  # fmt: skip
    assert 100 * right == pytest.approx(ran.json["methods"][0]["seeds"][0]["metrics"]["error_percent"], abs=7.6)
    refused = cli("ib", "encode", folder, "data.csv")
    assert refused.code == 2
    assert "is about MNIST's digits, not 'data.csv'" in refused.stderr


@pytest.mark.skipif("MINECLI_TEST_DATA" not in os.environ, reason="MINECLI_TEST_DATA names no folder with MNIST")
def test_mnist_itself(cli, tmp_path):
    root, folder = Path(os.environ["MINECLI_TEST_DATA"]) / "MNIST", tmp_path / "run"
    how = ("--rows", "2000", "--hidden", "32", "--code-dim", "8", "--method", "dvb", "--epochs", "2", "--no-choose")
    ran = cli("ib", "mnist", "--data-root", root, *how, "--learning-rate", "0.005", *FAST, "--run-dir", folder)
    assert ran.code == 0, ran.stderr
    assert ran.json["data"]["rows_tested"] == 10_000
    assert ran.json["methods"][0]["seeds"][0]["metrics"]["error_percent"] < 40.0
    coded = cli("ib", "encode", folder, "-o", tmp_path / "z.parquet")
    assert coded.code == 0, coded.stderr
    written = pq.read_table(tmp_path / "z.parquet", columns=["label", "predicted"])
    assert written.num_rows == 10_000
    wrong = np.mean([a != b for a, b in zip(*(c.to_pylist() for c in written.columns), strict=True)])
    assert 100 * wrong == pytest.approx(ran.json["methods"][0]["seeds"][0]["metrics"]["error_percent"], abs=1.0)
