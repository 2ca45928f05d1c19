"""SQLite databases: tables, views and queries; types of cells; nothing is written; damaged and busy files."""

from __future__ import annotations

import datetime
import gzip
import io
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from minecli.errors import DataError, UsageError
from minecli.tables.files.databases import open_sqlite
from minecli.tables.files.formats import detect_format
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.options import Reading
from minecli.tables.files.sources import locate


def database(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def opened(path: Path, **reading: Any) -> OpenTable:
    part = locate(str(path)).parts[0]
    assert detect_format(part) == "sqlite"
    return open_sqlite(part, Reading(**reading))


def refused(kind: type, path: Path, *columns: str, **reading: Any) -> str:
    with pytest.raises(kind) as caught:
        opened(path, **reading).read(columns)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def shops(tmp_path) -> Path:
    return database(
        tmp_path / "shops.db",
        'CREATE TABLE shops (id INTEGER PRIMARY KEY, "odd "" na,me" REAL, city TEXT, day DATE)',
        "INSERT INTO shops VALUES (1, 0.5, 'Oslo', '2024-01-31'), (2, NULL, 'Rome', NULL)",
        "INSERT INTO shops VALUES (3, 2.5, NULL, '2024-02-01')",
        "CREATE TABLE empty (a, b)",
        "CREATE VIEW rich AS SELECT city, id * 10 AS worth FROM shops",
    )


def test_a_table(shops) -> None:
    table = opened(shops, table="shops")
    assert (table.names, table.format, table.once) == (("id", 'odd " na,me', "city", "day"), "sqlite", False)
    # It numbers the rows.
    assert table.index == ("id",)
    found = table.read(["city", 'odd " na,me', "day"])
    assert found.to_pydict() == {
        "city": ["Oslo", "Rome", None],
        'odd " na,me': [0.5, None, 2.5],
        "day": [datetime.date(2024, 1, 31), None, datetime.date(2024, 2, 1)],
    }
    assert table.read(["id"]).to_pydict() == {"id": [1, 2, 3]}


def test_a_view_and_an_empty_table(shops) -> None:
    assert opened(shops, table="rich").read(["worth"]).to_pydict() == {"worth": [10, 20, 30]}
    assert opened(shops, table="empty").read(["b"]).num_rows == 0


def test_the_only_table_needs_no_name(tmp_path, shops) -> None:
    alone = database(tmp_path / "t.db", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)", "CREATE VIEW v AS SELECT 2 b")
    assert opened(alone).names == ("a",)
    assert opened(database(tmp_path / "v.db", "CREATE VIEW v AS SELECT 2 AS b")).names == ("b",)
    message = refused(DataError, shops)
    assert "has 3 tables and views: 'shops', 'empty', 'rich' (say which one, as in --table shops)" in message
    assert "has 3 tables" not in refused(UsageError, shops, table="shop")
    assert "there is no table 'shop' in" in refused(UsageError, shops, table="shop")
    assert "(--table shops)" in refused(UsageError, shops, table="shop")
    with closing(sqlite3.connect(tmp_path / "none.db")) as connection:
        connection.execute("PRAGMA user_version = 1")
    assert "is a database without tables" in refused(DataError, tmp_path / "none.db")


@pytest.mark.parametrize(
    ("values", "expected", "type_"),
    [
        ("(1), (NULL), (-9223372036854775808)", [1, None, -(2**63)], "int64"),
        ("(1), (2.5), (NULL)", [1.0, 2.5, None], "double"),
        ("(1e999), (-1.5)", [float("inf"), -1.5], "double"),
        ("('ä'), (NULL), ('')", ["ä", None, ""], "string"),
        ("(1), (2.0), ('x'), (0.1), (NULL)", ["1", "2", "x", "0.1", None], "string"),
        ("(x'00ff'), (NULL)", [b"\x00\xff", None], "binary"),
        ("(NULL), (NULL)", [None, None], "null"),
    ],
)
def test_types_of_cells(tmp_path, values: str, expected: list[Any], type_: str) -> None:
    column = opened(database(tmp_path / "t.db", "CREATE TABLE t (a)", f"INSERT INTO t VALUES {values}")).read(["a"])[
        "a"
    ]
    assert str(column.type) == type_
    assert column.to_pylist() == expected


def test_types_that_change_late(tmp_path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (i, s)")
    rows = [(i, i) for i in range(40_000)] + [(0.5, "x")]
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
        connection.commit()
    found = opened(path).read(["i", "s"])
    assert found["i"].to_pylist() == [float(i) for i, _ in rows]
    assert found["s"].to_pylist() == [str(s) for _, s in rows]


def test_cells_that_no_type_can_hold(tmp_path) -> None:
    path = database(
        tmp_path / "t.db", "CREATE TABLE t (a, b)", "INSERT INTO t VALUES (9007199254740993, x'00'), (0.5, 1)"
    )
    assert "column 'a' holds fractions, and whole numbers beyond 2^53" in refused(DataError, path, "a")
    assert "column 'b' holds bytes in some rows and numbers in others" in refused(DataError, path, "b")


def test_declared_dates(tmp_path) -> None:
    path = database(
        tmp_path / "t.db",
        "CREATE TABLE t (a TIMESTAMP, b DATETIME, c DATE, d TEXT)",
        "INSERT INTO t VALUES ('2024-01-31 10:00:00', '2024-01-31', 'soon', '2024-01-31')",
    )
    found = opened(path).read(["a", "b", "c", "d"])
    assert [str(field.type) for field in found.schema] == ["timestamp[us]", "timestamp[us]", "string", "string"]
    assert found["a"].to_pylist() == [datetime.datetime(2024, 1, 31, 10)]


def test_rows_keep_their_order_whichever_columns_are_read(tmp_path) -> None:
    path = database(
        tmp_path / "t.db", "CREATE TABLE t (a, b)", "CREATE INDEX i ON t (a)", "CREATE VIEW v AS SELECT * FROM t"
    )
    values = np.random.default_rng(0).permutation(1000).tolist()
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(v, -v) for v in values])
        connection.commit()
        # SQLite alone would read the index, in another order.
        assert [row[0] for row in connection.execute("SELECT a FROM t")] == sorted(values)
    for name in ("t", "v"):
        table = opened(path, table=name)
        assert table.read(["a"])["a"].to_pylist() == [-b for b in table.read(["b"])["b"].to_pylist()] == values
    assert opened(path, sql="SELECT a FROM data").read(["a"])["a"].to_pylist() == values


def test_virtual_tables_and_tables_without_row_numbers(tmp_path) -> None:
    path = database(
        tmp_path / "t.db",
        "CREATE TABLE w (k TEXT PRIMARY KEY, n) WITHOUT ROWID",
        "INSERT INTO w VALUES ('b', 1), ('a', 2)",
        "CREATE TABLE g (a INT, double AS (a * 2))",
        "INSERT INTO g VALUES (4)",
    )
    assert opened(path, table="w").index == ()
    assert opened(path, table="w").read(["n"]).to_pydict() == {"n": [2, 1]}
    assert opened(path, table="g").read(["double"]).to_pydict() == {"double": [8]}


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_nothing_is_written(tmp_path, journal: str) -> None:
    path = database(
        tmp_path / "t.db", f"PRAGMA journal_mode = {journal}", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"
    )
    before = path.read_bytes()
    for readable in (0o700, 0o500):
        tmp_path.chmod(readable)
        assert opened(path).read(["a"]).num_rows == opened(path, sql="SELECT a FROM data").read(["a"]).num_rows == 1
        assert os.listdir(tmp_path) == ["t.db"]
    tmp_path.chmod(0o700)
    assert path.read_bytes() == before


def test_changes_in_the_log_of_a_running_program_are_seen(tmp_path) -> None:
    path = database(tmp_path / "t.db", "PRAGMA journal_mode = wal", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("INSERT INTO t VALUES (2)")
        writer.commit()
        assert opened(path).read(["a"]).to_pydict() == {"a": [1, 2]}


def test_compressed_files_pipes_and_odd_paths(tmp_path, shops) -> None:
    (tmp_path / "c.db").write_bytes(gzip.compress(shops.read_bytes()))
    odd = tmp_path / os.fsdecode(b"a b?#%20\xff.db")
    odd.write_bytes(shops.read_bytes())
    pipe = locate("-", io.BytesIO(shops.read_bytes())).parts[0]
    tables = [
        opened(tmp_path / "c.db", table="shops"),
        opened(odd, table="shops"),
        open_sqlite(pipe, Reading(table="shops")),
    ]
    for table in tables:
        assert table.read(["id"]).to_pydict() == table.read(["id"]).to_pydict() == {"id": [1, 2, 3]}


def test_a_query(shops) -> None:
    table = opened(
        shops, sql="WITH s AS (SELECT * FROM shops) SELECT city, id + worth AS sum FROM s JOIN rich USING (city);"
    )
    assert (table.names, table.format) == (("city", "sum"), "sqlite")
    assert table.read(["sum", "city"]).to_pydict() == {"sum": [11, 22], "city": ["Oslo", "Rome"]}


def test_data_stands_for_the_only_table(tmp_path, shops) -> None:
    path = database(tmp_path / "t.db", 'CREATE TABLE "a b" (x)', 'INSERT INTO "a b" VALUES (3)')
    assert opened(path, sql="SELECT x + 1 AS y FROM data").read(["y"]).to_pydict() == {"y": [4]}
    database(path, "CREATE TABLE data (z)", "INSERT INTO data VALUES (9)")
    assert opened(path, sql="SELECT * FROM data").read(["z"]).to_pydict() == {"z": [9]}
    assert "no such table: data" in refused(UsageError, shops, sql="SELECT * FROM data")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "the query is empty"),
        ("-- nothing", "the query is empty"),
        ("SELEC", "--sql: near \"SELEC\": syntax error (the tables and views are 'shops', 'empty', 'rich')"),
        ("SELECT zip FROM shops", "no such column: zip"),
        ("SELECT id, id FROM shops", "gives the same column name more than once: 'id'"),
        ("SELECT id FROM shops WHERE id > 9", "--sql gives no rows"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("SELECT ?", "binding"),
        ("DELETE FROM shops", "the query may only read"),
        ("INSERT INTO empty VALUES (1, 2)", "the query may only read"),
        ("CREATE TABLE new (a)", "the query may only read"),
        ("CREATE TEMP TABLE new AS SELECT 1", "the query may only read"),
        ("PRAGMA journal_mode = wal", "the query may only read"),
        ("ATTACH 'other.db' AS other", "the query may only read"),
        ("VACUUM INTO 'copy.db'", "the query may only read"),
        ("SELECT load_extension('x')", "the query may only read"),
        ("SELECT * FROM pragma_table_info('shops')", "the query may only read"),
        ("BEGIN", "the query may only read"),
    ],
)
def test_queries_that_are_refused(shops, sql: str, message: str) -> None:
    before = shops.read_bytes()
    assert message in refused(UsageError, shops, sql=sql)
    assert shops.read_bytes() == before
    assert os.listdir() == []


def test_a_busy_database(shops, monkeypatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *words, **options: connect(*words, **{**options, "timeout": 0.01}))
    with closing(connect(shops, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        for reading in ({"table": "shops"}, {"sql": "SELECT * FROM shops"}):
            assert "another program is writing to it" in refused(DataError, shops, **reading)


def test_ctrl_c_ends_a_query_that_would_not_end(shops) -> None:
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            opened(shops, sql=endless)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_text_that_is_not_utf_8(tmp_path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (a, b)", "INSERT INTO t VALUES (CAST(x'ff' AS TEXT), 1)")
    assert opened(path).read(["b"]).num_rows == 1
    assert "leave that column out" in refused(DataError, path, "a")
    assert opened(path, sql="SELECT CAST(a AS BLOB) AS a FROM t").read(["a"])["a"].type == pa.binary()


@pytest.mark.parametrize("keep", [16, 60, 100, 3000, 5000])
def test_cut_databases(shops, keep: int) -> None:
    shops.write_bytes(shops.read_bytes()[:keep])
    assert "as an SQLite database" in refused(DataError, shops, "city", table="shops")


def test_databases_with_changed_bytes_never_crash(tmp_path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (a, s)", "CREATE INDEX i ON t (a)")
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(i / 2, "x" * (i % 40)) for i in range(800)])
        connection.commit()
    content, rng, errors = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(16, len(content), size=40):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        for reading in ({}, {"sql": "SELECT a, s FROM data WHERE a > 1"}):
            try:
                table = open_sqlite(locate(str(path)).parts[0], Reading(**reading))
                table.read(table.names)
            except (DataError, UsageError):
                errors += 1
    assert errors > 50
