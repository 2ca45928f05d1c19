r"""Every way to train and to evaluate a statistics network, by name. A new bound is one function and one entry here: it
is then an estimator, with its settings, its lines in lists and help, and its place in benchmarks.

The network gives a log density ratio; adding the bound's offset makes it the T of `bounds`. `value` is what is
reported, `ascent` what training climbs, `criterion` what chooses among weights and scales on validation rows. The three
may differ: a value that is no lower bound must never choose, because it can be had for nothing.

The table is read by the command line, which must not wait for torch: that is loaded where an objective is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from minecli.mine.contributions import Contribution
    from minecli.mine.gradient import MovingAverageDenominator

    Value = Callable[[Tensor, Tensor], Tensor]
    Ascent = Callable[[Tensor, Tensor, MovingAverageDenominator], Tensor]

# tau in nats: the middle one of the values that Song and Ermon compare (1, 5, infinity).
SMILE_CLIP = 5.0


@dataclass(frozen=True, kw_only=True)
class Objective:
    """How a statistics network is trained, chosen and evaluated; all values in nats.

    Attributes:
        value: the reported quantity, a function of T on joint (..., b) and re-paired rows (..., s, b).
        ascent: a quantity whose gradient is ascended, a function of the log ratios (T less the offset), shapes
            (models, b) and (models, s, b), and of the moving average, which it may use or leave alone.
        contribution: the same value, row by row.
        offset: the constant T at which the value is 0; T less the offset is the log density ratio.
        criterion: what chooses weights and scales, a lower bound in nats that is 0 for T = `offset`; None stands for
            the value itself.
        pairs_factor: how many times as many re-paired rows as for the others the value is worth.
        fewest_shifts: re-pairings per row without which it says little, however many rows there are.
        ceiling: the most the value can be with s re-pairings per row.
        baseline: whether the network learns a baseline a(x), which it subtracts from T as log a(x).
    """

    value: Value
    ascent: Ascent
    contribution: Contribution
    offset: float = 0.0
    criterion: Value | None = None
    pairs_factor: int = 1
    fewest_shifts: int = 1
    ceiling: Callable[[int], float] = lambda shifts: math.inf
    baseline: bool = False

    def value_of(self, joint: Tensor, marginal: Tensor) -> Tensor:
        """The reported quantity of log ratios, shapes (..., b) and (..., s, b)."""
        return self.value(joint + self.offset, marginal + self.offset)

    def criterion_of(self, joint: Tensor, marginal: Tensor) -> Tensor:
        """The lower bound in nats that chooses among weights and scales, of log ratios of the same shapes."""
        return (self.criterion or self.value)(joint + self.offset, marginal + self.offset)


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What is known of a bound without computing it, and the estimator that it makes.

    Attributes:
        objective: gives how a network is trained and evaluated by it; loads torch.
        estimator: the name of the estimator.
        summary: what that computes, in one line.
        fails: when it errs, in one line.
        reference: where it comes from, in one line.
        assumes: what it takes for granted beside independent rows from which the dependence can be learnt; may be
            empty.
        lower_bound: whether the value, on rows that training has not seen, lies below the MI up to sampling error.
        moving_average: whether its gradient uses the moving average of e^T, so that `ema_decay` means something.
        defaults: settings of the estimator that suit the bound better than those of the others.
    """

    objective: Callable[[], Objective]
    estimator: str
    summary: str
    fails: str
    reference: str
    assumes: str = ""
    lower_bound: bool = True
    moving_average: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)


@cache
def _donsker_varadhan() -> Objective:
    from minecli.mine import bounds, contributions, gradient

    return Objective(
        value=bounds.donsker_varadhan,
        ascent=gradient.corrected_donsker_varadhan,
        contribution=contributions.Contribution(contributions.exponentials, contributions.normalised),
    )


@cache
def _nwj() -> Objective:
    """Its minibatch gradient is unbiased as it is (Belghazi et al., footnote 6); of log ratios it is `tuba` with
    a = 1."""
    from minecli.mine import bounds, contributions

    return Objective(
        value=bounds.nwj,
        ascent=lambda joint, marginal, average: bounds.tuba(joint, marginal),
        contribution=contributions.Contribution(contributions.exponentials, contributions.unnormalised),
        offset=1.0,
    )


@cache
def _info_nce() -> Objective:
    from minecli.mine import bounds, contributions

    return Objective(
        value=bounds.info_nce,
        ascent=lambda joint, marginal, average: bounds.info_nce(joint, marginal),
        contribution=contributions.Contribution(contributions.contrasts, contributions.contrasted),
        pairs_factor=16,
        fewest_shifts=64,
        ceiling=lambda shifts: math.log(shifts + 1),
    )


@cache
def smile_objective(clip: float = SMILE_CLIP) -> Objective:
    """SMILE with e^T clipped to e^-clip .. e^clip, for a T trained as a discriminator (as its authors do).

    The Donsker-Varadhan bound chooses: SMILE itself would prefer scores that are too large, being no bound.
    """
    from minecli.mine import bounds, contributions

    return Objective(
        value=lambda joint, marginal: bounds.smile(joint, marginal, clip),
        ascent=lambda joint, marginal, average: bounds.jensen_shannon(joint, marginal),
        contribution=contributions.Contribution(contributions.clipped_exponentials(clip), contributions.normalised),
        criterion=bounds.donsker_varadhan,
    )


@cache
def _jensen_shannon() -> Objective:
    from minecli.mine import bounds, contributions

    return Objective(
        value=bounds.donsker_varadhan,
        ascent=lambda joint, marginal, average: bounds.jensen_shannon(joint, marginal),
        contribution=contributions.Contribution(contributions.exponentials, contributions.normalised),
    )


@cache
def _tuba() -> Objective:
    """The network has subtracted log a(x) from T already."""
    from minecli.mine import bounds, contributions

    return Objective(
        value=bounds.tuba,
        ascent=lambda joint, marginal, average: bounds.tuba(joint, marginal),
        contribution=contributions.Contribution(contributions.exponentials, contributions.unnormalised),
        baseline=True,
    )


BOUNDS: Mapping[str, Bound] = {
    "donsker-varadhan": Bound(
        objective=_donsker_varadhan,
        estimator="mine",
        summary="statistics networks, Donsker-Varadhan bound",
        fails="few rows, or a dependence near ln n: too low",
        reference="Belghazi et al. 2018, eq. 10, section 3.2",
        moving_average=True,
    ),
    "nwj": Bound(
        objective=_nwj,
        estimator="mine-f",
        summary="statistics networks, f-divergence bound",
        fails="as mine, and never above it for the same network",
        reference="Belghazi et al. 2018, eq. 8; Nguyen, Wainwright, Jordan 2010",
    ),
    # Of K re-pairings per row: in training `marginal_shifts`, in the evaluation 256 up to 65,536 rows in all, and never
    # fewer than 64 beyond. Batches are smaller than those of the others because they hold so many more pairs.
    "info-nce": Bound(
        objective=_info_nce,
        estimator="info-nce",
        summary="statistics networks, contrastive bound",
        fails="never above ln(K+1) with K re-pairings per row (64 to 256): too low from 3 nats on",
        reference="van den Oord, Li, Vinyals 2018; Poole et al. 2019",
        defaults={"batch_size": 256, "marginal_shifts": 8, "max_steps": 1200},
    ),
    "smile": Bound(
        objective=smile_objective,
        estimator="smile",
        summary="discriminator, Donsker-Varadhan with clipped e^T",
        assumes="log ratios that seldom pass the clip",
        fails="too high or too low by what the clip cuts off, with a narrow interval; few rows: too low",
        reference="Song, Ermon 2020",
        lower_bound=False,
    ),
    "jensen-shannon": Bound(
        objective=_jensen_shannon,
        estimator="mine-js",
        summary="discriminator (Jensen-Shannon), Donsker-Varadhan bound",
        fails="as mine; training is quieter, but cares little for rare, large log ratios",
        reference="Nowozin, Cseke, Tomioka 2016; Hjelm et al. 2019; Poole et al. 2019",
    ),
    "tuba": Bound(
        objective=_tuba,
        estimator="tuba",
        summary="statistics networks, bound with a learnt baseline a(x)",
        fails="as mine-f: e^T alone is noisy where the dependence is strong",
        reference="Barber, Agakov 2003; Poole et al. 2019",
    ),
}
