"""The payload as text for programs: JSON, NDJSON, CSV and bare values."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never

from minecli.foreign import escaped_json

# What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# The writer's own line end, replaced at last: it quotes cells that hold a part of it, as both parts have to be.
_CSV_END = "\r\n"


Format = Literal["table", "json", "ndjson", "csv", "value"]
Records = Sequence[Mapping[str, object]]


@dataclass(frozen=True, kw_only=True)
class Views:
    """One result as each format shows it; what is not asked for is not computed.

    Attributes:
        payload: the JSON object.
        table: text for a terminal, of a width and with or without colour.
        records: flat records with the same keys, for CSV.
        lines: one JSON object per line; the records where it is None.
        value: the bare number, of a result that is one.
    """

    payload: object
    table: Callable[[int, bool], str]
    records: Callable[[], Records]
    lines: Callable[[], Records] | None = None
    value: Callable[[], str] | None = None


def rendered(views: Views, format: Format, *, width: int = 80, color: bool = False, defuse: bool = False) -> str:
    """The result as text.

    Args:
        width, color: of tables.
        defuse: in CSV, make text safe for spreadsheets, see `defused`.

    >>> views = Views(payload={"a": 1}, table=lambda width, color: "a 1", records=lambda: [{"a": 1}])
    >>> rendered(views, "csv"), rendered(views, "table")
    ('a\\n1\\n', 'a 1')
    """
    match format:
        case "table":
            return views.table(width, color)
        case "json":
            return to_json(views.payload)
        case "ndjson":
            return to_ndjson((views.lines or views.records)())
        case "csv":
            return to_csv(views.records(), defuse=defuse)
        case "value":
            assert views.value is not None, "offered for results that are one number alone"
            return views.value()
        case _:
            assert_never(format)


def to_json(payload: object) -> str:
    """Indented JSON in full precision; NaN and infinity cannot occur, and what cannot be seen is escaped.

    >>> to_json({"a": 0.1})
    '{\\n  "a": 0.1\\n}\\n'
    """
    return escaped_json(json.dumps(payload, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def to_ndjson(records: Sequence[Mapping[str, object]]) -> str:
    """One JSON object per line, what cannot be seen escaped.

    >>> to_ndjson([{"a": 1}, {"a": 2}])
    '{"a": 1}\\n{"a": 2}\\n'
    """
    return "".join(escaped_json(json.dumps(r, ensure_ascii=False, allow_nan=False)) + "\n" for r in records)


def to_csv(records: Sequence[Mapping[str, object]], *, defuse: bool = False) -> str:
    """A header and one line per record, all with the keys of the first; None is an empty cell.

    Text stays as it is, for it is data; `defuse` makes it safe to open in a spreadsheet, see `defused`.

    >>> to_csv([{"a": 1, "b": None}])
    'a,b\\n1,\\n'
    >>> to_csv([{"a": -1.5, "b": "=1+1"}], defuse=True)
    "a,b\\n-1.5,'=1+1\\n"
    """
    cell = defused if defuse else _unchanged
    lines = _Lines()
    writer = csv.writer(lines)
    writer.writerow(map(cell, records[0]) if records else [])
    for record in records:
        writer.writerow(["" if v is None else cell(v) for v in record.values()])
    return "".join(f"{line.removesuffix(_CSV_END)}\n" for line in lines)


class _Lines(list[str]):
    """What a CSV writer takes for a file."""

    def write(self, line: str) -> None:
        self.append(line)


def defused(value: object) -> object:
    """The value of a cell, with an apostrophe before text that a spreadsheet would run as a formula; numbers are none.

    >>> defused("=HYPERLINK(A1)"), defused("-5"), defused("a=b"), defused(-5)
    ("'=HYPERLINK(A1)", "'-5", 'a=b', -5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _unchanged(value: object) -> object:
    return value


def defused_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a table, with the names and the texts among its values defused; what pyarrow makes arrays of.

    >>> defused_columns({"=a": ["@b", None], "c": [-1, 2]})["'=a"].to_pylist()
    ["'@b", None]
    """
    import pyarrow as pa

    arrays = {str(defused(name)): pa.table({name: values}).column(0) for name, values in columns.items()}
    return {
        name: pa.array([defused(value) for value in array.to_pylist()], pa.string()) if _is_text(array.type) else array
        for name, array in arrays.items()
    }


def _is_text(type_: Any) -> bool:
    import pyarrow as pa

    held = type_.value_type if pa.types.is_dictionary(type_) else type_
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held))


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
