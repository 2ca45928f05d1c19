"""All estimators by name. A new estimator is one file and one entry here; a new neural bound is an estimator by its
entry in `mine.objectives` alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any, Literal, cast

from minecli.errors import DataError
from minecli.estimators import config
from minecli.estimators.context import Estimator
from minecli.mine.objectives import BOUNDS, Bound
from minecli.runtime.request import from_plain

Kind = Literal["lower bound", "neural, no bound", "nearest neighbours", "table", "correlations"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An estimator: its name, what it computes, what kind of answer that is, what it takes for granted, when it fails
    and where it comes from, each in one line; its settings, how to get it (imported on demand), and whether it has a
    value for every row.
    """

    name: str
    summary: str
    kind: Kind
    assumes: str
    fails: str
    reference: str
    config: type
    load: Callable[[], Estimator]
    pointwise: bool = True

    @property
    def trains(self) -> bool:
        """Whether it trains networks, which takes seconds rather than milliseconds."""
        return self.kind in ("lower bound", "neural, no bound")


def _later(module: str, function: str) -> Callable[[], Estimator]:
    def load() -> Estimator:
        return cast("Estimator", getattr(importlib.import_module(f"minecli.estimators.{module}"), function))

    return load


_NEURAL = _later("neural.mine", "estimate_mine")
# Bounds whose estimators have settings of their own; those of the others are `MineConfig` with other defaults.
_OWN_SETTINGS: Mapping[str, type[config.MineConfig]] = {"smile": config.SmileConfig}


def config_of(name: str, bound: Bound) -> type[config.MineConfig]:
    """The settings of the estimator that the bound of that name makes.

    >>> config_of("info-nce", BOUNDS["info-nce"])().batch_size
    256
    """
    if name in _OWN_SETTINGS:
        return _OWN_SETTINGS[name]
    if config.MineConfig.bound == name:
        return config.MineConfig
    differing = {"bound": name, **bound.defaults}
    known = {f.name: f for f in fields(config.MineConfig)}
    namespace = {
        "__doc__": f"The neural estimator with the bound {name}: {bound.summary}.",
        "__module__": config.__name__,
        "estimator": bound.estimator,
        "unused": () if bound.moving_average else ("ema_decay",),
    }
    made = make_dataclass(
        "".join(word.capitalize() for word in bound.estimator.split("-")) + "Config",
        [(key, known[key].type, field(default=v, metadata=known[key].metadata)) for key, v in differing.items()],
        bases=(config.MineConfig,),
        namespace=namespace,
        frozen=True,
        kw_only=True,
    )
    return cast("type[config.MineConfig]", made)


def _neural(name: str, bound: Bound) -> Entry:
    """The estimator that a bound makes."""
    learnable = "independent rows, from which the dependence can be learnt"
    return Entry(
        name=bound.estimator,
        summary=bound.summary,
        kind="lower bound" if bound.lower_bound else "neural, no bound",
        assumes=f"{learnable}; {bound.assumes}" if bound.assumes else learnable,
        fails=bound.fails,
        reference=bound.reference,
        config=config_of(name, bound),
        load=_NEURAL,
    )


_ENTRIES = (
    *(_neural(name, bound) for name, bound in BOUNDS.items()),
    Entry(
        name="ksg",
        summary="Kraskov's k nearest neighbours",
        kind="nearest neighbours",
        assumes="continuous columns without ties",
        fails="many columns: too low; repeated values: anything",
        reference="Kraskov, Stögbauer, Grassberger 2004",
        config=config.KsgConfig,
        load=_later("nearest.ksg", "estimate_ksg"),
    ),
    Entry(
        name="mixed-ksg",
        summary="nearest neighbours for values with ties",
        kind="nearest neighbours",
        assumes="nothing about ties: labels, counts and numbers may mix",
        fails="many columns: too low",
        reference="after Gao, Kannan, Oh, Viswanath 2017",
        config=config.MixedKsgConfig,
        load=_later("nearest.mixed_ksg", "estimate_mixed_ksg"),
    ),
    Entry(
        name="plug-in",
        summary="table of the levels, corrected for few rows",
        kind="table",
        assumes="discrete columns whose levels repeat",
        fails="continuous columns: meaningless; cells of a row or less on average: too high",
        reference="Chao, Wang, Jost 2013",
        config=config.PlugInConfig,
        load=_later("plug_in", "estimate_plug_in"),
    ),
    Entry(
        name="gaussian",
        summary="linear: canonical correlations",
        kind="correlations",
        assumes="jointly Gaussian columns",
        fails="blind to nonlinear dependence; misled by outliers (--preprocess rank helps)",
        reference="Hotelling 1936 (canonical correlations)",
        config=config.GaussianConfig,
        load=_later("gaussian", "estimate_gaussian"),
        pointwise=False,
    ),
)

ESTIMATORS: Mapping[str, Entry] = {entry.name: entry for entry in _ENTRIES}


def stored_configs(stored: object) -> dict[str, Any]:
    """Configs by estimator, of the plain values that a run's folder stores of them.

    >>> stored_configs({"ksg": {"k": 5}})["ksg"].k
    5

    Raises:
        DataError: no mapping from known estimators to their fields.
    """
    if not isinstance(stored, Mapping) or not set(stored) <= set(ESTIMATORS):
        raise DataError(
            "config.json is not one this version of minecli wrote (estimators)",
            hint="start the run again in another folder",
        )
    return {name: from_plain(values, ESTIMATORS[name].config) for name, values in stored.items()}
