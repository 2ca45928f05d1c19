r"""Every way to train and to evaluate a statistics network, by name. A new one is one function and one entry here.

The network gives a log density ratio; adding the bound's offset makes it the T of `bounds`. `value` is what is
reported, `ascent` what training climbs, `criterion` what chooses among weights and scales on validation rows. The three
may differ: a value that is no lower bound must never choose, because it can be had for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from minecli.mine import contributions as of_rows
from minecli.mine.bounds import donsker_varadhan, info_nce, jensen_shannon, nwj, smile, tuba
from minecli.mine.contributions import Contribution
from minecli.mine.gradient import MovingAverageDenominator, corrected_donsker_varadhan

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
        lower_bound: whether the value, on rows that training has not seen, lies below the MI up to sampling error.
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
    lower_bound: bool = True
    pairs_factor: int = 1
    fewest_shifts: int = 1
    ceiling: Callable[[int], float] = lambda shifts: math.inf
    baseline: bool = False

    def value_of(self, joint: Tensor, marginal: Tensor) -> Tensor:
        """The reported quantity of log ratios, shapes (..., b) and (..., s, b)."""
        return self.value(joint + self.offset, marginal + self.offset)

    def criterion_of(self, joint: Tensor, marginal: Tensor) -> Tensor:
        """What chooses, of the same."""
        return (self.criterion or self.value)(joint + self.offset, marginal + self.offset)


def smile_objective(clip: float) -> Objective:
    """SMILE with e^T clipped to e^-clip .. e^clip, for a T trained as a discriminator (as its authors do).

    The Donsker-Varadhan bound chooses: SMILE itself would prefer scores that are too large, being no bound.
    """
    return Objective(
        value=lambda joint, marginal: smile(joint, marginal, clip),
        ascent=lambda joint, marginal, average: jensen_shannon(joint, marginal),
        contribution=Contribution(of_rows.clipped_exponentials(clip), of_rows.normalised),
        criterion=donsker_varadhan,
        lower_bound=False,
    )


_DONSKER_VARADHAN_ROWS = Contribution(of_rows.exponentials, of_rows.normalised)
_UNNORMALISED_ROWS = Contribution(of_rows.exponentials, of_rows.unnormalised)

OBJECTIVES: Mapping[str, Objective] = {
    "donsker-varadhan": Objective(
        value=donsker_varadhan, ascent=corrected_donsker_varadhan, contribution=_DONSKER_VARADHAN_ROWS
    ),
    # Its minibatch gradient is unbiased as it is (Belghazi et al., footnote 6); of log ratios it is `tuba` with a = 1.
    "nwj": Objective(
        value=nwj,
        ascent=lambda joint, marginal, average: tuba(joint, marginal),
        contribution=_UNNORMALISED_ROWS,
        offset=1.0,
    ),
    "info-nce": Objective(
        value=info_nce,
        ascent=lambda joint, marginal, average: info_nce(joint, marginal),
        contribution=Contribution(of_rows.contrasts, of_rows.contrasted),
        pairs_factor=16,
        fewest_shifts=64,
        ceiling=lambda shifts: math.log(shifts + 1),
    ),
    "smile": smile_objective(SMILE_CLIP),
    "jensen-shannon": Objective(
        value=donsker_varadhan,
        ascent=lambda joint, marginal, average: jensen_shannon(joint, marginal),
        contribution=_DONSKER_VARADHAN_ROWS,
    ),
    # The network has subtracted log a(x) from T already.
    "tuba": Objective(
        value=tuba,
        ascent=lambda joint, marginal, average: tuba(joint, marginal),
        contribution=_UNNORMALISED_ROWS,
        baseline=True,
    ),
}
