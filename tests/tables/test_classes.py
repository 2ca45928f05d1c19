"""The class of each row: what may stand in the column, and what is refused."""

import io
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minecli.apps.ib.config import IbRequest, preset
from minecli.apps.ib.labelled_rows import load_classified
from minecli.errors import DataError, UsageError
from minecli.runtime.seeds import generator
from minecli.tables.classes import load_classes
from minecli.tables.files.options import Reading
from minecli.tables.splitting import stratified_order
from minecli.tables.wanted import Wanted


def text(labels, extra=""):
    rows = "".join(f"{i * 7 % 11},{i % 5},{label}\n" for i, label in enumerate(labels))
    return f"a,b,kind{extra}\n{rows}".encode()


def load(labels, columns=("a",), target="kind", **how):
    return load_classes("-", columns, target, Wanted(**how), stdin=io.BytesIO(text(labels)))


@pytest.mark.parametrize(
    ("labels", "classes", "first"),
    [
        ([3, -1, 10], (-1, 3, 10), [1, 0, 2]),
        (["1.0", "2.00", "-3.0"], (-3, 1, 2), [1, 2, 0]),
        (["true", "false"], (False, True), [1, 0]),
        (["b", "a", "Z"], ("Z", "a", "b"), [2, 1, 0]),
        (["01", "1x"], ("01", "1x"), [0, 1]),
        (['"x,y"', "z"], ("x,y", "z"), [0, 1]),
        ([2**62, 2**62 + 1], (2**62, 2**62 + 1), [0, 1]),
    ],
)
def test_whole_numbers_booleans_and_words_are_classes(labels, classes, first):
    found = load(labels * 10)
    assert found.classes == classes
    assert found.labels.dtype == np.int64
    assert found.labels.tolist() == first * 10
    assert found.one.rows_read == 10 * len(labels)


@pytest.mark.parametrize(
    ("column", "classes"),
    [
        (pa.array(["x", "y"] * 10).dictionary_encode(), ("x", "y")),
        (pa.array([3, 1] * 10).dictionary_encode(), (1, 3)),
        (pa.array(["x", "y"] * 10, pa.large_string()), ("x", "y")),
        (pa.array([Decimal("1.00"), Decimal("2.00")] * 10), (1, 2)),
        (pa.array([1, 2] * 10, pa.uint8()), (1, 2)),
        (pa.array([1, 2] * 10, pa.float32()), (1, 2)),
        (pa.array([True, False] * 10), (False, True)),
        (pa.chunked_array([["x", "y"] * 5, ["z", "x"] * 5]), ("x", "y", "z")),
    ],
)
def test_columns_of_other_types(tmp_path, column, classes):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": list(range(20)), "kind": column}), path)
    found = load_classes(str(path), ["a"], "kind")
    assert found.classes == classes
    assert [found.classes[i] for i in found.labels] == column.to_pylist()


@pytest.mark.parametrize(
    ("labels", "message", "hint"),
    [
        (["x"], "column 'kind' holds one class in 30 rows; there is nothing to predict", "at least two"),
        (["x", ""], "missing values in 15 of 30 rows: 'kind' 15", "--missing drop"),
        (["1.0", "inf"], "column 'kind' holds 15 infinite values", "repair"),
        (["1e30", "1.0"], "column 'kind' holds numbers of 20 digits and more", "words or whole numbers"),
        (["2020-01-01", "2020-01-02"], "column 'kind' holds no classes (it is of kind date)", "words or whole"),
        ([f"w{i}" for i in range(16)], "column 'kind' holds 16 different values in 30 rows", "is it a number?"),
        ([7] * 26 + [8] * 4, "class '8' of column 'kind' has 4 rows", "is it a number? --numeric kind"),
        (["x"] * 26 + ["y"] * 4, "class 'y' of column 'kind' has 4 rows; it would be absent", "join rare classes"),
    ],
)
def test_what_holds_no_classes_is_refused(labels, message, hint):
    every = (list(labels) * 30)[:30]
    with pytest.raises(DataError) as refused:
        load(every)
    assert message in refused.value.problem
    assert hint in refused.value.hint


def test_classes_beyond_the_most_are_refused():
    with pytest.raises(DataError, match=r"1,001 different values in 6006 rows; .* \(at most 1,000, and half"):
        load([f"w{i}" for i in range(1001)] * 6)
    assert len(load(list(range(1000)) * 6).classes) == 1000


def test_five_rows_of_a_class_are_enough():
    assert load(["x"] * 25 + ["y"] * 5).classes == ("x", "y")


@pytest.mark.parametrize(
    ("columns", "target", "message"),
    [
        (["a"], "kin", "--target 'kin' is no column of '-', which has 'a', 'b', 'kind' (did you mean kind?)"),
        (["a"], "qqq", "--target 'qqq' is no column of '-', which has 'a', 'b', 'kind' (minecli columns - shows them)"),
        (["*"], "kind", "--x selects 'kind', which is to be predicted (take it out: --x '*,!kind')"),
        (["a", "b:kind"], "b", "--x selects 'b', which is to be predicted (take it out: --x 'a,b:kind,!b')"),
        (["nope"], "kind", "nope"),
    ],
)
def test_a_target_that_does_not_fit_is_explained(columns, target, message):
    with pytest.raises(UsageError) as refused:
        load(["x", "y"] * 10, columns, target)
    assert message in str(refused.value)


def test_what_a_hint_says_works():
    names = [origin.name for origin in load(["x", "y"] * 10, ["*,!kind"]).one.origins]
    assert names == ["a", "b"]


def test_rows_without_a_label_are_dropped_where_that_is_asked():
    found = load(["x", "", "y"] * 10, missing="drop")
    assert found.labels.tolist() == [0, 1] * 10
    assert found.one.rows_dropped == 10
    named = load(["x", "?", "y"] * 10, missing="drop", reading=Reading(na_values=("?",)))
    assert named.classes == ("x", "y")


def shares(labels, part):
    return np.bincount(labels[part], minlength=labels.max() + 1)


@pytest.mark.parametrize("sizes", [(5, 5), (5, 300), (8, 9, 40), (100, 100, 100), (5,) * 30, (6, 11, 5, 500)])
def test_every_part_has_its_share_of_every_class(sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    order = stratified_order(labels, generator(0, "ib", "split"))
    assert sorted(order.tolist()) == list(range(len(labels)))
    tested = max(1, round(0.2 * len(order)))
    choosing = round((len(order) - tested) / 6)
    for part in (order[:tested], order[tested:-choosing], order[-choosing:]):
        found = shares(labels, part)
        expected = np.array(sizes) * len(part) / len(order)
        assert (np.abs(found - expected) <= 1.0).all()
        assert (found[expected >= 1.0] >= 1).all()


def test_the_split_is_shuffled_and_the_same_each_time():
    labels = np.zeros(200, dtype=np.int64)
    order = stratified_order(labels, generator(0, "ib", "split"))
    assert (order == stratified_order(labels, generator(0, "ib", "split"))).all()
    assert abs(np.corrcoef(order, np.arange(200))[0, 1]) < 0.3


def asked(path, **changes):
    return IbRequest(
        dataset=str(path), methods=("dvb",), seeds=(0,), preset="quick", config=preset("quick", "table", **changes),
        x=("a", "b"), target="kind",
    )  # fmt: skip


def test_a_table_is_split_and_its_facts_are_told(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(text(["x", "y", "z"] * 50))
    found = load_classified(asked(path))
    assert (len(found.train), len(found.test), found.choosing) == (120, 30, 20)
    assert (len(found.learnt), len(found.held_back)) == (100, 20)
    assert found.classes == ("x", "y", "z")
    for part in (found.test, found.learnt, found.held_back):
        assert np.bincount(part.labels.numpy(), minlength=3).min() >= 6
    facts = found.facts
    assert (facts["rows"], facts["rows_held_back"], facts["rows_tested"], facts["rows_read"]) == (120, 20, 30, 150)
    assert (facts["columns"], facts["classes"]) == (["a", "b"], ["x", "y", "z"])
    # The rows of the table are what the parts hold, with their labels.
    whole = {tuple(row) for part in (found.train, found.test) for row in part.x.numpy().round(4).tolist()}
    assert len(whole) == 55
    assert load_classified(asked(path, choose=False)).facts["rows_held_back"] == 0


def test_too_few_rows_for_a_class_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(text(["x", *["y"] * 99] * 5))
    message = r"class 'x' is absent from the 17 rows to learn from \(use more rows than --rows 20"
    with pytest.raises(DataError, match=message):
        load_classified(asked(path, rows=20))


@pytest.mark.parametrize(
    ("labels", "how"),
    [
        (["1.0", "2.5", "3"], {}),
        ([1e-3, 2e5, -3.25], {}),
        (list(range(30)), {}),
        ([0, 1, 2], {"numeric": ["kind"]}),
        (["1.0", "2.0"], {"numeric": ["k*"]}),
    ],
)
def test_what_is_no_class_is_a_number(labels, how):
    every = (list(labels) * 30)[:30]
    found = load(every, **how)
    assert (found.is_number, found.classes, found.labels.dtype) == (True, (), np.float64)
    assert found.labels.tolist() == [float(value) for value in every]


def test_numbers_of_other_types(tmp_path):
    path = tmp_path / "t.parquet"
    for column in (
        pa.array([Decimal("1.25"), Decimal("2.00")] * 10),
        pa.array([1.25, 2.0] * 10, pa.float32()),
        pa.chunked_array([[1.25, 2.0] * 5, [1.25, 2.0] * 5]),
        pa.array(["1.25", "2.0"] * 10),
    ):
        pq.write_table(pa.table({"a": list(range(20)), "kind": column}), path)
        assert load_classes(str(path), ["a"], "kind", Wanted(numeric=["kind"])).labels.tolist() == [1.25, 2.0] * 10


@pytest.mark.parametrize(
    ("labels", "how", "message"),
    [
        (["1.0", "2.5"], {"categorical": ["kind"]}, "column 'kind' holds 2.5; classes are whole numbers or words"),
        ([5, 5], {"numeric": ["kind"]}, "column 'kind' holds only 5 in 30 rows; there is nothing to predict"),
        (["1e200", "2.5"], {}, "column 'kind' has values beyond 1e+100 in size"),
        (["x", "y"], {"numeric": ["kind"]}, "kind"),
        (["true", "false"], {"numeric": ["kind"]}, "column 'kind' holds no numbers (it is of kind boolean)"),
    ],
)
def test_numbers_that_cannot_be_predicted_are_refused(labels, how, message):
    with pytest.raises(DataError) as refused:
        load((list(labels) * 30)[:30], **how)
    assert message in refused.value.problem
