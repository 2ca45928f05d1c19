"""A new bound is one entry in one table: all the rest, from the command line to benchmarks, follows from it."""

import json
import subprocess
import sys

import pytest

from minecli.errors import UsageError
from minecli.mine.config import TrainingConfig

# Half the Donsker-Varadhan bound is a lower bound, too, where the information is not negative.
ENTRY = """
import sys
from minecli.mine import bounds, contributions, objectives

def half(joint, marginal):
    return 0.5 * bounds.donsker_varadhan(joint, marginal)

def halved(own, as_x, as_z):
    whole = contributions.normalised(own, as_x, as_z)
    return contributions.RowTerms(0.5 * whole.value_nats, whole.log_ratio, 0.5 * whole.influence, whole.effective_rows)

def objective():
    rows = contributions.Contribution(contributions.exponentials, halved)
    ascent = lambda joint, marginal, average: half(joint, marginal)
    return objectives.Objective(value=half, ascent=ascent, contribution=rows)

objectives.BOUNDS["half"] = objectives.Bound(
    objective=objective,
    estimator="half-mine",
    summary="half the Donsker-Varadhan bound",
    fails="always: half as much as there is",
    reference="nobody, 2018",
    defaults={"max_steps": 30, "hidden": 8},
)
from minecli.cli.main import main
sys.argv[0] = "minecli"
main()
"""


def with_entry(*arguments):
    done = subprocess.run([sys.executable, "-c", ENTRY, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_entry_makes_an_estimator_with_its_own_defaults(tmp_path):
    listed = {entry["name"]: entry for entry in with_entry("estimators", "--format", "json")["estimators"]}
    assert listed["half-mine"]["computes"] == "half the Donsker-Varadhan bound"
    assert listed["half-mine"]["kind"] == "lower bound"
    quick = ["--format", "json", "--device", "cpu", "--threads", "1", "-q", "--max-steps", "20", "--hidden", "8"]
    cell = ["bench", "fig1", "--dims", "1", "--rhos", "0.9", "-n", "400", "--folds", "2"]
    answer = with_entry(*cell, "-e", "half-mine", "-e", "mine", *quick)
    half, whole = (next(r for r in answer["records"] if r["estimator"] == name) for name in ("half-mine", "mine"))
    # 0.830 nats. The Gaussian base knows them from the start, and 20 steps leave it where it was.
    assert half["mi_nats"] == pytest.approx(0.5 * whole["mi_nats"], rel=0.1)
    assert whole["mi_nats"] > 0.6
    assert answer["config"]["estimators"]["half-mine"]["bound"] == "half"


def test_a_bound_without_an_entry_is_refused_by_name():
    with pytest.raises(UsageError, match="bound is 'half'; it must be one of donsker-varadhan, nwj, "):
        TrainingConfig(bound="half")
