"""The manual: pages that are whole, right and reachable, and `minecli docs`, which shows them."""

import json
import re
import shlex
from importlib.resources import files

import jsonschema
import pytest
import typer
from shown_sessions import ROOT, assert_as_shown, sessions, table_rows

from minecli.cli import docs
from minecli.cli.exit_codes import ExitCode
from minecli.cli.main import app
from minecli.docs import page, topics
from minecli.docs.tables import RECORDS, regenerated
from minecli.estimators.exclusions import EXCLUSIONS
from minecli.estimators.registry import ESTIMATORS
from minecli.estimators.verdict import DECISIONS
from minecli.result import DiagnosticCode, Status

LARGEST = 12_000  # bytes of a page
WIDEST = 76  # what a session may print for a terminal of 80 columns to show it unbroken
PAGES = {topic: page(topic) for topic in topics()}
SESSIONS = [(topic, *session) for topic, text in PAGES.items() for session in sessions(text)]


@pytest.mark.parametrize(
    ("command", "output"),
    [pytest.param(*session, id=f"{topic}: {session[0].partition(' --')[0]}") for topic, *session in SESSIONS],
)
def test_sessions(command, output, tmp_path):
    assert_as_shown(command, output, tmp_path)


@pytest.mark.parametrize("topic", PAGES)
def test_a_page_is_short_and_has_headings(topic):
    text = PAGES[topic]
    assert re.match(rf"# {topic}: \S", text)
    assert len(text.encode()) <= LARGEST
    assert topic == "glossary" or len(re.findall(r"^## ", text, re.MULTILINE)) >= 2


@pytest.mark.parametrize("topic", PAGES)
def test_tables_are_those_of_the_code_and_of_the_records(topic):
    assert regenerated(PAGES[topic], ROOT / RECORDS) == PAGES[topic], "python -m minecli.docs writes them anew"


def test_every_record_is_in_a_page():
    named = set(re.findall(r"<!-- table: (\S+) -->", "".join(PAGES.values())))
    records = {path.stem for path in (ROOT / RECORDS / "records").glob("*.csv")}
    # These two are parts of larger tables.
    assert records - named == {"covered_by_task"}


def test_the_regeneration_would_notice():
    changed = PAGES["trust"].replace("| no value |", "| no number |")
    assert changed != PAGES["trust"]
    assert regenerated(changed, ROOT / RECORDS) == PAGES["trust"]


def between(topic, table):
    return PAGES[topic].split(f"<!-- table: {table} -->")[1].split("<!-- /table -->")[0]


def test_every_status_code_and_diagnostic_is_explained():
    for word in (*Status, *DiagnosticCode):
        assert f"`{word}`" in PAGES["trust"], word
    for code in ExitCode:
        assert re.search(rf"^\| (\d+, )?{int(code)}(, \d+)? \|", PAGES["pipelines"], re.MULTILINE), code


def test_the_rules_are_those_of_the_verdict():
    rules = [*table_rows(between("trust", "exclusions")), *table_rows(between("trust", "decisions"))]
    assert rules == [[rule.name, rule.says] for rule in (*EXCLUSIONS, *DECISIONS)]


def test_every_diagnostic_has_its_direction():
    table = re.search(r"^\| code \| direction \|.*?(?=^$)", PAGES["trust"], re.MULTILINE | re.DOTALL).group(0)
    told = {name: direction for names, direction, _ in table_rows(table) for name in re.findall("`(.+?)`", names)}
    assert told == {str(code): str(code.direction) for code in DiagnosticCode}


def test_the_estimators_are_those_of_the_registry():
    for table in ("estimators", "limits"):
        assert [row[0] for row in table_rows(between("estimators", table))] == [f"`{name}`" for name in ESTIMATORS]


def commands(group, above="minecli"):
    """Every command as it is typed; one that goes without a name is its group."""
    for name, command in group.commands.items():
        typed = above if name.startswith("(") else f"{above} {name}"
        yield from commands(command, typed) if hasattr(command, "commands") else [typed]


def test_every_command_is_named_in_a_page():
    text = "\n".join(PAGES.values())
    for typed in commands(typer.main.get_command(app)):
        assert re.search(rf"\b{typed}\b", text), typed


# The command.


def test_without_a_topic_the_pages_are_listed(cli):
    ran = cli("docs")
    assert (ran.code, ran.stderr) == (0, "")
    assert [line.split(maxsplit=1) for line in ran.stdout.splitlines()] == [list(pair) for pair in topics().items()]
    assert max(map(len, ran.stdout.splitlines())) <= 80
    assert cli("docs", terminal=True).stdout == ran.stdout


@pytest.mark.parametrize("topic", PAGES)
def test_a_pipe_gets_the_page_as_it_is(cli, topic):
    assert cli("docs", topic).stdout == PAGES[topic]


@pytest.mark.parametrize("topic", PAGES)
def test_a_terminal_gets_it_laid_out(cli, topic):
    shown = cli("docs", topic, terminal=True, environment={"NO_COLOR": "1"}).stdout
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "<!--" not in shown
    assert "|---" not in shown
    for _, _, output in (session for session in SESSIONS if session[0] == topic):
        for line in output.splitlines():
            assert len(line) <= WIDEST, line
            assert line.rstrip() in shown, line


def test_colour_is_for_terminals_that_want_it(cli):
    assert "\x1b[" in cli("docs", "trust", terminal=True).stdout
    assert "\x1b" not in cli("docs", "trust", terminal=True, environment={"TERM": "dumb"}).stdout


def test_an_unknown_topic_is_refused_with_what_is_near(cli):
    ran = cli("docs", "trsut")
    assert (ran.code, ran.stdout) == (2, "")
    assert "there is no page 'trsut'; there are ali, " in ran.stderr
    assert "(did you mean trust?)" in ran.stderr
    assert "(minecli docs lists them)" in cli("docs", "zzz").stderr
    assert cli("docs", "../records").code == 2


def test_help_ends_with_an_example_that_runs(cli, capsys):
    assert cli("docs", "--help").code == 0
    assert docs.EXAMPLE in capsys.readouterr().out
    assert docs.HELP.rstrip().endswith(f"Example: {docs.EXAMPLE}")
    assert cli(*shlex.split(docs.EXAMPLE)[1:]).stdout == PAGES["trust"]


# What is packaged, and the schema.

SCHEMA = json.loads(files("minecli.docs").joinpath("estimate.schema.json").read_text(encoding="utf-8"))


def test_the_package_has_its_data():
    import tomllib

    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["minecli"]
    packaged = {path for pattern in patterns for path in (ROOT / "minecli").glob(pattern)}
    others = {path for path in (ROOT / "minecli").rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert others == packaged
    assert all(files("minecli").joinpath(*path.relative_to(ROOT / "minecli").parts).is_file() for path in packaged)
    assert files("minecli").joinpath("py.typed").is_file()


@pytest.mark.parametrize(
    "words",
    [
        ("gaussian_1d.parquet", "--x", "x0", "--z", "z0", "-e", "ksg", "-e", "gaussian", "--units", "bits"),
        ("gaussian_1d.parquet", "--x", "x0", "--z", "z0", "-e", "mine", "--sample", "200", "--max-steps", "20"),
        ("gaussian_1d.parquet", "--x", "x0", "--z", "z0", "-e", "ksg", "--sample", "40"),
        ("student_3d.csv.gz", "--x", "x*", "--z", "z*", "-e", "ksg", "-e", "gaussian"),
        ("mixed_missing.csv", "--x", "x0", "--z", "z0", "--missing", "drop", "-e", "mixed-ksg", "-e", "plug-in"),
    ],
    ids=lambda words: " ".join(words[:1] + words[5:]),
)
def test_what_estimate_says_is_as_the_schema_has_it(cli, sample_data, words):
    ran = cli("estimate", sample_data / words[0], *words[1:])
    assert ran.code == 0, ran.stderr
    jsonschema.Draft202012Validator(SCHEMA).validate(ran.json)


@pytest.mark.parametrize(
    ("columns", "status"), [("a,b", "infinite"), ("a,c", "converged"), ("d,e", "converged")], ids=lambda word: word
)
def test_infinite_constant_and_labelled_data_are_in_the_schema(cli, tmp_path, columns, status):
    path = tmp_path / "t.csv"
    rows = [f"{i * 0.37 % 1:.5f},{i * 0.37 % 1 * 2:.5f},1,{'pqr'[i % 3]},{'uv'[i % 2]}" for i in range(200)]
    path.write_text("\n".join(["a,b,c,d,e", *rows]))
    x, z = columns.split(",")
    words = ["-e", "gaussian"] if columns == "a,b" else []
    ran = cli("estimate", path, "--x", x, "--z", z, "--independent-rows", *words)
    assert ran.code == 0, ran.stderr
    assert [e["status"] for e in ran.json["estimates"]] == [status]
    jsonschema.Draft202012Validator(SCHEMA).validate(ran.json)


def test_the_schema_would_notice(cli, sample_data):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    payload = cli("estimate", sample_data / "gaussian_1d.parquet", "--x", "x0", "--z", "z0", "-e", "ksg").json
    for change in (
        {"schema_version": 1},
        {"verdict": payload["verdict"] | {"answer": "perhaps"}},
        {"estimates": [payload["estimates"][0] | {"mi_nats": "0.8"}]},
        {"estimates": [payload["estimates"][0] | {"status": "done"}]},
        {"estimates": [{k: v for k, v in payload["estimates"][0].items() if k != "status"}]},
        {"surprise": 1},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate(payload | change)


def test_the_schema_has_the_words_of_the_code():
    from minecli.estimators.verdict import Answer
    from minecli.result import Direction, Severity

    defined = SCHEMA["$defs"]
    for words, name in ((Status, "status"), (DiagnosticCode, "code"), (Direction, "direction"), (Severity, "severity"),
                        (Answer, "answer")):  # fmt: skip
        assert set(defined[name]["enum"]) == {str(word) for word in words}, name
