"""columns, sample, doctor, version, help; and the sample files against their manifest."""

import csv
import gzip
import io
import json
import re
import shlex

import numpy as np
import pyarrow.parquet as pq
import pytest

from minecli import __version__
from minecli.cli import columns, doctor, estimate, estimators, sample
from minecli.tasks.registry import TASKS, make_task
from minecli.tasks.task import parameters

COMMANDS = {"estimate": estimate, "estimators": estimators, "columns": columns, "sample": sample, "doctor": doctor}


def test_version(cli):
    assert cli("--version").stdout == f"minecli {__version__}\n"


def test_no_arguments_is_help_but_no_result(cli):
    ran = cli()
    assert (ran.code, ran.stdout) == (2, "")
    assert "Usage" in ran.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_an_example_that_runs(cli, capsys, monkeypatch, sample_data, name):
    assert cli(name, "--help").code == 0
    shown = capsys.readouterr().out
    assert "Example: " in COMMANDS[name].HELP
    example = COMMANDS[name].HELP.rsplit("Example: ", 1)[1].strip()
    assert example in " ".join(re.sub(r"[│╭╮╰╯─]", " ", shown).split())
    monkeypatch.chdir(sample_data.parent)
    program, *words = shlex.split(example)
    assert program == "minecli"
    ran = cli(*words)
    assert ran.code == 0, ran.stderr
    assert ran.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_terminal(cli, capsys, name):
    cli(name, "--help")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_columns_formats(cli, sample_data):
    path = sample_data / "mixed_missing.csv"
    ran = cli("columns", path)
    assert [c["name"] for c in ran.json["columns"]] == ["x0", "z0"]
    assert ran.json["columns"][0]["missing"] > 0
    assert len(list(csv.DictReader(io.StringIO(cli("columns", path, "--format", "csv").stdout)))) == 2
    assert len(cli("columns", path, "--format", "ndjson").stdout.splitlines()) == 2
    assert "used as" in cli("columns", path, "--format", "table").stdout
    assert "used as" in cli("columns", path, terminal=True).stdout


def test_columns_to_a_file(cli, sample_data, tmp_path):
    assert cli("columns", sample_data / "nonlinear.csv", "-o", tmp_path / "c.json").stdout == ""
    assert json.loads((tmp_path / "c.json").read_text())["command"] == "columns"


def test_columns_errors(cli, tmp_path):
    ran = cli("columns", tmp_path / "none.csv")
    assert (ran.code, ran.stdout) == (3, "")
    ran = cli("columns", "a.csv", "-o", tmp_path / "no" / "c.json")
    assert ran.code == 2


def test_doctor_gives_reasons(cli):
    items = {item["name"]: item for item in cli("doctor").json["items"]}
    assert items["minecli"]["value"] == __version__
    assert items["slurm"]["found"] or "sbatch is not on the PATH" in items["slurm"]["reason"]
    assert items["ray"]["found"] or items["ray"]["reason"] == "the package ray is not installed"
    assert items["--device auto"]["reason"].startswith("auto: ")
    assert "torch" in cli("doctor", "--format", "table").stdout
    assert cli("doctor", "--format", "csv").stdout.startswith("kind,name,found,value,reason\n")
    assert len(cli("doctor", "--format", "ndjson").stdout.splitlines()) == len(items)


def test_sample_says_the_truth_on_stderr_only(cli):
    ran = cli("sample", "gaussian", "--rho", "0.9", "-n", "5")
    assert ran.stdout.startswith("x0,z0\n")
    assert ran.stdout.count("\n") == 6
    assert "true MI 0.830366 nats" in ran.stderr
    assert cli("sample", "gaussian", "-n", "5", "-q").stderr == ""


def test_sample_to_parquet_and_estimate_from_it(cli, tmp_path):
    path = tmp_path / "s.parquet"
    assert cli("sample", "student", "--dim", "2", "--dof", "1", "-n", "50", "-o", path).stdout == ""
    facts = pq.read_schema(path).metadata
    assert float(facts[b"minecli.true_mi_nats"]) == make_task("student", dim=2, dof=1.0).true_mi_nats()
    assert cli("estimate", path, "--x", "x*", "--z", "z*", "-e", "ksg").json["data"]["x"]["dimensions"] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sample", "gausian"), "did you mean gaussian?"),
        (("sample", "gaussian", "--dof", "3"), "the task 'gaussian' has no --dof; it has --dim, --rho"),
        (("sample", "gaussian", "-n", "0"), "-n is 0"),
        (("sample", "gaussian", "-o", "/nowhere/a.csv"), "the folder '/nowhere' does not exist"),
        (("sample", "gaussian", "-o", "a.xlsx"), "allowed are .parquet, .csv and .csv.gz"),
        (("sample", "gaussian", "--seed", "-1"), "the seed is -1"),
        (("sample", "gaussian", "--as-list"), "which CSV cannot store"),
    ],
)
def test_sample_errors(cli, words, message):
    ran = cli(*words)
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr


@pytest.mark.parametrize("name", TASKS)
def test_every_parameter_of_every_task_is_an_option(cli, name):
    words = [
        w for key, value in parameters(make_task(name)).items() for w in (f"--{key.replace('_', '-')}", str(value))
    ]
    assert cli("sample", name, *words, "-n", "3").code == 0


def manifest(sample_data):
    return json.loads((sample_data / "manifest.json").read_text())["files"]


def values(path):
    """Every column as floats (labels as text), lists flattened."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return {n: np.asarray(table.column(n).combine_chunks().to_pylist(), dtype=float) for n in table.column_names}
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    rows = list(csv.reader(io.StringIO(text)))
    return {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}


def test_manifest_lists_every_file(sample_data):
    listed = {entry["file"] for entry in manifest(sample_data)}
    assert listed == {p.name for p in sample_data.iterdir() if p.name not in {"manifest.json", "README.md"}}
    assert sum(p.stat().st_size for p in sample_data.iterdir()) < 5_000_000


@pytest.mark.parametrize("i", range(6))
def test_sample_files_are_what_their_command_makes(cli, sample_data, tmp_path, i):
    entry = manifest(sample_data)[i]
    program, *words = shlex.split(entry["command"])
    assert program == "minecli"
    made = tmp_path / entry["file"]
    words[words.index("-o") + 1] = str(made)
    assert cli(*words).code == 0
    task = make_task(entry["generator"], **entry["parameters"])
    # Libraries differ in the last bit of logarithms from one version to the next.
    assert entry["true_mi_nats"] == pytest.approx(task.true_mi_nats(), rel=1e-12)
    old, new = values(sample_data / entry["file"]), values(made)
    assert list(old) == list(new)
    for name in old:
        assert len(old[name]) == entry["rows"]
        if isinstance(old[name], np.ndarray):
            # Orthonormal directions go through LAPACK, whose builds round differently.
            assert np.allclose(old[name], new[name], rtol=0, atol=1e-12)
        else:
            assert old[name] == new[name]
    found = cli("columns", made, "-q").json["columns"]
    assert found[0]["name"][0] == "x"
