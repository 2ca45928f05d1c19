"""Which tasks the suite asks about: groups and specs, as they are typed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from minecli.errors import UsageError
from minecli.tasks.catalogue import GROUPS, parse_task, spec_of


def resolve_tasks(words: Iterable[str]) -> tuple[str, ...]:
    """The specs that groups and specs stand for, each once, in order; UsageError for a word that is neither.

    Words may hold several, separated by commas.

    >>> resolve_tasks(["gaussian:rho=0.9,gaussian:rho=0.9"])
    ('gaussian:dim=1,rho=0.9',)
    """
    found: dict[str, None] = {}
    for word in split_words(words):
        for spec in GROUPS.get(word, (word,)):
            found[_canonical(spec)] = None
    return tuple(found)


def split_words(words: Iterable[str]) -> Iterator[str]:
    """Words separated by commas; a comma before `key=value` separates a task's parameters and stays.

    >>> list(split_words(["public,a:dim=2,rho=0.5,b", "c"]))
    ['public', 'a:dim=2,rho=0.5', 'b', 'c']
    """
    for word in words:
        whole: list[str] = []
        for piece in (p.strip() for p in word.split(",")):
            if whole and "=" in piece and ":" not in piece:
                whole[-1] += f",{piece}"
            elif piece:
                whole.append(piece)
        yield from whole


def _canonical(spec: str) -> str:
    try:
        return spec_of(parse_task(spec))
    except UsageError as problem:
        near = difflib.get_close_matches(spec, GROUPS, n=1, cutoff=0.6)
        if near:
            raise UsageError(
                f"'{spec}' is neither a group of tasks nor a task", hint=f"did you mean {near[0]}?"
            ) from problem
        raise


def describe(spec: str) -> dict[str, str | int | float]:
    """A task in one line: its spec, its columns on both sides, its true MI."""
    from minecli.bench.cells import Cell, draw

    task = parse_task(spec)
    truth = task.true_mi_nats()
    x, z = draw(Cell(task=task, spec=spec, group="", true_mi_nats=truth, rows=2, seed=0, estimator=""))
    return {"spec": spec, "x_columns": x.shape[1], "z_columns": z.shape[1], "true_mi_nats": truth}
