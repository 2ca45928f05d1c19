"""The table of `minecli ali`, its JSON object and its records."""

import csv
import io
import json

import pytest

from minecli.report.ali_tables import ali_table
from minecli.report.formats import to_csv, to_json
from minecli.report.payload import method_payload, seed_records

SETTINGS = {"steps": 3000, "noise_dim": 0, "code_dim": 2, "beta": 1.0, "arch": "mlp"}
DEFINITIONS = {"euclidean_error": "mean distance", "modes": "means reached", "unused": "never shown"}


def seed(number, broken=None, **metrics):
    return {
        "seed": number, "status": "max_steps" if broken is None else "diverged", "broken_at_step": broken,
        "step": 3000, "information_nats": 1.25, "metrics": metrics, "history": [],
    }  # fmt: skip


def summary(mean, error=None, seeds=1):
    return {"mean": mean, "standard_error": error, "seeds": seeds}


def method(name, *seeds, finished=True, seconds=61.7, **means):
    return {"method": name, "seconds": seconds, "finished": finished, "seeds": list(seeds), "summary": means}


def payload(*methods, data=None, seeds=(0, 1), preset="quick", dataset="gaussians25", definitions=DEFINITIONS):
    return method_payload(
        command="ali",
        config={"dataset": dataset, "preset": preset, "seeds": seeds, "config": SETTINGS},
        data={"rows": 100_000, "rows_held_out": 10_000} if data is None else data,
        methods=methods,
        interrupted=any(not m["finished"] for m in methods),
        environment={"device": "cpu"},
        definitions=definitions,
    )


TWO = payload(
    method("ali", seed(0, modes=24.0, euclidean_error=2.0), seed(1, broken=70),
           modes=summary(24.0), euclidean_error=summary(2.0)),
    method("mine", seed(0, modes=25.0, euclidean_error=0.5), seed(1, modes=24.0, euclidean_error=0.7),
           modes=summary(24.5, 0.5, 2), euclidean_error=summary(0.6, 0.1, 2)),
)  # fmt: skip


def flowing(text):
    return " ".join(text.split())


def test_errors_come_first_then_what_they_are_and_what_was_run():
    text = ali_table(TWO)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split() for line in lines[:2]] == [["euclidean"], ["method", "error", "modes", "s"]]
    assert lines[3].split() == ["ali", "2", "24", "62"]
    assert lines[4].split() == ["mine", "0.6±0.1", "24.5±0.5", "62"]
    assert "3000 steps, 2 seeds, latent 2, beta 1; mean ± standard error over seeds" in flowing(text)
    for line in (
        "euclidean error: mean distance",
        "modes: means reached",
        "100,000 rows learnt, the metrics are of 10,000 held out",
        "the quick preset is small: it shows the effect, not what the methods can do",
        "ali: seed 1 diverged at step 70",
    ):
        assert line in lines
    assert "never shown" not in text
    assert "stopped" not in text
    assert "\x1b[" in ali_table(TWO, color=True)


def test_one_seed_has_no_error_and_the_paper_preset_no_warning():
    text = ali_table(payload(method("mine", seed(0, modes=25.0), modes=summary(25.0)), seeds=(0,), preset="paper"))
    assert "1 seed, latent 2, beta 1\n" in text
    assert "±" not in text
    assert "quick" not in text


NAMES = ("euclidean_error", "euclidean_error_01", "mean_squared_error", "label_accuracy", "label_agreement", "ms_ssim",
         "attribute_accuracy", "attribute_agreement")  # fmt: skip


def test_what_does_not_fit_follows_below():
    means = {name: summary(0.1234, 0.0123, 3) for name in NAMES}
    text = ali_table(payload(*(method(m, seed(0, **dict.fromkeys(NAMES, 0.1))) | {"summary": means}
                               for m in ("autoencoder", "mine"))), width=80)  # fmt: skip
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split()[1:] for line in lines if line.startswith("autoencoder")]
    assert [len(row) for row in rows] == [4, 5]
    assert rows[0] + rows[1] == ["0.123±0.012"] * len(NAMES) + ["62"]
    wide = ali_table(payload(method("mine", seed(0)) | {"summary": means}), width=200)
    assert sum(line.startswith("mine") for line in wide.splitlines()) == 1


@pytest.mark.parametrize("width", [24, 40, 60, 80, 120])
def test_cells_are_whole_in_any_width_that_holds_one(width):
    means = {name: summary(0.1234, 0.0123, 3) for name in NAMES}
    text = ali_table(payload(method("alice-adv", seed(0)) | {"summary": means}), width=width)
    assert text.count("0.123±0.012") == len(NAMES)


@pytest.mark.parametrize("width", range(36, 80))
def test_heads_and_cells_are_never_cut(width):
    means = {name: summary(0.00853, 0.0014, 3) for name in ("euclidean_error", "kl", "modes", "high_quality_share")}
    text = ali_table(payload(method("autoencoder", seed(0)) | {"summary": means}), width=width)
    head = [line for line in text.splitlines() if line.startswith("autoencoder")]
    assert [cell for line in head for cell in line.split()[1:]] == ["0.00853±0.0014"] * 4 + ["62"]
    assert {"error", "euclidean", "kl", "modes", "quality", "share", "s"} <= set(
        text.split("\n\ngaussians25")[0].split()
    )


def test_what_nobody_has_is_said_to_be_missing():
    text = ali_table(payload(method("mine", seed(0), euclidean_error=summary(1.0), ms_ssim=summary(None))))
    assert "not measured here: ms ssim" in text
    assert text.count("ssim") == 1
    one_of_two = ali_table(payload(method("pca", seed(0), a=summary(None)), method("mine", seed(0), a=summary(1.0))))
    assert [line.split() for line in one_of_two.splitlines()[2:4]] == [["pca", "-", "62"], ["mine", "1", "62"]]


def test_facts_of_images():
    data = {
        "images": 2400, "images_held_out": 600, "held_out": "the last fifth of the images by name",
        "classifier_accuracy": 0.9912, "classifier_balanced_accuracy": 0.8123, "skipped": 1,
        "label_compared": "labels are those of the files", "notes": ["a note"],
    }  # fmt: skip
    text = ali_table(payload(method("mine", seed(0)), data=data, dataset="mnist"), width=120)
    for line in (
        "mnist, preset quick: 3000 steps, 2 seeds, latent 2, mlp networks, beta 1; mean ± standard error over seeds",
        "2,400 images learnt, the metrics are of 600 held out: the last fifth of the images by name",
        "accuracy of the classifier of labels on originals: 99.12%",
        "balanced accuracy of the classifier of attributes on originals: 81.23%",
        "labels are those of the files",
        "1 broken file left out",
        "a note",
    ):
        assert line in text.splitlines()


def test_dropped_rows_are_counted():
    text = ali_table(payload(method("mine", seed(0)), data={"rows": 80, "rows_held_out": 20, "rows_dropped": 3}))
    assert "3 rows with missing values left out" in text


def test_an_interrupted_method_says_where():
    text = ali_table(payload(method("mine", seed(0) | {"step": 40}, finished=False)))
    assert "mine: stopped at step 40" in text.splitlines()


def test_markup_in_names_is_text():
    text = ali_table(payload(method("mine", seed(0)), dataset="[red]a.csv[/red]"))
    assert "[red]a.csv[/red]" in text


def test_the_payload_is_plain_and_says_what_its_metrics_are():
    content = json.loads(to_json(TWO))
    assert (content["command"], content["unit"], content["schema_version"]) == ("ali", "nats", 2)
    assert content["definitions"] == DEFINITIONS
    assert content["config"]["seeds"] == [0, 1]
    assert not content["interrupted"]
    undefined = method_payload( command="gan", config={}, data={"a": float("nan")}, methods=[], interrupted=True,
        environment={},
    )  # fmt: skip
    assert undefined["data"] == {"a": None}
    assert "definitions" not in undefined


def test_records_have_the_same_keys_whatever_a_seed_lacks():
    records = seed_records(TWO)
    assert [(r["method"], r["seed"]) for r in records] == [("ali", 0), ("ali", 1), ("mine", 0), ("mine", 1)]
    assert len({tuple(r) for r in records}) == 1
    assert records[1]["modes"] is None
    assert next(csv.DictReader(io.StringIO(to_csv(records))))["information_nats"] == "1.25"
    first_broken = seed_records(payload(method("ali", seed(0, broken=1), seed(1, modes=2.0))))
    assert [r["modes"] for r in first_broken] == [None, 2.0]


def test_what_metrics_are_worth_stands_below_the_methods():
    data = {"rows": 100, "references": {"noise": {"modes": 21.0, "euclidean_error": 4.5}, "real": {"modes": 25.0}}}
    entry = method("mine", seed(0, modes=24.0, euclidean_error=2.0), modes=summary(24.0), euclidean_error=summary(2.0))
    lines = ali_table(payload({**entry, "clipped_share": summary(0.42)}, data=data), width=100).splitlines()
    cells = {line.split()[0]: line.split()[1:] for line in lines if line.split()[:1] in (["mine"], ["noise"], ["real"])}
    assert cells == {"mine": ["2", "24", "42%", "62"], "noise": ["4.5", "21", "-", "-"], "real": ["-", "25", "-", "-"]}
    assert any(line.startswith("clipped: steps at which") for line in lines)
    assert any(line.startswith("noise: other samples") for line in lines)
