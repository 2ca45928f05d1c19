"""All estimators by name. A new estimator is one file and one line here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from minecli.estimators import config
from minecli.estimators.context import Estimator


@dataclass(frozen=True)
class Entry:
    """What an estimator is called, what it is in one line, its settings, how to get it (imported on demand), and
    whether it has a value for every row.
    """

    name: str
    summary: str
    config: type
    load: Callable[[], Estimator]
    pointwise: bool = True


def _later(module: str, function: str) -> Callable[[], Estimator]:
    def load() -> Estimator:
        return cast("Estimator", getattr(importlib.import_module(f"minecli.estimators.{module}"), function))

    return load


_ENTRIES = (
    Entry("mine", "neural, Donsker-Varadhan bound", config.MineConfig, _later("mine", "estimate_mine")),
    Entry("mine-f", "neural, f-divergence bound", config.MineFConfig, _later("mine", "estimate_mine")),
    Entry("ksg", "Kraskov's k nearest neighbours", config.KsgConfig, _later("ksg", "estimate_ksg")),
    Entry(
        "mixed-ksg",
        "nearest neighbours for values with ties",
        config.MixedKsgConfig,
        _later("mixed_ksg", "estimate_mixed_ksg"),
    ),
    Entry(
        "gaussian",
        "linear: canonical correlations",
        config.GaussianConfig,
        _later("gaussian", "estimate_gaussian"),
        pointwise=False,
    ),
)

ESTIMATORS: Mapping[str, Entry] = {entry.name: entry for entry in _ENTRIES}
