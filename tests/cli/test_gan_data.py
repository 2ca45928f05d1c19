"""`minecli gan` on users' tables and on stacked digits, and `minecli gan sample`."""

import csv
import io
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from minecli.cli import gan
from minecli.errors import OutputError

FAST = ("--steps", "4", "--batch-size", "20", "--threads", "1", "--device", "cpu", "-q")
SPIRAL = ("gan", "spiral", "--samples", "200", *FAST)


@pytest.fixture
def table(tmp_path):
    """A CSV with whole numbers, numbers, a category and a truth value, and a row with a hole."""
    rng = np.random.default_rng(0)
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seed", "height", "city", "member"])
        for _ in range(120):
            city = rng.choice(["Bonn", "Graz", "Oslo"])
            writer.writerow([rng.integers(18, 90), round(rng.normal(170, 10), 1), city, rng.random() < 0.5])
        writer.writerow(["", 170.5, "Oslo", True])
    return path


@pytest.fixture
def digits(make_digits):
    return make_digits(400, 50)


@pytest.fixture(scope="module")
def trained(cli, tmp_path_factory):
    """The folder of a run of two seeds, which the tests only read."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    assert cli(*SPIRAL, "--seeds", "0,1", "--run-dir", folder).code == 0
    return folder


def test_a_table_comes_back_in_its_own_units(cli, table, tmp_path):
    folder = tmp_path / "run"
    words = ("gan", table, "--x", "*", "--missing", "drop", "--compare", "--samples", "50")
    ran = cli(*words, *FAST, "--run-dir", folder)
    assert ran.code == 0, ran.stderr
    data = ran.json["data"]
    assert (data["rows"], data["rows_held_out"], data["rows_dropped"]) == (96, 24, 1)
    for entry in ran.json["methods"]:
        assert set(entry["seeds"][0]["metrics"]) == {
            "ks_mean",
            "ks_largest",
            "correlation_gap",
            "levels_close",
        }
        assert (entry["report"]["real_rows"], entry["report"]["generated_rows"]) == (24, 50)
        assert [c["name"] for c in entry["report"]["columns"]] == data["columns"]
    written = pq.read_table(folder / "samples-mine.parquet")
    assert written.column_names == ["seed_", "seed", "height", "city", "member"]
    assert [str(t) for t in written.schema.types[1:]] == ["int64", "double", "string", "bool"]
    assert set(written["city"].to_pylist()) <= {"Bonn", "Graz", "Oslo"}
    assert (folder / "columns.png").read_bytes().startswith(b"\x89PNG")
    shown = " ".join(cli("gan", "--resume", folder, "--format", "table", "-q").stdout.split())
    assert "24 held out for the reports below" in shown
    assert "jointly: energy distance" in shown
    # The file may be gone by the time somebody wants rows like its own.
    table.unlink()
    drawn = cli("gan", "sample", folder, "-n", "30")
    assert drawn.code == 0, drawn.stderr
    rows = list(csv.DictReader(io.StringIO(drawn.stdout)))
    assert len(rows) == 30
    assert list(rows[0]) == ["seed", "height", "city", "member"]
    assert drawn.stdout == cli("gan", "sample", folder, "-n", "30", "--method", "mine", "--model", "0").stdout
    assert drawn.stdout != cli("gan", "sample", folder, "-n", "30", "--seed", "1").stdout


def test_a_table_may_come_through_a_pipe(cli, table):
    ran = cli("gan", "-", "--x", "height,city", *FAST, stdin=table.read_bytes())
    assert ran.code == 0, ran.stderr
    assert ran.json["data"]["columns"] == ["height", "city=Bonn", "city=Graz", "city=Oslo"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--x", "*"), "missing"),
        (("--x", "weight"), "weight"),
        (("--x", "height", "--data-root", "here"), "--data-root is for stacked-mnist alone"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_and_no_folder_is_left(cli, table, tmp_path, words, message):
    ran = cli("gan", table, *words, *FAST, "--run-dir", tmp_path / "run")
    assert ran.code in (2, 3)
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_stacked_digits(cli, digits, tmp_path):
    folder = tmp_path / "run"
    words = ("gan", "stacked-mnist", "--data-root", digits, "--method", "mine,ali", "--samples", "40")
    ran = cli(*words, *FAST, "--run-dir", folder)
    assert ran.code == 0, ran.stderr
    data = ran.json["data"]
    assert data["modes"] == 100
    assert 0.0 <= data["classifier_accuracy"] <= 1.0
    # 40 samples of 100 modes cannot be uniform.
    assert 0.8 < data["kl_floor_nats"] < 1.3
    assert set(ran.json["methods"][0]["seeds"][0]["metrics"]) == {
        "populated_modes", "confident_share", "full_kl", "modes", "kl", "classifier_confidence",
    }  # fmt: skip
    assert set(data["references"]) == {"noise", "untrained", "real"}
    assert set(data["references"]["real"]) == set(ran.json["definitions"])
    assert (folder / "digits.png").read_bytes().startswith(b"\x89PNG")
    drawn = cli("gan", "sample", folder, "-n", "5", "-o", tmp_path / "five.parquet")
    assert drawn.code == 0, drawn.stderr
    five = pq.read_table(tmp_path / "five.parquet")
    assert five.column_names == ["digit0", "digit1"]
    assert len(five["digit0"][0].as_py()) == 784
    text = " ".join(cli("gan", "--resume", folder, "--format", "table", "-q").stdout.split())
    assert "KL of resampled MNIST labels" in text
    assert "classifier's accuracy on MNIST's test set" in text


def test_a_resumed_run_of_digits_is_an_uninterrupted_one(cli, digits, tmp_path):
    words = ("gan", "stacked-mnist", "--data-root", digits, "--samples", "40", "--stack", "3")
    whole = cli(*words, *FAST, "--run-dir", tmp_path / "run")
    (tmp_path / "run" / "summary.json").unlink()
    again = cli("gan", "--resume", tmp_path / "run", "-q", "--threads", "1", "--device", "cpu")
    assert again.json["methods"][0]["seeds"] == whole.json["methods"][0]["seeds"]


def test_missing_and_damaged_digits_are_named(cli, digits):
    path = digits / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:1000])
    cut = cli("gan", "stacked-mnist", "--data-root", digits, *FAST)
    assert cut.code == 3
    assert "is cut short" in cut.stderr
    path.unlink()
    gone = cli("gan", "stacked-mnist", "--data-root", digits, *FAST)
    assert gone.code == 3
    assert "lacks train-images-idx3-ubyte.gz (9,912,422 bytes)" in gone.stderr


def test_a_result_that_cannot_be_kept_is_shown(cli, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OutputError("cannot write 'samples': No space left on device", hint="make room")

    monkeypatch.setattr("minecli.tasks.table_file.table_bytes", full)
    ran = cli(*SPIRAL, "--run-dir", tmp_path / "run", "--seeds", "1")
    assert ran.code == 5
    assert ran.json["methods"][0]["seeds"][0]["step"] == 4
    assert "No space left on device; the result is on standard output" in ran.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-n", "0"), "-n is 0"),
        (("--method", "gan"), "the run has no method 'gan'; it has mine"),
        (("--model", "7"), "has no model of seed 7; it has 0, 1"),
        (("-o", "a.txt"), "names no known format"),
    ],
)
def test_what_cannot_be_sampled_is_explained(cli, trained, words, message):
    ran = cli("gan", "sample", trained, *words)
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr


def test_there_is_nothing_to_sample_where_there_is_no_run_or_no_generator_yet(cli, trained, tmp_path):
    assert "holds no run" in cli("gan", "sample", tmp_path).stderr
    shutil.copytree(trained, tmp_path / "run")
    (tmp_path / "run" / "checkpoint-mine.pt").unlink()
    assert "has no generator of method 'mine' yet" in cli("gan", "sample", tmp_path / "run").stderr


def test_a_model_of_several_is_the_one_that_was_written(cli, trained, tmp_path):
    """What is drawn of seed 1 comes from the generator of seed 1, whatever was trained beside it."""
    alone = tmp_path / "alone"
    cli(*SPIRAL, "--seeds", "1,", "--run-dir", alone)

    def drawn(run, model):
        text = cli("gan", "sample", run, "-n", "50", "--model", model).stdout
        return np.loadtxt(io.StringIO(text), delimiter=",", skiprows=1)

    one, two, other = drawn(alone, "1"), drawn(trained, "1"), drawn(trained, "0")
    # Sums in another order differ in their last digit, and training makes thousandths of that; another seed's
    # generator draws other points altogether.
    assert np.abs(one - two).max() < 0.02 < 0.2 < np.abs(one - other).max()


def test_the_help_of_sample_ends_with_its_example(cli, capsys):
    assert cli("gan", "sample", "--help").code == 0
    assert gan.SAMPLE_EXAMPLE in " ".join(capsys.readouterr().out.split())
