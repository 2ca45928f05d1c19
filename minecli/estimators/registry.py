"""All estimators by name. A new estimator is one file and one entry here; a new neural bound, one entry here and one
in `mine.objectives`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from minecli.errors import DataError
from minecli.estimators import config
from minecli.estimators.context import Estimator
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
_LEARNABLE = "independent rows, from which the dependence can be learnt"

_ENTRIES = (
    Entry(
        name="mine",
        summary="statistics networks, Donsker-Varadhan bound",
        kind="lower bound",
        assumes=_LEARNABLE,
        fails="few rows, or a dependence near ln n: too low",
        reference="Belghazi et al. 2018, eq. 10, section 3.2",
        config=config.MineConfig,
        load=_NEURAL,
    ),
    Entry(
        name="mine-f",
        summary="statistics networks, f-divergence bound",
        kind="lower bound",
        assumes=_LEARNABLE,
        fails="as mine, and never above it for the same network",
        reference="Belghazi et al. 2018, eq. 8; Nguyen, Wainwright, Jordan 2010",
        config=config.MineFConfig,
        load=_NEURAL,
    ),
    Entry(
        name="info-nce",
        summary="statistics networks, contrastive bound",
        kind="lower bound",
        assumes=_LEARNABLE,
        fails="never above ln(K+1) with K re-pairings per row (64 to 256): too low from 3 nats on",
        reference="van den Oord, Li, Vinyals 2018; Poole et al. 2019",
        config=config.InfoNceConfig,
        load=_NEURAL,
    ),
    Entry(
        name="smile",
        summary="discriminator, Donsker-Varadhan with clipped e^T",
        kind="neural, no bound",
        assumes=_LEARNABLE + "; log ratios that seldom pass the clip",
        fails="too high or too low by what the clip cuts off, with a narrow interval; few rows: too low",
        reference="Song, Ermon 2020",
        config=config.SmileConfig,
        load=_NEURAL,
    ),
    Entry(
        name="mine-js",
        summary="discriminator (Jensen-Shannon), Donsker-Varadhan bound",
        kind="lower bound",
        assumes=_LEARNABLE,
        fails="as mine; training is quieter, but cares little for rare, large log ratios",
        reference="Nowozin, Cseke, Tomioka 2016; Hjelm et al. 2019; Poole et al. 2019",
        config=config.MineJsConfig,
        load=_NEURAL,
    ),
    Entry(
        name="tuba",
        summary="statistics networks, bound with a learnt baseline a(x)",
        kind="lower bound",
        assumes=_LEARNABLE,
        fails="as mine-f: e^T alone is noisy where the dependence is strong",
        reference="Barber, Agakov 2003; Poole et al. 2019",
        config=config.TubaConfig,
        load=_NEURAL,
    ),
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
