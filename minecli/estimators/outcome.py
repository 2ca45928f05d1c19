"""Several estimators on the same arrays, the fast ones first, so that a failure or a stop loses nothing done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli.errors import MinecliError
from minecli.estimators.arrays import checked_arrays
from minecli.estimators.choice import thin, unsuited
from minecli.estimators.context import Context
from minecli.estimators.diagnostics import of_facts
from minecli.estimators.facts import find_facts
from minecli.estimators.registry import ESTIMATORS
from minecli.events import Event
from minecli.result import Estimate, Severity, Status
from minecli.runtime.address_space import secure_libraries
from minecli.runtime.out_of_memory import shortage_in

if TYPE_CHECKING:
    from minecli.estimators.context import Array


@dataclass(frozen=True)
class Outcome:
    """The estimates in the order asked for; `failure` is what ended the run early, if anything did."""

    estimates: tuple[Estimate, ...]
    failure: MinecliError | None = None


def run_estimators(
    x: Array,
    z: Array,
    configs: Mapping[str, Any],
    context: Context,
    checkpoint_of: Callable[[str], Path] | None = None,
) -> Outcome:
    """Ask every estimator named in `configs` (name -> its config), those that train networks last.

    Estimators not begun when a stop is asked for answer `interrupted` without a value. A failure of the first
    estimator is raised; a failure of a later one comes back beside what the earlier ones found. What the facts say
    against a value stands among the diagnostics of each. The observer hears of every value but the last as it comes.

    Args:
        x: of shape (n, d_x).
        z: of shape (n, d_z).
        checkpoint_of: where an estimator may keep its state, by name.

    Raises:
        UsageError: arrays that do not fit together.
        DataError: values that are not finite, too few rows.
    """
    x, z = checked_arrays(x, z)
    facts = context.facts or find_facts(x, z)
    done: dict[str, Estimate] = {}
    failure: MinecliError | None = None
    for name in by_speed(configs):
        if context.should_stop():
            done[name] = Estimate(name, None, Status.INTERRUPTED)
            continue
        surroundings = replace(context, facts=facts, checkpoint=checkpoint_of(name) if checkpoint_of else None)
        started = time.perf_counter()
        try:
            if ESTIMATORS[name].trains:
                secure_libraries(["torch"], context.threads)
            estimate = ESTIMATORS[name].load()(x, z, configs[name], surroundings)
        except Exception as problem:
            explained = shortage_in(problem) or problem
            if not isinstance(explained, MinecliError) or not done:
                raise
            failure = explained
            break
        meaningless = unsuited(name, configs[name], facts)
        warnings = (*of_facts(facts), *(meaningless or thin(name, facts)))
        if meaningless:
            # What else is wrong with a value that means nothing is of no interest.
            own = tuple(d for d in estimate.diagnostics if d.severity is not Severity.WARNING)
            estimate = replace(estimate, diagnostics=own)
        seconds = time.perf_counter() - started
        done[name] = replace(estimate, estimator=name, seconds=seconds, diagnostics=(*estimate.diagnostics, *warnings))
        if len(done) < len(configs) and estimate.mi_nats is not None:
            values = {"mi_nats": estimate.mi_nats}
            context.observer(Event(name, 1, 1, values, "done", done=True))
    return Outcome(tuple(done[name] for name in configs if name in done), failure)


def by_speed(configs: Mapping[str, Any]) -> list[str]:
    """The estimators named, those that train networks last.

    >>> by_speed({"mine": None, "ksg": None})
    ['ksg', 'mine']
    """
    return sorted(configs, key=lambda name: ESTIMATORS[name].trains)
