"""Tasks as they are typed: groups and specs, what they stand for, and samples as estimators take them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from minecli.errors import UsageError
from minecli.tasks.catalogue import GROUPS, parse_task, spec_of
from minecli.tasks.task import Task

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


def resolve_tasks(words: Iterable[str]) -> tuple[str, ...]:
    """The specs that groups and specs stand for, each once, in order; UsageError for a word that is neither.

    Words may hold several, separated by commas.

    >>> resolve_tasks(["gaussian:rho=0.9,gaussian:rho=0.9"])
    ('gaussian:dim=1,rho=0.9',)
    """
    specs: dict[str, None] = {}
    for word in split_words(words):
        for spec in GROUPS.get(word, (word,)):
            specs[_canonical(spec)] = None
    return tuple(specs)


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
    task = parse_task(spec)
    x_columns, z_columns = columns_of(task)
    return {"spec": spec, "x_columns": x_columns, "z_columns": z_columns, "true_mi_nats": task.true_mi_nats()}


def columns_of(task: Task) -> tuple[int, int]:
    """How many columns a task's x and z have, as estimators take them."""
    from minecli.runtime.seeds import generator

    x, z = numeric(task, *task.sample(2, generator(0, "columns")))
    return x.shape[1], z.shape[1]


def numeric(task: Task, x: Array, z: Array) -> tuple[Array, Array]:
    """A task's sample as estimators take it: labels as columns of 0 and 1, all else as it is."""
    return x, z if task.z_levels is None else zero_one(z, len(task.z_levels))


def zero_one(codes: Array, levels: int) -> Array:
    """Codes 0 .. levels-1, shape (n, 1), as one 0/1 column per level; of two levels the second alone.

    >>> import numpy as np
    >>> zero_one(np.array([[0.0], [2.0]]), 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    >>> zero_one(np.array([[0.0], [1.0]]), 2).tolist()
    [[0.0], [1.0]]
    """
    import numpy as np

    columns: Array = (codes == np.arange(levels)).astype(np.float64)
    return columns[:, 1:] if levels == 2 else columns
