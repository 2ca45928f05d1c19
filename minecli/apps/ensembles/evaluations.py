"""What a model in training looks like, from time to time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Look:
    """One model at one step: a bound on the information in nats, and the metrics of what it makes. What training adds
    to it (losses, norms) is smoothed over the last steps."""

    step: int
    information_nats: float | None
    metrics: dict[str, float | None]

    @classmethod
    def of(cls, step: int, values: Mapping[str, float], metrics: Mapping[str, float | None]) -> Self:
        """A look at what is known; the rest is None.

        >>> Look.of(3, {}, {"modes": 25.0})
        Look(step=3, information_nats=None, metrics={'modes': 25.0})
        """
        named = {f.name: values.get(f.name) for f in fields(cls) if f.name not in ("step", "metrics")}
        return cls(step=step, metrics=dict(metrics), **named)


def finite(values: Mapping[str, float]) -> bool:
    """Whether all of them are.

    >>> finite({"generator_loss": float("inf")})
    False
    """
    return all(math.isfinite(v) for v in values.values())


def mean_of_last(histories: Sequence[Sequence[Look]]) -> dict[str, float]:
    """The mean over models of what the progress line shows: their last metrics and information in nats."""
    values: dict[str, list[float]] = {}
    for look in (history[-1] for history in histories if history):
        for name, value in {**look.metrics, "information_nats": look.information_nats}.items():
            if value is not None:
                values.setdefault(name, []).append(value)
    return {name: sum(v) / len(v) for name, v in values.items()}
