"""Entries of columns of lists among selectors: "emb[3]", "emb[0:16]" and what is left of `emb` without some."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minecli.errors import UsageError
from minecli.tables.selectors.grammar import select_columns, select_groups, selected
from minecli.tables.selectors.header import Header, element

NAMES = ("id", "emb", "emb0", "any", "a,b", "/p", "e*", "s:t", "@at", "!no", " pad", "x[y", "empty", "two", "two[1]")
LISTS = {"emb": 4, "any": None, "empty": 0, "two": 2}
ODD = ("a,b", "/p", "e*", "s:t", "@at", "!no", " pad", "x[y")
HEADER = Header(NAMES, lists=LISTS | dict.fromkeys(ODD, 3))


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (["emb"], ["emb"]),
        (["emb[0]"], ["emb[0]"]),
        (["emb[3],id,emb[1]"], ["emb[3]", "id", "emb[1]"]),
        (["emb[0:2]"], ["emb[0]", "emb[1]"]),
        (["emb[:2]"], ["emb[0]", "emb[1]"]),
        (["emb[2:]"], ["emb[2]", "emb[3]"]),
        (["emb[1:4]"], ["emb[1]", "emb[2]", "emb[3]"]),
        (["emb[-1]"], ["emb[3]"]),
        (["emb[-4:-2]"], ["emb[0]", "emb[1]"]),
        (["emb[:]"], ["emb[0]", "emb[1]", "emb[2]", "emb[3]"]),
        (["emb[01]"], ["emb[1]"]),
        (["any[7]"], ["any[7]"]),
        (["any[1:3]"], ["any[1]", "any[2]"]),
        (["any[:2]"], ["any[0]", "any[1]"]),
        (["id,emb[1],emb[1:3]"], ["id", "emb[1]", "emb[2]"]),
        # All of a column and its entries are not selected twice.
        (["emb,emb[0]"], ["emb"]),
        (["emb[0],emb"], ["emb"]),
        (["id,emb[2],emb0,emb[0],emb"], ["id", "emb", "emb0"]),
        (["any[0],any"], ["any"]),
        (["emb[0],emb*"], ["emb", "emb0"]),
        # What is taken out.
        (["emb,!emb[3]"], ["emb[0]", "emb[1]", "emb[2]"]),
        (["id,emb,emb0,!emb[1:3]"], ["id", "emb[0]", "emb[3]", "emb0"]),
        (["emb[0:3],!emb[1]"], ["emb[0]", "emb[2]"]),
        (["id,emb[0],!emb"], ["id"]),
        (["id,emb[0],emb[2],!emb*"], ["id"]),
        (["id,!emb[0]"], ["id"]),
        (["any[0:3],!any[1]"], ["any[0]", "any[2]"]),
        (["emb,!emb[3],emb[3]"], ["emb[0]", "emb[1]", "emb[2]", "emb[3]"]),
        (["emb,!emb[3],emb"], ["emb"]),
        (["emb,!emb[1],!emb[2]"], ["emb[0]", "emb[3]"]),
        (["id,emb,!emb[:]"], ["id"]),
        (["!emb[1],!any,!e*,!/[^\\w]/,!emp*"], ["id", "emb[0]", "emb[2]", "emb[3]", "emb0", "two"]),
        (["id:emb0,!emb[0]"], ["id", "emb[1]", "emb[2]", "emb[3]", "emb0"]),
        # Other columns keep their readings.
        (["emb[0]", "emb0"], ["emb[0]", "emb0"]),
        (["em[b]"], ["emb"]),
        (["two[1]"], ["two[1]"]),
        (["two,two[1]"], ["two", "two[1]"]),
        (["two,two[1],!two[1]"], ["two"]),
        (["two[0]"], ["two[0]"]),
    ],
)
def test_entries_mean_what_is_documented(selectors: list[str], expected: list[str]) -> None:
    assert list(select_columns(selectors, HEADER)) == expected


@pytest.mark.parametrize("name", ODD)
def test_entries_of_columns_with_odd_names(name: str) -> None:
    entries = (f"{name}[1]", f"{name}[2]")
    assert select_columns([f"{name}[1:3]"], HEADER) == entries
    assert select_columns([f"id,{escaped(name)}[1:3]"], HEADER) == ("id", *entries)
    assert select_columns([f"id,{escaped(name)},!{escaped(name)}[0]"], HEADER) == ("id", *entries)
    assert [element(entry, HEADER) for entry in entries] == [(name, 1), (name, 2)]


def escaped(name: str) -> str:
    return "".join(f"\\{character}" for character in name)


def test_escaped_brackets_belong_to_the_name_of_a_column() -> None:
    with pytest.raises(UsageError, match=r"there is no column 'emb\[0\]'"):
        select_columns([r"emb\[0\]"], HEADER)
    assert select_columns([r"two\[1\]"], HEADER) == ("two[1]",)


def test_brackets_of_other_columns_are_a_glob() -> None:
    assert select_columns(["emb[0]"], ["emb", "emb0"]) == ("emb0",)
    assert select_columns(["emb[0:16]"], ["emb", "emb1", "emb:"]) == ("emb1", "emb:")


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("emb[4]", "'emb[4]' goes beyond the entries of 'emb', which has 4: 0 to 3"),
        ("emb[-5]", "'emb[-5]' goes beyond the entries of 'emb', which has 4: 0 to 3"),
        ("emb[2:5]", "'emb[2:5]' goes beyond the entries of 'emb', which has 4"),
        ("emb[7:]", "'emb[7:]' goes beyond the entries of 'emb', which has 4"),
        ("emb[-9:2]", "'emb[-9:2]' goes beyond the entries of 'emb', which has 4"),
        ("emb,!emb[4]", "'emb[4]' goes beyond the entries of 'emb'"),
        ("empty[0]", "'empty[0]' goes beyond the entries of 'empty', whose lists are empty"),
        ("empty[:]", "'empty[:]' names no entry"),
        ("emb[2:2]", "'emb[2:2]' names no entry ('emb[0:16]' is from 0 up to but not including 16)"),
        ("emb[3:1]", "'emb[3:1]' names no entry"),
        ("any[-1]", "'any[-1]' needs the width of the lists of 'any', which is not known before its rows are read"),
        ("any[8:]", "'any[8:]' needs the width of the lists of 'any'"),
        ("any[:-1]", "'any[:-1]' needs the width of the lists of 'any'"),
        ("any,!any[0]", "an entry cannot be taken out of 'any', because the width of its lists is not known"),
        ("any[:1000001]", "these are 1,000,001 entries of 'any'; at most 1,000,000 can be named"),
        ("any[0:999999999999999999]", "at most 1,000,000 can be named"),
        ("any[0:4:2]", "no column matches 'any[0:4:2]' (entries of 'any' are named as in 'any[0]' or 'any[0:16]')"),
        ("emb[x]", "entries of 'emb' are named as in 'emb[0]'"),
        ("emb[]", "entries of 'emb' are named as in 'emb[0]'"),
        ("emb[" + "9" * 5000 + "]", "entries of 'emb' are named as in 'emb[0]'"),
        ("id[0]", "no column matches 'id[0]', and 'id' holds no lists of which it could be an entry"),
        ("id[0:2]", "no column matches 'id[0:2]', and 'id' holds no lists"),
        ("emb[0],!emb[0]", "the selection is empty"),
        ("emb,!emb[:]", "the selection is empty"),
        ("two[0:2]", "entry 'two[1]' of 'two' cannot be named, because another column is called so"),
        ("two,!two[0]", "entry 'two[1]' of 'two' cannot be named"),
    ],
)
def test_a_wrong_entry_is_a_usage_error(selector: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        select_columns([selector], HEADER)
    assert message in str(caught.value)


def test_entries_are_called_by_their_names() -> None:
    assert selected(["emb*,!emb[1:]"], HEADER, option="--x", source="F") == {"emb[0]": False, "emb0": False}
    assert selected(["emb,!emb[1:],any[0:2]"], HEADER, option="--x", source="F") == dict.fromkeys(
        ["emb[0]", "any[0]", "any[1]"], True
    )


@pytest.mark.parametrize(
    ("x", "z", "shared"),
    [
        ("emb", "emb[0]", "1 column: 'emb[0]'"),
        ("emb[0]", "emb", "1 column: 'emb[0]'"),
        ("emb", "emb[1:3]", "2 columns: 'emb[1]', 'emb[2]'"),
        ("emb[1:3]", "id,emb", "2 columns: 'emb[1]', 'emb[2]'"),
        ("emb[0:2]", "emb[1:3]", "1 column: 'emb[1]'"),
        ("emb", "emb*", "1 column: 'emb'"),
    ],
)
def test_groups_may_not_share_an_entry(x: str, z: str, shared: str) -> None:
    with pytest.raises(UsageError) as caught:
        select_groups([x], [z], HEADER)
    assert f"--x and --z overlap in {shared}; a column may be in one group only" in str(caught.value)


def test_groups_may_divide_a_column() -> None:
    assert select_groups(["emb[0]"], ["emb[1]"], HEADER) == (("emb[0]",), ("emb[1]",))
    assert select_groups(["emb[1]"], ["emb,!emb[1]"], HEADER)[1] == ("emb[0]", "emb[2]", "emb[3]")
    assert select_groups(["two"], ["two[1]"], HEADER) == (("two",), ("two[1]",))


@pytest.mark.parametrize(
    ("x", "z", "hint"),
    [
        ("emb[0]", "emb", "--z 'SELECTORS,!emb[0]'"),
        ("any", "any[0]", "--z 'SELECTORS,!any[0]'"),
        ("any[0]", "any", "--x 'SELECTORS,!any[0]'"),  # of lists of unknown width no entry can be taken out
    ],
)
def test_the_hint_takes_the_entry_out_where_that_can_be_done(x: str, z: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        select_groups([x], [z], HEADER)
    assert caught.value.hint.endswith(hint)


@pytest.mark.parametrize("name", ["emb", "emb[4]", "emb[-1]", "emb[01]", "emb[0:2]", "two[1]", "id[0]", "none[0]", ""])
def test_what_is_no_entry(name: str) -> None:
    assert element(name, HEADER) is None


def test_a_plain_list_of_names_has_no_entries() -> None:
    assert element("emb[0]", ["emb"]) is None


EMB = list(range(6))
entry = st.integers(-len(EMB), len(EMB) - 1).map(lambda i: f"emb[{i}]")
end = st.one_of(st.just(""), st.integers(-len(EMB), len(EMB)))
entries = st.builds("emb[{}:{}]".format, end, end)


def named(text: str) -> set[int]:
    """What Python makes of it."""
    found = eval(text, {"emb": EMB})
    return set(found) if isinstance(found, list) else {found}


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.one_of(st.just("emb"), entry, entries.filter(named))), min_size=1))
def test_entries_are_those_of_python(mentions: list[tuple[bool, str]]) -> None:
    starts_from_all = mentions[0][0]
    wanted = set(EMB) if starts_from_all else set()
    for exclude, text in mentions:
        wanted = wanted - named(text) if exclude else wanted | named(text)
    selector = ",".join("!" * exclude + text for exclude, text in mentions)
    header = Header(("emb",), lists={"emb": len(EMB)})
    if not wanted:
        with pytest.raises(UsageError, match="the selection is empty"):
            select_columns([selector], header)
        return
    chosen = select_columns([selector], header)
    assert len(set(chosen)) == len(chosen)
    found = [i for name in chosen for i in (EMB if name == "emb" else [element(name, header)[1]])]
    assert sorted(found) == sorted(wanted)
