"""The README: what its commands print, its size, and its links."""

import re

import pytest
from shown_sessions import ROOT, differences, run, sessions

README = (ROOT / "README.md").read_text(encoding="utf-8")
LARGEST = 9_000  # bytes: two screens


def block_after(comment):
    return re.search(rf"<!-- {comment} -->\n```sh\n(.*?)\n```", README, re.DOTALL).group(1)


def shown_after(comment):
    return re.search(rf"<!-- {comment} -->.*?```text\n(.*?)```", README, re.DOTALL).group(1)


def test_main_command(tmp_path):
    command = block_after("main command").split("&&")[-1].replace(".venv/bin/", "")
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not differences(shown_after("main command"), done.stdout), done.stdout


def test_the_networks_earn_their_keep_in_the_first_example():
    added = re.search(r"^mine: .* from its Gaussian start, ([+-][\d.]+) from the networks$",
                      shown_after("main command"), re.MULTILINE)  # fmt: skip
    assert float(added.group(1)) >= 0.1


def test_there_is_one_test_command_and_it_runs_this_suite():
    assert block_after("test command").endswith("-m pytest -q -n auto")
    assert README.count("<!-- test command -->") == 1


def test_it_fits_on_two_screens():
    assert len(README.encode()) <= LARGEST
    assert list(sessions(README)) == []  # what is run stands in the pages, but for the main command


def links(text):
    """The targets of links and pictures, without what leads to other places."""
    return [t.partition("#")[0] for t in re.findall(r"\]\(([^)]+)\)", text) if "://" not in t and not t.startswith("#")]


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", ROOT / ".github" / "CONTRIBUTING.md", *sorted((ROOT / "minecli" / "docs").glob("*.md"))],
    ids=lambda path: path.name,
)
def test_every_relative_link_resolves(path):
    for target in links(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_it_links_every_page_and_has_a_picture():
    pages = {f"minecli/docs/{path.name}" for path in (ROOT / "minecli" / "docs").glob("*.md")}
    assert pages <= set(links(README))
    (picture,) = re.findall(r"!\[[^\]]+\]\((\S+)\)", README)
    assert (ROOT / picture).stat().st_size > 0


def test_every_command_it_names_exists():
    import typer

    from minecli.cli.main import app

    group = typer.main.get_command(app)
    for name in re.findall(r"`minecli (\w+)", README):
        assert name in group.commands, name
