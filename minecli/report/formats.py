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
                "estimator": entry["estimator"],
                f"mi_{unit}": entry[f"mi_{unit}"],
                f"standard_error_{unit}": entry[f"standard_error_{unit}"],
                f"low_{unit}": interval.get(f"low_{unit}"),
                f"high_{unit}": interval.get(f"high_{unit}"),
                "level": interval.get("level"),
                "status": entry["status"],
                "trustworthy": entry["trustworthy"],
                "diagnostics": ";".join(d["code"] for d in entry["diagnostics"]),
                "n": data["n"],
                "x_dimensions": data["x"]["dimensions"],
                "z_dimensions": data["z"]["dimensions"],
                "seed": payload["config"]["seed"],
                "seconds": entry["seconds"],
            }
        )
    return records


def estimate_values(payload: Mapping[str, Any]) -> str:
    """The bare numbers, one line per estimator in the order asked for; `inf` and `nan` where there is none."""
    lines = []
    for entry in payload["estimates"]:
        value = entry[f"mi_{payload['unit']}"]
        missing = "inf" if entry["status"] == "infinite" else "nan"
        lines.append(missing if value is None else repr(value))
    return "".join(line + "\n" for line in lines)
