"""The rows of a table as the models see them: which rows, in what form, on which device.

Features are computed once and kept where rows are visited more than once and the features fit into `CACHE_BYTES`, and
otherwise for each batch anew, so that a table of any length trains in bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.estimators.features import FeatureMap
from minecli.mine.evaluation import criterion_of, score_matrix
from minecli.mine.sampling import random_shifts
from minecli.runtime.seeds import generator, torch_generator
from minecli.tables.splitting import CrossFit, cross_fit, random_order

if TYPE_CHECKING:
    from minecli.estimators.config import MineConfig
    from minecli.mine.objectives import Objective
    from minecli.mine.statistics_network import StatisticsNetwork

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer[Any]]

CACHE_BYTES = 2 * 2**30
# Up to here every epoch visits each training row once; beyond, batches are drawn with replacement, which makes no
# difference any more and needs no permutation of millions of rows.
LONGEST_EPOCH = 2**20
# Re-pairings of the validation part per look: enough that their noise stays below that of the rows.
VALIDATION_PAIRS = 16_384


@dataclass(frozen=True)
class Part:
    """The rows of one or more models. Training rows are asked for by place, so that they need not all be listed."""

    training_rows: int
    training: Callable[[Indices], Indices]
    validation: Indices
    held_out: Indices


def split_rows(rows: int, config: MineConfig, seed: int) -> list[Part]:
    """The parts of one repeat: the folds, or, under the paper's protocol, all rows."""
    draws = generator(seed, "split")
    if config.protocol == "paper":
        # In random order, like the folds: rows that lie together in a sorted table must not be re-paired together.
        return [_everything(random_order(rows, draws))]
    cross = cross_fit(rows, config.folds, draws)
    return [_fold(cross, k) for k in range(config.folds)]


def _everything(order: Indices) -> Part:
    return Part(len(order), order.take, order[:0], order)


def _fold(cross: CrossFit, k: int) -> Part:
    return Part(cross.training_rows, lambda places: cross.training(k, places), cross.validation(k), cross.held_out(k))


class ModelRows:
    """Batches for training, and the validation and held-out parts, as feature tensors.

    There are `members` models per part, side by side: model i belongs to part i // members. The memory for cached
    features is shared between `tables`.
    """

    def __init__(
        self,
        x: Array,
        z: Array,
        split: Sequence[Part],
        maps: Sequence[tuple[FeatureMap, FeatureMap]],
        batch_size: int,
        seed: int,
        dtype: torch.dtype,
        device: str,
        members: int = 1,
        tables: int = 1,
    ) -> None:
        self.members = members
        self.x, self.z, self.split, self.maps, self.seed = x, z, split, maps, seed
        self.dtype, self.device = dtype, device
        self.training_rows = min(part.training_rows for part in split)
        # Two batches per epoch at least: a batch of nearly all rows would be the same batch at every step.
        self.batch_size = max(2, min(batch_size, self.training_rows // 2))
        self._cache: tuple[Tensor, Tensor] | None = None
        width = maps[0][0].width + maps[0][1].width
        size = len(split) * len(x) * width * torch.finfo(dtype).bits // 8
        if self.training_rows <= LONGEST_EPOCH and size <= CACHE_BYTES // tables:
            self._cache = self._all_features()
        self._epoch: tuple[int, Indices] | None = None

    def _all_features(self) -> tuple[Tensor, Tensor]:
        sides = []
        for side, values in enumerate((self.x, self.z)):
            kept = torch.empty(len(self.maps), len(values), self.maps[0][side].width, dtype=self.dtype)
            for m, maps in enumerate(self.maps):
                kept[m] = torch.from_numpy(maps[side](values))
            sides.append(kept.to(self.device))
        return sides[0], sides[1]

    def features(self, rows: Sequence[Indices], parts: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
        """Features of `rows[i]` as part `parts[i]` sees them, shapes (len(rows), b, features)."""
        parts = range(len(rows)) if parts is None else parts
        if self._cache is not None:
            at = torch.from_numpy(np.stack(rows)).to(self.device)
            which = torch.tensor(list(parts), device=self.device)[:, None]
            return self._cache[0][which, at], self._cache[1][which, at]
        sides = []
        for side, values in enumerate((self.x, self.z)):
            mapped = np.stack([self.maps[m][side](values[r]) for m, r in zip(parts, rows, strict=True)])
            sides.append(torch.from_numpy(mapped).to(self.dtype).to(self.device))
        return sides[0], sides[1]

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """The training rows of a step, for every model; the same step always gives the same rows."""
        places = self._places(step)
        return self._for_members(*self.features([p.training(at) for p, at in zip(self.split, places, strict=True)]))

    def _for_members(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        return x.repeat_interleave(self.members, 0), z.repeat_interleave(self.members, 0)

    def _places(self, step: int) -> Indices:
        if self.training_rows > LONGEST_EPOCH:
            draws = generator(self.seed, "step", step)
            return draws.integers(0, self.training_rows, (len(self.split), self.batch_size))
        steps_per_epoch = self.training_rows // self.batch_size
        epoch, place = divmod(step, steps_per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            draws = generator(self.seed, "epoch", epoch)
            orders = np.stack([draws.permutation(self.training_rows) for _ in self.split])
            self._epoch = (epoch, orders)
        return self._epoch[1][:, place * self.batch_size : (place + 1) * self.batch_size]

    def validation_scores(self, network: StatisticsNetwork, pairs: int = 8 * VALIDATION_PAIRS) -> Tensor:
        """Scores of the validation part, joint pairs first, shape (models, 1 + shifts, rows)."""
        parts = [part.validation for part in self.split]
        rows = len(parts[0])
        draws = torch_generator(self.seed, "validation")
        shifts = random_shifts(rows, min(max(pairs // rows, 2), 64), draws)
        return score_matrix(network, *self._for_members(*self.features(parts)), [0, *shifts])

    def validation(self, objective: Objective) -> Callable[[StatisticsNetwork], Tensor]:
        """The criterion on the validation part, shape (models,), as a function of the network."""
        pairs = VALIDATION_PAIRS * min(objective.pairs_factor, 8)
        return lambda network: criterion_of(self.validation_scores(network, pairs), objective)

    def of_part(self, part: int, rows: Indices, models: int) -> Callable[[slice], tuple[Tensor, Tensor]]:
        """Features of a slice of `rows` as so many models of one part see them, shapes (models, b, features)."""

        def sliced(where: slice) -> tuple[Tensor, Tensor]:
            x, z = self.features([rows[where]], [part])
            return x.expand(models, -1, -1), z.expand(models, -1, -1)

        return sliced
