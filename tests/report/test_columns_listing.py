"""The table of `minecli columns`: fitted to the width where it is short, else a line each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from minecli.report.formats import to_json
from minecli.report.listing import columns_payload, columns_table

LABELS = "as it is: 9 levels, used as a number; if these are labels: --categorical c"
NAMES = ["a", "plain name", "[odd] *name*", "日本語", "tab\there", "é" * 30]
EXTREMES = [None, 1, -2.5, 1e300, True, 2**63, "2020-01-01", "a text that is long", "日本語日本語日本語"]
KINDS = [None, "discrete", "with atoms", "continuous"]
ENCODINGS = ["as it is", LABELS, "one-hot, 4 levels", "holds infinite values"]


def record(i: int) -> dict[str, Any]:
    """A record of which all cells differ from those of its neighbours."""
    return {
        "name": NAMES[i % 6], "type": ["float64", "text", "timestamp UTC"][i % 3], "width": i % 4,
        "missing": 10**i % 10**7, "distinct": i if i % 5 else None, "minimum": EXTREMES[i % 9],
        "maximum": EXTREMES[(2 * i + 1) % 9], "kind": KINDS[i % 4], "encoding": ENCODINGS[i // 2 % 4],
        "usable": i % 3 > 0,
    }  # fmt: skip


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 2, 7, 40])
def test_a_long_table_looks_like_a_short_one(monkeypatch, rows: int, color: bool) -> None:
    records = [record(i) for i in range(rows)]
    fitted = columns_table(records, width=200, color=color)
    monkeypatch.setattr("minecli.report.listing._FITTED", -1)
    assert columns_table(records, width=200, color=color) == fitted


def test_in_a_long_table_every_column_has_one_whole_line() -> None:
    long = [record(i) | {"name": f"{'n' * 60}{i}", "encoding": "because " * 40, "usable": False} for i in range(600)]
    lines = columns_table(long, width=80).splitlines()
    assert len(lines) == 2 + 600
    assert all(line.startswith(each["name"]) for line, each in zip(lines[2:], long, strict=True))
    assert all(line.endswith(each["encoding"].rstrip()) for line, each in zip(lines[2:], long, strict=True))


def test_what_to_type_stands_once_below() -> None:
    lines = columns_table([record(2)] * 600).splitlines()
    assert lines[-1] == "* few levels, used as a number; if these are labels: --categorical COLS"
    assert sum("categorical" in line for line in lines) == 1


def test_a_payload_has_no_infinity() -> None:
    listed = json.loads(to_json(columns_payload([record(1) | {"maximum": float("inf")}], source="t")))
    assert listed["columns"][0]["maximum"] is None
    assert listed["columns"][0]["minimum"] == 1
