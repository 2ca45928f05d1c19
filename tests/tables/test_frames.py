"""Tables in memory: what a frame offers, how its columns become Arrow's, and that it is read as its file would be."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from minecli.errors import DataError, UsageError
from minecli.tables.files.options import Reading
from minecli.tables.frames import is_frame, open_arrays, open_frame
from minecli.tables.groups import load_groups
from minecli.tables.wanted import Wanted

COLUMNS = {
    "float": [1.5, None, 2.5, 3.5] * 10,
    "integer": list(range(40)),
    "flag": [True, False, True, True] * 10,
    "text": ["u", "v", "w", "v"] * 10,
    "date": list(pd.date_range("2020-01-01", periods=40)),
    "list": [[1.0, float(i), float(i * i)] for i in range(40)],
}
READ = Wanted(missing="drop", seed=1, sample=25)


def same(a, b):
    assert a.names == b.names
    assert [(c.name, c.kind, c.encoding) for c in a.columns] == [(c.name, c.kind, c.encoding) for c in b.columns]
    assert np.array_equal(a.values, b.values)
    assert a.values.dtype == np.float64


@pytest.mark.parametrize("names", [["integer"], ["flag", "text"], ["date"], ["list"], ["list[1]"], ["text"]])
def test_a_frame_becomes_the_groups_of_its_file(tmp_path, names):
    frame = pd.DataFrame(COLUMNS)
    frame.to_parquet(tmp_path / "t.parquet")
    groups = load_groups(str(tmp_path / "t.parquet"), ["float"], names, READ)
    for table in (frame, pa.Table.from_pandas(frame), pa.Table.from_pandas(frame).to_reader(max_chunksize=7)):
        found = load_groups(open_frame(table), ["float"], names, READ)
        same(found.x, groups.x)
        same(found.z, groups.z)
        assert (found.notes, found.rows_dropped) == (groups.notes, groups.rows_dropped)
        assert np.array_equal(found.row_numbers, groups.row_numbers)


@pytest.mark.parametrize("index", [pd.Index(list("abcd") * 10), pd.Index(range(5, 45)) ** 2, pd.MultiIndex.from_product(
    [range(8), list("abcde")], names=["first", None])])  # fmt: skip
def test_an_index_is_data_only_by_name_as_in_a_file(tmp_path, index):
    frame = pd.DataFrame(COLUMNS, index=index)
    frame.to_parquet(tmp_path / "t.parquet")
    from minecli.tables.files.reading import open_table

    stored, found = open_table(str(tmp_path / "t.parquet"), Reading()), open_frame(frame)
    assert (found.names, found.index) == (stored.names, stored.index)
    assert len(found.index) == index.nlevels


def test_options_hold_for_frames_where_they_can():
    frame = pd.DataFrame(COLUMNS)
    reading = Reading(where="integer > '1'", na_values=("3.5",), types=("integer=text",))
    groups = load_groups(open_frame(frame), ["float"], ["date"], Wanted(missing="drop", reading=reading))
    assert set(groups.x.values[:, 0]) == {1.5, 2.5}
    assert list(groups.row_numbers[:2]) == [2, 4]
    with pytest.raises(UsageError, match="--delimiter applies to text tables, and this one is frame"):
        load_groups(open_frame(frame), ["float"], ["flag"], Wanted(reading=Reading(delimiter=";")))


def test_views_of_text_can_be_sampled_and_filtered():
    table = pa.table({"a": pa.array(["u", None, "v", "v"] * 10, pa.string_view()), "b": np.arange(40.0)})
    groups = load_groups(open_frame(table), ["a"], ["b"], Wanted(missing="drop", sample=20))
    assert groups.x.values.shape == (20, 1)


def test_anything_with_the_interface_will_do():
    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table(COLUMNS).__arrow_c_stream__(requested_schema)

    assert is_frame(Stream())
    assert open_frame(Stream()).read(["flag", "integer"]).num_rows == 40
    batch = pa.record_batch({"a": [1, 2]})
    assert open_frame(batch).read(["a"])["a"].to_pylist() == [1, 2]


def test_duckdb():
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql("SELECT i % 7 AS a, i / 2 AS b, 'text' || (i % 3) AS c FROM range(50) t(i)")
    groups = load_groups(open_frame(relation), ["a", "c"], ["b"])
    assert groups.x.values.shape == (50, 4)


class Liar:
    def __arrow_c_stream__(self, requested_schema=None):
        return pa.chunked_array([[1, 2]]).__arrow_c_stream__(requested_schema)


def test_what_is_no_table_is_said():
    with pytest.raises(DataError, match=r"^test_frames\.Liar is no table: "):
        open_frame(Liar())
    with pytest.raises(DataError, match=r"column 'o' of pandas\.DataFrame has no one type"):
        open_frame(pd.DataFrame({"o": [1, "a"]})).read(["o"])


def test_arrays_keep_whole_numbers_and_labels():
    table = open_arrays({"x": np.array([2**60, 2**60 + 1, 2**60 + 3]), "z": ["u", "v", "u"]})
    read = table.read(["x0", "z0"])
    assert read["x0"].to_pylist() == [2**60, 2**60 + 1, 2**60 + 3]
    assert pa.types.is_string(read["z0"].type)
    floats = open_arrays({"x": np.zeros((3, 2), np.float32), "z": np.zeros(3, np.float16)})
    assert set(floats.read(floats.names).schema.types) == {pa.float64()}
    big_endian = np.arange(3.0).astype(">f8")
    assert open_arrays({"x": big_endian, "z": big_endian}).read(["z0"])["z0"].to_pylist() == [0.0, 1.0, 2.0]
    assert open_arrays({"x": [1, None, 2], "z": [1, 2, 3]}).read(["x0"])["x0"].null_count == 1
