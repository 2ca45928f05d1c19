"""--categorical and --numeric as they are typed: `columns`, `ib`, `gan` and `ali`; kinds as they are shown."""

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minecli.apps.ib.config import IbRequest
from minecli.tables.groups import load_groups
from minecli.tables.wanted import Wanted

ON_CPU = ("--threads", "1", "--device", "cpu", "-q")
SMALL = ("--method", "baseline", "--seeds", "1", "--epochs", "1", "--hidden", "8", "--code-dim", "2", "--no-choose")


@pytest.fixture
def table(tmp_path):
    rng, each = np.random.default_rng(0), np.arange(300)
    columns = {
        "size": rng.normal(size=300),
        "shop": each % 12,
        "grade": [f"{value:.2f}" for value in rng.normal(size=300)],
        "half": each % 4 + 0.5,
        "id": each,
        "emb": pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(size=600)), 2),
        "label": each % 3,
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def described(ran):
    assert ran.code == 0, ran.stderr
    return {c["name"]: c for c in ran.json["columns"]}


def test_columns_say_what_kind_their_values_are(cli, table):
    found = described(cli("columns", table))
    assert {name: c["kind"] for name, c in found.items()} == {
        "size": "continuous", "shop": "discrete", "grade": None, "half": "discrete", "id": "continuous",
        "emb": "continuous", "label": "discrete",
    }  # fmt: skip
    assert found["shop"]["encoding"] == (
        "as it is: 12 levels, used as a number; if these are labels: --categorical shop"
    )
    records = list(csv.DictReader(io.StringIO(cli("columns", table, "--format", "csv").stdout)))
    assert [r["kind"] for r in records] == [c["kind"] or "" for c in found.values()]


def test_columns_follow_the_options(cli, table):
    found = described(cli("columns", table, "--categorical", "shop,half", "--categorical", "id", "--numeric", "gr*"))
    assert (found["shop"]["width"], found["shop"]["encoding"]) == (12, "one-hot, 12 levels")
    assert (found["grade"]["width"], found["grade"]["usable"]) == (1, True)
    assert found["half"]["encoding"] == "holds 0.5; labels are whole numbers or words"
    assert found["id"]["encoding"].startswith("has 300 levels in 300 rows; labels may have at most 1,000, and half")


def test_the_table_says_once_how_to_name_labels(cli, table):
    lines = cli("columns", table, "--format", "table").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[-3:] == ["kind", "used", "as"]
    assert lines[-1] == "* few levels, used as a number; if these are labels: --categorical COLS"
    assert [line.split()[0] for line in lines[:-1] if "discrete * as it is" in line] == ["shop", "label"]
    labelled = cli("columns", table, "--format", "table", "--categorical", "shop,label").stdout
    assert "--categorical" not in labelled


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--categorical", "shpo"), "--categorical: there is no column 'shpo'; the nearest names are 'shop'"),
        (("--numeric", "q*"), "--numeric: no column matches 'q*'"),
        (("--categorical", "shop", "--numeric", "*"), "--categorical and --numeric both name 'shop'"),
        (("--categorical", "@list", "-o", "list"), "is a file that is read from"),
    ],
)
def test_columns_refuse_selectors_that_do_not_fit(cli, table, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list").write_text("shop\n")
    ran = cli("columns", table, *words)
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def trained(cli, table, *words, x="size,shop,grade", **how):
    return cli("ib", table, "--x", x, "--target", "label", *words, *SMALL, *ON_CPU, **how)


def test_ib_and_estimate_agree_on_kinds(cli, table):
    asked = {"categorical": ["shop"], "numeric": ["grade"]}
    ran = trained(cli, table, "--categorical", "shop", "--numeric", "grade")
    assert ran.code == 0, ran.stderr
    groups = load_groups(str(table), ["size,shop,grade"], ["label"], Wanted(**asked))
    assert ran.json["data"]["columns"] == list(groups.x.names)
    assert {key: ran.json["config"][key] for key in asked} == asked
    plain = trained(cli, table, x="size,shop")
    assert plain.json["data"]["columns"] == ["size", "shop"]
    assert plain.json["data"]["notes"] == [
        "x: 'shop' has 12 levels and is used as a number; if these are labels: --categorical shop"
    ]


def test_a_run_encodes_other_tables_with_the_same_kinds(cli, table, tmp_path):
    folder = tmp_path / "run"
    ran = trained(cli, table, "--categorical", "shop,label", "--numeric", "grade", "--run-dir", folder)
    assert ran.code == 0, ran.stderr
    # CSV has no place for lists, and one of the other columns holds them.
    assert cli("ib", "encode", folder, table).code == 2
    whole = cli("ib", "encode", folder, table, "--only-x")
    assert whole.code == 0, whole.stderr
    rows = list(csv.DictReader(io.StringIO(whole.stdout)))
    assert [row["shop"] for row in rows[:13]] == [*map(str, range(12)), "0"]
    text = "shop,size,grade\n" + "".join(f"{row['shop']},{row['size']},{row['grade']}\n" for row in rows[4:6])
    again = list(csv.DictReader(io.StringIO(cli("ib", "encode", folder, "-", stdin=text.encode()).stdout)))
    assert [row["predicted"] for row in again] == [row["predicted"] for row in rows[4:6]]
    np.testing.assert_allclose(
        [float(r["latent0"]) for r in again], [float(r["latent0"]) for r in rows[4:6]], rtol=1e-5
    )
    other = cli("ib", "encode", folder, "-", stdin=b"shop,size,grade\n12,0,1.5\n")
    assert (other.code, other.stdout) == (3, "")
    assert "has shop=12, which the run has not seen" in other.stderr
    assert cli("ib", "--resume", folder, "-q").code == 0
    refused = cli("ib", "--resume", folder, "--categorical", "size")
    assert refused.code == 2
    assert "does not go with --categorical" in refused.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--numeric", "shop", "--categorical", "shop"), 2, "both name 'shop'"),
        (("--categorical", "shpo"), 2, "the nearest names are 'shop'"),
        (("--x", "half", "--categorical", "half"), 3, "column 'half' holds 0.5; labels are whole numbers or words"),
        (("--x", "emb", "--categorical", "emb"), 3, "column 'emb' holds lists, which are no labels"),
        (("--x", "id", "--categorical", "id"), 3, "column 'id' has 300 levels in 300 rows"),
    ],
)
def test_ib_refuses_what_does_not_fit(cli, table, tmp_path, words, code, message):
    ran = trained(cli, table, *words, "--run-dir", tmp_path / "run", x="size")
    assert (ran.code, ran.stdout) == (code, "")
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["gan", "ali"])
def test_generated_rows_have_the_labels_of_the_table(cli, table, tmp_path, command):
    folder, out = tmp_path / "run", tmp_path / "s.parquet"
    how = ("--categorical", "shop", "--steps", "2", "--seeds", "1", "--run-dir", folder)
    ran = cli(command, table, "--x", "size,shop", *how, *ON_CPU)
    assert ran.code == 0, ran.stderr
    assert ran.json["data"]["columns"] == ["size", *(f"shop={i}" for i in range(12))]
    assert cli(command, "sample", folder, "-n", "50", "-o", out, "-q").code == 0
    shops = pq.read_table(out)["shop"]
    assert shops.type == pa.int64()
    assert set(shops.to_pylist()) <= set(range(12))


@pytest.mark.parametrize("words", [("gan", "spiral", "--categorical", "a"), ("ib", "mnist", "--numeric", "a")])
def test_data_sets_that_are_no_tables_have_no_columns(cli, words):
    ran = cli(*words)
    assert (ran.code, ran.stdout) == (2, "")
    assert f"{words[2]} names columns of a table, and '{words[1]}' is none (leave {words[2]} out)" in ran.stderr


def test_a_run_that_knows_nothing_of_kinds_is_read(tmp_path):
    from minecli.apps.ib.config import preset

    asked = {"dataset": "t.csv", "methods": ("dvb",), "seeds": (0,), "preset": "quick", "x": ("a",), "target": "b"}
    request = IbRequest(config=preset("quick", "t.csv"), **asked)
    stored = json.loads(json.dumps(request.to_json()))
    assert IbRequest.from_json(stored) == request
    before = {key: value for key, value in stored.items() if key not in ("categorical", "numeric")}
    assert IbRequest.from_json(before) == request
    assert not {"categorical", "numeric"} & set(request.marked("dvb"))
    asked["categorical"] = ("a",)
    assert IbRequest(config=preset("quick", "t.csv"), **asked).marked("dvb")["categorical"] == ["a"]
