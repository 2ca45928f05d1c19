"""`minecli estimators`: the registry, whole, in every format."""

import csv
import io
import json
import re

import pytest

from minecli.estimators.registry import ESTIMATORS

KEYS = ["name", "computes", "kind", "assumes", "fails", "reference", "pointwise"]


def test_json_lists_the_registry_in_its_order(cli):
    ran = cli("estimators")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.json["command"] == "estimators"
    assert [e["name"] for e in ran.json["estimators"]] == list(ESTIMATORS)
    for entry in ran.json["estimators"]:
        assert list(entry) == KEYS
        assert all(entry[key] for key in KEYS[:-1])


def test_records_say_the_same_as_json(cli):
    expected = cli("estimators").json["estimators"]
    assert [json.loads(line) for line in cli("estimators", "--format", "ndjson").stdout.splitlines()] == expected
    rows = list(csv.DictReader(io.StringIO(cli("estimators", "--format", "csv").stdout)))
    assert [{k: str(v) for k, v in e.items()} for e in expected] == rows


@pytest.mark.parametrize("words", [("--format", "table"), ()])
def test_table_names_all_and_fits_a_terminal(cli, words):
    lines = re.sub(r"\x1b\[[0-9;]*m", "", cli("estimators", *words, terminal=not words).stdout).splitlines()
    assert [line.split()[0] for line in lines if line[:1].strip()] == list(ESTIMATORS)
    assert any("no bound" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_to_a_file_and_to_nowhere(cli, tmp_path):
    assert cli("estimators", "-o", tmp_path / "e.json").stdout == ""
    assert json.loads((tmp_path / "e.json").read_text())["command"] == "estimators"
    ran = cli("estimators", "-o", tmp_path / "no" / "e.json")
    assert (ran.code, ran.stdout) == (2, "")
