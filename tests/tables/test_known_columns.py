"""Further rows of known columns: the numbers they had, one row at a time, and what does not fit."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pytest
from known import load_known

from minecli.errors import DataError
from minecli.tables.groups import load_group
from minecli.tables.wanted import Wanted

N = 60


def people(rows=N):
    rng = np.random.default_rng(0)
    lists = rng.standard_normal((rows, 3)).astype(np.float32)
    lists[:, 1] = 7.0
    return pa.table(
        {
            "age": rng.integers(18, 90, rows),
            "height": rng.normal(1.7, 0.1, rows),
            "code": np.array(["01", "x", "y", "02", "x", "y"])[np.arange(rows) % 6],
            "colour": pa.array(rng.choice([3, 5], rows)).dictionary_encode(),
            "member": rng.random(rows) < 0.5,
            "born": pa.array(np.datetime64("1990-01-01", "D") + rng.integers(0, 9999, rows), pa.date32()),
            "country": ["here"] * rows,
            "year": [2024] * rows,
            "emb": pa.FixedSizeListArray.from_arrays(pa.array(lists.ravel()), 3),
        }
    )


def stream(table, text=False):
    sink = io.BytesIO()
    if text:
        pa.csv.write_csv(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return io.BytesIO(sink.getvalue())


def learnt(table):
    return load_group("-", ["*"], stdin=stream(table))


def known(table, one, text=False):
    return load_known("-", one.origins, stdin=stream(table, text))


def test_the_same_rows_are_the_same_numbers():
    one = learnt(people())
    np.testing.assert_array_equal(known(people(), one), one.group.values)
    np.testing.assert_array_equal(known(people().select(people().column_names[::-1]), one), one.group.values)


@pytest.mark.parametrize("row", [0, 1, 2, 41])
def test_one_row_is_what_it_was_among_others(row):
    one = learnt(people())
    np.testing.assert_array_equal(known(people().slice(row, 1), one), one.group.values[row : row + 1])


@pytest.mark.parametrize("row", [0, 3])
def test_levels_of_a_text_file_stay_text_though_they_read_as_numbers(row):
    table = people().drop_columns(["emb"])
    one = learnt(table)
    found = known(table.slice(row, 1), one, text=True)
    np.testing.assert_allclose(found, one.group.values[row : row + 1], rtol=1e-12)


def test_constant_columns_may_be_left_out_and_others_are_passed_over():
    one = learnt(people())
    table = people().drop_columns(["country", "year"]).append_column("more", pa.array(["?"] * N))
    np.testing.assert_array_equal(known(table, one), one.group.values)


def replaced(name, values):
    table = people().slice(0, 2)
    place = table.column_names.index(name)
    return table.set_column(place, name, [values])


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("code", ["01", "03"], "it has code=03, which the run has not seen"),
        ("colour", [3, 4], "it has colour=4, which the run has not seen"),
        ("country", ["here", "there"], "it has country=there, which the run has not seen"),
        ("year", [2024, 2025], "it has 2025 in column 'year', which held only 2024 when the run began"),
        ("age", ["a", "b"], "it holds text values in column 'age', which were of kind integer"),
        ("born", [1, 2], "it holds integer values in column 'born', which were of kind date"),
        ("code", [[1.0], [2.0]], "it holds list values in column 'code', which were of kind text"),
        ("emb", [[1.0, 7.0]] * 2, "it holds lists of 2 numbers in column 'emb', which had 3"),
        ("emb", [[1.0, 8.0, 2.0]] * 2, "it has 8 in column 'emb[1]', which held only 7 when the run began"),
        ("height", [1.7, None], "missing values in 1 of 2 rows: 'height' 1"),
        ("height", [1.7, np.inf], "column 'height' holds 1 infinite value"),
    ],
)
def test_what_does_not_fit_is_named(name, values, message):
    with pytest.raises(DataError) as caught:
        known(replaced(name, pa.array(values)), learnt(people()))
    assert message in caught.value.problem


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(DataError) as caught:
        known(people().drop_columns(["height", "age"]), learnt(people()))
    assert "it lacks 'age', 'height'" in caught.value.problem


def test_rows_with_missing_values_are_dropped_where_that_was_asked():
    one = learnt(people())
    table = replaced("height", pa.array([None, 1.75]))
    found = load_known("-", one.origins, Wanted(missing="drop"), stdin=stream(table))
    assert found.shape == (1, one.group.values.shape[1])
    assert found[0, 1] == 1.75
