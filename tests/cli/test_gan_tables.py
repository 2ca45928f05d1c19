"""`minecli gan` on tables with categories and missing values: what is learnt, reported, and drawn under conditions."""

import csv
import importlib.util
import io
import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from minecli.apps.metrics import utility

FAST = ("--steps", "4", "--batch-size", "20", "--samples", "60", "--threads", "1", "--device", "cpu", "-q")
CODED = ("--coding", "choices", *FAST)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A CSV with whole numbers, a category, a truth value and a constant, and holes in two columns."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "people.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "city", "member", "land"])
        for _ in range(150):
            age = rng.integers(18, 90)
            city = rng.choice(["Bonn", "Graz", "Oslo", ""])
            writer.writerow(["" if rng.random() < 0.2 else age, city, age > 50, "here"])
    return path


@pytest.fixture(scope="module")
def trained(cli, table, tmp_path_factory):
    """The folder of a run of two methods with missing values learnt, which the tests only read."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    ran = cli(
        "gan",
        table,
        "--x",
        "*",
        "--missing",
        "learn",
        "--compare",
        "--utility-target",
        "city",
        *CODED,
        "--run-dir",
        folder,
    )
    assert ran.code == 0, ran.stderr
    return folder


def result_of(folder):
    return json.loads((folder / "summary.json").read_text())


def test_the_report_stands_beside_noise_and_real_rows(cli, trained):
    result = result_of(trained)
    assert set(result["data"]["references"]) == {"noise", "real"}
    assert result["data"]["references"]["noise"]["levels_close"] == 1.0
    assert "missing values are learnt as such: 'age'" in " ".join(result["data"]["notes"])
    assert result["data"]["columns"] == ["age", "city=Bonn", "city=Graz", "city=Oslo", "member"]
    for entry in result["methods"]:
        report = entry["report"]
        assert [c["name"] for c in report["columns"]][-2:] == ["age missing", "city missing"]
        for part in (report, report["references"]["noise"], report["references"]["real"]):
            assert 0.0 <= part["privacy"]["copies"] <= 1.0
            assert [each["target"] for each in part["utility"]] == ["city"]
        assert report["references"]["real"]["privacy"]["nearer_training"] is None
    for name in ("levels_close", "privacy.copies", "utility.accuracy"):
        assert name in result["definitions"]
    shown = " ".join(cli("gan", "--resume", trained, "--format", "table", "-q").stdout.split())
    assert "rows city accuracy closest 5 % copies nearer" in shown
    assert "below the methods: learnt rows with each column shuffled by itself, and held-out real data" in shown


def test_missing_values_come_back_as_missing(cli, trained):
    written = pq.read_table(trained / "samples-mine.parquet")
    assert [str(t) for t in written.schema.types] == ["int64", "int64", "string", "bool", "string"]
    assert written["age"].null_count > 0
    assert written["city"].null_count > 0
    assert written["member"].null_count == 0
    assert set(written["land"].to_pylist()) == {"here"}
    assert (trained / "columns.png").read_bytes().startswith(b"\x89PNG")


def test_rows_are_drawn_under_conditions(cli, trained):
    drawn = cli("gan", "sample", trained, "-n", "30", "--where", "city=Oslo", "--where", "age > 40")
    assert drawn.code == 0, drawn.stderr
    assert "of those drawn satisfy --where" in drawn.stderr
    rows = list(csv.DictReader(io.StringIO(drawn.stdout)))
    assert len(rows) == 30
    assert {row["city"] for row in rows} == {"Oslo"}
    assert min(int(row["age"]) for row in rows) > 40
    absent = cli("gan", "sample", trained, "-n", "5", "--where", "age is None", "--method", "gan")
    assert {row["age"] for row in csv.DictReader(io.StringIO(absent.stdout))} == {""}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("city=Olso",), "column 'city' has no level 'Olso'; it has 'Bonn', 'Graz', 'Oslo' (did you mean Oslo?)"),
        (("town=Oslo",), "the run's table has no column 'town'"),
        (("land=there",), "column 'land' has no level 'there'; it has 'here'"),
        (("age >",), "is no condition"),
    ],
)
def test_conditions_that_make_no_sense_are_explained(cli, trained, words, message):
    ran = cli("gan", "sample", trained, "-n", "5", "--where", *words)
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--x", "*", "--utility-target", "citty", "--missing", "learn"), "did you mean city?"),
        (("--x", "*", "--utility-target", "land", "--missing", "drop"), "holds the same value in every row"),
        (("--x", "land"), "x is constant: column 'land' holds only 'here' in 150 rows"),
    ],
)
def test_what_is_wrong_is_said(cli, table, words, message):
    ran = cli("gan", table, *words, *CODED)
    assert ran.code in (2, 3)
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_options_of_tables_are_for_tables(cli, table):
    assert "--utility-target names a column of a table" in cli("gan", "spiral", "--utility-target", "a", *FAST).stderr
    assert "--table-pack is for tables, not for 'spiral'" in cli("gan", "spiral", "--table-pack", "2", *FAST).stderr
    linear = cli("gan", table, "--x", "*", "--missing", "learn", "--coding", "linear", *FAST)
    assert "--missing is 'learn'; it must be error or drop" in linear.stderr


def test_without_scikit_learn_the_rest_is_reported(cli, table, monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "sklearn" else there(name, *a))
    assert not utility.available()
    ran = cli("gan", table, "--x", "city,member", "--missing", "drop", *CODED)
    assert ran.json["methods"][0]["report"]["utility"] is None
    assert ran.json["methods"][0]["report"]["privacy"]["median_distance"] >= 0.0
    shown = cli("gan", table, "--x", "city,member", "--missing", "drop", *CODED, "--format", "table").stdout
    assert "utility is not measured: scikit-learn is not installed" in " ".join(shown.split())


def test_a_run_of_linear_columns_is_still_sampled(cli, table, tmp_path):
    """As earlier versions made them: nothing in config.json says how columns are coded, nor in columns.json."""
    folder = tmp_path / "run"
    usual = ("--coding", "linear", "--temperature", "0.5", "--table-pack", "1", "--mean-weight", "0")
    words = ("--x", "city,member", "--missing", "drop", *usual, "--averaging", "0")
    ran = cli("gan", table, *words, *FAST, "--run-dir", folder)
    assert ran.code == 0, ran.stderr
    before = cli("gan", "sample", folder, "-n", "20").stdout
    config = json.loads((folder / "config.json").read_text())
    for name in ("coding", "temperature", "mean_weight", "table_pack", "averaging", "one_latent"):
        config["config"].pop(name)
    config.pop("utility_target")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "checksums.json").unlink()
    assert cli("gan", "sample", folder, "-n", "20").stdout == before
    assert cli("gan", "sample", folder, "-n", "3", "--where", "city=Oslo").code == 0


def test_columns_of_another_coding_are_refused(cli, trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    columns = json.loads((folder / "columns.json").read_text())
    columns.pop("coding")
    (folder / "columns.json").write_text(json.dumps(columns))
    (folder / "checksums.json").unlink()
    ran = cli("gan", "sample", folder, "-n", "3")
    assert ran.code == 3
    assert "the stored columns are not ones this version of minecli wrote" in ran.stderr
    assert "start the run again" in ran.stderr
