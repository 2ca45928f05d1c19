r"""Which rows count: a condition in Python's notation over the columns of a table.

    age > 30 and city == 'Oslo'       comparisons == != < <= > >=, put together by and, or, not (also & | ~)
    0 < x <= 1                        chained
    shop in ['a', 'b']                one of several; not in
    income is not None                not missing
    (a + b) / 2 > c                   + - * / of numbers
    day >= '2024-01-31'               dates, timestamps and times by ISO texts; those with a time zone in UTC
    col("odd name") > 0, `odd name`   columns whose names are no Python names; emb[3] is an entry of lists

Texts stand in quotes, all other words are columns. A row counts where the condition is true; where a value that it
needs is missing (NaN included) it is not, see `conditions`: neither `x > 0` nor `not x > 0` keeps a row without x.
Nothing is ever run as Python.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from minecli.errors import UsageError
from minecli.tables.kinds import Mask
from minecli.tables.selectors import conditions
from minecli.tables.selectors.conditions import OPTION, Value
from minecli.tables.selectors.header import Header, element, entry_name
from minecli.tables.selectors.wording import counted, cut, nearest, quoted

Compute = Callable[[Callable[[str], Value]], Value]

_LONGEST = 20_000
_DEEPEST = 100
_SHOWN = 60
_EXAMPLE = "as in --where \"age > 30 and city == 'Oslo'\""
_SYMBOLS: dict[type[ast.AST], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS: dict[type[ast.AST], str] = {
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
}
_PRECEDENCE = "& and | bind more tightly than comparisons: write (a > 0) & (b > 0), or a > 0 and b > 0"
# Texts come first, so that nothing is looked for in them.
_TEXTS = r"""(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|"""
_PIECES = re.compile(_TEXTS + r"`(?P<name>[^`]+)`|(?P<blank>[\r\n\t])|\#", re.DOTALL)
# What people write who think of another language, and what it is called here.
_SLIPS = re.compile(_TEXTS + r"(?<![<>=!])=(?!=)|&&|\|\||<>|!(?!=)|\b(?:AND|OR|NOT|IS|IN)\b", re.DOTALL)
_MEANT = {"=": "==", "&&": "and", "||": "or", "<>": "!=", "!": "not"}
_CONSTANTS = {
    "true": "True",
    "false": "False",
    "null": "is None",
    "nan": "is None",
    "na": "is None",
    "none": "is None",
}


@dataclass(frozen=True)
class RowFilter:
    """A condition on rows. `columns` are those it needs, in the order of their first mention; `values` are columns
    with the constants that == or `in` holds them against."""

    text: str
    columns: tuple[str, ...]
    _compute: Compute
    values: tuple[tuple[str, bool | int | float | str], ...] = ()

    def check(self, names: Header | Sequence[str], source: str = "FILE") -> None:
        """Raise UsageError for a column that is not among `names`."""
        header = Header.of(names)
        for name in self.columns:
            if name not in header.places and element(name, header) is None:
                raise _unknown(name, header, source)

    def rows(self, table: Any) -> Mask:
        """Which rows of an Arrow table satisfy the condition, shape (n,).

        Raises UsageError for a column that the table has not, and for values that cannot be compared.

        >>> table = pa.table({"a": [1, 5, None], "b": ["u", "v", "v"]})
        >>> row_filter("a > 2 or b == 'u'").rows(table).tolist()
        [True, True, False]
        """
        self.check(table.column_names)
        loaded = {name: conditions.of_column(name, table[name]) for name in self.columns}
        truths = conditions.all_of([self._compute(loaded.__getitem__)]).data
        if isinstance(truths, pa.Scalar):
            return np.full(table.num_rows, truths.as_py() is True)
        mask: Mask = truths.fill_null(False).to_numpy()
        return mask


def row_filter(text: str) -> RowFilter:
    """The condition that `text` states.

    Raises UsageError for what is no condition, or far too long or nested.

    >>> row_filter("0 < x <= 1 and `a b` in ['u', 'v']").columns
    ('x', 'a b')
    """
    if len(text) > _LONGEST:
        raise UsageError(
            f"{OPTION} has {len(text)} characters; at most {_LONGEST} are allowed", hint="mark the rows in a column"
        )
    source = _PIECES.sub(_replaced, text).strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{OPTION}: '{cut(text, _SHOWN)}' is no condition", hint=_slip(source)) from error
    reader = _Reader(source)
    compute = reader.read(tree.body)
    if not reader.columns:
        raise UsageError(f"{OPTION}: '{cut(text, _SHOWN)}' names no column", hint=_EXAMPLE)
    return RowFilter(text, tuple(reader.columns), compute, tuple(reader.values))


class _Reader:
    """Turns the syntax tree into functions, one node after the other, and takes down the columns that it names."""

    def __init__(self, source: str) -> None:
        self.columns: dict[str, None] = {}
        self.values: list[tuple[str, bool | int | float | str]] = []
        self._source = source.encode()

    def read(self, node: ast.expr, depth: int = 0) -> Compute:
        """What a node computes. Raises UsageError for a node that is no part of the language."""
        if depth > _DEEPEST:
            raise UsageError(f"{OPTION}: the condition is nested more than {_DEEPEST} deep", hint="simplify it")
        name = self._column(node)
        if name is not None:
            self.columns[name] = None
            return lambda column: column(name)
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                constant = conditions.of_constant(value)
                return lambda column: constant
            case ast.BoolOp(op=op, values=nodes):
                return _joined(isinstance(op, ast.And), [self.read(each, depth + 1) for each in nodes])
            case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as op, right=right):
                both = [self.read(each, depth + 1) for each in (left, right)]
                return _joined(isinstance(op, ast.BitAnd), both, _PRECEDENCE)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _SYMBOLS:
                a, b, symbol = self.read(left, depth + 1), self.read(right, depth + 1), _SYMBOLS[type(op)]
                return lambda column: conditions.reckoned(symbol, a(column), b(column))
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
                inner = self.read(operand, depth + 1)
                return lambda column: conditions.negated(inner(column))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                zero, inner = conditions.of_constant(0), self.read(operand, depth + 1)
                symbol = "-" if isinstance(sign, ast.USub) else "+"
                return lambda column: conditions.reckoned(symbol, zero, inner(column))
            case ast.Compare():
                return self._comparison(node, depth + 1)
        raise self._foreign(node)

    def _comparison(self, node: ast.Compare, depth: int) -> Compute:
        links, left = [], node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            links.append(self._link(op, left, right, depth))
            left = right
        return links[0] if len(links) == 1 else _joined(True, links)

    def _link(self, op: ast.cmpop, left: ast.expr, right: ast.expr, depth: int) -> Compute:
        if isinstance(op, ast.Is | ast.IsNot):
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise UsageError(f"{OPTION}: 'is' goes only with None", hint="write == or !=")
            inner = self.read(left, depth)
            if isinstance(op, ast.Is):
                return lambda column: conditions.missing(inner(column))
            return lambda column: conditions.negated(conditions.missing(inner(column)))
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(right, ast.List | ast.Tuple | ast.Set):
                raise UsageError(f"{OPTION}: 'in' needs a list", hint="as in shop in ['a', 'b']")
            inner, members = self.read(left, depth), [self._member(each) for each in right.elts]
            for each in right.elts:
                self._note(left, each)
            if isinstance(op, ast.In):
                return lambda column: conditions.one_of(inner(column), members)
            return lambda column: conditions.negated(conditions.one_of(inner(column), members))
        if isinstance(op, ast.Eq):
            self._note(left, right)
            self._note(right, left)
        a, b, function = self.read(left, depth), self.read(right, depth), _COMPARISONS[type(op)]
        return lambda column: conditions.compared(function, a(column), b(column))

    def _note(self, node: ast.expr, constant: ast.expr) -> None:
        """Take down that a column is held against a constant, where these are such."""
        name = self._column(node)
        match constant:
            case ast.Constant(value=bool() | int() | float() | str() as value) if name is not None:
                self.values.append((name, value))

    def _member(self, node: ast.expr) -> Value:
        """An entry of a list: a constant, perhaps with a sign."""
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return conditions.of_constant(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return conditions.of_constant(-value)
        raise UsageError(
            f"{OPTION}: a list holds numbers and texts, and {self._text(node)!r} is neither",
            hint="texts stand in quotes, as in shop in ['a', 'b']; for missing ones: shop is None or ...",
        )

    def _column(self, node: ast.expr) -> str | None:
        """The column that a node names; None for any other."""
        match node:
            case ast.Name():
                # Not node.id: Python replaces letters by others of the same meaning.
                return self._text(node)
            case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str() as name)], keywords=[]):
                return name
            case ast.Subscript(value=ast.Name() | ast.Call() as value, slice=ast.Constant(value=int() as entry)):
                inner = self._column(value)
                return None if inner is None else entry_name(inner, entry)
        return None

    def _text(self, node: ast.expr) -> str:
        return self._source[node.col_offset : node.end_col_offset].decode()

    def _foreign(self, node: ast.expr) -> UsageError:
        if isinstance(node, ast.Constant) and node.value is None:
            return UsageError(f"{OPTION}: None can only be tested by is and is not", hint="as in age is not None")
        return UsageError(
            f"{OPTION}: '{cut(self._text(node), _SHOWN)}' is no part of the language of conditions", hint=_EXAMPLE
        )


def _joined(conjunction: bool, parts: Sequence[Compute], hint: str = "") -> Compute:
    function = conditions.all_of if conjunction else conditions.any_of
    return lambda column: function([part(column) for part in parts], hint)


def _replaced(match: re.Match[str]) -> str:
    """A piece as Python takes it, all on one line. Raises UsageError for what would be a comment."""
    if match["text"] is not None:
        return match[0].replace("\n", r"\n").replace("\r", r"\r")
    if match["name"] is not None:
        return f"col({match['name']!r})"
    if match["blank"] is not None:
        return " "
    raise UsageError(f"{OPTION}: # is no part of the language", hint="in names it needs backticks: `#1` > 0")


def _slip(source: str) -> str:
    """What was perhaps meant by text that is no condition."""
    for match in _SLIPS.finditer(source):
        if match["text"] is None:
            return f"for {match[0]} write {_MEANT.get(match[0], match[0].lower())}"
    return _EXAMPLE


def _unknown(name: str, header: Header, source: str) -> UsageError:
    close = nearest(name, header.names)
    if close:
        problem = f"there is no column '{cut(name, _SHOWN)}'; the nearest names are {quoted(close)}"
        hint = f"minecli columns {shlex.quote(source)} lists the columns"
    else:
        table = f"the table has {counted(len(header.names), 'column')}: {quoted(header.names)}"
        problem = f"there is no column '{cut(name, _SHOWN)}'; {table}"
        hint = f"a text stands in quotes, as in == '{cut(name, _SHOWN)}'"
    if name.lower() in _CONSTANTS:
        hint = f"write {_CONSTANTS[name.lower()]}"
    return UsageError(f"{OPTION}: {problem}", hint=hint)
