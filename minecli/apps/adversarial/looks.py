"""What a model in training looks like, from time to time: losses, norms, the bound, and the metrics of its samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Look:
    """One model at one step. Losses, norms and the bound are smoothed over the last steps, but for the bound of a
    statistics network, which is evaluated on fresh samples, in nats."""

    step: int
    discriminator_loss: float | None
    generator_loss: float | None
    information_nats: float | None
    adversarial_norm: float | None
    information_norm: float | None
    metrics: dict[str, float | None]

    @classmethod
    def of(cls, step: int, values: Mapping[str, float], metrics: Mapping[str, float | None]) -> Look:
        """A look at what is known; the rest is None."""
        named = {f.name: values.get(f.name) for f in fields(cls) if f.name not in ("step", "metrics")}
        return cls(step, metrics=dict(metrics), **named)


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
