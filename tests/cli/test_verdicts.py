"""What a person or a script gets of the verdict: defaults by kind, exit codes, formats, refusals."""

import csv
import io
import json
import math
import signal

import numpy as np
import pytest

from minecli.runtime.seeds import generator


@pytest.fixture
def table(tmp_path, seed):
    """`table(n, x=..., z=...)`: a CSV of columns made from a generator of its own."""

    def make(name, **columns):
        path = tmp_path / f"{name}.csv"
        rows = zip(*columns.values(), strict=True)
        path.write_text(",".join(columns) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
        return path

    make.rng = generator(seed, "verdicts")
    return make


def names(ran):
    return [e["estimator"] for e in ran.json["estimates"]]


def test_two_labels_are_answered_by_their_table_at_once(cli, table):
    smoker = table.rng.integers(0, 2, 2000)
    ill = (table.rng.random(2000) < 0.1 + 0.5 * smoker) * 1
    ran = cli("estimate", table("labels", smoker=smoker, ill=ill), "--x", "smoker", "--z", "ill", "--check")
    assert (ran.code, names(ran)) == (0, ["plug-in"])
    verdict = ran.json["verdict"]
    # H(ill) - H(ill | smoker) with P(ill) = .1 and .6.
    assert verdict["mi_nats"] == pytest.approx(0.149, abs=0.05)
    assert verdict["share_of_entropy"] == pytest.approx(0.149 / 0.647, abs=0.08)
    assert "x and z are discrete, so that their table answers: plug-in" in ran.stderr
    assert (ran.json["data"]["x"]["kind"], ran.json["data"]["rows_depend"]) == ("discrete", False)


@pytest.mark.parametrize(("rounded", "chosen"), [(None, "ksg"), (1, "mixed-ksg")])
def test_the_nearest_neighbours_fit_the_kinds(cli, table, rounded, chosen):
    x = table.rng.standard_normal(1000)
    z = x + table.rng.standard_normal(1000)
    if rounded is not None:
        x = np.maximum(x, 0.0)
    path = table("numbers", x=x, z=z)
    ran = cli("estimate", path, "--x", "x", "--z", "z", "--max-steps", "20", "--folds", "2")
    assert names(ran) == [chosen, "mine"]
    assert ran.json["config"]["estimators"].keys() == {chosen, "mine"}
    assert f": mine and {chosen}" in ran.stderr


def test_a_setting_of_another_estimator_brings_it_in(cli, table):
    labels = table.rng.integers(0, 2, 400)
    path = table("labels", a=labels, b=labels ^ (table.rng.random(400) < 0.2))
    ran = cli("estimate", path, "--x", "a", "--z", "b", "--max-steps", "10", "--folds", "2")
    assert names(ran) == ["plug-in", "mine"]
    ran = cli("estimate", path, "--x", "a", "--z", "b", "--table-correction", "none")
    assert ran.json["config"]["estimators"]["plug-in"]["correction"] == "none"
    refused = cli("estimate", path, "--x", "a", "--z", "b", "--table-correction", "magic")
    assert (refused.code, refused.stdout) == (2, "")


def test_labels_by_option_are_labels(cli, table):
    digit = table.rng.integers(0, 10, 3000)
    path = table("digits", digit=digit, v=(digit * 7 % 10) + 0.3 * table.rng.standard_normal(3000))
    plain = cli("estimate", path, "--x", "v", "--z", "digit", "-e", "mixed-ksg")
    told = cli("estimate", path, "--x", "v", "--z", "digit", "-e", "mixed-ksg", "--categorical", "digit")
    assert "if these are labels: --categorical digit" in plain.stderr
    assert told.json["data"]["z"] | {"entropy_nats": 0} == {
        "dimensions": 10, "columns": ["digit"], "encodings": {"digit": "one-hot, 10 levels"}, "kind": "discrete",
        "entropy_nats": 0,
    }  # fmt: skip
    assert told.json["config"]["categorical"] == ["digit"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--categorical", "lable"), 2, "there is no column 'lable'"),
        (("--categorical", "id"), 3, "column 'id' has 1,000 levels in 1,000 rows"),
        (("--categorical", "v"), 3, "labels are whole numbers or words"),
        (("--categorical", "label", "--numeric", "label"), 2, "--categorical and --numeric both name 'label'"),
    ],
)
def test_kinds_that_cannot_be(cli, table, words, code, said):
    n = 1000
    rng = table.rng
    path = table("kinds", id=range(n), label=rng.integers(0, 4, n), v=rng.standard_normal(n), w=rng.standard_normal(n))
    ran = cli("estimate", path, "--x", "id,label,v", "--z", "w", "-e", "ksg", *words)
    assert (ran.code, ran.stdout) == (code, "")
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("side", ["x", "z"])
def test_a_constant_group_shares_nothing(cli, table, side):
    path = table("flat", one=[7] * 50, two=[8] * 50, v=table.rng.standard_normal(50))
    words = ("--x", "one,two", "--z", "v") if side == "x" else ("--x", "v", "--z", "one,two")
    ran = cli("estimate", path, *words, "--check")
    assert (ran.code, ran.json["verdict"]["mi_nats"], ran.json["verdict"]["rule"]) == (0, 0.0, "constant")
    assert f"{side.upper()} is constant" in ran.stderr
    assert cli("estimate", path, *words, "-f", "value", "-e", "ksg").stdout == "0.0\n"
    assert "Believe 0.000 nats" in cli("estimate", path, *words, "-f", "table").stdout


def test_a_constant_group_keeps_its_run_and_has_no_values_per_row(cli, table, tmp_path):
    path = table("flat", one=[7] * 50, v=table.rng.standard_normal(50))
    words = ("estimate", path, "--x", "one", "--z", "v")
    assert cli(*words, "--run-dir", tmp_path / "run").code == 0
    assert cli("estimate", "--resume", tmp_path / "run").json["verdict"]["rule"] == "constant"
    ran = cli(*words, "--pointwise", tmp_path / "rows.csv", "-qq")
    assert (ran.code, (tmp_path / "rows.csv").exists()) == (2, False)


def test_results_of_other_versions_are_refused(cli, table, tmp_path):
    x = table.rng.standard_normal(200)
    path = table("pair", x=x, z=x + table.rng.standard_normal(200))
    cli("estimate", path, "--x", "x", "--z", "z", "-e", "ksg", "--run-dir", tmp_path / "run")
    stored = tmp_path / "run" / "estimate.json"
    stored.write_text(stored.read_text().replace('"schema_version": 2', '"schema_version": 1'))
    (tmp_path / "run" / "checksums.json").unlink()  # as those of other versions may be
    ran = cli("estimate", "--resume", tmp_path / "run")
    assert (ran.code, ran.stdout) == (3, "")
    assert "another version of minecli" in ran.stderr


def test_an_excluded_value_is_no_bare_number(cli, table):
    x = table.rng.standard_normal(300)
    path = table("pair", x=x, z=x + table.rng.standard_normal(300))
    assert cli("estimate", path, "--x", "x", "--z", "z", "-e", "plug-in", "-f", "value").stdout == "nan\n"


def walks(rng, n=1000):
    return rng.standard_normal((2, n)).cumsum(1)


def test_series_that_have_nothing_to_do_with_each_other_are_not_trusted(cli, table):
    a, b = walks(table.rng)
    path = table("walks", a=a, b=b)
    ran = cli("estimate", path, "--x", "a", "--z", "b", "-e", "ksg", "--check")
    assert (ran.code, ran.json["verdict"]["answer"]) == (4, "cannot say")
    assert ran.json["data"]["rows_depend"] is True
    assert ran.json["data"]["effective_rows"] < 200
    assert "rows-depend" in [d["code"] for d in ran.json["estimates"][0]["diagnostics"]]
    said = cli("estimate", path, "--x", "a", "--z", "b", "-e", "ksg", "--independent-rows")
    assert said.json["data"]["rows_depend"] is False
    assert said.json["config"]["independent_rows"] is True
    assert said.json["verdict"]["rule"] != "rows depend"


def test_copies_of_rows_are_not_trusted_and_no_remedy_ends_in_a_clean_bill(cli, table):
    x, y = table.rng.standard_normal((2, 1000)), (table.rng.random(1000) < 0.1) * 1
    again = np.r_[np.arange(1000), np.repeat(np.flatnonzero(y), 9)]
    path = table("copies", a=x[0][again], b=x[1][again], y=y[again])
    for name in ("mixed-ksg", "ksg", "gaussian"):
        ran = cli("estimate", path, "--x", "a,b", "--z", "y", "-e", name, "--check")
        assert (ran.code, ran.json["verdict"]["rule"]) == (4, "copies")
    assert ran.json["data"]["copied_share"] == pytest.approx(1 - 1000 / len(again))


def test_dropped_rows_are_said_to_be_those_that_it_is_not_about(cli, table):
    x = table.rng.standard_normal(500)
    z = [v if v < 0.5 else "" for v in x + table.rng.standard_normal(500)]
    path = table("holes", x=x, z=z)
    ran = cli("estimate", path, "--x", "x", "--z", "z", "-e", "ksg", "--missing", "drop", "-f", "table")
    assert "this is the value of the complete rows" in " ".join(ran.stdout.split())


def test_one_value_for_a_script(cli, table):
    x = table.rng.standard_normal(2000)
    path = table("pair", x=x, z=x + table.rng.standard_normal(2000))
    words = ("estimate", path, "--x", "x", "--z", "z", "-e", "ksg", "-e", "gaussian")
    whole = cli(*words).json
    assert float(cli(*words, "-f", "value").stdout) == whole["verdict"]["mi_nats"] == whole["estimates"][0]["mi_nats"]
    a, b = walks(table.rng)
    ran = cli(
        "estimate", table("walks", a=a, b=b), "--x", "a", "--z", "b", "-e", "ksg", "-e", "gaussian", "-f", "value"
    )
    assert ran.stdout == "nan\n"
    assert "warning: Cannot say." in ran.stderr


def test_rows_for_programs_name_their_columns(cli, table):
    x = table.rng.standard_normal(500)
    path = table("pair", x=x, w=-x, z=x + table.rng.standard_normal(500))
    (row,) = csv.DictReader(
        io.StringIO(cli("estimate", path, "--x", "x,w", "--z", "z", "-e", "ksg", "-f", "csv").stdout)
    )
    assert (row["x"], row["z"], row["verdict"] != "") == ("x,w", "z", True)
    line = json.loads(cli("estimate", path, "--x", "x,w", "--z", "z", "-e", "ksg", "-f", "ndjson").stdout)
    assert (line["x"], line["z"]) == ("x,w", "z")


def test_messages_name_columns(cli, table):
    a = table.rng.standard_normal(100)
    ran = cli("estimate", table("twice", age=a, born=-a), "--x", "age", "--z", "born", "-e", "ksg")
    assert "'age' and 'born' order the rows identically" in ran.stderr
    assert "column 1" not in ran.stderr


def test_explain_says_what_intervals_mean(cli, sample_data):
    words = ("estimate", sample_data / "gaussian_1d.parquet", "--x", "x0", "--z", "z0", "-e", "ksg", "-f", "table")
    plain, told = cli(*words).stdout, cli(*words, "--explain").stdout
    assert "The interval of ksg covers" not in plain
    assert "The interval of ksg covers" in told
    assert told.startswith(plain.rsplit("ksg   ", 1)[0])


def test_the_fast_answer_comes_first_and_survives_an_interruption(cli, sample_data, monkeypatch):
    """SIGTERM while the networks train: what nearest neighbours found is shown."""
    from minecli.mine.training import Training

    def stop(self, *_):
        signal.raise_signal(signal.SIGTERM)
        return original(self, *_)

    original = Training.run
    monkeypatch.setattr(Training, "run", stop)
    ran = cli("estimate", sample_data / "gaussian_1d.parquet", "--x", "x0", "--z", "z0", "--sample", "500")
    assert ran.code == 143
    ksg, mine = ran.json["estimates"]
    assert (ksg["status"], mine["status"], mine["mi_nats"]) == ("converged", "interrupted", None)
    assert math.isfinite(ksg["mi_nats"])
    assert "ksg: done, mi 0." in ran.stderr


def test_a_resumed_run_keeps_the_estimators_that_the_kinds_chose(cli, table, tmp_path):
    labels = table.rng.integers(0, 2, 400)
    path = table("labels", a=labels, b=labels ^ (table.rng.random(400) < 0.2))
    ran = cli("estimate", path, "--x", "a", "--z", "b", "--run-dir", tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert "plug-in" in json.dumps(config)
    again = cli("estimate", "--resume", tmp_path / "run")
    assert again.json["estimates"] == ran.json["estimates"]
