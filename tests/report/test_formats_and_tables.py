import csv
import io
import json

import pytest

from minecli.report.formats import estimate_records, estimate_value, to_csv, to_ndjson
from minecli.report.listing import columns_payload, columns_table, doctor_table
from minecli.report.payload import with_unit
from minecli.report.tables import estimate_table


def entry(name, mi, **changes):
    base = {
        "estimator": name,
        "mi_nats": mi,
        "standard_error_nats": 0.0131,
        "interval": {
            "low_nats": 0.7998, "high_nats": 0.851, "level": 0.95, "covers": "the bound", "certified": True,
            "open_because": None,
        },
        "status": "converged",
        "trustworthy": True,
        "diagnostics": [],
        "seconds": 8.94,
        "details": {},
    }  # fmt: skip
    return base | changes


def content(*entries, **verdict):
    return {
        "unit": "nats",
        "config": {"seed": 0},
        "data": {
            "source": "a.parquet",
            "n": 5000,
            "rows_sampled_from": None,
            "rows_dropped": 0,
            "x": {"columns": ["x0"], "dimensions": 1, "entropy_nats": None},
            "z": {"columns": ["z0"], "dimensions": 1, "entropy_nats": None},
        },
        "estimates": list(entries),
        "verdict": {
            "answer": "believe", "trustworthy": True, "estimator": "mine", "mi_nats": 0.8254, "at_least_nats": 0.7998,
            "at_most_nats": None, "correlation": 0.8988, "share_of_entropy": None, "rule": "sound value",
            "reason": "networks reach it", "agree": True, "excluded": [],
        } | verdict,
    }  # fmt: skip


TIES = {"code": "ties-in-data", "severity": "warning", "direction": "either", "message": "12 % of the rows are tied"}
GAP = {"code": "train-heldout-gap", "severity": "warning", "direction": "too low", "message": "they learn noise"}

EXPECTED = """\
a.parquet, 5,000 rows
X: x0 (1)   Z: z0 (1)

Believe 0.825 nats (1.191 bits): as much as a correlation of 0.90.
mine: networks reach it.

estimator   MI in nats   ± s.e.   95% interval       status      seconds
────────────────────────────────────────────────────────────────────────
mine            0.8254   0.0131   0.7998 to 0.8510   converged       8.9
ksg             0.9386   0.0131   0.7998 to 0.8510   doubtful        8.9

warning: ksg: 12 % of the rows are tied [ties-in-data]
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
    text = estimate_table(with_unit(content(wide, estimator="mixed-ksg"), unit), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert f"in {unit}" in text
    assert f" {unit} (" in text
    assert "mixed-ksg: The run was stopped early" in text


def test_the_verdict_comes_first_in_each_of_its_forms():
    def lines(**verdict):
        payload = content(entry("ksg", 0.9, trustworthy=False, diagnostics=[GAP]), estimator=None, **verdict)
        return estimate_table(payload, width=80)

    shown = lines(answer="at least", trustworthy=False, correlation=0.66, reason="shown by mine", at_least_nats=0.29)
    assert "At least 0.290 nats (0.418 bits): as much as a correlation of 0.66.\nShown by mine.\n" in shown
    assert "doubtful" in shown
    assert "[train-heldout-gap; too low]" in shown
    assert "No dependence found: at most 0.030 nats" in lines(answer="no dependence found", at_most_nats=0.03)
    assert "No dependence found.\n" in lines(answer="no dependence found", trustworthy=False, at_most_nats=0.3)
    assert "Cannot say.\nksg: rows are few." in lines(answer="cannot say", reason="ksg: rows are few")


def test_labels_are_measured_by_their_entropy():
    payload = content(entry("plug-in", 0.1), share_of_entropy=0.19, estimator="plug-in")
    payload["data"]["z"] |= {"entropy_nats": 0.69, "columns": ["disease"]}
    assert "19% of the uncertainty about disease" in " ".join(estimate_table(payload).split())


def test_excluded_values_infinity_and_open_ends():
    out = {"estimator": "ksg", "rule": "below a bound", "reason": "mine shows more"}
    rising = entry("mine", 0.8, status="max_steps")
    rising["interval"] = rising["interval"] | {"high_nats": None, "open_because": "training has not settled"}
    infinite = entry("gaussian", None, status="infinite", interval=None, standard_error_nats=None)
    payload = content(rising, entry("ksg", 0.1, interval=None), infinite, excluded=[out])
    text = estimate_table(payload)
    for words in (" excluded ", " infinite ", "0.7998 or more", "max_steps"):
        assert words in text
    assert "The interval of mine" not in text
    told = " ".join(estimate_table(payload, explain=True).split())
    assert "The interval of mine covers the bound. The lower end alone holds at 97.5 %." in told
    assert "It is open above: training has not settled." in told


def test_what_is_said_of_all_is_said_once():
    payload = content(entry("mine", 0.1, diagnostics=[TIES]), entry("ksg", 0.1, diagnostics=[TIES]))
    assert estimate_table(payload).count("12 % of the rows are tied") == 1


def test_the_share_of_the_gaussian_start_is_said():
    parts = {"base_nats": 0.71, "network_adds_nats": 0.27}
    text = estimate_table(content(entry("mine", 0.98, details=parts)))
    assert "mine: 0.710 nats from its Gaussian start, +0.270 from the networks" in text


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


def test_one_bare_value():
    infinite = entry("ksg", None, status="infinite")
    assert estimate_value(content(entry("mine", 0.1), entry("ksg", 0.3))) == "0.1\n"  # the one believed
    assert estimate_value(content(entry("mine", 0.1), entry("ksg", 0.3), estimator=None)) == "nan\n"
    assert estimate_value(content(entry("ksg", 0.3), estimator=None)) == "0.3\n"  # the only one asked for
    assert estimate_value(content(entry("mine", 0.1), infinite, estimator=None)) == "inf\n"
    assert estimate_value(content(entry("gaussian", None, status="nonfinite"), estimator=None)) == "nan\n"


def test_rows_name_the_columns_and_the_verdict():
    (row,) = estimate_records(content(entry("mine", 0.8254)))
    assert (row["x"], row["z"], row["believed"], row["verdict"]) == ("x0", "z0", True, "believe")


def test_empty_listing_is_a_header_line():
    assert to_csv([]) == "\n"
    assert to_ndjson([]) == ""


COLUMN = {
    "name": "color", "type": "text", "width": 3, "missing": 0, "distinct": 3, "minimum": "a", "maximum": 2.0,
    "kind": "discrete", "encoding": "one-hot", "usable": True,
}  # fmt: skip


def test_columns_listing():
    assert columns_payload([COLUMN], source="a.csv")["columns"] == [COLUMN]
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
        "kind",
        "used",
        "as",
    ]


def test_doctor_listing():
    items = [{"kind": "engine", "name": "slurm", "found": False, "value": "not found", "reason": "no sbatch"}]
    assert doctor_table({"items": items}).split() == ["slurm", "not", "found", "no", "sbatch"]
