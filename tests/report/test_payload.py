import json
import math

import pytest

from minecli.report.payload import EstimateReport, estimate_payload, plain, with_unit
from minecli.result import Diagnostic, DiagnosticCode, Estimate, Interval, Severity, Status

WARNING = Diagnostic(DiagnosticCode.TIES_IN_DATA, "half of the rows are tied")
NOTE = Diagnostic(DiagnosticCode.CONSTANT_COLUMN, "one is constant", Severity.NOTE)
VERDICT = {"answer": "believe", "mi_nats": math.log(2), "at_least_nats": 0.6, "at_most_nats": None, "correlation": 0.87}
ESTIMATES = (
    Estimate("mine", math.log(2), Status.CONVERGED, 0.01, Interval(0.6, 0.8, 0.95, "the bound"), seconds=1.23456),
    Estimate("ksg", None, Status.INFINITE, diagnostics=(WARNING, NOTE), details={"k": 3, "radius": math.inf}),
)


def payload(estimates=ESTIMATES, **changes):
    report = {
        "config": {"seed": 0, "x": ("a",)},
        "data": {"n": 10},
        "estimates": estimates,
        "verdict": VERDICT,
        "environment": {"device": "cpu"},
    }
    return estimate_payload(EstimateReport(**report | changes))


def test_the_keys_a_program_may_rely_on():
    content = payload()
    assert list(content) == [
        "schema_version", "tool", "tool_version", "command", "unit", "config", "data", "estimates", "verdict",
        "interrupted", "failure", "environment",
    ]  # fmt: skip
    assert list(content["estimates"][0]) == [
        "estimator", "mi_nats", "standard_error_nats", "interval", "status", "trustworthy", "diagnostics",
        "seconds", "details",
    ]  # fmt: skip
    assert content["schema_version"] == 2
    assert content["estimates"][0]["mi_nats"] == math.log(2)
    assert content["estimates"][0]["seconds"] == 1.235


def test_it_is_json_without_nan():
    content = payload()
    text = json.dumps(content, allow_nan=False)
    assert json.loads(text) == content
    assert content["estimates"][1]["mi_nats"] is None
    assert content["estimates"][1]["status"] == "infinite"
    assert content["estimates"][1]["details"] == {"k": 3, "radius": None}
    assert content["estimates"][1]["diagnostics"][0] == {
        "code": "ties-in-data", "severity": "warning", "direction": "either", "message": "half of the rows are tied"
    }  # fmt: skip


def test_bits_stand_beside_nats():
    content = with_unit(payload(), "bits")
    mine, ksg = content["estimates"]
    assert content["unit"] == "bits"
    assert (mine["mi_bits"], mine["mi_nats"]) == (1.0, math.log(2))
    assert mine["interval"]["low_bits"] == pytest.approx(0.6 / math.log(2), rel=1e-15)
    assert ksg["mi_bits"] is None

    assert content["verdict"]["mi_bits"] == 1.0


def test_nats_add_no_keys():
    assert with_unit(payload(), "nats") == payload()


def test_a_p_value_stands_where_one_was_computed():
    tested = Estimate("ksg", 0.1, Status.CONVERGED, p_value=0.03)
    assert payload((tested,))["estimates"][0]["p_value"] == 0.03
    assert "p_value" not in payload()["estimates"][0]


def test_an_open_end_is_null_with_its_reason():
    interval = Interval(0.6, None, 0.95, "it", certified=True, open_because="training has not settled")
    entry = payload((Estimate("mine", 0.7, Status.MAX_STEPS, 0.01, interval),))["estimates"][0]["interval"]
    assert (entry["low_nats"], entry["high_nats"], entry["certified"]) == (0.6, None, True)
    assert entry["open_because"] == "training has not settled"


def test_interrupted_is_said_once_for_all():
    assert payload()["interrupted"] is False
    assert payload((Estimate("mine", None, Status.INTERRUPTED),))["interrupted"] is True


def test_what_is_not_plain_is_a_bug():
    with pytest.raises(TypeError, match="object is no plain value"):
        plain({"a": object()})
