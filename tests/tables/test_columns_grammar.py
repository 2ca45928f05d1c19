"""The selector grammar: every form, every error, and properties that hold for any header."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minecli.errors import UsageError
from minecli.tables.selectors.grammar import select_columns, select_groups, selected
from minecli.tables.selectors.header import Header
from minecli.tables.selectors.wording import nearest, quoted, typed

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
        ([" a,b "], ["a,b"]),
        ([r"/^\pL\d$/,!x1"], ["x0", "x2"]),
        ([r"/a|(?:,)/"], ["gene_a", "a,b", " pad"]),
        (["/(?i)^GENE/"], ["gene_a", "gene_b", "Gene_c"]),
        (["! /x/ "], ["id", "gene_a", "gene_b", "Gene_c", "a,b", "t:0", "*", "/p", " pad", "!no"]),
        ([r"x0,\ pad"], ["x0", " pad"]),
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
        (["/(/"], "'/(/' is not a regular expression: missing ): ( (as in '/^s\\d+$/'"),
        ([r"/\q/"], r"'/\q/' is not a regular expression: invalid escape sequence: \q"),
        (["/a{2000}/"], "is not a regular expression: invalid repetition size"),
        (["/\udcff/"], "is not a regular expression: it holds bytes that are not UTF-8"),
        (["id,x0,/(/"], "'/(/' is not a regular expression"),
        (["@"], "'@' stands without the name of a file"),
        (["q" * 10_001], "is no selector: it is longer than 10,000 characters"),
        (["x0[5]"], "no column matches 'x0[5]', and 'x0' holds no lists"),
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


@pytest.mark.parametrize(
    "expression", ["a(?=b)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(.)\1", "(?P<n>a)(?P=n)", r"\\(?=a)"]
)
def test_what_re2_lacks_has_its_own_hint(expression: str) -> None:
    with pytest.raises(UsageError) as caught:
        select_columns([f"/{expression}/"], NAMES)
    assert f"'/{expression}/' holds a look-around or a back-reference, which are not available" in str(caught.value)
    assert "use ! to take columns out" in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (r"^s\d$", ["s1"]),  # an Arabic-Indic digit is none
        (r"^\w+$", ["s1", "A"]),  # nor is an accented letter one of a word
        (r"^\pL$", ["\xe9", "A"]),
        (r"^s\p{N}$", ["s1", "s\u0661"]),
        (r"^.$", ["\xe9", "A", "\udcff"]),
        (r"(?i)^\xc9$", ["\xe9"]),
        (r"b$", ["a\nb"]),
        (r"a$", []),  # the end of a line is not the end of a name
        (r"^b", ["back\\"]),
        (r"a.b", []),
        (r"(?s)a.b", ["a\nb"]),
        (r"a\nb", ["a\nb"]),
        (r"\\", ["back\\"]),
        (r"^\?$", ["\udcff"]),  # a byte that is not UTF-8
    ],
)
def test_expressions_are_those_of_re2(expression: str, expected: list[str]) -> None:
    names = ["s1", "s\u0661", "\xe9", "A", "a\nb", "back\\", "\udcff"]
    if expected:
        assert list(select_columns([f"/{expression}/"], names)) == expected
    else:
        with pytest.raises(UsageError, match="no column matches"):
            select_columns([f"/{expression}/"], names)


@pytest.mark.parametrize("selector", ["/(a+)+$/", "/^(a|a)*(a|aa)*$/", "*a" * 40 + "*b", "*a?a?" * 40 + "b"])
def test_no_pattern_takes_forever(selector: str) -> None:
    # Each would take longer than the universe is old if what failed were tried again in every other way.
    with pytest.raises(UsageError, match="no column matches"):
        select_columns([selector], ["a" * 2000 + "c"])


def test_many_columns() -> None:
    names = [f"gene_{i}" for i in range(50_000)]
    header = Header(tuple(names), frozenset(names[:1]))
    assert select_columns([",".join(names)], header) == tuple(names)
    assert select_columns(["*", ",".join(f"!{name}" for name in names[2:])], header) == (names[1],)
    with pytest.raises(UsageError, match="overlap in 49999 columns"):
        select_groups(["*"], ["*"], header)
    with pytest.raises(UsageError, match="the nearest names are 'gene_31234'"):
        select_columns(["gnee_31234"], header)


INDEXED = Header(("a0", "a1", "row", "b", "level"), index=frozenset({"row", "level"}))


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (["*"], ["a0", "a1", "b"]),
        (["row"], ["row"]),
        (["*,row"], ["a0", "a1", "b", "row"]),
        (["row,*"], ["row", "a0", "a1", "b"]),
        (["/./"], ["a0", "a1", "b"]),
        (["/r|b/"], ["b"]),
        (["!a0"], ["a1", "b"]),
        (["!row"], ["a0", "a1", "b"]),
        (["a1:b"], ["a1", "b"]),
        (["a1:row"], ["a1", "row"]),
        (["row:b"], ["row", "b"]),
        (["row:level"], ["row", "b", "level"]),
        (["a0:level"], ["a0", "a1", "b", "level"]),
        (["row,b,!*"], ["row"]),
        (["row,b,!row"], ["b"]),
        (["row,b,!row:b"], []),
        ([r"\row"], ["row"]),
    ],
)
def test_what_numbers_the_rows_is_data_only_by_its_name(selectors: list[str], expected: list[str]) -> None:
    if expected:
        assert list(select_columns(selectors, INDEXED)) == expected
    else:
        with pytest.raises(UsageError, match="the selection is empty"):
            select_columns(selectors, INDEXED)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("ro*", "'ro*' matches nothing but the index column 'row', which only its exact name selects (as in --x row)"),
        ("/l|r/", "'/l|r/' matches nothing but the index columns 'row', 'level', which only exact names select"),
        ("b,!r?w", "'r?w' matches nothing but the index column 'row', which only its exact name selects"),
        ("q*", "no column matches 'q*'"),
    ],
)
def test_a_pattern_that_matches_only_an_index_says_so(selector: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        select_columns([selector], INDEXED)
    assert message in str(caught.value)


def test_a_column_called_by_its_name_is_told_from_one_that_a_pattern_found() -> None:
    assert selected(["row:b,a*,a1"], INDEXED, option="--x", source="F") == {
        "row": False,
        "b": False,
        "a0": False,
        "a1": True,
    }


def test_groups_may_not_share_a_column() -> None:
    with pytest.raises(UsageError) as caught:
        select_groups(["x*"], ["x1:gene_a"], NAMES)
    assert "--x and --z overlap in 2 columns: 'x1', 'x2'" in str(caught.value)
    assert "as in --z 'SELECTORS,!x1')" in str(caught.value)
    with pytest.raises(UsageError, match="--z: there is no column"):
        select_groups(["x0"], ["nope"], NAMES)


@pytest.mark.parametrize("name", ["a,b", "/p", " pad", "!no", "*"])
def test_the_hint_on_a_shared_column_can_be_typed(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        select_groups([name], [name, "id"], NAMES)
    option, typed_selector = shlex.split(caught.value.hint.partition("as in ")[2])
    assert option == "--z"
    assert select_columns([name, typed_selector.replace("SELECTORS", "id")], NAMES) == ("id",)


@pytest.mark.parametrize("names", [["a,b"], ["a,b", "id"], ["/p", " pad", "*"], ["!no"], ["t:0", "!no"]])
def test_names_can_be_typed(names: list[str]) -> None:
    assert list(select_columns(shlex.split(typed(names)), NAMES)) == names


def test_the_nearest_of_very_many_words_is_found() -> None:
    words = [f"{a}{b}{c}_{i}" for a in "uvw" for b in "uvw" for c in "uvw" for i in range(200)]
    assert nearest("VUW_17O", words)[0] == "vuw_17"
    assert nearest("zzzzzz", words) == []
    assert nearest("u" * 1000, words) == []


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
    code = (
        "import sys, minecli.tables.selectors.grammar; print(sorted({'pandas', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
