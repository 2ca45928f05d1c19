"""Files of selectors: what their lines mean, what is refused, and how little of a wrong file is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minecli.errors import UsageError
from minecli.tables.selectors.grammar import select_columns, selected
from minecli.tables.selectors.header import Header
from minecli.tables.selectors.name_lists import _LARGEST

NAMES = ["id", "x0", "x1", "x2", "gene_a", "gene_b", "a,b", "t:0", "*", "#x", "# a,b", " ", "", "u\x0cv\u2028w"]


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    return tmp_path / "names.txt"


def test_names_come_from_a_file(listing: Path) -> None:
    listing.write_text("# wanted\n\nx0:x1\n  gene_*  \na,b\nid, t:0\n\\*\n", encoding="utf-8")
    assert select_columns([f"@{listing}"], NAMES) == ("x0", "x1", "gene_a", "gene_b", "a,b", "id", "t:0", "*")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("#x\n", ["#x"]),
        ("  #x \n#y\n", ["#x"]),
        ("#x,id\nx0", ["x0"]),  # the line is no name, and begins with #
        ("\\#x,id", ["#x", "id"]),
        ("!#x\n", [name for name in NAMES if name != "#x"]),
        ("# a,b\n", ["# a,b"]),
        (" # a,b", ["# a,b"]),
        (" \nid", [" ", "id"]),
        ("\n\nid", ["id"]),  # an empty line does not call the column without a name
        ("  \nid", ["id"]),
        ("id\r\nx0\rx1\n", ["id", "x0", "x1"]),
        ("u\x0cv\u2028w\nid", ["u\x0cv\u2028w", "id"]),  # not the ends of lines
        ("\ufeffid", ["id"]),
        ("!id\n!x*\n", [name for name in NAMES if name != "id" and not name.startswith("x")]),
    ],
)
def test_lines_mean_what_is_documented(listing: Path, content: str, expected: list[str]) -> None:
    listing.write_text(content, encoding="utf-8", newline="")
    assert list(select_columns([f"@{listing}"], NAMES)) == expected


def test_a_comment_may_call_an_entry_of_lists(listing: Path) -> None:
    listing.write_text("#emb[1]\n#emb is wide\n")
    assert select_columns([f"@{listing}"], Header(("#emb",), lists={"#emb": 3})) == ("#emb[1]",)


def test_a_list_may_stand_among_other_selectors(listing: Path) -> None:
    listing.write_text("x1\nx0\n")
    assert selected([f"id, @ {listing} ,!x1"], NAMES, option="--x", source="F") == {"id": True, "x0": True}


def test_many_names_in_a_file(listing: Path) -> None:
    names = [f"gene_{i}" for i in range(50_000)]
    listing.write_text("\n".join(names))
    assert select_columns([f"@{listing}"], names) == tuple(names)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# nothing\n\n", "holds no selector"),
        (b"", "holds no selector"),
        (b"\xff\xfe\n", "is not UTF-8 text"),
        ("id\n".encode("utf-16"), "is not text: it holds NUL bytes"),
        (b"id\n\0", "is not text: it holds NUL bytes"),
        (b"id\n" * (_LARGEST // 3 + 1), "is larger than 4 MiB"),
    ],
)
def test_a_bad_file_of_names_is_refused(listing: Path, content: bytes, message: str) -> None:
    listing.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        select_columns([f"@{listing}"], ["id"])


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, message in {
        "pipe": "is a pipe; it must be a file",
        "": "is a folder; it must be a file",
        "sparse": "is larger than 4 MiB, which no list of columns is",
        "loop": "cannot read the list of names",
        "pipe/below": "cannot read the list of names",
        "n" * 300: "cannot read the list of names",
        "nul\0": "cannot read the list of names",
        "/dev/zero": "is a device or socket; it must be a file",
    }.items():
        with pytest.raises(UsageError) as caught:
            select_columns([f"@{tmp_path / name}"], ["id"])
        assert message in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_refused(listing: Path) -> None:
    listing.write_text("id\n")
    listing.chmod(0)
    with pytest.raises(UsageError, match="Permission denied"):
        select_columns([f"@{listing}"], ["id"])


HEADER = Header(("first", "second", "emb", "any", "0"), frozenset({"second"}), {"emb": 4, "any": None})
SECRETS = [
    ("hunter2secret", "there is no column 'hun...'"),
    ("root:hunter2:0:0:secret:/root:/bin/sh", "there is no column 'roo...'"),
    ("first:hunter2", "there is no column 'hun...'"),
    (":hunter2", "the range ':hu...' needs a name on both sides of its colon"),
    ("second:first", "the range 'sec...' is reversed: 'second' stands after 'first' in the file"),
    ("hunter2*secret", "no column matches 'hun...'"),
    ("hunter2[0]", "no column matches 'hun...'"),
    ("/hunter2/", "no column matches '/hu...'"),
    ("/hunter2", "the regular expression '/hu...' has no closing slash"),
    ("/(hunter2/", "'/(h...' is not a regular expression: missing )"),
    (r"/hunter2\q/", "'/hu...' is not a regular expression: invalid escape sequence"),
    ("/[z-a]hunter2/", "'/[z...' is not a regular expression: invalid character class range"),
    ("/hunter2(?=secret)/", "'/hu...' holds a look-around or a back-reference"),
    ("@hunter2secret", "'@hu...' names another list; lists cannot be nested"),
    ("!hunter2secret", "there is no column 'hun...'"),
    ("!/hunter2/", "no column matches '/hu...'"),
    ("first,hunter2secret,more", "there is no column 'hun...'"),
    ("emb[7]", "'emb...' goes beyond the entries of 'emb', which has 4: 0 to 3"),
    ("emb[hunter2]", "no column matches 'emb...'"),
    ("first[hunter2]", "no column matches 'fir...', and 'first' holds no lists"),
    ("emb[2:2]", "'emb...' names no entry"),
    ("any[-1]", "'any...' needs the width of the lists of 'any'"),
    ("any,!any[0]", "an entry cannot be taken out of 'any'"),
    ("any[0:999999999]", "these are 999,999,999 entries of 'any'; at most 1,000,000 can be named"),
    ("sec*", "'sec...' matches nothing but the index column 'second'"),
    ("hunter2" * 5000, "'hun...' is no selector: it is longer than 10,000 characters"),
]


@pytest.mark.parametrize(("line", "message"), SECRETS, ids=[line[:20] for line, _ in SECRETS])
def test_of_a_wrong_file_a_few_letters_are_shown(listing: Path, line: str, message: str) -> None:
    listing.write_text(f"first\n\n{line}\n")
    with pytest.raises(UsageError) as caught:
        select_columns([f"@{listing}"], HEADER)
    assert f"--x: line 3 of names.txt: {message}" in str(caught.value)
    assert "hunt" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_colon_that_could_stand_in_two_places_is_refused_in_a_file_too(listing: Path) -> None:
    listing.write_text("one:two:three\n")
    with pytest.raises(UsageError, match=r"line 1 of names.txt: 'one...' can be cut into two names in several ways"):
        select_columns([f"@{listing}"], ["one", "two:three", "one:two", "three"])


# A letter of the alphabet stands for a secret: no name of the table and no message has this one.
secret_lines = st.lists(st.sampled_from(["\u017f", *"/:*?[]()\\,!@+{}0 "]), min_size=1, max_size=40).map("".join)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret_lines)
def test_no_line_shows_more_than_three_letters(listing: Path, line: str) -> None:
    listing.write_text(f"{line}\n", encoding="utf-8")
    message = ""
    try:
        select_columns([f"@{listing}"], HEADER)
    except UsageError as error:
        message = str(error)
    assert message.count("\u017f") <= 3
