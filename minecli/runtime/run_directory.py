"""The folder of one run: its config, its event stream, its checkpoints, its result and its picture.

config.json                   what was asked, fully resolved; enough to go on from
data.json, columns.json       what tells whether the data are still the same, and what makes samples a table again
events.ndjson                 one JSON object per line and moment, in order; a resumed run appends
records.ndjson                one JSON object per finished cell of a benchmark; records.ndjson.sha256 a checksum each
checkpoint-NAME.pt            the unfinished state of estimator NAME; checkpoint-NAME.previous.pt the one before
estimate.json, summary.json   the result, the same object as on standard output
learning_curve.png            the held-out bound over training steps
checksums.json                of the files above that are written as a whole; see `state_files`
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from minecli.errors import OutputError, UsageError
from minecli.events import Event
from minecli.runtime import checkpoint, state_files
from minecli.runtime.lock import locked
from minecli.runtime.state_files import present, read_object, refusing, write_object
from minecli.runtime.writing import is_partial, output_error, sweep_partials

T = TypeVar("T")

# What a run has before it has come to anything.
_FROM_THE_START = (
    state_files.CONFIG, state_files.DATA, state_files.COLUMNS, state_files.EVENTS, state_files.CHECKSUMS,
)  # fmt: skip


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run. Made by `create_run` or `open_run`.

    Attributes:
        path: the folder.
        result_name: what its result is called.
        new: whether `create_run` has just begun the run.
        made: the folders that it had to make for that, the innermost first.
    """

    path: Path
    result_name: str = state_files.ESTIMATE
    new: bool = False
    made: tuple[Path, ...] = ()

    @property
    def config_path(self) -> Path:
        return self.path / state_files.CONFIG

    @property
    def events_path(self) -> Path:
        return self.path / state_files.EVENTS

    @property
    def result_path(self) -> Path:
        return self.path / self.result_name

    @property
    def figure_path(self) -> Path:
        return self.path / "learning_curve.png"

    def checkpoint_path(self, estimator: str) -> Path:
        """Where `estimator` keeps its unfinished state.

        >>> RunDirectory(Path("run")).checkpoint_path("mine-f").name
        'checkpoint-mine-f.pt'
        """
        return checkpoint.checkpoint_path(self.path, estimator)

    def read_config(self) -> dict[str, Any]:
        """The config this run was started with; DataError where it cannot be read."""
        return read_object(self.config_path)

    def read_request(self, parse: Callable[[dict[str, Any]], T]) -> T:
        """What `parse` makes of the config; DataError where it cannot be read or is no config."""
        config = self.read_config()
        with refusing(self.config_path):
            return parse(config)

    def read_result(self) -> dict[str, Any] | None:
        """The stored result, or None where there is none yet."""
        return read_object(self.result_path) if present(self.result_path) else None

    def write_result(self, text: str) -> None:
        """Store the result atomically; OutputError where that fails."""
        write_object(self.result_path, text)

    def drop_previous_checkpoints(self) -> None:
        """Remove the checkpoints before the newest: a finished run has no use for them."""
        with contextlib.suppress(OSError):
            for path in self.path.glob(checkpoint.PREVIOUS):
                path.unlink()

    def remember_data(self, fingerprint: str) -> None:
        """Keep the fingerprint of the data the run begins with; UsageError where it began with others."""
        path = self.path / state_files.DATA
        if not present(path):
            write_object(path, json.dumps({"fingerprint": fingerprint}) + "\n")
        elif read_object(path).get("fingerprint") != fingerprint:
            raise UsageError(
                f"the data are no longer those that the run in '{self.path}' began with",
                hint="bring the data back, or start another run with --run-dir",
            )

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Alone in the folder within the block: UsageError where another process works in it. What processes left half
        written that were killed is removed, and a block that fails before it has come to anything is undone."""
        try:
            with locked(self.path):
                sweep_partials(self.path)
                yield
        except BaseException:
            self.undo()
            raise

    def undo(self) -> None:
        """Leave no trace of a run that `create_run` has just begun and that has come to nothing; all else stays."""
        if not self.new:
            return
        with contextlib.suppress(UsageError, OSError), locked(self.path):
            files = [self.path / name for name in os.listdir(self.path)]
            if all(file.name in _FROM_THE_START or _is_left_over(file) for file in files):
                for file in files:
                    file.unlink(missing_ok=True)
        _remove(self.made)


def create_run(path: Path, config: Mapping[str, object], result_name: str = state_files.ESTIMATE) -> RunDirectory:
    """Make a run's folder and write its config; take up a run with the very same config.

    The second is what lets a batch system start the same command again after an interruption. So does a folder that
    holds nothing but what a killed process left before there was a config.

    Args:
        result_name: what the run's result is called.

    Raises:
        UsageError: the folder holds a run with another config, or something else; another process is
            at it; or it cannot be made.
        DataError: the run in it cannot be read.
    """
    run = RunDirectory(path, result_name)
    if present(run.config_path):
        return _same_run(run, config)
    if present(path) and not path.is_dir():
        raise UsageError(f"'{path}' is a file; --run-dir needs a folder", hint="choose another --run-dir")
    try:
        made = _make(path)
        with _removed_on_failure(made), locked(path):
            if present(run.config_path):  # by another process, since we looked
                return _same_run(run, config)
            if not all(_is_left_over(path / name) for name in os.listdir(path)):
                raise UsageError(f"'{path}' is not empty and holds no run", hint="choose a new or empty folder")
            sweep_partials(path)
            write_object(run.config_path, json.dumps(config, indent=2, allow_nan=False) + "\n")
    except OSError as problem:
        error = output_error(f"the run folder '{path}'", problem)
        raise UsageError(error.problem, hint=error.hint) from None
    return replace(run, new=True, made=made)


def _same_run(run: RunDirectory, config: Mapping[str, object]) -> RunDirectory:
    if run.read_config() != json.loads(json.dumps(config)):
        raise UsageError(
            f"'{run.path}' holds a run with other settings",
            hint=f"choose another --run-dir, or go on with --resume {run.path}",
        )
    return run


def _make(path: Path) -> tuple[Path, ...]:
    """Make a folder and those it stands in; the ones that were not there, the innermost first."""
    missing = [each for each in (path, *path.parents) if not present(each)]
    path.mkdir(parents=True, exist_ok=True)
    return tuple(missing)


def _remove(folders: tuple[Path, ...]) -> None:
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


@contextlib.contextmanager
def _removed_on_failure(folders: tuple[Path, ...]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for folder in folders[:1]:
            (folder / state_files.CHECKSUMS).unlink(missing_ok=True)  # written before what could not be written
        _remove(folders)
        raise


def _is_left_over(path: Path) -> bool:
    """Whether a file is of those that a process leaves that is killed before its run has a config."""
    name = path.name
    if name in (state_files.LOCK, state_files.CHECKSUMS) or is_partial(name):
        return True
    lines = (state_files.EVENTS, state_files.RECORDS, state_files.checksums_of_lines(Path(state_files.RECORDS)).name)
    return name in lines and path.is_file() and path.stat().st_size == 0


def open_run(path: Path, result_name: str = state_files.ESTIMATE) -> RunDirectory:
    """The run that lives in `path`; UsageError where there is none."""
    run = RunDirectory(path, result_name)
    if not present(run.config_path):
        raise UsageError(
            f"'{path}' holds no run: there is no {run.config_path.name} in it",
            hint="name a folder made by --run-dir",
        )
    return run


class EventLog:
    """An observer that appends every event to a file, one JSON object per line, at once.

    A log is not worth a run: when the disk is full it stops writing, and `failure` says why.
    """

    def __init__(self, path: Path) -> None:
        self.failure: OutputError | None = None
        self._path = path
        self._file = state_files.open_for_lines(path)

    def __call__(self, event: Event) -> None:
        """Append one event; a value that is not finite is written as null, because JSON has no word for it."""
        if self.failure is not None:
            return
        record = {"time": round(time.time(), 3), **asdict(event)}
        record["values"] = {k: (v if math.isfinite(v) else None) for k, v in event.values.items()}
        try:
            self._file.write((json.dumps(record, allow_nan=False) + "\n").encode("utf-8"))
            self._file.flush()
        except OSError as problem:
            self.failure = output_error(f"'{self._path}'", problem)

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as problem:
            self.failure = self.failure or output_error(f"'{self._path}'", problem)


def read_events(path: Path) -> list[dict[str, Any]]:
    """All whole events of a stream, in order; what is none is left out: a line cut short by a crash, or damaged.

    DataError where the file cannot be read.
    """
    events = []
    for line in state_files.read_bytes(path).splitlines() if present(path) else []:
        with contextlib.suppress(ValueError):
            event = state_files.parsed(line)
            if _is_event(event):
                events.append(event)
    return events


def _is_event(value: Any) -> bool:
    if not (isinstance(value, dict) and isinstance(value.get("stage"), str) and isinstance(value.get("step"), int)):
        return False
    values = value.get("values")
    return isinstance(values, dict) and all(v is None or isinstance(v, int | float) for v in values.values())
