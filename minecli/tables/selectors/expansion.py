"""From selectors to columns, piece by piece; the grammar is described in `tables.selectors.grammar`."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from minecli.errors import UsageError
from minecli.tables.selectors.entries import entries_of, why_no_entry
from minecli.tables.selectors.header import Request
from minecli.tables.selectors.name_lists import is_comment, lines_of
from minecli.tables.selectors.wording import counted, nearest, quoted, typed

# What is longer than this and no name is no selector: it is some other file.
_LONGEST = 10_000
_OPENING = re.compile(r"[\s!]*/")
# The slash that closes /.../: the first one that is not escaped and ends its piece.
_CLOSING = re.compile(r"(?<!\\)(?:\\\\)*/(?=\s*(?:,|\Z))")
_COMMA = re.compile(r"\\.|,", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# What Python's expressions have and those of RE2 do not: (?=, (?!, (?<=, (?<!, (?P=, (?( and \1, none of it escaped.
_NOT_IN_RE2 = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?<?[=!]|\(\?P=|\(\?\(|\\[1-9])")


class Step(NamedTuple):
    """What one piece of a selector stands for: columns, or `entries` of the one column of lists; whether it takes
    them out; and whether the person wrote the name itself."""

    request: Request
    names: Sequence[str]
    exclude: bool = False
    by_name: bool = False
    entries: range | None = None


class _Piece(NamedTuple):
    """One selector between commas: as it was written, without its escapes, and where in that the escaped characters
    stand, which have no special meaning."""

    raw: str
    text: str
    escaped: frozenset[int] = frozenset()

    @property
    def lead(self) -> str:
        """The first character where it is special, else nothing."""
        return "" if 0 in self.escaped else self.text[:1]

    def rest(self) -> _Piece:
        """The piece after its first character."""
        return _Piece(self.raw[1:], self.text[1:], frozenset(i - 1 for i in self.escaped)).stripped()

    def stripped(self) -> _Piece:
        """The piece without the blanks around it; one that is escaped belongs to it."""
        if not self.text[:1].isspace() and not self.text[-1:].isspace():
            return self
        start = min(len(self.text) - len(self.text.lstrip()), *self.escaped, len(self.text))
        end = max(len(self.text.rstrip()), *(i + 1 for i in self.escaped), start)
        raw = self.raw[start : len(self.raw) - (len(self.text) - end)]
        return _Piece(raw, self.text[start:end], frozenset(i - start for i in self.escaped))

    def positions(self, wanted: str) -> list[int]:
        """Where one of the `wanted` characters stands with its special meaning."""
        return [i for i, c in enumerate(self.text) if c in wanted and i not in self.escaped]

    @property
    def is_glob(self) -> bool:
        """Whether it holds a character that makes a glob."""
        return bool(self.positions("*?["))

    def glob(self) -> str:
        """The piece as an fnmatch pattern in which escaped characters stand for themselves."""
        return "".join(f"[{c}]" if i in self.escaped and c in "*?[" else c for i, c in enumerate(self.text))


def steps(selectors: Sequence[str], request: Request) -> Iterator[Step]:
    """Each piece of each selector in turn; see `tables.selectors.grammar.select_columns` for what is raised."""
    for selector in selectors:
        yield from _expand(selector, request)


def _expand(selector: str, request: Request) -> Iterator[Step]:
    if whole := _called_whole(selector, request):
        yield whole
        return
    if not selector.strip():
        raise request.wrong("the selector is empty; it must name at least one column")
    for raw, is_expression in _split(selector, request):
        if step := _called([raw], request):
            yield step
            continue
        if not raw.strip():
            continue
        if len(raw) > _LONGEST:
            raise request.wrong(f"{request.said(raw)} is no selector: it is longer than {_LONGEST:,} characters")
        piece = (_Piece(raw, raw) if is_expression else _unescaped(raw)).stripped()
        if step := _called_by(piece, request):
            yield step
        elif piece.lead == "@":
            yield from _from_file(piece.rest().text, request)
        else:
            yield _meant(piece, request)


def _from_file(name: str, request: Request) -> Iterator[Step]:
    if request.line is not None:
        raise request.wrong(
            f"{request.said('@' + name)} names another list; lists cannot be nested", f"edit {request.line[1]}"
        )
    file, used = re.split(r"[/\\]", name)[-1], False
    for number, line in enumerate(lines_of(name, request), start=1):
        # An empty line names nothing, even where a column has no name.
        if not line:
            continue
        on_line = request.on_line(number, file)
        if is_comment(line) and not _called_whole(line, on_line):
            continue
        used = True
        yield from _expand(line, on_line)
    if not used:
        raise request.wrong(f"the list of names '{name}' holds no selector", "give one selector per line")


def _called(names: Sequence[str], request: Request, entries: Sequence[str] | None = None) -> Step | None:
    """What is called by its own name: a column, in one of the spellings `names`, else entries of a column of lists, in
    one of the spellings `entries`, by default the same."""
    for text in names:
        if text in request.header.places:
            return Step(request, [text], by_name=True)
    for text in names if entries is None else entries:
        if match := entries_of(text, request):
            return Step(request, [match[0]], by_name=True, entries=match[1])
    return None


def _called_whole(selector: str, request: Request) -> Step | None:
    """What a whole selector calls by its name, with or without the blanks around it; blanks alone are no empty name."""
    return _called([selector, selector.strip() or selector], request)


def _called_by(piece: _Piece, request: Request) -> Step | None:
    """What a piece calls by its own name, with or without escapes; escaped brackets belong to the name of a column."""
    brackets = piece.text.rfind("[")
    is_plain = all(i < brackets for i in piece.escaped)
    return _called([piece.raw, piece.text], request, [piece.raw, piece.text] if is_plain else [piece.raw])


def _split(selector: str, request: Request) -> Iterator[tuple[str, bool]]:
    """Cut at the commas that are neither escaped nor inside /.../, and tell which pieces are expressions."""
    if "/" not in selector and "\\" not in selector:
        yield from ((raw, False) for raw in selector.split(","))
        return
    start = 0
    while start <= len(selector):
        opening = _OPENING.match(selector, start)
        after = start if opening is None else _end_of_expression(selector, opening.end() - 1, request)
        comma = next((match.start() for match in _COMMA.finditer(selector, after) if match[0] == ","), len(selector))
        yield selector[start:comma], opening is not None
        start = comma + 1


def _end_of_expression(selector: str, start: int, request: Request) -> int:
    closing = _CLOSING.search(selector, start + 1)
    if closing is None:
        raise request.wrong(
            f"the regular expression {request.said(selector[start:])} has no closing slash",
            r"write /EXPRESSION/, as in '/^s\d+$/', or \/ where a name begins with a slash",
        )
    return closing.end()


def _unescaped(raw: str) -> _Piece:
    if "\\" not in raw:
        return _Piece(raw, raw)
    # The k-th escape stands k backslashes further to the left in the text.
    places = (match.start() - k for k, match in enumerate(_ESCAPE.finditer(raw)))
    return _Piece(raw, _ESCAPE.sub(r"\1", raw), frozenset(places))


def _meant(piece: _Piece, request: Request) -> Step:
    """What a piece stands for that calls no column by its name and is not from a file."""
    if piece.lead != "!":
        return Step(request, _matches(piece, request))
    out = piece.rest()
    return (_called_by(out, request) or Step(request, _matches(out, request)))._replace(exclude=True)


def _matches(piece: _Piece, request: Request) -> Sequence[str]:
    """The columns that an expression, a range or a glob stands for; never none."""
    if piece.lead == "/":
        return _data(_by_expression(piece.text[1:-1], request), piece, request)
    if piece.positions(":") and (between := _by_range(piece, request)) is not None:
        return between
    if piece.is_glob:
        # This never takes long either: Python's globs do not try again what a `*` has passed over.
        fits = re.compile(fnmatch.translate(piece.glob())).match
        return _data([name for name in request.header.names if fits(name)], piece, request)
    raise _unknown(piece.text, request)


def _data(matched: Sequence[str], piece: _Piece, request: Request) -> Sequence[str]:
    """What a glob or an expression stands for among the columns that it matches: not those that number the rows."""
    data = [name for name in matched if name not in request.header.index]
    if data:
        return data
    if not matched:
        raise why_no_entry(piece.text, request) or request.wrong(f"no column matches {request.said(piece.text)}")
    which, select = ("column", "its exact name selects") if len(matched) == 1 else ("columns", "exact names select")
    raise request.wrong(
        f"{request.said(piece.text)} matches nothing but the index {which} {quoted(matched)}, which only {select}",
        f"as in {request.option} {typed(matched[:1])}",
    )


def _by_expression(expression: str, request: Request) -> Sequence[str]:
    """The columns in whose names RE2 finds the expression; it takes a time in proportion to their letters, where
    Python's expressions can take forever."""
    import pyarrow.compute as pc

    header = request.header
    try:
        flags = pc.match_substring_regex(header.as_arrow, expression).to_pylist()
    except UnicodeEncodeError:
        raise _bad_expression(expression, "it holds bytes that are not UTF-8", request) from None
    except ValueError as error:
        raise _bad_expression(expression, str(error), request) from None
    return [name for name, matches in zip(header.names, flags, strict=True) if matches]


def _bad_expression(expression: str, reason: str, request: Request) -> UsageError:
    said = request.said(f"/{expression}/")
    if _NOT_IN_RE2.search(expression):
        return request.wrong(
            f"{said} holds a look-around or a back-reference, which are not available",
            "use ! to take columns out, as in 'gene_*,!/_raw$/'",
        )
    reason = reason.removeprefix("Invalid regular expression: ")
    if request.line is not None:
        reason = reason.partition(":")[0]  # what follows quotes the expression
    return request.wrong(
        f"{said} is not a regular expression: {reason}", r"as in '/^s\d+$/'; \ escapes . * + ? ( ) [ ] { } |"
    )


def _by_range(piece: _Piece, request: Request) -> Sequence[str] | None:
    """The columns from one name to another, or None where no colon separates two known names of a glob."""
    header, text = request.header, piece.text
    colons = piece.positions(":")
    ends = ((text[:i].strip(), text[i + 1 :].strip()) for i in colons)
    known = [(first, last) for first, last in ends if first in header.places and last in header.places]
    if len(known) > 1:
        raise request.wrong(
            f"{request.said(text)} can be cut into two names in several ways", r"escape the colons of names as \:"
        )
    if known:
        return _between(*known[0], piece, request)
    if piece.is_glob:
        return None
    first, last = text[: colons[0]].strip(), text[colons[0] + 1 :].strip()
    if not first or not last:
        raise request.wrong(f"the range {request.said(text)} needs a name on both sides of its colon")
    raise _unknown(last if first in header.places else first, request, of_range=text)


def _between(first: str, last: str, piece: _Piece, request: Request) -> Sequence[str]:
    """A range; its ends are called by their names, so that they may be columns that number the rows."""
    header = request.header
    start, stop = header.places[first], header.places[last]
    if start > stop:
        raise request.wrong(
            f"the range {request.said(piece.text)} is reversed: '{first}' stands after '{last}' in the file",
            f"write {last}:{first}",
        )
    return [name for name in header.names[start : stop + 1] if name not in header.index or name in (first, last)]


def _unknown(name: str, request: Request, of_range: str | None = None) -> UsageError:
    names = request.header.names
    close = nearest(name, names)
    if close:
        known = f"the nearest names are {quoted(close)}"
    else:
        known = f"the table has {counted(len(names), 'column')}: {quoted(names)}"
    # Of a file no second part of the piece is shown.
    where = "" if of_range is None or request.line is not None else f" in the range {request.said(of_range)}"
    return request.wrong(f"there is no column {request.said(name)}{where}; {known}")
