r"""The selector grammar: which columns of a table a person means. Pure text; no table is read.

A list of selectors, each of which may hold several separated by commas. Columns come out in the order of
their first mention, each once.

    age             the column of that name
    emb[3]          entry 3, counted from 0, of the column of lists `emb`
    emb[0:16]       its entries from 0 up to but not including 16, as in Python; also emb[:16] and, where the width
                    of the lists is known, emb[8:], emb[-1] and emb[-4:]
    gene_*          a glob: `*` anything, `?` one character, `[0-9]` one of; upper and lower case differ
    x0:x19          from x0 to x19 in the order of the file, both included
    /^s\d+$/        a regular expression of RE2, found anywhere in the name unless anchored; may hold commas. \d, \w
                    and \s know ASCII alone, \pL is any letter; there are no look-arounds and no back-references
    @names.txt      a file with one selector per line; blank lines and lines that begin with # are skipped
    !gene_7         takes columns out again: a name, entries, glob, range or expression; a list that begins with one
                    starts from all columns

An exact name wins over every other reading, first for the whole selector ("a,b" where a column is called
that) or the whole line of a file ("#a"), then for each piece between commas. Entries of a column of lists come next,
in the same way. A backslash takes the meaning from the character after it: `a\,b`, `\*`, `t\:0`, `\@home`,
`emb\[3\]`. Blanks around a piece are ignored, except where the name has them too. There are no positions: `0:5` means
two names.

A column of lists and its entries are not selected twice: all of it takes the place of its entries where one of
them was named first, and where an entry is taken out of all of it, the others remain.

Columns that number the rows (a pandas index) are data only where they are called by their exact names: globs,
expressions, "all columns" and the inside of a range pass over them, also after `!`. The ends of a range are called by
their names, so that they may be such columns.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from minecli.errors import UsageError
from minecli.tables.selectors.entries import all_entries, entry_names
from minecli.tables.selectors.expansion import Step, steps
from minecli.tables.selectors.header import Header, Request, element
from minecli.tables.selectors.wording import counted, escaped, quoted


def select_columns(
    selectors: Sequence[str], names: Header | Sequence[str], *, option: str = "--x", source: str = "FILE"
) -> tuple[str, ...]:
    r"""Resolve selectors to column names, unique, in order of first mention.

    `names` are the columns in file order, or a `Header` that tells more of them; `option` and `source` are only spoken
    of in messages. Entries of a column of lists come out as "emb[3]"; `element` tells them from columns. Raises
    UsageError for an unknown column or entry, for a glob, range or expression that is malformed or matches nothing,
    for an unreadable @file, and for an empty selection.

    >>> select_columns(["b,x*", r"/^c\d{1,2}$/"], ["x1", "x2", "b", "c7", "cc"])
    ('b', 'x1', 'x2', 'c7')
    >>> select_columns(["x1:b,!x2"], ["x1", "x2", "b"])
    ('x1', 'b')
    >>> select_columns(["emb,!emb[1]"], Header(("id", "emb"), lists={"emb": 3}))
    ('emb[0]', 'emb[2]')
    """
    return tuple(selected(selectors, names, option=option, source=source))


def selected(selectors: Sequence[str], names: Header | Sequence[str], *, option: str, source: str) -> dict[str, bool]:
    """What `select_columns` gives, and of each column whether it was called by its own name: by a glob, a range or an
    expression a person may well name more than is meant. Raises what `select_columns` raises.

    >>> selected(["b,x*"], ["x1", "x2", "b"], option="--x", source="FILE")
    {'b': True, 'x1': False, 'x2': False}
    """
    request = Request(Header.of(names), option, source)
    selection = _Selection()
    for number, step in enumerate(steps(selectors, request)):
        if not step.exclude:
            selection.add(step)
            continue
        if number == 0:
            selection.add(Step(request, [name for name in request.header.names if name not in request.header.index]))
        selection.take_out(step)
    chosen = selection.chosen()
    if not chosen:
        raise request.wrong("the selection is empty: no column is left")
    return chosen


def select_groups(
    x: Sequence[str], z: Sequence[str], names: Header | Sequence[str], *, source: str = "FILE"
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Resolve the selectors of both groups to columns.

    Raises what `select_columns` raises, and UsageError for a column that stands in both, or an entry of one: I(X; Z)
    with a shared column is not finite.

    >>> select_groups(["a"], ["b:c"], ["a", "b", "c"])
    (('a',), ('b', 'c'))
    """
    header = Header.of(names)
    in_x = select_columns(x, header, option="--x", source=source)
    in_z = select_columns(z, header, option="--z", source=source)
    shared = list(_shared(in_x, in_z, header))
    if shared:
        entry = element(shared[0], header)
        # Of lists with an unknown width no entry can be taken out.
        is_whole_in_z = entry is not None and header.lists[entry[0]] is None and entry[0] in in_z
        take_out = f"{'--x' if is_whole_in_z else '--z'} {shlex.quote(f'SELECTORS,!{escaped(shared[0])}')}"
        raise UsageError(
            f"--x and --z overlap in {counted(len(shared), 'column')}: {quoted(shared)}; "
            "a column may be in one group only",
            hint=f"take it out of one of them, as in {take_out}",
        )
    return in_x, in_z


def _shared(in_x: Sequence[str], in_z: Sequence[str], header: Header) -> Iterator[str]:
    """The columns of X that Z has too, and the entries of one group that the other has with all of their column."""
    whole_in_z, entries_in_z = set(in_z), defaultdict[str, list[str]](list)
    for name in in_z:
        if entry := element(name, header):
            entries_in_z[entry[0]].append(name)
    for name in in_x:
        entry = element(name, header)
        if name in whole_in_z or (entry is not None and entry[0] in whole_in_z):
            yield name
        yield from entries_in_z.get(name, ())


class _Selection:
    """The columns and entries chosen so far, each with its place among them and whether it was called by its name."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[tuple[int, int], bool]] = {}
        self._entries: dict[str, set[str]] = defaultdict(set)  # those in `_found`, by their columns
        self._mentions = 0

    def chosen(self) -> dict[str, bool]:
        """The names in order, and which were called by their names."""
        ordered = sorted(self._found.items(), key=lambda item: item[1][0])
        return {name: by_name for name, (_, by_name) in ordered}

    def add(self, step: Step) -> None:
        """Choose what a step stands for, so far as it is not chosen yet."""
        if step.entries is None:
            for column in step.names:
                self._add(column, step.by_name, self._entries.pop(column, ()))
            return
        (column,) = step.names
        names = entry_names(column, step.entries, step.request)
        if column not in self._found:
            for name in names:
                self._add(name, step.by_name)
            self._entries[column].update(names)

    def take_out(self, step: Step) -> None:
        """Leave out what a step stands for, so far as it is chosen; of an entry's column the others remain."""
        if step.entries is None:
            for column in step.names:
                for name in (column, *self._entries.pop(column, ())):
                    self._found.pop(name, None)
            return
        (column,) = step.names
        names = entry_names(column, step.entries, step.request)
        if column in self._found:
            self._divide(column, step.request)
        for name in names:
            self._found.pop(name, None)
        self._entries[column].difference_update(names)

    def _add(self, name: str, by_name: bool, instead_of: Iterable[str] = ()) -> None:
        self._mentions += 1
        place, before = self._found.get(name, ((self._mentions, 0), False))
        place = min([place, *(self._found.pop(entry)[0] for entry in instead_of)])
        self._found[name] = (place, by_name or before)

    def _divide(self, column: str, request: Request) -> None:
        """Put the entries of a chosen column in its place."""
        names = entry_names(column, all_entries(column, request), request)
        (place, _), by_name = self._found.pop(column)
        self._found |= {name: ((place, i), by_name) for i, name in enumerate(names)}
        self._entries[column].update(names)
