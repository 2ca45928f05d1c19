"""Each bad input: the right exit code, one clear line on stderr, nothing on stdout, no traceback."""

import errno
import os
import re

import numpy as np
import pytest

KSG = ("-e", "ksg")


@pytest.fixture
def files(tmp_path, sample_data):
    rng = np.random.default_rng(0)
    n = 60
    columns = {
        "x0": rng.normal(size=n),
        "z0": rng.normal(size=n),
        "constant": np.full(n, 3.0),
        "gene_a": rng.normal(size=n),
    }
    rows = list(zip(*columns.values(), strict=True))
    header = [*columns, "text", "hole", "infinite"]
    lines = [
        ",".join([*map(repr, map(float, row)), f"name {i}", "" if i == 5 else "1.5", "inf" if i == 7 else str(i)])
        for i, row in enumerate(rows)
    ]
    (tmp_path / "good.csv").write_text("\n".join([",".join(header), *lines]) + "\n")
    (tmp_path / "three.csv").write_text("x0,z0\n1,2\n2,5\n3,1\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("x0,z0\n")
    (tmp_path / "semicolons.csv").write_text("x0;z0\n1;2\n2;1\n")
    whole = (sample_data / "gaussian_1d.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[:5000])
    (tmp_path / "noise.parquet").write_bytes(b"this is no table")
    return tmp_path


CASES = {
    "no such file": (("god.csv", "x0", "z0"), 3, "god.csv"),
    "truncated parquet": (("cut.parquet", "x0", "z0"), 3, "cannot read .*cut.parquet"),
    "unreadable parquet": (("noise.parquet", "x0", "z0"), 3, "noise.parquet is called .parquet but is not"),
    "empty file": (("empty.csv", "x0", "z0"), 3, "is empty"),
    "header only": (("header.csv", "x0", "z0"), 3, "has a header but no rows"),
    "wrong delimiter": (("semicolons.csv", "x0", "z0", "--delimiter", ","), 3, "--delimiter ';'"),
    "unknown column": (("good.csv", "gene_b", "z0"), 2, "no column 'gene_b'.*'gene_a'"),
    "overlap": (("good.csv", "x0,z0", "z0"), 2, "overlap.*'z0'"),
    "glob without match": (("good.csv", "protein_*", "z0"), 2, r"no column matches 'protein_\*'"),
    "text column": (("good.csv", "text", "z0"), 3, "column 'text' is text with 60 distinct values"),
    "missing value": (("good.csv", "hole", "z0"), 3, "--missing drop"),
    "infinity": (("good.csv", "infinite", "z0"), 3, "1 infinite value"),
    "fewer rows than folds need": (("three.csv", "x0", "z0", "-e", "mine"), 3, "3 rows are too few for 5 folds"),
    "n < k + 1": (("three.csv", "x0", "z0", "-e", "ksg"), 3, "3 rows are too few for k = 3 neighbours"),
    "output in no folder": (("good.csv", "x0", "z0", "-o", "/nowhere/a.json"), 2, "'/nowhere' does not exist"),
    "output is a folder": (("good.csv", "x0", "z0", "-o", "/tmp"), 2, "is a folder; a file name is needed"),
    "pointwise in no folder": (("good.csv", "x0", "z0", "--pointwise", "/nowhere/a.csv"), 2, "does not exist"),
    "pointwise of no format": (("good.csv", "x0", "z0", "--pointwise", "a.doc"), 2, "allowed are .csv and .parquet"),
    "missing gpu": (("good.csv", "x0", "z0", "--device", "cuda:9"), 5, "'cuda:9' is not available"),
    "unknown device": (("good.csv", "x0", "z0", "--device", "tpu"), 2, "allowed are auto, cpu, cuda and cuda:N"),
    "no threads": (("good.csv", "x0", "z0", "--threads", "0"), 2, "--threads is 0"),
    "unknown estimator": (("good.csv", "x0", "z0", "-e", "magic"), 2, "'magic' is not known; there are mine,"),
    "setting of another": (("good.csv", "x0", "z0", *KSG, "--max-steps", "5"), 2, "--max-steps applies to mine"),
    "no neighbours": (("good.csv", "x0", "z0", *KSG, "-k", "0"), 2, "--neighbours is 0; it must be a whole number"),
    "confidence": (("good.csv", "x0", "z0", *KSG, "--confidence", "95"), 2, "--confidence is 95.0"),
    "sample": (("good.csv", "x0", "z0", *KSG, "--sample", "0"), 2, "--sample is 0"),
    "seed": (("good.csv", "x0", "z0", *KSG, "--seed", "-1"), 2, "--seed is -1"),
    "missing policy": (("good.csv", "x0", "z0", "--missing", "guess"), 2, "'guess' is not one of 'error', 'drop'"),
    "format": (("good.csv", "x0", "z0", "--format", "xml"), 2, "'xml' is not one of"),
    "unknown option": (("good.csv", "x0", "z0", "--folder", "5"), 2, "No such option: --folder"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input(cli, files, monkeypatch, case):
    (name, x, z, *more), code, message = CASES[case]
    ran = cli("estimate", files / name, "--x", x, "--z", z, *more)
    assert ran.stdout == ""
    errors = [line for line in ran.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    assert re.search(message, errors[0]), errors[0]
    assert ran.code == code


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("estimate",), "no DATA is named"),
        (
            ("estimate", "a.csv", "--z", "z0"),
            "--x is missing: name the columns of X (minecli columns a.csv lists them)",
        ),
        (("estimate", "a.csv", "--x", "x0"), "--z is missing"),
        (("estmate",), "No such command 'estmate'"),
        (("columns",), "Missing argument 'DATA'"),
        (("sample", "gaussian", "--dim", "many"), "Invalid value for '--dim'"),
    ],
)
def test_bad_command_lines(cli, words, message):
    ran = cli(*words)
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_huge_value_is_no_problem(cli, files):
    text = (files / "good.csv").read_text().replace("\n", "\n", 1).splitlines()
    cells = text[3].split(",")
    text[3] = ",".join(["1e300", *cells[1:]])
    (files / "huge.csv").write_text("\n".join(text) + "\n")
    ran = cli("estimate", files / "huge.csv", "--x", "x0", "--z", "z0", *KSG, "-e", "gaussian")
    assert ran.code == 0
    assert all(abs(e["mi_nats"]) < 10 for e in ran.json["estimates"])


def test_repeated_rows_are_noticed(cli, files):
    lines = (files / "good.csv").read_text().splitlines()
    (files / "twice.csv").write_text("\n".join([lines[0], *lines[1:], *lines[1:]]) + "\n")
    ran = cli("estimate", files / "twice.csv", "--x", "x0", "--z", "z0", *KSG)
    codes = {d["code"] for d in ran.json["estimates"][0]["diagnostics"]}
    assert "duplicate-rows" in codes
    assert ran.code == 0
    assert "[duplicate-rows]" in ran.stderr


def test_a_disk_that_fills_up_does_not_cost_the_result(cli, files, monkeypatch):
    target = files / "result.json"

    def full(descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    ran = cli("estimate", files / "good.csv", "--x", "x0", "--z", "z0", *KSG, "-o", target)
    assert ran.code == 5
    assert ran.json["estimates"][0]["estimator"] == "ksg"
    assert "No space left on device; the result is on standard output" in ran.stderr
    assert not target.exists()
    assert not [p for p in files.iterdir() if p.name.endswith(".partial")]


def test_a_disk_that_fills_up_in_the_run_folder_does_not_cost_the_result(cli, files, monkeypatch):
    from minecli.runtime.run_directory import RunDirectory
    from minecli.runtime.writing import output_error

    def full(self, text):
        raise output_error("'estimate.json'", OSError(errno.ENOSPC, "full"))

    monkeypatch.setattr(RunDirectory, "write_result", full)
    ran = cli("estimate", files / "good.csv", "--x", "x0", "--z", "z0", *KSG, "--run-dir", files / "run")
    assert ran.code == 5
    assert ran.json["estimates"][0]["estimator"] == "ksg"
    assert "cannot write 'estimate.json': No space left on device" in ran.stderr


def test_a_full_disk_under_the_event_stream_is_a_warning(cli, files, monkeypatch):
    from minecli.runtime.run_directory import EventLog
    from minecli.runtime.writing import output_error

    def full(self, event):
        self.failure = output_error("'events.ndjson'", OSError(errno.ENOSPC, "full"))

    monkeypatch.setattr(EventLog, "__call__", full)
    ran = cli("estimate", files / "good.csv", "--x", "x0", "--z", "z0", *KSG, "--run-dir", files / "run")
    assert ran.code == 0, ran.stderr
    assert "warning: the event stream is not complete: cannot write 'events.ndjson'" in ran.stderr
    assert ran.json["estimates"][0]["mi_nats"] is not None


def test_traceback_on_request(cli, files):
    words = ("estimate", files / "none.csv", "--x", "a", "--z", "b")
    assert "Traceback" in cli(*words, "--traceback").stderr
    assert "Traceback" in cli(*words, environment={"MINECLI_DEBUG": "1"}).stderr
    assert "Traceback" not in cli(*words, environment={"MINECLI_DEBUG": "0"}).stderr


@pytest.mark.parametrize("option", ["--output", "--pointwise"])
@pytest.mark.parametrize("name", ["good.csv", "./sub/../good.csv", "link.csv", "names.csv"])
def test_no_result_is_written_over_what_is_read(cli, files, option, name):
    (files / "sub").mkdir()
    (files / "link.csv").symlink_to(files / "good.csv")
    (files / "names.csv").write_text("x0\n")
    before = (files / "good.csv").read_bytes()
    ran = cli("estimate", files / "good.csv", "--x", f"@{files / 'names.csv'}", "--z", "z0", *KSG, option, files / name)
    assert ran.code == 2
    assert "is a file that is read from, and would be lost (choose another name)" in ran.stderr
    assert (files / "good.csv").read_bytes() == before
    assert (files / "names.csv").read_text() == "x0\n"


def test_no_result_becomes_a_part_of_the_data(cli, files):
    import pyarrow.csv
    import pyarrow.parquet

    (files / "parts").mkdir()
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(files / "good.csv"), files / "parts" / "p0.parquet")
    words = ("estimate", files / "parts", "--x", "x0", "--z", "z0", *KSG)
    assert "would be lost" in cli(*words, "-o", files / "parts" / "p0.parquet").stderr
    ran = cli(*words, "--pointwise", files / "parts" / "rows.parquet")
    assert (ran.code, "would become one more part" in ran.stderr) == (2, True)
    assert cli(*words, "-o", files / "parts" / "result.json").code == 0


def test_a_listing_is_not_written_over_its_table(cli, files):
    before = (files / "good.csv").read_bytes()
    ran = cli("columns", files / "good.csv", "-o", files / "good.csv")
    assert (ran.code, "would be lost" in ran.stderr) == (2, True)
    assert (files / "good.csv").read_bytes() == before


def test_two_results_do_not_share_a_file(cli, files):
    words = ("estimate", files / "good.csv", "--x", "x0", "--z", "z0", *KSG)
    ran = cli(*words, "-o", files / "r.csv", "--pointwise", files / "." / "r.csv")
    assert (ran.code, "name the same file" in ran.stderr) == (2, True)


def test_output_dash_is_standard_output(cli, files):
    ran = cli("estimate", files / "good.csv", "--x", "x0", "--z", "z0", *KSG, "-o", "-")
    assert ran.json["estimates"][0]["estimator"] == "ksg"
    assert cli("columns", files / "good.csv", "-o", "-").json["command"] == "columns"
    assert cli("doctor", "-o", "-").json["command"] == "doctor"


def test_a_network_beyond_memory_is_no_internal_error(cli, files):
    words = ("estimate", files / "good.csv", "--x", "x0", "--z", "z0", "-e", "mine")
    assert "hidden is 1000000; it must be at most 16384" in cli(*words, "--hidden", "1000000").stderr
    assert "layers is 1000; it must be at most 64" in cli(*words, "--layers", "1000").stderr


def test_rows_too_few_for_an_interval_do_not_pass_the_check(cli, files):
    words = ("estimate", files / "good.csv", "--x", "x0", "--z", "z0", "--sample", "12", "--check")
    assert cli(*words, *KSG).code == 4
    assert cli(*words, "-e", "gaussian").code == 4


def test_a_data_set_that_is_no_file_leaves_every_destination_free(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.json").write_text("{}")
    found = cli("gan", "spiral", "--steps", "2", "--seeds", "1", "--output", "old.json", "-q")
    assert found.code == 0
    assert '"command": "gan"' in (tmp_path / "old.json").read_text()
