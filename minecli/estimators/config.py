"""Settings of the estimators: one frozen class each, with the values that are used and nothing that is not.

A setting that does not exist for an estimator is not a field of its class, so asking for it fails at construction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from minecli.errors import UsageError
from minecli.mine.config import TrainingConfig, require_number, require_whole

if TYPE_CHECKING:
    from minecli.mine.objectives import Objective

Preprocess = Literal["rank", "standardize", "none"]
SearchMethod = Literal["auto", "tree", "brute"]
Correction = Literal["chao-wang-jost", "miller-madow", "none"]

# Networks per fold, and the number of rows that weight decays are given for.
MOST_MEMBERS = 16
DECAY_ROWS = 10_000


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
    minecli.errors.UsageError: k is 0; it must be a whole number of at least 1 (try 3)
    """

    k: int = 3
    variant: Literal[1, 2] = 1
    preprocess: Preprocess = "rank"
    jitter: float = 0.0
    interval: bool = True
    search: SearchMethod = "auto"

    def __post_init__(self) -> None:
        _require_neighbours(self.k)
        _require_choice("variant", self.variant, (1, 2))
        _require_choice("preprocess", self.preprocess, get_args(Preprocess))
        _require_choice("search", self.search, get_args(SearchMethod))
        if not (math.isfinite(self.jitter) and 0.0 <= self.jitter <= 0.1):
            raise UsageError(f"jitter is {self.jitter}; it must lie between 0 and 0.1", hint="try 1e-8")


@dataclass(frozen=True, kw_only=True)
class MixedKsgConfig:
    """The nearest-neighbour estimator for mixtures of discrete and continuous values; fields as in `KsgConfig`.

    >>> MixedKsgConfig(preprocess="log")
    Traceback (most recent call last):
    minecli.errors.UsageError: preprocess is 'log'; it must be one of 'rank', 'standardize', 'none'
    """

    k: int = 3
    preprocess: Preprocess = "rank"
    interval: bool = True
    search: SearchMethod = "auto"

    def __post_init__(self) -> None:
        _require_neighbours(self.k)
        _require_choice("preprocess", self.preprocess, get_args(Preprocess))
        _require_choice("search", self.search, get_args(SearchMethod))


@dataclass(frozen=True, kw_only=True)
class GaussianConfig:
    """Mutual information of the Gaussian with the sample's correlations.

    `preprocess` "rank" gives the Gaussian copula: columns become normal scores first. `bias_correction` subtracts
    the expected excess of the plug-in value at the sample's size.

    >>> GaussianConfig().preprocess
    'none'
    """

    preprocess: Literal["rank", "none"] = "none"
    bias_correction: bool = True

    def __post_init__(self) -> None:
        _require_choice("preprocess", self.preprocess, ("rank", "none"))


@dataclass(frozen=True, kw_only=True)
class PlugInConfig:
    """Mutual information of the table of the levels of two discrete groups.

    `correction` says what is done against the bias of few rows per cell: "chao-wang-jost" reckons with cells that were
    not seen, "miller-madow" with those seen alone, "none" gives the value of the counts as they are.

    >>> PlugInConfig(correction="jackknife")
    Traceback (most recent call last):
    minecli.errors.UsageError: correction is 'jackknife'; it must be one of 'chao-wang-jost', 'miller-madow', 'none'
    """

    correction: Correction = "chao-wang-jost"

    def __post_init__(self) -> None:
        _require_choice("correction", self.correction, get_args(Correction))


def _require_neighbours(k: object) -> None:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise UsageError(f"k is {k!r}; it must be a whole number of at least 1", hint="try 3")


def _require_decays(decays: object) -> None:
    if not isinstance(decays, tuple | list) or not 1 <= len(decays) <= MOST_MEMBERS:
        raise UsageError(f"weight_decays is {decays!r}; it must be 1 to {MOST_MEMBERS} numbers")
    for decay in decays:
        require_number("weight_decays", decay, least=0.0, below=100.0)


def _require_choice(field: str, value: object, allowed: Sequence[object]) -> None:
    if value not in allowed or isinstance(value, bool):
        choices = ", ".join(repr(choice) for choice in allowed)
        raise UsageError(f"{field} is {value!r}; it must be one of {choices}")


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
    minecli.errors.UsageError: folds is 1; it must be a whole number of at least 2
    """

    # The name the estimates bear, and the fields that mean nothing under the class's bound.
    estimator: ClassVar[str] = "mine"
    unused: ClassVar[tuple[str, ...]] = ()

    preprocess: Preprocess = "rank"
    protocol: Literal["held-out", "paper"] = "held-out"
    folds: int = 5
    repeats: int = 1
    target_precision: float | None = None
    max_repeats: int = 10
    weight_decays: tuple[float, ...] = (0.1, 1.0)
    precision: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_choice("preprocess", self.preprocess, get_args(Preprocess))
        _require_choice("protocol", self.protocol, ("held-out", "paper"))
        _require_choice("precision", self.precision, ("float32", "float64"))
        require_whole("folds", self.folds, least=2)
        require_whole("repeats", self.repeats, least=1)
        require_whole("max_repeats", self.max_repeats, least=1)
        if self.target_precision is not None:
            self._require_reachable(self.target_precision)
        _require_decays(self.weight_decays)
        # A run folder holds a list.
        object.__setattr__(self, "weight_decays", tuple(self.weight_decays))

    def _require_reachable(self, target: float) -> None:
        require_number("target_precision", target, above=0.0)
        if self.protocol == "paper":
            raise UsageError(
                "target_precision does not go with the paper's protocol, whose interval does not cover the MI",
                hint="use --protocol held-out",
            )
        if self.max_repeats < self.repeats:
            raise UsageError(
                f"max_repeats is {self.max_repeats}, below repeats, which is {self.repeats}",
                hint=f"add --max-repeats {self.repeats}",
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
    minecli.errors.UsageError: clip is 0.0; it must be a number above 0
    """

    estimator: ClassVar[str] = "smile"
    unused: ClassVar[tuple[str, ...]] = ("ema_decay",)

    bound: str = "smile"
    clip: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("clip", self.clip, above=0.0)

    def objective(self) -> Objective:
        """SMILE with this clip; loads torch."""
        from minecli.mine.objectives import smile_objective

        return smile_objective(self.clip)
