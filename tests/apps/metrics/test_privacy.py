"""Distances to the closest record: copies are found, strangers are not, and the scale is what it says."""

import io

import numpy as np
import pytest

from minecli.apps.datasets.coded_rows import CodedRows
from minecli.apps.datasets.evaluated_rows import CommonScale
from minecli.apps.metrics.privacy import ClosestRecords, closest
from minecli.tables.groups import load_group
from minecli.tables.wanted import Wanted


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    lines = [
        f"{rng.normal():.4f},{rng.choice(['u', 'v', 'w'])},{rng.choice(['no', 'yes'])},{rng.normal():.4f}"
        for _ in range(600)
    ]
    lines[::10] = [line.rsplit(",", 1)[0] + "," for line in lines[::10]]
    text = "a,b,c,d\n" + "\n".join(lines) + "\n"
    return CodedRows.of(load_group("-", ["*"], Wanted(missing="learn"), stdin=io.BytesIO(text.encode())))


def test_two_rows_differ_by_the_mean_over_columns(rows):
    """By hand: numbers by their ranks, categories and what is missing by 0 or 1."""
    scale = CommonScale.of(rows.columns, rows.real)
    columns = pa_columns(rows)
    ordered = np.sort(rows.real[:, 0])
    filled = np.sort(rows.real[:, rows.columns[3].places.start])

    def rank(ordered, value):
        return (np.searchsorted(ordered, value, "left") + np.searchsorted(ordered, value, "right")) / 2 / len(ordered)

    for i, j in ((0, 1), (0, 10), (3, 20), (4, 4), (10, 20)):
        apart = abs(rank(ordered, columns["a"][i]) - rank(ordered, columns["a"][j]))
        apart += (columns["b"][i] != columns["b"][j]) + (columns["c"][i] != columns["c"][j])
        one, two = columns["d"][i], columns["d"][j]
        if one is None or two is None:
            apart += one is not two
        else:
            apart += abs(rank(filled, one) - rank(filled, two))
        assert closest(scale(rows.real[[i]]), scale(rows.real[[j]]))[0] == pytest.approx(apart / 4, abs=1e-9)


def pa_columns(rows):
    return {name: column.to_pylist() for name, column in rows.arrow_rows(rows.real).items()}


def test_copies_are_found_and_unseen_rows_are_no_copies(rows):
    learnt, held_out = rows.real[:300], rows.real[300:]
    records = ClosestRecords(rows.columns, learnt, held_out)
    copied = records.of(learnt)
    assert (copied["copies"], copied["median_distance"], copied["nearer_training"]) == (1.0, 0.0, 1.0)
    half = records.of(np.concatenate([learnt[:100], held_out[:100]]))
    assert half["copies"] == 0.5
    assert half["nearer_training"] == 0.5
    unseen = records.of(held_out, unseen=True)
    assert unseen["copies"] == 0.0
    assert unseen["median_distance"] > 0.0
    assert unseen["nearer_training"] is None


def test_rows_near_the_learnt_ones_are_nearer_to_them(rows):
    learnt, held_out = rows.real[:300], rows.real[300:]
    moved = learnt.copy()
    moved[:, 0] += 1e-4
    report = ClosestRecords(rows.columns, learnt, held_out).of(moved)
    assert report["nearer_training"] > 0.9
