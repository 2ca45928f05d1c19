import csv
import io
import json

import pytest

from minecli.report.formats import estimate_records, estimate_values, to_csv, to_ndjson
from minecli.report.listing import columns_payload, columns_table, doctor_table
from minecli.report.payload import with_unit
from minecli.report.tables import estimate_table


def entry(name, mi, **changes):
    base = {
        "estimator": name,
        "mi_nats": mi,
        "standard_error_nats": 0.0131,
        "interval": {"low_nats": 0.7998, "high_nats": 0.851, "level": 0.95, "covers": "the bound"},
        "p_value": None,
        "status": "converged",
        "trustworthy": True,
        "diagnostics": [],
        "seconds": 8.94,
        "details": {},
    }
    return base | changes


def content(*entries, **comparison):
    return {
        "unit": "nats",
        "config": {"seed": 0},
        "data": {
            "source": "a.parquet",
            "n": 5000,
            "rows_sampled_from": None,
            "rows_dropped": 0,
            "x": {"columns": ["x0"], "dimensions": 1},
            "z": {"columns": ["z0"], "dimensions": 1},
        },
        "estimates": list(entries),
        "comparison": {
            "agree": True,
            "believe": "mine",
            "trustworthy": True,
            "remark": "They agree.",
            "diagnostics": [],
        }
        | comparison,
    }


TIES = {"code": "ties-in-data", "severity": "warning", "message": "12 % of the rows are tied"}

EXPECTED = """\
a.parquet, 5,000 rows
X: x0 (1)   Z: z0 (1)

estimator   MI in nats   ± s.e.   95% interval       status      seconds
────────────────────────────────────────────────────────────────────────
mine            0.8254   0.0131   0.7998 to 0.8510   converged       8.9
ksg             0.9386   0.0131   0.7998 to 0.8510   doubtful        8.9

warning: ksg: 12 % of the rows are tied [ties-in-data]
The interval of mine covers the bound.
The interval of ksg covers the bound.
Believe mine, 0.8254 nats. They agree.
"""


def test_table_for_people():
    table = estimate_table(
        content(entry("mine", 0.8254), entry("ksg", 0.9386, trustworthy=False, diagnostics=[TIES])), width=80
    )
    assert table == EXPECTED


@pytest.mark.parametrize("unit", ["nats", "bits"])
def test_table_fits_80_columns_and_says_its_unit(unit):
    wide = entry("mixed-ksg", -12.3456, standard_error_nats=1.25, status="interrupted", seconds=12345.6)
    wide["interval"] = wide["interval"] | {"low_nats": -14.8123, "high_nats": -10.0123}
    text = estimate_table(with_unit(content(wide, believe="mixed-ksg"), unit), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert f"in {unit}" in text
    assert f" {unit}." in text
    assert "mixed-ksg: The run was stopped early" in text


def test_table_says_doubt():
    doubtful = entry("ksg", 0.9, trustworthy=False, diagnostics=[TIES])
    text = estimate_table(content(doubtful, believe="ksg", trustworthy=False), width=80)
    assert text.endswith("Doubt ksg, 0.9000 nats: ties-in-data.\n")
    nothing = entry("ksg", None, status="infinite", interval=None, standard_error_nats=None, trustworthy=False)
    text = estimate_table(content(nothing, believe=None, trustworthy=False, remark="It is infinite."), width=80)
    assert " infinite " in text
    assert text.endswith("Doubt: It is infinite.\n")


def test_table_says_what_happened_to_the_rows():
    payload = content(entry("mine", 0.1))
    payload["data"] |= {"rows_sampled_from": 10000, "rows_dropped": 7}
    payload["data"]["x"] = {"columns": [f"x{i}" for i in range(9)], "dimensions": 9}
    text = estimate_table(payload, width=80)
    assert "5,000 rows sampled from 10,000, 7 with missing values dropped" in text
    assert "X: x0, x1, ..., x8 (9)" in text


def test_colour_only_when_asked():
    payload = content(entry("mine", 0.8254))
    assert "\x1b[" not in estimate_table(payload)
    assert "\x1b[" in estimate_table(payload, color=True)


def test_records_are_flat_and_in_the_unit():
    payload = with_unit(content(entry("mine", 0.8254, diagnostics=[TIES, TIES])), "bits")
    records = estimate_records(payload)
    (row,) = csv.DictReader(io.StringIO(to_csv(records)))
    assert float(row["mi_bits"]) == payload["estimates"][0]["mi_bits"]
    assert row["diagnostics"] == "ties-in-data;ties-in-data"
    assert json.loads(to_ndjson(records))["estimator"] == "mine"


def test_bare_values():
    payload = content(
        entry("mine", 0.1), entry("ksg", None, status="infinite"), entry("gaussian", None, status="nonfinite")
    )
    assert estimate_values(payload) == "0.1\ninf\nnan\n"


def test_empty_listing_is_a_header_line():
    assert to_csv([]) == "\n"
    assert to_ndjson([]) == ""


COLUMN = {
    "name": "color", "type": "text", "width": 3, "missing": 0, "distinct": 3, "minimum": "a", "maximum": 2.0,
    "encoding": "one-hot", "usable": True,
}  # fmt: skip


def test_columns_listing():
    assert columns_payload([COLUMN], source="a.csv", tool_version="1")["columns"] == [COLUMN]
    text = columns_table([COLUMN, COLUMN | {"name": "[odd] name", "usable": False, "distinct": None}], width=80)
    assert "[odd] name" in text
    assert text.splitlines()[0].split() == [
        "column",
        "type",
        "width",
        "missing",
        "distinct",
        "min",
        "max",
        "used",
        "as",
    ]


def test_doctor_listing():
    items = [{"kind": "engine", "name": "slurm", "found": False, "value": "not found", "reason": "no sbatch"}]
    assert doctor_table({"items": items}).split() == ["slurm", "not", "found", "no", "sbatch"]
