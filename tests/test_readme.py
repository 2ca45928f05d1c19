"""What the README shows is what the commands print: the same words, and numbers within a tolerance."""

import os
import re
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

NUMBER = re.compile(r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?")
# Absolute in whatever the number is of, and relative to the number shown.
NEARLY = (0.03, 0.05)
# GANs and the like amplify the last digit in which processors differ until the run is as another seed's would be. Over
# seeds the metrics shown scatter by up to 0.12, and two means of two seeds differ as much: of values near 0.8, four
# times that is allowed.
LIKE_ANOTHER_SEED = (0.3, 0.3)
TRAININGS = re.compile(r"\bminecli (gan|ali|ib)\b")


def sessions():
    """(command, output) of every `$ ` line in the console blocks."""
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def block_after(comment):
    return re.search(rf"<!-- {comment} -->\n```sh\n(.*?)\n```", README, re.DOTALL).group(1)


def shown_after(comment):
    return re.search(rf"<!-- {comment} -->.*?```text\n(.*?)```", README, re.DOTALL).group(1)


def table_rows(text):
    """The cells of every row of the Markdown tables in `text`, headers left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    ruled = {i for i, line in enumerate(lines) if set(line) <= set("|-")}
    body = [line for i, line in enumerate(lines) if not {i, i + 1} & ruled]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body]


def between(comment):
    return README.split(f"<!-- {comment} -->")[1].split(f"<!-- /{comment} -->")[0]


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
    # The sample data are read where they are; anything written lands in the test's own folder.
    (folder / "sample_data").symlink_to(ROOT / "sample_data")
    (folder / "minecli").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m minecli "$@"\n')
    (folder / "minecli").chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "80"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("command", "output"), [pytest.param(*session, id=session[0].partition(" --")[0]) for session in sessions()]
)
def test_sessions(command, output, tmp_path):
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    tolerance = LIKE_ANOTHER_SEED if TRAININGS.search(command) else NEARLY
    assert not differences(output, done.stdout, tolerance), done.stdout


def test_main_command(tmp_path):
    command = block_after("main command").split("&&")[-1].replace(".venv/bin/", "")
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not differences(shown_after("main command"), done.stdout), done.stdout


def test_the_networks_earn_their_keep_in_the_first_example():
    added = re.search(r"^mine: .* from its Gaussian start, ([+-][\d.]+) from the networks$",
                      shown_after("main command"), re.MULTILINE)  # fmt: skip
    assert float(added.group(1)) >= 0.1


SHOWN = """\
sample.csv, 5,000 rows
X: x0 (1)   Z: z0 (1)

estimator   MI in nats   ± s.e.   95% interval       status      seconds
────────────────────────────────────────────────────────────────────────
ksg             0.98     0.0162   0.9474 to 1.0153   converged       0.1
mine            0.9785   0.0097   0.9595 to 1.0024   converged       9.9
mine: 0.806 nats from its Gaussian start, +0.172 from the networks
"""
SLOWER = """\
sample.csv, 5,000 rows
X: x0 (1)   Z: z0 (1)

estimator   MI in nats   ± s.e.   95% interval       status       seconds
─────────────────────────────────────────────────────────────────────────
ksg             0.98     0.0162   0.9474 to 1.0153   converged        0.1
mine            0.9785   0.0097   0.9595 to 1.0024   converged      110.1
mine: 0.806 nats from its Gaussian start, +0.172 from the networks
"""
BENCH = """\
                                     median
estimator  cells  mean |error|      |error|  median s  max s
────────────────────────────────────────────────────────────
ksg          4/4         0.080        0.078       9.9    9.9
"""
SLOWER_BENCH = """\
                                     median
estimator  cells  mean |error|      |error|  median s   max s
─────────────────────────────────────────────────────────────
ksg          4/4         0.080        0.078      10.1  1210.1
"""


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (SHOWN, SHOWN),
        (SHOWN, SLOWER),
        (SHOWN, SHOWN.replace("0.9785", "0.9991")),
        (SHOWN, SHOWN.replace("+0.172", "+0.169").replace("to 1.0024", "to\n1.0024")),
        (BENCH, SLOWER_BENCH),
        ("0.4 (+0.1, 2/2, 9.9 s), then 8 s.", "0.4 (+0.1, 2/2, 10.1 s), then 12 s."),
        ("mine  -0.000 nats", "mine  0.000 nats"),
    ],
)
def test_the_comparison_lets_pass(shown, printed):
    assert differences(shown, printed) == []


@pytest.mark.parametrize(
    ("shown", "printed", "said"),
    [
        (SHOWN, SHOWN.replace("0.98 ", "0.88 "), "0.98 is shown and 0.88 printed"),
        (SHOWN, SHOWN.replace("+0.172", "-0.172"), "0.172 is shown and -0.172 printed"),
        (SHOWN, SHOWN.replace("5,000", "4,000"), "5000 is shown and 4000 printed"),
        (SHOWN, SHOWN.replace("x0", "x1"), "0 is shown and 1 printed"),
        (SHOWN, SHOWN.replace("ksg             0.98  ", "ksg                   "), "'#' is shown and 'to' printed"),
        (SHOWN, SHOWN.replace("converged       9.9", "doubtful        9.9"), "'converged' is shown and 'doubtful'"),
        (SHOWN, SHOWN + "note: more\n", "'nothing' is shown and 'note:' printed"),
        (BENCH, BENCH.replace("0.078", "0.178"), "0.078 is shown and 0.178 printed"),
        ("0.9 nats, 8 s", "0.9 nats", "'s' is shown and 'nothing' printed"),
    ],
)
def test_the_comparison_notices(shown, printed, said):
    assert said in "\n".join(differences(shown, printed))


def test_there_is_one_test_command_and_it_runs_this_suite():
    assert block_after("test command").endswith("-m pytest -q -n auto")
    assert README.count("<!-- test command -->") == 1


def test_every_status_code_and_diagnostic_is_explained():
    from minecli.cli.exit_codes import ExitCode
    from minecli.result import DiagnosticCode, Status

    for word in (*Status, *DiagnosticCode):
        assert f"`{word}`" in README, word
    for code in ExitCode:
        assert re.search(rf"^\| (\d+, )?{int(code)}(, \d+)? \|", README, re.MULTILINE), code


def test_the_rules_are_those_of_the_verdict():
    from minecli.estimators.exclusions import EXCLUSIONS
    from minecli.estimators.verdict import DECISIONS

    assert table_rows(between("rules")) == [[rule.name, rule.says] for rule in (*EXCLUSIONS, *DECISIONS)]


def test_every_diagnostic_has_its_direction():
    from minecli.result import DiagnosticCode

    table = re.search(r"^\| code \| direction \|.*?(?=^$)", README, re.MULTILINE | re.DOTALL).group(0)
    told = {name: direction for names, direction, _ in table_rows(table) for name in re.findall("`(.+?)`", names)}
    assert told == {str(code): str(code.direction) for code in DiagnosticCode}
