"""Damaged files, each read by a process of its own: `python fuzzing.py COUNT SEED` prints one JSON object per file.

Bytes are flipped, cut out, doubled; lines are dropped, doubled, swapped, cut. A process that has loaded the library
forks once per file, so that a crash of one is a fact about it and no end of the others.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROWS = 300
SECONDS = 10
KINDS = ("csv", "csv.gz", "parquet", "feather", "arrows")


def table(rng: random.Random):
    import pyarrow as pa

    x = [round(rng.gauss(0, 1), 4) for _ in range(ROWS)]
    return pa.table(
        {
            "x": x,
            "z": [round(value + rng.gauss(0, 1), 4) for value in x],
            "s": [rng.choice(["oslo", "a, b", 'say "so"', "bergen"]) for _ in range(ROWS)],
            "k": [rng.randrange(5) for _ in range(ROWS)],
        }
    )


def content(kind: str, rng: random.Random) -> bytes:
    """A file of one kind, whole."""
    import pyarrow.csv
    import pyarrow.feather
    import pyarrow.ipc
    import pyarrow.parquet

    rows, out = table(rng), io.BytesIO()
    if kind.startswith("csv"):
        pyarrow.csv.write_csv(rows, out)
        return out.getvalue() if kind == "csv" else gzip.compress(out.getvalue(), mtime=0)
    if kind == "parquet":
        pyarrow.parquet.write_table(rows, out, row_group_size=100)
    elif kind == "feather":
        pyarrow.feather.write_feather(rows, out, compression="uncompressed", chunksize=100)
    else:
        with pyarrow.ipc.new_stream(out, rows.schema) as writer:
            writer.write_table(rows, max_chunksize=100)
    return out.getvalue()


def damaged(whole: bytes, rng: random.Random, lines: bool) -> bytes:
    """The bytes with a few faults."""
    found = bytearray(whole)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        place = rng.randrange(len(found))
        act = rng.randrange(9 if lines else 5)
        if act <= 1:
            found[place] ^= 1 << rng.randrange(8)
        elif act == 2:
            found[place] = rng.choice([0, 10, 13, 34, 44, 59, 255, rng.randrange(256)])
        elif act == 3:
            del found[place : place + rng.choice([1, 4, 100])]
        elif act == 4:
            del found[len(found) - rng.choice([1, 8, 200]) :]
        else:
            found = bytearray(_with_other_lines(bytes(found), rng, act))
        if len(found) < 10:
            break
    return bytes(found)


def _with_other_lines(text: bytes, rng: random.Random, act: int) -> bytes:
    lines = text.split(b"\n")
    place = rng.randrange(len(lines))
    if act == 5:
        del lines[place]
    elif act == 6:
        lines.insert(place, lines[place])
    elif act == 7:
        lines[place] = lines[place] + rng.choice([b'"', b",", b",,", b"\r", b"\x1b[2J"])
    else:
        lines[place] = rng.choice([b'"', b"'", b",", b"#"]) + lines[place]
    return b"\n".join(lines)


def lines_of(text: bytes) -> int:
    """How many rows a text has whose values hold no line ends: lines that are not empty, but for the header."""
    return sum(1 for line in text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n") if line) - 1


def run(words: list[str]) -> tuple[int, str, str]:
    """What a command answers, in this process."""
    from minecli.cli.main import run as command
    from minecli.cli.streams import Streams

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    code = command(words, Streams(stdin=io.BytesIO(), stdout=out, stderr=err))
    return int(code), out.buffer.getvalue().decode(), err.buffer.getvalue().decode()


def isolated(work: Callable[[], dict]) -> dict:
    """What `work` gives in a process of its own, or the signal that ended it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        found = json.dumps(work()).encode()
        while found:
            found = found[os.write(writing, found) :]
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return json.loads(answer) if answer else {"status": status}


def examine(path: str, command: str) -> dict:
    """The answer of a command to a file: code, the last line of errors, and how many rows it read."""
    words = (
        ["columns", path] if command == "columns" else ["estimate", path, "--x", "x", "--z", "z,s", "-e", "mixed-ksg"]
    )
    code, out, err = run(
        [*words, "--format", "json", "--missing", "drop"] if command == "estimate" else [*words, "--format", "json"]
    )
    answer = {"code": code, "error": (err.strip().splitlines() or [""])[-1], "traceback": "Traceback" in err}
    if code == 0 and command == "estimate":
        data = json.loads(out)["data"]
        answer |= {"rows": data["rows_read"], "notes": data["notes"]}
    return answer


def main(count: int, seed: int) -> None:
    """Damage so many files and print what became of each."""
    # Loaded once, here, and not by every child; reading a table here would start threads, which do not survive a fork.
    import scipy.fft
    import scipy.spatial  # noqa: F401

    import minecli.cli.estimate_job
    import minecli.estimators.nearest.mixed_ksg
    import minecli.report.listing
    import minecli.report.pointwise
    import minecli.tables.groups
    import minecli.tables.summary  # noqa: F401

    run(["estimate"])

    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            rng = random.Random(f"{seed} {number}")
            kind = KINDS[number % len(KINDS)]
            bytes_ = damaged(content(kind, rng), rng, lines=kind == "csv")
            path = Path(folder, f"{number}.{kind}")
            path.write_bytes(bytes_)
            command = "columns" if number % 3 == 0 else "estimate"
            began = time.monotonic()
            answer = isolated(lambda path=path, command=command: examine(str(path), command))
            facts = {"number": number, "kind": kind, "command": command, "whole": ROWS}
            facts |= {"lines": lines_of(bytes_) if kind == "csv" else ROWS, "late": time.monotonic() - began > SECONDS}
            sys.stdout.write(json.dumps(facts | answer) + "\n")
            sys.stdout.flush()
            path.unlink()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
