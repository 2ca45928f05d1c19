"""Text that spells numbers or dates: told from words, never a category by accident, read where that is asked."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minecli.errors import DataError
from minecli.tables.arrays import build_array, plan_column
from minecli.tables.asked_kinds import as_asked
from minecli.tables.kinds import Column
from minecli.tables.levels import MAX_LEVELS
from minecli.tables.number_like import spelling, spellings
from minecli.tables.text_numbers import as_numbers


def column(values: list[str], times: int = 3, type_: pa.DataType | None = None) -> pa.ChunkedArray:
    """The values several times over, in two chunks and an empty one."""
    values = values * times
    return pa.chunked_array([values[:2], [], values[2:]], type=type_ or pa.string())


def refused(values: list[str], kept: np.ndarray | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        plan_column(Column.of("c", column(values), rows=kept))
    return caught.value


def read(values: list[str], decimal: str = ".") -> list[float]:
    return as_numbers(Column.of("c", column(values, 1)), decimal=decimal).values.to_pylist()


# Texts of one column each, the numbers they are with a decimal point (None: not read so), and those with a decimal
# comma.
SPELLED: list[tuple[list[str], list[float] | None, list[float] | None]] = [
    (["5", "-2", "+7"], [5, -2, 7], [5, -2, 7]),
    (["05", "007", "1"], [5, 7, 1], [5, 7, 1]),
    (["2.5", "-1e3", " .5", "5."], [2.5, -1000, 0.5, 5], None),
    (["1,5", "-2,25", ",5", "3"], None, [1.5, -2.25, 0.5, 3]),
    (["1.234,5", "1,5"], None, [1234.5, 1.5]),
    (["1.234.567", "12"], None, [1234567, 12]),
    (["1,234.5", "1,000"], [1234.5, 1000], None),
    (["1,234,567", "1,000"], [1234567, 1000], None),
    (["1,234", "0.25"], [1234, 0.25], None),
    (["0,123", "1,234"], None, [0.123, 1.234]),
    (["1,234", "2,345", "17"], None, [1.234, 2.345, 17]),
    (["1,234", "2.345"], None, [1.234, 2345]),
    (["1'234", "12'345'678"], [1234, 12345678], [1234, 12345678]),
    (["1\u2019234.5", "3"], [1234.5, 3], None),
    (["1 234", "5"], [1234, 5], [1234, 5]),
    (["1\u00a0234", "1\u202f234\u202f567"], [1234, 1234567], [1234, 1234567]),
    (["1_000", "20"], [1000, 20], [1000, 20]),
    (["1,00,000", "12,34,567"], None, None),
    (["57%", "3 %", "-1%"], [57, 3, -1], [57, 3, -1]),
    (["8.5%", "57%"], [8.5, 57], None),
    (["5‰", "2 ‰"], [5, 2], [5, 2]),
    (["$5", "-$7", "$-9", "($11)"], [5, -7, -9, -11], [5, -7, -9, -11]),
    (["US$ 5", "US$ 6"], [5, 6], [5, 6]),
    (["$.50", "$1,234.50"], [0.5, 1234.5], None),
    (["€ 5", "6€", "7 €"], [5, 6, 7], [5, 6, 7]),
    (["5 EUR", "EUR 6"], [5, 6], [5, 6]),
    (["R$ 1.234,50", "R$ 5"], None, [1234.5, 5]),
    (["Rs. 50", "Rs.7", "Rs 8"], [50, 7, 8], [50, 7, 8]),
    (["70 kg", "71kg", "1 kgs"], [70, 71, 1], [70, 71, 1]),
    (["5km/h", "6 km/h"], [5, 6], [5, 6]),
    (["20 °C", "-3°C"], [20, -3], [20, -3]),
    (["3 m2", "4 m2"], [3, 4], [3, 4]),
    (["5.5 l/100km", "6 l/100km"], [5.5, 6], None),
    (["1 day", "2 days"], [1, 2], [1, 2]),
    (["100 mm Hg", "90 mm Hg"], [100, 90], [100, 90]),
    (['15.6"', '13"'], [15.6, 13], None),
    (["1e3 kg", "2e-3 kg", "5 kg"], [1000, 0.002, 5], [1000, 0.002, 5]),
    (["(5.0)", "3"], [-5, 3], None),
    (["\u22125", "3"], [-5, 3], [-5, 3]),
    ([" 5 kg\n", "6 kg"], [5, 6], [5, 6]),
    (["5V", "12V"], [5, 12], [5, 12]),
    (["70 kg", "150 lb"], None, None),
    (["5%", "0.05"], None, None),
    (["3 m2", "4 m3"], None, None),
    (["1.2M", "300K"], None, None),
    (["<5", "7", ">100"], None, None),
    (["~3", "≥ 4 kg", "<= 5"], None, None),
    (["03/2020", "11/2021"], None, None),
    (["2020-01", "2021-12"], None, None),
    (["2020/03", "2021/11"], None, None),
    (["31.12.2020", "1.2.2021"], None, None),
    (["31.12.20", "01.02.21"], None, None),
    (["2020/01/31", "2020/02/28"], None, None),
    (["12/31/2020", "1/31/2020"], None, None),
    (["2020-Q1", "2020-Q2"], None, None),
    (["Q1 2020", "Q2 2020"], None, None),
    (["3 Mar 2020", "31 Dec 2020"], None, None),
    (["Mar-20", "Dec-21"], None, None),
    (["March 3, 2020", "May 5, 2021"], None, None),
    (["12:30", "23:59"], None, None),
    (["2:30 pm", "11:00 AM"], None, None),
    (["2020-01-31 12:30", "2020-02-01 00:00"], None, None),
    (["2020-01-31T12:30:00Z", "2020-02-01T00:00:00Z"], None, None),
]
EACH = pytest.mark.parametrize(("values", "point", "comma"), SPELLED, ids=[" ".join(each[0]) for each in SPELLED])

# Columns that spell no numbers, whatever digits they hold.
WORDS = [
    ["10-19", "20-29", "80+"],
    ["<18", "18-24", "25-34", "65+"],
    ["A1", "A2", "B1"],
    ["type 1", "type 2"],
    ["x5", "x6"],
    ["3A", "3B", "12A"],
    ["12 B", "12 C", "7 D"],
    ["1st", "2nd", "3rd", "4th"],
    ["1/2", "1/3", "2/3"],
    ["0/0", "0/1", "1/1"],
    ["1.2.3", "1.2.4"],
    ["192.168.0.1", "10.0.0.1"],
    ["12 Main Street", "5 Elm Road"],
    ["3-door", "5-door"],
    ["1010 Wien", "8010 Graz"],
    ["10 or more", "5 or fewer"],
    ["<=50K", ">50K"],
    ["yes", "no"],
    ["NA", "none", "unknown"],
    ["S", "M", "L", "XL"],
    ["", "-", "?"],
    ["May", "June"],
    ["3f9a", "77b0", "0c1d"],
    ["(5", "6)"],
    ["1,2,3", "4,5,6"],
]


@EACH
def test_each_spelling_is_known(values: list[str], point: list[float] | None, comma: list[float] | None) -> None:
    assert all(spelling(value) is not None for value in values)


@EACH
def test_spelled_numbers_are_no_categories(
    values: list[str], point: list[float] | None, comma: list[float] | None
) -> None:
    error = refused(values)
    assert "column 'c' is text" in error.problem
    assert any(repr(value) in error.problem for value in values) or "all of which read as numbers" in error.problem
    assert error.hint.endswith("--categorical c")
    # The option that is named reads the column, if there is one.
    if point is not None:
        assert "--numeric c" in error.hint
        assert "--decimal" not in error.hint
    elif comma is not None:
        assert "--decimal , --numeric c" in error.hint
    else:
        assert "--numeric" not in error.hint


@EACH
@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.string_view()])
def test_spelled_numbers_are_read_where_that_is_asked(
    values: list[str], point: list[float] | None, comma: list[float] | None, type_: pa.DataType
) -> None:
    for decimal, expected in ((".", point), (",", comma)):
        texts = column(values, 1, type_)
        for held in (texts, pa.chunked_array([texts.cast(pa.string()).combine_chunks().dictionary_encode()])):
            if expected is None:
                with pytest.raises(DataError) as caught:
                    as_asked(Column.of("c", held, "number"), decimal)
                assert "column 'c' is to be numeric, but row " in caught.value.problem
                assert caught.value.hint
            else:
                assert as_asked(Column.of("c", held, "number"), decimal).values.to_pylist() == expected


@EACH
def test_they_are_categories_where_that_is_said(
    values: list[str], point: list[float] | None, comma: list[float] | None
) -> None:
    texts = column(values)
    names = tuple(f"c={value}" for value in sorted(values))
    names = names if len(names) > 2 else names[1:]
    assert plan_column(as_asked(Column.of("c", texts, "labels"))).names == names
    # The type of a dictionary says the same.
    category = pa.chunked_array([texts.combine_chunks().dictionary_encode()])
    assert plan_column(Column.of("c", category)).names == names


@pytest.mark.parametrize("values", WORDS, ids=[" ".join(values) for values in WORDS])
def test_words_stay_categories(values: list[str]) -> None:
    plan = plan_column(Column.of("c", column(values)))
    assert (plan.use.kind, plan.use.levels) == ("text", len(values))
    block = build_array([column(values)], [plan])
    levels = sorted(values)
    expected = np.eye(len(levels))[[levels.index(value) for value in values * 3]]
    np.testing.assert_array_equal(block, expected if len(levels) > 2 else expected[:, 1:])


@pytest.mark.parametrize("value", ["57%", "1,5", "70 kg", "03/2020", "5"])
def test_one_number_alone_is_a_constant(value: str) -> None:
    assert plan_column(Column.of("c", column([value]))).constant == repr(value)


@pytest.mark.parametrize(
    ("values", "option"),
    [
        (["03/2020", "11/2021"], "--date-format %m/%Y"),
        (["03-2020", "11-2021"], "--date-format %m-%Y"),
        (["2020-01", "2021-12"], "--date-format %Y-%m"),
        (["31.12.2020", "1.2.2021"], "--date-format %d.%m.%Y"),
        (["31.12.20", "01.02.21"], "--date-format %d.%m.%y"),
        (["31/12/2020", "01/02/2021"], "--date-format %d/%m/%Y"),
        (["12/31/2020", "1/2/2021"], "--date-format %m/%d/%Y"),
        (["01/02/2020", "03/04/2020"], "--date-format %d/%m/%Y or %m/%d/%Y"),
        (["2020/01/31", "2020/02/28"], "--date-format %Y/%m/%d"),
        (["3 Mar 2020", "31 Dec 2020"], "--date-format '%d %b %Y'"),
        (["March 3, 2020", "May 5, 2021"], "--date-format '%b %d, %Y'"),
        (["Mar-20", "Dec-21"], "--date-format %b-%y"),
        (["12:30", "23:59"], "--date-format %H:%M"),
        (["2:30 PM", "11:00 AM"], "--date-format '%I:%M %p'"),
        (["31.12.2020 12:30", "1.2.2021 00:00"], "--date-format '%d.%m.%Y %H:%M'"),
    ],
)
def test_the_format_of_dates_is_guessed(values: list[str], option: str) -> None:
    error = refused(values)
    assert f"its values are dates or times, as {values[0]!r}" in error.problem
    assert error.hint == f"to read them: {option}; if they are labels: --categorical c"
    with pytest.raises(DataError) as caught:
        as_numbers(Column.of("c", column(values)))
    assert "which is a date or a time" in caught.value.problem
    assert caught.value.hint == f"to read it: {option}"


@pytest.mark.parametrize(
    ("values", "decimal", "message", "hint"),
    [
        (["5", "x"], ".", "row 1 (counted from 0) holds 'x', which is no number", "--na-values x; otherwise leave 'c'"),
        (["5", "10-19"], ".", "holds '10-19', which is no number", "--na-values 10-19"),
        (["1.5", "1,5"], ".", "row 1 (counted from 0) holds '1,5', which has a decimal comma", "--decimal , "),
        (["0,123", "1,234"], ".", "holds '0,123', which has a decimal comma", "--decimal , --numeric c"),
        (["1,234", "5"], ".", "'1,234', whose comma may be a decimal comma or a mark of thousands", "--decimal ,"),
        (["1.234.567", "1.234"], ".", "'1.234.567', whose points are marks of thousands", "--decimal , --numeric c"),
        (["1,5", "1.5"], ",", "holds '1.5'; ',' is the decimal mark, and others must stand between groups", "repair"),
        (["1,00,000", "5"], ".", "holds '1,00,000'; '.' is the decimal mark", "repair"),
        (["1'234,567", "5"], ".", "234,567\", which has a decimal comma", "--decimal , --numeric c"),
        (["70 kg", "71 kg", "150 lb"], ".", "row 2 (counted from 0) holds '150 lb': others are in 'kg', and this one "
         "in 'lb'", "bring all to one unit"),
        (["$5", "€5"], ".", "holds '€5': others are in '$', and this one in '€'", "bring all to one unit"),
        (["57%", "0.57"], ".", "holds '0.57': others are in '%', and this one without a unit", "bring all"),
        (["7", "<5"], ".", "holds '<5', which bounds a number and is none", "--na-values '<5' --missing drop"),
        (["1" * 400, "2"], ".", "holds '1111", "repair these rows"),
        (["\uff19", "\uff18"], ".", "holds '\uff19', which is no number", "--na-values"),
    ],
)  # fmt: skip
def test_what_is_not_read_says_why(values: list[str], decimal: str, message: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        as_numbers(Column.of("c", column(values, 1)), decimal=decimal)
    assert message in caught.value.problem
    assert hint in caught.value.hint


def test_rows_are_those_of_the_file() -> None:
    kept = np.array([False, True, False, True, True])
    with pytest.raises(DataError, match=r"row 4 \(counted from 0\) holds '5 lb'"):
        as_numbers(Column.of("c", column(["5 kg", "6 kg", "5 lb"], 1), rows=kept))
    with pytest.raises(DataError, match=r"2 of its 3 values are numbers with '%', as '5%', but row 4 "):
        plan_column(Column.of("c", column(["5%", "6%", "?"], 1), rows=kept))


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        (["57%", "3%", "n.a."], "6 of its 9 values are numbers with '%', as '57%', but row 2 (counted from 0) holds "
         "'n.a.'", "if that means missing: --na-values n.a. --numeric c; if they are labels: --categorical c"),
        (["5", "1,5", "?"], "6 of its 9 values are numbers with a comma, as '1,5', but row 2 ",
         "if that means missing: --na-values '?' --decimal , --numeric c; if they are labels: --categorical c"),
        (["03/2020", "04/2020", "?"], "6 of its 9 values are dates or times, as '03/2020', but row 2 ",
         "if that means missing: --na-values '?' --date-format %m/%Y; if they are labels: --categorical c"),
        (["1", "2", "?"], "6 of its 9 values are numbers, but row 2 (counted from 0) holds '?'",
         "if that means missing: --na-values '?'; if the numbers are codes: --categorical c"),
        (["5 kg", "6 lb", "?"], "6 of its 9 values are numbers with 'kg', as '5 kg', but row 2 ",
         "if that means missing: --na-values '?'; if they are labels: --categorical c"),
        (["1,234", "2,345"], "numbers with a comma, as '1,234', and would lose their order as categories",
         "for decimal commas: --decimal , --numeric c; for thousands take the commas out; "
         "if they are labels: --categorical c"),
        (["2020-Q1", "2020-Q2"], "dates or times, as '2020-Q1'",
         "write them as plain numbers; if they are labels: --categorical c"),
        (["<5", "5", "7"], "numbers and bounds, as '<5'",
         "write them as plain numbers; if they are labels: --categorical c"),
    ],
)  # fmt: skip
def test_the_message_names_a_value_and_a_way(values: list[str], message: str, hint: str) -> None:
    error = refused(values)
    assert message in error.problem
    assert error.hint == hint


@pytest.mark.parametrize("number", ["7", "7%", "7 kg", "07/2020", "7,5"])
def test_more_than_half_of_the_values_decide(number: str) -> None:
    half = [number, "word"] * 5
    assert plan_column(Column.of("c", pa.chunked_array([half]))).use.levels == 2
    with pytest.raises(DataError, match="6 of its 11 values are"):
        plan_column(Column.of("c", pa.chunked_array([[*half, number]])))


@pytest.mark.parametrize("levels", [2, 3, MAX_LEVELS, MAX_LEVELS + 1, 500])
@pytest.mark.parametrize(("form", "option"), [("{}.5%", "--numeric c"), ("{} kg", "--numeric c"), ("{}", "--numeric c"),
                                              ("{},5", "--decimal , --numeric c")])  # fmt: skip
def test_the_number_of_levels_makes_no_difference(levels: int, form: str, option: str) -> None:
    texts = column([form.format(i) for i in range(levels)])
    with pytest.raises(DataError, match="is text") as caught:
        plan_column(Column.of("c", texts))
    assert option in caught.value.hint
    assert "--categorical c" in caught.value.hint
    values = as_numbers(Column.of("c", texts), decimal="," if "," in form else ".").values.to_numpy()
    expected = [float(re.sub("[^0-9.]", "", form.format(i).replace(",", "."))) for i in range(levels)]
    np.testing.assert_array_equal(values, expected * 3)
    assert plan_column(Column.of("c", texts, asked="labels")).use.levels == levels


def test_too_many_levels_are_not_offered_as_labels() -> None:
    with pytest.raises(DataError) as caught:
        plan_column(Column.of("c", column([f"{i}%" for i in range(300)], 1)))
    assert caught.value.hint == "to read them: --numeric c"


@pytest.mark.parametrize(
    ("texts", "like"),
    [
        (["3A", "4A", "x"], [True, True, False]),
        (["3A", "4B", "5 kg"], [False, False, True]),
        (["1.5M", "300K"], [True, True]),
        (["15M", "300K"], [True, True]),
        (["<5", ">5"], [False, False]),
        (["<5", ">5", ">7"], [True, True, True]),
        (["5 kg", "5 lb", "3 rooms"], [True, True, True]),
    ],
)
def test_unknown_letters_are_judged_by_the_column(texts: list[str], like: list[bool]) -> None:
    assert [each is not None for each in spellings(texts)] == like


MARK_AND_POINT = [(",", "."), (".", ","), ("'", "."), (" ", ","), ("\u202f", ","), ("_", ".")]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=8),
    st.sampled_from(MARK_AND_POINT),
    st.sampled_from(["{}", "{} kg", "{}%", "$ {}", "{} EUR", "{}km/h"]),
    st.sampled_from(["-", "\u2212", "()"]),
)
def test_what_is_written_in_one_way_is_read_again(numbers: list, marks: tuple[str, str], form: str, minus: str) -> None:
    mark, point = marks

    def written(number) -> str:
        text = f"{abs(number):,.2f}".replace(",", "\0").replace(".", point).replace("\0", mark)
        text = form.format(text)
        return text if number >= 0 else f"({text})" if minus == "()" else minus + text

    found = as_numbers(
        Column.of("c", pa.chunked_array([[written(number) for number in numbers]])), decimal=point
    ).values
    np.testing.assert_array_equal(found.to_numpy(), [float(number) for number in numbers])


@settings(deadline=None, max_examples=300)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=6), st.sampled_from(".,'"))
def test_any_text_is_read_or_refused(texts: list[str], decimal: str) -> None:
    try:
        found = as_numbers(Column.of("c", pa.chunked_array([texts], pa.string())), decimal=decimal).values
    except DataError:
        pass
    else:
        assert found.null_count == 0
    with contextlib.suppress(DataError):
        assert plan_column(Column.of("c", pa.chunked_array([texts * 3], pa.string()))).use.kind == "text"


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.text("0123456789.,'+-\u2212() %$€kgmeE<~:/\u00a0\n", min_size=1, max_size=9), min_size=1, max_size=4),
    st.sampled_from(".,"),
)
def test_digits_and_marks_are_read_or_refused(texts: list[str], decimal: str) -> None:
    try:
        found = as_numbers(Column.of("c", pa.chunked_array([texts], pa.string())), decimal=decimal).values
    except DataError:
        return
    assert found.null_count == 0
    assert np.isfinite(found.to_numpy().astype(float)).all()


def test_integers_of_any_length_stay_exact() -> None:
    for digits, type_ in ((18, pa.int64()), (19, pa.int64()), (38, pa.decimal128(38)), (76, pa.decimal256(76))):
        values = ["1" + "0" * (digits - 1), "1" + "0" * (digits - 2) + "1"]
        found = as_numbers(Column.of("c", column(values, 1))).values
        assert found.type == type_
        assert [int(value) for value in found.to_pylist()] == [int(value) for value in values]
    assert as_numbers(Column.of("c", column([str(2**64 - 1), "1"], 1))).values.type == pa.uint64()
    assert as_numbers(Column.of("c", column(["1" * 77, "1"], 1))).values.type == pa.float64()


def damaged() -> pa.Array:
    """Text as a damaged file may hold it: not UTF-8."""
    ends = pa.py_buffer(np.array([0, 1, 3, 4, 6], np.int32))
    return pa.Array.from_buffers(pa.string(), 4, [None, ends, pa.py_buffer(b"1\xff\xfe1\xff\xfe")])


@pytest.mark.parametrize("asked", [None, "labels", "number"])
@pytest.mark.parametrize("category", [False, True])
def test_damaged_text_is_an_error_that_shows_it(asked, category: bool) -> None:
    chunk = damaged()
    texts = pa.chunked_array([chunk.dictionary_encode() if category else chunk] * 3)
    with pytest.raises(DataError) as caught:
        plan_column(as_asked(Column.of("c", texts, asked)))
    assert caught.value.problem == r"column 'c' holds text that is not UTF-8: b'\xff\xfe'"
