"""Sessions shown in Markdown, run again: the same words, and numbers within a tolerance."""

import os
import re
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NUMBER = re.compile(r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?")
# Absolute in whatever the number is of, and relative to the number shown.
NEARLY = (0.03, 0.05)
# GANs and the like amplify the last digit in which processors differ until the run is as another seed's would be. Over
# seeds the metrics shown scatter by up to 0.12, and two means of two seeds differ as much: of values near 0.8, four
# times that is allowed.
LIKE_ANOTHER_SEED = (0.3, 0.3)
TRAININGS = re.compile(r"\bminecli (gan|ali|ib)\b")


def sessions(text):
    """(command, output) of every `$ ` line in the console blocks of a page."""
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def table_rows(text):
    """The cells of every row of the Markdown tables in `text`, headers left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    ruled = {i for i, line in enumerate(lines) if set(line) <= set("|-")}
    body = [line for i, line in enumerate(lines) if not {i, i + 1} & ruled]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body]


def without_seconds(text):
    """Lines without the cells of columns headed "s" or "seconds" (alone or as "median s"), and without "N s"."""
    ends, above, kept = [], "", []
    for line in text.splitlines():
        if "──" in line:
            # Columns of numbers are justified at the right: a cell ends where its header does.
            ends = [found.end() for found in re.finditer(r"(?<!\S)(?:s|seconds)(?=  |$)", above)]
        elif "  " not in line:
            ends = []
        above = line
        for end in reversed(ends):
            if cell := re.search(r"(?<!\S)[\d.,]+$", line[:end]):
                line = line[: cell.start()] + line[end:]
        kept.append(re.sub(r"(?<![\w.])[\d.,]+ s(?!\w|\.\w)", "s", line))
    return "\n".join(kept)


def words_and_numbers(text):
    """Text with a mark for every number, one blank for every gap and one stroke for every rule; and the numbers."""
    text = re.sub(r"\s+", " ", re.sub("─+", "─", without_seconds(text))).strip()
    return NUMBER.sub("#", text), [float(number.replace(",", "")) for number in NUMBER.findall(text)]


def differences(shown, printed, tolerance=NEARLY):
    """What is not as it should be in the text `printed`, in words; nothing where it is as `shown`."""
    (words, expected), (actual_words, actual) = words_and_numbers(shown), words_and_numbers(printed)
    if words != actual_words:
        pairs = zip_longest(words.split(), actual_words.split(), fillvalue="nothing")
        return [f"'{a}' is shown and '{b}' printed" for a, b in pairs if a != b][:5]
    absolute, relative = tolerance
    return [
        f"{a:g} is shown and {b:g} printed"
        for a, b in zip(expected, actual, strict=True)
        if abs(a - b) > absolute + relative * abs(a)
    ]


def run(command, folder):
    """Run the command of a session in an empty folder. Lines are to fit a terminal of 80 columns with the margins that
    code has in a rendered page."""
    # The sample data are read where they are; anything written lands in the test's own folder.
    (folder / "sample_data").symlink_to(ROOT / "sample_data")
    (folder / "minecli").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m minecli "$@"\n')
    (folder / "minecli").chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "76"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )


def assert_as_shown(command, output, folder):
    """The session's command ends well and prints what is shown."""
    done = run(command, folder)
    assert done.returncode == 0, done.stderr
    tolerance = LIKE_ANOTHER_SEED if TRAININGS.search(command) else NEARLY
    assert not differences(output, done.stdout, tolerance), done.stdout
