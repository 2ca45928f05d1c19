"""What can befall a file, for tests of what a run makes of it."""

import os
import shutil


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _cut_by_one(path):
    path.write_bytes(path.read_bytes()[:-1])


def _flip(path):
    """Flip a bit where the numbers are: the lowest of the last digit, or of the middle byte where there is none."""
    content = bytearray(path.read_bytes())
    digits = [i for i, byte in enumerate(content) if 48 <= byte < 58]
    at = digits[-1] if digits and path.suffix != ".pt" else len(content) // 2
    content[at] ^= 1
    path.write_bytes(bytes(content))


def _replaced(make):
    def damage(path):
        path.unlink(missing_ok=True)
        make(path)

    return damage


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": _cut,
    "cut by one": _cut_by_one,
    "flipped bit": _flip,
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 8),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "UTF-16": lambda path: path.write_bytes(path.read_bytes().decode("latin-1").encode("utf-16")),
    "a list": lambda path: path.write_text("[1]\n"),
    "a number": lambda path: path.write_text("1e999\n"),
    "many digits": lambda path: path.write_text('{"seed": ' + "9" * 5000 + "}\n"),
    "NaN": lambda path: path.write_text('{"seed": NaN}\n'),
    "another object": lambda path: path.write_text('{"command": 1, "estimators": [], "values": 3}\n'),
    "deep": lambda path: path.write_text("[" * 200_000 + "\n"),
    "folder": _replaced(lambda path: path.mkdir()),
    "pipe": _replaced(os.mkfifo),
    "dangling link": _replaced(lambda path: path.symlink_to(path.parent / "nowhere" / "else")),
    "loop of links": _replaced(lambda path: path.symlink_to(path)),
}


def copied(run, to, *, without=()):
    """A copy of a run's folder at `to`, without some of its files."""
    shutil.copytree(run, to)
    for name in without:
        (to / name).unlink(missing_ok=True)
    return to
