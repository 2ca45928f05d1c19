"""Words of the command line: how options are typed, and what lists separated by commas hold."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from minecli.errors import UsageError

Number = TypeVar("Number", int, float)

# Fields whose options are spelt differently; those of the others have their names.
FLAGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "k": ("--neighbours", "--k", "-k"),
        "variant": ("--ksg-variant",),
        "jitter": ("--ksg-jitter",),
        "correction": ("--table-correction",),
        "clip": ("--smile-clip",),
        "clipping": ("--clip",),
        "weight_decays": ("--weight-decay",),
        "betas": ("--beta",),
        "max_steps": ("--max-steps", "--steps"),
        "rows": ("--rows", "-n"),
        "types": ("--type",),
        "estimators": ("--estimator",),
        "methods": ("--method",),
        "source": ("DATA",),
        "dataset": ("DATA",),
    }
)
# How messages from below name a field, or a field with a value: between backticks.
_NAMED = re.compile(r"`([a-z_]+)(?:=([^`]*))?`")


def flag(option: str) -> str:
    """A field as its option is typed.

    >>> flag("max_steps"), flag("weight_decays")
    ('--max-steps', '--weight-decay')
    """
    return FLAGS[option][0] if option in FLAGS else "--" + option.replace("_", "-")


def as_typed(message: str) -> str:
    """A message in which fields are named as a person types them.

    >>> as_typed("`target_precision` does not go with it (use `protocol=held-out`, `choose=False` or `fresh=True`)")
    '--target-precision does not go with it (use --protocol held-out, --no-choose or --fresh)'
    """

    def typed(named: re.Match[str]) -> str:
        name, value = flag(named[1]), named[2]
        if value in (None, "True"):
            return name
        return f"--no-{name.removeprefix('--')}" if value == "False" else f"{name} {value}"

    return _NAMED.sub(typed, message)


def names(words: Iterable[str]) -> list[str]:
    """Words separated by commas, and repeated options, as one list.

    >>> names(["mine,ksg", "gaussian"])
    ['mine', 'ksg', 'gaussian']
    """
    return [piece.strip() for word in words for piece in word.split(",") if piece.strip()]


def numbers(option: str, text: str, kind: Callable[[str], Number]) -> tuple[Number, ...]:
    """Numbers separated by commas.

    >>> numbers("dims", "1,2,20", int)
    (1, 2, 20)
    >>> numbers("dims", "1,a", int)
    Traceback (most recent call last):
    minecli.errors.UsageError: --dims holds 'a', which is no whole number (try --dims 1,2)
    """
    read = []
    for piece in names([text]):
        try:
            read.append(kind(piece))
        except ValueError:
            what, example = ("whole number", "1,2") if kind is int else ("number", "0.1,0.5")
            raise UsageError(
                f"{flag(option)} holds '{piece}', which is no {what}", hint=f"try {flag(option)} {example}"
            ) from None
    return tuple(read)


# More seeds than anybody waits for; a slip of the keyboard would fill the memory with their numbers.
_MOST_SEEDS = 100_000


def seed_list(text: str) -> tuple[int, ...]:
    """`N` is the seeds 0 to N-1; with a comma the seeds are listed.

    >>> seed_list("3"), seed_list("5,7"), seed_list("5,")
    ((0, 1, 2), (5, 7), (5,))
    """
    read = numbers("seeds", text, int)
    if "," in text or len(read) != 1:
        return read
    if not 1 <= read[0] <= _MOST_SEEDS:
        limit = "at least 1" if read[0] < 1 else f"at most {_MOST_SEEDS}"
        raise UsageError(f"--seeds is {read[0]}; there must be {limit}", hint="try --seeds 3")
    return tuple(range(read[0]))


def lasting_source(source: str) -> str:
    """A local path as an absolute one, so that a run can be resumed from another folder; all else as it is.

    >>> lasting_source("-"), lasting_source("s3://bucket/a.parquet")
    ('-', 's3://bucket/a.parquet')
    """
    return source if source == "-" or "://" in source else os.path.abspath(source)
