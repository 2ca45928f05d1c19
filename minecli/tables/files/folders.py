"""The parts of a folder or glob. None is left out in silence: what cannot be listed or read is an error."""

from __future__ import annotations

import errno
import glob
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from minecli.errors import DataError
from minecli.tables.files.faults import broken_link
from minecli.tables.files.parts import Part, file_part
from minecli.tables.selectors.wording import counted, quoted

PARQUET_SUFFIXES = (".parquet", ".pq")
# What is beside parts and holds no rows.
_NO_TABLES = (".crc", ".md", ".html", ".py", ".log")
# Below a folder that stands for a table.
_MOST_FILES = 200_000


def parts_of_folder(source: str, folder: Path) -> tuple[list[Part], list[Path]]:
    """The parts in a folder and its subfolders, in sorted order, and the other files, which may hold rows, too.

    Raises DataError where there is no part, where one is a broken link, and for too many files; OSError for what cannot
    be listed.
    """
    files = sorted(_files_below(folder))
    parquet = [path for path in files if path.suffix.lower() in PARQUET_SUFFIXES]
    if not parquet:
        inside = sorted(path.name for path in folder.iterdir())
        raise DataError(
            f"the folder {source} holds no Parquet parts (.parquet, .pq), only {quoted(inside) or 'nothing'}",
            hint="give a folder of Parquet parts or one file",
        )
    others = [path for path in files if path.suffix.lower() not in (*PARQUET_SUFFIXES, *_NO_TABLES)]
    return [_part(path) for path in parquet], others


def _fail(error: OSError) -> None:
    # What has vanished meanwhile is no part any more.
    if not isinstance(error, FileNotFoundError):
        raise error


def passed_over(source: str, files: Sequence[Path]) -> tuple[str, ...]:
    """What to say of files in a folder of parts that are none."""
    if not files:
        return ()
    are = "is no Parquet part and was" if len(files) == 1 else "are no Parquet parts and were"
    return (f"{counted(len(files), 'file')} in {source} {are} passed over: {quoted([path.name for path in files])}",)


def _files_below(folder: Path) -> Iterator[Path]:
    """The files of a folder and its subfolders, linked ones too, but for hidden ones and those that begin with _. What
    cannot be listed is an error: its rows would be lost."""

    seen: set[tuple[int, int]] = set()
    passed = 0
    for where, folders, files in os.walk(folder, onerror=_fail, followlinks=True):
        try:
            here = os.stat(where)
        except OSError as error:
            _fail(error)
            continue
        if (here.st_dev, here.st_ino) in seen:
            # A link that leads back up.
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        passed += len(folders) + len(files)
        if passed > _MOST_FILES:
            raise DataError(
                f"the folder {folder} holds more than {_MOST_FILES:,} files", hint="name a narrower folder, or a glob"
            )
        folders[:] = [name for name in folders if not name.startswith(("_", "."))]
        yield from (Path(where, name) for name in files if not name.startswith(("_", ".")))


def _part(path: Path) -> Part:
    if not path.exists():
        raise broken_link(str(path))
    return file_part(str(path), path)


def parts_of_glob(source: str, pattern: str) -> list[Part]:
    """The parts that a glob stands for, in sorted order; `source` is how messages call it.

    Raises DataError where it matches nothing or a broken link, PermissionError for a folder that may not be listed.
    """
    _refuse_unreadable(pattern)
    paths = sorted(glob.glob(pattern, recursive=True))
    parts = [each for path in paths for each in _matched(path, recursive="**" in pattern)]
    if not parts:
        raise DataError(f"no file matches {source}", hint=f"ls {shlex.quote(fixed_part(pattern))} shows what is there")
    return parts


def fixed_part(pattern: str) -> str:
    """The folder of a glob above its first wild card.

    >>> fixed_part("data/2024-*/x.csv"), fixed_part("*.csv")
    ('data', '.')
    """
    beginning = re.split(r"[*?[]", pattern, maxsplit=1)[0]
    return os.path.dirname(beginning) or "."


def _refuse_unreadable(pattern: str) -> None:
    """Raise PermissionError for a folder that a glob goes through and that may not be listed: its rows would be
    lost."""
    if "**" in pattern:
        for _ in os.walk(fixed_part(pattern), onerror=_fail):
            pass
    parent = os.path.dirname(pattern)
    while any(c in parent for c in "*?["):
        for folder in glob.glob(parent, recursive=True):
            if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "may not be listed", folder)
        parent = os.path.dirname(parent)


def _matched(path: str, recursive: bool) -> list[Part]:
    """The parts that a path matched by a glob stands for; what is in a folder, a recursive one matches by itself."""
    if not os.path.isdir(path):
        return [_part(Path(path))]
    return [] if recursive else parts_of_folder(path, Path(path))[0]
