"""Settings of the statistics network and of its training, with the values that are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from minecli.mine.objectives import BOUNDS
from minecli.settings import check, choice, number, switch, whole

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
    minecli.settings.SettingError: ema_decay is 1.0; it must be a number of at least 0 and below 1
    """

    bound: str = choice("donsker-varadhan", "What is trained and evaluated.", BOUNDS)
    # Beyond these sizes a network would need gigabytes or minutes for a single step, and could not be interrupted.
    hidden: int = whole(48, "Width of the hidden layers.", most=16_384)
    layers: int = whole(2, "Number of joint hidden layers.", most=64)
    tower_layers: int = whole(2, "Hidden layers of each side before both meet.", least=0, most=64)
    gaussian_base: bool = switch(True, "Start from the log ratio of a Gaussian copula.")
    max_steps: int = whole(600, "Most training steps.")
    batch_size: int = whole(512, "Rows per step.", least=2)
    marginal_shifts: int = whole(7, "Other rows each row is paired with per step.")
    learning_rate: float = number(8e-3, "Step size of Adam.", above=0.0, metavar="RATE")
    warmup_share: float = number(0.15, "Share of the steps in which it rises.", least=0.0, below=1.0, metavar="S")
    ema_decay: float = number(
        0.99,
        "Weight of the old value in the moving average that corrects the gradient.",
        least=0.0,
        below=1.0,
        metavar="W",
    )
    gradient_clip: float = number(1.0, "Longest gradient that is not shortened.", above=0.0, metavar="NORM")
    weight_average: float = number(0.99, "Weight of the old average of weights.", least=0.0, below=1.0, metavar="W")
    evaluate_every: int = whole(50, "Steps between evaluations.")
    patience: int = whole(9, "Evaluations without a rise until a model is settled.")

    def __post_init__(self) -> None:
        check(self)

    def objective(self) -> Objective:
        """What `bound` names; loads torch."""
        return BOUNDS[self.bound].objective()
