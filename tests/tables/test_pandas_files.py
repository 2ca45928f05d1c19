"""Tables as pandas writes them: its own types, its index, its metadata."""

import numpy as np
import pandas as pd
import pytest

from minecli.tables.groups import load_groups
from minecli.tables.wanted import Wanted


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "value": [1.5, 2.5, 3.5, 5.0],
            "nullable": pd.array([1, None, 3, 4], dtype="Int64"),
            "colour": pd.Categorical(["red", "blue", "red", "green"]),
            "flag": [True, False, True, True],
            "when": pd.to_datetime(
                ["2024-01-01 00:00", "2024-01-02 00:00", "2024-01-03 12:00", "2024-02-01 00:00"]
            ).tz_localize("UTC"),
            "small": np.array([1, 2, 3, 9], dtype=np.int8),
        },
        index=pd.Index([10, 20, 30, 40], name="id"),
    )


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_pandas_types_are_read(frame, tmp_path, suffix):
    path = tmp_path / f"frame.{suffix}"
    (frame.to_parquet if suffix == "parquet" else frame.reset_index().to_feather)(path)
    found = load_groups(str(path), ["value", "colour", "flag"], ["when", "small"])
    assert found.x.names == ("value", "colour=blue", "colour=green", "colour=red", "flag")
    assert found.x.values[:, 0].tolist() == [1.5, 2.5, 3.5, 5.0]
    assert found.x.values[:, 3].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert np.diff(found.z.values[:, 0]).tolist() == [1.0, 1.5, 28.5]


def test_nullable_integers_are_missing_where_pandas_says_so(frame, tmp_path):
    frame.to_parquet(tmp_path / "frame.parquet")
    found = load_groups(str(tmp_path / "frame.parquet"), ["nullable"], ["value"], Wanted(missing="drop"))
    assert found.x.values[:, 0].tolist() == [1.0, 3.0, 4.0]
    assert found.row_numbers.tolist() == [0, 2, 3]


def test_a_frame_with_an_index_column_in_its_csv(frame, tmp_path):
    frame.drop(columns="nullable").to_csv(tmp_path / "frame.csv")
    found = load_groups(str(tmp_path / "frame.csv"), ["id"], ["value"])
    assert found.x.values[:, 0].tolist() == [10.0, 20.0, 30.0, 40.0]
