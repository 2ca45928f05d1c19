"""A user's table as what a GAN is trained on and measured by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from minecli.apps.datasets.coded_rows import CodedRows
from minecli.apps.datasets.table_coding import Choices
from minecli.apps.datasets.table_rows import TableRows, split_of
from minecli.apps.gan.config import GanRequest
from minecli.apps.metrics import privacy, two_sample, utility
from minecli.apps.metrics.privacy import ClosestRecords
from minecli.apps.metrics.two_sample import TableDistances, two_sample_report
from minecli.apps.metrics.utility import Utility
from minecli.runtime.seeds import generator
from minecli.tables.groups import OneGroup
from minecli.tables.kinds import Array

_MOST_HELD_OUT = 5000
_MOST_NOISE = 20_000
REAL, NOISE = "real", "noise"

Numbers = npt.NDArray[np.int64]
Table = TableRows | CodedRows


def choices_of(table: Table | None) -> Choices | None:
    """The choices among the features of a user's table; None where there is no table, or it is not coded."""
    return table.coding.choices if isinstance(table, CodedRows) else None


@dataclass(frozen=True)
class OwnTable:
    """The rows of a table, the numbers of those `learnt` and of those `held_out`, facts about them, and what models are
    worth that learn from generated rows.

    Beside what a generator makes stand two references: rows that are held out ("real"), and the learnt rows with every
    column shuffled by itself ("noise"), which have the right distribution of each column and no dependence.
    """

    rows: Table
    learnt: Numbers
    held_out: Numbers
    facts: dict[str, Any]
    utility: Utility

    @classmethod
    def of(cls, one: OneGroup, request: GanRequest) -> OwnTable:
        """Split a table that was read, and measure the references by what is cheap.

        Raises:
            DataError: values beyond 1e100 in size.
            UsageError: the target of utility is no column that can be predicted.
        """
        learnt, held_out, facts = split_of(one, _MOST_HELD_OUT)
        rows = CodedRows.of(one, learnt) if request.config.coding == "choices" else TableRows.of(one)
        targets = utility.targets_of(rows.columns, request.utility_target)
        own = cls(rows, learnt, held_out, facts, Utility(rows.columns, targets, rows.real[learnt], rows.real[held_out]))
        measured = {NOISE: own.noise, REAL: rows.real[held_out]}
        facts["references"] = {name: own.distances.of_rows(each) for name, each in measured.items()}
        return own

    @cached_property
    def distances(self) -> TableDistances:
        """The live comparison of generated features with the real rows."""
        return TableDistances(self.rows)

    @cached_property
    def noise(self) -> Array:
        """Learnt rows, 20,000 at most, with the values of each column of the file shuffled by themselves, (n, d)."""
        draws = generator(0, "gan", "reference", "table")
        chosen = self.learnt
        if len(chosen) > _MOST_NOISE:
            chosen = draws.permutation(chosen)[:_MOST_NOISE]
        noise = self.rows.real[chosen]
        for column in self.rows.columns:
            noise[:, column.all_places] = noise[draws.permutation(len(noise))][:, column.all_places]
        return noise

    def features(self, device: str) -> Tensor:
        """The rows that are learnt as features, (n, width), on a device."""
        return self.rows.features[torch.from_numpy(self.learnt)].to(device)

    def report(self, samples: npt.NDArray[np.float32]) -> dict[str, Any]:
        """Generated features (k, width) against held-out rows: column by column and jointly (`two_sample_report`); what
        a model learns from them (`Utility`), None without scikit-learn; and how near they come to the learnt rows
        (`ClosestRecords`); the latter two beside those of the references."""
        made = self.rows.values(samples)
        compared = two_sample_report(self.rows.real[self.held_out], made, self.rows.names, 0)
        return compared | {
            "utility": self.utility.of(made) if utility.available() else None,
            "privacy": self._records.of(made),
            "references": self._references,
        }

    @cached_property
    def _records(self) -> ClosestRecords:
        return ClosestRecords(self.rows.columns, self.rows.real[self.learnt], self.rows.real[self.held_out])

    @cached_property
    def _references(self) -> dict[str, dict[str, Any]]:
        learnt, held_out = (self.rows.real[part] for part in (self.learnt, self.held_out))
        there = utility.available()
        return {
            NOISE: {"utility": self.utility.of(self.noise) if there else None, "privacy": self._records.of(self.noise)},
            REAL: {
                "utility": self.utility.of(learnt) if there else None,
                "privacy": self._records.of(held_out, unseen=True),
            },
        }


DEFINITIONS: Mapping[str, str] = {
    **two_sample.DEFINITIONS,
    **{f"utility.{name}": text for name, text in utility.DEFINITIONS.items()},
    **{f"privacy.{name}": text for name, text in privacy.DEFINITIONS.items()},
}
