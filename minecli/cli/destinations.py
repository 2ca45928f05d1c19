"""Where results go, looked at before the work begins: a place that can be written, and never over the data."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from minecli.errors import UsageError

_TABLE_SUFFIXES = (".parquet", ".pq")


def check_destinations(
    destinations: dict[str, Path | None],
    source: str | Sequence[str],
    selectors: Sequence[str] = (),
    run: Path | None = None,
) -> None:
    """Refuse destinations (option -> file) that would overwrite an input or each other, or cannot be written.

    Args:
        source: DATA or its parts, "" where no file is read.
        selectors: those of all groups, which may name files by `@`.
        run: a run's folder, which is its own.

    Raises:
        UsageError: it says which file is meant.
    """
    from minecli.runtime.writing import check_writable

    given = {option: path for option, path in destinations.items() if path is not None}
    if not given:
        return
    sources = [source] if isinstance(source, str) else source
    inputs = [*(path for each in sources for path in _of_source(each)), *_lists(selectors)]
    folders = [Path(each) for each in sources if each and Path(each).is_dir()]
    for option, path in given.items():
        if run is not None and path.resolve().is_relative_to(run.resolve()):
            raise UsageError(f"{option} {path} is in the run's own folder", hint="choose a place outside of it")
        within = [folder for folder in folders if path.resolve().is_relative_to(folder.resolve())]
        if any(_same(path, read) for read in inputs) or (within and path.is_file()):
            raise UsageError(
                f"{option} {path} is a file that is read from, and would be lost", hint="choose another name"
            )
        if within and path.suffix.lower() in _TABLE_SUFFIXES:
            raise UsageError(
                f"{option} {path} would become one more part of '{within[0]}'", hint="choose another folder"
            )
        check_writable(path)
    for (first, a), (second, b) in combinations(given.items(), 2):
        if a.resolve() == b.resolve():
            raise UsageError(f"{first} and {second} name the same file, '{a}'", hint="give them two names")


def _of_source(source: str) -> Iterable[Path]:
    path = Path(source.removeprefix("file://"))
    if path.is_file():
        yield path
    elif source and not path.exists():
        yield from map(Path, glob.glob(source, recursive=True))


def _lists(selectors: Sequence[str]) -> Iterable[Path]:
    for selector in selectors:
        yield from (Path(piece.strip()[1:]) for piece in selector.split(",") if piece.strip().startswith("@"))


def _same(path: Path, other: Path) -> bool:
    # A device such as /dev/null may well be both.
    return path.is_file() and other.is_file() and path.samefile(other)
