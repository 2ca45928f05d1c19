"""The payload as text for programs: JSON, NDJSON, CSV and bare values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any


def to_json(payload: object) -> str:
    """Indented JSON in full precision; NaN and infinity cannot occur.

    >>> to_json({"a": 0.1})
    '{\\n  "a": 0.1\\n}\\n'
    """
    return json.dumps(payload, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_ndjson(records: Sequence[Mapping[str, object]]) -> str:
    """One JSON object per line.

    >>> to_ndjson([{"a": 1}, {"a": 2}])
    '{"a": 1}\\n{"a": 2}\\n'
    """
    return "".join(json.dumps(r, ensure_ascii=False, allow_nan=False) + "\n" for r in records)


def to_csv(records: Sequence[Mapping[str, object]]) -> str:
    """A header and one line per record, all with the keys of the first; None is an empty cell.

    >>> to_csv([{"a": 1, "b": None}])
    'a,b\\n1,\\n'
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(records[0].keys() if records else [])
    for record in records:
        writer.writerow(["" if v is None else v for v in record.values()])
    return buffer.getvalue()


def estimate_records(payload: Mapping[str, Any]) -> list[dict[str, object]]:
    """One flat record per estimator, for CSV and NDJSON, values in the unit asked for."""
    unit, data = payload["unit"], payload["data"]
    records = []
    for entry in payload["estimates"]:
        interval = entry["interval"] or {}
        records.append(
            {
                "source": data["source"],
                "x": ",".join(data["x"]["columns"]),
                "z": ",".join(data["z"]["columns"]),
                "estimator": entry["estimator"],
                f"mi_{unit}": entry[f"mi_{unit}"],
                f"standard_error_{unit}": entry[f"standard_error_{unit}"],
                f"low_{unit}": interval.get(f"low_{unit}"),
                f"high_{unit}": interval.get(f"high_{unit}"),
                "level": interval.get("level"),
                "status": entry["status"],
                "trustworthy": entry["trustworthy"],
                "believed": entry["estimator"] == payload["verdict"]["estimator"],
                "verdict": payload["verdict"]["answer"],
                "diagnostics": ";".join(d["code"] for d in entry["diagnostics"]),
                "n": data["n"],
                "x_dimensions": data["x"]["dimensions"],
                "z_dimensions": data["z"]["dimensions"],
                "seed": payload["config"]["seed"],
                "seconds": entry["seconds"],
            }
        )
    return records


def estimate_value(payload: Mapping[str, Any]) -> str:
    """One bare number: that of the single estimator asked, unless a rule excludes it, or of several the one that is
    believed; `inf` and `nan` where there is none."""
    out = {entry["estimator"] for entry in payload["verdict"]["excluded"]}
    entries = [e for e in payload["estimates"] if e["estimator"] not in out]
    if len(payload["estimates"]) > 1:
        entries = [e for e in entries if e["estimator"] == payload["verdict"]["estimator"]]
    value = entries[0][f"mi_{payload['unit']}"] if entries else None
    if value is None:
        infinite = any(e["status"] == "infinite" for e in payload["estimates"])
        return "inf\n" if infinite else "nan\n"
    return f"{value!r}\n"
