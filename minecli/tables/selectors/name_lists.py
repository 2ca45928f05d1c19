"""Files of selectors, one per line: the @names.txt of the selector grammar."""

from __future__ import annotations

import stat
from pathlib import Path

from minecli.tables.selectors.header import Request

_LARGEST = 4 << 20
_ONE_PER_LINE = "give one selector per line"


def lines_of(name: str, request: Request) -> list[str]:
    """The lines of the file `name`, whatever ends them.

    Raises UsageError for what is no file of text, cannot be read, or is larger than any list of names.
    """
    text = _text(name, request)
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def is_comment(line: str) -> bool:
    """Whether a line holds nothing, or a remark.

    >>> is_comment("  # wanted"), is_comment(" "), is_comment("age")
    (True, True, False)
    """
    return not line.strip() or line.lstrip().startswith("#")


def _text(name: str, request: Request) -> str:
    content = _content(name, request)
    if b"\0" in content:
        raise request.wrong(f"the list of names '{name}' is not text: it holds NUL bytes", _ONE_PER_LINE + ", as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise request.wrong(f"the list of names '{name}' is not UTF-8 text", _ONE_PER_LINE) from None


def _content(name: str, request: Request) -> bytes:
    if not name:
        raise request.wrong("'@' stands without the name of a file", "as in @names.txt")
    check_path = f"check the path after @, as in @{name}"
    path = Path(name)
    try:
        kind = path.stat().st_mode
        # A pipe may never begin and a device never end.
        if not stat.S_ISREG(kind):
            what = "a folder" if stat.S_ISDIR(kind) else "a pipe" if stat.S_ISFIFO(kind) else "a device or socket"
            raise request.wrong(f"the list of names '{name}' is {what}; it must be a file", check_path)
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise request.wrong(f"cannot read the list of names '{name}': {reason}", check_path) from error
    if len(content) > _LARGEST:
        raise request.wrong(
            f"the list of names '{name}' is larger than {_LARGEST >> 20} MiB, which no list of columns is", check_path
        )
    return content
