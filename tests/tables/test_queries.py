"""Queries over tables: what they give, which columns they read, what they cannot reach, and errors in one line."""

from __future__ import annotations

import builtins
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from minecli.errors import DataError, UsageError
from minecli.tables.files import queries
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.queries import of_result, over

duckdb = pytest.importorskip("duckdb", reason="minecli[duckdb] is not installed")

Asked = Callable[..., OpenTable]


class Source:
    """A table that remembers which columns were read."""

    def __init__(self, content: pa.Table) -> None:
        self.content = content
        self.read: tuple[str, ...] = ()

    def opened(self) -> OpenTable:
        def read(columns: Sequence[str]) -> pa.Table:
            self.read = tuple(columns)
            return self.content.select(list(columns))

        return OpenTable("t.csv", "csv", tuple(self.content.column_names), read, notes=("a note",), index=("a",))


@pytest.fixture
def source() -> Source:
    return Source(
        pa.table(
            {
                "a": [3, 1, 2, None],
                "B": [0.5, 1.5, 2.5, 3.5],
                "odd, name": ["u", "v", "u", None],
                "emb": pa.array([[1.0, 2.0]] * 4, pa.list_(pa.float64(), 2)),
                "day": pa.array([0, 1, 2, None], pa.date32()),
            }
        )
    )


def refused(source: Source, sql: str, kind: type = UsageError) -> str:
    with pytest.raises(kind) as caught:
        over(source.opened(), sql)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_rows_of_a_query(source) -> None:
    table = over(source.opened(), 'SELECT a + 1 AS next, "odd, name" AS name FROM data WHERE b > 1;')
    assert (table.names, table.source, table.format, table.once) == (("next", "name"), "t.csv", "csv", False)
    assert (tuple(table.notes), table.index) == (("a note",), ())
    assert table.read(["name", "next"]).to_pydict() == {"name": ["v", "u", None], "next": [2, 3, None]}
    assert table.read(["next"]).to_pydict() == {"next": [2, 3, None]}


def test_lists_and_dates_come_through(source) -> None:
    table = over(source.opened(), "SELECT emb, day, emb[1] AS first FROM data")
    assert dict(table.lists) == {"emb": 2}
    found = table.read(table.names)
    assert found["emb"].to_pylist() == [[1.0, 2.0]] * 4
    assert found["first"].to_pylist() == [1.0] * 4
    assert str(found["day"].type) == "date32[day]"


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("SELECT a FROM data", ["a"]),
        ("SELECT A AS x, 1 AS y FROM data WHERE b > 1", ["a", "B"]),
        ("SELECT count(*) AS n FROM data", ["a"]),
        ('SELECT max("odd, name") AS m FROM data GROUP BY b', ["B", "odd, name"]),
        ("SELECT x FROM (SELECT a AS x FROM data) t ORDER BY x", ["a"]),
        ("SELECT d.a, e.b FROM data d JOIN data e USING (a)", ["a", "B"]),
        (
            "SELECT CASE WHEN a > 1 THEN b::INT END AS c, row_number() OVER (ORDER BY day) AS r FROM data",
            ["a", "B", "day"],
        ),
        ("SELECT a FROM data WHERE b > (SELECT avg(b) FROM data)", ["a", "B"]),
        ("SELECT a FROM data UNION ALL SELECT b FROM data", ["a", "B"]),
        ("SELECT emb[1] AS e FROM data", ["emb"]),
    ],
)
def test_only_columns_that_are_named_are_read(source, sql: str, read: list[str]) -> None:
    over(source.opened(), sql)
    assert list(source.read) == read


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM data",
        "FROM data",
        "SELECT * EXCLUDE (a) FROM data",
        "SELECT columns('a|B') FROM data",
        "WITH s AS (SELECT * FROM data) SELECT a FROM s",
        "SELECT #2 AS second FROM data",
        "SELECT data AS row FROM data",
        "SELECT d AS row FROM data d",
        "SELECT count(d) AS n FROM data d",
        "SELECT y FROM data t(x, y)",
        "SELECT x.a FROM data x NATURAL JOIN data y",
        "SELECT a, list_transform(emb, z -> z + 1) AS l FROM data",
        "SELECT a FROM (SUMMARIZE data) s, data",
        "DESCRIBE data",
        "SELECT * FROM query_table('data')",
    ],
)
def test_all_columns_are_read_where_others_may_be_meant(source, sql: str) -> None:
    try:
        over(source.opened(), sql)
    except UsageError as error:
        # Some are not part of every version of the language.
        assert "--sql" in str(error)  # noqa: PT017
    assert list(source.read) == source.content.column_names


def test_the_result_does_not_depend_on_the_columns_that_are_read(source, monkeypatch) -> None:
    some = [
        "SELECT x.a FROM data x NATURAL JOIN data y ORDER BY ALL",
        "SELECT second FROM data t(first, second)",
        "SELECT #3 AS c FROM data",
        "SELECT count(DISTINCT d) AS n FROM data d",
        "SELECT a, sum(b) AS s FROM data GROUP BY ALL ORDER BY a",
    ]
    here = [over(source.opened(), sql).read for sql in some]
    monkeypatch.setattr(queries, "_mentioned", lambda duckdb, database, sql, names: list(names))
    there = [over(source.opened(), sql) for sql in some]
    for read, table in zip(here, there, strict=True):
        assert read(table.names).equals(table.read(table.names))


def test_rows_that_nothing_orders_come_in_the_same_order_each_time() -> None:
    rng = np.random.default_rng(0)
    many = Source(pa.table({"g": rng.integers(0, 50_000, 400_000), "x": rng.normal(size=400_000)}))
    first, second = (over(many.opened(), "SELECT g, avg(x) AS m FROM data GROUP BY g") for _ in range(2))
    assert first.read(["g", "m"]).equals(second.read(["g", "m"]))
    assert over(many.opened(), "SELECT x FROM data WHERE g > 9").read(["x"])["x"].to_pylist() == [
        x for g, x in zip(many.content["g"].to_pylist(), many.content["x"].to_pylist(), strict=True) if g > 9
    ]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "the query is empty"),
        ("-- nothing", "the query is empty"),
        ("SELEC a", "syntax error"),
        ("SELECT 1 AS a; SELECT 2 AS b", "the query is 2 statements, not one SELECT"),
        ("SELECT zip FROM data", '"zip" not found'),
        ("SELECT a FROM t", "Table with name t does not exist! (the table is called data)"),
        ("SELECT a, a FROM data", "gives the same column name more than once: 'a'"),
        ("SELECT a FROM data WHERE a > 9", "--sql gives no rows of t.csv"),
        ("SELECT sum(day) AS s FROM data", "--sql: "),
        ("SELECT 'x'::INT AS i", "Could not convert"),
        ("SELECT $1 AS a", "--sql: "),
        ("SELECT error('a\nb') AS e", "--sql: a"),
        ("CREATE TABLE x AS SELECT 1", "the query is no SELECT but CREATE"),
        ("INSERT INTO data SELECT * FROM data", "the query is no SELECT but INSERT"),
        ("SET threads = 4", "the query is no SELECT but SET"),
        ("COPY data TO 'out.csv'", "the query is no SELECT but COPY"),
        ("EXPORT DATABASE 'out'", "the query is no SELECT but EXPORT"),
        ("ATTACH 'other.db'", "the query is no SELECT but ATTACH"),
        ("INSTALL httpfs", "the query is no SELECT but LOAD"),
        ("LOAD httpfs", "the query is no SELECT but LOAD"),
    ],
)
def test_queries_that_are_refused(source, sql: str, message: str) -> None:
    assert message in refused(source, sql)
    assert os.listdir() == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_parquet('{file}')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM sniff_csv('{file}')",
        "SELECT * FROM 'https://example.org/t.csv'",
        "SELECT * FROM sqlite_scan('{file}', 't')",
        "SELECT getenv('HOME') AS home",
        "SELECT a FROM data, '{file}'",
        # Tables of this very process.
        "SELECT * FROM secret",
    ],
)
def test_nothing_but_the_table_can_be_reached(source, tmp_path, sql: str) -> None:
    secret = pa.table({"s": [1]})
    file = tmp_path / "secret.csv"
    file.write_text("a\n1\n")
    refused(source, sql.replace("{file}", str(file)))
    assert secret.num_rows == 1


def test_types_that_duckdb_does_not_know() -> None:
    tensors = pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.float64(), (2,)), pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float64(), 2))
    )
    wide = pa.array([1, 2], pa.decimal256(50, 2))
    odd = Source(pa.table({"t": tensors, "half": pa.array(np.array([1, 2], np.float16)), "wide": wide}))
    found = over(odd.opened(), "SELECT t, half FROM data").read(["t", "half"])
    assert found.to_pydict() == {"t": [[1.0, 2.0], [3.0, 4.0]], "half": [1.0, 2.0]}
    assert "duckdb cannot take one of the columns" in refused(odd, "SELECT * FROM data", DataError)


def test_errors_of_reading_stay_what_they_are(source) -> None:
    def fail(columns: Sequence[str]) -> pa.Table:
        raise DataError("the file is cut")

    with pytest.raises(DataError, match=r"^the file is cut$"):
        over(OpenTable("t.csv", "csv", ("a",), fail), "SELECT a FROM data")


def test_ctrl_c_ends_a_query_that_would_not_end(source) -> None:
    many = Source(pa.table({"a": range(200_000)}))
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            over(many.opened(), "SELECT count(*) AS n FROM data x, data y, data z WHERE x.a * y.a + z.a > 3")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_without_the_package(source, monkeypatch) -> None:
    whole = builtins.__import__

    def lacking(name: str, *more: Any) -> Any:
        if name == "duckdb":
            raise ImportError(name)
        return whole(name, *more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    message = refused(source, "SELECT a FROM data", DataError)
    assert "(pip install 'minecli[duckdb]'; rows can also be chosen by --where)" in message


def test_a_result_needs_rows_and_names_of_its_own() -> None:
    with pytest.raises(UsageError, match="no rows"):
        of_result("t", "csv", pa.table({"a": pa.array([], pa.int64())}))
    with pytest.raises(UsageError, match="more than once: 'a'"):
        of_result("t", "csv", pa.table([[1], [2]], names=["a", "a"]))
