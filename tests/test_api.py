"""The front door for Python: the command's numbers, from files, frames and arrays; errors; what a result can do."""

import doctest
import html.parser
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import minecli

ROOT = Path(__file__).resolve().parent.parent
QUICK = {"max_steps": 20, "folds": 2}
# file, --x, --z, the command's further words, the same for Python
CASES = {
    "numbers": ("gaussian_1d.parquet", "x0", "z0", "-e ksg -e gaussian", {"estimators": ["ksg", "gaussian"]}),
    "networks": (
        "gaussian_1d.parquet", "x0", "z0", "-e mine --max-steps 20 --folds 2 --sample 400 --seed 3",
        {"estimators": {"mine": QUICK}, "sample": 400, "seed": 3},
    ),
    "many columns": (
        "gaussian_20d.parquet", "x*", "z0:z3,!z1", "-e ksg --sample 500 --confidence 0.9",
        {"estimators": "ksg", "sample": 500, "confidence": 0.9},
    ),
    "lists": ("embedding.parquet", "x", "z[0:3]", "-e ksg --sample 500", {"estimators": "ksg", "sample": 500}),
    "missing": (
        "mixed_missing.csv", "x0", "z0", "-e mixed-ksg --missing drop --where x0>0",
        {"estimators": "mixed-ksg", "missing": "drop", "reading": {"where": "x0>0"}},
    ),
    "compressed": ("student_3d.csv.gz", "x0:x2", "z0", "-e ksg --sample 500", {"estimators": "ksg", "sample": 500}),
}  # fmt: skip
LABELS = pd.DataFrame(
    {
        "a": ["pqr"[i * i % 7 % 3] for i in range(300)],
        "b": pd.Categorical(["uvw"[(i * i % 7 + i % 2) % 3] for i in range(300)]),
        "c": 1.0,
        "mixed": [1, "one"] * 150,
    }
)


def comparable(payload, *, same_source=True):
    """A payload without timings, the machine, and, where the data came in another way, the way they came."""
    payload = json.loads(json.dumps(payload))
    del payload["environment"]
    for entry in payload["estimates"]:
        del entry["seconds"]
        entry["details"] = {k: v for k, v in entry["details"].items() if "seconds" not in k}
    if not same_source:
        del payload["config"]["source"], payload["data"]["source"], payload["data"]["format"]
    return payload


def of_command(cli, path, x, z, words=""):
    ran = cli("estimate", path, "--x", x, "--z", z, "-f", "json", *words.split())
    assert ran.code == 0, ran.stderr
    return ran.json


@pytest.mark.parametrize("case", CASES)
def test_a_file_gives_what_the_command_gives(cli, sample_data, case):
    file, x, z, words, options = CASES[case]
    path = sample_data / file
    shown = of_command(cli, path, x, z, words)
    assert comparable(minecli.estimate(path, x, z, **options).to_dict()) == comparable(shown)


def frames_of(path):
    """The frames that a file can be read into, by library; texts without the types that a file does not have."""
    if path.suffix == ".parquet":
        yield "pyarrow", pq.read_table(path)
        yield "pandas", pd.read_parquet(path)
    else:
        yield "pandas", pd.read_csv(path)


@pytest.mark.parametrize("case", CASES)
def test_a_frame_gives_what_its_file_gives(cli, sample_data, case):
    file, x, z, words, options = CASES[case]
    shown = comparable(of_command(cli, sample_data / file, x, z, words), same_source=False)
    for library, frame in frames_of(sample_data / file):
        result = minecli.estimate(frame, x, z, **options)
        assert comparable(result.to_dict(), same_source=False) == shown, library
        assert result.data["source"].startswith(library)


@pytest.mark.parametrize("case", ["numbers", "lists", "missing"])
def test_a_frame_of_polars_gives_what_its_file_gives(cli, sample_data, case):
    polars = pytest.importorskip("polars")
    file, x, z, words, options = CASES[case]
    read = polars.read_parquet if file.endswith(".parquet") else polars.read_csv
    shown = of_command(cli, sample_data / file, x, z, words)
    result = minecli.estimate(read(sample_data / file), x, z, **options)
    assert comparable(result.to_dict(), same_source=False) == comparable(shown, same_source=False)


def test_arrays_give_what_a_file_of_them_gives(cli, sample_data):
    table = pq.read_table(sample_data / "gaussian_20d.parquet").slice(0, 400)
    x, z = (np.column_stack([table[f"{side}{i}"] for i in range(20)]) for side in "xz")
    path = Path("t.parquet")
    pq.write_table(table, path)
    shown = comparable(of_command(cli, path, "x0:x19", "z0:z19", "-e ksg"), same_source=False)
    path.unlink()
    torch = pytest.importorskip("torch")
    for convert in (np.asarray, np.asfortranarray, np.ndarray.tolist, lambda a: torch.tensor(a, requires_grad=True)):
        result = minecli.estimate(x=convert(x), z=convert(z), estimators="ksg")
        assert comparable(result.to_dict(), same_source=False) == shown
    assert comparable(minecli.estimate(x=pd.DataFrame(x), z=pa.table(list(z.T), names=[*map(str, range(20))]),
                                       estimators="ksg").to_dict(), same_source=False) == shown  # fmt: skip


@pytest.mark.parametrize("one", [np.asarray, list, pd.Series, lambda a: a[:, None], pa.array, pa.chunked_array])
def test_one_dimension_is_one_column(one):
    x = np.linspace(0.0, 1.0, 60) ** 2
    values = [x] if one is pa.chunked_array else x
    result = minecli.estimate(x=one(values), z=np.cos(20 * x), estimators="ksg")
    assert result.data["x"]["columns"] == ["x0"]
    assert result["ksg"].mi_nats == minecli.estimate(x=x, z=np.cos(20 * x), estimators="ksg")["ksg"].mi_nats


@pytest.mark.parametrize(("x", "z", "rule"), [("a", "b", "sound value"), ("a", "c", "constant")])
def test_what_is_chosen_where_nobody_asks(cli, tmp_path, x, z, rule):
    path = tmp_path / "labels.csv"
    LABELS.to_csv(path, index=False)
    shown = of_command(cli, path, x, z, "--categorical a --independent-rows")
    result = minecli.estimate(LABELS, x, z, categorical="a", independent_rows=True)
    assert result.verdict.rule == rule
    assert [e.estimator for e in result.estimates] == ["plug-in"]
    assert result.to_dict()["estimates"][0]["mi_nats"] == shown["estimates"][0]["mi_nats"]
    assert result.to_dict()["verdict"] == shown["verdict"]


def test_labels_are_arrays_too():
    result = minecli.estimate(x=LABELS["a"], z=np.array(LABELS["b"]), independent_rows=True)
    assert result.data["z"]["encodings"] == {"z0": "one-hot, 3 levels"}
    assert result.mi_nats == minecli.estimate(LABELS, "a", "b", independent_rows=True).mi_nats


def test_a_column_that_nobody_named_may_be_anything():
    assert minecli.estimate(LABELS, ["a"], ["b"]).data["n"] == 300
    with pytest.raises(minecli.DataError, match=r"^column 'mixed' of pandas.DataFrame has no one type"):
        minecli.estimate(LABELS, "mixed", "b")


def test_names_that_are_no_text_and_the_index():
    index = pd.Index([i * i for i in range(50)], name="id")
    frame = pd.DataFrame({0: np.arange(50.0) % 7, 1: np.arange(50.0) ** 0.5}, index=index)
    assert minecli.estimate(frame, [0], 1, estimators="ksg").data["x"]["columns"] == ["0"]
    assert minecli.estimate(frame, "id", "0", estimators="ksg").data["n"] == 50
    assert minecli.estimate(frame, "!1", "1", estimators="ksg").data["x"]["columns"] == ["0"]


X = np.random.Generator(np.random.PCG64(0)).standard_normal((60, 2))
FRAME = pd.DataFrame({"a": X[:, 0], "b": X[:, 1]})


def test_more_than_all_rows_are_all(cli, tmp_path):
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    result = minecli.estimate(tmp_path / "t.csv", "a", "b", sample=10**9, estimators="ksg")
    assert (
        result.data["notes"]
        == of_command(cli, tmp_path / "t.csv", "a", "b", f"-e ksg --sample {10**9}")["data"]["notes"]
    )
    assert result.notes == ("all of 60 rows are used: a sample of 1000000000 was asked for",)


@pytest.fixture(scope="module")
def result():
    y = X @ [1.0, 0.5]
    odd = '<b onclick="x">&\x1b[31m\u202e'
    frame = pd.DataFrame({odd: X[:, 0], "<script>alert(1)</script>": np.repeat(["<i>", "&amp;"], 30), "z": y})
    return minecli.estimate(frame, [odd, "<script>alert(1)</script>"], "z", estimators=["ksg", "mixed-ksg", "gaussian"])


class Parsed(html.parser.HTMLParser):
    """The elements of a page, each of which has to be closed, and its text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text = [], set(), ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_is_sound_and_foreign_text_is_text(result):
    page = Parsed(result._repr_html_())
    assert page.tags <= {"div", "p", "strong", "small", "table", "thead", "tbody", "tr", "th", "td", "br", "code"}
    assert "<script>alert(1)</script>" in page.text
    assert page.text.isprintable()
    for estimate in result.estimates:
        assert f"{estimate.mi_nats:.4f}" in page.text
        for diagnostic in estimate.diagnostics:
            assert (f"{diagnostic.code}" in page.text) or diagnostic.severity == "note"


def test_html_says_the_verdict_and_where_a_value_is_excluded():
    page = Parsed(
        minecli.estimate(LABELS, "a", "b", estimators=["ksg", "plug-in"], independent_rows=True)._repr_html_()
    )
    assert page.text.startswith("Believe ")
    assert "excluded" in page.text
    assert "unsuited-kinds" in page.text
    nothing = Parsed(minecli.estimate(FRAME, "a", "a,!a,b", estimators="gaussian")._repr_html_())
    assert nothing.text.startswith("Cannot say.")


def test_text_is_the_command_s_table(cli, sample_data):
    path = sample_data / "gaussian_1d.parquet"
    shown = cli("estimate", path, "--x", "x0", "--z", "z0", "-e", "gaussian", "-f", "table").stdout
    printed = str(minecli.estimate(path, "x0", "z0", estimators="gaussian"))
    assert "\ngaussian" in printed
    # Only the seconds, which end a line, may differ.
    ends = re.compile(r"[\d.]+$", re.MULTILINE)
    assert ends.sub("", printed) == ends.sub("", shown.removesuffix("\n"))


def test_a_number_does_not_come_without_its_status(result):
    assert (result.answer == "believe") == (result.mi_nats is not None)
    assert result["gaussian"].status == "converged"
    with pytest.raises(KeyError, match="there are ksg, mixed-ksg, gaussian"):
        result["mine"]
    believed = minecli.estimate(LABELS, "a", "b", independent_rows=True)
    assert believed.trustworthy
    assert believed.mi_nats in believed.interval
    assert believed.at_most_nats >= believed.mi_nats
    assert repr(believed).startswith("<minecli.Result: Believe ")


def test_reasons_and_notes_speak_of_parameters(result):
    assert "--" not in result.reason
    assert result.verdict.reason.replace("--independent-rows", "independent_rows") == result.reason
    counted = minecli.estimate(x=np.arange(300) % 7, z=np.arange(300) % 5, independent_rows=True, estimators="plug-in")
    assert counted.notes[0].endswith("if these are labels: categorical x0")


def test_pandas_out(result):
    table = result.to_pandas()
    assert list(table["estimator"]) == ["ksg", "mixed-ksg", "gaussian"]
    assert list(table["mi_nats"]) == [e.mi_nats for e in result.estimates]
    assert list(table.columns[:3]) == ["source", "x", "z"]


def test_results_can_be_pickled(result):
    again = pickle.loads(pickle.dumps(result))
    assert again.to_dict() == result.to_dict()
    assert np.array_equal(again.row_numbers, result.row_numbers)
    assert again.facts == result.facts


def test_progress(capsys):
    events = []
    options = {"estimators": ["ksg", "gaussian"]}
    minecli.estimate(FRAME, "a", "b", progress=events.append, **options)
    assert {type(event) for event in events} == {minecli.Event}
    assert capsys.readouterr().err == ""
    minecli.estimate(FRAME, "a", "b", progress=True, **options)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("\r")
    assert "ksg: step " in err


def test_threads_are_given_back():
    before = dict(os.environ)
    minecli.estimate(FRAME, "a", "b", estimators="gaussian", threads=3)
    assert dict(os.environ) == before


def test_the_rows_of_values_per_row():
    frame = FRAME.assign(a=FRAME["a"].where(FRAME.index % 10 > 0))
    result = minecli.estimate(frame, "a", "b", missing="drop", estimators="ksg")
    assert list(result.row_numbers) == [i for i in range(60) if i % 10]
    assert len(result["ksg"].pointwise_nats) == 54


def python(code, *, timeout=300):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_costs_nothing_and_neighbours_need_no_torch():
    out = python(
        "import sys, minecli\n"
        "heavy = {'torch', 'pandas', 'pyarrow', 'numpy', 'scipy', 'rich', 'typer', 'minecli.api'}\n"
        "print(sorted(heavy & set(sys.modules)), minecli.__version__, set(minecli.__all__) <= set(dir(minecli)))\n"
        "minecli.estimate(x=[0.1, 0.7, 0.3, 0.4, 0.9] * 9, z=[0.3, 0.1, 0.5, 0.2, 0.8] * 9, estimators='ksg')\n"
        "print(sorted({'torch', 'rich', 'typer', 'matplotlib'} & set(sys.modules)))\n"
    )
    assert out.splitlines() == [f"[] {minecli.__version__} True", "[]"]


def test_every_name_is_there_and_no_other():
    for name in minecli.__all__:
        assert getattr(minecli, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'estimat'"):
        minecli.estimat  # noqa: B018


EXAMPLE = """\
import minecli
import pandas as pd

def shown(event: minecli.Event) -> None: ...

frame = pd.DataFrame({"a": [1.0], "b": [2.0]})
result = minecli.estimate(frame, x="a", z=["b"], estimators={"ksg": {"k": 5}}, seed=1, progress=shown)
result = minecli.estimate("a.csv", "a", "b", missing="drop", estimators=["ksg"])
answer: str = result.answer
low: float | None = None if result.interval is None else result.interval.low_nats
error: type[ValueError] = minecli.DataError  # wrong
number: float = result.mi_nats  # wrong
minecli.estimate("a.csv", "a", "b", seed="1")  # wrong
minecli.estimate("a.csv", "a", "b", sed=1)  # wrong
minecli.estimat("a.csv", "a", "b")  # wrong
"""


def test_type_checkers_see_it(tmp_path):
    (tmp_path / "example.py").write_text(EXAMPLE)
    libraries = ",".join(f"{name}.*" for name in ("numpy", "torch", "pandas", "pyarrow", "scipy", "duckdb"))
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = true\nfollow_imports = silent\n[mypy-{libraries}]\n"
                                       "follow_imports = skip\nignore_missing_imports = true\n")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", "cache", "example.py"],
        cwd=tmp_path, env=os.environ | {"MYPYPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    found = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    assert found == {n for n, line in enumerate(EXAMPLE.splitlines(), 1) if line.endswith("# wrong")}, done.stdout


def test_the_manual_s_page_does_as_it_says(monkeypatch):
    page = (ROOT / "minecli" / "docs" / "python.md").read_text(encoding="utf-8")
    assert len(page.encode()) <= 6000
    sessions = "\n".join(block.partition("```")[0] for block in page.split("```python\n")[1:])
    monkeypatch.chdir(ROOT)
    test = doctest.DocTestParser().get_doctest(sessions, {}, "python.md", None, None)
    runner = doctest.DocTestRunner(verbose=False)
    said = []
    assert runner.run(test, out=said.append).failed == 0, "".join(said)
    assert runner.tries > 15
