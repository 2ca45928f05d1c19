"""What the tables' and the estimators' messages call by the command line's options, in the words of Python."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence

from minecli.errors import MinecliError
from minecli.runtime.out_of_memory import shortage_in

# An option with a value that cannot be a word of the sentence.
_WITH_VALUE = re.compile(r"--([a-z][a-z-]*) ('[^']*'|-?\d[\w.]*(?!\S)|drop\b|auto\b|cpu\b)")
# A field, or a field with a value, as the configs' messages write it.
_NAMED = re.compile(r"`([a-z_]+(?:=[^`]*)?)`")
_OPTION = re.compile(r"--([a-z][a-z-]*)")
_ESTIMATOR = re.compile(r"(?<!\S)-e ([a-z][a-z-]*)")
_LISTING = "minecli columns "
_SHOWN = 8


@contextlib.contextmanager
def in_words_of_python(columns: Sequence[str] = ()) -> Iterator[None]:
    """Errors that pass through speak of parameters instead of options, and list `columns` instead of the command that
    does so. Whatever went wrong for want of memory is a MemoryShort."""
    try:
        yield
    except MinecliError as problem:
        problem.problem, problem.hint = in_python(problem.problem), _hinted(problem.hint, columns)
        problem.args = (problem.problem,)
        raise
    except Exception as problem:
        short = shortage_in(problem)
        if short is None:
            raise
        raise short from problem


def in_python(text: str) -> str:
    """A text with parameters for the command line's options.

    >>> in_python("--seed is -1"), in_python("try --missing drop"), in_python("see --independent-rows; add -e mine")
    ('seed is -1', "try missing='drop'", "see independent_rows; add estimators='mine'")
    """
    text = _NAMED.sub(r"\1", text)
    text = _WITH_VALUE.sub(lambda match: f"{_name(match[1])}={_literal(match[2])}", text)
    text = _ESTIMATOR.sub(r"estimators='\1'", text)
    return _OPTION.sub(lambda match: _name(match[1]), text)


def _name(option: str) -> str:
    return option.replace("-", "_")


def _literal(value: str) -> str:
    return value if value.startswith("'") or not value.isalpha() else repr(value)


def _hinted(hint: str, columns: Sequence[str]) -> str:
    if columns and hint.startswith(_LISTING):
        shown = ", ".join(map(repr, columns[:_SHOWN]))
        return f"the columns are {shown}" + (f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else "")
    return in_python(hint)
