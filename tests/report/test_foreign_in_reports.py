"""Names and values that others chose, in every table, format and picture: shown as what they are, obeyed nowhere."""

import csv
import io
import json
import re
import unicodedata
import warnings

import numpy as np
import pytest

from minecli.foreign import Styled
from minecli.report.ali_tables import ali_table
from minecli.report.bench_tables import bench_table, list_table
from minecli.report.figure_style import image
from minecli.report.formats import defused_columns, to_csv, to_json, to_ndjson
from minecli.report.gan_figures import column_figure
from minecli.report.gan_tables import gan_table
from minecli.report.ib_figures import pictures
from minecli.report.ib_tables import ib_table
from minecli.report.listing import columns_table, doctor_table, estimators_table
from minecli.report.payload import method_payload
from minecli.report.tables import estimate_table

# No table of ours uses magenta.
ODD = "o\x1b[35m\x1b]0;t\x07\x1b[2J\x08\x9b2J\x7f\u202e\u200b\u2028\udcff[red]x[/red][link=http://a]:smile:\n"
_OURS = re.compile(r"\x1b\[(?:0|1|2|31|32|33|1;31|1;32|1;33)m")


def check(text):
    """Nothing unseen but our own colours and line ends, and the odd name told in full somewhere."""
    assert isinstance(text, Styled)
    plain = _OURS.sub("", text)
    assert {c for c in plain if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} <= {"\n"}
    assert "\N{SMILING FACE WITH OPEN MOUTH AND SMILING EYES}" not in plain
    joined = re.sub(r"\s", "", plain)
    for piece in (r"o\x1b[35m", r"\x1b]0;t\x07", "[red]x[/red]", "[link=http://a]", ":smile:"):
        assert piece in joined, f"{piece} is not shown"
    return plain


def side(name):
    return {"columns": [name], "dimensions": 1, "entropy_nats": 0.6}


def estimates(name):
    said = {"code": "few-samples", "severity": "warning", "direction": "too low", "message": f"of '{name}'"}
    one = {
        "estimator": "ksg", "mi_nats": 0.5, "standard_error_nats": None, "interval": None, "status": "converged",
        "trustworthy": True, "diagnostics": [said], "seconds": 1.0, "details": {},
    }  # fmt: skip
    verdict = {
        "answer": "believe", "trustworthy": True, "estimator": "ksg", "mi_nats": 0.5, "at_least_nats": None,
        "at_most_nats": None, "correlation": 0.8, "share_of_entropy": 0.5, "rule": "only value",
        "reason": f"because of {name}", "agree": True, "excluded": [],
    }  # fmt: skip
    data = {"source": name, "n": 100, "rows_sampled_from": None, "rows_dropped": 0, "x": side(name), "z": side(name)}
    return {"unit": "nats", "config": {"seed": 0}, "data": data, "estimates": [one], "verdict": verdict}


def compared(command, settings, name, entry, **data):
    seeds = [{"seed": 0, "broken_at_step": None, "information": None, "step": 1, "metrics": {}, "history": []}]
    common = {"method": "mine", "seconds": 1.0, "finished": True, "seeds": seeds, "summary": {}}
    return method_payload(
        command=command,
        config={"dataset": name, "preset": "paper", "seeds": [0], "config": settings},
        data=data,
        methods=[common | entry],
        interrupted=False,
        environment={},
        definitions={},
    )


def ali(name):
    settings = {"steps": 1, "noise_dim": 0, "code_dim": 2, "beta": 1.0, "arch": "mlp"}
    return ali_table(compared("ali", settings, name, {}, rows=10, notes=[f"'{name}' is used as labels"]), color=True)


def gan(name):
    column = dict.fromkeys(("ks", "generated_mean", "real_mean", "generated_std", "real_std"), 0.1)
    measured = ("energy_distance", "energy_by_chance", "energy_p_value", "same_sample_share", "same_sample_by_chance")
    gap = {"difference": 0.1, "first": name, "second": name}
    report = {
        "columns": [column | {"name": name, "wasserstein": None}],
        "joint": dict.fromkeys(measured, 0.1) | {"correlation": gap},
    }
    settings = {"steps": 1, "noise_dim": 1, "code_dim": 2, "beta": 1.0}
    return gan_table(compared("gan", settings, name, {"report": report}), color=True)


def ib(name):
    settings = {"epochs": 1, "code_dim": 2}
    data = {"rows": 10, "rows_tested": 5, "rows_held_back": 0}
    return ib_table(compared("ib", settings, name, {"choosing": [], "choice": None}, **data), color=True)


def bench(name):
    answer = {
        "estimator": "ksg", "mean_nats": 0.1, "error_nats": 0.0, "covered": 0, "intervals": 0, "median_seconds": 1.0,
        "diagnostics": {}, "statuses": {},
    }  # fmt: skip
    task = {"spec": name, "place": {}, "true_mi_nats": 0.1, "answers": [answer]}
    failed = {"spec": name, "seed": 0, "estimator": "ksg", "message": name, "status": "failed"}
    payload = {"tasks": [task], "records": [failed], "estimators": [], "cells": 1, "cells_done": 1}
    return bench_table(payload, color=True)


COLUMN = {
    "name": ODD, "type": "text", "width": 0, "missing": 0, "distinct": 3, "minimum": ODD, "maximum": ODD,
    "kind": None, "encoding": f"is text, as '{ODD}'", "usable": False,
}  # fmt: skip
ESTIMATOR = dict.fromkeys(("name", "computes", "kind", "assumes", "fails", "reference"), ODD)
ITEM = {"name": ODD, "value": ODD, "found": True, "reason": ODD}

TABLES = {
    "estimate": lambda: estimate_table(estimates(ODD), color=True, explain=True),
    "columns": lambda: columns_table([COLUMN], width=400, color=True),
    "estimators": lambda: estimators_table([ESTIMATOR], width=300, color=True),
    "doctor": lambda: doctor_table({"items": [ITEM]}, width=300, color=True),
    "tasks": lambda: list_table([{"spec": ODD, "x_columns": 1, "z_columns": 1, "true_mi_nats": 0.1}], color=True),
    "bench": lambda: bench(ODD),
    "ali": lambda: ali(ODD),
    "gan": lambda: gan(ODD),
    "ib": lambda: ib(ODD),
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_no_table_obeys_a_name(table):
    check(TABLES[table]())


def test_the_check_would_notice():
    with pytest.raises(AssertionError):
        check(Styled(f"\x1b[1mours\x1b[0m {ODD}"))


@pytest.mark.parametrize("name", ["N" * 10_000, "N " * 5_000], ids=["word", "words"])
def test_a_long_name_does_not_flood_a_table(name):
    told = estimate_table(estimates(name), explain=True)
    assert len(told) < 5_500
    listed = columns_table([COLUMN | {"name": name, "minimum": name, "maximum": name, "encoding": f"as '{name}'"}])
    assert len(listed) < 4_500
    assert "N..." in re.sub(r"\s", "", listed)


def test_json_holds_the_same_content_without_what_cannot_be_seen():
    records = [COLUMN, {ODD: [ODD]}]
    for text, content in ((to_json(records), records), (to_ndjson([COLUMN]), COLUMN)):
        assert json.loads(text) == content
        assert text.replace("\n", "").isprintable()
        assert "\\u202e" in text
        text.encode("utf-8")


def test_csv_holds_text_as_it_is():
    name = ODD.replace("\udcff", "")
    assert list(csv.reader(io.StringIO(to_csv([{"a": name, "b": "=1+1"}]), newline="")))[1] == [name, "=1+1"]


FORMULAS = ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "\r=1"]


def test_a_spreadsheet_runs_no_text():
    records = [{"=name": text, "number": -1.5, "none": None, "flag": True} for text in [*FORMULAS, "a=b", ""]]
    header, *rows = csv.reader(io.StringIO(to_csv(records, defuse=True), newline=""))
    assert header == ["'=name", "number", "none", "flag"]
    assert [row[0] for row in rows] == [*(f"'{text}" for text in FORMULAS), "a=b", ""]
    assert {tuple(row[1:]) for row in rows} == {("-1.5", "", "True")}


def test_a_spreadsheet_runs_no_text_of_a_table():
    import pyarrow as pa

    labels = pa.array(["=1", "b", None]).dictionary_encode()
    found = defused_columns({"@a": np.array([-1.0, 2.0, 3.0]), "+labels": labels, "days": ["-x", None, "y"]})
    assert {name: array.to_pylist() for name, array in found.items()} == {
        "'@a": [-1.0, 2.0, 3.0],
        "'+labels": ["'=1", "b", None],
        "days": ["'-x", None, "y"],
    }


@pytest.mark.parametrize("name", ["\x1b[2J\x00\u202e", r"$\frac$", "price $ in $x_{", "N" * 10_000])
def test_pictures_take_a_name_for_a_name(name):
    rows = {name: np.arange(20.0), "labels": [name, r"$a^^$"] * 10}
    codes = np.arange(40.0, dtype=np.float32).reshape(20, 2)
    classified = compared("ib", {"epochs": 1, "code_dim": 2}, "a.csv", {"choosing": []})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a character that the font lacks
        for kind in ("png", "svg"):
            assert image(column_figure(rows, [("mine", rows, "#000000")]), kind)
        assert pictures([("mine", codes, np.arange(20) % 2)], [name, "b"], classified)
