"""The rows of a table as the models see them: which rows, in what form, on which device.

Features are computed once and kept where training visits each row at least twice and the features fit into
`CACHE_BYTES`, and otherwise for each batch anew, so that a table of any length trains in bounded memory. The numbers
are the same to the last bit. Those of the validation part are always kept: every evaluation of the networks needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.estimators.neural.features import FeatureMap
from minecli.mine.evaluation import Rows, score_matrix
from minecli.mine.fitting import ValidationRows
from minecli.mine.sampling import random_shifts
from minecli.runtime.memory import available_bytes
from minecli.runtime.seeds import generator, torch_generator
from minecli.tables.splitting import Part, cross_fit, everything, random_order

if TYPE_CHECKING:
    from minecli.estimators.config import MineConfig
    from minecli.mine.objectives import Objective
    from minecli.mine.statistics_network import StatisticsNetwork

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer[Any]]

# Each part has its own features of all rows, so that all together are many times the table: never more than this, nor
# than a quarter of what is free.
CACHE_BYTES = 2**30
CACHE_SHARE = 4
LEAST_VISITS = 2
# Values that are mapped at a time: what lies between rows and features takes several times their room.
CHUNK_VALUES = 2**20
# Up to here every epoch visits each training row once; beyond, batches are drawn with replacement, which makes no
# difference any more and needs no permutation of millions of rows.
LONGEST_EPOCH = 2**20
# Re-paired rows of the validation part per evaluation in training: their noise must stay below that of the rows.
VALIDATION_PAIRS = 16_384
# So many times as many where networks are combined, which is done once; no row is worth more than so many.
COMBINING_FACTOR = 8
MOST_VALIDATION_SHIFTS = 64


def split_rows(rows: int, config: MineConfig, seed: int) -> list[Part]:
    """The parts of one repeat: the folds, or, under the paper's protocol, all rows."""
    draws = generator(seed, "split")
    if config.protocol == "paper":
        return [everything(rows, draws)]
    return cross_fit(rows, config.folds, draws).parts()


@dataclass(frozen=True, kw_only=True)
class Batching:
    """How rows become the models' tensors.

    Attributes:
        batch_size: rows of a training step, fewer where there are not two such batches.
        seed: names the random streams.
        dtype: of the features.
        device: where they are.
        members: models per part, side by side: model i belongs to part i // members.
        tables: how many tables share the memory for features that stay there.
        steps: how many batches will be asked for at most (None: nobody knows).
    """

    batch_size: int
    seed: int
    dtype: torch.dtype = torch.float32
    device: str = "cpu"
    members: int = 1
    tables: int = 1
    steps: int | None = None


class ModelRows:
    """Batches for training, and the validation and held-out parts, as feature tensors.

    Args:
        x: shape (n, d_x).
        z: shape (n, d_z).
        split: the parts.
        maps: the feature maps of x and z, one pair per part.
        how: batches, streams, device, models per part.
    """

    def __init__(
        self,
        x: Array,
        z: Array,
        split: Sequence[Part],
        maps: Sequence[tuple[FeatureMap, FeatureMap]],
        how: Batching,
    ) -> None:
        self.x, self.z, self.split, self.maps = x, z, split, maps
        self.members, self.seed, self.dtype, self.device = how.members, how.seed, how.dtype, how.device
        self.training_rows = min(part.training_rows for part in split)
        # Two batches per epoch at least: a batch of nearly all rows would be the same batch at every step.
        self.batch_size = max(2, min(how.batch_size, self.training_rows // 2))
        self._cache = self._all_features() if self._worth_keeping(how.steps, how.tables) else None
        self._epoch: tuple[int, Indices] | None = None

    def _worth_keeping(self, steps: int | None, tables: int) -> bool:
        """Whether the features of all rows are used often enough, and leave enough memory."""
        often = steps is None or steps * self.batch_size >= LEAST_VISITS * self.training_rows
        if not often or self.training_rows > LONGEST_EPOCH:
            return False
        free = available_bytes() if self.device == "cpu" else None
        most = CACHE_BYTES if free is None else min(CACHE_BYTES, free // CACHE_SHARE)
        values = len(self.split) * len(self.x) * sum(side.width for side in self.maps[0])
        size: int = values * torch.finfo(self.dtype).bits // 8
        return size <= most // tables

    def _all_features(self) -> tuple[Tensor, Tensor]:
        """Of all rows, as every part sees them, shapes (parts, n, features)."""
        return self._mapped([np.arange(len(self.x))] * len(self.maps), range(len(self.maps)))

    def features(self, rows: Sequence[Indices], parts: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
        """Features of `rows[i]` as part `parts[i]` sees them, shapes (len(rows), b, features)."""
        parts = range(len(rows)) if parts is None else parts
        if self._cache is None:
            return self._mapped(rows, parts)
        at = torch.from_numpy(np.stack(rows)).to(self.device)
        which = torch.tensor(list(parts), device=self.device)[:, None]
        return self._cache[0][which, at], self._cache[1][which, at]

    def _mapped(self, rows: Sequence[Indices], parts: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Those features, computed from a few rows at a time."""
        sides = []
        for side, values in enumerate((self.x, self.z)):
            width = self.maps[0][side].width
            features = torch.empty(len(rows), len(rows[0]), width, dtype=self.dtype, device=self.device)
            step = max(1, CHUNK_VALUES // width)
            for part, chosen, of_part in zip(parts, rows, features, strict=True):
                for start in range(0, len(chosen), step):
                    some = slice(start, start + step)
                    of_part[some] = torch.from_numpy(self.maps[part][side](values[chosen[some]]))
            sides.append(features)
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
            orders = np.empty((len(self.split), self.training_rows), dtype=np.int32)  # no epoch is longer than 2^20
            for order in orders:
                order[:] = random_order(self.training_rows, draws)
            self._epoch = (epoch, orders)
        return self._epoch[1][:, place * self.batch_size : (place + 1) * self.batch_size]

    def validation_scores(self, network: StatisticsNetwork, shifts: int) -> Tensor:
        """Scores of the validation part with so many re-pairings per row, joint pairs first, in nats, shape
        (models, 1 + shifts, rows)."""
        rows = len(self.split[0].validation)
        each = [0, *random_shifts(rows, shifts, torch_generator(self.seed, "validation"))]
        scores, members = [], self.members
        # One part after the other: the pairs of all would take several times the room of their features.
        for part, (x, z) in enumerate(zip(*self._validation_features, strict=True)):
            own = network.select(range(part * members, (part + 1) * members))
            scores.append(score_matrix(own, x.expand(members, -1, -1), z.expand(members, -1, -1), each))
        return torch.cat(scores)

    @cached_property
    def _validation_features(self) -> tuple[Tensor, Tensor]:
        """Shapes (parts, rows, features)."""
        return self.features([part.validation for part in self.split])

    def validation(self, objective: Objective) -> ValidationRows:
        """The validation part of every model, for an objective."""
        rows = len(self.split[0].validation)

        def shifts(factor: int) -> int:
            return min(max(factor * VALIDATION_PAIRS // rows, 2), MOST_VALIDATION_SHIFTS)

        stopping = shifts(min(objective.pairs_factor, COMBINING_FACTOR))
        return ValidationRows(self.validation_scores, objective, stopping, shifts(COMBINING_FACTOR))

    def of_part(self, part: int, rows: Indices) -> Rows:
        """Features of a slice of `rows` as the models of one part see them, shapes (1, b, features)."""
        return lambda where: self.features([rows[where]], [part])
