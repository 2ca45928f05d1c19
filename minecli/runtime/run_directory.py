"""The folder of one run: its config, its event stream, its checkpoints, its result and its picture.

config.json           what was asked, fully resolved; enough to go on from
events.ndjson         one JSON object per line and moment, in order; a resumed run appends
checkpoint-NAME.pt    the unfinished state of estimator NAME
estimate.json         the result, the same object as on standard output
learning_curve.png    the held-out bound over training steps
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

from minecli.errors import DataError, OutputError, UsageError
from minecli.events import Event
from minecli.runtime.writing import output_error, write_text


@dataclass(frozen=True)
class RunDirectory:
    """The paths of one run. Made by `create_run` or `open_run`."""

    path: Path

    @property
    def config_path(self) -> Path:
        return self.path / "config.json"

    @property
    def events_path(self) -> Path:
        return self.path / "events.ndjson"

    @property
    def figure_path(self) -> Path:
        return self.path / "learning_curve.png"

    def checkpoint_path(self, estimator: str) -> Path:
        """Where `estimator` keeps its unfinished state.

        >>> RunDirectory(Path("run")).checkpoint_path("mine-f").name
        'checkpoint-mine-f.pt'
        """
        return self.path / f"checkpoint-{estimator}.pt"

    def read_config(self) -> dict[str, Any]:
        """The config this run was started with; DataError where it cannot be read."""
        return _read_object(self.config_path)

    def read_result(self, name: str = "estimate.json") -> dict[str, Any] | None:
        """The stored result, or None where there is none yet."""
        path = self.path / name
        return _read_object(path) if path.exists() else None

    def write_result(self, text: str, name: str = "estimate.json") -> None:
        """Store the result atomically; OutputError where that fails."""
        write_text(self.path / name, text)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise DataError(f"'{path}' cannot be read: {problem}", hint="start the run again in another folder") from None
    if not isinstance(content, dict):
        raise DataError(f"'{path}' does not hold a JSON object", hint="start the run again in another folder")
    return cast("dict[str, Any]", content)


def create_run(path: Path, config: Mapping[str, object]) -> RunDirectory:
    """Make a run's folder and write its config; take up a run with the very same config that is not finished.

    The second is what lets a batch system start the same command again after an interruption. UsageError
    where the folder holds a run with another config, a finished run, or cannot be made.
    """
    run = RunDirectory(path)
    if run.config_path.exists():
        if run.read_config() != json.loads(json.dumps(config)):
            raise UsageError(
                f"'{path}' holds a run with other settings",
                hint=f"choose another --run-dir, or go on with --resume {path}",
            )
        return run
    if path.exists() and not path.is_dir():
        raise UsageError(f"'{path}' is a file; --run-dir needs a folder", hint="choose another --run-dir")
    if path.is_dir() and any(path.iterdir()):
        raise UsageError(f"'{path}' is not empty and holds no run", hint="choose a new or empty folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
        write_text(run.config_path, json.dumps(config, indent=2, allow_nan=False) + "\n")
    except OSError as problem:
        error = output_error(f"the run folder '{path}'", problem)
        raise UsageError(error.problem, hint=error.hint) from None
    return run


def open_run(path: Path) -> RunDirectory:
    """The run that lives in `path`; UsageError where there is none."""
    run = RunDirectory(path)
    if not run.config_path.exists():
        raise UsageError(
            f"'{path}' holds no run: there is no {run.config_path.name} in it",
            hint="--resume wants a folder made by --run-dir",
        )
    return run


def is_finished(run: RunDirectory) -> bool:
    """Whether the run has a result that no interruption cut short."""
    result = run.read_result()
    return result is not None and not result.get("interrupted", False)


class EventLog:
    """An observer that appends every event to a file, one JSON object per line, at once.

    A log is not worth a run: when the disk is full it stops writing, and `failure` says why.
    """

    def __init__(self, path: Path) -> None:
        self.failure: OutputError | None = None
        self._path = path
        try:
            self._file: IO[str] = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115
        except OSError as problem:
            raise output_error(f"'{path}'", problem) from problem

    def __call__(self, event: Event) -> None:
        """Append one event; a value that is not finite is written as null, because JSON has no word for it."""
        if self.failure is not None:
            return
        record = {"time": round(time.time(), 3), **asdict(event)}
        record["values"] = {k: (v if math.isfinite(v) else None) for k, v in event.values.items()}
        try:
            self._file.write(json.dumps(record, allow_nan=False) + "\n")
        except OSError as problem:
            self.failure = output_error(f"'{self._path}'", problem)

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as problem:
            self.failure = self.failure or output_error(f"'{self._path}'", problem)


def read_events(path: Path) -> list[dict[str, Any]]:
    """All whole lines of an event stream; a last line cut short by a crash is left out."""
    if not path.is_file():
        return []
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    return events
