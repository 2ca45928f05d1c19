"""--categorical and --numeric in the tables: what a column becomes when a person says what it is."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pytest
from known import load_known

from minecli.errors import DataError, UsageError
from minecli.tables.classes import load_classes
from minecli.tables.groups import load_group, load_groups
from minecli.tables.labels import MOST_CLASSES
from minecli.tables.origins import Origin, arrow_column, restored
from minecli.tables.summary import describe_columns
from minecli.tables.wanted import Wanted

N = 120
EACH = np.arange(N)
START = dt.datetime(2004, 3, 10, 18)
COLUMNS = {
    "a": EACH * 0.5,
    "label": EACH % 10,
    "far": pa.array([2**62 + int(i) % 3 for i in EACH]),
    "unsigned": pa.array((EACH % 4).astype(np.uint8)),
    "two": EACH % 2 + 3,
    "flag": EACH % 2 == 0,
    "whole": (EACH % 5) * 1.0 - 2.0,
    "whole float32": ((EACH % 5) * 1.0).astype(np.float32),
    "whole float16": ((EACH % 5) * 1.0).astype(np.float16),
    "whole decimal": pa.array([Decimal(int(i) % 3).scaleb(0) for i in EACH], pa.decimal128(9, 2)),
    "word": [f"w{i % 50:02}" for i in EACH],
    "digits": [f"{i % 7:02}" for i in EACH],
    "category": pa.array([f"c{i % 6}" for i in EACH]).dictionary_encode(),
    "day": pa.array([START.date() + dt.timedelta(days=int(i) % 4) for i in EACH]),
    "when": pa.array([START + dt.timedelta(hours=int(i) % 4) for i in EACH], pa.timestamp("ns", "Mars/Base")),
    "lap": pa.array([dt.timedelta(seconds=int(i) % 4) for i in EACH], pa.duration("ms")),
    "half": EACH % 10 + 0.5,
    "many": EACH,
    "list": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(2.0 * N)), 2),
    "bytes": pa.array([b"\xff"] * N),
    "number": [f" {i}.25" if i % 2 else f"+{i}e0" for i in EACH],
    "integers": [str(i * 3) for i in EACH],
    "mostly": ["?" if i == 7 else str(i) for i in EACH],
    "huge": ["1e999" if i == 9 else f"{i}.5" for i in EACH],
    "number category": pa.array([f"{i % 6}.5" for i in EACH]).dictionary_encode(),
    "integer category": pa.array(EACH % 6 * 10).dictionary_encode(),
}
TABLE = pa.table(COLUMNS)
LEVELS = {
    "label": tuple(range(10)),
    "far": (2**62, 2**62 + 1, 2**62 + 2),
    "unsigned": (0, 1, 2, 3),
    "two": (3, 4),
    "flag": (False, True),
    "whole": (-2, -1, 0, 1, 2),
    "whole float32": (0, 1, 2, 3, 4),
    "whole float16": (0, 1, 2, 3, 4),
    "whole decimal": (0, 1, 2),
    "word": tuple(f"w{i:02}" for i in range(50)),
    "digits": tuple(f"{i:02}" for i in range(7)),
    "category": tuple(f"c{i}" for i in range(6)),
    "day": ("2004-03-10", "2004-03-11", "2004-03-12", "2004-03-13"),
    "when": tuple(f"2004-03-10 {18 + i}:00:00.000000000" for i in range(4)),
    "lap": ("0 ms", "1000 ms", "2000 ms", "3000 ms"),
}


def stream(table: pa.Table, text: bool = False) -> io.BytesIO:
    sink = io.BytesIO()
    if text:
        pyarrow.csv.write_csv(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=17)
    return io.BytesIO(sink.getvalue())


def groups(x: str, table: pa.Table = TABLE, **how):
    return load_groups("-", [x], ["a"], Wanted(**how), stdin=stream(table))


def one(name: str, table: pa.Table = TABLE, text: bool = False, **how):
    return load_group("-", [name], Wanted(**how), stdin=stream(table, text))


@pytest.mark.parametrize("name", LEVELS)
def test_labels_of_every_type_become_indicators(name: str) -> None:
    found = one(name, categorical=[name])
    levels = LEVELS[name]
    shown = levels if len(levels) > 2 else levels[1:]
    assert found.group.names == tuple(f"{name}={level}" for level in shown)
    assert found.origins[0].levels == levels
    assert found.group.columns[0].levels == len(levels)
    sums = found.group.values.sum(axis=1)
    np.testing.assert_array_equal(sums, found.group.values[:, 0] if len(levels) == 2 else 1.0)
    assert any(note.startswith(f"x: used as categories (0/1 columns): '{name}'") for note in found.notes)


def test_integers_are_numbers_unless_they_are_asked_for() -> None:
    assert groups("label").x.names == ("label",)
    found = groups("label", categorical=["label"])
    np.testing.assert_array_equal(found.x.values, np.eye(10)[EACH % 10])
    assert found.x.columns[0].encoding == "one-hot, 10 levels"
    assert found.z.names == ("a",)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("name", LEVELS)
def test_labels_come_back_and_are_known_again(name: str, text: bool) -> None:
    if text and name in ("when", "lap", "whole float16", "digits"):
        pytest.skip("in a CSV it is of another type")
    table = TABLE.select([name])
    found = one(name, table, text, categorical=[name])
    origin = Origin.from_json(json.loads(json.dumps(found.origins[0].to_json())))
    assert origin == found.origins[0]
    again = arrow_column(origin, restored(origin, found.group.values * 0.9 + 0.01))
    expected = [LEVELS[name].index(v) for v in again.to_pylist()]
    shown = np.eye(len(LEVELS[name]))[expected]
    np.testing.assert_array_equal(shown[:, 1:] if len(LEVELS[name]) == 2 else shown, found.group.values)
    np.testing.assert_array_equal(load_known("-", [origin], stdin=stream(table, text)), found.group.values)
    # One row is enough, and the types of the file may be others.
    np.testing.assert_array_equal(load_known("-", [origin], stdin=stream(table[3:4], text)), found.group.values[3:4])


def test_known_labels_are_compared_as_what_they_are() -> None:
    origins = one("label", categorical=["label"]).origins
    floats = pa.table({"label": [3.0, 0.0]})
    np.testing.assert_array_equal(load_known("-", origins, stdin=stream(floats)), np.eye(10)[[3, 0]])
    for values, held in (([11, 1], "label=11"), ([2.5, 1.0], "label=2.5"), (["3", "1"], "label=3")):
        with pytest.raises(DataError, match=f"has {held}, which the run has not seen"):
            load_known("-", origins, stdin=stream(pa.table({"label": values})))


def test_a_constant_label_is_left_out_and_known() -> None:
    table = pa.table({"a": EACH, "k": [7] * N})
    found = load_group("-", ["*"], Wanted(categorical=["k"]), stdin=stream(table))
    assert found.group.names == ("a",)
    assert found.origins[1].constant == 7
    assert load_known("-", found.origins, stdin=stream(table)).shape == (N, 1)
    with pytest.raises(DataError, match="has k=8, which the run has not seen"):
        load_known("-", found.origins, stdin=stream(pa.table({"a": [1], "k": [8]})))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("number", EACH + np.where(EACH % 2, 0.25, 0.0)),
        ("integers", EACH * 3.0),
        ("number category", EACH % 6 + 0.5),
        ("integer category", EACH % 6 * 10.0),
        ("label", EACH % 10),
        ("flag", EACH % 2 == 0),
        ("a", EACH * 0.5),
        ("list", np.arange(2.0 * N).reshape(N, 2)),
    ],
)
def test_numbers_are_parsed_or_stay_what_they_are(name: str, expected: np.ndarray) -> None:
    found = one(name, numeric=[name])
    values = found.group.values if name == "list" else found.group.values[:, 0]
    np.testing.assert_array_equal(values, expected)
    again = load_known("-", found.origins, stdin=stream(TABLE[5:8]))
    np.testing.assert_array_equal(again, found.group.values[5:8])
    assert not any("--categorical" in note for note in found.notes)


def test_integers_written_as_text_come_back_as_integers() -> None:
    origin = one("integers", numeric=["integers"]).origins[0]
    assert (origin.kind, origin.type) == ("integer", pa.int64())
    assert one("number", numeric=["number"]).origins[0].type == pa.float64()


@pytest.mark.parametrize(
    ("how", "name", "message", "hint"),
    [
        ("categorical", "half", "column 'half' holds 0.5; labels are whole numbers or words", "'half' out of"),
        ("categorical", "many", "column 'many' has 120 levels in 120 rows; labels may have at most 1,000, and half as "
         "many as rows", "join rare levels"),
        ("categorical", "list", "column 'list' holds lists, which are no labels", "each entry is a number"),
        ("categorical", "bytes", "column 'bytes' holds bytes", "--encoding latin-1"),
        ("numeric", "mostly", "column 'mostly' is to be numeric, but row 7 (counted from 0) holds '?', which is no "
         "number", "--na-values '?'; otherwise leave 'mostly' out of --numeric"),
        ("numeric", "word", "row 0 (counted from 0) holds 'w00', which is no number", "'word' out of --numeric"),
        ("numeric", "category", "row 0 (counted from 0) holds 'c0', which is no number", "'category' out of"),
        ("numeric", "huge", "column 'huge' holds '1e999' in row 9 (counted from 0); only finite", "repair these rows"),
        ("numeric", "bytes", "column 'bytes' holds bytes", "--encoding latin-1"),
    ],
)  # fmt: skip
def test_what_cannot_be_that_is_refused(how: str, name: str, message: str, hint: str) -> None:
    with pytest.raises(DataError) as refused:
        groups(name, **{how: [name]})
    assert message in refused.value.problem
    assert hint in refused.value.hint


def test_the_row_of_a_word_is_that_of_the_file() -> None:
    table = pa.table({"a": [None, *range(9)], "b": ["1", "2", "x", *["3"] * 7]})
    with pytest.raises(DataError, match="row 2 "):
        load_groups("-", ["b"], ["a"], Wanted(numeric=["b"], missing="drop"), stdin=stream(table))


@pytest.mark.parametrize(("levels", "rows", "fits"), [(1000, 2000, True), (1001, 9000, False), (5000, 6000, False)])
def test_the_number_of_labels_is_bounded_as_that_of_classes(levels: int, rows: int, fits: bool) -> None:
    i = np.arange(rows)
    table = pa.table({"a": i, "id": i % levels, "word": [f"w{j}" for j in i % levels]})
    table = table.append_column("cat", table["word"].combine_chunks().dictionary_encode())
    for name in ("id", "word", "cat"):
        if fits:
            assert groups(name, table, categorical=[name]).x.values.shape == (rows, levels)
        else:
            with pytest.raises(DataError, match=rf"'{name}' has {levels:,} levels in {rows:,} rows; labels may have"):
                groups(name, table, categorical=[name])
    assert MOST_CLASSES == 1000


def test_text_that_nobody_asked_for_is_told_how_to_be_used() -> None:
    i = np.arange(400)
    words = pa.table({"a": i, "b": [f"w{j}" for j in i % 100], "c": [str(j) for j in i % 100]})
    words = words.append_column("d", words["b"].combine_chunks().dictionary_encode())
    for name, option in (("b", "--categorical b"), ("c", "--numeric c"), ("d", "--categorical d")):
        with pytest.raises(DataError) as refused:
            groups(name, words)
        assert option in refused.value.hint
        found = groups(name, words, **{option.split()[0][2:]: [name]})
        assert found.x.values.shape == (400, 1 if name == "c" else 100)


def test_selectors_are_those_of_x() -> None:
    found = groups("label,two,whole", categorical=["/^l/", "two:flag"])
    assert len(found.x.names) == 10 + 1 + 1
    assert found.x.names[-1] == "whole"
    assert groups("label", categorical=["l*", "!label"]).x.names == ("label",)


def test_a_list_of_names_in_a_file(tmp_path) -> None:
    (tmp_path / "labels.txt").write_text("label\n")
    assert len(groups("label", categorical=[f"@{tmp_path}/labels.txt"]).x.names) == 10


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"categorical": ["lable"]}, "--categorical: there is no column 'lable'; the nearest names are 'label'"),
        ({"numeric": ["q*"]}, "--numeric: no column matches 'q*'"),
        ({"categorical": [""]}, "--categorical: the selector is empty"),
        ({"categorical": ["l*"], "numeric": ["l*"]}, "--categorical and --numeric both name 'label', 'lap', 'list'"),
        ({"categorical": ["label"], "numeric": ["label"]}, "both name 'label'; a column is either labels or numbers "
         "(take it out of one of them, as in --categorical 'SELECTORS,!label')"),
    ],
)  # fmt: skip
def test_selectors_that_do_not_fit(how: dict, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        groups("label", **how)
    assert message in str(refused.value)


def test_columns_of_neither_group_are_said_where_they_are_called_by_name() -> None:
    found = groups("label", categorical=["label", "two", "w*"], numeric=["many"])
    assert found.notes[:2] == (
        "--categorical has no effect on 'two', which is not among the columns of --x and --z",
        "--numeric has no effect on 'many', which is not among the columns of --x and --z",
    )
    assert not any("no effect" in note for note in groups("label", categorical=["*", "!a"]).notes)


def test_few_levels_of_integers_are_said_once() -> None:
    assert groups("label").notes == (
        "x: 'label' has 10 levels and is used as a number; if these are labels: --categorical label",
    )
    assert groups("label", numeric=["label"]).notes == ()
    assert groups("two").notes == ()
    assert groups("many").notes == ()
    assert groups("label,unsigned").notes == (
        "x: used as numbers: 'label' (10 levels), 'unsigned' (4 levels); "
        "if these are labels: --categorical label,unsigned",
    )
    wide = pa.table({"a": EACH} | {f"p{i}": EACH % (3 + i) for i in range(8)})
    assert groups("p*", wide).notes[0].endswith("'p5' (8 levels) and 2 more; if these are labels: --categorical COLS")


@pytest.mark.parametrize(("levels", "said"), [(2, False), (3, True), (20, True), (21, False)])
def test_how_few_levels_are_few(levels: int, said: bool) -> None:
    table = pa.table({"a": EACH, "n": EACH % levels})
    assert bool(groups("n", table).notes) == said
    encoding = describe_columns("-", stdin=stream(table)).columns[1].encoding
    told = f"as it is: {levels} levels, used as a number; if these are labels: --categorical n"
    assert encoding == (told if said else "as it is")


def test_as_many_levels_as_rows_are_no_labels() -> None:
    assert groups("n", pa.table({"a": range(15), "n": range(15)})).notes == ()


def test_columns_beside_classes_follow_the_same_rule() -> None:
    table = TABLE.append_column("class", pa.array(EACH % 4))
    how = {"categorical": ["label", "class", "two"]}
    found = load_classes("-", ["label,whole"], "class", Wanted(**how), stdin=stream(table))
    assert found.classes == (0, 1, 2, 3)
    assert found.one.group.names == groups("label,whole", **how, table=table).x.names
    assert found.one.notes[0].startswith("--categorical has no effect on 'two', which is not among the columns of --x")
    assert load_classes("-", ["label"], "class", Wanted(numeric=["class"]), stdin=stream(table)).is_number


def test_descriptions_follow_what_is_asked() -> None:
    options = {"categorical": ["label", "half", "many", "list"], "numeric": ["number", "mostly"]}
    found = {c.name: c for c in describe_columns("-", stdin=stream(TABLE), **options).columns}
    assert (found["label"].width, found["label"].kind, found["label"].distinct) == (10, "discrete", 10)
    assert (found["number"].width, found["number"].kind) == (1, "continuous")
    for name, why in (
        ("half", "holds 0.5; labels are whole numbers or words"),
        ("many", "has 120 levels in 120 rows; labels may have"),
        ("list", "holds lists, which are no labels"),
        ("mostly", "is to be numeric, but row 7 (counted from 0) holds '?'"),
    ):
        assert found[name].encoding.startswith(why)
        assert (found[name].kind, found[name].usable) == (None, False)
    with pytest.raises(UsageError, match="there is no column 'lable'"):
        describe_columns("-", categorical=["lable"], stdin=stream(TABLE))


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        (lambda v: v, "continuous"),
        (lambda v: np.round(v), "discrete"),
        (lambda v: np.maximum(v, 0.0), "with atoms"),
        (lambda v: np.column_stack([v[:, 0], np.round(v[:, 1:])]), "discrete"),
        (lambda v: np.column_stack([v[:, 0], np.maximum(v[:, 1], 0.0), np.round(v[:, 2])]), "with atoms"),
        (lambda v: np.column_stack([v[:, 0], np.full(len(v), 3.0), v[:, 2]]), "continuous"),
    ],
)
def test_the_kind_of_lists_is_that_of_their_entries(entries, kind: str) -> None:
    values = entries(np.random.default_rng(0).standard_normal((3000, 3)))
    table = pa.table({"emb": pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 3)})
    assert describe_columns("-", stdin=stream(table)).columns[0].kind == kind
