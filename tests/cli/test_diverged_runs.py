"""What `minecli gan`, `ali` and `ib` answer to the shell where models diverged."""

import json
from dataclasses import replace

import numpy as np
import pytest

from minecli.apps.gan.training import GanTraining
from minecli.apps.ib import config as ib_config

ON_CPU = ("--threads", "1", "--device", "cpu")
# So large that the first steps already leave the range of numbers.
HOPELESS = ("--learning-rate", "1e30", *ON_CPU)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    few = {"epochs": 2, "least_steps": 1, "evaluate_every": 1, "hidden": 8, "code_dim": 2, "information_steps": 2}
    monkeypatch.setitem(ib_config._TABLE, "quick", replace(ib_config._TABLE["quick"], **few))


@pytest.fixture
def table(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "data.csv"
    rows = "".join(f"{a},{b},{'yes' if a + b > 0 else 'no'}\n" for a, b in rng.normal(size=(120, 2)).round(3))
    path.write_text(f"a,b,label\n{rows}")
    return path


SMALL = ("--steps", "6", "--batch-size", "20", "--samples", "50")
RUNS = {
    "gan": ("gan", "spiral", "--seeds", "2", *SMALL),
    "ali": ("ali", "gaussians25", "--method", "mine,ali", "--seeds", "1", *SMALL),
    "ib": ("ib", "data.csv", "--x", "a,b", "--target", "label", "--method", "mine,dvb", "--seeds", "2"),
}


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS.keys())
def test_a_run_without_a_finite_model_is_not_done(cli, table, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    ran = cli(*words, *HOPELESS, "-qq", "--run-dir", "run")
    assert ran.code == 4
    assert {s["status"] for entry in ran.json["methods"] for s in entry["seeds"]} == {"diverged"}
    assert json.loads((tmp_path / "run" / "summary.json").read_text()) == ran.json
    (line,) = ran.stderr.splitlines()
    assert line.startswith("minecli: every model diverged: ")
    assert "try a smaller --learning-rate" in line
    again = cli(words[0], "--resume", "run", *ON_CPU, "-qq", "--format", "table")
    assert again.code == 4
    assert again.stderr == ran.stderr


@pytest.fixture
def one_diverges(monkeypatch):
    """The samples of the second seed are not finite."""
    measure = GanTraining.measure

    def measured(self):
        found, bound = measure(self)
        return [found[0], (False, {})], bound

    monkeypatch.setattr(GanTraining, "measure", measured)


def test_a_run_with_a_finite_model_warns_and_is_done(cli, one_diverges):
    ran = cli(*RUNS["gan"], *ON_CPU, "-q")
    assert ran.code == 0
    assert [s["status"] for s in ran.json["methods"][0]["seeds"]] == ["max_steps", "diverged"]
    assert "warning: 1 of 2 models diverged: mine: seed 1 diverged at step " in ran.stderr
    table = cli(*RUNS["gan"], *ON_CPU, "-q", "--format", "table")
    assert table.code == 0
    assert "mine: seed 1 diverged" in table.stdout
    assert "diverged" not in table.stderr
