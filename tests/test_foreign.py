"""What others wrote, made fit to be shown."""

import json
import random
import unicodedata

import pytest

from minecli.foreign import Styled, encoded, escaped, escaped_json, escaped_lines, legible, legible_values, shortened

# Those that terminals obey, those that turn the direction of writing, and those that have no width.
UNSEEN = [
    *range(0x20), 0x7F, *range(0x80, 0xA0), 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), 0x2060,
    *range(0x2066, 0x206A), 0xFEFF, 0xD800, 0xDCFF, 0xDFFF, 0xE0041,
]  # fmt: skip


@pytest.mark.parametrize("code", UNSEEN, ids=hex)
def test_no_character_that_cannot_be_seen_stays(code):
    shown = escaped(f"a{chr(code)}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown[1] == "\\"
    # The escape is Python's: it says which character it was.
    assert shown.encode().decode("unicode_escape") == f"a{chr(code)}b"


def test_what_can_be_seen_stays():
    text = "Größe [m²] 温度 درجة ключ 🌡 a\u00a0b e\u0301 \\x1b '\"$"
    assert escaped(text) == text
    assert escaped("") == ""


def test_every_plane_is_searched():
    kept = "".join(c for c in map(chr, range(0x110000)) if escaped(c) == c)
    assert not {unicodedata.category(c) for c in kept} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert all(c in kept for c in "aé温\u00a0\u3000\ue000🌡")


def test_lines_stay_lines_but_nothing_else_makes_one():
    assert escaped_lines("a\r\nb\x0bc\x85d\u2028e\n") == "a\\r\nb\\x0bc\\x85d\\u2028e\n"


def test_json_keeps_its_content():
    rng = random.Random(0)
    # Two surrogates in the right order are one character in JSON.
    points = [*(code for code in UNSEEN if code not in (0xD800, 0xDFFF)), *b'"\\/,[]{}aZ', 0xE9, 0x6E29, 0x1F321]
    for _ in range(200):
        made = {"".join(chr(rng.choice(points)) for _ in range(8)): "".join(chr(rng.choice(points)) for _ in range(8))}
        for indent in (None, 2):
            text = escaped_json(json.dumps(made, ensure_ascii=False, indent=indent))
            assert json.loads(text) == made
            assert text.replace("\n", "").isprintable()
            text.encode("utf-8")


def test_bytes_of_a_file_name_do_not_crash():
    assert encoded("name \udcff é") == b"name \\udcff \xc3\xa9"


def test_a_long_name_loses_its_middle():
    assert shortened("a" * 80) == "a" * 80
    assert len(shortened("a" * 81)) in (79, 80)
    assert shortened(f"begin{'-' * 500}end").startswith("begin-")
    assert shortened(f"begin{'-' * 500}end").endswith("-end")


LONG = 10_000 * "A"


@pytest.mark.parametrize(
    "message",
    [
        f"there is no column '{LONG}'; the nearest names are '{LONG}', '{LONG}' (minecli columns a.csv lists them)",
        f"there is no column '{LONG[:5000]} {LONG[5000:]}' (minecli columns a.csv lists them)",
        f"there is no column {LONG} (minecli columns a.csv lists them)",
        f"there is no column '{'a b ' * 2500}' (minecli columns a.csv lists them)",
        f"there is no column '{chr(27) * 10_000}' (minecli columns a.csv lists them)",
    ],
)
def test_a_long_name_does_not_flood_a_message(message):
    shown = legible(message)
    assert len(shown) < 600
    assert shown.startswith("there is no column ")
    assert shown.endswith(" (minecli columns a.csv lists them)")
    assert "..." in shown


@pytest.mark.parametrize(
    "message",
    [
        # What is typed again: paths, and lists of columns.
        f"go on with: minecli estimate --resume {'/a_folder_with_a_name' * 20}",
        f"cannot read '{'/a_folder_with_a_name' * 20}': it is no table",
        f"if these are labels: --categorical '{','.join(f'column_{i}' for i in range(60))}'",
        # Apostrophes in prose are no quotes.
        f"the encoder's explanation {'goes on and on ' * 12}over the networks' heads, said 'x'",
    ],
)
def test_what_is_no_name_stays_whole(message):
    assert legible(message) == message


def test_even_a_name_of_slashes_and_commas_does_not_flood():
    assert len(legible(f"there is no column '{'a,/ ' * 10_000}' (hint)")) <= 2000


def test_values_are_copied_and_numbers_stay():
    given = {"a\x1b": ["b\u202e", 1, 0.5, True, None, {"c": ("d\x07",)}]}
    assert legible_values(given) == {"a\\x1b": ["b\\u202e", 1, 0.5, True, None, {"c": ["d\\x07"]}]}
    assert given["a\x1b"][0] == "b\u202e"


def test_styled_text_is_text():
    assert Styled("\x1b[1mbold\x1b[0m") == "\x1b[1mbold\x1b[0m"
