"""Tables of several files: none of them is left out in silence, and columns need not be the same in all."""

from __future__ import annotations

import lzma
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from minecli.errors import DataError, UsageError
from minecli.tables.files.options import Reading
from minecli.tables.files.reading import open_table
from minecli.tables.groups import load_groups


def part(path: Path, start: int, rows: int = 30, **more: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(start)
    columns = {"a": np.arange(start, start + rows), "b": rng.standard_normal(rows), **more}
    pq.write_table(pa.table(columns), path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    part(tmp_path / "t" / "1.parquet", 0)
    part(tmp_path / "t" / "2.parquet", 30)
    return tmp_path / "t"


def test_parts_come_in_order(folder: Path) -> None:
    for source in (str(folder), str(folder / "*.parquet"), (str(folder / "1.parquet"), str(folder / "2.parquet"))):
        found = load_groups(source, ["a"], ["b"])
        assert found.x.values[:, 0].tolist() == list(range(60))


@pytest.mark.parametrize("pattern", ["", "*.parquet", "*"])
def test_a_broken_link_is_named(folder: Path, pattern: str) -> None:
    os.symlink("/nowhere/3.parquet", folder / "3.parquet")
    with pytest.raises(DataError, match=r"3\.parquet is a link to '/nowhere/3\.parquet', which is not there"):
        load_groups(str(folder / pattern), ["a"], ["b"])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a,b\n1,2\n"])
def test_a_part_that_cannot_be_read_is_named(folder: Path, content: bytes) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "3.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"sub/3\.parquet"):
        load_groups(str(folder), ["a"], ["b"])


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_may_not_be_listed(folder: Path) -> None:
    (folder / "sub").mkdir(mode=0)
    with pytest.raises(DataError, match="no permission to read"):
        load_groups(str(folder), ["a"], ["b"])


def test_a_link_to_a_folder_is_followed_and_a_loop_is_no_end(folder: Path, tmp_path: Path) -> None:
    part(tmp_path / "elsewhere" / "3.parquet", 60)
    os.symlink(tmp_path / "elsewhere", folder / "linked")
    os.symlink(folder, folder / "again")
    assert load_groups(str(folder), ["a"], ["b"]).rows_read == 90


def test_hidden_files_are_no_parts(folder: Path) -> None:
    (folder / "_temporary").mkdir()
    (folder / "_temporary" / "x.parquet").write_bytes(b"")
    (folder / ".hidden.parquet").write_bytes(b"")
    assert load_groups(str(folder), ["a"], ["b"]).rows_read == 60


def test_folders_that_a_glob_matches_are_read(tmp_path: Path) -> None:
    part(tmp_path / "p1" / "1.parquet", 0)
    part(tmp_path / "p2" / "1.parquet", 30)
    assert load_groups(str(tmp_path / "p*"), ["a"], ["b"]).rows_read == 60
    assert load_groups(str(tmp_path / "**" / "*.parquet"), ["a"], ["b"]).rows_read == 60


def test_names_of_folders_are_columns(tmp_path: Path) -> None:
    for year in (2023, 2024):
        part(tmp_path / f"year={year}" / "station=a b" / "1.parquet", 30 * (year - 2023))
    found = load_groups(str(tmp_path), ["year"], ["b"])
    assert found.x.values[:, 0].tolist() == [2023.0] * 30 + [2024.0] * 30
    assert open_table(str(tmp_path), Reading()).names == ("a", "b", "year", "station")


def test_types_are_widened_and_absent_columns_are_missing(folder: Path) -> None:
    pq.write_table(
        pa.table({"b": np.arange(3, dtype=np.float32), "a": pa.array([0.5, 1.5, 2.5])}), folder / "3.parquet"
    )
    found = load_groups(str(folder), ["a"], ["b"])
    assert found.x.values[-1, 0] == 2.5
    pq.write_table(pa.table({"a": [1, 2]}), folder / "4.parquet")
    with pytest.raises(DataError, match="missing values in 2 of 65 rows: 'b' 2"):
        load_groups(str(folder), ["a"], ["b"])


def test_files_of_different_formats_make_one_table(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1,2.5\n2,3\n")
    (tmp_path / "2.csv").write_text("b;a\n0.5;3\n")
    pa.feather.write_feather(pa.table({"a": [4], "b": [9.0]}), tmp_path / "3.feather")
    sources = tuple(str(tmp_path / name) for name in ("1.csv", "2.csv", "3.feather"))
    found = load_groups(sources, ["a"], ["b"])
    assert found.x.values[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert found.z.values[:, 0].tolist() == [2.5, 3.0, 0.5, 9.0]
    assert found.source.endswith("1.csv and 2 more")


def test_standard_input_is_no_part(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="standard input is a table of its own"):
        load_groups(("-", "a.csv"), ["a"], ["b"])


def test_a_stream_without_its_end_is_said(tmp_path: Path) -> None:
    table = pa.table({"a": [1.0, 2.0, 3.0], "b": [3.0, 1.0, 5.0]})
    with pa.OSFile(str(tmp_path / "t.arrows"), "wb") as out, pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    whole = (tmp_path / "t.arrows").read_bytes()
    assert load_groups(str(tmp_path / "t.arrows"), ["a"], ["b"]).notes == ()
    (tmp_path / "t.arrows").write_bytes(whole[:-8])
    (note,) = load_groups(str(tmp_path / "t.arrows"), ["a"], ["b"]).notes
    assert "without the end mark of an Arrow stream: rows may be missing" in note


def test_streams_one_after_the_other_are_not_read_in_part(tmp_path: Path) -> None:
    table = pa.table({"a": [1.0, 2.0, 3.0], "b": [3.0, 1.0, 5.0]})
    with pa.OSFile(str(tmp_path / "t.arrows"), "wb") as out, pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    path = tmp_path / "t.arrows"
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(DataError, match="something follows its end, maybe another stream"):
        load_groups(str(path), ["a"], ["b"])


@pytest.mark.parametrize("behind", [b"a,b\n3,4\n", b"\xfd7zXZ\x00\x00\x04damaged"])
def test_what_follows_a_compressed_text_is_not_dropped(tmp_path: Path, behind: bytes) -> None:
    whole = lzma.compress(b"a,b\n1,2\n2,7\n3,1\n")
    path = tmp_path / "t.csv.xz"
    path.write_bytes(whole + lzma.compress(b"4,4\n5,9\n") + b"\0" * 4)
    assert load_groups(str(path), ["a"], ["b"]).rows_read == 5
    for content in (whole + behind, whole[:-3]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot read"):
            load_groups(str(path), ["a"], ["b"])


def test_two_arrays_in_one_file(tmp_path: Path) -> None:
    with open(tmp_path / "t.npy", "wb") as out:
        for _ in range(2):
            np.save(out, np.arange(10.0).reshape(5, 2))
    with pytest.raises(DataError, match="bytes follow it"):
        load_groups(str(tmp_path / "t.npy"), ["arr_0[0]"], ["arr_0[1]"])


def test_files_in_a_folder_that_are_no_parts_are_said(folder: Path) -> None:
    (folder / "3.csv").write_text("a,b\n1,2\n")
    (folder / "README.md").write_text("parts")
    (note,) = load_groups(str(folder), ["a"], ["b"]).notes
    assert "1 file in" in note
    assert "is no Parquet part and was passed over: '3.csv'" in note


def test_a_column_that_is_in_the_files_and_in_the_names_of_folders_is_that_of_the_files(tmp_path: Path) -> None:
    part(tmp_path / "k=1" / "1.parquet", 0, k=np.arange(30) % 7)
    assert load_groups(str(tmp_path), ["k"], ["b"]).x.values[:, 0].tolist() == [float(i % 7) for i in range(30)]
    part(tmp_path / "one" / "year=2023" / "1.parquet", 0)
    assert "year" in open_table(str(tmp_path / "one"), Reading()).names
    assert "year" in open_table(str(tmp_path / "one" / "*" / "*.parquet"), Reading()).names


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_a_glob_cannot_list(folder: Path) -> None:
    part(folder / "d1" / "1.parquet", 0)
    (folder / "d2").mkdir(mode=0)
    for pattern in ("*/*.parquet", "**/*.parquet"):
        with pytest.raises(DataError, match=r"no permission to read .*d2"):
            load_groups(str(folder / pattern), ["a"], ["b"])
