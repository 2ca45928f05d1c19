"""Where results go, looked at before the work begins: a place that can be written, and never over the data."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from minecli.errors import UsageError

_TABLE_SUFFIXES = (".parquet", ".pq")


def check_destinations(destinations: dict[str, Path | None], source: str, selectors: Sequence[str]) -> None:
    """Refuse destinations (option -> file) that would overwrite an input or each other, or cannot be written.

    `source` is DATA, "" where no file is read, and `selectors` those of both groups, which may name files by `@`.
    UsageError says which file is meant.
    """
    from minecli.runtime.writing import check_writable

    given = {option: path for option, path in destinations.items() if path is not None}
    inputs = list(_inputs(source, selectors))
    folder = Path(source) if source else None
    for option, path in given.items():
        if any(_same(path, read) for read in inputs):
            raise UsageError(
                f"{option} {path} is a file that is read from, and would be lost", hint="choose another name"
            )
        inside = folder is not None and folder.is_dir() and path.resolve().is_relative_to(folder.resolve())
        if inside and path.suffix.lower() in _TABLE_SUFFIXES:
            raise UsageError(f"{option} {path} would become one more part of '{source}'", hint="choose another folder")
        check_writable(path)
    for (first, a), (second, b) in combinations(given.items(), 2):
        if a.resolve() == b.resolve():
            raise UsageError(f"{first} and {second} name the same file, '{a}'", hint="give them two names")


def _inputs(source: str, selectors: Sequence[str]) -> Iterable[Path]:
    path = Path(source.removeprefix("file://"))
    if not source:
        pass
    elif path.is_dir():
        yield from (p for p in path.rglob("*") if p.is_file())
    elif path.exists():
        yield path
    else:
        yield from map(Path, glob.glob(source, recursive=True))
    for selector in selectors:
        yield from (Path(piece.strip()[1:]) for piece in selector.split(",") if piece.strip().startswith("@"))


def _same(path: Path, other: Path) -> bool:
    # A device such as /dev/null may well be both.
    return path.is_file() and other.is_file() and path.samefile(other)
