"""What long work says while it runs. The default listener ignores everything, so that libraries need no terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """One moment of a stage: `step` of `total` is done; `values` holds numbers worth showing (units in their names).

    `total` is 0 where the length is not known. A stage ends when `step == total`, or with `done`.
    """

    stage: str
    step: int = 0
    total: int = 0
    values: Mapping[str, float] = field(default_factory=dict)
    message: str = ""
    done: bool = False


Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The observer that listens to nothing."""
    del event


def never() -> bool:
    """The stop question that is always answered no."""
    return False
