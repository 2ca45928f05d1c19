"""`minecli bench`: plans, records, resumption, results, pictures, errors."""

import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from minecli.bench.plan import RECORDS
from minecli.cli import bench
from minecli.errors import DataError

EXAMPLES = {"suite": bench.SUITE_EXAMPLE, "fig1": bench.FIG1_EXAMPLE, "fig2": bench.FIG2_EXAMPLE}
HELPS = {"suite": bench.SUITE_HELP, "fig1": bench.FIG1_HELP, "fig2": bench.FIG2_HELP}
QUICK = ("--tasks", "1v1-normal-0.75,gaussian:dim=2,rho=0.6", "-n", "200", "--seeds", "2", "-e", "ksg,gaussian", "-q")
TINY = ("--max-steps", "20", "--hidden", "8", "--batch-size", "32", "--threads", "1", "--device", "cpu", "-q")
FRESH = ("--fresh", "--evaluation-rows", "500", *TINY)


def same(payload):
    """A result without what a clock says."""
    content = json.loads(json.dumps(payload))
    for record in content["records"]:
        del record["seconds"]
    for row in [a for task in content["tasks"] for a in task["answers"]] + content["estimators"]:
        row.pop("median_seconds")
        row.pop("max_seconds", None)
    return content


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_ends_with_an_example_that_runs(cli, capsys, name):
    assert cli("bench", name, "--help").code == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    example = HELPS[name].rsplit("Example: ", 1)[1].strip()
    assert example == EXAMPLES[name]
    assert example in " ".join(re.sub(r"[│╭╮╰╯─]", " ", shown).split())
    ran = cli(*shlex.split(example)[1:])
    assert ran.code == 0, ran.stderr
    assert ran.json["cells_done"] == ran.json["cells"] > 0


def test_bench_alone_is_a_usage_error(cli):
    ran = cli("bench")
    assert (ran.code, ran.stdout) == (2, "")
    assert cli("bench", "fig3").code == 2


def test_the_result_of_a_suite(cli):
    found = cli("bench", "suite", *QUICK).json
    assert (found["command"], found["cells"], found["cells_done"], found["cells_failed"]) == ("bench suite", 8, 8, 0)
    assert [t["spec"] for t in found["tasks"]] == ["1v1-normal-0.75", "gaussian:dim=2,rho=0.6"]
    assert [e["estimator"] for e in found["estimators"]] == ["ksg", "gaussian"]
    assert found["environment"]["seed"] == [0, 1]
    # The sample correlation of 200 normal pairs knows their MI to about 0.05.
    assert abs(found["tasks"][1]["answers"][1]["error_nats"]) < 0.3


def test_formats(cli):
    base = cli("bench", "suite", *QUICK).json
    rows = list(csv.DictReader(io.StringIO(cli("bench", "suite", *QUICK, "--format", "csv").stdout)))
    assert [float(r["mean_nats"]) for r in rows] == [a["mean_nats"] for t in base["tasks"] for a in t["answers"]]
    lines = cli("bench", "suite", *QUICK, "--format", "ndjson").stdout.splitlines()
    assert [json.loads(line)["mi_nats"] for line in lines] == [r["mi_nats"] for r in base["records"]]
    for ran in (cli("bench", "suite", *QUICK, "--format", "table"), cli("bench", "suite", *QUICK, terminal=True)):
        assert "1v1-normal-0.75" in ran.stdout
        assert "intervals hold the truth in" in ran.stdout


def test_output_to_a_file(cli, tmp_path):
    for name in ("r.json", "r.csv", "r.ndjson"):
        assert cli("bench", "suite", *QUICK, "-o", tmp_path / name).stdout == ""
    assert json.loads((tmp_path / "r.json").read_text())["cells_done"] == 8
    assert len((tmp_path / "r.ndjson").read_text().splitlines()) == 8
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 5


def test_list(cli):
    ran = cli("tasks")
    assert (ran.json["command"], len(ran.json["tasks"])) == ("tasks", 40)
    assert ran.json["tasks"][0]["true_mi_nats"] == pytest.approx(0.4133, abs=1e-4)
    assert "columns" in cli("tasks", "--format", "table").stdout
    assert len(cli("tasks", "extra", "--format", "ndjson").stdout.splitlines()) >= 10
    assert cli("tasks", "--format", "csv").stdout.startswith("spec,x_columns,z_columns,true_mi_nats")


def test_the_run_folder(cli, tmp_path):
    run = tmp_path / "run"
    found = cli("bench", "suite", *QUICK, "--run-dir", run).json
    assert {p.name for p in run.iterdir()} == {
        "config.json", "events.ndjson", RECORDS, "summary.json", "table.csv", "table.md", "suite.png", "suite.svg",
    }  # fmt: skip
    assert json.loads((run / "summary.json").read_text()) == found
    assert [json.loads(line) for line in (run / RECORDS).read_text().splitlines()] == found["records"]
    # The same command, and --resume, show the same without asking anybody.
    assert cli("bench", "suite", *QUICK, "--run-dir", run).json["records"] == found["records"]
    assert cli("bench", "suite", "--resume", run, "-q").json["records"] == found["records"]


def test_killed_in_the_middle_and_resumed_equals_uninterrupted(cli, tmp_path):
    run = tmp_path / "run"
    whole = cli("bench", "suite", *QUICK, "--run-dir", run).json
    lines = (run / RECORDS).read_text().splitlines(keepends=True)
    kept = "".join(lines[:3])
    (run / RECORDS).write_text(kept + lines[3][:50])  # as after `kill -9` in the middle of a write
    resumed = cli("bench", "suite", "--resume", run, "-q").json
    assert same(resumed) == same(whole)
    assert resumed["records"][:3] == whole["records"][:3]  # read back, seconds included
    assert (run / RECORDS).read_text().startswith(kept)
    assert len((run / RECORDS).read_text().splitlines()) == 8


def test_ndjson_of_a_resumed_run_is_whole(cli, tmp_path):
    run = tmp_path / "run"
    cli("bench", "suite", *QUICK, "--run-dir", run)
    lines = (run / RECORDS).read_text().splitlines(keepends=True)
    (run / RECORDS).write_text("".join(lines[:5]))
    ran = cli("bench", "suite", "--resume", run, "--format", "ndjson")
    assert len(ran.stdout.splitlines()) == 8
    assert ran.stdout.startswith("".join(lines[:5]))
    assert "5 of 8 cells are done already" in ran.stderr


def test_a_folder_with_another_run(cli, tmp_path):
    run = tmp_path / "run"
    cli("bench", "suite", *QUICK, "--run-dir", run)
    ran = cli("bench", "suite", *QUICK, "--seeds", "3", "--run-dir", run)
    assert (ran.code, ran.stdout) == (2, "")
    assert "holds a run with other settings" in ran.stderr
    ran = cli("bench", "fig1", "--resume", run)
    assert ran.code == 2
    assert "this is a run of `minecli bench suite`" in ran.stderr
    ran = cli("bench", "suite", "--resume", run, "--seeds", "3")
    assert ran.code == 2
    assert "does not go with --seeds" in ran.stderr
    assert cli("bench", "suite", "--resume", tmp_path / "none").code == 2


def test_failed_cells_are_listed_and_tried_again(cli, tmp_path, monkeypatch):
    from minecli.bench import running

    real, run = running.run_estimators, tmp_path / "run"

    def moody(x, z, configs, context):
        if "gaussian" in configs and context.seed == 1:
            raise DataError("the moon is full", hint="wait")
        return real(x, z, configs, context)

    monkeypatch.setattr(running, "run_estimators", moody)
    ran = cli("bench", "suite", *QUICK, "--run-dir", run, "--format", "table")
    assert ran.code == 6
    assert "failed: gaussian:dim=2,rho=0.6, seed 1, gaussian: the moon is full (wait)" in " ".join(ran.stdout.split())
    assert "2 of 8 cells failed; the rest is done" in ran.stderr
    assert json.loads((run / "summary.json").read_text())["cells_failed"] == 2
    monkeypatch.setattr(running, "run_estimators", real)
    again = cli("bench", "suite", "--resume", run, "-q")
    assert again.code == 0
    assert same(again.json) == same(cli("bench", "suite", *QUICK).json)
    assert len((run / RECORDS).read_text().splitlines()) == 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("suite", "--tasks", "publik"), "did you mean public?"),
        (("suite", "--tasks", ""), "--tasks is empty"),
        (("suite", "-e", "kgs"), "estimator 'kgs' is not known"),
        (("suite", "--seeds", "0"), "--seeds is 0; there must be at least 1"),
        (("suite", "--seeds", "a"), "--seeds holds 'a', which is no whole number"),
        (("suite", "--seeds", "1,1"), "--seeds names 1 twice"),
        (("suite", "-n", "1"), "--rows is 1; it must be a whole number of at least 2"),
        (("suite", "-e", "ksg", "--hidden", "8"), "--hidden applies to"),
        (("suite", "--confidence", "2"), "confidence is 2.0"),
        (("suite", "-o", "/nowhere/a.json"), "the folder '/nowhere' does not exist"),
        (("fig1", "--rhos", "1"), "--rho is 1.0"),
        (("fig1", "--dims", "0"), "--dim is 0"),
        (("fig1", "--rhos", "x"), "--rhos holds 'x', which is no number"),
        (("fig1", "--plain"), "--plain goes with --fresh"),
        (("fig1", "--evaluation-rows", "500"), "--evaluation-rows goes with --fresh"),
        (("fig1", "--fresh", "-e", "ksg"), "--fresh is for the neural estimators"),
        (("fig1", "--fresh", "--folds", "3"), "--folds is for samples of fixed size"),
        (("fig1", "--fresh", "--weight-decay", "1"), "--weight-decay is for samples of fixed size"),
        (("fig1", "--fresh", "--plain", "--tower-layers", "1"), "--tower-layers does not go with --plain"),
        (("suite", "-e", "mine", "--weight-decay", "a"), "--weight-decay holds 'a', which is no number"),
        (("fig1", "--fresh", "--plain", "--gaussian-base"), "--gaussian-base does not go with --plain"),
        (("fig1", "--fresh", "--evaluation-rows", "5"), "--evaluation-rows is 5"),
        (("fig2", "--functions", "tangent"), "one of identity, cubic, sine"),
        (("fig2", "--sigmas", "0"), "at least 0.01"),
        (("suite", "--together", "2", "-e", "ksg"), "--together is for the neural estimators, not for ksg"),
        (("fig1", "--fresh", "--together", "2"), "--together is for samples of fixed size"),
    ],
)
def test_wrong_words(cli, tmp_path, words, message):
    ran = cli("bench", *words, *(() if "-o" in words else ("--run-dir", tmp_path / "run")))
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_cells_trained_together_say_so(cli):
    words = ("bench", "fig1", "--dims", "1", "--rhos", "0.3,0.9", "-e", "mine", "-n", "120", *TINY, "--folds", "2")
    payload = cli(*words, "--together", "2").json
    assert [r["details"] for r in payload["records"]] == [{"trained_together": 2}] * 2
    assert [r["details"] for r in cli(*words).json["records"]] == [{}] * 2


def test_figure_1_with_samples(cli, tmp_path):
    run = tmp_path / "run"
    words = ("--dims", "1", "--rhos", "-0.9,0.5", "-e", "mine,ksg", "-n", "200", "--folds", "2", *TINY)
    found = cli("bench", "fig1", *words, "--run-dir", run).json
    assert [t["place"] for t in found["tasks"]] == [{"d": 1, "rho": -0.9}, {"d": 1, "rho": 0.5}]
    assert (run / "fig1.png").read_bytes().startswith(b"\x89PNG")
    assert (run / "fig1.svg").exists()
    # The first cell is the very number of `minecli estimate` on the same rows.
    first = found["records"][0]
    made, words = tmp_path / "s.parquet", ("-n", "200", "--seed", first["data_seed"])
    cli("sample", "gaussian", "--rho", "-0.9", *words, "-o", made)
    asked = ("estimate", made, "--x", "x0", "--z", "z0", "-e", "mine", "--folds", "2", *TINY)
    assert cli(*asked).json["estimates"][0]["mi_nats"] == first["mi_nats"]


def test_settings_of_networks_reach_a_suite(cli, tmp_path):
    words = ("--tasks", "1v1-normal-0.75", "-n", "100", "--seeds", "1", "-e", "mine", "--folds", "2", *TINY)
    asked = ("bench", "suite", *words, "--weight-decay", "0,1,2", "--tower-layers", "1", "--run-dir", tmp_path / "run")
    first = cli(*asked).json
    config = first["config"]["estimators"]["mine"]
    assert (config["weight_decays"], config["tower_layers"]) == ([0.0, 1.0, 2.0], 1)
    # Read back from the folder it is the same request.
    assert same(cli("bench", "suite", "--resume", tmp_path / "run", "-q").json)["config"] == first["config"]


def test_figure_1_with_new_rows_at_every_step(cli, tmp_path):
    run = tmp_path / "run"
    words = ("--dims", "1,2", "--rhos", "0,0.9", "-e", "mine,mine-f,ksg", "-n", "100", *FRESH)
    found = cli("bench", "fig1", *words, "--run-dir", run).json
    assert found["cells_done"] == 12
    assert {(r["estimator"], r["n"]) for r in found["records"]} == {("mine", 500), ("mine-f", 500), ("ksg", 100)}
    assert all(r["details"]["trained_together"] == 2 for r in found["records"] if r["estimator"] != "ksg")
    assert not list(run.glob("checkpoint-*"))
    # Half of the records lost: networks are trained again as they were, and what is known is kept.
    lines = (run / RECORDS).read_text().splitlines(keepends=True)
    (run / RECORDS).write_text("".join(lines[:6]))
    assert same(cli("bench", "fig1", "--resume", run, "-q", *TINY[-5:-1]).json) == same(found)


def test_seeds_of_a_figure_are_averaged(cli):
    words = ("--dims", "1", "--rhos", "0.5", "-e", "ksg", "-n", "100", "--seed", "3,4", "-q")
    found = cli("bench", "fig1", *words).json
    assert [r["seed"] for r in found["records"]] == [3, 4]
    mean = sum(r["mi_nats"] for r in found["records"]) / 2
    assert found["tasks"][0]["answers"][0]["mean_nats"] == pytest.approx(mean)


def test_figure_2(cli, tmp_path):
    run = tmp_path / "run"
    words = ("--functions", "sine,cubic", "--sigmas", "0.3,0.6", "-e", "mine,ksg", "-n", "100", *FRESH)
    found = cli("bench", "fig2", *words, "--equal-snr", "--plain", "--run-dir", run).json
    assert [t["place"] for t in found["tasks"]][:2] == [
        {"function": "sine", "sigma": 0.3},
        {"function": "sine", "sigma": 0.6},
    ]
    assert found["records"][0]["parameters"]["sigma"] == pytest.approx(0.3 * 0.522, abs=1e-3)
    assert found["records"][0]["details"]["trained_together"] == 4
    assert (run / "fig2.png").read_bytes().startswith(b"\x89PNG")


SLOW = ("bench", "suite", "--tasks", "public", "--seeds", "9", "-n", "400", "-e", "ksg", "-q", "--threads", "1")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_keeps_the_records_and_the_run_goes_on(tmp_path, number, code):
    run = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "minecli", *SLOW, "--run-dir", str(run)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    records, deadline = run / RECORDS, time.monotonic() + 60
    while time.monotonic() < deadline and not (records.exists() and records.read_bytes().count(b"\n") >= 2):
        time.sleep(0.005)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    done = records.read_text().count("\n")
    assert 2 <= done < 360
    assert json.loads(stdout)["cells_done"] == done
    assert f"go on with: minecli bench suite --resume {run}" in stderr.decode()
    assert not (run / "summary.json").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_records_stay_when_the_result_cannot_be_shown(tmp_path):
    run = tmp_path / "run"
    with open("/dev/full", "wb") as full:
        words = [sys.executable, "-m", "minecli", "bench", "suite", *QUICK, "--run-dir", str(run)]
        ran = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert ran.returncode == 5
    assert (run / RECORDS).read_text().count("\n") == 8
    assert (run / "suite.png").exists()


def test_progress_and_failures_are_told_on_stderr_alone(cli):
    ran = cli("bench", "suite", *QUICK[:-1], terminal=True)
    assert ran.code == 0
    assert "bench suite" in ran.stderr
    assert "bench suite" not in ran.stdout
