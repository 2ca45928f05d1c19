"""The manners that all commands with run folders share."""

import errno
import json
import shutil

import numpy as np
import pytest

KSG = ("--x", "a", "--z", "b", "-e", "ksg")
SUITE = ("bench", "suite", "--tasks", "1v1-normal-0.75", "-e", "ksg", "--seeds", "2", "-n", "200")
GAN = ("--x", "a,b", "--seeds", "1", "--method", "mine", "--steps", "3", "--batch-size", "20")


@pytest.fixture
def table(tmp_path):
    return write_rows(tmp_path / "t.csv", seed=0)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Pictures take longer than all the rest."""
    for module in ("gan_figures", "bench_figures"):
        monkeypatch.setattr(f"minecli.report.{module}.pictures", lambda *_: {})


def write_rows(path, seed):
    rng = np.random.default_rng(seed)
    rows = [f"{a:.4f},{a + rng.normal():.4f}" for a in rng.normal(size=150)]
    path.write_text("a,b\n" + "\n".join(rows) + "\n")
    return path


def commands(table):
    return {"estimate": ("estimate", table, *KSG), "bench": SUITE, "gan": ("gan", table, *GAN)}


@pytest.mark.parametrize("name", ["estimate", "bench", "gan"])
def test_the_same_command_shows_its_finished_result_and_writes_nothing(cli, table, tmp_path, name):
    words, run = commands(table)[name], tmp_path / "run"
    first = cli(*words, "--run-dir", run, "-f", "json")
    assert first.code == 0, first.stderr
    events = [json.loads(line) for line in (run / "events.ndjson").read_text().splitlines()]
    assert events
    assert all({"time", "stage", "step", "values"} <= set(event) for event in events)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    for again in ((*words, "--run-dir", run), (*words[: 2 if name == "bench" else 1], "--resume", run)):
        shown = cli(*again, "-f", "json")
        assert (shown.code, shown.json) == (0, first.json)
        assert "is finished; this is its result" in shown.stderr
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


@pytest.mark.parametrize("name", ["estimate", "gan"])
def test_a_finished_result_is_not_shown_for_other_data(cli, table, tmp_path, name):
    words = (*commands(table)[name], "--run-dir", tmp_path / "run")
    assert cli(*words).code == 0
    write_rows(table, seed=1)
    refused = cli(*words)
    assert (refused.code, refused.stdout) == (2, "")
    assert "the data are no longer those" in refused.stderr


def test_data_named_beside_resume_are_those_of_the_run(cli, table, tmp_path):
    first = cli("estimate", table, *KSG, "--run-dir", tmp_path / "run")
    assert cli("estimate", table, "--resume", tmp_path / "run").json == first.json
    other = write_rows(tmp_path / "u.csv", seed=1)
    assert "the data are no longer those" in cli("estimate", other, "--resume", tmp_path / "run").stderr
    assert cli("estimate", tmp_path / "none.csv", "--resume", tmp_path / "run").code == 3


@pytest.mark.parametrize("name", ["estimate", "bench", "gan"])
def test_no_result_is_written_into_the_folder_of_the_run(cli, table, tmp_path, name):
    run = tmp_path / "run"
    words = (*commands(table)[name], "--run-dir", run)
    assert cli(*words).code == 0
    config = (run / "config.json").read_bytes()
    for place in (run / "config.json", run / "records.ndjson", run):
        ran = cli(*words, "-o", place)
        assert (ran.code, ran.stdout) == (2, "")
        assert "is in the run's own folder" in ran.stderr
    assert (run / "config.json").read_bytes() == config


def test_samples_overwrite_neither_the_run_nor_what_is_read(cli, table, tmp_path):
    run = tmp_path / "run"
    assert cli("gan", table, *GAN, "--run-dir", run).code == 0
    assert "is in the run's own folder" in cli("gan", "sample", run, "-o", run / "samples-mine.parquet").stderr
    coded = tmp_path / "coded"
    words = ("ali", table, "--x", "a,b", "--seeds", "1", "--method", "pca", "--code-dim", "1")
    assert cli(*words, "--run-dir", coded, "-q").code == 0
    content = table.read_bytes()
    for command in ("encode", "reconstruct"):
        ran = cli("ali", command, coded, table, "-o", table)
        assert (ran.code, "is a file that is read from" in ran.stderr) == (2, True), ran.stderr
    assert table.read_bytes() == content


def test_a_disk_that_fills_up_costs_the_checkpoint_and_not_the_work(cli, table, tmp_path, monkeypatch):
    from minecli.runtime import checkpoint

    def full(self, content):
        self.failure = OSError(errno.ENOSPC, "full")
        raise self.failure

    monkeypatch.setattr(checkpoint._Hashing, "write", full)
    ran = cli("gan", table, *GAN, "--run-dir", tmp_path / "run", "-f", "json")
    assert ran.code == 0, ran.stderr
    assert "no checkpoint: cannot write" in ran.stderr
    assert ran.json["methods"][0]["finished"]


def test_a_finished_run_keeps_no_checkpoint_but_the_newest(cli, table, tmp_path):
    run = tmp_path / "run"
    assert cli("gan", table, *GAN, "--run-dir", run).code == 0
    assert [path.name for path in run.glob("checkpoint-*")] == ["checkpoint-mine.pt"]


def test_a_run_of_an_earlier_form_goes_on(cli, table, tmp_path):
    # Its config says neither whose it is nor in which form, and there are no checksums.
    run = tmp_path / "run"
    first = cli("estimate", table, *KSG, "--run-dir", run)
    config = json.loads((run / "config.json").read_text())
    assert (config.pop("request_version"), config.pop("command")) == (1, "estimate")
    (run / "config.json").write_text(json.dumps(config))
    (run / "checksums.json").unlink()
    assert cli("estimate", table, *KSG, "--run-dir", run).json == first.json
    shutil.rmtree(run)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("bench", "suite", "-e", ""), "-e names no estimator"),
        (("bench", "suite", "-e", "mine", "--folds", "1000000001"), "--folds is 1000000001; it must be at most"),
        (
            ("estimate", "t.csv", "--x", "a", "--z", "b", "-e", "mine", "--protocol", "paper", "--folds", "3"),
            "--folds does not go with --protocol paper",
        ),
        (("gan", "spiral", "--where", "a > 1"), "--where is for tables, and 'spiral' is none"),
        (("gan", "spiral", "--stack", "2"), "--stack is for stacked-mnist"),
        (("gan", "spiral", "--unroll", "2"), "--unroll is for unrolled, and the methods are mine"),
        (("ali", "gaussians25", "--arch", "conv"), "--arch is for images"),
        (("bench", "fig1", "--dims", "99999999999999999999"), "--dims is 99999999999999999999; it must be at most"),
        (("bench", "suite", "--seeds", "99999999999999999999"), "there must be at most"),
        (("bench", "fig1", "--seed", "99999999999999999999"), "--seed is 99999999999999999999; it must be at most"),
        (("sample", "gaussian", "--dim", "99999999999999999999"), "--dim is 99999999999999999999; it must be at most"),
        (("gan", "spiral", "--steps", "99999999999999999999"), "--steps is 99999999999999999999; it must be at most"),
    ],
)
def test_what_does_not_apply_or_is_too_large_is_refused(cli, words, message):
    ran = cli(*words)
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr


def test_estimators_may_be_separated_by_commas(cli, table):
    asked = cli("estimate", table, "--x", "a", "--z", "b", "-e", "ksg,gaussian").json
    assert [entry["estimator"] for entry in asked["estimates"]] == ["ksg", "gaussian"]
