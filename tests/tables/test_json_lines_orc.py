"""JSON lines and ORC: round trips, named columns alone, layouts of JSON, and what is refused in one line."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import orc

from minecli.errors import DataError
from minecli.tables.files import columnar
from minecli.tables.files.columnar import open_json_lines, open_orc
from minecli.tables.files.formats import detect_format
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.parts import Part
from minecli.tables.files.sources import locate


def written(path: Path, text: str | bytes) -> Part:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return locate(str(path)).parts[0]


@pytest.fixture
def lines(tmp_path):
    """`lines(text)`: the text as an open file of JSON lines."""

    def open_(text: str | bytes) -> OpenTable:
        part = written(tmp_path / "t.jsonl", text)
        assert detect_format(part) == "jsonl"
        return open_json_lines(part)

    return open_


def refused(call: Any, *arguments: Any) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_columns_come_in_the_order_of_their_first_mention(lines) -> None:
    table = lines('{"b": 1, "odd \\" name": "u"}\n\n{"a": 2.5, "b": null}\n')
    assert (table.names, table.format, table.once) == (("b", 'odd " name', "a"), "jsonl", False)
    assert table.read(["a", "b"]).to_pydict() == {"a": [None, 2.5], "b": [1, None]}
    assert table.read(['odd " name']).to_pydict() == {'odd " name': ["u", None]}


def test_types(lines) -> None:
    rows = [
        {"i": 1, "f": 1, "t": True, "day": "2024-01-31", "s": "2024-01-31", "n": None, "l": [1, 2], "o": {"x": 1}},
        {"i": 2, "f": 2.5, "t": False, "day": "2024-02-01", "s": "later", "n": None, "l": [3, 4], "o": {"y": "u"}},
    ]
    table = lines("\n".join(map(json.dumps, rows)))
    found = table.read(table.names)
    types = [str(found.schema.field(name).type).partition("<")[0] for name in table.names]
    assert types == ["int64", "double", "bool", "timestamp[s]", "string", "null", "list", "struct"]
    assert table.lists == {"l": 2}
    assert lines('{"l": [1]}\n{"l": [1, 2]}\n').lists == {"l": None}
    assert np.isnan(lines('{"a": NaN}\n{"a": 1}').read(["a"])["a"][0].as_py())


def test_agrees_with_python_on_many_blocks(lines) -> None:
    rng = np.random.default_rng(0)
    rows = [{"x": float(x), "s": "ä" * int(9 + 30 * abs(x) % 1)} for x in rng.normal(size=60_000)]
    text = "\n".join(json.dumps(row, ensure_ascii=bool(i % 2)) for i, row in enumerate(rows))
    assert len(text) > 2 * columnar._BLOCK
    assert lines(text).read(["x", "s"]).to_pylist() == rows


def test_a_column_may_begin_late(lines) -> None:
    table = lines('{"a": 1}\n' * 200_000 + '{"a": 2, "late": "x"}\n')
    assert table.names == ("a", "late")
    assert table.read(["late"])["late"].null_count == 200_000


def test_a_line_may_be_longer_than_a_block(lines) -> None:
    table = lines('{"a": "' + "x" * 3_000_000 + '"}\n{"a": "y"}\n')
    assert table.read(["a"])["a"][1].as_py() == "y"


@pytest.mark.parametrize("indent", [None, 1])
def test_objects_may_stand_on_several_lines(lines, indent: int | None) -> None:
    rows = [{"a": i, "b": [i, 0.5]} for i in range(40_000)]
    text = "\n".join(json.dumps(row, indent=indent) for row in rows)
    assert len(text) > columnar._BLOCK
    assert lines(text).read(["a", "b"]).to_pylist() == rows


def test_compressed_files_pipes_and_marks(tmp_path) -> None:
    text = b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n'
    for part in (written(tmp_path / "t", gzip.compress(text)), locate("-", io.BytesIO(text)).parts[0]):
        assert detect_format(part) == "jsonl"
        table = open_json_lines(part)
        assert table.read(["a"]).to_pydict() == table.read(["a"]).to_pydict() == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a": "x"}\n', "column 'a' of TABLE holds a number in some rows and a string in others (lines 1 "),
        ('{"a": "x"}\n\n{"a": false}\n', "holds a string in some rows and a boolean in others (lines 1 and 3)"),
        ('{"a": [1]}\n{"a": {"b": 1}}\n', "holds an array in some rows and an object in others (lines 1 and 2)"),
        ('{"a": 1}\nhello\n', "as JSON lines: Invalid value. (line 2)"),
        ('{"a": 1}\n\n{"a": 2', "(line 3)"),
        ('{"a": 1}\n[1, 2]\n', "TABLE holds an array where an object should be"),
        ('{"a": 1}\n"text"\n', "TABLE holds a string where an object should be"),
        ('{"a": 1, "a": 2}\n{"a": 3}\n', "was specified twice"),
        ('{"a": 1},\n{"a": 2},\n', "as JSON lines"),
        ('{"x": [1, 2], "y": [3, 4]}', "TABLE is one JSON object that holds whole columns"),
        ("{}\n{}\n", "the objects of TABLE are empty"),
        ("\n \n", "TABLE has a header but no rows"),
    ],
)  # fmt: skip
def test_refusals(tmp_path, text: str, message: str) -> None:
    part = written(tmp_path / "t.jsonl", text)
    assert message.replace("TABLE", part.label) in refused(open_json_lines, part)


def test_a_late_change_of_type_is_found(lines) -> None:
    text = '{"a": 1}\n' * 300_000 + '{"a": true}\n' + '{"a": 1}\n' * 10
    assert "(lines 1 and 300001)" in refused(lines, text)


def test_text_that_is_not_utf_8(lines) -> None:
    table = lines(b'{"a": 1, "b": "\xff"}\n{"a": 2, "b": "x"}\n')
    assert table.read(["a"]).to_pydict() == {"a": [1, 2]}
    assert "Invalid UTF8" in refused(table.read, ["b"])
    assert "cannot read" in refused(lines, b'{"\xff\xfe": 1}\n{"a": 2}\n')


@pytest.mark.parametrize(("before", "after"), [("[", "]"), ('{"a": ', "}")])
def test_deep_nesting_is_refused_and_not_crashed_on(lines, before: str, after: str) -> None:
    deep = '{"a": 1}\n{"a": ' + before * 20_000 + "1" + after * 20_000 + "}\n"
    assert "nests JSON values more than 100 deep" in refused(lines, deep)


def test_brackets_within_texts_do_not_count(lines) -> None:
    text = "\n".join(json.dumps({"a": '[{\\"' * 60, "b": "]" * 30, "c": [[i]]}) for i in range(1000))
    assert lines(text).read(["c"])["c"][999].as_py() == [[999]]


@pytest.fixture
def table() -> pa.Table:
    return pa.table(
        {
            "x": [1.5, None, 2.5],
            "n": [1, 2, 3],
            "odd, name": ["ä", "", None],
            "pair": pa.array([[1.0, 2.0]] * 3),
            "rec.ord": [1, 2, 3],
            "rec": [{"ord": 1}, {"ord": 2}, {"ord": 3}],
            "when": pa.array([0, None, 86_400_000_000_000], pa.timestamp("ns")),
        }
    )


def test_orc_round_trip(tmp_path, table) -> None:
    orc.write_table(table, tmp_path / "t.orc")
    part = locate(str(tmp_path / "t.orc")).parts[0]
    assert detect_format(part) == "orc"
    opened = open_orc(part)
    assert (opened.names, opened.format, dict(opened.lists)) == (tuple(table.column_names), "orc", {"pair": None})
    found = opened.read(["odd, name", "x", "rec.ord", "when"])
    assert found.to_pydict() == table.select(["odd, name", "x", "rec.ord", "when"]).to_pydict()


def test_orc_reads_the_named_columns_alone(tmp_path, monkeypatch) -> None:
    # Times of day need a database of time zones; without one the other columns can still be read.
    orc.write_table(pa.table({"x": [1, 2], "when": pa.array([0, 1], pa.timestamp("ns"))}), tmp_path / "t.orc")
    monkeypatch.setenv("TZDIR", str(tmp_path / "nowhere"))
    opened = open_orc(locate(str(tmp_path / "t.orc")).parts[0])
    assert opened.read(["x"]).to_pydict() == {"x": [1, 2]}
    try:
        opened.read(["when"])
    except DataError as error:
        assert "this machine lacks the database of time zones (install it" in str(error)  # noqa: PT017
    else:
        pytest.skip("this build of pyarrow does not look the time zone up in TZDIR")


@pytest.mark.parametrize("compress", [False, True])
def test_orc_from_a_pipe(tmp_path, table, compress: bool) -> None:
    orc.write_table(table, tmp_path / "t.orc")
    content = (tmp_path / "t.orc").read_bytes()
    part = locate("-", io.BytesIO(gzip.compress(content) if compress else content)).parts[0]
    assert detect_format(part) == "orc"
    opened = open_orc(part)
    assert opened.read(["n"]).to_pydict() == opened.read(["n"]).to_pydict() == {"n": [1, 2, 3]}


@pytest.mark.parametrize("cut", [1, 10, 100, 700])
def test_cut_orc_files(tmp_path, table, cut: int) -> None:
    orc.write_table(table, tmp_path / "t.orc")
    content = (tmp_path / "t.orc").read_bytes()
    assert len(content) > 800
    assert "as ORC" in refused(open_orc, written(tmp_path / "t.orc", content[:-cut]))


def test_orc_files_with_changed_bytes(tmp_path, table) -> None:
    orc.write_table(table, tmp_path / "t.orc", compression="zlib")
    content = bytearray((tmp_path / "t.orc").read_bytes())
    content[3:300] = b"\xff" * 297
    part = written(tmp_path / "t.orc", bytes(content))
    assert "as ORC" in refused(open_orc(part).read, ["x", "n", "odd, name"])
