r"""I(X;Z) of encoders that are done, by networks that the encoders were not trained against.

The bound that an encoder was trained to lower is no measure of what it keeps: it has learnt to evade that very network.
Here fresh networks are trained on the encoder's training rows and evaluated on rows held out, with many re-pairings in
one logarithm. They see a row as its mean code: whatever T is a function of, the bound holds, and what a code says about
a row it says about that.

Of a Gaussian encoder without noise on its input q(z|x) is known, and the information lies, up to the chance of n rows,
between (Poole et al., 2019, section 2.3)

.. math:: E \log \frac{q(z_i|x_i)}{\frac1n \sum_j q(z_i|x_j)} \le I(X;Z)
          \le E \log \frac{q(z_i|x_i)}{\frac1{n-1} \sum_{j \ne i} q(z_i|x_j)}
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from minecli import events
from minecli.apps.ib.networks import Bottleneck, Coded, Noise, mean_codes
from minecli.apps.ib.training import IbTraining, divergence_from_prior
from minecli.mine.canonical import canonical_correlations
from minecli.mine.config import TrainingConfig
from minecli.mine.evaluation import bound_of, row_terms, score_matrix
from minecli.mine.sampling import random_shifts
from minecli.mine.statistics_network import GaussianBase, StatisticsNetwork
from minecli.mine.training import Training
from minecli.result import Status
from minecli.runtime.seeds import torch_generator

# Rows held out that are used at most: half of them stop the training, half are evaluated.
_MOST_ROWS = 4096
_SHIFTS_PER_ROW = 64
_VALIDATION_SHIFTS = 16
_HIDDEN = 128
_MOST_TRAINING_ROWS = 20_000
_BATCH = 256
# Held-out rows can certify ln n nats at the very most, and bounds fall short of the truth long before.
_CEILING_SHARE = 0.7
_AT_ONCE = 256
_KNOWN_DRAWS = 4
# Squares of smaller ones would leave the range of numbers; codes so far apart are told apart without doubt.
_LEAST_DEVIATION = 1e-5


@dataclass(frozen=True)
class Information:
    """What was found of one model, in nats.

    `nats` is the Donsker-Varadhan bound on rows that no network saw, with its standard error over rows; `status` says
    how the training of the network ended. `near_ceiling`: so much is beyond what so many rows can certify, and the
    truth may be far above. `low_nats` and `high_nats` bound I(X;Z) where q(z|x) is known, the latter being at most
    `divergence_nats`, the mean divergence from the prior; None elsewhere.
    """

    nats: float | None
    standard_error_nats: float | None
    status: str
    near_ceiling: bool
    ceiling_nats: float
    low_nats: float | None = None
    high_nats: float | None = None
    divergence_nats: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True)
class _Pairs:
    """Mean codes and codes of rows, both (models, n, k), in units in which a code's columns have a variance of 1."""

    means: Tensor
    codes: Tensor

    def rows(self, which: Any) -> _Pairs:
        return _Pairs(self.means[:, which], self.codes[:, which])


def measured_information(
    training: IbTraining,
    observer: events.Observer = events.ignore,
    should_stop: Callable[[], bool] = events.never,
) -> list[Information] | None:
    """Measure I(X;Z) of every model that a training has kept, on the rows it is judged by; None where stopped."""
    network: Any = training.last_finite["classifier"]
    held_out = training.held_out.x[:_MOST_ROWS].to(training.device)
    middle = len(held_out) // 2
    if middle < 2:
        return [Information(None, None, str(Status.NONFINITE), False, 0.0) for _ in training.seeds]
    seen, unseen = _pairs(training, training.train.x[:_MOST_TRAINING_ROWS], held_out)
    fitted = _fit(training, seen, unseen.rows(slice(None, middle)))
    status = fitted.run(f"I(X;Z) of {training.method}", observer, should_stop)
    if status is Status.INTERRUPTED:
        return None
    known = _known_bounds(network, held_out[middle:], training) if network.gaussian else None
    found = []
    for m in range(len(training.seeds)):
        if training.diverged_at[m] is not None:
            found.append(Information(None, None, str(Status.DIVERGED), False, 0.0))
            continue
        one = _evaluated(fitted, m, unseen.rows(slice(middle, None)), status)
        found.append(one if known is None else replace(one, **{name: v[m] for name, v in known.items()}))
    return found


@torch.no_grad()
def _pairs(training: IbTraining, seen: Tensor, unseen: Tensor) -> tuple[_Pairs, _Pairs]:
    """The mean codes and the codes of rows learnt from and of rows held out. A mean that held the code itself would say
    something about it that the row does not: it is of draws of its own, or, where it is known, exact."""
    network: Any = training.last_finite["classifier"]
    found = []
    for name, rows in (("seen", seen), ("unseen", unseen)):
        own, others = (Noise(training.seeds, training.device, "information", name, use) for use in ("code", "mean"))
        means, codes = [], []
        for part in torch.split(rows, _AT_ONCE):
            every = part.to(training.device).expand(len(training.seeds), *part.shape)
            codes.append(network.encode(every, own).z)
            means.append(mean_codes(network, every, others, training.config.test_draws))
        found.append(_Pairs(torch.cat(means, 1), torch.cat(codes, 1)))
    scale = found[0].codes.std(1, keepdim=True).clamp(min=1e-6)
    centre = found[0].codes.mean(1, keepdim=True)
    first, second = (_Pairs((p.means - centre) / scale, (p.codes - centre) / scale) for p in found)
    return first, second


def _fit(training: IbTraining, seen: _Pairs, stopping: _Pairs) -> Training:
    """The training of fresh networks, stopped by rows of their own."""
    steps, (models, count, width) = training.config.information_steps, seen.codes.shape
    settings = TrainingConfig(
        hidden=_HIDDEN, max_steps=steps, learning_rate=2e-3, batch_size=min(_BATCH, count),
        evaluate_every=max(1, steps // 20),
    )  # fmt: skip
    sides = ([side[m].double().cpu().numpy() for m in range(models)] for side in (seen.means, seen.codes))
    base = GaussianBase([canonical_correlations(x, z) for x, z in zip(*sides, strict=True)], count)
    draws = torch_generator(training.seeds[0], "ib", "information", "weights")
    network = StatisticsNetwork(
        models, width, width, hidden=_HIDDEN, layers=settings.layers, tower_layers=settings.tower_layers,
        ceiling=max(5.0, math.log(count)), base=base, generator=draws,
    )  # fmt: skip

    def batch(step: int) -> tuple[Tensor, Tensor]:
        streams = [torch_generator(seed, "ib", "information", "rows", step) for seed in training.seeds]
        rows = [torch.randint(count, (settings.batch_size,), generator=stream) for stream in streams]
        places = torch.stack(rows)[..., None].expand(-1, -1, width).to(seen.codes.device)
        return seen.means.gather(1, places), seen.codes.gather(1, places)

    def validate(network: StatisticsNetwork) -> Tensor:
        own = torch_generator(0, "ib", "information", "validation")
        shifts = random_shifts(stopping.codes.shape[1], _VALIDATION_SHIFTS, own)
        return bound_of(score_matrix(network, stopping.means, stopping.codes, [0, *shifts]), settings.objective())

    return Training(network.to(training.device), batch, validate, settings, training.seeds[0])


def _evaluated(fitted: Training, model: int, held_out: _Pairs, status: Status) -> Information:
    """One model's bound on rows that nothing has seen."""
    count = held_out.codes.shape[1]
    terms = row_terms(
        fitted.best.select([model]),
        lambda rows: (held_out.means[model : model + 1, rows], held_out.codes[model : model + 1, rows]),
        count,
        shifts_per_row=_SHIFTS_PER_ROW,
        weights=[1.0],
        objective=fitted.config.objective(),
        generator=torch_generator(fitted.seed, "ib", "information", "evaluation"),
        should_stop=events.never,
    )
    assert terms is not None
    ceiling = math.log(count)
    if not math.isfinite(terms.value_nats):
        return Information(None, None, str(Status.NONFINITE), False, ceiling)
    error = math.sqrt(float(terms.influence.var()) / count)
    return Information(terms.value_nats, error, str(status), terms.value_nats > _CEILING_SHARE * ceiling, ceiling)


@torch.no_grad()
def _known_bounds(network: Bottleneck, x: Tensor, training: IbTraining) -> dict[str, list[Any]]:
    """The bounds that need no network: those of the module's docstring, and the mean divergence from the prior."""
    noise = Noise(training.seeds, training.device, "information", "known")
    every = x.expand(len(training.seeds), *x.shape)
    drawn = [network.encode(every, noise) for _ in range(_KNOWN_DRAWS)]
    each = [[_contrasts(coded, m) for coded in drawn] for m in range(len(training.seeds))]
    low: list[Any]
    low, high = ([sum(pair[side] for pair in pairs) / len(pairs) for pairs in each] for side in (0, 1))
    coded = drawn[0]
    divergence = divergence_from_prior(coded).tolist()
    if network.additive:
        # What is known is q(z|x + noise): z may say more about that than about x. The bounds from above hold for both.
        low = [None for _ in low]
    found: dict[str, list[Any]] = {
        "low_nats": low,
        "high_nats": list(map(min, high, divergence)),
        "divergence_nats": divergence,
    }
    return {name: [None if v is None or not math.isfinite(v) else v for v in values] for name, values in found.items()}


def _contrasts(coded: Coded, model: int) -> tuple[float, float]:
    """Both bounds of the module's docstring by one draw of the codes."""
    assert coded.mean is not None
    assert coded.deviation is not None
    z, mean = coded.z[model].double(), coded.mean[model].double()
    deviation = coded.deviation[model].double().clamp(min=_LEAST_DEVIATION)
    every = torch.cat([_log_density(part, mean, deviation) for part in torch.split(z, _AT_ONCE)])
    own, others = every.diagonal(), every.clone().fill_diagonal_(-math.inf)
    low = float((own - every.logsumexp(1)).mean()) + math.log(len(z))
    return low, float((own - others.logsumexp(1)).mean()) + math.log(len(z) - 1)


def _log_density(z: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """log q(z_i|x_j) without its constant, (b, n), of codes (b, k) and the moments of n rows, (n, k)."""
    precision = deviation.pow(-2)
    squares = z.square() @ precision.T - 2.0 * z @ (mean * precision).T + (mean.square() * precision).sum(1)
    return -0.5 * squares - deviation.log().sum(1)
