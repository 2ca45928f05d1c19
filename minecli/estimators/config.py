"""Settings of the estimators: one frozen class each, with the values that are used and nothing that is not.

A setting that does not exist for an estimator is not a field of its class, so asking for it fails at construction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from minecli.errors import UsageError
from minecli.mine.config import TrainingConfig
from minecli.settings import check, choice, number, numbers, switch, whole

if TYPE_CHECKING:
    from minecli.mine.objectives import Objective

Preprocess = Literal["rank", "standardize", "none"]
SearchMethod = Literal["auto", "tree", "brute"]
Correction = Literal["chao-wang-jost", "miller-madow", "none"]

# Networks per fold, and the number of rows that weight decays are given for.
MOST_MEMBERS = 16
DECAY_ROWS = 10_000


def _neighbours() -> Any:
    return whole(3, "Number of neighbours.", metavar="K", hint="try 3")


def _preprocess(default: str, choices: tuple[str, ...] = get_args(Preprocess)) -> Any:
    return choice(default, "Before estimating: rank (to normal scores), standardize or none.", choices)


def _search() -> Any:
    return choice("auto", "How neighbours are searched for; the number is the same.", get_args(SearchMethod))


@dataclass(frozen=True, kw_only=True)
class KsgConfig:
    """Kraskov's k-nearest-neighbour estimator.

    `k` neighbours: a larger k lowers the variance and raises the bias of strong or high-dimensional dependence.
    `variant` 1 is equation (8) of the paper, 2 is equation (9). `preprocess` "rank" replaces columns by normal
    scores, "standardize" divides them by their standard deviation. `jitter` is the standard deviation of added
    normal noise, relative to each column's own: 0 adds none. `interval` asks for the standard error (about as much
    work again). `search` overrules the choice between KD-tree and brute force; both give the same number.

    >>> KsgConfig().k
    3
    >>> KsgConfig(k=0)
    Traceback (most recent call last):
    minecli.settings.SettingError: k is 0; it must be a whole number of at least 1 (try 3)
    """

    k: int = _neighbours()
    variant: Literal[1, 2] = choice(1, "Kraskov's algorithm 1 or 2.", (1, 2), metavar="1|2")
    preprocess: Preprocess = _preprocess("rank")
    jitter: float = number(
        0.0,
        "Noise added to break ties, relative to each column's spread.",
        least=0.0,
        most=0.1,
        metavar="SIZE",
        hint="try 1e-8",
    )
    interval: bool = switch(True, "Compute the standard error.")
    search: SearchMethod = _search()

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class MixedKsgConfig:
    """The nearest-neighbour estimator for mixtures of discrete and continuous values; fields as in `KsgConfig`.

    >>> MixedKsgConfig(preprocess="log")
    Traceback (most recent call last):
    minecli.settings.SettingError: preprocess is 'log'; it must be one of rank, standardize, none
    """

    k: int = _neighbours()
    preprocess: Preprocess = _preprocess("rank")
    interval: bool = switch(True, "Compute the standard error.")
    search: SearchMethod = _search()

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class GaussianConfig:
    """Mutual information of the Gaussian with the sample's correlations.

    `preprocess` "rank" gives the Gaussian copula: columns become normal scores first. `bias_correction` subtracts
    the expected excess of the plug-in value at the sample's size.

    >>> GaussianConfig().preprocess
    'none'
    """

    preprocess: Literal["rank", "none"] = _preprocess("none", ("rank", "none"))
    bias_correction: bool = switch(True, "Subtract the expected excess at the sample's size.")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class PlugInConfig:
    """Mutual information of the table of the levels of two discrete groups.

    `correction` says what is done against the bias of few rows per cell: "chao-wang-jost" reckons with cells that were
    not seen, "miller-madow" with those seen alone, "none" gives the value of the counts as they are.

    >>> PlugInConfig(correction="jackknife")
    Traceback (most recent call last):
    minecli.settings.SettingError: correction is 'jackknife'; it must be one of chao-wang-jost, miller-madow, none
    """

    correction: Correction = choice(
        "chao-wang-jost",
        "Bias correction of the table: chao-wang-jost, miller-madow or none.",
        get_args(Correction),
        metavar="NAME",
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class MineConfig(TrainingConfig):
    """The neural estimator (MINE); the network's and the training's fields are those of `TrainingConfig`.

    `preprocess` says in what form the network sees the columns (see `features`). `protocol` "held-out" cross-fits:
    the networks of each of `folds` folds are evaluated on rows that they have not seen; "paper" trains and evaluates on
    all rows (Definition 3.1). There is one network per fold for each of `weight_decays`, given for 10,000 rows; fewer
    rows make each stronger by the root of the ratio. A fold's networks are combined by weights fitted to its validation
    rows: sharp dependences want a weak decay, smooth ones and few rows a strong one. The Gaussian base is that of
    normal scores (a Gaussian copula), so that it is there with "rank" alone; the other two train a plain network. The
    whole is done `repeats` times with other folds and other initial weights, and averaged. With a `target_precision`,
    repeats are added, up to `max_repeats`, until the interval is at most so many nats wide, or what more repeats cannot
    narrow is wider by itself.

    >>> MineConfig().folds
    5
    >>> MineConfig(folds=1)
    Traceback (most recent call last):
    minecli.settings.SettingError: folds is 1; it must be a whole number of at least 2
    """

    # The name the estimates bear, and the fields that mean nothing under the class's bound.
    estimator: ClassVar[str] = "mine"
    unused: ClassVar[tuple[str, ...]] = ()

    preprocess: Preprocess = _preprocess("rank")
    protocol: Literal["held-out", "paper"] = choice(
        "held-out",
        "held-out: each row is evaluated by networks that never saw it; paper: in-sample.",
        ("held-out", "paper"),
        metavar="held-out|paper",
    )
    folds: int = whole(5, "Parts for cross-fitting.", least=2)
    repeats: int = whole(1, "Cross-fittings to average.")
    target_precision: float | None = number(
        None, "Add cross-fittings until the interval is so narrow.", above=0.0, metavar="NATS"
    )
    max_repeats: int = whole(10, "Most cross-fittings for --target-precision.")
    weight_decays: tuple[float, ...] = numbers(
        (0.1, 1.0),
        "Weight decay at 10,000 rows; for each a network per fold.",
        at_most=MOST_MEMBERS,
        least=0.0,
        below=100.0,
        metavar="D[,D...]",
    )
    precision: Literal["float32", "float64"] = choice(
        "float32", "float32 or float64.", ("float32", "float64"), metavar="TYPE"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target_precision is not None:
            self._require_reachable()
        # A run folder holds a list.
        object.__setattr__(self, "weight_decays", tuple(self.weight_decays))

    def _require_reachable(self) -> None:
        if self.protocol == "paper":
            raise UsageError(
                "`target_precision` does not go with the paper's protocol, whose interval does not cover the MI",
                hint="use `protocol=held-out`",
            )
        if self.max_repeats < self.repeats:
            raise UsageError(
                f"`max_repeats` is {self.max_repeats}, below `repeats`, which is {self.repeats}",
                hint=f"add `max_repeats={self.repeats}`",
            )

    def weight_decays_for(self, rows: int) -> list[float]:
        """The strengths for so many rows: those given are for 10,000 rows."""
        return [decay * math.sqrt(DECAY_ROWS / rows) for decay in self.weight_decays]


@dataclass(frozen=True, kw_only=True)
class SmileConfig(MineConfig):
    """The neural estimator SMILE: trained as a discriminator of joint and re-paired rows, evaluated with e^T held
    within e^-clip .. e^clip. No lower bound: a smaller `clip` lowers the variance and raises the bias, in either
    direction.

    >>> SmileConfig(clip=0.0)
    Traceback (most recent call last):
    minecli.settings.SettingError: clip is 0.0; it must be a number above 0
    """

    estimator: ClassVar[str] = "smile"
    unused: ClassVar[tuple[str, ...]] = ("ema_decay",)

    bound: str = "smile"
    clip: float = number(5.0, "Nats at which smile clips scores.", above=0.0, metavar="NATS")

    def objective(self) -> Objective:
        """SMILE with this clip; loads torch."""
        from minecli.mine.objectives import smile_objective

        return smile_objective(self.clip)
