"""What a person says of a file: types, dates, missing values, comments, entries of lists, rows that count."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minecli.errors import DataError, UsageError
from minecli.tables.files.options import Reading
from minecli.tables.groups import Groups, load_groups
from minecli.tables.summary import describe_columns
from minecli.tables.wanted import Wanted


def load(text: str, x: str = "a", z: str = "b", missing: Any = "error", **options: Any) -> Groups:
    return load_groups(
        "-", [x], [z], Wanted(reading=Reading(**options), missing=missing), stdin=io.BytesIO(text.encode())
    )


def xs(groups: Groups) -> list[float]:
    return groups.x.values[:, 0].tolist()


def test_missing_values_are_matched_by_value() -> None:
    found = load("a,b\n1.5,1\n-999.0,2\n2.5,4\n", na_values=("-999",), missing="drop")
    assert (xs(found), found.rows_dropped) == ([1.5, 2.5], 1)
    assert not any("matches no value" in note for note in found.notes)


@pytest.mark.parametrize("marker", ["-998", "?", "-"])
def test_a_marker_that_matches_nothing_is_said(marker: str) -> None:
    (note,) = load("a,b\n1.5,1\n-999.0,2\n2.5,4\n", na_values=(marker,)).notes
    assert note == f"--na-values {marker} matches no value in the columns that were read"


def test_missing_values_of_other_formats_are_matched_by_value(tmp_path: Path) -> None:
    columns = {
        "i": pa.array([1, -999, 3, 4, 5, 6]),
        "f": pa.array([1.0, 2.0, -999.0, 4.5, 5.5, 6.5], pa.float32()),
        "s": ["x", "?", "x", "x", "y", "y"],
        "c": pa.array(["u", "v", "u", "?", "v", "u"]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    reading = Reading(na_values=("-999", "?"))
    for name, lost in (("i", 1), ("f", 2), ("s", 1), ("c", 3)):
        found = load_groups(
            str(tmp_path / "t.parquet"), [name], ["i" if name != "i" else "f"], Wanted(reading=reading, missing="drop")
        )
        assert lost not in found.row_numbers.tolist()


def test_words_that_stand_for_missing_may_be_levels() -> None:
    text = "a,b\n" + "".join(f"{i},{('NA', 'EU', 'AS', '')[i % 4]}\n" for i in range(40))
    with pytest.raises(
        DataError, match=r"missing values in 20 of 40 rows.* if NA is a value like others: --keep-na-strings"
    ):
        load(text)
    assert load(text, keep_na_strings=True, missing="drop").z.names == ("b=AS", "b=EU", "b=NA")


def test_lines_that_are_passed_over() -> None:
    text = "# station\n\na,b\n1,2\n# in between\n3,5\n"
    assert xs(load(text, comment="#")) == [1.0, 3.0]
    assert xs(load("by me\nat home\na,b\n1,2\n3,5\n", skip_rows=2)) == [1.0, 3.0]
    with pytest.raises(DataError, match=r"lines that begin with '#' stand before the header .*--comment '#'"):
        load("# station\n# made by hand\na,b\n1,2\n3,5\n4,4\n")
    with pytest.raises(DataError, match=r"the first line \('by me'\) does not fit .* from line 3 on .*--skip-rows 2"):
        load("by me\nat home\na,b\n1,2\n3,5\n4,4\n")


def test_a_table_without_header() -> None:
    text = "u,1.5,2\nv,2.5,3\nu,3.5,5\n"
    with pytest.raises(DataError, match=r"the first line of standard input holds numbers .*--no-header.* --header"):
        load(text, "f1", "f2")
    found = load(text, "f1", "f2", header=False)
    assert xs(found) == [1.5, 2.5, 3.5]
    assert "the columns of standard input are called f0 to f2" in found.notes
    assert xs(load("400.5,401.0\n1,2\n2,5\n", "400.5", "401.0", header=True)) == [1.0, 2.0]
    assert xs(load("land,2019,2020\nno,1,2\nse,2,5\n", "2019", "2020")) == [1.0, 2.0]


def test_columns_without_names_are_called_by_their_places() -> None:
    found = load(",a,b,\n0,1,2,7\n1,3,5,8\n", "f3,a", "b")
    assert found.x.names == ("f3", "a")
    assert "columns without a name are called by the place: 'f0', 'f3'" in found.notes[0]


def test_the_first_column_without_a_name_numbers_the_rows() -> None:
    assert load(",a,b\n0,1,2\n1,3,5\n", "!b", "b").x.names == ("a",)
    assert load(",a,b\n0,1,2\n1,3,5\n", "f0", "b").x.names == ("f0",)
    assert load("Unnamed: 0,a,b\n0,1,2\n1,3,5\n", "!b", "b").x.names == ("a",)


def test_a_header_with_line_ends() -> None:
    found = load('"Temp\n(C)","Press\n(hPa)"\n1,2\n3,5\n', "Temp*", "Press*")
    assert (found.x.names, found.rows_read) == (("Temp\n(C)",), 2)


@pytest.mark.parametrize("text", ["   \na,b\n1,2\n3,5\n", "\n\n\t\na,b\n1,2\n3,5\n", "\r\na,b\r\n1,2\r\n3,5\r\n"])
def test_blank_lines_come_first(text: str) -> None:
    assert load(text).rows_read == 2


@pytest.mark.parametrize(
    "text", ["   a   b\n  1.5  2\n 12.5  3\n", "a\t  b\n1.5 2\n12.5   3  \n", "a b\n1.5 2\n12.5 3\n"]
)
def test_columns_between_blanks(text: str) -> None:
    assert xs(load(text)) == [1.5, 12.5]
    assert xs(load(text, delimiter="whitespace")) == [1.5, 12.5]


def test_the_delimiter_is_the_one_under_which_the_rows_are_numbers() -> None:
    text = "temp, C;press, hPa\n-0,5;1,5\n0,25;2\n1,5;3,5\n"
    assert xs(load(text, "temp, C", "press, hPa", decimal=",")) == [-0.5, 0.25, 1.5]
    with pytest.raises(DataError, match="--decimal ,"):
        load(text, r"temp\, C", r"press\, hPa")


def test_dates_as_they_are_written(tmp_path: Path) -> None:
    text = "a,b\n03/2020,1\n04/2020,2\n01/2021,5\n"
    assert np.diff(xs(load(text, date_format=("%m/%Y",)))).tolist() == [31.0, 275.0]
    pq.write_table(pa.table({"a": ["31.12.2020", "01.01.2021", "03.01.2021"], "b": [1, 2, 4]}), tmp_path / "t.parquet")
    found = load_groups(str(tmp_path / "t.parquet"), ["a"], ["b"], Wanted(reading=Reading(date_format=("%d.%m.%Y",))))
    assert np.diff(xs(found)).tolist() == [1.0, 2.0]


def test_types_as_they_are_meant(tmp_path: Path) -> None:
    text = "a,b\n" + "".join(f"0{i % 3},{i}\n" for i in range(30))
    assert load(text, types=("a=int64",)).x.values.max() == 2.0
    with pytest.raises(DataError, match=r"column 'a' is text .* --categorical a"):
        load(text, types=("a=text",))
    pq.write_table(pa.table({"a": ["1.5", "2.5", "4"], "b": [1, 2, 4]}), tmp_path / "t.parquet")
    found = load_groups(str(tmp_path / "t.parquet"), ["a"], ["b"], Wanted(reading=Reading(types=("a=number",))))
    assert xs(found) == [1.5, 2.5, 4.0]
    with pytest.raises(DataError, match="'x' in column 'a' is no int64"):
        load("a,b\n1,2\nx,3\n", types=("a=int64",))
    with pytest.raises(UsageError, match="--type: there is no column 'c'"):
        load("a,b\n1,2\n2,3\n", types=("c=text",))
    with pytest.raises(UsageError, match="'a=word' is not COLUMN=TYPE"):
        load("a,b\n1,2\n2,3\n", types=("a=word",))


def test_encodings() -> None:
    text = "größe,b\n1,2\n3,5\n"
    for encoding in ("latin-1", "utf-16", "cp1252"):
        found = load_groups(
            "-", ["größe"], ["b"], Wanted(reading=Reading(encoding=encoding)), stdin=io.BytesIO(text.encode(encoding))
        )
        assert xs(found) == [1.0, 3.0]
    with pytest.raises(UsageError, match="--encoding 'klingon' is not known"):
        load("a,b\n1,2\n", encoding="klingon")
    with pytest.raises(DataError, match="the text is not utf-16"):
        load_groups("-", ["a"], ["b"], Wanted(reading=Reading(encoding="utf-16")), stdin=io.BytesIO(b"a,b\n1,2\n3"))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"skip_rows": -1}, "skip_rows is -1"),
        ({"comment": "//"}, "--comment is '//'"),
        ({"decimal": ""}, "--decimal is ''"),
        ({"escape": "é"}, "--escape is 'é'"),
        ({"quote": "ab"}, "--quote is 'ab'"),
        ({"delimiter": "ab"}, "the delimiter 'ab'"),
    ],
)
def test_options_that_are_none(options: dict, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        load("a,b\n1,2\n3,4\n", **options)


@pytest.fixture
def lists(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    emb = rng.standard_normal((40, 4))
    columns = {
        "fixed": pa.FixedSizeListArray.from_arrays(pa.array(emb.reshape(-1)), 4),
        "free": pa.array(emb.tolist()),
        "ragged": pa.array([row[: 2 + i % 3].tolist() for i, row in enumerate(emb)]),
        "b": rng.standard_normal(40),
    }
    pq.write_table(pa.table(columns), tmp_path / "lists.parquet")
    return str(tmp_path / "lists.parquet")


@pytest.mark.parametrize("name", ["fixed", "free"])
def test_entries_of_lists(lists: str, name: str) -> None:
    whole = load_groups(lists, [name], ["b"])
    assert whole.x.names == tuple(f"{name}[{i}]" for i in range(4))
    some = load_groups(lists, [f"{name}[1:3]"], [f"{name}[0]"])
    assert some.x.names == (f"{name}[1]", f"{name}[2]")
    np.testing.assert_array_equal(some.x.values, whole.x.values[:, 1:3])
    np.testing.assert_array_equal(some.z.values, whole.x.values[:, :1])


def test_entries_that_are_not_in_every_list(lists: str) -> None:
    assert load_groups(lists, ["ragged[1]"], ["b"]).x.values.shape == (40, 1)
    with pytest.raises(DataError, match="column 'ragged' has no entry 3 in every row: the shortest list has 2"):
        load_groups(lists, ["ragged[3]"], ["b"])
    with pytest.raises(DataError, match="lists of different lengths"):
        load_groups(lists, ["ragged"], ["b"])


def test_rows_that_count() -> None:
    text = "a,b,c\n" + "".join(f"{i},{i * i % 7},{'uv'[i % 2]}\n" for i in range(40))
    found = load(text, where="c == 'v' and a >= 10")
    assert xs(found) == [float(i) for i in range(11, 40, 2)]
    assert found.row_numbers.tolist() == list(range(11, 40, 2))
    assert (found.rows_read, found.rows_dropped) == (40, 0)
    assert "--where keeps 15 of 40 rows" in found.notes
    with pytest.raises(DataError, match="no row is left: --where keeps none of 40 rows"):
        load(text, where="a > 100")


def test_what_is_missing_elsewhere_does_not_count() -> None:
    text = "a,b\n1,2\n,3\ninf,4\n4,1\n6,2\n"
    assert xs(load(text, where="b <= 2")) == [1.0, 4.0, 6.0]


def test_integers_that_only_an_unsigned_type_holds(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{2**63 + 7 * i},{i % 7}\n" for i in range(30)))
    found = load_groups(str(tmp_path / "t.csv"), ["a"], ["b"])
    assert xs(found) == [7.0 * i for i in range(30)]
    assert any("beyond 2^53" in note for note in found.notes)


@pytest.mark.parametrize(
    "text", ["sep=;\na;b\n1;2\n3;5\n", "\ufeffsep=|\r\na|b\r\n1|2\r\n3|5\r\n", "SEP=\t\na\tb\n1\t2\n3\t5\n"]
)
def test_the_delimiter_that_excel_says(text: str) -> None:
    assert xs(load(text)) == [1.0, 3.0]


def test_a_malformed_row_with_bytes_that_are_no_text(capfd: pytest.CaptureFixture[str]) -> None:
    text = b"a,b\n1,2\n3,4,\xff\xfe\n5,6\n"
    with pytest.raises(DataError, match="has the wrong number of fields: expected 2 columns, got 3"):
        load_groups("-", ["a"], ["b"], stdin=io.BytesIO(text))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "x"),
    [("a b\n" + '"1" 1 2\n"2" 3 5\n"3" 4 4\n', "f1"), ("a,b\n1,2,\n3,5,\n4,4,\n", "f0")],
)
def test_rows_that_are_wider_than_the_header(text: str, x: str) -> None:
    with pytest.raises(DataError, match=r"the first line has 2 fields and the rows have 3 .*--skip-rows 1 --no-header"):
        load(text)
    assert xs(load(text, x, "f2" if x == "f1" else "f1", header=False, skip_rows=1)) == [1.0, 3.0, 4.0]


def test_values_in_single_quotes() -> None:
    text = "a,b,c\n1,2,'u,v'\n3,5,'u,v'\n4,4,'u,v'\n"
    with pytest.raises(DataError, match="if values are in single quotes: --quote single"):
        load(text)
    assert xs(load(text, quote="single")) == [1.0, 3.0, 4.0]


@pytest.mark.parametrize("start", [2**64 - 12, 2**64, 10**29, -(2**63) - 40])
def test_integers_that_no_64_bits_hold_are_no_constant(tmp_path: Path, start: int) -> None:
    text = "a,b\n" + "".join(f"{start + i},{i * 7 % 11}\n" for i in range(30))
    (tmp_path / "t.csv").write_text(text)
    found = describe_columns(str(tmp_path / "t.csv")).columns[0]
    assert found.distinct == 30
    assert "constant" not in found.encoding
    with pytest.raises(DataError, match=r"too large to be read exactly.*--type a=text --numeric a|cannot tell"):
        load(text)


def test_whole_numbers_rounded_among_others_are_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1.5,1\n" + "".join(f"{2**53 + i},{i % 7}\n" for i in range(30)))
    notes = load_groups(str(tmp_path / "t.csv"), ["a"], ["b"]).notes
    assert any("holds whole numbers beyond 2^53, some of which float64 rounds" in note for note in notes)


def test_missing_values_in_lists_and_as_text(tmp_path: Path) -> None:
    columns = {
        "l": pa.array([[1.0, 2.0], [-999.0, 3.0], [2.0, 5.0], [4.0, 1.0]]),
        "f": pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2, 3, -999, 5, 6, 8, 8]), 2),
        "h": pa.array([1.0, -999.0, 2.0, 3.0], pa.float32()).cast(pa.float16()),
        "t": ["1.5", "-999.0", "2", "4"],
        "b": [1.0, 2.0, 3.0, 5.0],
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    for name in "lfht":
        reading = Reading(na_values=("-999",))
        found = load_groups(
            str(tmp_path / "t.parquet"),
            [name],
            ["b"],
            Wanted(reading=reading, missing="drop", numeric=["t"] if name == "t" else []),
        )
        assert found.row_numbers.tolist() == [0, 2, 3], name
        assert found.notes[0].startswith("dropped 1 of 4 rows")


def test_comments_are_not_looked_for_inside_values() -> None:
    text = "a,b,c\n" + '1,2,"u\n# x\nv"\n# away\n3,5,"u\n# y\nv"\n' * 5
    found = load(text, "a", "c", comment="#")
    assert found.rows_read == 10
    assert found.z.columns[0].levels == 2


def test_rows_without_values_may_come_first() -> None:
    text = "\t\n0\t1\n1\t3\n4\t5\n"
    assert load(text, "f0", "f1", delimiter="tab", header=False, missing="drop").rows_read == 4


def test_a_header_of_whole_numbers_is_said() -> None:
    assert any("if it is a row: --no-header" in note for note in load("3,20\n4,27\n5,21\n", "3", "20").notes)
    assert load("2019,2020\n4,27\n5,21\n", "2019", "2020").notes == ()


def test_one_column_of_decimal_commas() -> None:
    with pytest.raises(DataError, match=r"one column of numbers with decimal commas .--delimiter ';' --decimal ,"):
        load("x\n0,5\n1,5\n2,5\n3,5\n", "x", "x")
