"""NumPy's files: which arrays are which columns, types, and files that are damaged, dangerous or too large."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from minecli.errors import DataError
from minecli.tables.files.formats import detect_format
from minecli.tables.files.numpy_files import open_numpy
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.sources import locate


def opened(path: Path) -> OpenTable:
    table = open_numpy(locate(str(path)).parts[0])
    assert table.format == detect_format(locate(str(path)).parts[0])
    return table


def refused(path: Path, *columns: str) -> str:
    with pytest.raises(DataError) as caught:
        opened(path).read(columns)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def saved(path: Path, array: Any, **more: Any) -> OpenTable:
    np.save(path, array, **more)
    return opened(path)


def test_one_array_is_one_column(tmp_path) -> None:
    table = saved(tmp_path / "a.npy", np.arange(3.0))
    assert (table.names, table.lists, table.notes, table.once) == (("arr_0",), {}, (), False)
    assert table.read(["arr_0"]).to_pydict() == {"arr_0": [0.0, 1.0, 2.0]}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("inner", [(2,), (2, 3)])
def test_further_dimensions_are_lists(tmp_path, order: str, inner: tuple[int, ...]) -> None:
    array = np.asarray(np.random.default_rng(0).normal(size=(4, *inner)), order=order)
    table = saved(tmp_path / "a.npy", array)
    width = int(np.prod(inner))
    assert table.lists == {"arr_0": width}
    assert bool(table.notes) == (len(inner) > 1)
    column = table.read(["arr_0"])["arr_0"]
    assert column.type == pa.list_(pa.float64(), width)
    np.testing.assert_array_equal(np.array(column.to_pylist()), array.reshape(4, -1))


@pytest.mark.parametrize(
    "values",
    [
        *(np.array([0, 1, 100], kind) for kind in (">i4", "<i2", ">u8", "i1", ">f8", "<f4", ">f2", "g")),
        np.array([True, False, True]),
        np.array(["ä", "", "longer"]),
        np.array(["ä", "b"]).astype(">U4"),
    ],
    ids=lambda values: values.dtype.str,
)
def test_types_round_trip(tmp_path, values: Any) -> None:
    found = saved(tmp_path / "a.npy", values).read(["arr_0"])["arr_0"]
    assert found.to_pylist() == values.tolist()


def test_times(tmp_path) -> None:
    for unit, expected in (
        ("D", "date32[day]"),
        ("h", "timestamp[s]"),
        ("ms", "timestamp[ms]"),
        ("ns", "timestamp[ns]"),
    ):
        moments = np.array(["2024-02-01", "NaT"], f"datetime64[{unit}]")
        found = saved(tmp_path / "a.npy", moments).read(["arr_0"])["arr_0"]
        assert str(found.type) == expected
        assert str(found.cast(pa.timestamp("s")).to_pylist()) == "[datetime.datetime(2024, 2, 1, 0, 0), None]"
    spans = saved(tmp_path / "a.npy", np.array([1, "NaT"], "timedelta64[h]")).read(["arr_0"])["arr_0"]
    assert (str(spans.type), spans.cast(pa.int64()).to_pylist()) == ("duration[s]", [3600, None])


def test_bytes_are_text_where_they_are_utf_8(tmp_path) -> None:
    assert saved(tmp_path / "a.npy", np.array(["ä".encode(), b"b"])).read(["arr_0"])["arr_0"].to_pylist() == ["ä", "b"]
    assert saved(tmp_path / "a.npy", np.array([b"\xff"])).read(["arr_0"])["arr_0"].type == pa.binary()


def test_fields_are_columns(tmp_path) -> None:
    records = np.zeros(3, [("odd name", "<f8"), ("n", ">i4"), ("pair", "<f4", (2,))])
    records["odd name"], records["n"], records["pair"] = [1, 2, 3], [4, 5, 6], np.arange(6).reshape(3, 2)
    table = saved(tmp_path / "a.npy", records)
    assert (table.names, dict(table.lists)) == (("odd name", "n", "pair"), {"pair": 2})
    found = table.read(["pair", "odd name"])
    assert found.to_pydict() == {"pair": [[0, 1], [2, 3], [4, 5]], "odd name": [1, 2, 3]}
    np.savez(tmp_path / "a.npz", r=records, x=np.arange(3))
    table = opened(tmp_path / "a.npz")
    assert table.names == ("r.odd name", "r.n", "r.pair", "x")
    assert table.read(["r.n", "x"]).to_pydict() == {"r.n": [4, 5, 6], "x": [0, 1, 2]}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_one_length_are_columns(tmp_path, save: Any) -> None:
    x, y = np.random.default_rng(0).normal(size=(5, 2)), np.arange(5)
    objects = np.array([{}, 1], dtype=object)
    save(tmp_path / "a.npz", x=x, **{"odd/na me": y}, other=np.arange(4), single=3.0, objects=objects)
    table = opened(tmp_path / "a.npz")
    assert (table.names, dict(table.lists)) == (("x", "odd/na me"), {"x": 2})
    assert sorted(note.rpartition("npz: ")[2] for note in table.notes) == [
        "'objects' holds Python objects, which are never loaded",
        "'other' has 4 rows, not 5",
        "'single' is a single value",
    ]
    found = table.read(["odd/na me", "x"])
    assert found.column_names == ["odd/na me", "x"]
    np.testing.assert_array_equal(np.array(found["x"].to_pylist()), x)


def test_of_equally_common_lengths_the_longer_one_counts(tmp_path) -> None:
    long, short = {"x_train": np.zeros(9), "y_train": np.zeros(9)}, {"x_test": np.zeros(4), "y_test": np.zeros(4)}
    np.savez(tmp_path / "a.npz", **short, **long)
    assert opened(tmp_path / "a.npz").names == ("x_train", "y_train")


def test_only_the_named_arrays_are_read(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", good=np.arange(1000.0), bad=np.arange(1000.0))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        start = archive.getinfo("bad.npy").header_offset
    content[start + 4000] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(content)
    assert opened(tmp_path / "a.npz").read(["good"]).num_rows == 1000
    assert "Bad CRC-32" in refused(tmp_path / "a.npz", "bad")


def test_compressed_files_and_pipes(tmp_path) -> None:
    whole = io.BytesIO()
    np.savez(whole, x=np.arange(4))
    part = locate("-", io.BytesIO(whole.getvalue())).parts[0]
    table = open_numpy(part)
    assert table.read(["x"]).to_pydict() == table.read(["x"]).to_pydict() == {"x": [0, 1, 2, 3]}


def test_no_copy_is_made_of_plain_numbers(tmp_path) -> None:
    before = pa.total_allocated_bytes()
    found = saved(tmp_path / "a.npy", np.zeros((50_000, 4))).read(["arr_0"])
    # NumPy holds the values; Arrow has allocated next to nothing beside them.
    assert pa.total_allocated_bytes() - before < 100_000
    assert found.nbytes >= 50_000 * 4 * 8


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([{}], dtype=object), "holds Python objects, which are never loaded (save a.astype(float)"),
        (np.array([1j]), "holds complex numbers (save np.stack([a.real, a.imag], axis=-1))"),
        (np.array(3.0), "holds a single value, not an array of rows"),
        (np.zeros((3, 0)), "has the shape (3, 0) and no values"),
        (np.zeros(3, "V4"), "raw bytes"),
        (np.zeros(3, [("a", [("b", "f8")])]), "field 'a' holds records within records"),
        (np.zeros(3, [("a", "f8"), ("b", "O")]), "field 'b' holds Python objects"),
        (np.array([1], "timedelta64[M]"), "months or years"),
        (np.array([1], "datetime64[as]"), "holds times of type datetime64[as]"),
    ],
    ids=range(9),
)
def test_arrays_that_are_no_columns(tmp_path, array: Any, message: str) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    assert message in refused(tmp_path / "a.npy")
    np.savez(tmp_path / "a.npz", a=array)
    assert "has no array that can be a column: 'a' " in refused(tmp_path / "a.npz")


def test_an_archive_without_arrays(tmp_path) -> None:
    np.savez(tmp_path / "a.npz")
    with pytest.raises(DataError, match="a ZIP archive without members"):
        detect_format(locate(str(tmp_path / "a.npz")).parts[0])


def npy(header: str, version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,)}", "is cut short"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", "its shape is (-1,)"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': 3}", "its shape is 3"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}", "its shape is (True,)"),
        ("{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,)}", "its header is damaged"),
        ("{'descr': '<f8', 'shape': (1,)}", "its header is damaged"),
        ("[" * 5000, "its header is damaged"),
        ("__import__('os').abort()", "its header is damaged"),
        ("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,)}", "no values"),
        ("", "its header is damaged"),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_headers_that_lie(tmp_path, header: str, message: str, version: int) -> None:
    (tmp_path / "a.npy").write_bytes(npy(header, version) + bytes(64))
    assert message in refused(tmp_path / "a.npy", "arr_0")


def test_an_archive_that_claims_more_than_it_can_hold(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2000000000,)}") + bytes(64))
    content = (tmp_path / "a.npz").read_bytes()
    size = struct.pack("<I", len(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2000000000,)}")) + 64)
    assert content.count(size) == 2
    (tmp_path / "a.npz").write_bytes(content.replace(size, struct.pack("<I", 4_000_000_000)))
    assert "claims 4000000000 bytes" in refused(tmp_path / "a.npz", "x")


@pytest.mark.parametrize("keep", [6, 9, 11, 40, 130, 400])
def test_cut_files(tmp_path, keep: int) -> None:
    np.save(tmp_path / "a.npy", np.arange(100.0))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:keep])
    message = refused(tmp_path / "a.npy", "arr_0")
    assert "cannot read" in message or "is cut short" in message
    np.savez(tmp_path / "a.npz", x=np.arange(100.0))
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content[: keep + 40])
    assert "as an archive of NumPy arrays" in refused(tmp_path / "a.npz", "x")


def test_bytes_changed_anywhere_never_crash(tmp_path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(50.0), s=np.array(["a"] * 50))
    content = (tmp_path / "a.npz").read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=3):
            damaged[place] = rng.integers(256)
        (tmp_path / "a.npz").write_bytes(damaged)
        try:
            table = opened(tmp_path / "a.npz")
            outcomes.add(table.read(table.names).num_rows)
        except DataError:
            outcomes.add(-1)
    assert outcomes == {-1, 50}
