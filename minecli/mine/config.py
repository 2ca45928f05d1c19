"""Settings of the statistics network and of its training, with the values that are used."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minecli.errors import UsageError
from minecli.mine.objectives import BOUNDS

if TYPE_CHECKING:
    from minecli.mine.objectives import Objective


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The network T(x, z) and Algorithm 1.

    `bound` names what is trained and evaluated (see `objectives`). Each side passes through `tower_layers` layers of
    its own before both meet in `layers` joint ones, all of `hidden` units. Each of `max_steps` steps uses `batch_size`
    joint pairs and `marginal_shifts` times as many re-paired ones (fewer rows than two batches make the batch smaller).
    `learning_rate` is the peak of a schedule that rises over the first `warmup_share` of the steps and falls along a
    cosine. `ema_decay` is the weight of the OLD average in the denominator of the Donsker-Varadhan bound's gradient
    (the other bounds have none); 0 is the plain, biased minibatch gradient. Gradients longer than `gradient_clip` are
    shortened. `weight_average` is the weight of the old average of the network's weights, which is what is evaluated. A
    model is settled once its validation bound has not risen for `patience` evaluations, one every `evaluate_every`
    steps; training stops when all are.

    >>> TrainingConfig().batch_size
    512
    >>> TrainingConfig(ema_decay=1.0)
    Traceback (most recent call last):
    minecli.errors.UsageError: ema_decay is 1.0; it must be a number of at least 0 and below 1
    """

    bound: str = "donsker-varadhan"
    hidden: int = 48
    layers: int = 2
    tower_layers: int = 2
    gaussian_base: bool = True
    max_steps: int = 600
    batch_size: int = 512
    marginal_shifts: int = 7
    learning_rate: float = 8e-3
    warmup_share: float = 0.15
    ema_decay: float = 0.99
    gradient_clip: float = 1.0
    weight_average: float = 0.99
    evaluate_every: int = 50
    patience: int = 9

    def __post_init__(self) -> None:
        if self.bound not in BOUNDS:
            raise UsageError(f"bound is '{self.bound}'; it must be one of {', '.join(BOUNDS)}")
        for name in ("hidden", "layers", "max_steps", "marginal_shifts", "evaluate_every", "patience"):
            require_whole(name, getattr(self, name), least=1)
        require_whole("tower_layers", self.tower_layers, least=0)
        # Beyond these a network would need gigabytes or minutes for a single step, and could not be interrupted.
        for name, most in (("hidden", 16_384), ("layers", 64), ("tower_layers", 64)):
            if getattr(self, name) > most:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at most {most}")
        require_whole("batch_size", self.batch_size, least=2)
        for name in ("learning_rate", "gradient_clip"):
            require_number(name, getattr(self, name), above=0.0)
        for name in ("ema_decay", "weight_average"):
            require_number(name, getattr(self, name), least=0.0, below=1.0)
        require_number("warmup_share", self.warmup_share, least=0.0, below=1.0)

    def objective(self) -> Objective:
        """What `bound` names; loads torch."""
        return BOUNDS[self.bound].objective()


def require_whole(name: str, value: object, *, least: int) -> None:
    """Raise UsageError unless `value` is a whole number of at least `least`.

    >>> require_whole("folds", 1, least=2)
    Traceback (most recent call last):
    minecli.errors.UsageError: folds is 1; it must be a whole number of at least 2
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{name} is {value!r}; it must be a whole number of at least {least}")


def require_number(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    most: float = math.inf,
) -> None:
    """Raise UsageError unless `value` is a finite number, at least `least`, above `above`, below `below` and at most
    `most`."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if number and least <= value < below and above < value <= most:  # type: ignore[operator]
        return
    limits = [f"of at least {least:g}"] if least > -math.inf else []
    limits += [f"above {above:g}"] if above > -math.inf else []
    limits += [f"below {below:g}"] if below < math.inf else []
    limits += [f"of at most {most:g}"] if most < math.inf else []
    raise UsageError(f"{name} is {value!r}; it must be a number {' and '.join(limits)}")
