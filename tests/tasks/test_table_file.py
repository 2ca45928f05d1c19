import csv
import gzip
import io

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from minecli.errors import UsageError
from minecli.tasks.registry import make_task
from minecli.tasks.table_file import format_of, sample_table, table_bytes


def read_back(content):
    return pq.read_table(io.BytesIO(content))


def test_parquet_carries_the_truth():
    task = make_task("gaussian", dim=2, rho=0.9)
    table = read_back(table_bytes(sample_table(task, 20, 5), "parquet"))
    facts = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
    assert float(facts["minecli.true_mi_nats"]) == task.true_mi_nats()
    assert (facts["minecli.task"], facts["minecli.n"], facts["minecli.seed"]) == ("gaussian", "20", "5")
    assert (facts["minecli.dim"], facts["minecli.rho"]) == ("2", "0.9")
    assert table.column_names == ["x0", "x1", "z0", "z1"]
    assert table.num_rows == 20


@pytest.mark.parametrize("file_format", ["csv", "csv.gz"])
def test_csv_keeps_every_bit_and_nothing_but_the_table(file_format):
    table = sample_table(make_task("student", dof=1.0), 200, 0)
    content = table_bytes(table, file_format)
    text = gzip.decompress(content) if file_format == "csv.gz" else content
    assert text.startswith(b"x0,z0\n")
    assert pacsv.read_csv(io.BytesIO(text)).to_pydict() == table.to_pydict()


@pytest.mark.parametrize("file_format", ["parquet", "csv", "csv.gz"])
def test_the_same_request_gives_the_same_bytes(file_format):
    first, second = (table_bytes(sample_table(make_task("mixed"), 50, 1), file_format) for _ in range(2))
    assert first == second


def test_lists():
    table = read_back(table_bytes(sample_table(make_task("gaussian", dim=3), 10, 0, as_list=True), "parquet"))
    assert table.column_names == ["x", "z"]
    assert table.schema.field("x").type == pa.list_(pa.float64(), 3)
    flat = sample_table(make_task("gaussian", dim=3), 10, 0)
    assert [row[1] for row in table.column("x").to_pylist()] == flat.column("x1").to_pylist()


def test_labels_and_gaps():
    table = sample_table(make_task("mixed", classes=3), 4000, 0, missing_share=0.25)
    labels = table.column("z0").to_pylist()
    assert set(labels) == {"a", "b", "c", None}
    # Binomial(8000, 1/4): five standard deviations are 194.
    holes = sum(v is None for name in ("x0", "z0") for v in table.column(name).to_pylist())
    assert abs(holes - 2000) < 194
    complete = sample_table(make_task("mixed", classes=3), 4000, 0)
    assert all(v is None or v == w for v, w in zip(labels, complete.column("z0").to_pylist(), strict=True))
    assert b",\n" in table_bytes(table, "csv")


def test_label_stays_a_column_beside_a_list():
    table = sample_table(make_task("mixed"), 5, 0, as_list=True)
    assert table.column_names == ["x", "z0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "-n is 0; it must be at least 1"),
        ({"missing_share": 1.0}, "--missing-share is 1.0; it must be at least 0 and below 1"),
        ({"as_list": True, "missing_share": 0.1}, "--as-list and --missing-share do not go together"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(UsageError, match=message):
        sample_table(make_task("gaussian"), **{"n": 10, "seed": 0} | options)


def test_csv_has_no_lists():
    table = sample_table(make_task("gaussian"), 5, 0, as_list=True)
    with pytest.raises(UsageError, match=r"column 'x' holds lists, which CSV cannot store \(write a \.parquet"):
        table_bytes(table, "csv")


def test_format_by_ending():
    assert [format_of(n) for n in ("-", "A.CSV", "b.csv.gz", "c.parquet")] == ["csv", "csv", "csv.gz", "parquet"]
    with pytest.raises(UsageError, match=r"'a\.xlsx' names no known format"):
        format_of("a.xlsx")


def test_csv_quotes_what_needs_it_and_writes_dates_in_iso_form():
    table = pa.table(
        {
            "a,b": ['say "x"', "two\nlines", None, "plain"],
            "when": pa.array([0, 86_400, None, 1], pa.timestamp("s")),
            "f": [0.1, float("nan"), 1e300, 3.0],
            "flag": [True, None, False, True],
        }
    )
    text = table_bytes(table, "csv").decode()
    assert list(csv.reader(io.StringIO(text))) == [
        ["a,b", "when", "f", "flag"],
        ['say "x"', "1970-01-01 00:00:00", "0.1", "True"],
        ["two\nlines", "1970-01-02 00:00:00", "", ""],
        ["", "", "1e+300", "False"],
        ["plain", "1970-01-01 00:00:01", "3.0", "True"],
    ]


def test_csv_has_no_place_for_lists():
    for lists in (pa.array([[1.0], [2.0]]), pa.array([[1.0], [2.0]], pa.list_(pa.float64(), 1))):
        with pytest.raises(UsageError, match="column 'z' holds lists, which CSV cannot store"):
            table_bytes(pa.table({"z": lists}), "csv")
