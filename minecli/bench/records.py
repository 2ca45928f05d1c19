"""What is kept of a finished cell, and the file it is kept in: one JSON object per line, written at once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from minecli.bench.cells import Cell, Key
from minecli.errors import DataError
from minecli.result import Estimate, Interval
from minecli.runtime.state_files import SealedLines, parsed, read_lines
from minecli.runtime.stored_types import require_types

FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One finished cell. Values in nats; what does not exist is None.

    `status` is that of the estimate, or "failed" where the estimator refused the data, and then `message` says why.
    `covered` says whether the interval holds the truth. `details` holds what belongs to one regime alone.
    """

    task: str
    parameters: Mapping[str, float | str]
    spec: str
    group: str
    place: Mapping[str, float | str]
    n: int
    seed: int
    data_seed: int
    estimator: str
    true_mi_nats: float
    mi_nats: float | None
    error_nats: float | None
    standard_error_nats: float | None
    interval: Mapping[str, float | None] | None
    covered: bool | None
    status: str
    diagnostics: tuple[str, ...] = ()
    message: str = ""
    seconds: float = 0.0
    device: str = "cpu"
    versions: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """The key of the cell this is the record of."""
        return (self.spec, self.n, self.seed, self.estimator)

    @property
    def failed(self) -> bool:
        return self.status == FAILED

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        return asdict(self) | {"diagnostics": list(self.diagnostics)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Record:
        """The record `to_json` wrote. Keys this version does not know are left out; TypeError for values of other
        types."""
        known = {f.name for f in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        require_types(cls, values)
        return cls(**values | {"diagnostics": tuple(values["diagnostics"])})


def record_of(
    cell: Cell,
    estimate: Estimate,
    versions: Mapping[str, str],
    device: str,
    seconds: float | None = None,
    **details: Any,
) -> Record:
    """The record of a cell and its estimate; `seconds` where they are not the estimate's own."""
    value, error, truth = estimate.mi_nats, estimate.standard_error_nats, cell.true_mi_nats
    interval = estimate.interval
    if interval is not None and not math.isfinite(interval.low_nats + (interval.high_nats or 0.0)):
        interval = None
    return Record(
        **_identity(cell),
        mi_nats=value,
        error_nats=None if value is None else value - truth,
        standard_error_nats=error if error is not None and math.isfinite(error) else None,
        interval=None if interval is None else _ends(interval),
        covered=None if interval is None else truth in interval,
        status=str(estimate.status),
        diagnostics=tuple(str(d.code) for d in estimate.diagnostics),
        seconds=round(estimate.seconds if seconds is None else seconds, 3),
        device=device,
        versions=versions,
        details=details,
    )


def _ends(interval: Interval) -> dict[str, float | None]:
    return {"low_nats": interval.low_nats, "high_nats": interval.high_nats, "level": interval.level}


def failed_record(cell: Cell, message: str, versions: Mapping[str, str], device: str, seconds: float) -> Record:
    """The record of a cell whose estimator raised an explained error."""
    return Record(
        **_identity(cell),
        mi_nats=None,
        error_nats=None,
        standard_error_nats=None,
        interval=None,
        covered=None,
        status=FAILED,
        message=message,
        seconds=round(seconds, 3),
        device=device,
        versions=versions,
    )


def _identity(cell: Cell) -> dict[str, Any]:
    from minecli.tasks.task import parameters

    return {
        "task": cell.task.name,
        "parameters": parameters(cell.task),
        "spec": cell.spec,
        "group": cell.group,
        "place": dict(cell.place),
        "n": cell.rows,
        "seed": cell.seed,
        "data_seed": cell.data_seed,
        "estimator": cell.estimator,
        "true_mi_nats": cell.true_mi_nats,
    }


def read_records(path: Path) -> list[Record]:
    """All whole records of a file, in order; none where there is no file. A last line cut short is left out.

    DataError where the file cannot be read, or a whole line is no record.
    """
    return [_parsed(path, number, line) for number, line in enumerate(read_lines(path), start=1)]


def _parsed(path: Path, number: int, line: bytes) -> Record:
    try:
        return Record.from_json(parsed(line))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise DataError(
            f"line {number} of '{path}' is no record ({problem})", hint="remove the line and resume"
        ) from None


def latest(records: Iterable[Record]) -> dict[Key, Record]:
    """The last record of every cell, in the order in which the cells came first."""
    return {record.key: record for record in records}


class RecordFile:
    """The file of records, open for appending. A last line cut short by a crash is removed first."""

    def __init__(self, path: Path) -> None:
        self._lines = SealedLines(path)

    def append(self, record: Record) -> None:
        """Add a record and see it out of this process; OutputError where that fails."""
        self._lines.append(json.dumps(record.to_json(), ensure_ascii=False, allow_nan=False))

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
