"""Whether generated rows are as good as real ones to learn from: a model for a column is trained on them and tested on
real rows that neither it nor the generator has seen (Esteban, Hyland and Rätsch, "Real-valued (medical) time series
generation with recurrent conditional GANs", 2017: "train on synthetic, test on real").

The model is scikit-learn's forest of 100 extremely randomised trees with its own defaults, but for leaves of at least
three rows, because it needs no tuning; with the extra `utility`. Features are all other columns, numbers by their ranks
among the learnt rows, since such trees split a range at random.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minecli.apps.datasets.evaluated_rows import CommonScale, TableColumn
from minecli.errors import UsageError
from minecli.runtime.seeds import child_seed, generator
from minecli.tables.kinds import Array
from minecli.tables.selectors.wording import nearest, quoted

# Of a table that names no target, so many columns are predicted in turn, the first that can be.
TARGETS = 5
ROWS = 5000
_TREES, _LEAF = 100, 3

DEFINITIONS = {
    "accuracy": "share of held-out rows whose level is predicted by a forest trained on these rows",
    "auc": "area under the receiver operating characteristic, mean over levels against all others",
    "r2": "1 - squared error / variance of held-out rows, of a number",
}


def available() -> bool:
    """Whether scikit-learn is installed."""
    return importlib.util.find_spec("sklearn") is not None


def targets_of(columns: Sequence[TableColumn], wanted: str | None) -> list[TableColumn]:
    """The columns that are predicted in turn: the one that is wanted, or the first that are categories or numbers.

    Raises:
        UsageError: there is no such column, or it is constant or a list.
    """
    possible = [column for column in columns if column.is_category or column.is_number]
    if wanted is None:
        return possible[:TARGETS] if len(columns) > 1 else []
    names = [column.name for column in columns]
    if wanted not in names:
        close = nearest(wanted, names)
        raise UsageError(
            f"--utility-target is '{wanted}'; --x selects {quoted(names)}",
            hint=f"did you mean {close[0]}?" if close else "name one of them",
        )
    chosen = [column for column in possible if column.name == wanted]
    if not chosen:
        what = "lists" if columns[names.index(wanted)].origin.kind == "list" else "the same value in every row"
        raise UsageError(f"--utility-target is '{wanted}', which holds {what}", hint="name another column")
    return chosen


@dataclass(frozen=True)
class Utility:
    """What models are worth that are trained to predict `targets` of a table and tested on its `held_out` rows, (n, d);
    `learnt` are the rows that the generator knows, (m, d).

    Example: `Utility(columns, targets_of(columns, "income"), learnt, held_out).of(made)` gives
    `[{"target": "income", "r2": 0.71}]`.
    """

    columns: Sequence[TableColumn]
    targets: Sequence[TableColumn]
    learnt: Array
    held_out: Array

    def of(self, rows: Array) -> list[dict[str, Any]]:
        """The scores of models trained on rows (k, d), of which at most 5,000 are used, for each target: "accuracy"
        and "auc" of a category, "r2" of a number; None where that cannot be computed."""
        order = generator(0, "utility", "rows").permutation(len(rows))[:ROWS]
        return [{"target": target.name, **self._scores(target, rows[order])} for target in self.targets]

    def _scores(self, target: TableColumn, rows: Array) -> dict[str, float | None]:
        features = CommonScale.of([column for column in self.columns if column.name != target.name], self.learnt)
        if target.is_category:
            # The last of equal ones would be 0 for rows without any level.
            known, truth = (target.levels(each).argmax(axis=1) for each in (rows, self.held_out))
            return _of_levels(features(rows), known, features(self.held_out), truth)
        there, tested = (target.absent(each) < 0.5 for each in (rows, self.held_out))
        known, truth = rows[there, target.places.start], self.held_out[tested, target.places.start]
        return _of_numbers(features(rows[there]), known, features(self.held_out[tested]), truth)


Codes = npt.NDArray[np.int64]


def _of_levels(x: Array, y: Codes, x_unseen: Array, truth: Codes) -> dict[str, float | None]:
    from sklearn.ensemble import ExtraTreesClassifier

    model = ExtraTreesClassifier(_TREES, min_samples_leaf=_LEAF, random_state=_seed()).fit(x, y)
    shares = np.zeros((len(truth), int(max(y.max(), truth.max())) + 1))
    shares[:, model.classes_] = model.predict_proba(x_unseen)
    return {"accuracy": float((shares.argmax(axis=1) == truth).mean()), "auc": _auc(shares, truth)}


def _auc(shares: Array, truth: Codes) -> float | None:
    """The mean over levels that some held-out rows have and some have not."""
    from scipy.stats import rankdata

    values = []
    for level in np.unique(truth):
        own = truth == level
        if not own.all():
            ranks = rankdata(shares[:, level])[own]
            positive, negative = own.sum(), (~own).sum()
            values.append((ranks.sum() - positive * (positive + 1) / 2) / (positive * negative))
    return float(np.mean(values)) if values else None


def _of_numbers(x: Array, y: Array, x_unseen: Array, truth: Array) -> dict[str, float | None]:
    from sklearn.ensemble import ExtraTreesRegressor

    if len(y) < 2 or len(truth) < 2 or truth.min() == truth.max():
        return {"r2": None}
    # In units of the truth, whose squares could be beyond all numbers.
    centre, unit = truth.mean(), np.abs(truth - truth.mean()).max()
    model = ExtraTreesRegressor(_TREES, min_samples_leaf=_LEAF, random_state=_seed()).fit(x, (y - centre) / unit)
    left, spread = (truth - centre) / unit - model.predict(x_unseen), (truth - centre) / unit
    return {"r2": float(1.0 - (left**2).sum() / (spread**2).sum())}


def _seed() -> int:
    return child_seed(0, "utility", "forest") % 2**32
