"""Words of the command line: how an option is typed, and what a list separated by commas holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from minecli.errors import UsageError

Number = TypeVar("Number", int, float)


def flag(option: str) -> str:
    """An option as it is typed.

    >>> flag("max_steps")
    '--max-steps'
    """
    return "--" + option.replace("_", "-")


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
    found = []
    for piece in names([text]):
        try:
            found.append(kind(piece))
        except ValueError:
            what, example = ("whole number", "1,2") if kind is int else ("number", "0.1,0.5")
            raise UsageError(
                f"{flag(option)} holds '{piece}', which is no {what}", hint=f"try {flag(option)} {example}"
            ) from None
    return tuple(found)


def seed_list(text: str) -> tuple[int, ...]:
    """`N` is the seeds 0 to N-1; with a comma the seeds are listed.

    >>> seed_list("3"), seed_list("5,7"), seed_list("5,")
    ((0, 1, 2), (5, 7), (5,))
    """
    found = numbers("seeds", text, int)
    if "," in text or len(found) != 1:
        return found
    if found[0] < 1:
        raise UsageError(f"--seeds is {found[0]}; there must be at least 1", hint="try --seeds 3")
    return tuple(range(found[0]))
