"""The table of `minecli ib`, its JSON object and its records."""

import csv
import io
import json

import pytest

from minecli.report.formats import to_csv, to_json
from minecli.report.ib_tables import ib_table
from minecli.report.payload import method_payload, seed_records

SETTINGS = {"epochs": 30, "code_dim": 8, "betas": [0.001]}
ERRORS = {"error_percent": 1.2, "last_error_percent": 1.3, "oracle_error_percent": 1.1, "one_draw_error_percent": 1.9,
          "nll_nats": 0.0456, "calibration_error": 0.0078, "label_information_nats": 2.2}  # fmt: skip


def information(nats=3.0, status="converged", near=False, **bounds):
    return {"nats": nats, "standard_error_nats": 0.01, "status": status, "near_ceiling": near, "ceiling_nats": 7.6,
            "low_nats": None, "high_nats": None, "divergence_nats": None} | bounds  # fmt: skip


def seed(number, broken=None, measured=None, **metrics):
    found = {
        "seed": number, "status": "max_steps" if broken is None else "diverged", "broken_at_step": broken,
        "step": 3000, "information_nats": None, "metrics": metrics, "history": [],
    }  # fmt: skip
    if measured is not None:
        found |= {"information": measured, "information_nats": measured["nats"]}
    return found


def summary(mean, error=None, seeds=1):
    return {"mean": mean, "standard_error": error, "seeds": seeds}


def method(name, *seeds, finished=True, weighed=True, choosing=(), **means):
    found = {"method": name, "seconds": 61.7, "finished": finished, "seeds": list(seeds), "summary": means}
    if not finished:
        return found | {"choice": None, "choosing": []}
    return found | {
        "choice": {"beta": 0.001, "epoch": 25}, "beta": 0.001, "weighed": weighed, "epochs": 30,
        "binomial_error_percent": 0.1089, "choosing": list(choosing),
    }  # fmt: skip


def payload(*methods, seeds=(0, 1), preset="quick", dataset="mnist", held_back=10_000, comparisons=()):
    found = method_payload(
        command="ib",
        config={"dataset": dataset, "preset": preset, "seeds": seeds, "config": SETTINGS},
        data={"rows": 60_000, "rows_held_back": held_back, "rows_tested": 10_000},
        methods=methods,
        interrupted=any(not m["finished"] for m in methods),
        environment={"device": "cpu"},
        definitions={"error_percent": "a share"},
    )
    return found | {"comparisons": list(comparisons)}


def comparison(name="mine-additive", difference=-0.123, p=0.0312, *mcnemar):
    pairs = [{"only_method_wrong": 5, "only_reference_wrong": 9, "p_value": v} for v in mcnemar or (0.4, 1e-7)]
    return {"method": name, "reference": "dvb", "difference_percent": difference, "standard_error_percent": 0.05,
            "p_value": p, "mcnemar": pairs}  # fmt: skip


MEANS = {name: summary(value, value / 10, 2) for name, value in ERRORS.items()}
BASELINE = method("baseline", seed(0, **ERRORS), seed(1, **ERRORS), weighed=False, **MEANS)
MINE = method("mine-additive", seed(0, measured=information(), **ERRORS), seed(1, measured=information(), **ERRORS),
              **MEANS, information_nats=summary(3.0, 0.2, 2))  # fmt: skip
DVB = method("dvb", seed(0, measured=information(low_nats=2.9, high_nats=3.1), **ERRORS), **MEANS,
             information_nats=summary(3.0), information_low_nats=summary(2.9),
             information_high_nats=summary(3.1))  # fmt: skip


def flowing(text):
    return " ".join(text.split())


def row_of(text, name):
    """All cells of a method, over all tables."""
    return [cell for line in text.splitlines() if line.startswith(f"{name} ") for cell in line.split()[1:]]


def test_errors_then_information_then_tests():
    text = ib_table(payload(BASELINE, DVB, MINE, comparisons=[comparison()]), width=200)
    assert row_of(text, "baseline") == ["1.2±0.12", "0.11", "-", "25", "1.3±0.13", "1.1±0.11", "1.9±0.19",
                                        "0.0456±0.0046", "0.0078±0.00078", "62", "-", "-", "-", "2.2±0.22"]  # fmt: skip
    assert row_of(text, "dvb")[2] == "0.001"
    assert row_of(text, "dvb")[-4:] == ["3", "2.9", "3.1", "2.2±0.22"]
    assert row_of(text, "mine-additive")[10:14] == ["3±0.2", "-", "-", "2.2±0.22"]
    line = next(line for line in text.splitlines() if line.startswith("mine-additive against dvb"))
    assert line.split()[3:] == ["-0.123±0.050", ".031", ".4", "<.001"]
    assert "mnist, preset quick: 30 epochs, 2 seeds, bottleneck of 8; 60,000 rows learnt, 10,000 tested" in text
    assert "epoch and beta chosen on 10,000 of the rows, then all learnt; mean ± standard error over seeds" in text
    assert "which no honest choice can know" in text
    assert "the quick preset is small" in text
    assert "still rising" not in text
    assert "*:" not in text
    assert "\x1b[" in ib_table(payload(MINE), color=True)


def test_what_nobody_has_is_left_out():
    text = ib_table(payload(BASELINE, seeds=(0,), preset="paper", held_back=0))
    assert row_of(text, "baseline")[-2:] == ["62", "2.2±0.22"]
    assert "against" not in text
    assert "chosen on" not in text
    assert "standard error over seeds" not in text
    assert "quick" not in text


def test_every_beta_of_the_information_plane():
    points = [
        {"beta": beta, "summary": {"error_percent": summary(error), "information_nats": summary(nats),
                                   "label_information_nats": summary(2.0)}, "near_ceiling": nats > 3.0}
        for beta, error, nats in ((0.001, 1.5, 4.0), (0.1, 9.0, 1.0))
    ]  # fmt: skip
    several = method("mine-additive", seed(0, **ERRORS), choosing=points, **MEANS)
    text = ib_table(payload(several, BASELINE), width=120)
    assert "information plane" in text
    rows = [line.split()[3:] for line in text.splitlines() if line.startswith("mine-additive, beta")]
    assert rows == [["1.5", "4*", "2"], ["9", "1", "2"]]
    one = method("mine-additive", seed(0, **ERRORS), choosing=points[:1], **MEANS)
    assert "information plane" not in ib_table(payload(one))


def test_the_papers_protocol_is_said_not_to_control_the_information():
    means = MINE["summary"] | {"information_in_training_nats": summary(0.5)}
    run = payload(MINE | {"summary": means}, DVB)
    plain = flowing(ib_table(run))
    assert "beta does not control" not in plain
    run["config"]["config"] = SETTINGS | {"protocol": "paper"}
    said = "beta does not control I(X;Z) there, it is 0.5 in training and 3 by fresh networks (mine-additive)"
    assert said in flowing(ib_table(run))


def test_what_is_known_badly_is_marked():
    near = method("mine-additive", seed(0, measured=information(7.0, near=True), **ERRORS),
                  seed(1, measured=information(status="max_steps"), **ERRORS), **MEANS,
                  information_nats=summary(5.0, 2.0, 2))  # fmt: skip
    text = ib_table(payload(near), width=160)
    assert "5±2*" in row_of(text, "mine-additive")
    assert "*: more than, or close to, the 7.6 nats that so many held-out rows can certify" in flowing(text)
    assert "the bound on I(X;Z) was still rising when its steps were used up: mine-additive" in flowing(text)


@pytest.mark.parametrize("width", range(40, 121, 10))
def test_cells_are_whole_in_any_width(width):
    text = ib_table(payload(BASELINE, MINE, comparisons=[comparison()]), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert row_of(text, "baseline") == row_of(ib_table(payload(BASELINE, MINE), width=200), "baseline")
    assert "…" not in text


def test_what_did_not_end_well_is_said():
    gone = method("dvb", seed(0, **ERRORS), seed(1, broken=70), **MEANS)
    stopped = method("mine-additive", seed(0), finished=False)
    text = ib_table(payload(gone, stopped))
    assert "dvb: seed 1 diverged at step 70" in text.splitlines()
    assert "mine-additive: stopped before its end" in text.splitlines()
    nothing = method("dvb", seed(0, broken=4)) | {"choice": None}
    assert "dvb: seed 0 diverged at step 4" in ib_table(payload(nothing))


def test_many_seeds_show_the_first_three_of_their_tests():
    text = ib_table(
        payload(MINE, DVB, comparisons=[comparison("mine-additive", 0.2, 1.0, 0.5, 1.0, 0.25, 0.125)]), width=120
    )
    line = next(line for line in text.splitlines() if line.startswith("mine-additive against dvb"))
    assert line.split()[3:] == ["+0.200±0.050", "1", ".5", "1", ".25"]


def test_markup_in_names_is_text():
    assert "[red]a.csv[/red]" in flowing(ib_table(payload(BASELINE, dataset="[red]a.csv[/red]"), width=160))


def test_the_payload_is_plain():
    content = json.loads(to_json(payload(BASELINE, MINE, comparisons=[comparison()])))
    assert (content["command"], content["unit"]) == ("ib", "nats")
    assert content["comparisons"][0]["mcnemar"][1]["p_value"] == 1e-7
    assert content["methods"][1]["seeds"][0]["information"]["status"] == "converged"


def test_records_have_the_same_keys():
    records = seed_records(payload(BASELINE, DVB, method("mine-additive", seed(0, broken=9))))
    assert [(r["method"], r["seed"]) for r in records] == [("baseline", 0), ("baseline", 1), ("dvb", 0),
                                                           ("mine-additive", 0)]  # fmt: skip
    assert len({tuple(r) for r in records}) == 1
    rows = list(csv.DictReader(io.StringIO(to_csv(records))))
    assert [r["information_nats"] for r in rows] == ["", "", "3.0", ""]
    assert records[3]["error_percent"] is None
