r"""The selector grammar: which columns of a table a person means. Pure text; no table library is needed.

A list of selectors, each of which may hold several separated by commas. Columns come out in the order of
their first mention, each once.

    age             the column of that name
    gene_*          a glob: `*` anything, `?` one character, `[0-9]` one of; upper and lower case differ
    x0:x19          from x0 to x19 in the order of the file, both included
    /^s\d+$/        a regular expression, found anywhere in the name unless anchored; may hold commas
    @names.txt      a file with one selector per line; blank lines and lines that begin with # are skipped
    !gene_7         takes columns out again: a name, glob, range or expression; a list that begins with one
                    starts from all columns

An exact name wins over every other reading, first for the whole selector ("a,b" where a column is called
that), then for each piece between commas. A backslash takes the meaning from the character after it:
`a\,b`, `\*`, `t\:0`, `\@home`. Blanks around a piece are ignored, except where the name has them too. There
are no positions: `0:5` means two names.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from minecli.errors import UsageError

_NAMES_SHOWN = 6


@dataclass(frozen=True)
class _Piece:
    """One selector between commas: its characters, and for each whether it may have a special meaning."""

    raw: str
    characters: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        return "".join(character for character, _ in self.characters)

    @property
    def lead(self) -> str:
        """The first character where it is special, else nothing."""
        return self.characters[0][0] if self.characters and self.characters[0][1] else ""

    def rest(self) -> _Piece:
        """The piece without its first character."""
        return _Piece(self.raw[1:], self.characters[1:])

    def positions(self, wanted: str) -> list[int]:
        """Where one of the `wanted` characters stands with its special meaning."""
        return [i for i, (c, special) in enumerate(self.characters) if special and c in wanted]

    def glob(self) -> str:
        """The piece as an fnmatch pattern in which escaped characters stand for themselves."""
        return "".join(f"[{c}]" if not special and c in "*?[" else c for c, special in self.characters)


@dataclass(frozen=True)
class _Header:
    """The names of a table and how to speak of it in a message."""

    names: Sequence[str]
    option: str
    source: str
    places: Mapping[str, int] = field(default_factory=dict)

    def wrong(self, problem: str, hint: str = "") -> UsageError:
        return UsageError(f"{self.option}: {problem}", hint=hint or self.listing)

    @property
    def listing(self) -> str:
        return f"minecli columns {shlex.quote(self.source)} lists the columns"


class _Step(NamedTuple):
    """What one piece of a selector stands for, whether it takes that out, and whether it is the name itself."""

    exclude: bool
    names: Sequence[str]
    by_name: bool = False


def select_columns(
    selectors: Sequence[str], names: Sequence[str], *, option: str = "--x", source: str = "FILE"
) -> tuple[str, ...]:
    r"""Resolve selectors to column names, unique, in order of first mention.

    `names` are the columns in file order; `option` and `source` are only spoken of in messages. Raises
    UsageError for an unknown column, for a glob, range or expression that is malformed or matches nothing,
    for an unreadable @file, and for an empty selection.

    >>> select_columns(["b,x*", r"/^c\d{1,2}$/"], ["x1", "x2", "b", "c7", "cc"])
    ('b', 'x1', 'x2', 'c7')
    >>> select_columns(["x1:b,!x2"], ["x1", "x2", "b"])
    ('x1', 'b')
    """
    return tuple(selected(selectors, names, option=option, source=source))


def selected(selectors: Sequence[str], names: Sequence[str], *, option: str, source: str) -> dict[str, bool]:
    """What `select_columns` gives, and of each column whether it was called by its own name: by a glob, a range or an
    expression a person may well name more than is meant.

    >>> selected(["b,x*"], ["x1", "x2", "b"], option="--x", source="FILE")
    {'b': True, 'x1': False, 'x2': False}
    """
    header = _Header(names, option, source, {name: i for i, name in enumerate(names)})
    chosen: dict[str, bool] = {}
    for number, step in enumerate(_steps(selectors, header)):
        if step.exclude:
            if number == 0:
                chosen = dict.fromkeys(names, False)
            for name in step.names:
                chosen.pop(name, None)
        else:
            chosen.update({name: step.by_name or chosen.get(name, False) for name in step.names})
    if not chosen:
        raise header.wrong("the selection is empty: no column is left")
    return chosen


def select_groups(
    x: Sequence[str], z: Sequence[str], names: Sequence[str], *, source: str = "FILE"
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Resolve both groups and refuse a column that stands in both: I(X; Z) with a shared column is not
    finite.

    >>> select_groups(["a"], ["b:c"], ["a", "b", "c"])
    (('a',), ('b', 'c'))
    """
    in_x = select_columns(x, names, option="--x", source=source)
    in_z = select_columns(z, names, option="--z", source=source)
    shared = [name for name in in_x if name in set(in_z)]
    if shared:
        raise UsageError(
            f"--x and --z overlap in {counted(len(shared), 'column')}: {quoted(shared)}; "
            "a column may be in one group only",
            hint=f"take it out of one of them, as in --z 'SELECTORS,!{shared[0]}'",
        )
    return in_x, in_z


def quoted(names: Sequence[object]) -> str:
    """Names for a message: the first few in quotes, the rest as a number.

    >>> quoted(["a", "b"])
    "'a', 'b'"
    >>> quoted(range(9))
    '0, 1, 2, 3, 4, 5 and 3 more'
    """
    shown = ", ".join(repr(name) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def typed(names: Sequence[str]) -> str:
    r"""A selector of these columns as it is typed in a shell.

    >>> typed(["label", "a b"]), typed(["a,b", "c"])
    ("'label,a b'", "'a\\,b,c'")
    """
    if len(names) == 1:
        return shlex.quote(names[0])
    return shlex.quote(",".join(re.sub(r"([,/\\])", r"\\\1", name) for name in names))


def counted(number: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nearest(wanted: str, known: Sequence[str], *, at_most: int = 3) -> list[str]:
    """The known words that look most like `wanted`, upper and lower case taken as equal.

    >>> nearest("Temprature", ["temperature", "pressure"])
    ['temperature']
    """
    folded: dict[str, list[str]] = {}
    for word in known:
        folded.setdefault(word.strip().casefold(), []).append(word)
    close = difflib.get_close_matches(wanted.strip().casefold(), folded, n=at_most)
    return [word for key in close for word in folded[key]][:at_most]


def _steps(selectors: Sequence[str], header: _Header) -> Iterator[_Step]:
    """Each piece of each selector in turn."""
    for selector in selectors:
        yield from _expand(selector, header, from_file=None)


def _expand(selector: str, header: _Header, from_file: Path | None) -> Iterator[_Step]:
    if selector in header.places:
        yield _Step(False, [selector], True)
        return
    pieces = _split(selector, header)
    if not selector.strip():
        raise header.wrong("the selector is empty; it must name at least one column")
    for piece in pieces:
        if piece.raw in header.places:
            yield _Step(False, [piece.raw], True)
            continue
        piece = _stripped(piece)
        if not piece.characters:
            continue
        if piece.raw in header.places or piece.text in header.places:
            yield _Step(False, [piece.raw if piece.raw in header.places else piece.text], True)
        elif piece.lead == "@":
            yield from _from_file(piece.rest().text, header, from_file)
        elif piece.lead == "!":
            yield _Step(True, _matches(_stripped(piece.rest()), header))
        else:
            yield _Step(False, _matches(piece, header))


def _from_file(name: str, header: _Header, from_file: Path | None) -> Iterator[_Step]:
    if from_file is not None:
        raise header.wrong(f"{from_file} names another list, '@{name}'; lists cannot be nested", f"edit {from_file}")
    path = Path(name)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise header.wrong(
            f"cannot read the list of names '{name}': {error.strerror}",
            f"check the path after @, as in @{name}",
        ) from error
    except UnicodeDecodeError as error:
        raise header.wrong(f"the list of names '{name}' is not UTF-8 text", "give one selector per line") from error
    used = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not used:
        raise header.wrong(f"the list of names '{name}' holds no selector", "give one selector per line")
    for line in used:
        yield from _expand(line, header, from_file=path)


def _split(selector: str, header: _Header) -> list[_Piece]:
    """Cut at the commas that are neither escaped nor inside /.../."""
    pieces: list[_Piece] = []
    raw, characters, i = "", list[tuple[str, bool]](), 0
    while i < len(selector):
        character = selector[i]
        if character == "/" and all(c in " !" for c in raw):
            end = _end_of_expression(selector, i, header)
            raw += selector[i:end]
            characters += [(c, True) for c in selector[i:end]]
            i = end
        elif character == "\\" and i + 1 < len(selector):
            raw += selector[i : i + 2]
            characters.append((selector[i + 1], False))
            i += 2
        elif character == ",":
            pieces.append(_Piece(raw, tuple(characters)))
            raw, characters, i = "", [], i + 1
        else:
            raw += character
            characters.append((character, True))
            i += 1
    return [*pieces, _Piece(raw, tuple(characters))]


def _end_of_expression(selector: str, start: int, header: _Header) -> int:
    r"""The place after the slash that closes /.../: the first one that is not escaped and ends its piece."""
    closing = re.compile(r"(?<!\\)/(?=\s*(,|$))").search(selector, start + 1)
    if closing is None:
        raise header.wrong(
            f"the regular expression '{selector[start:]}' has no closing slash",
            r"write /EXPRESSION/, as in '/^s\d+$/', or \/ where a name begins with a slash",
        )
    return closing.end()


def _stripped(piece: _Piece) -> _Piece:
    characters = list(piece.characters)
    while characters and characters[0][1] and characters[0][0].isspace():
        characters.pop(0)
    while characters and characters[-1][1] and characters[-1][0].isspace():
        characters.pop()
    return _Piece(piece.raw.strip(), tuple(characters))


def _matches(piece: _Piece, header: _Header) -> Sequence[str]:
    """The columns that one piece without @ or ! stands for; never none."""
    if piece.text in header.places:
        return [piece.text]
    if piece.lead == "/":
        return _by_expression(piece.text[1:-1].replace(r"\/", "/"), header)
    if piece.positions(":") and (found := _by_range(piece, header)) is not None:
        return found
    if piece.positions("*?["):
        matched = [name for name in header.names if fnmatch.fnmatchcase(name, piece.glob())]
        if not matched:
            raise header.wrong(f"no column matches '{piece.raw}'")
        return matched
    raise _unknown(piece.text, header)


def _by_expression(expression: str, header: _Header) -> Sequence[str]:
    try:
        compiled = re.compile(expression)
    except re.error as error:
        raise header.wrong(
            f"'/{expression}/' is not a regular expression: {error}",
            r"as in '/^s\d+$/'; \ escapes . * + ? ( ) [ ] { } |",
        ) from error
    matched = [name for name in header.names if compiled.search(name)]
    if not matched:
        raise header.wrong(f"no column matches '/{expression}/'")
    return matched


def _by_range(piece: _Piece, header: _Header) -> Sequence[str] | None:
    """The columns from one name to another, or None where no colon separates two known names of a glob."""
    ends = [(piece.text[:i].strip(), piece.text[i + 1 :].strip()) for i in piece.positions(":")]
    known = [(a, b) for a, b in ends if a in header.places and b in header.places]
    if len(known) > 1:
        raise header.wrong(
            f"'{piece.raw}' can be cut into two names in several ways", r"escape the colons of names as \:"
        )
    if not known:
        if piece.positions("*?["):
            return None
        first, last = ends[0]
        missing = first if first not in header.places else last
        if not first or not last:
            raise header.wrong(f"the range '{piece.raw}' needs a name on both sides of its colon")
        raise _unknown(missing, header, context=f" in the range '{piece.raw}'")
    first, last = known[0]
    start, stop = header.places[first], header.places[last]
    if start > stop:
        raise header.wrong(
            f"the range '{piece.raw}' is reversed: '{first}' stands after '{last}' in the file",
            f"write {last}:{first}",
        )
    return header.names[start : stop + 1]


def _unknown(name: str, header: _Header, context: str = "") -> UsageError:
    close = nearest(name, header.names)
    if close:
        found = f"the nearest names are {quoted(close)}"
    else:
        found = f"the table has {counted(len(header.names), 'column')}: {quoted(header.names)}"
    return header.wrong(f"there is no column '{name}'{context}; {found}")
