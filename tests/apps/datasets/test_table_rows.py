"""Rows of a table as features, features as rows of the table, and the live comparison of both."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from scipy.stats import ks_2samp

from minecli.apps.datasets.table_rows import TableRows
from minecli.apps.metrics.two_sample import COMPARED_ROWS, TableDistances, two_sample_report
from minecli.errors import DataError
from minecli.tables.groups import load_group
from minecli.tables.wanted import Wanted

N = 400
METRICS = ("ks_mean", "ks_largest", "correlation_gap", "levels_close")


def people(rows: int = N, seed: int = 0) -> pa.Table:
    """A bit of everything, with related columns."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, rows)
    return pa.table(
        {
            "age": age.astype(np.int8),
            "height": 1.7 + 0.1 * rng.standard_normal(rows),
            "colour": pa.array(rng.choice(["red", "green", "blue"], rows, p=[0.6, 0.39, 0.01])).dictionary_encode(),
            "member": age > 50,
            "since": pa.array(np.datetime64("2020-01-01", "D") + age, pa.date32()),
            "country": ["here"] * rows,
            "emb": pa.FixedSizeListArray.from_arrays(pa.array(rng.standard_normal(3 * rows).astype(np.float32)), 3),
        }
    )


def load(table: pa.Table, columns: tuple[str, ...] = ("*",)) -> TableRows:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return TableRows.of(load_group("-", columns, stdin=io.BytesIO(sink.getvalue().to_pybytes())))


def check_round_trip(rows: TableRows, table: pa.Table) -> None:
    """Every column of the table comes back from the features: numbers to float32's rounding, all else exactly."""
    columns = rows.restore(rows.features)
    back = rows.arrow_columns(columns)
    for name, column in back.items():
        given = table.column(name)
        if pa.types.is_floating(given.type) or pa.types.is_fixed_size_list(given.type):
            found, real = (np.array(c.to_pylist(), dtype=np.float64) for c in (column, given))
            assert np.abs(found - real).max() <= 1e-6 * np.abs(real - real.mean(axis=0)).max()
        else:
            assert column.to_pylist() == given.to_pylist()


def test_features_are_standardised_and_indicators_are_plus_minus_one() -> None:
    rows = load(people())
    assert rows.features.dtype == torch.float32
    assert rows.names == (
        *("age", "height", "colour=blue", "colour=green", "colour=red", "member", "since"),
        *("emb[0]", "emb[1]", "emb[2]"),
    )
    numbers = rows.features[:, [0, 1, 6, 7, 8, 9]]
    torch.testing.assert_close(numbers.mean(0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(numbers.std(0, correction=0), torch.ones(6))
    assert set(rows.features[:, 2:6].unique().tolist()) == {-1.0, 1.0}


def test_rows_come_back_in_the_order_of_the_selection() -> None:
    table = people()
    rows = load(table, ("since,colour", "*"))
    assert list(rows.restore(rows.features)) == ["since", "colour", "age", "height", "member", "country", "emb"]
    check_round_trip(rows, table)


def test_what_is_stored_makes_rows_without_the_file() -> None:
    rows = load(people())
    stored = TableRows.from_json(json.loads(json.dumps(rows.to_json())))
    assert len(stored) == 0
    assert stored.features.shape == (0, 10)
    draws = torch.randn(50, 10, generator=torch.Generator().manual_seed(0))
    there, here = stored.restore(draws), rows.restore(draws)
    assert list(there) == list(here)
    for name in here:
        np.testing.assert_array_equal(there[name], here[name])
    assert TableDistances(stored)(draws) == dict.fromkeys(METRICS)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("centre"),
        lambda content: content["scale"].pop(),
        lambda content: content["columns"][0].update(arrow_type="?"),
        lambda content: content["columns"][0].update(arrow_type="AAAA"),
        lambda content: content["columns"][0].pop("name"),
        lambda content: content["columns"].pop(),
        lambda content: content.update(columns=7),
    ],
)
def test_something_else_is_refused(change) -> None:
    content = load(people()).to_json()
    change(content)
    with pytest.raises(DataError, match="not ones this version of minecli wrote"):
        TableRows.from_json(content)


def test_rows_have_the_types_of_the_file() -> None:
    table = people()
    rows = load(table)
    columns = rows.restore(rows.features[:20])
    written = pa.table(rows.arrow_columns(columns))
    assert written.column_names == table.column_names
    assert written.schema.field("colour").type == table.schema.field("colour").type
    assert written.schema.field("age").type == pa.int8()
    assert written.schema.field("emb").type == pa.list_(pa.float32(), 3)
    assert written.column("since").to_pylist() == table.column("since").to_pylist()[:20]


def test_the_values_of_real_features_are_the_real_rows() -> None:
    table = people()
    rows = load(table)
    values = rows.values(rows.features)
    exact = [0, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(values[:, exact], rows.real[:, exact])
    np.testing.assert_allclose(values, rows.real, atol=1e-5)
    report = two_sample_report(rows.real, values, rows.names, 0)
    assert all(column["ks"] <= 1 / N + 1e-12 for column in report["columns"])


def test_the_judge_finds_nothing_between_equals_and_much_between_others() -> None:
    rows, others = load(people()), load(people(seed=1))
    same = TableDistances(rows)(rows.features)
    assert same["ks_mean"] == pytest.approx(0.0, abs=0.01)
    assert same["ks_largest"] <= 2 / N + 0.01
    assert same["correlation_gap"] == pytest.approx(0.0, abs=1e-5)
    fresh = torch.from_numpy(((others.real - rows.centre) / rows.scale).astype(np.float32))
    # The largest of 10 columns' statistics; at 400 rows each one is beyond 0.16 with a probability below 1e-4.
    assert TableDistances(rows)(fresh)["ks_largest"] < 0.16
    draws = torch.Generator().manual_seed(0)
    blocks = rows.features.split([1, 1, 3, 1, 1, 1, 1, 1], dim=1)
    shuffled = torch.cat([block[torch.randperm(N, generator=draws)] for block in blocks], dim=1)
    assert TableDistances(rows)(shuffled)["ks_largest"] < 0.01
    # Age, date and membership hang together: three of 45 pairs lose 0.85 to 1; shuffling the others is noise.
    assert 0.05 < TableDistances(rows)(shuffled)["correlation_gap"] < 0.15
    assert TableDistances(rows)(fresh * 0.0)["ks_largest"] > 0.4
    assert TableDistances(rows)(fresh * 0.0)["correlation_gap"] is None
    assert TableDistances(rows)(fresh * torch.nan)["ks_mean"] is None


def test_indicators_are_judged_by_what_they_stand_for() -> None:
    rows = load(people(), ("colour", "member"))
    blurred = rows.features * (0.4 + 0.5 * torch.rand(N, 1, generator=torch.Generator().manual_seed(1)))
    assert TableDistances(rows)(blurred) == dict.fromkeys(METRICS, 0.0) | {"levels_close": 1.0}


def test_the_distance_is_that_of_kolmogorov_and_smirnov(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = pa.table({"a": rng.standard_normal(300), "b": rng.integers(0, 4, 300)})
    rows = load(table)
    samples = torch.from_numpy(rng.standard_normal((500, 2)).astype(np.float32)) * 0.7
    made = rows.values(samples)
    expected = [ks_2samp(rows.real[:, j], made[:, j], method="asymp").statistic for j in (0, 1)]
    found = TableDistances(rows)(samples)
    assert found["ks_mean"] == pytest.approx(np.mean(expected), rel=1e-12)
    assert found["ks_largest"] == pytest.approx(max(expected), rel=1e-12)


def test_one_feature_has_no_correlation_and_many_rows_are_sampled() -> None:
    rows = load(pa.table({"a": np.random.default_rng(0).standard_normal(3 * COMPARED_ROWS)}))
    found = TableDistances(rows)(rows.features)
    assert found["correlation_gap"] is None
    # Among its own rows a sample of 5,000 has a statistic around 0.01.
    assert 0.0 < found["ks_largest"] < 0.03


def test_small_and_large_numbers_are_standardised() -> None:
    table = pa.table({"small": np.arange(30) * 1e-200, "large": 1e15 + np.arange(30), "huge": np.arange(30) * 1e98})
    rows = load(table)
    torch.testing.assert_close(rows.features.std(0, correction=0), torch.ones(3))
    check_round_trip(rows, table)
    with pytest.raises(DataError, match="column 'a' has values beyond 1e\\+100 in size"):
        load(pa.table({"a": np.arange(30) * 1e100}))


def test_features_that_cannot_be_rows_are_refused() -> None:
    rows = load(people())
    with pytest.raises(DataError, match=r"shape \(5, 3\); they must be \(rows, 10\)"):
        rows.restore(torch.zeros(5, 3))
    with pytest.raises(DataError, match="not finite"):
        rows.restore(np.full((5, 10), np.nan))
    assert len(rows.restore(np.zeros((0, 10)))["colour"]) == 0


@pytest.mark.skipif("MINECLI_TEST_DATA" not in os.environ, reason="MINECLI_TEST_DATA names no folder of real tables")
@pytest.mark.parametrize(
    ("name", "columns", "shape"),
    [
        ("mushroom.csv", ["*"], (8124, 112)),
        ("power_plant.csv", ["*"], (9568, 5)),
        ("air_quality.csv", ["S*", "CO_GT,T,RH,AH"], None),
        ("digits.parquet", ["p*", "label"], None),
    ],
)
def test_real_tables(name: str, columns: list[str], shape: tuple[int, int] | None, tmp_path) -> None:
    path = Path(os.environ["MINECLI_TEST_DATA"]) / "tabular" / name
    one = load_group(str(path), columns, Wanted(missing="drop"))
    rows = TableRows.of(one)
    assert shape is None or rows.features.shape == shape
    assert torch.isfinite(rows.features).all()
    np.testing.assert_allclose(rows.values(rows.features), rows.real, atol=1e-6 * np.abs(rows.real).max())
    restored = rows.restore(rows.features)
    pq.write_table(pa.table(rows.arrow_columns(restored)), tmp_path / "t.parquet")
    again = TableRows.of(load_group(str(tmp_path / "t.parquet"), columns))
    assert again.names == rows.names
    torch.testing.assert_close(again.features, rows.features, atol=1e-4, rtol=0)
    assert TableDistances(rows)(rows.features)["ks_largest"] < 0.02
