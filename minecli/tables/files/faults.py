"""What reading raises where the bytes are not what they should be, and how that is said in one line."""

from __future__ import annotations

import contextlib
import lzma
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from minecli.errors import DataError, MemoryShort, MinecliError
from minecli.tables.selectors.wording import cut, nearest

_MESSAGE_LENGTH = 200


# What reading raises where the bytes are not what they should be, libraries' surprises on damaged files among them.
READ_ERRORS = (
    OSError, EOFError, lzma.LZMAError, MemoryError, pa.ArrowException, ValueError, TypeError, LookupError,
    ArithmeticError, RuntimeError, AssertionError,
)  # fmt: skip


@contextlib.contextmanager
def explained(label: str, what: str = "") -> Iterator[None]:
    """Turn the errors of reading into a DataError of one line that names the file and, if given, the format."""
    try:
        yield
    except MinecliError:
        raise
    except READ_ERRORS as error:
        raise explanation(label, what, error) from error


def explanation(label: str, what: str, error: BaseException) -> MinecliError:
    """What to say of an error of reading, in one line."""
    if isinstance(error, PermissionError):
        place = str(error.filename or label)
        return DataError(f"no permission to read {place}", hint=f"ls -l {shlex.quote(place)} shows whose it is")
    if isinstance(error, FileNotFoundError):
        return not_found(label, Path(label))
    if isinstance(error, MemoryError):
        return MemoryShort(f"not enough memory to read {label}", hint="name fewer columns")
    called = f"{label} as {what}" if what else label
    return DataError(f"cannot read {called}: {first_line(error)}", hint="is the file whole? copy or write it again")


def first_line(error: BaseException) -> str:
    r"""The first line of an error's text that says something, cut to a readable length.

    >>> first_line(ValueError("\nbad magic\nin function f()"))
    'bad magic'
    """
    lines = (line.strip() for line in str(error).splitlines())
    text = next((line for line in lines if line), type(error).__name__)
    return cut(text, _MESSAGE_LENGTH)


def broken_link(path: str) -> DataError:
    """The error of a link that leads nowhere; OSError where it is none."""
    where = os.readlink(path)
    return DataError(
        f"{path} is a link to '{where}', which is not there; its rows would be lost", hint=f"ls -l {shlex.quote(path)}"
    )


def not_found(source: str, path: Path) -> DataError:
    """The error of a file that is not there, with the nearest name beside it; `source` is how messages call it."""
    parent = path.parent
    if not parent.is_dir():
        above = shlex.quote(str(parent.parent))
        return DataError(f"there is no file {source}: the folder {parent} does not exist", hint=f"ls {above}")
    try:
        close = nearest(path.name, os.listdir(parent))
    except OSError:
        close = []
    hint = (
        f"did you mean {parent / close[0] if str(parent) != '.' else close[0]}?"
        if close
        else f"ls {shlex.quote(str(parent))}"
    )
    return DataError(f"there is no file {source}", hint=hint)
