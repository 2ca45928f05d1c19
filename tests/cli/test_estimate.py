"""`minecli estimate` on sample data: formats, streams, options, run folders."""

import csv
import io
import json
import math
from dataclasses import MISSING, fields

import pyarrow.csv as pacsv
import pytest

from minecli.cli import settings
from minecli.cli.settings import SETTINGS
from minecli.errors import UsageError
from minecli.estimators.registry import ESTIMATORS

KSG = ("--x", "x0", "--z", "z0", "-e", "ksg")
QUICK = ("--x", "x0", "--z", "z0", "-e", "mine", "--max-steps", "20", "--folds", "2", "--sample", "400")


@pytest.fixture
def gauss(sample_data):
    return str(sample_data / "gaussian_1d.parquet")


def test_json_is_one_object_on_stdout(cli, gauss):
    ran = cli("estimate", gauss, *KSG, "-e", "gaussian")
    assert ran.code == 0
    assert [e["estimator"] for e in ran.json["estimates"]] == ["ksg", "gaussian"]
    assert ran.json["data"]["n"] == 5000
    assert ran.json["data"]["x"] == {
        "dimensions": 1, "columns": ["x0"], "encodings": {"x0": "as it is"}, "kind": "continuous", "entropy_nats": None,
    }  # fmt: skip
    assert ran.json["config"]["estimators"]["ksg"]["k"] == 3
    assert set(ran.json["environment"]) >= {"device", "device_reason", "threads", "threads_reason", "seed", "versions"}
    # Truth 0.830; the standard deviation at 5,000 rows is 0.02, five of them fail once in 1.7 million draws.
    assert ran.json["estimates"][0]["mi_nats"] == pytest.approx(0.830, abs=0.1)


def test_same_seed_same_answer(cli, gauss):
    def answer():
        content = cli("estimate", gauss, *QUICK, "-e", "ksg", "--seed", "3", "--threads", "1").json
        for entry in content["estimates"]:
            entry.pop("seconds")
            entry["details"] = {k: v for k, v in entry["details"].items() if "seconds" not in k}
        return content

    assert answer() == answer()


def test_formats(cli, gauss):
    base = cli("estimate", gauss, *KSG).json["estimates"][0]["mi_nats"]
    assert float(cli("estimate", gauss, *KSG, "--format", "value").stdout) == base
    (row,) = csv.DictReader(io.StringIO(cli("estimate", gauss, *KSG, "--format", "csv").stdout))
    assert float(row["mi_nats"]) == base
    assert json.loads(cli("estimate", gauss, *KSG, "--format", "ndjson").stdout)["mi_nats"] == base
    table = cli("estimate", gauss, *KSG, "--format", "table").stdout
    assert f"{base:.4f}" in table
    assert f"Believe {base:.3f} nats" in table
    assert "\nksg: wider neighbourhoods" in table


def test_bits(cli, gauss):
    nats = float(cli("estimate", gauss, *KSG, "--format", "value").stdout)
    ran = cli("estimate", gauss, *KSG, "--units", "bits", "--format", "value")
    assert float(ran.stdout) == nats / math.log(2)


def test_auto_is_a_table_on_a_terminal_and_json_elsewhere(cli, gauss):
    assert cli("estimate", gauss, *KSG, terminal=True).stdout.splitlines()[3].startswith("\x1b[1;32mBelieve ")
    assert cli("estimate", gauss, *KSG).stdout.startswith("{")


def test_colour_and_no_color(cli, gauss):
    assert "\x1b[" in cli("estimate", gauss, *KSG, terminal=True).stdout
    assert "\x1b[" not in cli("estimate", gauss, *KSG, terminal=True, environment={"NO_COLOR": "1"}).stdout
    assert "\x1b[" not in cli("estimate", gauss, *KSG, "--format", "table").stdout


@pytest.mark.parametrize(("name", "start"), [("a.json", "{"), ("a.csv", "source,"), ("a.ndjson", '{"source"')])
def test_output_file_by_ending_leaves_stdout_empty(cli, gauss, tmp_path, name, start):
    ran = cli("estimate", gauss, *KSG, "-o", tmp_path / name)
    assert (ran.code, ran.stdout) == (0, "")
    assert f"wrote {tmp_path / name}" in ran.stderr
    assert (tmp_path / name).read_text().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_quiet(cli, sample_data):
    words = ("estimate", sample_data / "mixed_missing.csv", *KSG, "--missing", "drop")
    assert "dropped" in cli(*words).stderr
    assert cli(*words, "-qq").stderr == ""
    assert cli(*words, "-q").stdout.split('"seconds"')[0] == cli(*words).stdout.split('"seconds"')[0]


def test_warnings_survive_one_q_only(cli, tmp_path):
    path = tmp_path / "tied.csv"
    path.write_text("a,b\n" + "".join(f"{i % 5},{(i * i) % 7}\n" for i in range(300)))
    words = ("estimate", path, "--x", "a", "--z", "b", "-e", "ksg")
    assert "warning: ksg:" in cli(*words, "-q").stderr
    assert cli(*words, "-qq").stderr == ""


def test_check_turns_doubt_into_code_4(cli, tmp_path, gauss):
    path = tmp_path / "tied.csv"
    path.write_text("a,b\n" + "".join(f"{i % 5},{(i * i) % 7}\n" for i in range(300)))
    words = ("estimate", path, "--x", "a", "--z", "b", "-e", "ksg", "-qq")
    assert cli(*words).code == 0
    ran = cli(*words, "--check")
    assert ran.code == 4
    assert ran.json["estimates"][0]["trustworthy"] is False
    assert ran.stderr.startswith("minecli: check failed: Cannot say.")
    assert cli("estimate", gauss, *KSG, "--check").code == 0


def test_infinite_information_is_said(cli, tmp_path):
    path = tmp_path / "same.csv"
    path.write_text("a,b\n" + "".join(f"{i * 0.37},{i * 0.37}\n" for i in range(100)))
    words = ("estimate", path, "--x", "a", "--z", "b", "-e", "ksg")
    ran = cli(*words)
    assert ran.json["estimates"][0]["mi_nats"] is None
    assert ran.json["estimates"][0]["status"] == "infinite"
    assert cli(*words, "--format", "value").stdout == "inf\n"
    assert cli(*words, "--check").code == 4


def test_stdin(cli, gauss):
    content = cli("sample", "gaussian", "-n", "100", "-q").stdout.encode()
    assert cli("estimate", "-", *KSG, stdin=content).json["data"]["n"] == 100


def test_sample_rows_by_seed(cli, gauss):
    a, b, c = (cli("estimate", gauss, *KSG, "--sample", "300", "--seed", s).json for s in ("1", "1", "2"))
    assert a["data"]["rows_sampled_from"] == 5000
    assert a["estimates"][0]["mi_nats"] == b["estimates"][0]["mi_nats"] != c["estimates"][0]["mi_nats"]


def test_pointwise_has_one_line_per_row_used_with_its_number_in_the_file(cli, gauss, tmp_path):
    path = tmp_path / "rows.csv"
    assert cli("estimate", gauss, *QUICK, "--pointwise", path).code == 0
    table = pacsv.read_csv(path)
    assert table.column_names == ["row", "log_ratio_mine_nats"]
    assert table.num_rows == 400
    rows = table.column("row").to_pylist()
    assert rows == sorted(set(rows))
    assert rows[-1] >= 400  # numbers in the file, not in the sample


def test_pointwise_without_an_estimator_that_can(cli, gauss, tmp_path):
    ran = cli("estimate", gauss, "--x", "x0", "--z", "z0", "-e", "gaussian", "--pointwise", tmp_path / "rows.csv")
    assert ran.code == 2
    assert ran.stdout == ""  # said before the work, not after it
    assert "--pointwise: gaussian has no value per row (add -e mine or -e ksg)" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_run_folder_and_resume_of_a_finished_run(cli, gauss, tmp_path):
    run = tmp_path / "run"
    ran = cli("estimate", gauss, *QUICK, "--run-dir", run)
    assert ran.code == 0
    kept = {p.name for p in run.iterdir()}
    assert kept >= {"config.json", "events.ndjson", "estimate.json", "checkpoint-mine.pt"}
    assert json.loads((run / "estimate.json").read_text()) == ran.json
    events = [json.loads(line) for line in (run / "events.ndjson").read_text().splitlines()]
    assert all({"time", "stage", "step", "total", "values"} <= set(e) for e in events)
    again = cli("estimate", "--resume", run)
    assert again.json == ran.json
    assert "is finished; this is its result" in again.stderr
    same = cli("estimate", gauss, *QUICK, "--run-dir", run)
    assert (same.code, same.json) == (0, ran.json)
    assert "is finished; this is its result" in same.stderr
    other = cli("estimate", gauss, *QUICK, "--seed", "1", "--run-dir", run)
    assert (other.code, other.stdout) == (2, "")
    assert "holds a run with other settings" in other.stderr
    asked = cli("estimate", "--resume", run, "--pointwise", tmp_path / "r.csv")
    assert asked.code == 2
    assert "keeps no values per row" in asked.stderr


def test_bad_data_leaves_no_run_folder(cli, gauss, tmp_path):
    assert cli("estimate", gauss, "--x", "x7", "--z", "z0", "-e", "ksg", "--run-dir", tmp_path / "run").code == 2
    assert cli("estimate", gauss, *KSG, "--run-dir", tmp_path / "run").code == 0


def test_learning_curve_is_kept(cli, gauss, tmp_path):
    words = ("--x", "x0", "--z", "z0", "-e", "mine", "--max-steps", "300", "--folds", "2", "--sample", "400")
    assert cli("estimate", gauss, *words, "--run-dir", tmp_path / "run").code == 0
    assert (tmp_path / "run" / "learning_curve.png").read_bytes().startswith(b"\x89PNG")


def test_resume_takes_no_settings(cli, gauss, tmp_path):
    run = tmp_path / "run"
    cli("estimate", gauss, *KSG, "--run-dir", run)
    ran = cli("estimate", "--resume", run, "--seed", "3", "--folds", "3")
    assert ran.code == 2
    assert "does not go with --seed, --folds" in ran.stderr
    ran = cli("estimate", "--resume", tmp_path)
    assert ran.code == 2
    assert "holds no run" in ran.stderr


def test_resume_of_piped_data_wants_it_again(cli, tmp_path):
    data = cli("sample", "gaussian", "-n", "200", "-q").stdout.encode()
    run = tmp_path / "run"
    whole = cli("estimate", "-", *KSG, "--run-dir", run, stdin=data).json
    (run / "estimate.json").unlink()  # as if it had been interrupted
    ran = cli("estimate", "--resume", run)
    assert ran.code == 2
    assert "came from standard input" in ran.stderr
    again = cli("estimate", "-", "--resume", run, stdin=data).json
    assert again["estimates"][0]["mi_nats"] == whole["estimates"][0]["mi_nats"]


def test_damaged_run_config(cli, gauss, tmp_path):
    run = tmp_path / "run"
    cli("estimate", gauss, *KSG, "--run-dir", run)
    (run / "config.json").write_text('{"source": "a"}')
    edited = cli("estimate", "--resume", run)
    assert edited.code == 3
    assert "config.json' has been damaged or edited since it was written (bring it back, or remove" in edited.stderr
    (run / "checksums.json").unlink()
    ran = cli("estimate", "--resume", run)
    assert ran.code == 3
    assert "is not one this version of minecli wrote" in ran.stderr


def test_a_later_failure_keeps_the_earlier_answer(cli, tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("a,b\n" + "".join(f"{i * 0.37},{(i * i * 7) % 11}.5\n" for i in range(10)))
    ran = cli("estimate", path, "--x", "a", "--z", "b", "-e", "gaussian", "-e", "ksg", "-k", "20")
    assert ran.code == 3
    assert [e["estimator"] for e in ran.json["estimates"]] == ["gaussian"]
    assert "rows are too few" in ran.json["failure"]
    assert "error: 10 rows are too few" in ran.stderr


@pytest.mark.parametrize("option", SETTINGS)
def test_every_setting_reaches_a_config_field_and_shows_its_default(cli, option):
    assert settings.owners(option), f"{option} sets nothing"
    default = settings.default_text(option)
    for owner in settings.owners(option):
        field = next(f for f in fields(ESTIMATORS[owner].config) if f.name == settings.field_of(option))
        assert field.default is not MISSING
        as_typed = ",".join(f"{v:g}" for v in field.default) if isinstance(field.default, tuple) else str(field.default)
        # What is done without by default has no value to show.
        assert as_typed in default if field.default is not None else default == ""


def test_settings_reach_the_estimators_that_have_them():
    configs = settings.configs_from(["ksg", "gaussian"], {"neighbours": 7, "preprocess": "rank", "folds": None})
    assert configs["ksg"].k == 7
    assert configs["gaussian"].preprocess == "rank"
    with pytest.raises(UsageError, match="--folds applies to mine, mine-f, info-nce"):
        settings.configs_from(["ksg"], {"folds": 3})


def test_smile_takes_its_clip_and_nobody_else_does(cli, gauss):
    words = [*QUICK[:4], "-e", "smile", *QUICK[6:], "--smile-clip", "2.5"]
    assert QUICK[4:6] == ("-e", "mine")
    ran = cli("estimate", gauss, *words)
    assert ran.code == 0, ran.stderr
    assert ran.json["config"]["estimators"]["smile"]["clip"] == 2.5
    assert "neither is a bound" in ran.json["estimates"][0]["interval"]["covers"]
    ran = cli("estimate", gauss, *words[:-1], "0")
    assert (ran.code, ran.stdout) == (2, "")
    assert "clip is 0.0; it must be a number above 0" in ran.stderr
    ran = cli("estimate", gauss, *QUICK, "--smile-clip", "5")
    assert (ran.code, ran.stdout) == (2, "")
    assert "--smile-clip applies to smile" in ran.stderr


def test_weight_decays_are_a_list_and_towers_a_number(cli, gauss, tmp_path):
    decays = ("--weight-decay", "0.5, 2", "--weight-decay", "0")
    words = (*QUICK, "--hidden", "4", *decays, "--tower-layers", "0", "--run-dir", tmp_path / "run")
    ran = cli("estimate", gauss, *words)
    assert ran.code == 0, ran.stderr
    config = ran.json["config"]["estimators"]["mine"]
    assert (config["weight_decays"], config["tower_layers"]) == ([0.5, 2.0, 0.0], 0)
    (entry,) = ran.json["estimates"]
    assert entry["details"]["models"] == 2 * 3
    assert [len(weights) for weights in entry["details"]["network_weights"]] == [3, 3]
    # The folder keeps a list; a resumed run is the same run.
    again = cli("estimate", "--resume", tmp_path / "run")
    assert again.json["estimates"][0]["mi_nats"] == entry["mi_nats"]
    assert "does not go with --weight-decay" in cli("estimate", "--resume", tmp_path / "run", *decays).stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--weight-decay", "strong"),
            "--weight-decay holds 'strong', which is no number (try --weight-decay 0.1,0.5)",
        ),
        (("--weight-decay", "0.1;1"), "--weight-decay holds '0.1;1', which is no number"),
        (("--weight-decay", "0.1,-1"), "--weight-decay is -1.0; it must be a number of at least 0 and below 100"),
        (("--weight-decay", "nan"), "--weight-decay is nan; it must be a finite number"),
        (("--weight-decay", ","), "--weight-decay is (); it must be 1 to 16 numbers"),
        (("--weight-decay", ",".join("1" * 17)), "it must be 1 to 16 numbers"),
        (("--tower-layers", "-1"), "--tower-layers is -1; it must be a whole number of at least 0"),
        (("--tower-layers", "1000"), "--tower-layers is 1000; it must be at most 64"),
    ],
)
def test_networks_that_cannot_be_are_refused(cli, gauss, words, message):
    ran = cli("estimate", gauss, *QUICK, *words)
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_settings_of_networks_are_not_for_neighbours(cli, gauss):
    for words in (("--weight-decay", "1"), ("--tower-layers", "1")):
        assert f"{words[0]} applies to mine" in cli("estimate", gauss, *KSG, *words).stderr


def test_the_moving_average_belongs_to_mine_alone(cli, gauss):
    assert settings.owners("ema_decay") == ("mine",)
    with pytest.raises(UsageError, match="--ema-decay applies to mine, but the estimators asked for are smile"):
        settings.configs_from(["smile"], {"ema_decay": 0.5})
    assert settings.configs_from(["mine", "smile"], {"ema_decay": 0.5})["mine"].ema_decay == 0.5


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(cli, gauss, tmp_path, monkeypatch):
    from minecli.errors import OutputError
    from minecli.runtime import checkpoint

    def full(path, state, *, fingerprint):
        raise OutputError("cannot write 'mine.pt': No space left on device")

    monkeypatch.setattr(checkpoint, "save_checkpoint", full)
    ran = cli("estimate", gauss, *QUICK, "--run-dir", tmp_path / "run")
    assert ran.code == 0
    assert ran.json["estimates"][0]["mi_nats"] is not None
    assert "no checkpoint: cannot write 'mine.pt': No space left on device" in ran.stderr


def test_a_loss_that_is_not_finite_gives_null_and_a_reason(cli, gauss, monkeypatch):
    from minecli.estimators.neural.rows import ModelRows

    plain = ModelRows.batch
    monkeypatch.setattr(ModelRows, "batch", lambda self, step: tuple(t * float("nan") for t in plain(self, step)))
    ran = cli("estimate", gauss, *QUICK)
    assert ran.code == 0
    (entry,) = ran.json["estimates"]
    assert (entry["mi_nats"], entry["status"]) == (None, "nonfinite")
    assert "became infinite or undefined" in ran.stderr
    assert cli("estimate", gauss, *QUICK, "--check").code == 4


def test_a_precision_is_reached_by_repeats_or_said_to_be_out_of_reach(cli, gauss):
    ran = cli("estimate", gauss, *QUICK, "--target-precision", "3")
    (entry,) = ran.json["estimates"]
    assert entry["details"]["repeats"] == 1
    ran = cli("estimate", gauss, *QUICK, "--target-precision", "0.001")
    (entry,) = ran.json["estimates"]
    assert [d["code"] for d in entry["diagnostics"]].count("precision-not-reached") == 1
    assert "only more rows help" in ran.stderr
    assert cli("estimate", gauss, *QUICK, "--target-precision", "0.001", "--check").code == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--target-precision", "0"), "--target-precision is 0.0; it must be a number above 0"),
        (("--max-repeats", "3"), "--max-repeats goes with --target-precision (add it, or ask for --repeats 3)"),
        (("--target-precision", "1", "--repeats", "20"), "add --max-repeats 20"),
        (("--target-precision", "1", "--protocol", "paper"), "use --protocol held-out"),
    ],
)
def test_precisions_that_make_no_sense(cli, gauss, words, message):
    ran = cli("estimate", gauss, *QUICK, *words)
    assert ran.code == 2
    assert message in " ".join(ran.stderr.split())


def test_a_run_with_repeats_goes_on_with_the_one_it_lacks(cli, gauss, tmp_path):
    folder = tmp_path / "run"
    whole = cli("estimate", gauss, *QUICK, "--repeats", "2", "--run-dir", folder).json["estimates"]
    (folder / "estimate.json").unlink()
    (folder / "checkpoint-mine-2.pt").unlink()
    again = cli("estimate", "--resume", folder).json["estimates"]
    assert [e["details"] for e in again] == [e["details"] for e in whole]


def test_pointwise_of_neighbours_and_networks_side_by_side(cli, gauss, tmp_path):
    path = tmp_path / "rows.csv"
    ran = cli("estimate", gauss, *QUICK, "-e", "ksg", "--pointwise", path)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    for entry in ran.json["estimates"]:
        column = [float(row[f"log_ratio_{entry['estimator']}_nats"]) for row in rows]
        assert sum(column) / len(column) == pytest.approx(entry["mi_nats"], abs=1e-9)


def test_the_base_can_be_left_out(cli, gauss):
    ran = cli("estimate", gauss, *QUICK, "--no-gaussian-base")
    assert ran.json["config"]["estimators"]["mine"]["gaussian_base"] is False
