"""The selector grammar: every form, every error, and properties that hold for any header."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minecli.errors import UsageError
from minecli.tables.columns import quoted, select_columns, select_groups

NAMES = ["id", "x0", "x1", "x2", "gene_a", "gene_b", "Gene_c", "a,b", "t:0", "*", "/p", " pad", "!no"]


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (["id"], ["id"]),
        (["x1,id"], ["x1", "id"]),
        (["x1", "id", "x1"], ["x1", "id"]),
        (["gene_*"], ["gene_a", "gene_b"]),
        (["x?"], ["x0", "x1", "x2"]),
        (["x[0-1]"], ["x0", "x1"]),
        (["x0:x2"], ["x0", "x1", "x2"]),
        (["x1:x1"], ["x1"]),
        ([r"/^x\d{1,2}$/"], ["x0", "x1", "x2"]),
        (["/gene/,id"], ["gene_a", "gene_b", "id"]),
        ([r"/^\/p$/"], ["/p"]),
        (["a,b"], ["a,b"]),
        ([r"id,a\,b"], ["id", "a,b"]),
        (["t:0"], ["t:0"]),
        ([r"t\:0:*"], ["t:0", "*"]),
        (["*"], ["*"]),
        ([r"\*,id"], ["*", "id"]),
        (["/p"], ["/p"]),
        ([r"id,\/p"], ["id", "/p"]),
        (["id , x0"], ["id", "x0"]),
        (["id, pad"], ["id", " pad"]),
        ([" pad"], [" pad"]),
        (["!no"], ["!no"]),
        (["x*,!x1"], ["x0", "x2"]),
        (["x0:x2", "!/[12]/"], ["x0"]),
        (["!x0:!no"], ["id"]),
        (["id,,x0,"], ["id", "x0"]),
    ],
)
def test_selectors_mean_what_is_documented(selectors: list[str], expected: list[str]) -> None:
    assert list(select_columns(selectors, NAMES)) == expected


@pytest.mark.parametrize(
    ("selectors", "message"),
    [
        (
            ["ids"],
            "--x: there is no column 'ids'; the nearest names are 'id' (minecli columns F lists the columns)",
        ),
        (["GENE_C"], "the nearest names are 'Gene_c', 'gene_b', 'gene_a'"),
        (
            ["zzz"],
            "there is no column 'zzz'; the table has 13 columns: 'id', 'x0', 'x1', 'x2', 'gene_a', 'gene_b' and 7",
        ),
        (["q*"], "no column matches 'q*'"),
        (["/^q/"], "no column matches '/^q/'"),
        (["/(/"], "'/(/' is not a regular expression: missing )"),
        (["/x0"], "the regular expression '/x0' has no closing slash"),
        (["x2:x0"], "the range 'x2:x0' is reversed: 'x2' stands after 'x0' in the file (write x0:x2)"),
        (["x0:x9"], "there is no column 'x9' in the range 'x0:x9'"),
        (["y:x0"], "there is no column 'y' in the range 'y:x0'"),
        (["x0:"], "the range 'x0:' needs a name on both sides"),
        ([""], "the selector is empty"),
        (["  "], "the selector is empty"),
        ([","], "the selection is empty"),
        ([], "the selection is empty"),
        (["id,!id"], "the selection is empty: no column is left"),
        (["id,!zz"], "there is no column 'zz'"),
        (["@nowhere.txt"], "cannot read the list of names 'nowhere.txt': No such file or directory"),
    ],
)
def test_a_wrong_selector_is_a_usage_error(selectors: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        select_columns(selectors, NAMES, source="F")
    assert message in str(caught.value)


def test_a_range_that_can_be_cut_in_two_ways_is_refused() -> None:
    with pytest.raises(UsageError, match="several ways"):
        select_columns(["a:b:c"], ["a", "b:c", "a:b", "c"])


def test_names_come_from_a_file(tmp_path) -> None:
    listing = tmp_path / "names.txt"
    listing.write_text("# wanted\n\nx0:x1\n  gene_*  \na,b\nid, t:0\n\\*\n", encoding="utf-8")
    assert select_columns([f"@{listing}"], NAMES) == ("x0", "x1", "gene_a", "gene_b", "a,b", "id", "t:0", "*")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# nothing\n\n", "holds no selector"),
        (b"@other.txt\n", "lists cannot be nested"),
        (b"\xff\xfe\n", "is not UTF-8 text"),
    ],
)
def test_a_bad_file_of_names_is_refused(tmp_path, content: bytes, message: str) -> None:
    listing = tmp_path / "names.txt"
    listing.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        select_columns([f"@{listing}"], NAMES)


def test_groups_may_not_share_a_column() -> None:
    with pytest.raises(UsageError) as caught:
        select_groups(["x*"], ["x1:gene_a"], NAMES)
    assert "--x and --z overlap in 2 columns: 'x1', 'x2'" in str(caught.value)
    with pytest.raises(UsageError, match="--z: there is no column"):
        select_groups(["x0"], ["nope"], NAMES)


def test_long_lists_of_names_are_cut_in_messages() -> None:
    assert quoted([f"c{i}" for i in range(8)]) == "'c0', 'c1', 'c2', 'c3', 'c4', 'c5' and 2 more"


headers = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=8, unique=True)


@settings(deadline=None)
@given(headers, st.data())
def test_an_exact_name_always_wins(names: list[str], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    assert select_columns(chosen, names) == tuple(chosen)


@settings(deadline=None)
@given(headers, st.data())
def test_escaping_every_character_names_the_column(names: list[str], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    escaped = ",".join("".join(f"\\{c}" for c in name) for name in chosen)
    # Where the escaped text happens to be a column's own name, that name wins instead, as documented.
    if escaped not in names and not any("\\" in name for name in names):
        assert select_columns([escaped], names) == tuple(chosen)


@settings(deadline=None)
@given(headers, st.lists(st.text(max_size=12), max_size=4))
def test_any_text_selects_known_columns_or_is_a_usage_error(names: list[str], selectors: list[str]) -> None:
    try:
        chosen = select_columns(selectors, names)
    except UsageError:
        return
    assert len(set(chosen)) == len(chosen) > 0
    assert set(chosen) <= set(names)


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=1, unique=True), st.data())
def test_a_range_is_a_slice_of_the_header(names: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(names) - 1))
    stop = data.draw(st.integers(start, len(names) - 1))
    assert select_columns([f"{names[start]}:{names[stop]}"], names) == tuple(names[start : stop + 1])


def test_the_grammar_needs_no_table_library() -> None:
    code = "import sys, minecli.tables.columns; print(sorted({'pandas', 'pyarrow', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
