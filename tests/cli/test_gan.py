"""`minecli gan` as it is typed: results, run folders, interruption, errors."""

import csv
import io
import json
import os
import re
import shlex
import signal

import pyarrow.parquet as pq
import pytest

from minecli.cli import gan
from minecli.runtime.signals import Interruption

ON_CPU = ("--threads", "1", "--device", "cpu", "-q")
TINY = ("--steps", "4", "--seeds", "2", "--batch-size", "20", "--samples", "200", *ON_CPU)


def same(payload):
    """A result without what a clock says."""
    content = json.loads(json.dumps(payload))
    for entry in content["methods"]:
        del entry["seconds"]
    return content


def test_help_ends_with_an_example_that_runs(cli, capsys):
    assert cli("gan", "--help").code == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    example = gan.HELP.rsplit("Example: ", 1)[1].strip()
    assert example == gan.EXAMPLE
    assert example in " ".join(re.sub(r"[│╭╮╰╯─]", " ", shown).split())
    # Of two numbers of steps the last counts.
    ran = cli(*shlex.split(example)[1:], "--steps", "4", "-q")
    assert ran.code == 0, ran.stderr
    assert [entry["method"] for entry in ran.json["methods"]] == ["gan", "mine"]
    assert all(seed["status"] == "max_steps" for entry in ran.json["methods"] for seed in entry["seeds"])


@pytest.mark.parametrize("dataset", ["spiral", "gaussians25"])
def test_formats(cli, dataset):
    base = cli("gan", dataset, *TINY, "--method", "mine,ali,gan,pacgan,veegan,unrolled").json
    assert [entry["method"] for entry in base["methods"]] == ["gan", "unrolled", "veegan", "ali", "pacgan", "mine"]
    rows = list(csv.DictReader(io.StringIO(cli("gan", dataset, *TINY, "--compare", "--format", "csv").stdout)))
    assert [(r["method"], r["seed"]) for r in rows] == [("gan", "0"), ("gan", "1"), ("mine", "0"), ("mine", "1")]
    table = cli("gan", dataset, *TINY, "--compare", terminal=True).stdout
    assert "mean ± standard error over seeds" in " ".join(table.split())


def test_sizes_are_of_both_networks_or_of_each(cli):
    ran = cli("gan", "spiral", *TINY, "--widths", "16,8", "--evaluate-every", "2")
    settings = ran.json["config"]["config"]
    assert (settings["generator_hidden"], settings["discriminator_hidden"]) == (16, 8)
    assert [each["step"] for each in ran.json["methods"][0]["seeds"][0]["history"]] == [2, 4]
    ran = cli("gan", "gaussians25", *TINY, "--widths", "8", "--preset", "medium")
    settings = ran.json["config"]["config"]
    assert (settings["generator_hidden"], settings["discriminator_hidden"]) == (8, 8)


def test_noise_and_real_data_stand_beside_the_methods(cli):
    ran = cli("gan", "spiral", "--steps", "2", "--seeds", "1", *ON_CPU)
    references = ran.json["data"]["references"]
    assert list(references) == ["noise", "uniform noise", "real"]
    assert references["real"]["arc_coverage"] == 1.0
    assert max(references[name]["arc_coverage"] for name in ("noise", "uniform noise")) < 0.1
    entry = ran.json["methods"][0]
    assert set(ran.json["definitions"]) == set(references["real"]) == set(entry["seeds"][0]["metrics"])
    assert entry["clipped_share"]["mean"] == entry["seeds"][0]["clipped_share"]
    assert entry["seeds"][0]["last_quarter"] == entry["seeds"][0]["metrics"]
    table = cli("gan", "spiral", *TINY, "--compare", "--format", "table").stdout
    assert [line.split()[0] for line in table.splitlines()[2:] if line][:5] == [
        "gan",
        "mine",
        "noise",
        "uniform",
        "real",
    ]


def test_the_same_command_gives_the_same_numbers(cli):
    assert same(cli("gan", "spiral", *TINY).json) == same(cli("gan", "spiral", *TINY).json)


def test_a_run_folder_holds_result_samples_and_pictures(cli, tmp_path):
    folder = tmp_path / "run"
    ran = cli("gan", "spiral", *TINY, "--compare", "--run-dir", str(folder))
    assert ran.code == 0, ran.stderr
    assert json.loads((folder / "summary.json").read_text()) == ran.json
    table = pq.read_table(folder / "samples-mine.parquet")
    assert table.column_names == ["seed", "x0", "x1"]
    assert table.num_rows == 2 * ran.json["config"]["config"]["samples"]
    for name in ("samples", "density", "curves"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in (folder / f"{name}.svg").read_bytes()


def test_a_stopped_run_goes_on_where_it_was(cli, tmp_path, monkeypatch):
    folder, asked, should_stop = tmp_path / "run", [], Interruption.should_stop
    words = ("gan", "spiral", "--steps", "20", "--seeds", "1", "--samples", "200", "--compare", *ON_CPU)

    def counting(self):
        asked.append(1)
        # Within the second method.
        if len(asked) == 30:
            os.kill(os.getpid(), signal.SIGTERM)
        return should_stop(self)

    with monkeypatch.context() as patched:
        patched.setattr(Interruption, "should_stop", counting)
        stopped = cli(*words, "--run-dir", folder)
    assert stopped.code == 143, stopped.stderr
    assert stopped.json["interrupted"]
    assert len(list(folder.glob("checkpoint-*.pt"))) == 2
    assert f"minecli gan --resume {folder}" in stopped.stderr
    resumed = cli("gan", "--resume", str(folder), *ON_CPU)
    assert resumed.code == 0, resumed.stderr
    assert same(resumed.json) == same(cli(*words).json)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("spirl",), "did you mean spiral?"),
        ((), "no data set is named"),
        (("spiral", "--method", "wgan"), "there is no method 'wgan'; there are gan, unrolled"),
        (("spiral", "--method", "gan,gan"), "names a method twice"),
        (("spiral", "--seeds", "1,1"), "seeds are different whole numbers"),
        (("stacked-mist",), "did you mean stacked-mnist?"),
        (("numbers.csv",), "--x does not say which columns of 'numbers.csv' are to be learnt"),
        (("spiral", "--x", "a"), "--x names columns of a table, and 'spiral' is none"),
        (("spiral", "--data-root", "here"), "--data-root is for stacked-mnist alone"),
        (("spiral", "--method", "pacgn"), "did you mean pacgan?"),
        (("spiral", "--decay-from", "1.5"), "--decay-from is 1.5; it must be a number of at least 0 and of at most 1"),
        (("spiral", "--beta", "-1"), "beta is -1.0; it must be a number of at least 0"),
        (("spiral", "--code-dim", "0"), "the generator needs a prior"),
        (("spiral", "--code-dim", "0", "--noise-dim", "2"), "nothing to be informed about"),
        (("spiral", "--bound", "smile"), "bound is 'smile'; it must be one of donsker-varadhan, nwj"),
        (("spiral", "--steps", "0"), "steps is 0"),
        (("spiral", "--filters", "16"), "--filters is for convolutions, and there are none here (try --widths"),
        (("stacked-mnist", "--widths", "16"), "--widths is for perceptrons, and there are none here (try --filters"),
        (("stacked-mnist", "--filters", "0"), "--filters is 0; it must be a whole number of at least 1"),
        (("stacked-mnist", "--filters", "1,2,3"), "--filters is (1, 2, 3); it must be 1 to 2 numbers"),
        (("spiral", "--widths", "wide"), "--widths"),
        (("spiral", "--evaluate-every", "0"), "--evaluate-every is 0; it must be a whole number of at least 1"),
        (("spiral", "--averaging", "1"), "--averaging is 1.0; it must be a number"),
        (("spiral", "--preset", "large"), "'large' is not one of 'quick', 'medium', 'paper'"),
    ],
)
def test_what_does_not_fit_is_explained(cli, words, message):
    ran = cli("gan", *words)
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_gan_has_no_encoder_to_clip_against(cli):
    ran = cli("gan", "spiral", *TINY, "--clip", "encoder")
    assert ran.code == 2
    assert "--clip is 'encoder'; it must be one of generator, off" in ran.stderr
    ran = cli("gan", "spiral", *TINY, "--clip", "off")
    assert [seed["clipped_share"] for seed in ran.json["methods"][0]["seeds"]] == [0.0, 0.0]
