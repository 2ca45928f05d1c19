"""Run folders as commands use them: one process at a time, the same data, nothing left of a start that fails."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from minecli.runtime.checkpoint import save_checkpoint

COLUMNS = ("--x", "x0", "--z", "z0")
TINY = (
    "-e",
    "mine",
    "--folds",
    "2",
    "--hidden",
    "8",
    "--batch-size",
    "32",
    "--max-steps",
    "20",
    "--threads",
    "1",
    "-q",
)


def write_table(path, rows, seed=0):
    values = np.random.default_rng(seed).normal(size=(rows, 2))
    path.write_text("x0,z0\n" + "\n".join(f"{x:.4f},{z:.4f}" for x, z in values) + "\n")
    return path


@pytest.fixture
def at_work(tmp_path, sample_data):
    """A process that trains in tmp_path/run, and its words."""
    words = ["estimate", sample_data / "gaussian_1d.parquet", *COLUMNS, "-e", "mine", "--max-steps", "1000000", "-q"]
    words = [*map(str, words), "--run-dir", str(tmp_path / "run")]
    process = subprocess.Popen([sys.executable, "-m", "minecli", *words], stdout=subprocess.DEVNULL)
    events, deadline = tmp_path / "run" / "events.ndjson", time.monotonic() + 60
    while time.monotonic() < deadline and not (events.exists() and events.stat().st_size):
        time.sleep(0.01)
    yield process, words
    process.kill()
    process.wait()


def test_the_second_process_is_told_of_the_first(cli, tmp_path, at_work):
    process, words = at_work
    for again in (words, ["estimate", "--resume", str(tmp_path / "run")]):
        ran = cli(*again)
        assert ran.code == 2
        assert f"the run in '{tmp_path / 'run'}' is being worked on by process {process.pid} on host " in ran.stderr
        assert ran.stderr.count("minecli: error: ") == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert not (tmp_path / "run" / ".lock").exists()


def test_changed_data_are_refused_before_there_is_a_checkpoint(cli, tmp_path):
    table, run = write_table(tmp_path / "table.csv", 200), tmp_path / "run"
    assert cli("estimate", table, *COLUMNS, *TINY, "--run-dir", run).code == 0
    for name in ("estimate.json", "checkpoint-mine.pt"):
        (run / name).unlink()
    write_table(table, 200, seed=1)
    for words in (("--resume", run, "-q"), (table, *COLUMNS, *TINY, "--run-dir", run)):
        ran = cli("estimate", *words)
        assert (ran.code, ran.stdout) == (2, "")
        assert f"error: the data are no longer those that the run in '{run}' began with" in ran.stderr
    write_table(table, 200)
    assert cli("estimate", "--resume", run, "-q").code == 0


def test_a_start_that_fails_leaves_no_folder(cli, tmp_path):
    ran = cli(
        "estimate", write_table(tmp_path / "table.csv", 5), *COLUMNS, *TINY, "--run-dir", tmp_path / "deep" / "run"
    )
    assert ran.code == 3, ran.stderr
    assert not (tmp_path / "deep").exists()


def test_an_empty_folder_of_a_killed_start_is_simply_started(cli, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for name in (".lock", ".config.json.999999999-0123abcd.partial", "events.ndjson"):
        (run / name).touch()
    assert cli("estimate", write_table(tmp_path / "table.csv", 200), *COLUMNS, *TINY, "--run-dir", run).code == 0
    assert not [name for name in os.listdir(run) if name.startswith(".")]


def test_weights_that_are_not_finite_are_of_no_use(cli, tmp_path):
    run, path = tmp_path / "run", tmp_path / "run" / "checkpoint-gan.pt"
    words = ("--seeds", "2", "--method", "gan", "--steps", "4", "--batch-size", "20", "--threads", "1", "-q")
    assert cli("gan", "spiral", *words, "--run-dir", run).code == 0
    content = torch.load(path, weights_only=True)
    for tensor in content["state"]["good"]["generator"].values():
        tensor[1] = float("nan")
    save_checkpoint(path, content["state"], fingerprint=content["fingerprint"])
    ran = cli("gan", "sample", run, "--model", "1")
    assert (ran.code, ran.stdout) == (3, "")
    assert "error: the generator kept of seed 1 is of no use: values in '" in ran.stderr
    assert "are not finite (train again" in ran.stderr
    assert cli("gan", "sample", run, "--model", "0").code == 0
