"""A signal at any moment, from before the first heavy import to the training: one line and the documented code."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="asks /proc who answers to signals")

MINECLI = (sys.executable, "-m", "minecli")
WORDS = ("--x", "x0", "--z", "z0", "-e", "mine", "--max-steps", "1000000", "-q", "-q")
MOMENTS = [0.15 * i for i in range(20)]
CODES = [(signal.SIGTERM, 143), (signal.SIGINT, 130)]


def started(*words):
    """A process that does not ignore SIGINT, as one in the background of a script would."""
    return subprocess.Popen(
        list(map(str, words)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def answers(process, number):
    """Whether a process has a handler for a signal: before, nothing of this package has run."""
    with open(f"/proc/{process.pid}/status") as file:
        caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", file.read(), re.MULTILINE)
    return bool(int(caught.group(1), 16) >> (number - 1) & 1)


def outcome(process):
    """The exit code, standard output and standard error; a process that does not end is killed."""
    try:
        out, said = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        out, said = process.communicate()
    return process.returncode, out, said


def ended_by(*numbers, after, words):
    """The exit code and standard error of a command that gets signals so long after it has begun to answer to them."""
    process = started(*MINECLI, *words)
    # Python itself catches SIGINT from the start, SIGTERM nobody but this package.
    while not answers(process, signal.SIGTERM) and process.poll() is None:
        time.sleep(0.002)
    time.sleep(after)
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.01)
    return outcome(process)[::2]


def check_ending(number, code, after, sample_data):
    ended, said = ended_by(number, after=after, words=["estimate", sample_data / "gaussian_1d.parquet", *WORDS])
    assert ended == code, said
    assert re.fullmatch(r"minecli: interrupted.*\n", said), said


@pytest.mark.parametrize(("number", "code"), CODES)
@pytest.mark.parametrize("after", [0.0, 0.3, 1.0, 2.5])
def test_one_line_and_the_code(sample_data, number, code, after):
    check_ending(number, code, after, sample_data)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), CODES)
@pytest.mark.parametrize("after", MOMENTS)
def test_one_line_and_the_code_at_twenty_moments(sample_data, number, code, after):
    check_ending(number, code, after, sample_data)


def test_two_signals_at_once_are_one_line():
    ended, said = ended_by(signal.SIGTERM, signal.SIGINT, after=0.05, words=["doctor"])
    assert (ended, said) == (143, "minecli: interrupted\n")


def test_a_signal_that_is_ignored_stays_ignored():
    process = started("sh", "-c", 'trap "" INT; exec "$@"', "sh", *MINECLI, "--version")
    while not answers(process, signal.SIGTERM) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    code, out, said = outcome(process)
    assert (code, said) == (0, "")
    assert out.startswith("minecli ")
