"""Sheets of workbooks: headers, types of cells, which sheet, what is missing, and damaged files."""

from __future__ import annotations

import datetime
import gzip
import importlib.util
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pytest

from minecli.errors import DataError, UsageError
from minecli.tables.files.formats import detect_format
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.options import Reading
from minecli.tables.files.sources import locate
from minecli.tables.files.workbooks import open_workbook

pytest.importorskip("python_calamine", reason="minecli[excel] is not installed")

Rows = Sequence[Sequence[Any]]
_TYPES = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"""
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
# The styles of cells: 0 plain, 1 a date, 2 a date with its time, 3 a time, 4 a span of time.
_STYLES = f"""<styleSheet {_MAIN}><numFmts><numFmt numFmtId="164" formatCode="[h]:mm:ss"/></numFmts><cellXfs>
<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="21"/><xf numFmtId="164"/></cellXfs>
</styleSheet>"""
_EPOCH = datetime.datetime(1899, 12, 30)


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str) and value.startswith("#"):
        return f'<c t="e"><v>{value}</v></c>'
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, datetime.datetime):
        return f'<c s="2"><v>{(value - _EPOCH) / datetime.timedelta(1)}</v></c>'
    if isinstance(value, datetime.date):
        return f'<c s="1"><v>{(datetime.datetime.combine(value, datetime.time()) - _EPOCH).days}</v></c>'
    if isinstance(value, datetime.time):
        return f'<c s="3"><v>{(value.hour * 60 + value.minute) / 1440}</v></c>'
    if isinstance(value, datetime.timedelta):
        return f'<c s="4"><v>{value / datetime.timedelta(1)}</v></c>'
    return f"<c><v>{value!r}</v></c>"


def _relationship(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{_RELATED}/{kind}" Target="{target}"/>'


def _relationships(each: Sequence[str]) -> str:
    return f'<Relationships xmlns="{_PACKAGE}">{"".join(each)}</Relationships>'


def xlsx(path: Path, hidden: Sequence[str] = (), **sheets: Rows) -> Path:
    """Write a workbook by hand, so that the tests need no second package."""
    state = {True: ' state="hidden"', False: ""}
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" r:id="r{i}"{state[name in hidden]}/>'
        for i, name in enumerate(sheets)
    )
    related = [_relationship(f"r{i}", "worksheet", f"worksheets/s{i}.xml") for i in range(len(sheets))]
    members = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _relationships([_relationship("r", "officeDocument", "xl/workbook.xml")]),
        "xl/styles.xml": _STYLES,
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_RELATED}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relationships(related),
    }
    for i, rows in enumerate(sheets.values()):
        body = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
        members[f"xl/worksheets/s{i}.xml"] = f"<worksheet {_MAIN}><sheetData>{body}</sheetData></worksheet>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def opened(path: Path, **reading: Any) -> OpenTable:
    part = locate(str(path)).parts[0]
    assert detect_format(part) == "xlsx"
    return open_workbook(part, Reading(**reading))


def refused(kind: type, path: Path, **reading: Any) -> str:
    with pytest.raises(kind) as caught:
        opened(path, **reading)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def sheet(tmp_path) -> Callable[..., OpenTable]:
    """`sheet(row, row, ..., header=False)`: the rows as the only sheet of a workbook."""

    def make(*rows: Sequence[Any], **reading: Any) -> OpenTable:
        return opened(xlsx(tmp_path / "t.xlsx", s=rows), **reading)

    return make


def test_round_trip(sheet) -> None:
    table = sheet(["x", "odd, na<me", "t"], [0.5, 1, "ä"], [2.5, 3, "u"])
    assert (table.names, table.format, table.once, table.index) == (("x", "odd, na<me", "t"), "xlsx", False, ())
    found = table.read(["t", "odd, na<me"])
    assert found.to_pydict() == {"t": ["ä", "u"], "odd, na<me": [1, 3]}
    assert [str(field.type) for field in found.schema] == ["string", "int64"]


def test_types(sheet) -> None:
    day, moment = datetime.date(2024, 1, 31), datetime.datetime(2024, 1, 31, 12)
    table = sheet(
        ["whole", "fraction", "truth", "day", "moment", "both", "time", "span", "mixed", "huge"],
        [1, 1, True, day, moment, day, datetime.time(12, 30), datetime.timedelta(hours=30), 1, 1e300],
        [-2, 0.25, False, day, moment, moment, datetime.time(6), datetime.timedelta(hours=3), "one", 2],
    )
    found = table.read(table.names)
    assert [str(field.type) for field in found.schema] == [
        "int64", "double", "bool", "date32[day]", "timestamp[us]", "timestamp[us]", "time64[us]", "duration[us]",
        "string", "double",
    ]  # fmt: skip
    row = found.to_pylist()[0]
    assert (row["day"], row["moment"], row["mixed"]) == (day, moment, "1")
    assert (row["time"], row["span"]) == (datetime.time(12, 30), datetime.timedelta(hours=30))
    assert found["both"].to_pylist() == [datetime.datetime(2024, 1, 31), moment]


def test_what_is_missing(sheet) -> None:
    rows = [[None, "#N/A", "NA", "#DIV/0!"], [1, 2, 3, "x"]]
    found = sheet(["a", "b", "c", "d"], *rows).read(["a", "b", "c", "d"])
    assert found.to_pydict() == {"a": [None, 1], "b": [None, 2], "c": [None, 3], "d": [None, "x"]}
    assert [str(field.type) for field in found.schema] == ["int64", "int64", "int64", "string"]
    kept = sheet(["a", "b", "c", "d"], *rows, keep_na_strings=True)
    assert kept.read(["c", "a"]).to_pydict() == {"c": ["NA", "3"], "a": [None, 1]}


def test_blank_rows_and_columns_around_and_within(sheet) -> None:
    table = sheet([], [None, "a", None, "b"], [None, 1, None, 2], [], [None, 3, None, 4], [])
    assert table.read(["a", "b"]).to_pydict() == {"a": [1, 3], "b": [2, 4]}


def test_rows_are_skipped_as_the_program_counts_them(sheet) -> None:
    rows = [[], ["a title"], [], ["a", "b"], [1, 2]]
    assert sheet(*rows, skip_rows=2).read(["a"]).to_pydict() == {"a": [1]}
    assert sheet(*rows, skip_rows=2).read(["a"]).to_pydict() == sheet(*rows, skip_rows=3).read(["a"]).to_pydict()


def test_a_sheet_without_names(sheet) -> None:
    table = sheet([1, "u"], [2, "v"], header=False)
    assert (table.names, table.notes) == (
        ("f0", "f1"),
        (f"the columns of sheet 's' of {table.source} are called f0 to f1",),
    )
    assert table.read(["f1", "f0"]).to_pydict() == {"f1": ["u", "v"], "f0": [1, 2]}


def test_names_that_are_no_text(sheet) -> None:
    assert sheet(["shop", 2019, 2020], ["a", 1, 2]).names == ("shop", "2019", "2020")
    assert sheet([2019, 2020], [1, 2]).names == ("2019", "2020")
    assert sheet([0.5, 1.5], [1, 2], header=True).names == ("0.5", "1.5")
    for first in (["shop", 0.5], [1, 1]):
        with pytest.raises(
            DataError, match=r"holds numbers .*; it must name the columns \(if it is a row like others: --no"
        ):
            sheet(first, ["a", 1])


def test_columns_without_a_name(sheet) -> None:
    # pandas writes the index of a frame so.
    table = sheet([None, "a", None], [0, 1, 2], [1, 3, 4])
    assert (table.names, table.index) == (("f0", "a", "f2"), ("f0",))
    assert "columns without a name are called by their place: 'f0', 'f2'" in table.notes[0]
    with pytest.raises(DataError, match="has the same name more than once: 'a'"):
        sheet(["a", "a"], [1, 2])
    with pytest.raises(DataError, match="has the same name more than once: 'f1'"):
        sheet(["f1", None], [1, 2])


def test_which_sheet(tmp_path) -> None:
    path = xlsx(tmp_path / "t.xlsx", hidden=["notes"], empty=[], first=[["a"], [1]], notes=[["x"], [3]])
    assert opened(path).read(["a"]).to_pydict() == {"a": [1]}
    assert opened(path, table="notes").read(["x"]).to_pydict() == {"x": [3]}
    message = refused(UsageError, path, table="frist")
    assert "there is no sheet 'frist' in" in message
    assert "it has 'empty', 'first', 'notes' (--table first)" in message
    assert "sheet 'empty' of" in refused(DataError, path, table="empty")
    path = xlsx(tmp_path / "t.xlsx", **{"one": [["a"], [1]], "the other": [["b"], [2]]})
    assert "has 2 sheets with values: 'one', 'the other' (say which one, as in --table one)" in refused(DataError, path)
    assert "has no sheet with values" in refused(DataError, xlsx(tmp_path / "t.xlsx", one=[]))
    assert "has no rows" in refused(DataError, xlsx(tmp_path / "t.xlsx", one=[["a"]]), skip_rows=3)


def test_options_of_text_that_would_have_no_effect(tmp_path) -> None:
    path = xlsx(tmp_path / "t.xlsx", s=[["a"], [1]])
    message = refused(UsageError, path, delimiter=";")
    assert "--delimiter applies to text tables, and this one is a workbook (leave --delimiter out)" in message


def test_compressed_files_and_pipes(tmp_path) -> None:
    content = xlsx(tmp_path / "t.xlsx", s=[["a"], [1], [2]]).read_bytes()
    (tmp_path / "c.xlsx").write_bytes(gzip.compress(content))
    pipe = locate("-", io.BytesIO(content)).parts[0]
    assert detect_format(pipe) == "xlsx"
    for table in (opened(tmp_path / "c.xlsx"), open_workbook(pipe, Reading())):
        assert table.read(["a"]).to_pydict() == table.read(["a"]).to_pydict() == {"a": [1, 2]}


def test_an_opendocument_spreadsheet(tmp_path) -> None:
    office = "urn:oasis:names:tc:opendocument:xmlns"
    cells = [["a", "b"], [1.5, 2]]
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
            if isinstance(cell, str)
            else f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
            for cell in row
        )
        + "</table:table-row>"
        for row in cells
    )
    names = " ".join(f'xmlns:{each}="{office}:{each}:1.0"' for each in ("office", "table", "text", "manifest"))
    content = f'<table:table table:name="s">{rows}</table:table>'
    entry = '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    with zipfile.ZipFile(tmp_path / "t.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f"<manifest:manifest {names}>{entry}</manifest:manifest>")
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>{content}</office:spreadsheet>"
            "</office:body></office:document-content>",
        )
    part = locate(str(tmp_path / "t.ods")).parts[0]
    assert detect_format(part) == detect_format(part, "xlsx") == "ods"
    table = open_workbook(part, Reading())
    assert (table.format, table.read(["b", "a"]).to_pydict()) == ("ods", {"b": [2], "a": [1.5]})


def test_without_the_package(tmp_path, monkeypatch) -> None:
    path = xlsx(tmp_path / "t.xlsx", s=[["a"], [1]])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    message = refused(DataError, path)
    assert message.endswith("(pip install 'minecli[excel]', or save the sheet as CSV)")


def test_a_value_in_the_farthest_corner(tmp_path) -> None:
    # The package asks for memory for all cells between, and ends its process where it gets none.
    path = xlsx(tmp_path / "t.xlsx", s=[["a"], [1]])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    members["xl/worksheets/s0.xml"] = members["xl/worksheets/s0.xml"].replace(b"</sheetData>", corner)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    message = refused(DataError, path)
    assert "its reader broke down: memory allocation of" in message or "1048576 rows and 16384 columns" in message


def test_a_stray_value_far_away(tmp_path, monkeypatch) -> None:
    path = xlsx(tmp_path / "t.xlsx", s=[["a"], [1], *[[]] * 50, [None] * 50 + [1]])
    monkeypatch.setattr("minecli.tables.files.workbooks._MOST_CELLS", 1000)
    assert "has 53 rows and 51 columns, empty ones included" in refused(DataError, path)


@pytest.mark.parametrize("name", ["xl/workbook.xml", "xl/worksheets/s0.xml", "xl/_rels/workbook.xml.rels"])
def test_workbooks_with_damaged_members(tmp_path, name: str) -> None:
    path = xlsx(tmp_path / "t.xlsx", s=[["a"], [1]])
    with zipfile.ZipFile(path) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    members[name] = members[name][: len(members[name]) // 2]
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in members.items():
            archive.writestr(each, content)
    assert "as a workbook" in refused(DataError, path) or "no sheet with values" in refused(DataError, path)


def test_bytes_changed_anywhere_never_crash(tmp_path) -> None:
    content = xlsx(tmp_path / "t.xlsx", s=[["a", "b"], *([i, f"t{i}"] for i in range(50))]).read_bytes()
    rng, errors = np.random.default_rng(0), 0
    for _ in range(40):
        damaged = bytearray(content)
        for place in rng.integers(4, len(content), size=4):
            damaged[place] = rng.integers(256)
        (tmp_path / "t.xlsx").write_bytes(damaged)
        try:
            part = locate(str(tmp_path / "t.xlsx")).parts[0]
            detect_format(part)
            open_workbook(part, Reading())
        except DataError:
            errors += 1
    assert errors > 10


def test_a_workbook_that_another_program_wrote(tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    book = openpyxl.Workbook()
    book.active.append(["x", "day"])
    book.active.append([1.5, datetime.date(2024, 1, 31)])
    book.save(tmp_path / "t.xlsx")
    found = opened(tmp_path / "t.xlsx").read(["x", "day"])
    assert found.to_pydict() == {"x": [1.5], "day": [datetime.date(2024, 1, 31)]}
