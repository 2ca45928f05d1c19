"""`minecli.estimate`, and the one way from a request and its data to a result, which the command goes, too."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from minecli import events
from minecli.api.arguments import request_of, whole
from minecli.api.progress import observer_of
from minecli.api.request import EstimateRequest
from minecli.api.result import Result
from minecli.api.wording import in_words_of_python
from minecli.estimators.registry import ESTIMATORS

if TYPE_CHECKING:
    from minecli.estimators.facts import Facts
    from minecli.estimators.outcome import Outcome
    from minecli.estimators.verdict import Verdict
    from minecli.runtime.device import Device, Threads
    from minecli.tables.groups import Groups

# Who answers 0 where a side is constant and nobody was asked.
_FOR_CONSTANTS = "plug-in"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What an estimation uses besides the request and the data; none of it changes a number.

    `checkpoint_of`: where an estimator may keep its state and goes on from, by name.
    """

    device: Device
    threads: Threads
    observer: events.Observer = events.ignore
    should_stop: Callable[[], bool] = events.never
    checkpoint_of: Callable[[str], Path] | None = None


def compute(request: EstimateRequest, groups: Groups, surroundings: Surroundings, facts: Facts | None = None) -> Result:
    """Look at the data, choose estimators where none is named, estimate, judge.

    Args:
        request: what is asked.
        groups: the data, as `request.load` gives them.
        surroundings: what to compute with, and who listens.
        facts: of the groups, where somebody has found them already.

    Raises:
        MinecliError: what the first estimator raises; the failure of a later one is in the result.
    """
    from minecli.estimators.table_facts import data_facts, facts_of
    from minecli.runtime.environment import environment_facts

    facts = facts or facts_of(groups, ordered=not request.independent_rows)
    request = request.resolved(facts)
    outcome, verdict = _constant(request, groups) if facts is None else _decided(request, groups, facts, surroundings)
    return Result(
        config=request.to_json(),
        data=data_facts(groups, facts),
        verdict=verdict,
        environment=environment_facts(surroundings.device, surroundings.threads, request.seed),
        facts=facts,
        row_numbers=groups.row_numbers,
        failure=outcome.failure,
    )


def _decided(
    request: EstimateRequest, groups: Groups, facts: Facts, surroundings: Surroundings
) -> tuple[Outcome, Verdict]:
    from minecli.estimators.context import Context
    from minecli.estimators.outcome import run_estimators
    from minecli.estimators.parts import find_parts
    from minecli.estimators.verdict import decide

    context = Context(
        device=surroundings.device.name,
        threads=surroundings.threads.count,
        seed=request.seed,
        confidence=request.confidence,
        observer=surroundings.observer,
        should_stop=surroundings.should_stop,
        facts=facts,
    )
    x, z = groups.x.values, groups.z.values
    parts = find_parts(x, z, facts, context)
    outcome = run_estimators(x, z, request.estimators, context, surroundings.checkpoint_of)
    return outcome, decide(outcome.estimates, facts, parts)


def _constant(request: EstimateRequest, groups: Groups) -> tuple[Outcome, Verdict]:
    """A side without a column that varies: 0 nats, whatever was asked."""
    from minecli.estimators.outcome import Outcome
    from minecli.estimators.verdict import constant

    verdict = constant(list(request.estimators) or [_FOR_CONSTANTS], " and ".join(groups.constant))
    return Outcome(verdict.estimates), verdict


def estimate(
    data: Any = None,
    x: Any = None,
    z: Any = None,
    *,
    estimators: str | Iterable[str] | Mapping[str, Any] | None = None,
    seed: int = 0,
    confidence: float = 0.95,
    missing: Literal["error", "drop"] = "error",
    categorical: str | Iterable[Any] = (),
    numeric: str | Iterable[Any] = (),
    independent_rows: bool = False,
    sample: int | None = None,
    reading: Mapping[str, Any] | None = None,
    device: Any = "auto",
    threads: int | None = None,
    progress: bool | events.Observer = False,
) -> Result:
    """Estimate the mutual information I(X; Z) in nats, and say how far it can be trusted: what `minecli estimate` does.

    The same data, seed and settings give the command's result, digit for digit. A column's type decides how it is used,
    as in a file: numbers as they are, text and categories as labels, dates as days.

    Args:
        data: a path, glob or URL, or a list of them; a frame (pandas, polars, pyarrow, anything with
            `__arrow_c_stream__`); or None, where x and z are arrays.
        x: the columns of X by the command's selectors ("age", "gene_*", "x0:x19", "a,b"), or a list of names or
            selectors; without data, an array of shape (n, d) or (n,): of NumPy, a list, a tensor, a Series, whose
            columns are called x0, x1, ...
        z: those of Z, likewise.
        estimators: a name ("ksg"), several, or a mapping from names to settings ({"mine": {"max_steps": 500}}); by
            default those that fit the kinds of the columns. `minecli estimators` lists them.
        seed: where all randomness comes from.
        confidence: the coverage of the intervals.
        missing: "error", or "drop" to leave out rows with a missing value.
        categorical: columns to use as labels, whatever their type.
        numeric: columns to use as numbers, texts among them.
        independent_rows: whether the rows are independent, whatever their order suggests.
        sample: use so many rows, drawn at random.
        reading: how a file is read, by the names of the command's options ({"delimiter": ";", "where": "age > 30"}).
        device: "auto", "cpu", "cuda" or "cuda:N", for the estimators that train networks.
        threads: how many may compute; otherwise all cores that this process may use.
        progress: True for a line on standard error, or a function that is given each `Event`.

    Raises:
        UsageError: what is asked does not exist or does not fit together.
        DataError: the data cannot be read, or cannot be used for what was asked.
        DeviceError: the device is missing; MemoryShort, a kind of it: so is the memory.

    >>> import numpy as np
    >>> rng = np.random.Generator(np.random.PCG64(0))
    >>> x = rng.standard_normal(2000)
    >>> result = estimate(x=x, z=x + rng.standard_normal(2000), estimators="ksg")
    >>> result.answer, round(result.mi_nats, 1)
    ('believe', 0.3)
    """
    options = {
        "estimators": estimators, "seed": seed, "confidence": confidence, "missing": missing,
        "categorical": categorical, "numeric": numeric, "independent_rows": independent_rows, "sample": sample,
        "reading": reading,
    }  # fmt: skip
    with in_words_of_python():
        request, table = request_of(data, x, z, options)
        used_device, used_threads = _hardware(device, threads)
    with in_words_of_python(table.names if table else ()), _threads(used_threads.count):
        secure_libraries_for(request, used_threads)
        groups = request.load(table=table)
        with observer_of(progress) as observer:
            surroundings = Surroundings(device=used_device, threads=used_threads, observer=observer)
            result = compute(request, groups, surroundings)
    if result.failure is not None:
        warnings.warn(f"the result is not complete: {result.failure}", RuntimeWarning, stacklevel=2)
    return result


def _hardware(device: Any, threads: int | None) -> tuple[Device, Threads]:
    from minecli.runtime.device import resolve_device, resolve_threads

    return resolve_device(str(device)), resolve_threads(None if threads is None else whole("threads", threads))


def secure_libraries_for(request: EstimateRequest, threads: Threads) -> None:
    """What `address_space.secure_libraries` does, for those that a request needs."""
    from minecli.runtime.address_space import secure_libraries

    trained = ["torch"] if any(ESTIMATORS[name].trains for name in request.estimators) else []
    secure_libraries(["numpy", "pyarrow", "scipy", *trained], threads.count)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """So many threads while it lasts: the program that calls has its own settings, and gets them back."""
    from minecli.runtime.device import apply_threads, resolve_threads

    environment = dict(os.environ)
    torch = sys.modules.get("torch")
    # What a torch that is loaded meanwhile would use, had it been loaded before.
    before = torch.get_num_threads() if torch is not None else resolve_threads().count
    try:
        apply_threads(count)
        yield
    finally:
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update(environment)
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(before)
