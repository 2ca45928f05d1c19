"""load_groups end to end: formats, rows kept, encodings as seen from outside, and each kind of unusable data."""

from __future__ import annotations

import bz2
import gc
import gzip
import io
import lzma
import os
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from minecli.errors import DataError, UsageError
from minecli.tables.files.options import Reading
from minecli.tables.groups import Groups, load_groups
from minecli.tables.wanted import Wanted

ROWS = 200
TEXT = "a,b,c\n" + "".join(f"{i},{i * 0.5},{i % 7}\n" for i in range(ROWS))


def numbers_table() -> pa.Table:
    i = np.arange(ROWS)
    return pa.table({"a": i, "b": i * 0.5, "c": (i % 7).astype(np.int8)})


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


def bytes_of(form: str) -> bytes:
    sink = pa.BufferOutputStream()
    table = numbers_table()
    if form == "parquet":
        pq.write_table(table, sink)
    elif form == "feather":
        pyarrow.feather.write_feather(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=64)
    return sink.getvalue().to_pybytes()


CONTENTS = {
    "plain.csv": TEXT.encode(),
    "tabs.tsv": TEXT.replace(",", "\t").encode(),
    "semicolons.txt": TEXT.replace(",", ";").encode(),
    "pipes.csv": TEXT.replace(",", "|").encode(),
    "spaces.txt": TEXT.replace(",", " ").encode(),
    "no_suffix": TEXT.encode(),
    "bom.csv": b"\xef\xbb\xbf" + TEXT.encode(),
    "windows.csv": TEXT.replace("\n", "\r\n").encode(),
    "no_last_newline.csv": TEXT.rstrip("\n").encode(),
    "blank_lines.csv": b"\n" + TEXT.replace("\n", "\n\n").encode(),
    "quoted.csv": ('"a","b","c"\n' + "".join(f'"{i}","{i * 0.5}","{i % 7}"\n' for i in range(ROWS))).encode(),
    "zipped.csv.gz": gzip.compress(TEXT.encode()),
    "zipped_but_not_so_called.csv": gzip.compress(TEXT.encode()),
    "two_members.csv.gz": gzip.compress(TEXT[:100].encode()) + gzip.compress(TEXT[100:].encode()),
    "zipped.csv.bz2": bz2.compress(TEXT.encode()),
    "zipped.csv.xz": lzma.compress(TEXT.encode()),
    "zipped.tsv.zst": zstd(TEXT.replace(",", "\t").encode()),
    "table.parquet": bytes_of("parquet"),
    "table.pq": bytes_of("parquet"),
    "zipped.parquet.gz": gzip.compress(bytes_of("parquet")),
    "table.feather": bytes_of("feather"),
    "table.arrow": bytes_of("feather"),
    "table.ipc": bytes_of("stream"),
    "called.csv": bytes_of("parquet"),
}


def check_numbers(groups: Groups) -> None:
    i = np.arange(ROWS)
    np.testing.assert_array_equal(groups.x.values, np.column_stack([i % 7, i]))
    np.testing.assert_array_equal(groups.z.values, i[:, None] * 0.5)
    np.testing.assert_array_equal(groups.row_numbers, i)
    assert groups.x.names == ("c", "a")
    for group in (groups.x, groups.z):
        assert group.values.dtype == np.float64
        assert group.values.flags.c_contiguous
    assert (groups.rows_read, groups.rows_dropped, groups.rows_sampled_from) == (ROWS, 0, None)


@pytest.mark.parametrize("name", CONTENTS)
def test_the_same_table_comes_out_of_every_file(tmp_path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(CONTENTS[name])
    check_numbers(load_groups(str(path), ["c", "a"], ["b"]))


@pytest.mark.parametrize("name", CONTENTS)
def test_and_out_of_standard_input(name: str) -> None:
    form = "tsv" if ".tsv" in name else None
    reading = Reading(input_format=form)
    check_numbers(load_groups("-", ["c", "a"], ["b"], Wanted(reading=reading), stdin=io.BytesIO(CONTENTS[name])))


@pytest.mark.parametrize("form", ["parquet", "feather", "arrow", "csv", "tsv"])
def test_the_format_can_be_told(tmp_path, form: str) -> None:
    content = {"csv": CONTENTS["plain.csv"], "tsv": CONTENTS["tabs.tsv"], "arrow": CONTENTS["table.ipc"]}
    path = tmp_path / "odd.name"
    path.write_bytes(content.get(form) or bytes_of(form))
    check_numbers(load_groups(str(path), ["c", "a"], ["b"], Wanted(reading=Reading(input_format=form))))


def test_a_named_pipe_is_read_once(tmp_path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(CONTENTS["zipped.csv.gz"],))
    writer.start()
    check_numbers(load_groups(str(path), ["c", "a"], ["b"]))
    writer.join()


def test_standard_input_stays_open() -> None:
    stdin = io.BytesIO(CONTENTS["zipped.csv.gz"])
    check_numbers(load_groups("-", ["c", "a"], ["b"], stdin=stdin))
    gc.collect()
    assert not stdin.closed


class Dribble(io.RawIOBase):
    """A pipe that gives a few bytes at a time, as pipes may."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, 7) if size >= 0 else 7)


@pytest.mark.parametrize("name", ["plain.csv", "zipped.csv.gz", "zipped.csv.xz", "table.parquet", "table.ipc"])
def test_a_slow_pipe_gives_the_same_table(name: str) -> None:
    check_numbers(load_groups("-", ["c", "a"], ["b"], stdin=Dribble(CONTENTS[name])))


def test_a_file_url_is_read(tmp_path) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(CONTENTS["table.parquet"])
    check_numbers(load_groups(path.as_uri(), ["c", "a"], ["b"]))
    check_numbers(load_groups(tmp_path.as_uri(), ["c", "a"], ["b"]))


@pytest.mark.parametrize("source", ["parts", "parts/**/x.parquet", "parts/p[01]*/x.parquet"])
def test_parts_are_joined_in_sorted_order(tmp_path, monkeypatch, source: str) -> None:
    table = numbers_table()
    for name, start, stop in (("p10", 150, 200), ("p01", 0, 90), ("p02", 90, 150)):
        (tmp_path / "parts" / name).mkdir(parents=True)
        pq.write_table(table.slice(start, stop - start), tmp_path / "parts" / name / "x.parquet")
    (tmp_path / "parts" / "_SUCCESS.parquet").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    check_numbers(load_groups(source, ["c", "a"], ["b"]))


def test_only_the_named_columns_are_decoded(tmp_path) -> None:
    path = tmp_path / "t.csv"
    write(path, "a,b,junk\n1,2,\x01\n2,1,x\n")
    with path.open("ab") as file:
        file.write(b"3,3,\xff\n")
    assert load_groups(str(path), ["a"], ["b"]).rows_read == 3


def test_parquet_columns_with_dots_and_spaces(tmp_path) -> None:
    table = pa.table({"a": [1, 2], "a.b": [3, 4], "c d": [5, 6]})
    pq.write_table(table, tmp_path / "t.parquet")
    groups = load_groups(str(tmp_path / "t.parquet"), ["a.b", "a"], ["c d"])
    np.testing.assert_array_equal(groups.x.values, [[3, 1], [4, 2]])


def test_missing_values_name_columns_and_counts(tmp_path) -> None:
    path = write(tmp_path / "t.csv", "a,b,c\n1,,9\n2,NA,9\n,3,9\n4,4,9\n5,nan,9\n6,7,\n")
    with pytest.raises(DataError) as caught:
        load_groups(path, ["a"], ["b"])
    assert str(caught.value) == ("missing values in 4 of 6 rows: 'a' 1, 'b' 3 (--missing drop leaves 4 rows out)")
    groups = load_groups(path, ["a"], ["b"], Wanted(missing="drop"))
    np.testing.assert_array_equal(groups.x.values, [[4], [6]])
    np.testing.assert_array_equal(groups.row_numbers, [3, 5])
    assert (groups.rows_read, groups.rows_dropped) == (6, 4)
    assert "dropped 4 of 6 rows because of missing values" in groups.notes


@pytest.mark.parametrize("spelling", ["", "NA", "NaN", "nan", "null", "NULL", "None", "N/A"])
def test_spellings_of_missing(tmp_path, spelling: str) -> None:
    path = write(tmp_path / "t.csv", f"a,b\n1,u\n2,{spelling}\n{spelling},u\n4,v\n5,v\n6,u\n7,v\n8,u\n")
    assert load_groups(path, ["a"], ["b"], Wanted(missing="drop")).rows_dropped == 2


def test_a_row_of_nothing_but_missing_values(tmp_path) -> None:
    path = write(tmp_path / "t.csv", "a,b\n1,\n2,\n")
    with pytest.raises(DataError, match="no row is left: each of 2 rows has a missing value; column 'b' alone has 2"):
        load_groups(path, ["a"], ["b"], Wanted(missing="drop"))


def test_a_question_mark_is_missing_only_on_request(tmp_path) -> None:
    path = write(tmp_path / "t.csv", "a,b\n" + "".join(f"{i},{i / 8 if i != 60 else '?'}\n" for i in range(100)))
    with pytest.raises(DataError) as caught:
        load_groups(path, ["a"], ["b"])
    assert str(caught.value) == (
        "column 'b' is text: 99 of its 100 values are numbers, but row 60 (counted from 0) holds '?' "
        "(if that means missing: --na-values '?')"
    )
    groups = load_groups(path, ["a"], ["b"], Wanted(reading=Reading(na_values=("?",)), missing="drop"))
    assert groups.rows_dropped == 1
    assert 60 not in groups.row_numbers


def test_the_row_of_a_bad_value_is_that_of_the_file(tmp_path) -> None:
    rows = "".join(f"{'' if i < 10 else i},{i / 8 if i != 60 else '?'}\n" for i in range(100))
    path = write(tmp_path / "t.csv", "a,b\n" + rows)
    with pytest.raises(DataError, match="row 60 "):
        load_groups(path, ["a"], ["b"], Wanted(missing="drop"))


@pytest.mark.parametrize(("value", "first"), [("inf", 2), ("-inf", 2), ("1e400", 2)])
def test_infinity_is_an_error_whatever_the_policy(tmp_path, value: str, first: int) -> None:
    path = write(tmp_path / "t.csv", f"a,b\n1,5\n2,6\n3,{value}\n,{value}\n5,9\n")
    for policy in ("error", "drop"):
        with pytest.raises(DataError) as caught:
            load_groups(path, ["a"], ["b"], Wanted(missing=policy))
        assert f"column 'b' holds 2 infinite values, the first in row {first} (counted from 0)" in str(caught.value)


def test_huge_finite_values_survive(tmp_path) -> None:
    path = write(tmp_path / "t.csv", "a,b\n1e300,1\n-1e300,2\n1e-300,3\n")
    np.testing.assert_array_equal(load_groups(path, ["a"], ["b"]).x.values[:, 0], [1e300, -1e300, 1e-300])


def test_a_sample_is_seeded_and_keeps_file_order(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(numbers_table(), path)
    first, again, other = (
        load_groups(str(path), ["a"], ["b"], Wanted(sample=50, seed=seed)).row_numbers for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    groups = load_groups(str(path), ["a"], ["b"], Wanted(sample=50, seed=1))
    assert (groups.rows_sampled_from, len(groups.row_numbers)) == (ROWS, 50)
    assert (np.diff(groups.row_numbers) > 0).all()
    np.testing.assert_array_equal(groups.x.values[:, 0], groups.row_numbers)


def test_a_sample_is_drawn_after_missing_rows_are_dropped(tmp_path) -> None:
    path = write(tmp_path / "t.csv", "a,b\n" + "".join(f"{i},{i if i % 2 else ''}\n" for i in range(100)))
    groups = load_groups(path, ["a"], ["b"], Wanted(missing="drop", sample=20))
    assert (groups.rows_read, groups.rows_dropped, groups.rows_sampled_from) == (100, 50, 50)
    assert (groups.row_numbers % 2 == 1).all()
    assert len(groups.row_numbers) == 20


def test_a_sample_larger_than_the_table_takes_all(tmp_path) -> None:
    path = write(tmp_path / "t.csv", TEXT)
    groups = load_groups(path, ["a"], ["b"], Wanted(sample=10_000))
    assert groups.rows_sampled_from is None
    assert groups.notes == ("all of 200 rows are used: a sample of 10000 was asked for",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"missing": "ignore"}, "--missing is 'ignore'; it must be error or drop"),
        ({"sample": 0}, "--sample is 0; it must be at least 1"),
        ({"reading": Reading(input_format="word")}, "'word' is not an input format; it must be one of csv, txt"),
        ({"reading": Reading(delimiter=";;")}, "the delimiter ';;' must be one ASCII character"),
    ],
)
def test_options_out_of_range(tmp_path, options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_groups(write(tmp_path / "t.csv", TEXT), ["a"], ["b"], Wanted(**options))


@pytest.mark.parametrize("options", [{"delimiter": ","}, {"quote": "none"}, {"header": False}, {"skip_rows": 1}])
def test_options_of_text_do_not_apply_to_parquet(tmp_path, options: dict) -> None:
    pq.write_table(numbers_table(), tmp_path / "t.parquet")
    with pytest.raises(UsageError, match="applies to text tables, and this one is parquet"):
        load_groups(str(tmp_path / "t.parquet"), ["a"], ["b"], Wanted(reading=Reading(**options)))


def test_a_constant_group_is_an_error_and_a_constant_column_a_note(tmp_path) -> None:
    path = write(tmp_path / "t.csv", "a,b,k,t\n" + "".join(f"{i},{-i},3.0,same\n" for i in range(9)))
    with pytest.raises(DataError) as caught:
        load_groups(path, ["k,t"], ["b"])
    assert str(caught.value) == (
        "x is constant: column 'k' holds only 3.0, column 't' holds only 'same' in 9 rows; "
        "the mutual information with a constant is 0 (name a column that varies in --x)"
    )
    groups = load_groups(path, ["a,k,t"], ["b"])
    assert groups.x.names == ("a",)
    assert [use.width for use in groups.x.columns] == [1, 0, 0]
    assert groups.notes == ("x: left out because constant: 'k' (only 3.0), 't' (only 'same')",)


def test_a_single_row_shows_no_dependence(tmp_path) -> None:
    with pytest.raises(DataError, match="only one row is left"):
        load_groups(write(tmp_path / "t.csv", "a,b\n1,2\n"), ["a"], ["b"])


def test_columns_are_judged_on_the_rows_that_remain(tmp_path) -> None:
    rows = "".join(f"{i},{'u' if i % 2 else 'v'}\n" for i in range(20)) + ",w\n,w\n"
    groups = load_groups(write(tmp_path / "t.csv", "a,b\n" + rows), ["a"], ["b"], Wanted(missing="drop"))
    assert groups.z.names == ("b=v",)


@pytest.mark.skipif("MINECLI_TEST_DATA" not in os.environ, reason="MINECLI_TEST_DATA names no folder of real tables")
@pytest.mark.parametrize(
    ("name", "x", "z", "shape_x", "shape_z"),
    [
        ("mushroom.csv", ["!class"], ["class"], (8124, 111), (8124, 1)),
        ("mushroom_onehot.parquet", ["odor_*"], ["class_p"], (8124, 9), (8124, 1)),
        ("air_quality.csv", ["S*"], ["CO_GT,NOx_GT,NO2_GT"], (6941, 5), (6941, 3)),
        ("eeg_eye_state.parquet", ["AF3:O1"], ["eye_closed"], (14980, 7), (14980, 1)),
        ("digits.parquet", ["/^p.[0-3]$/"], ["p?[4-7]"], (1797, 30), (1797, 31)),
        ("breast_cancer.csv", ["mean_*"], ["benign"], (569, 10), (569, 1)),
    ],
)
def test_real_tables(name: str, x: list[str], z: list[str], shape_x: tuple, shape_z: tuple) -> None:
    path = Path(os.environ["MINECLI_TEST_DATA"]) / "tabular" / name
    groups = load_groups(str(path), x, z, Wanted(missing="drop"))
    assert (groups.x.values.shape, groups.z.values.shape) == (shape_x, shape_z)
    assert np.isfinite(groups.x.values).all()


def test_quoted_fields_may_hold_delimiters_and_line_ends(tmp_path) -> None:
    path = write(tmp_path / "t.csv", '"a,b",c,note\n1,2,"x\ny"\n3,4,"p, ""q"""\n5,7,\n')
    groups = load_groups(path, ["a,b"], ["c"])
    np.testing.assert_array_equal(groups.x.values[:, 0], [1, 3, 5])


def test_nameless_columns_and_trailing_delimiters_do_no_harm(tmp_path) -> None:
    path = write(tmp_path / "t.csv", '"",a,b,,\n"r1",1,2,,\n"r2",3,5,,\n')
    np.testing.assert_array_equal(load_groups(path, ["a"], ["b"]).z.values[:, 0], [2, 5])


def test_a_delimiter_that_was_guessed_is_said(tmp_path) -> None:
    path = write(tmp_path / "t.csv", "a;b;c\n1,5;2;3\n1,6;3;4\n")
    groups = load_groups(path, ["b"], ["c"])
    assert groups.notes == (f"the delimiter of {path} was taken to be ';'",)
    with pytest.raises(DataError, match="numbers with a comma, as '1,5'"):
        load_groups(path, ["a"], ["c"])
    assert load_groups(path, ["b"], ["c"], Wanted(reading=Reading(delimiter="semicolon"))).notes == ()


def test_many_columns(tmp_path) -> None:
    # The header is longer than the block of text that pyarrow looks at by default, 1 MiB.
    names = [f"column_with_a_long_name_{i}" for i in range(50_000)]
    rows = "\n".join(",".join([str(i)] * len(names)) for i in range(3))
    content = (",".join(names) + "\n" + rows).encode()
    assert len(names[0]) * len(names) > 1 << 20
    (tmp_path / "t.csv").write_bytes(content)
    assert load_groups(str(tmp_path / "t.csv"), ["*_1?"], ["*_2?"]).x.values.shape == (3, 10)
    assert load_groups("-", ["*_1?"], ["*_2?"], stdin=io.BytesIO(content)).x.values.shape == (3, 10)


def test_metadata_travels_with_the_groups(tmp_path) -> None:
    table = numbers_table().replace_schema_metadata({"minecli.true_mi_nats": "0.83"})
    pq.write_table(table, tmp_path / "t.parquet")
    content = io.BytesIO((tmp_path / "t.parquet").read_bytes())
    for source, stdin in ((str(tmp_path / "t.parquet"), None), ("-", content)):
        assert load_groups(source, ["a"], ["b"], stdin=stdin).metadata == {"true_mi_nats": "0.83"}


def test_a_table_from_pandas(tmp_path) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": pd.Categorical(["u", "v", "u"])}, index=[7, 8, 9])
    frame.to_parquet(tmp_path / "t.parquet")
    groups = load_groups(str(tmp_path / "t.parquet"), ["a"], ["b"])
    assert groups.z.names == ("b=v",)
    np.testing.assert_array_equal(groups.row_numbers, [0, 1, 2])
