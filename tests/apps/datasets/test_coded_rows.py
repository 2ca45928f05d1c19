"""Rows as choices and scores, and features as rows of the table again, missing values included."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from minecli.apps.datasets.coded_rows import CodedRows
from minecli.apps.metrics.two_sample import TableDistances
from minecli.errors import DataError
from minecli.tables.groups import load_group
from minecli.tables.wanted import Wanted

N = 300


def people(seed: int = 0, holes: float = 0.2) -> pa.Table:
    """A bit of everything, each column but the last with holes where they are asked for."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, N)
    gone = {name: rng.random(N) < holes for name in ("age", "height", "colour", "member", "since", "emb", "here")}
    lists = [
        None if no else entries for no, entries in zip(gone["emb"], rng.standard_normal((N, 3)).tolist(), strict=True)
    ]
    return pa.table(
        {
            "age": pa.array(age.astype(np.int8), mask=gone["age"]),
            "height": pa.array(np.round(1.7 + 0.1 * rng.standard_normal(N), 2), mask=gone["height"]),
            "colour": pa.array(rng.choice(["red", "green", "blue"], N), mask=gone["colour"]).dictionary_encode(),
            "member": pa.array(age > 50, mask=gone["member"]),
            "since": pa.array(np.datetime64("2020-01-01", "D") + age, pa.date32(), mask=gone["since"]),
            "here": pa.array(["yes"] * N, mask=gone["here"]),
            "emb": pa.array(lists, pa.list_(pa.float64(), 3)),
            "paid": np.where(rng.random(N) < 0.4, 0.0, np.round(rng.exponential(9.0, N), 2)),
        }
    )


def load(table: pa.Table, missing: str = "learn") -> CodedRows:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    wanted = Wanted(missing=missing)
    return CodedRows.of(load_group("-", ["*"], wanted, stdin=io.BytesIO(sink.getvalue().to_pybytes())))


@pytest.mark.parametrize("holes", [0.0, 0.2])
def test_rows_come_back_with_what_is_missing(holes):
    table = people(holes=holes)
    rows = load(table)
    back = pa.table(rows.arrow_table(rows.features))
    assert back.column_names == table.column_names
    for name in ("age", "colour", "member", "since", "here"):
        assert back[name].to_pylist() == table[name].to_pylist(), name
    for name in ("height", "paid", "emb"):
        there = table[name].is_valid().to_pylist()
        assert back[name].is_valid().to_pylist() == there
        a, b = (np.array([v for v in t[name].to_pylist() if v is not None]) for t in (table, back))
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert back["age"].type == pa.int8()
    assert back["since"].type == pa.date32()
    np.testing.assert_allclose(rows.values(rows.features), rows.real, atol=1e-5)


def test_what_is_stored_makes_the_same_rows_without_the_file():
    rows = load(people())
    stored = CodedRows.from_json(json.loads(json.dumps(rows.to_json())))
    assert len(stored) == 0
    draws = torch.randn(40, rows.width, generator=torch.Generator().manual_seed(0))
    assert pa.table(stored.arrow_table(draws)).equals(pa.table(rows.arrow_table(draws)))
    assert stored.names == rows.names
    assert set(TableDistances(stored)(draws).values()) == {None}


@pytest.mark.parametrize("key", ["columns", "coding"])
def test_stored_columns_that_are_damaged_are_refused(key):
    content = load(people()).to_json()
    content[key] = content[key][1:]
    with pytest.raises(DataError, match="the stored columns are not ones this version of minecli wrote"):
        CodedRows.from_json(content)


def test_pictures_show_what_is_there():
    table = people()
    rows = load(table)
    shown = rows.restore(rows.features)
    assert len(shown["age"]) == N - table["age"].null_count
    assert shown["colour"].count("missing") == table["colour"].null_count
    assert len(shown["paid"]) == N


def test_missing_values_are_a_level_whose_share_is_measured():
    rows = load(people())
    assert TableDistances(rows)(rows.features)["levels_close"] == 1.0
    without = rows.real.copy()
    without[:, -len(rows.coding.missing) :] = 0.0
    # A fifth of seven columns is missing: of two categories, a truth value and four others the level is never made.
    assert TableDistances(rows).of_rows(without)["levels_close"] < 0.7


def test_the_coding_knows_the_learnt_rows_alone():
    one = load_group("-", ["*"], stdin=io.BytesIO(b"a,b\n" + b"".join(b"%d.5,u\n%d.5,v\n" % (i, i) for i in range(50))))
    scale = CodedRows.of(one, np.arange(20)).coding.variables[0].scale
    assert scale.values.max() == 9.5


def test_a_column_without_any_value_and_one_without_learnt_values():
    with pytest.raises(DataError, match="column 'b' has no value in any of 30 rows"):
        load_group("-", ["*"], Wanted(missing="learn"), stdin=io.BytesIO(b"a,b\n" + b"1,\n2,\n3,\n" * 10))
    text = b"a,b\n" + b"1,\n" * 20 + b"2,7\n3,8\n" * 10
    one = load_group("-", ["*"], Wanted(missing="learn"), stdin=io.BytesIO(text))
    rows = CodedRows.of(one, np.arange(20))
    assert pa.table(rows.arrow_table(rows.features[:2]))["b"].to_pylist() == [None, None]


def test_features_that_cannot_be_rows_are_refused():
    rows = load(people())
    with pytest.raises(DataError, match=rf"shape \(5, 3\); they must be \(rows, {rows.width}\)"):
        rows.arrow_table(torch.zeros(5, 3))
    with pytest.raises(DataError, match="not finite"):
        rows.values(np.full((5, rows.width), np.nan))
