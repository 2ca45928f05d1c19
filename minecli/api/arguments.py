"""From the arguments of `estimate` to a request and, where the data are in memory, the table that it names."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from minecli.api.request import Configs, EstimateRequest
from minecli.errors import UsageError
from minecli.estimators.registry import ESTIMATORS
from minecli.tables.files.options import READING_FIELDS, Reading
from minecli.tables.selectors.wording import nearest

if TYPE_CHECKING:
    from minecli.tables.files.opened import OpenTable

_DATA = "give a path, a frame such as pandas', or x and z as arrays"
_TUPLES = {name for name in READING_FIELDS if isinstance(getattr(Reading(), name), tuple)}


def request_of(
    data: object, x: object, z: object, options: Mapping[str, Any]
) -> tuple[EstimateRequest, OpenTable | None]:
    """What is asked of which table; None where the table is named by the request's source.

    Args:
        data: a path or several, a frame, or None.
        x: columns of it; without data, an array.
        z: likewise.
        options: the other parameters of `estimate` that decide numbers.

    Raises:
        UsageError: arguments of the wrong type, that are unknown, or do not fit together.
    """
    table: OpenTable | None = None
    if data is None:
        table = _table_of_arrays(x, z)
        x, z = (_all_of(side, table.names) for side in "xz")
    source = _source(data) if table is None else table.source
    if source is None:
        from minecli.tables.frames import open_frame

        table = open_frame(data)
        source = table.source
    reading = _reading(options["reading"])
    if table is not None and reading.input_format is not None:
        raise UsageError("input_format is of files, and the data are in memory", hint="leave it out")
    request = EstimateRequest(
        source=source,
        x=_selectors("x", x),
        z=_selectors("z", z),
        estimators=configs_of(options["estimators"]),
        categorical=_selectors("categorical", options["categorical"]),
        numeric=_selectors("numeric", options["numeric"]),
        independent_rows=options["independent_rows"],
        reading=reading,
        missing=options["missing"],
        sample=None if options["sample"] is None else whole("sample", options["sample"]),
        seed=whole("seed", options["seed"]),
        confidence=_number("confidence", options["confidence"]),
    )
    return request, table


def configs_of(estimators: object) -> Configs:
    """The configs of the estimators named: one name, several, or a mapping from names to settings.

    >>> configs_of({"ksg": {"k": 5}})["ksg"].k
    5
    """
    if estimators is None:
        return {}
    if isinstance(estimators, str):
        estimators = [name.strip() for name in estimators.split(",")]
    if not isinstance(estimators, Iterable):
        raise UsageError(f"estimators is {estimators!r}; it must be a name, several, or a mapping to settings")
    given = estimators if isinstance(estimators, Mapping) else dict.fromkeys(estimators)
    if not given:
        raise UsageError("estimators names none", hint="leave it out, or try estimators='ksg'")
    return {name: _config(name, settings) for name, settings in given.items()}


def _config(name: object, settings: Any) -> Any:
    if not isinstance(name, str) or name not in ESTIMATORS:
        hint = _meant(name, list(ESTIMATORS)) or "try estimators='mine'"
        raise UsageError(f"estimator {name!r} is not known; there are {', '.join(ESTIMATORS)}", hint=hint)
    kind = ESTIMATORS[name].config
    if isinstance(settings, kind):
        return settings
    if settings is None:
        return kind()
    if not isinstance(settings, Mapping):
        raise UsageError(f"the settings of {name} are {settings!r}; they must be a mapping", hint="as in {'k': 5}")
    known = set(asdict(kind())) - set(getattr(kind, "unused", ())) if is_dataclass(kind) else set()
    for field in settings:
        if field not in known:
            hint = _meant(field, sorted(known)) or f"there are {', '.join(sorted(known))}"
            raise UsageError(f"{name} has no setting {field!r}", hint=hint)
    return kind(**settings)


def _meant(name: object, known: Sequence[str]) -> str:
    """The question after a name that is near to a known one; "" where none is."""
    close = nearest(str(name), known)
    return f"did you mean {close[0]!r}?" if close else ""


def whole(name: str, value: Any) -> int:
    """A whole number of Python's or NumPy's. Raises UsageError for anything else."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise UsageError(f"{name} is {value!r}; it must be a whole number") from None


def _number(name: str, value: Any) -> float:
    try:
        if isinstance(value, str | bool):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} is {value!r}; it must be a number") from None


def _source(data: object) -> str | tuple[str, ...] | None:
    """The path or paths that the data are named by; None for a frame."""
    if isinstance(data, str | os.PathLike):
        return _path(data)
    if isinstance(data, list | tuple) and data and all(isinstance(each, str | os.PathLike) for each in data):
        paths = tuple(_path(each) for each in data)
        return paths[0] if len(paths) == 1 else paths
    from minecli.tables.frames import is_frame

    if is_frame(data):
        return None
    hint = "collect it first" if hasattr(data, "collect") else _DATA
    raise UsageError(f"data is of type {type(data).__name__}, which is no table", hint=hint)


def _path(data: str | os.PathLike[str]) -> str:
    path = os.fspath(data)
    if not isinstance(path, str):
        raise UsageError(f"the path {path!r} is bytes; it must be text", hint="os.fsdecode makes text of it")
    if path == "-":
        raise UsageError("'-' is standard input on the command line; it is no path", hint=_DATA)
    return path


def _table_of_arrays(x: object, z: object) -> OpenTable:
    for side, values in (("x", x), ("z", z)):
        if isinstance(values, str | bytes):
            raise UsageError(f"{side} is {values!r}, and there is no data in which it could name a column", hint=_DATA)
    from minecli.tables.frames import is_series, open_arrays

    if is_series(x) and is_series(z):
        indices = [getattr(side, "index", None) for side in (x, z)]
        if all(hasattr(index, "equals") for index in indices) and not indices[0].equals(indices[1]):  # type: ignore[union-attr]
            raise UsageError("the indices of x and z differ", hint="bring them into one order, or pass x.to_numpy()")
    return open_arrays({"x": x, "z": z})


def _all_of(side: str, names: Iterable[str]) -> str:
    """The selector of all columns that one array made."""
    width = sum(name.startswith(side) for name in names)
    return f"{side}0" if width == 1 else f"{side}0:{side}{width - 1}"


def _selectors(name: str, columns: Any) -> tuple[str, ...]:
    """Names and other selectors: one text, or several. Labels that are no text are called by their text."""
    if columns is None:
        raise UsageError(f"{name} is missing: name the columns of {name.upper()}", hint=f"as in {name}='age,city'")
    if isinstance(columns, str | int):
        return (str(columns),)
    array = getattr(columns, "ndim", 1) > 1 or getattr(getattr(columns, "dtype", None), "kind", "O") == "f"
    if isinstance(columns, bytes) or array or not isinstance(columns, Iterable):
        raise UsageError(
            f"{name} is of type {type(columns).__name__}; it must name columns of data",
            hint="arrays go without data: minecli.estimate(x=array, z=array)",
        )
    return tuple(str(column) for column in columns)


def _reading(options: Any) -> Reading:
    """How a file is read, by the command's options; UsageError for one that is unknown."""
    if options is None:
        return Reading()
    if not isinstance(options, Mapping):
        raise UsageError(f"reading is {options!r}; it must be a mapping", hint="as in reading={'delimiter': ';'}")
    for name in options:
        if name not in READING_FIELDS:
            hint = _meant(name, READING_FIELDS) or f"there are {', '.join(READING_FIELDS)}"
            raise UsageError(f"reading has no option {name!r}", hint=hint)
    lists = {
        name: (value,) if isinstance(value, str) else tuple(value) for name, value in options.items() if name in _TUPLES
    }
    try:
        return Reading(**{**options, **lists})
    except (TypeError, AttributeError) as problem:
        raise UsageError(f"reading holds a value of the wrong type: {problem}") from None
