"""The steps of CONTRIBUTING.md, followed: a toy estimator, task and command, made of the code that it shows."""

import inspect
import math
import re
import sys
import textwrap
import types

import pytest
import typer
from shown_sessions import ROOT

from minecli.cli import main
from minecli.docs.tables import RECORDS, regenerated
from minecli.estimators import config, registry
from minecli.tasks import registry as tasks

GUIDE = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(heading):
    """From the path that heads each block of code under a heading to the code."""
    section = GUIDE.split(f"\n## {heading}")[1].split("\n## ")[0]
    shown = re.findall(r"^( *)```python\n(.*?)^ *```", section, re.MULTILINE | re.DOTALL)
    return dict(re.match(r"# (\S+)\n(.*)", textwrap.dedent(code), re.DOTALL).groups() for _, code in shown)


def new_module(code, path, monkeypatch):
    """The module that a new file with this code would be."""
    name = path.removesuffix(".py").replace("/", ".")
    module = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(code, path, "exec"), module.__dict__)
    return module


def run_tests(module, **fixtures):
    ran = 0
    for name, test in vars(module).copy().items():
        if name.startswith("test_"):
            test(**{key: fixtures[key] for key in inspect.signature(test).parameters})
            ran += 1
    assert ran


@pytest.fixture
def toy_estimator(monkeypatch):
    steps = blocks("Add an estimator")
    added = {}
    exec(steps["minecli/estimators/config.py"], {**vars(config)}, added)
    for name, value in added.items():
        monkeypatch.setattr(config, name, value, raising=False)
    new_module(steps["minecli/estimators/pearson.py"], "minecli/estimators/pearson.py", monkeypatch)
    entry = eval(steps["minecli/estimators/registry.py"], {**vars(registry)})
    monkeypatch.setitem(registry.ESTIMATORS, entry.name, entry)
    return steps


@pytest.fixture
def toy_task(monkeypatch):
    steps = blocks("Add a task")
    new_module(steps["minecli/tasks/signs.py"], "minecli/tasks/signs.py", monkeypatch)
    for name, entry in eval(steps["minecli/tasks/registry.py"], {**vars(tasks)}).items():
        monkeypatch.setitem(tasks.TASKS, name, entry)
    return steps


def test_the_toy_estimator_is_estimated_listed_benchmarked_and_documented(toy_estimator, cli, sample_data):
    ran = cli("estimate", sample_data / "gaussian_1d.parquet", "--x", "x0", "--z", "z0", "-e", "pearson")
    assert ran.code == 0, ran.stderr
    assert ran.json["estimates"][0]["mi_nats"] == pytest.approx(0.8304, abs=0.05)
    refused = cli("estimate", sample_data / "student_3d.csv.gz", "--x", "x*", "--z", "z*", "-e", "pearson")
    assert refused.code == 3
    assert "(try -e gaussian)" in refused.stderr
    assert "pearson" in [e["name"] for e in cli("estimators").json["estimators"]]
    ran = cli("bench", "suite", "--tasks", "1v1-normal-0.75", "-n", "500", "--seeds", "1", "-e", "pearson")
    assert ran.code == 0, ran.stderr
    assert ran.json["records"][0]["mi_nats"] == pytest.approx(0.413, abs=0.15)
    page = (ROOT / "minecli" / "docs" / "estimators.md").read_text(encoding="utf-8")
    assert "| `pearson` | correlation of two columns |" in regenerated(page, ROOT / RECORDS)


def test_the_toy_estimators_tests_pass(toy_estimator, monkeypatch):
    run_tests(
        new_module(toy_estimator["tests/estimators/test_pearson.py"], "tests/estimators/test_pearson.py", monkeypatch)
    )


def test_the_toy_task_is_sampled_estimated_benchmarked_and_documented(toy_task, cli, tmp_path):
    path = tmp_path / "signs.parquet"
    ran = cli("sample", "signs", "--rho", "0.8", "-n", "4000", "-o", path)
    assert ran.code == 0, ran.stderr
    truth = math.log(2) + 0.9 * math.log(0.9) + 0.1 * math.log(0.1)
    assert f"true MI {truth:.6g} nats" in ran.stderr
    ran = cli("estimate", path, "--x", "x0", "--z", "z0", "-e", "plug-in", "--categorical", "x0,z0")
    assert ran.json["estimates"][0]["mi_nats"] == pytest.approx(truth, abs=0.05)
    ran = cli("bench", "suite", "--tasks", "signs:rho=0.8", "-n", "500", "--seeds", "1", "-e", "gaussian")
    assert ran.json["records"][0]["true_mi_nats"] == pytest.approx(truth)
    assert cli("sample", "signs", "--rho", "2").code == 2
    page = (ROOT / "minecli" / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert "| `signs` | two random signs, correlation rho |" in regenerated(page, ROOT / RECORDS)


def test_the_toy_tasks_tests_pass(toy_task, monkeypatch):
    run_tests(new_module(toy_task["tests/tasks/test_signs.py"], "tests/tasks/test_signs.py", monkeypatch))


def test_the_toy_command_runs(cli, capsys, monkeypatch):
    steps = blocks("Add a command")
    convert = new_module(steps["minecli/cli/convert.py"], "minecli/cli/convert.py", monkeypatch)
    import minecli.cli

    monkeypatch.setattr(minecli.cli, "convert", convert, raising=False)
    monkeypatch.setattr(main.app, "registered_commands", list(main.app.registered_commands))
    exec(steps["minecli/cli/main.py"], {"app": main.app, "convert": convert})
    # The tree of commands was built without it.
    monkeypatch.setattr(main, "_command", lambda: typer.main.get_command(main.app))
    assert cli("convert", "--help").code == 0
    assert convert.EXAMPLE in capsys.readouterr().out
    run_tests(new_module(steps["tests/cli/test_convert.py"], "tests/cli/test_convert.py", monkeypatch), cli=cli)


def test_every_path_it_names_exists_but_those_of_the_toys():
    toys = {
        path
        for heading in ("Add an estimator", "Add a task", "Add a command")
        for path in blocks(heading)
        if not (ROOT / path).exists()
    }
    assert toys == {
        "minecli/estimators/pearson.py",
        "tests/estimators/test_pearson.py",
        "minecli/tasks/signs.py",
        "tests/tasks/test_signs.py",
        "minecli/cli/convert.py",
        "tests/cli/test_convert.py",
    }
    named = re.findall(r"`((?:minecli|tests|\.ci|\.github)/[\w./-]*)`", GUIDE)
    assert len(named) > 15
    for path in named:
        assert (ROOT / path).exists(), path


def test_the_hooks_and_the_workflow_run_what_it_says():
    hooks = (ROOT / ".ci" / "pre-commit.yaml").read_text()
    assert all(tool in hooks for tool in ("ruff check", "ruff format", "mypy", "[^\\n]{73}"))
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert '["3.11", "3.12", "3.13"]' in workflow
    assert "run: .ci/run" in workflow
