"""Starts on damaged run folders: one line that says what is wrong, never an internal error, never a wrong number."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
from damage import DAMAGES, copied

from minecli.apps.ib import config as ib_config
from minecli.runtime.checkpoint import previous_path

ON_CPU = ("--threads", "1", "--device", "cpu", "-q", "-q")
TINY = ("--folds", "2", "--hidden", "8", "--batch-size", "32", "--max-steps", "20")
TINY_IB = {
    "code_dim": 2, "hidden": 8, "statistics_hidden": 8, "epochs": 1, "batch_size": 20, "least_steps": 1,
    "test_draws": 2, "noise_dim": 2, "evaluate_every": 1, "information_steps": 2,
}  # fmt: skip
# The commands that make the runs; TABLE stands for the data.
MADE = {
    "estimate": ("estimate", "TABLE", "--x", "a", "--z", "b", "-e", "mine", *TINY),
    "bench": ("bench", "suite", "--tasks", "1v1-normal-0.75", "-e", "ksg", "--seeds", "2", "-n", "200"),
    "gan": ("gan", "TABLE", "--x", "a,b", "--seeds", "1", "--method", "mine", "--steps", "4", "--batch-size", "20"),
    "ib": ("ib", "TABLE", "--x", "a,b", "--target", "kind", "--seeds", "1", "--method", "baseline"),
}
_LEARNT = ("config.json", "columns.json")
# How they are started again; RUN stands for the folder. With them, the files that they cannot do without.
STARTS = {
    "show an estimate": ("estimate", ("estimate", "--resume", "RUN"), ("config.json", "estimate.json")),
    "go on": ("estimate", ("estimate", "--resume", "RUN"), ("config.json", "data.json", "checkpoint-mine.pt")),
    "estimate again": ("estimate", (*MADE["estimate"], "--run-dir", "RUN"), ("config.json", "checkpoint-mine.pt")),
    "go on with a benchmark": ("bench", ("bench", "suite", "--resume", "RUN"), ("config.json", "records.ndjson")),
    "go on with a GAN": ("gan", ("gan", "--resume", "RUN"), (*_LEARNT, "checkpoint-mine.pt")),
    "sample": ("gan", ("gan", "sample", "RUN"), (*_LEARNT, "checkpoint-mine.pt")),
    "go on with a bottleneck": ("ib", ("ib", "--resume", "RUN"), (*_LEARNT, "checkpoint-baseline.pt")),
    "encode": ("ib", ("ib", "encode", "RUN", "TABLE"), (*_LEARNT, "checkpoint-baseline.pt")),
}
UNFINISHED = {"go on", "estimate again", "go on with a GAN", "go on with a bottleneck"}
LEFT_OUT_WHERE_UNFINISHED = ("estimate.json", "summary.json")
# What stands for each of the others in the tests that are not slow.
FEW = ("empty", "flipped bit", "another object", "folder", "pipe")


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Pictures take longer than all the rest."""
    for module in ("gan_figures", "ib_figures", "bench_figures"):
        monkeypatch.setattr(f"minecli.report.{module}.pictures", lambda *_: {})
    monkeypatch.setattr("minecli.report.figures.learning_curve", lambda *_: b"")


@pytest.fixture(autouse=True)
def never_waits():
    """A pipe that nobody writes to is waited for by nobody: after a minute the test ends."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where runs are made once for all tests, and their table."""
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    rows = [f"{a:.4f},{a + rng.normal():.4f},{'uvw'[i % 3]}" for i, a in enumerate(rng.normal(size=150))]
    (folder / "table.csv").write_text("a,b,kind\n" + "\n".join(rows) + "\n")
    return folder


@pytest.fixture
def made(cli, folder, monkeypatch):
    """`made("gan")`: the folder of such a run, to be copied."""

    def make(kind):
        if not (folder / kind).exists():
            for presets in (ib_config._TABLE, ib_config._MNIST):
                monkeypatch.setitem(presets, "quick", replace(presets["quick"], **TINY_IB))
            ran = cli(*with_places(MADE[kind], folder), *ON_CPU, "--run-dir", folder / kind)
            assert ran.code == 0, ran.stderr
            (folder / kind / "ended.json").write_text(ran.stdout)
        return folder / kind

    return make


def with_places(words, folder, run=None):
    places = {"TABLE": folder / "table.csv", "RUN": run}
    return [str(places.get(word, word)) for word in words]


def quietly(words):
    return [*words, *(() if {"sample", "encode"} & set(words) else ON_CPU)]


def start(cli, made, tmp_path, name, file, damage, without=()):
    """Damage a file of a copy of a run, start on it, and give what came of it."""
    kind, words, _ = STARTS[name]
    original = made(kind)
    left_out = LEFT_OUT_WHERE_UNFINISHED if name in UNFINISHED else ()
    run = copied(original, tmp_path / "run", without=[n for n in (*left_out, *without) if n != file])
    DAMAGES[damage](run / file)
    return cli(*quietly(with_places(words, original.parent, run)))


def check_is_explained(ran):
    assert ran.code in (0, 2, 3, 5), ran.stderr
    assert not any(word in ran.stderr for word in ("Traceback", "internal error", "weights_only", "torch"))
    errors = [line for line in ran.stderr.splitlines() if line.startswith("minecli: error: ")]
    assert len(errors) == (ran.code != 0)
    if ran.code:
        assert ran.stdout == ""
        assert errors[0].endswith(")"), "a hint is missing"


def cases(damages):
    return [
        pytest.param(name, file, damage, id=f"{name}-{file}-{damage}")
        for name, (_, _, files) in STARTS.items()
        for file in (*files, "checksums.json")
        for damage in damages
    ]


def check_is_refused(cli, made, tmp_path, name, file, damage):
    ran = start(cli, made, tmp_path, name, file, damage)
    check_is_explained(ran)
    run = tmp_path / "run"
    if ran.code == 0:
        # Only where nothing is lost: a line cut short was never finished, and a checkpoint has another one before it.
        assert file in ("records.ndjson", "checksums.json") or previous_path(run / file).exists(), ran.stdout
        if ran.stdout.startswith("{"):
            assert without_times(json.loads(ran.stdout)) == without_times(json.loads((run / "ended.json").read_text()))


def without_times(value):
    """A result without what differs from run to run."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if "seconds" not in k}
    return [without_times(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("name", "file", "damage"), cases(FEW))
def test_what_a_start_cannot_do_without_is_refused(cli, made, tmp_path, name, file, damage):
    check_is_refused(cli, made, tmp_path, name, file, damage)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file", "damage"), cases([d for d in DAMAGES if d not in FEW]))
def test_every_damage_is_refused(cli, made, tmp_path, name, file, damage):
    check_is_refused(cli, made, tmp_path, name, file, damage)
