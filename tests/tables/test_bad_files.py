"""Files that cannot be read: each gets one line that names the file and says what to do."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from minecli.errors import DataError, MemoryShort, UsageError
from minecli.tables.files.options import Reading
from minecli.tables.groups import load_groups
from minecli.tables.wanted import Wanted

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def refused(source: object, stdin: io.BytesIO | None = None, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        load_groups(str(source), ["a"], ["b"], Wanted(**options), stdin=stdin)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.hint
    return message


@pytest.fixture
def parquet(tmp_path) -> Path:
    path = tmp_path / "good.parquet"
    pq.write_table(pa.table({"a": list(range(5000)), "b": [i * 0.37 for i in range(5000)]}), path)
    return path


def test_no_such_file_suggests_the_nearest(parquet) -> None:
    message = refused(parquet.with_name("god.parquet"))
    assert "there is no file" in message
    assert f"did you mean {parquet}?" in message
    assert "the folder" in refused(parquet.parent / "nowhere" / "t.csv")
    assert "no file matches" in refused(parquet.parent / "*.csv")
    assert "ls " in refused(parquet.parent / "q")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("t.csv", b"", "is empty: it has 0 bytes"),
        ("t.csv", b"\n \n", "is empty: it has no header line"),
        ("t.csv", b"a,b\n", "has a header but no rows"),
        ("t.csv", b"a,b", "has a header but no rows"),
        ("t.parquet", b"", "is empty: it has 0 bytes"),
        ("t.csv", PNG, "is not a table of text: it is a PNG picture"),
        ("t.csv", b"a,b\n1,\x00\x00\n", "is not a table of text: it is binary data"),
        ("t.png", PNG, "is not a table of text: it is a PNG picture"),
        ("t.parquet", PNG, "is called .parquet but is a PNG picture"),
        ("t.parquet", b"a,b\n1,2\n", "is called .parquet but is not in that format"),
        ("t.feather", b"FEA1\0\0", "is called .feather but is a Feather file of version 1"),
        ("t.xlsx", b"PK\x03\x04\x00", "cannot read"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "is UTF-16 text"),
        ("t.csv", "a,b,größe\n1,2,3\n".encode("latin-1"), "is not UTF-8 text: b'a,b,gr\\xf6\\xdfe'"),
        (
            "t.csv",
            b"a,b\n1,2\n3\n4,5\n",
            "a row (line 3) has the wrong number of fields: expected 2 columns, got 1",
        ),
        (
            "t.csv",
            b"a,b\n1,2\n3,4,5\n",
            "a row (line 3) has the wrong number of fields: expected 2 columns, got 3",
        ),
        ("t.csv", b"a,b,a\n1,2,3\n", "has the same name more than once: 'a'"),
        ("t.csv", b"0.5,1.5\n1,2\n", "holds numbers ('0.5', '1.5'); it must name the columns"),
        ("t.csv", b"1,1\n1,2\n", "holds numbers ('1', '1'); it must name the columns"),
        ("t.txt", b"a,b;c\nx,y;z\n", "is not clear: the lines fit ',' and ';'"),
        ("t.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 9, mtime=0)[:-6], "Truncated compressed stream"),
        ("t.arrow", b"ARROW1\0\0" + b"x" * 50, "cannot read"),
    ],
)
def test_a_file_that_is_no_table(tmp_path, name: str, content: bytes, expected: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    message = refused(path)
    assert expected in message
    assert name in message


def test_text_without_rows_from_a_pipe() -> None:
    assert "standard input is empty" in refused("-", stdin=io.BytesIO(b""))
    assert "standard input has a header but no rows" in refused("-", stdin=io.BytesIO(b"a,b\n"))
    assert "standard input: a row has the wrong number" in refused("-", stdin=io.BytesIO(b"a,b\n1,2\n3\n"))
    with pytest.raises(ValueError, match="no stream was given"):
        load_groups("-", ["a"], ["b"])


@pytest.mark.parametrize("keep", [3, 40, 2000])
def test_truncated_parquet(tmp_path, parquet, keep: int) -> None:
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(parquet.read_bytes()[: -1 * keep] if keep < 2000 else parquet.read_bytes()[:keep])
    message = refused(cut)
    assert "cannot read" in message
    assert "as Parquet" in message


def test_parquet_whose_pages_are_damaged(tmp_path, parquet) -> None:
    content = bytearray(parquet.read_bytes())
    content[4:400] = b"\xff" * 396
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(content)
    assert "as Parquet" in refused(damaged)


def test_truncated_arrow(tmp_path) -> None:
    whole = tmp_path / "whole.feather"
    pyarrow.feather.write_feather(pa.table({"a": [1, 2], "b": [3, 4]}), whole)
    cut = tmp_path / "cut.feather"
    cut.write_bytes(whole.read_bytes()[:-30])
    assert "as Arrow" in refused(cut)


def test_a_table_without_rows(tmp_path) -> None:
    pq.write_table(pa.table({"a": pa.array([], pa.float64()), "b": pa.array([], pa.float64())}), tmp_path / "t.parquet")
    assert "has a header but no rows" in refused(tmp_path / "t.parquet")


def test_duplicate_names_in_parquet(tmp_path) -> None:
    table = pa.Table.from_arrays([pa.array([1, 2]), pa.array([3, 4]), pa.array([5, 6])], names=["a", "b", "a"])
    pq.write_table(table, tmp_path / "t.parquet")
    assert "has the same column name more than once: 'a'" in refused(tmp_path / "t.parquet")


def test_a_folder_without_parts(tmp_path) -> None:
    (tmp_path / "readme.md").write_text("hello")
    assert "holds no Parquet parts (.parquet, .pq), only 'readme.md'" in refused(tmp_path)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"a": [1], "c": [2.0]}, "missing values in 1 of 5001 rows: 'b' 1"),
        ({"a": ["x"], "b": [2.0]}, "differ in column 'a': int64 and string"),
    ],
)
def test_parts_with_different_schemas(tmp_path, parquet, other: dict, expected: str) -> None:
    pq.write_table(pa.table(other), tmp_path / "z.parquet")
    assert expected in refused(tmp_path)


def test_parts_of_text_must_have_the_same_columns_and_types(tmp_path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1,2\n2,3\n")
    (tmp_path / "2.csv").write_text("a,c\n1,2\n2,3\n")
    assert "differ in their columns: 'b', 'c'" in refused(tmp_path / "*.csv")
    (tmp_path / "2.csv").write_text("b,a\n1,x\n2,y\n")
    assert "differ in column 'a': int64 and string" in refused(tmp_path / "*.csv")


def test_a_wrong_delimiter_is_named(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    message = refused(path, reading=Reading(delimiter=";"))
    assert "with the delimiter ';'" in message
    assert "has a single column 'a,b'; its header holds ','" in message
    assert "(--delimiter ',')" in message


def test_a_format_told_wrongly(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    assert "as Parquet" in refused(path, reading=Reading(input_format="parquet"))
    assert "as an Arrow stream" in refused(path, reading=Reading(input_format="arrow"))
    path.write_bytes(b"PAR1\x15\x04")
    assert "is not a table of text: it is a Parquet file" in refused(path, reading=Reading(input_format="csv"))
    path.write_bytes("a,b\n1,2\n".encode("utf-16"))
    assert "is UTF-16 text" in refused(path, reading=Reading(input_format="tsv"))


def test_urls_that_cannot_be_opened(tmp_path) -> None:
    message = refused("ftp://example.org/t.csv")
    assert "cannot open ftp://example.org/t.csv" in message
    assert "curl -L ftp://example.org/t.csv | minecli ... -" in message
    assert "there is nothing at" in refused((tmp_path / "t.csv").as_uri())
    assert "holds no Parquet parts" in refused(tmp_path.as_uri())


@pytest.mark.parametrize(
    ("error", "kind", "expected"),
    [
        (PermissionError(13, "denied"), DataError, "no permission to read"),
        (pa.ArrowMemoryError("malloc of size 64 failed"), MemoryShort, "not enough memory to read"),
    ],
)
def test_no_permission_and_no_memory(tmp_path, monkeypatch, error, kind, expected) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(pa, "OSFile", fail)
    with pytest.raises(kind, match=expected):
        load_groups(str(path), ["a"], ["b"])


def test_an_empty_path_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="the path of the table is empty"):
        load_groups("", ["a"], ["b"])
