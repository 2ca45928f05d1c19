"""Several estimators on the same arrays, one after the other, so that a failure or a stop loses nothing done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minecli.errors import MinecliError
from minecli.estimators.context import Context
from minecli.estimators.registry import ESTIMATORS
from minecli.result import Estimate, Status

if TYPE_CHECKING:
    from minecli.estimators.context import Array


@dataclass(frozen=True)
class Outcome:
    """The estimates in the order asked for; `failure` is what ended the row early, if anything did."""

    estimates: tuple[Estimate, ...]
    failure: MinecliError | None = None


def run_estimators(
    x: Array,
    z: Array,
    configs: Mapping[str, Any],
    context: Context,
    checkpoint_of: Callable[[str], Path] | None = None,
) -> Outcome:
    """Ask every estimator named in `configs` (name -> its config), in that order.

    Estimators not begun when a stop is asked for answer `interrupted` without a value. A failure of the first
    estimator is raised; a failure of a later one comes back beside what the earlier ones found.
    """
    done: list[Estimate] = []
    for name, config in configs.items():
        if context.should_stop():
            done.append(Estimate(name, None, Status.INTERRUPTED))
            continue
        surroundings = replace(context, checkpoint=checkpoint_of(name) if checkpoint_of else None)
        started = time.perf_counter()
        try:
            estimate = ESTIMATORS[name].load()(x, z, config, surroundings)
        except MinecliError as failure:
            if not done:
                raise
            return Outcome(tuple(done), failure)
        done.append(replace(estimate, estimator=name, seconds=time.perf_counter() - started))
    return Outcome(tuple(done))
