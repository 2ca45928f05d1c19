"""Train on generated rows, test on real ones: what is learnt, what is not, and which columns can be asked for."""

import io

import numpy as np
import pytest

from minecli.apps.datasets.coded_rows import CodedRows
from minecli.apps.metrics import utility
from minecli.apps.metrics.utility import Utility, targets_of
from minecli.errors import UsageError
from minecli.tables.groups import load_group
from minecli.tables.wanted import Wanted

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(600):
        x = rng.normal()
        city = "u" if x < -0.5 else "v" if x < 0.5 else "w"
        lines.append(f"{x:.4f},{city if rng.random() < 0.9 else ''},{x > 0},{2 * x:.4f},same")
    text = "a,b,c,d,e\n" + "\n".join(lines) + "\n"
    return CodedRows.of(load_group("-", ["*"], Wanted(missing="learn"), stdin=io.BytesIO(text.encode())))


def scores(rows, made, target=None):
    columns = rows.columns
    return Utility(columns, targets_of(columns, target), rows.real[:400], rows.real[400:]).of(made)


def test_real_rows_teach_what_shuffled_ones_do_not(rows):
    # Many shuffled rows: the columns agree so well that of few the slightest relation by chance would be amplified.
    shuffled = np.tile(rows.real[:400], (5, 1))
    draws = np.random.default_rng(1)
    for column in rows.columns:
        shuffled[:, column.all_places] = shuffled[draws.permutation(len(shuffled))][:, column.all_places]
    assert [target.name for target in targets_of(rows.columns, None)] == ["a", "b", "c", "d"]
    for target in ("b", "d"):
        ((good,), (bad,)) = (scores(rows, made, target) for made in (rows.real[:400], shuffled))
        assert good["target"] == target
        for name in set(good) - {"target"}:
            assert good[name] > 0.85, (good, bad)
            assert bad[name] < 0.7, (good, bad)


def test_a_target_is_no_feature_of_its_own(rows):
    """Columns that agree in nothing: a target among the features would be predicted without an error."""
    draws = np.random.default_rng(2)
    alone = rows.real[:400].copy()
    alone[:, rows.columns[1].all_places] = alone[draws.permutation(400)][:, rows.columns[1].all_places]
    found = Utility(rows.columns, targets_of(rows.columns, "b"), alone[:300], alone[300:]).of(alone[:300])
    assert found[0]["accuracy"] < 0.6


def test_one_level_alone_has_no_curve_and_scores_its_share(rows):
    only = rows.real[:400][rows.real[:400, 3] > 0.5]
    (found,) = scores(rows, only, "b")
    truth = rows.columns[1].levels(rows.real[400:]).mean(axis=0)
    assert found["accuracy"] == pytest.approx(truth[2])
    assert found["auc"] == pytest.approx(0.5)


def test_numbers_of_any_size_have_a_score(rows):
    huge = rows.real * 1.0
    huge[:, 0] *= 1e90
    found = Utility(rows.columns, targets_of(rows.columns, "a"), huge[:400], huge[400:]).of(huge[:400])
    assert found[0]["r2"] > 0.9


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("bb", r"--utility-target is 'bb'; --x selects 'a', 'b', 'c', 'd', 'e' \(did you mean b\?\)"),
        ("e", "'e', which holds the same value in every row"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_refused(rows, target, message):
    with pytest.raises(UsageError, match=message):
        targets_of(rows.columns, target)


def test_five_columns_are_predicted_where_none_is_named(rows):
    assert len(targets_of(rows.columns * 3, None)) == utility.TARGETS
    assert targets_of(rows.columns[:1], None) == []
