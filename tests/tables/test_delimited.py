"""Text tables: delimiters told and guessed, and the round trip of any names and numbers through quoting."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minecli.errors import DataError, UsageError
from minecli.tables.files.dialect import DELIMITERS, read_dialect
from minecli.tables.files.options import Reading
from minecli.tables.files.parts import Part
from minecli.tables.files.sources import locate
from minecli.tables.groups import load_groups
from minecli.tables.summary import describe_columns
from minecli.tables.wanted import Wanted


def part(text: str) -> Part:
    return locate("-", io.BytesIO(text.encode())).parts[0]


@pytest.mark.parametrize(
    ("text", "tabs", "expected"),
    [
        ("a,b\n1,2\n", False, ","),
        ("a;b\n1,5;2,5\n", False, ";"),
        ("a\tb\n1\t2\n", False, "\t"),
        ("a\tb\n1\t2\n", True, "\t"),
        ("a|b\n1|2\n", False, "|"),
        ("a b\n1 2\n", False, " "),
        ("a b\n1\n", False, ","),
        ("a,b\n1,2\n", True, ","),
        ("id;name, first;age\n1;x;2\n", False, ";"),
        ("id,time;zone,b\n1,2,3\n", False, ","),
        ('"a;b;c",d\n1,2\n', False, ","),
        ("only\n1\n", False, ","),
        ("a,b,c|d\n1,2,3\n4,5\n", False, ","),
    ],
)
def test_the_delimiter_is_the_one_that_fits(text: str, tabs: bool, expected: str) -> None:
    dialect = read_dialect(part(text), Reading(), tabs=tabs)
    assert dialect.delimiter == expected
    assert bool(dialect.notes) == (expected != ("\t" if tabs else ","))


def test_two_delimiters_that_fit_equally_are_not_guessed() -> None:
    with pytest.raises(DataError, match=r"not clear: the lines fit ',' and ';' \(say which with --delimiter\)"):
        read_dialect(part("a,b;c\nx,y;z\n"), Reading())
    assert read_dialect(part("a,b;c\nx,y;z\n"), Reading(delimiter=";")).names == ("a,b", "c")


@pytest.mark.parametrize(
    ("told", "meant"), [("tab", "\t"), (r"\t", "\t"), ("semicolon", ";"), ("space", " "), ("~", "~")]
)
def test_a_delimiter_can_be_told_in_words(told: str, meant: str) -> None:
    assert read_dialect(part(f"a{meant}b\n1{meant}2\n"), Reading(delimiter=told)).names == ("a", "b")


@pytest.mark.parametrize("told", ["", "ab", '"', "\n", "é"])
def test_a_delimiter_is_one_plain_character(told: str) -> None:
    with pytest.raises(UsageError, match="must be one ASCII character other than a quote or a line end"):
        read_dialect(part("a,b\n1,2\n"), Reading(delimiter=told))


def test_names_are_what_stands_between_the_delimiters() -> None:
    assert read_dialect(part('a, b,"c ""d""",x\u2028y\n1,2,3,4\n'), Reading()).names == ("a", " b", 'c "d"', "x\u2028y")


def test_a_header_longer_than_the_first_look() -> None:
    names = [f"c{i}" * 10 for i in range(30_000)]
    assert read_dialect(part(",".join(names) + "\n"), Reading()).names == tuple(names)
    assert read_dialect(part('"q",' + ",".join(names) + "\n"), Reading()).names == ("q", *names)


def test_a_header_of_numbers_is_data_unless_it_counts_the_columns() -> None:
    assert read_dialect(part("0,1,2\n5,6,7\n"), Reading()).names == ("0", "1", "2")
    with pytest.raises(DataError, match="it must name the columns"):
        read_dialect(part("-1,1,2\n5,6,7\n"), Reading())


def test_further_spellings_of_missing() -> None:
    text = b"a;b\n1;-\n-;2\n3;none\n5;4\n6;5\n"
    reading = Reading(na_values=("-", "none"), delimiter=";")
    a, b = describe_columns("-", reading=reading, stdin=io.BytesIO(text)).columns
    assert (a.missing, b.missing, a.type, b.type) == (1, 2, "int64", "int64")


plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), min_size=1, max_size=6)
finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(
    st.lists(plain_text.filter(lambda s: s.strip() != ""), min_size=2, max_size=4, unique=True),
    st.lists(st.tuples(finite, finite), min_size=2, max_size=9),
    st.sampled_from(DELIMITERS),
    st.booleans(),
)
def test_names_and_numbers_survive_the_way_through_text(
    names: list[str], rows: list[tuple[float, float]], delimiter: str, bom: bool
) -> None:
    out = io.StringIO()
    # A leading word keeps the header from being all numbers, and a leading byte-order mark from being part of a name.
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["first", *(name + "_" for name in names)])
    writer.writerows([i, *(row[j % 2] for j in range(len(names)))] for i, row in enumerate(rows))
    content = out.getvalue().encode("utf-8-sig" if bom else "utf-8")
    chosen = names[0] + "_"
    try:
        groups = load_groups(
            "-", [chosen], ["first"], Wanted(reading=Reading(delimiter=delimiter)), stdin=io.BytesIO(content)
        )
    except DataError as error:
        assert "constant" in error.problem or "too large to be read exactly" in error.problem  # noqa: PT017
        assert len({row[0] for row in rows}) == 1
        return
    np.testing.assert_array_equal(groups.x.values[:, 0], [row[0] for row in rows])
    assert groups.x.names == (chosen,)
