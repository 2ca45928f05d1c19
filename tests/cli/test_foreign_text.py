"""Columns, values, files and words with characters that a terminal would obey: shown escaped, whatever is asked."""

import csv
import io
import json
import os
import re
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minecli.cli.presentation import deliver
from minecli.cli.streams import Streams
from minecli.events import Event
from minecli.foreign import Styled, escaped

# Every control character, those that turn the direction of writing, those without a width; orders to a terminal (an
# overline, which we never use, a title, a cleared screen, a link); and what rich would take for markup.
UNSEEN = "".join(map(chr, (*range(1, 0x20), 0x7F, *range(0x80, 0xA0), 0x200E, 0x200F, 0x61C, *range(0x202A, 0x202F))))
UNSEEN += "".join(map(chr, (*range(0x2066, 0x206A), 0x2028, 0x2029, *range(0x200B, 0x200E), 0x2060, 0xFEFF)))
ORDERS = "\x1b[53m\x1b]0;title\x07\x1b[2J\x1b]8;;http://a\x1b\\"
MARKUP = ":smile:[red]x[/red][link=http://a]y[/link]"
ODD = f"{ORDERS}{MARKUP}"
WORD = "\x1b[2J\x07\u202e\udcff\x9b31m[red]"

# What rich and we ourselves write: colours, and on stderr the cursor moves and many colours of progress bars.
_COLOURS = re.compile(r"\x1b\[(?:0|1|2|31|32|33|1;31|1;32|1;33)m")
_BARS = re.compile(r"\x1b\[(?!53m)[0-9;]*m|\r?(?:\x1b\[1A)?\x1b\[2K|\x1b\[\?25[lh]|\r(?=\x1b\[1A)|\r$")
ROWS = 120


def leaks(text, bars=False):
    """The characters in a text that a terminal would obey or not show, apart from our own."""
    text = _COLOURS.sub("", text)
    text = _BARS.sub("", text) if bars else text
    return sorted({c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c != "\n"})


def test_the_search_would_notice():
    assert leaks(f"\x1b[1mours\x1b[0m{ORDERS}") == ["\x07", "\x1b"]
    assert len(leaks(UNSEEN)) == len(set(UNSEEN)) - 1
    assert leaks(f"\r\x1b[2K\x1b[?25l{WORD}", bars=True) == ["\x07", "\x1b", "\x9b", "\u202e", "\udcff"]


def typed(name):
    """A column as a selector that means its name and nothing else."""
    return re.sub(r"([\\,/*?\[:@!])", r"\\\1", name)


A, B, WORDS, LEVEL, CONSTANT, HOLE, MOSTLY = (
    f"{kind} {ODD}" for kind in ("a", "b", "words", "level", "constant", "hole", "mostly")
)
LONG, LONG_WORDS = "L" * 10_000, "long name " * 1000


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A table with such names and values in a file with such a name, and a list of names in another."""
    folder = tmp_path_factory.mktemp("odd")
    rng = np.random.default_rng(0)
    x = rng.normal(size=ROWS)
    columns = {
        A: x,
        B: x + rng.normal(size=ROWS),
        WORDS: [f"{ODD}{i}" for i in range(ROWS)],
        LEVEL: [f"{'uv'[int(v > 0)]}{ODD}" for v in x],
        CONSTANT: np.ones(ROWS),
        HOLE: [None if i == 5 else float(i * i) for i in range(ROWS)],
        MOSTLY: [ODD if i == 3 else f"{i}" for i in range(ROWS)],
        UNSEEN: [f"{'uv'[i % 2]}{UNSEEN}" for i in range(ROWS)],
        "=formula": x,
        LONG: rng.normal(size=ROWS),
        LONG_WORDS: rng.normal(size=ROWS),
    }
    path = folder / f"table{ODD.replace('/', '')}.parquet"
    pq.write_table(pa.table(columns), path)
    (folder / f"list{ODD.replace('/', '')}.txt").write_text(f"nothing{WORD[:3]}\n", encoding="utf-8")
    return path


def estimated(x, *more):
    return ("estimate", "DATA", "--x", x, "--z", typed(B), "-e", "ksg", *more)


CASES = {
    "table": (0, estimated(typed(A))),
    "explained": (0, estimated(typed(A), "--explain", "-q")),
    "json": (0, estimated(typed(A), "-f", "json")),
    "ndjson": (0, estimated(typed(A), "-f", "ndjson")),
    "csv": (0, estimated(typed(A), "-f", "csv")),
    "value": (0, estimated(typed(A), "-f", "value")),
    "listing": (0, ("columns", "DATA")),
    "listing, json": (0, ("columns", "DATA", "-f", "json")),
    "listing, ndjson": (0, ("columns", "DATA", "-f", "ndjson")),
    "listing, csv": (0, ("columns", "DATA", "-f", "csv")),
    "labels": (0, ("estimate", "DATA", "--x", typed(A), "--z", typed(LEVEL), "-e", "mixed-ksg", "--explain")),
    "labels of all": (0, ("estimate", "DATA", "--x", UNSEEN, "--z", typed(LEVEL), "-e", "plug-in")),
    "constant side": (0, estimated(typed(CONSTANT))),
    "constant column": (0, estimated(f"{typed(A)},{typed(CONSTANT)}")),
    "missing values": (3, estimated(typed(HOLE))),
    "missing values left out": (0, estimated(typed(HOLE), "--missing", "drop")),
    "text": (3, estimated(typed(WORDS))),
    "numbers but one": (3, estimated(typed(MOSTLY))),
    "no numbers": (3, estimated(typed(WORDS), "--numeric", typed(WORDS))),
    "overlap": (2, estimated(typed(B))),
    "unknown column": (2, estimated(f"nothing {WORD}")),
    "near to a column": (2, estimated(typed(f"{A}."))),
    "no match": (2, estimated(f"*{WORD.replace('[', '')}*")),
    "no expression": (2, estimated(f"/(/{WORD}/")),
    "list": (2, estimated("@LIST")),
    "no list": (2, estimated(f"@LIST{WORD}")),
    "no file": (3, ("estimate", f"DATA{WORD}", "--x", "a", "--z", "b")),
    "no folder": (2, estimated(typed(A), "-o", f"{WORD}/result.json")),
    "no estimator": (2, ("estimate", "DATA", "--x", typed(A), "--z", typed(B), "-e", WORD)),
    "no format": (2, estimated(typed(A), "-f", WORD)),
    "no option": (2, ("estimate", f"--{WORD}")),
    "no command": (2, (WORD,)),
    "no number": (2, ("sample", "gaussian", "--dim", WORD[:3])),
    "no task": (2, ("sample", WORD)),
    "no run": (2, ("estimate", "--resume", WORD)),
    "long name": (0, estimated(LONG, "-q")),
    "long name of words": (0, estimated(LONG_WORDS, "-q")),
    "stack": (2, estimated(f"nothing {WORD}", "--traceback")),
    "unknown long name": (2, estimated(f"{LONG[:9000]}x")),
    "unknown long name of words": (2, estimated(f"{LONG_WORDS[:9000]}x")),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_nothing_foreign_reaches_the_terminal_raw(cli, odd, case):
    code, words = CASES[case]
    listed = str(odd).replace("table\x1b", "list\x1b").replace(".parquet", ".txt")
    ran = cli(*(w.replace("DATA", str(odd)).replace("LIST", listed) for w in words), terminal=True)
    assert leaks(ran.stdout) == []
    assert leaks(ran.stderr, bars=True) == []
    assert ran.code == code, ran.stderr
    if code:
        lines = ran.stderr.strip().split("\n")
        assert "error: " in lines[-1]
        assert case == "stack" or len(ran.stderr) < 4_000


def test_names_are_shown_as_escapes_and_markup_as_it_is(cli, odd):
    unwrapped = re.sub(r"\s", "", cli(*_of(odd, "estimate", "--x", typed(A), "--z", typed(B)), terminal=True).stdout)
    assert r"\x1b[53m\x1b]0;title\x07" in unwrapped
    assert ":smile:" in unwrapped
    shown = cli("estimate", odd, "--x", "nothing", "--z", typed(B), terminal=True).stderr
    assert MARKUP in shown


def _of(path, command, *words):
    return (command, path, *words, "-e", "ksg", "-q")


@pytest.mark.parametrize("terminal", [True, False])
def test_json_has_the_names_as_they_are(cli, odd, terminal):
    ran = cli("columns", odd, "-f", "json", terminal=terminal)
    assert ran.stdout.replace("\n", "").isprintable()
    assert [column["name"] for column in ran.json["columns"]] == pq.read_schema(odd).names
    found = cli(*_of(odd, "estimate", "--x", typed(A), "--z", UNSEEN, "-f", "json"), terminal=terminal).json
    assert (found["data"]["x"]["columns"], found["data"]["z"]["columns"]) == ([A], [UNSEEN])


def test_csv_is_data_in_a_pipe_and_escaped_on_a_terminal(cli, odd):
    names = pq.read_schema(odd).names
    piped = cli("columns", odd, "-f", "csv").stdout
    assert [row["name"] for row in csv.DictReader(io.StringIO(piped, newline=""))] == names
    on_terminal = cli("columns", odd, "-f", "csv", terminal=True).stdout
    assert [row["name"] for row in csv.DictReader(io.StringIO(on_terminal))] == [
        "\n".join(map(escaped, name.split("\n"))) for name in names
    ]


@pytest.mark.parametrize("format", ["table", "json", "ndjson", "csv", "value"])
@pytest.mark.parametrize("terminal", [True, False])
def test_a_file_name_that_is_no_text_crashes_nothing(cli, odd, tmp_path, format, terminal):
    path = tmp_path / os.fsdecode(b"odd\xff\x1b.parquet")
    path.write_bytes(odd.read_bytes())
    ran = cli(*_of(path, "estimate", "--x", typed(A), "--z", typed(B), "-f", format), terminal=terminal)
    assert ran.code == 0, ran.stderr
    assert "internal error" not in ran.stderr
    shown = r"odd\udcff\u001b.parquet" if "json" in format else r"odd\udcff\x1b.parquet"
    assert shown in re.sub(r"\s", "", ran.stdout + ran.stderr) or format in ("value", "csv")


def test_a_result_goes_to_a_file_that_has_such_a_name(cli, odd, tmp_path):
    for path in (tmp_path / f"r{ORDERS.replace('/', '')}.json", tmp_path / os.fsdecode(b"r\xff.json")):
        ran = cli(*_of(odd, "estimate", "--x", typed(A), "--z", typed(B))[:-1], "-o", path, terminal=True)
        assert json.loads(path.read_text())["data"]["x"]["columns"] == [A]
        assert f"wrote {escaped(str(path))}" in ran.stderr
        assert leaks(ran.stderr, bars=True) == []


def written(terminal, width=80):
    """Streams whose output can be read, and the reading."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    streams = Streams(io.BytesIO(), out, err, terminal, terminal, {}, width)

    def read():
        for stream in (out, err):
            stream.flush()
        return out.buffer.getvalue().decode(), err.buffer.getvalue().decode()

    return streams, read


@pytest.mark.parametrize("terminal", [True, False])
def test_every_way_of_talking_escapes(terminal):
    streams, read = written(terminal)
    for say in (streams.info, streams.warn, streams.error):
        say(f"of '{WORD}' and\nmore")
    try:
        raise ValueError(f"a {WORD}")
    except ValueError as problem:
        streams.stack(problem)
    told = read()[1]
    assert leaks(told) == []
    assert told.count(r"of '\x1b[2J\x07\u202e\udcff\x9b31m[red]' and\nmore") == 3
    assert told.count("\x1b[33m") == told.count("\x1b[31m") == terminal
    assert "Traceback" in told
    assert told.endswith("ValueError: a \\x1b[2J\\x07\\u202e\\udcff\\x9b31m[red]\n")


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_escapes(terminal):
    streams, read = written(terminal, width=600)
    stage = f"{WORD}{MARKUP}"
    with streams.progress("nats") as observe:
        observe(Event(stage, 1, 3, {f"{stage}_nats": 1.0}, f"half of {stage}"))
        observe(Event(stage, 3, 3, {f"{stage}_nats": 1.0}, "", done=True))
    told = read()[1]
    assert leaks(told, bars=True) == []
    plain, shown = _BARS.sub("", told), rf"\x1b[2J\x07\u202e\udcff\x9b31m[red]{MARKUP}"
    assert f"{shown}: half of {shown}\n" in plain
    # On a terminal the bar has the stage and the number, too.
    assert (f"{shown} 1.000 nats" in plain) == terminal


def test_a_terminal_gets_only_our_own_colours():
    streams, read = written(terminal=True)
    streams.result(f"a,{WORD}\n")
    streams.result(Styled("\x1b[1mours\x1b[0m\n"))
    streams.result_bytes(b"b,\x1b[2J\n\xff\n")
    assert read()[0] == "a,\\x1b[2J\\x07\\u202e\\udcff\\x9b31m[red]\n\x1b[1mours\x1b[0m\nb,\\x1b[2J\n\\xff\n"


def test_a_device_that_is_named_is_a_terminal():
    primary, secondary = os.openpty()
    try:
        deliver(f"a,{WORD}\n", written(terminal=False)[0], Path(os.ttyname(secondary)))
        shown = os.read(primary, 100)
    finally:
        os.close(primary)
        os.close(secondary)
    assert shown == b"a,\\x1b[2J\\x07\\u202e\\udcff\\x9b31m[red]\r\n"


def test_a_pipe_gets_the_data():
    streams, read = written(terminal=False)
    streams.result("a,\x1b[2J\u202e\n")
    streams.result_bytes(b"b,\x1b[2J\n")
    streams.result("c,\udcff\n")  # which no UTF-8 has
    assert read()[0] == "a,\x1b[2J\u202e\nb,\x1b[2J\nc,\\udcff\n"
