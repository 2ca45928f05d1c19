"""Files with flipped bytes and broken lines: only documented errors come out, and never a wrong number of rows in
silence. Each is read by a process of its own (`fuzzing.py`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("fuzzing.py")
DOCUMENTED = {0, 2, 3, 5}


def answers(count: int, seed: int) -> list[dict[str, Any]]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, str(SCRIPT), str(count), str(seed)]
    ran = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def faults(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that ended in a crash, a traceback, a hang, an internal error, or with other rows than are there."""
    return [
        each
        for each in found
        if "signal" in each
        or each.get("code") not in DOCUMENTED
        or each["traceback"]
        or each["late"]
        or _rows_are_lost(each)
    ]


def _rows_are_lost(each: dict[str, Any]) -> bool:
    said = any("end mark" in note for note in each.get("notes", ()))
    return "rows" in each and each["rows"] != each["lines"] and not said


def test_a_few() -> None:
    found = answers(60, seed=1)
    assert len(found) == 60
    assert faults(found) == []
    # Some are refused and some are read, or nothing was tried.
    assert {each["code"] for each in found} >= {0, 3}


@pytest.mark.slow
def test_many() -> None:
    found = answers(600, seed=2)
    assert len(found) == 600
    assert faults(found) == []
