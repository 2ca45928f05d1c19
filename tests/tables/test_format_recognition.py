"""Which format a file is taken for: by its bytes, its suffix, and what the person says."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from minecli.errors import DataError, UsageError
from minecli.tables.files.formats import SPELLINGS, Format, detect_format, named_format
from minecli.tables.files.parts import Part
from minecli.tables.files.sources import locate

_TEXT = b"a,b\n1,2\n"
# Some begin with letters that other formats begin with, some nearly as JSON does.
_TEXTS = [
    _TEXT,
    "ä\n1\n".encode("latin-1"),
    *(
        name + b",b\n1,2\n"
        for name in (b"ORC", b"PAR1", b"ARROW1", b"FEA1", b"GIF8", b"SQLite format 3", b"[a]", b"{a}")
    ),
    b'{"a": 1},x\n2,3\n',
    b"{\n1\n",
    b"{\n",
]


def part(path: Path, content: bytes) -> Part:
    path.write_bytes(content)
    return locate(str(path)).parts[0]


def refused(found: Part, asked: str | None = None, encoded: bool = False, kind: type = DataError) -> str:
    with pytest.raises(kind) as caught:
        detect_format(found, asked, encoded)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def archive(*names: str) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as opened:
        for name in names:
            opened.writestr(name, "application/vnd.oasis.opendocument.spreadsheet" if name == "mimetype" else "content")
    return whole.getvalue()


def binary_samples() -> dict[Format, bytes]:
    table = pa.table({"a": [1, 2]})
    found: dict[Format, bytes] = {
        "xlsx": archive("[Content_Types].xml", "docProps/app.xml", "xl/workbook.xml"),
        "ods": archive("mimetype", "content.xml"),
        "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
        "sqlite": b"SQLite format 3\x00" + bytes(100),
    }
    for form, write in (
        ("parquet", pq.write_table),
        ("arrow", lambda rows, sink: pyarrow.feather.write_feather(rows, sink)),
        ("orc", orc.write_table),
        ("npy", lambda _, sink: np.save(sink, np.arange(3))),
        ("npz", lambda _, sink: np.savez(sink, x=np.arange(3))),
    ):
        sink = io.BytesIO()
        write(table, sink)
        found[form] = sink.getvalue()
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return {**found, "arrow-stream": sink.getvalue()}


@pytest.mark.parametrize(("form", "content"), binary_samples().items(), ids=list(binary_samples()))
def test_binary_formats_are_known_by_their_bytes(tmp_path, form: Format, content: bytes) -> None:
    for name in ("t", "t.csv", "t.tar.txt", f"t.{form}"):
        assert detect_format(part(tmp_path / name, content)) == form
    assert detect_format(part(tmp_path / "t", gzip.compress(content))) == form
    assert detect_format(locate("-", io.BytesIO(content)).parts[0]) == form
    assert "is not a table of text" in refused(part(tmp_path / "t", content), asked="csv")
    assert "is not a table of text" in refused(part(tmp_path / "t", content), asked="csv", encoded=True)


@pytest.mark.parametrize("name", ["t", "t.csv", "t.txt", "t.dat", "t.DATA", "t.unknown", "t.csv.gz"])
def test_text_is_csv(tmp_path, name: str) -> None:
    for content in _TEXTS:
        assert detect_format(part(tmp_path / name, content)) == "csv"


@pytest.mark.parametrize("name", ["t.tsv", "t.tab", "t.tsv.gz"])
def test_text_with_tabs(tmp_path, name: str) -> None:
    assert detect_format(part(tmp_path / name, b"a\tb\n1\t2\n")) == "tsv"


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}\n{"a": 2}\n',
        b'\xef\xbb\xbf  {"a": 1}\r\n{"a": 2}\r\n',
        b'{"a": 1}',
        b'{\n  "a": 1\n}\n{\n  "a": 2\n}\n',
        json.dumps({"a": "x" * 100_000}).encode(),
        json.dumps({"a": list(range(50_000))}, indent=1).encode(),
        b"{}\n",
    ],
    ids=range(7),
)
def test_json_lines_are_known_by_their_first_object(tmp_path, content: bytes) -> None:
    for name in ("t", "t.txt", "t.jsonl", "t.ndjson", "t.json", "t.log"):
        assert detect_format(part(tmp_path / name, content)) == "jsonl"
    # Who calls a file .csv, or says which encoding its text has, means rows of fields.
    assert detect_format(part(tmp_path / "t.csv", content)) == "csv"
    assert detect_format(part(tmp_path / "t", content), encoded=True) == "csv"
    assert detect_format(part(tmp_path / "t", content), "csv") == "csv"
    assert detect_format(part(tmp_path / "t.csv", content), "jsonl") == "jsonl"


@pytest.mark.parametrize("content", [b'[{"a": 1}, {"a": 2}]', b'[\n {\n  "a": 1}\n]', b"[{}]", b"[]"])
def test_an_array_of_objects_is_no_lines(tmp_path, content: bytes) -> None:
    for name in ("t", "t.json", "t.txt"):
        message = refused(part(tmp_path / name, content))
        assert "is one JSON array; it must have one JSON object on each line" in message
        assert f"(jq -c '.[]' {name} | minecli ... -)" in message
    assert "is one JSON array" in refused(part(tmp_path / "t.json", b"[[1, 2], [3, 4]]"))
    assert "is one JSON array" in refused(part(tmp_path / "t", b"[[1, 2], [3, 4]]"), "json")


def test_encodings(tmp_path) -> None:
    wide = part(tmp_path / "t.csv", "a,b\n1,2\n".encode("utf-16"))
    assert "is UTF-16 text (say so: --encoding utf-16)" in refused(wide)
    assert "is UTF-16 text" in refused(wide, asked="tsv")
    assert detect_format(wide, encoded=True) == "csv"
    assert detect_format(wide, "tsv", encoded=True) == "tsv"
    holed = part(tmp_path / "t", b"a,b\n1,\x00\n")
    assert "is not a table of text: it is binary data" in refused(holed)
    assert detect_format(holed, encoded=True) == "csv"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(9), "a PNG picture"),
        (b"\xff\xd8\xff\xe0" + bytes(9), "a JPEG picture"),
        (b"GIF89a" + bytes(9), "a GIF picture"),
        (b"%PDF-1.7\n1 0 obj\n", "a PDF document"),
        (b"\x89HDF\r\n\x1a\n" + bytes(9), "an HDF5 file"),
        (b"Obj\x01" + bytes(9), "an Avro file"),
        (b"FEA1" + bytes(9), "a Feather file of version 1"),
        (b"\x80\x04\x95" + bytes(9), "a Python pickle"),
        (b"PK\x05\x06" + bytes(18), "a ZIP archive without members"),
        (bytes(20), "binary data"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(tmp_path, content: bytes, kind: str) -> None:
    for name, encoded in (("t", False), ("t.csv", False), ("t", True)):
        if encoded and kind == "binary data":
            continue
        message = refused(part(tmp_path / name, content), encoded=encoded)
        assert f"is not a table of text: it is {kind}, its first bytes are" in message
    assert f"is called .parquet but is {kind}".replace("binary data", "not in that format") in refused(
        part(tmp_path / "t.parquet", content)
    )


def test_archives_that_are_no_tables(tmp_path) -> None:
    found = part(tmp_path / "my t.zip", archive("a.csv", "b.csv"))
    message = refused(found)
    assert "is a ZIP archive and no workbook or archive of NumPy arrays; it holds 'a.csv', 'b.csv'" in message
    assert "(unpack it, as in unzip -p 'my t.zip' MEMBER | minecli ... -)" in message
    assert "it holds 'word/document.xml'" in refused(part(tmp_path / "t.docx", archive("word/document.xml")))
    assert "cannot read" in refused(part(tmp_path / "t.xlsx", archive("xl/workbook.xml")[:-30]))
    assert detect_format(part(tmp_path / "t", archive("readme.txt", "x.npy"))) == "npz"


def test_a_suffix_that_the_content_belies(tmp_path) -> None:
    for suffix in ("parquet", "feather", "orc", "npy", "xlsx", "sqlite", "db"):
        message = refused(part(tmp_path / f"t.{suffix}", _TEXT))
        assert f"is called .{suffix} but is not in that format: its first bytes are b'a,b\\n1,'" in message
        assert message.endswith("(if it is text, say --input-format csv)")
        assert detect_format(part(tmp_path / f"t.{suffix}", _TEXT), "csv") == "csv"
    assert "is empty: it has 0 bytes" in refused(part(tmp_path / "t.csv", b""))


def test_what_the_person_says(tmp_path) -> None:
    found = part(tmp_path / "t.csv", _TEXT)
    for spelling, form in SPELLINGS.items():
        expected = "arrow-stream" if form == "arrow" else form
        assert detect_format(found, spelling) == detect_format(found, f".{spelling.upper()}") == expected
    assert detect_format(part(tmp_path / "t", binary_samples()["ods"]), "xlsx") == "ods"
    assert detect_format(part(tmp_path / "t", binary_samples()["arrow"]), "feather") == "arrow"
    message = refused(found, "docx", kind=UsageError)
    assert message.startswith("'docx' is not an input format; it must be one of csv, ")
    assert named_format("XLSM") == "xlsx"
