"""What the README shows is what the commands print: numbers aside, which depend on the machine in their last digits."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def sessions():
    """(command, output) of every `$ ` line in the console blocks."""
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def block_after(comment):
    return re.search(rf"<!-- {comment} -->\n```sh\n(.*?)\n```", README, re.DOTALL).group(1)


def without_numbers(text):
    return re.sub(r"\s+", " ", re.sub(r"-?\d[\d.,]*", "#", text)).strip()


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


@pytest.mark.parametrize(("command", "output"), list(sessions()), ids=lambda text: text[:40])
def test_sessions(command, output, tmp_path):
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert without_numbers(done.stdout) == without_numbers(output)


def test_main_command(tmp_path):
    command = block_after("main command").split("&&")[-1].replace(".venv/bin/", "")
    shown = re.search(r"<!-- main command -->.*?```text\n(.*?)```", README, re.DOTALL).group(1)
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert without_numbers(done.stdout) == without_numbers(shown)


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
