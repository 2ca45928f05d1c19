"""The kind of a column's values: levels, atoms, and ties that are no more than chance."""

from __future__ import annotations

import numpy as np
import pytest

from minecli.tables.value_kinds import Ties, ValueKind, kinds_of_columns, levels, value_kind

CONTINUOUS, ATOMS, DISCRETE = ValueKind


def normals(rows: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(rows)


def mixed(values: np.ndarray, share: float, atom: float = 0.0) -> np.ndarray:
    """The values with so large a share of them at one place."""
    return np.where(np.random.default_rng(1).random(len(values)) < share, atom, values)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.full(9, 3.0), DISCRETE),
        (np.array([1.0]), DISCRETE),
        (np.array([1.0, 2.0]), DISCRETE),
        (np.array([1.0, 2.0, 3.0]), CONTINUOUS),
        (np.arange(320.0) % 64, DISCRETE),
        (np.arange(319.0) % 64, ATOMS),
        (np.arange(6500.0) % 65, ATOMS),
        (np.arange(10_000.0), CONTINUOUS),
        (normals(10_000), CONTINUOUS),
        (np.round(normals(5000)), DISCRETE),
        (np.round(normals(5000), 1), ATOMS),
        (np.maximum(normals(5000), 0.0), ATOMS),
        (np.repeat(normals(5000), 2), ATOMS),
        (np.random.default_rng(2).choice(normals(20_000), 20_000), ATOMS),
    ],
)
def test_kinds(values: np.ndarray, kind: ValueKind) -> None:
    assert value_kind(values) is kind
    assert value_kind(-values[::-1]) is kind


@pytest.mark.parametrize(("share", "kind"), [(0.005, CONTINUOUS), (0.02, ATOMS)])
def test_one_value_of_many_rows_is_an_atom_from_a_hundredth_on(share: float, kind: ValueKind) -> None:
    for rows in (4000, 200_000):
        assert value_kind(mixed(normals(rows), share)) is kind
    # However many ties of chance there are besides.
    assert value_kind(mixed(np.round(normals(1_000_000), 6), share)) is kind


@pytest.mark.parametrize(("pairs", "kind"), [(20, CONTINUOUS), (30, ATOMS)])
def test_pairs_are_atoms_from_a_twentieth_on(pairs: int, kind: ValueKind) -> None:
    values = normals(1000)
    values[:pairs] = values[-pairs:]
    assert value_kind(values) is kind


@pytest.mark.parametrize("rows", [10_000, 100_000, 1_000_000])
@pytest.mark.parametrize(
    "round_",
    [np.float32, lambda v: np.round(v, 6), lambda v: np.round(100 * v, 4), lambda v: np.float32(np.exp(v))],
    ids=["float32", "6 decimals", "4 decimals of hundreds", "float32 of a skewed column"],
)
def test_ties_of_chance_are_no_atoms(rows: int, round_) -> None:
    values = round_(normals(rows)).astype(np.float64)
    assert value_kind(values) is CONTINUOUS
    # The same digits in rows that are copies of others.
    assert value_kind(np.random.default_rng(3).choice(values, rows)) is ATOMS


def test_uniform_digits_of_which_there_are_as_many_as_rows() -> None:
    assert value_kind(np.round(np.random.default_rng(0).random(1_000_000), 6)) is CONTINUOUS


def test_digits_that_are_coarser_than_the_rows_are_dense() -> None:
    assert value_kind(np.round(normals(100_000), 3)) is ATOMS


def test_whole_numbers_may_be_codes() -> None:
    ids = np.random.default_rng(0).integers(20_000, size=20_000).astype(np.float64)
    assert value_kind(ids) is ATOMS
    assert value_kind(ids * 0.01) is CONTINUOUS


@pytest.mark.parametrize("values", [np.array([]), np.array([0.0, -0.0]), normals(500), np.round(normals(500))])
def test_levels(values: np.ndarray) -> None:
    assert levels(values) == len(np.unique(values))


@pytest.mark.parametrize("rows", [1, 2, 3, 10, 4999, 5000, 5001, 5002, 10_001])
def test_ties_are_counted_across_blocks(monkeypatch, rows: int) -> None:
    monkeypatch.setattr("minecli.tables.value_kinds._BLOCK_ROWS", 10)
    rng = np.random.default_rng(rows)
    for levels_ in (1, 2, rows // 3 + 1, 10 * rows):
        ordered = np.sort(rng.integers(0, levels_, rows))
        counts = np.unique(ordered, return_counts=True)[1]
        counted = Ties.of_sorted(rows, lambda start, stop, ordered=ordered: ordered[start:stop])
        assert counted == Ties.of_counts(counts)
        assert (counted.rows, counted.levels) == (rows, len(counts))
        assert counted.pairs == sum(n for n in counts.tolist() if n >= 2)
        assert counted.triples == sum(n for n in counts.tolist() if n >= 3)


def test_kinds_do_not_depend_on_the_size_of_blocks(monkeypatch) -> None:
    cases = [normals(30_000).round(digits) for digits in range(7)]
    cases += [mixed(normals(30_000).round(5), share) for share in (0.005, 0.02)]
    whole = [value_kind(values) for values in cases]
    monkeypatch.setattr("minecli.tables.value_kinds._BLOCK_ROWS", 999)
    monkeypatch.setattr("minecli.tables.value_kinds._BLOCK_STRETCHES", 7)
    assert [value_kind(values) for values in cases] == whole
    assert set(whole) == set(ValueKind)


def test_kinds_of_columns_side_by_side() -> None:
    rng = np.random.default_rng(0)
    columns = [normals(600).round(digits) for digits in range(5)] + [
        rng.integers(0, n, 600) * 1.0 for n in (1, 2, 64, 300)
    ]
    rows = rng.integers(1, 601, len(columns))
    ordered = np.array(
        [np.concatenate([np.sort(c[:n]), np.full(600 - n, np.nan)]) for c, n in zip(columns, rows, strict=True)]
    )
    alone = [value_kind(column[:n]) for column, n in zip(columns, rows, strict=True)]
    assert kinds_of_columns(ordered, rows) == alone


def test_words() -> None:
    assert [f"{kind}" for kind in ValueKind] == ["continuous", "with atoms", "discrete"]
