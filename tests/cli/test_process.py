"""Real processes: what only a real stream, a real signal or a fresh interpreter can show."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

PATH = {"PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])}
MINECLI = (sys.executable, "-m", "minecli")
NEVER_FOR_HELP = ("torch", "numpy", "pandas", "scipy", "pyarrow", "matplotlib")


def run(*words, **more):
    return subprocess.run([*MINECLI, *map(str, words)], capture_output=True, timeout=120, **more)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['minecli', '--help']\n"
        "from minecli.cli.main import main\n"
        "try: main()\n"
        f"finally: print([m for m in {NEVER_FOR_HELP!r} if m in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0
    assert "estimate" in ran.stdout
    assert ran.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("line", "word", "found"),
    [
        ("minecli doct", 1, "doctor"),
        ("minecli estimate a.csv -e mixed", 4, "mixed-ksg"),
        ("minecli sample unif", 2, "uniform-noise"),
    ],
)
def test_shell_completion(line, word, found):
    asked = {"_MINECLI_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(word)}
    ran = subprocess.run(
        [shutil.which("minecli", path=PATH["PATH"])],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | asked | PATH,
    )
    assert ran.stdout.split() == [found]


def test_python_m_and_version():
    ran = run("--version")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.startswith(b"minecli ")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_stops_early_is_no_error(unbuffered):
    process = subprocess.Popen(
        [*MINECLI, "sample", "gaussian", "-n", "60000", "-q"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )
    assert process.stdout.readline() == b"x0,z0\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 141
    process.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_standard_output():
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [*MINECLI, "sample", "gaussian", "-n", "10"], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert ran.returncode == 5
    assert b"cannot write standard output: No space left on device" in ran.stderr
    assert ran.stderr.count(b"\n") == 1


def test_closed_streams_are_no_crash():
    ran = subprocess.run(
        ["sh", "-c", 'exec "$@" >&- 2>&- <&-', "sh", *MINECLI, "sample", "gaussian", "-n", "10"], timeout=60
    )
    assert ran.returncode == 0


def test_a_pipeline(tmp_path):
    made = run("sample", "gaussian", "--rho", "0.9", "-n", "500", "-q").stdout
    ran = run("estimate", "-", "--x", "x0", "--z", "z0", "-e", "ksg", input=made)
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["data"]["n"] == 500


WORDS = (
    "--x", "x0", "--z", "z0", "-e", "mine", "-e", "gaussian", "--folds", "2", "--sample", "600", "--hidden", "16",
    "--batch-size", "64", "--max-steps", "900", "--threads", "1",
)  # fmt: skip


def interrupted(number, run_dir, sample_data):
    """Start a run, send it a signal while it trains, and return its code, its result and what it said."""
    words = ["estimate", sample_data / "gaussian_1d.parquet", *WORDS, "--run-dir", run_dir]
    process = subprocess.Popen([*MINECLI, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    events, deadline = run_dir / "events.ndjson", time.monotonic() + 60
    while time.monotonic() < deadline and not (events.exists() and events.read_text().count("\n") >= 2):
        time.sleep(0.01)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, json.loads(stdout), stderr.decode()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_leaves_a_valid_partial_result(tmp_path, sample_data, number, code):
    ended, partial, said = interrupted(number, tmp_path / "run", sample_data)
    assert ended == code, said
    assert partial["interrupted"] is True
    assert "interrupted" in {e["status"] for e in partial["estimates"]}
    assert f"minecli estimate --resume {tmp_path / 'run'}" in said


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, sample_data):
    interrupted(signal.SIGTERM, tmp_path / "run", sample_data)
    resumed = json.loads(run("estimate", "--resume", tmp_path / "run", "--threads", "1").stdout)
    whole = json.loads(run("estimate", sample_data / "gaussian_1d.parquet", *WORDS).stdout)
    assert [e["mi_nats"] for e in resumed["estimates"]] == [e["mi_nats"] for e in whole["estimates"]]
    assert resumed["interrupted"] is False


def test_pandas_is_not_loaded(sample_data):
    # pyarrow would load it at its first array, and the command line has no use for it.
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('pandas.core' in sys.modules, 'pyarrow' in sys.modules, file=sys.stderr))\n"
        f"sys.argv = ['minecli', 'columns', {str(sample_data / 'gaussian_1d.parquet')!r}, '-q', '-f', 'csv']\n"
        "from minecli.cli.start import main\n"
        "main()\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr.split()) == (0, ["False", "True"])
