"""`minecli ali` as it is typed: results, run folders, encoders in a pipeline, errors."""

import csv
import io
import json
import re
import shlex
from functools import partial

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from minecli.apps.ali.config import METHODS
from minecli.apps.metrics import attribute_classifier
from minecli.cli import ali

FAST = ("--steps", "4", "--batch-size", "20", "--samples", "50", "--threads", "1", "--device", "cpu", "-q")


def write_people(path):
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "height", "city"])
        for _ in range(120):
            writer.writerow([rng.integers(18, 90), round(rng.normal(170, 10), 1), rng.choice(["Bonn", "Graz", "Oslo"])])
    return path


@pytest.fixture
def table(tmp_path):
    return write_people(tmp_path / "people.csv")


@pytest.fixture(scope="module")
def trained(cli, tmp_path_factory):
    """The folder of a run on such a table, which the tests only read."""
    folder = tmp_path_factory.mktemp("trained")
    people = write_people(folder / "people.csv")
    assert cli("ali", people, "--x", "*", *FAST, "--run-dir", folder / "run").code == 0
    return folder / "run"


@pytest.fixture
def digits(make_digits):
    return make_digits(300, 40)


@pytest.fixture
def faces(tmp_path, classifier_cache, monkeypatch):
    """A folder laid out as CelebA's, of coloured noise: there is nothing to learn, and a few steps do."""
    monkeypatch.setenv("MINECLI_CACHE_DIR", str(classifier_cache))
    few = attribute_classifier.AttributeConfig(steps=20)
    quick = partial(attribute_classifier.load_attribute_classifier, config=few)
    monkeypatch.setattr(attribute_classifier, "load_attribute_classifier", quick)
    root, rng = tmp_path / "celeba", np.random.default_rng(0)
    (root / "img_align_celeba").mkdir(parents=True)
    names = [f"a{i}" for i in range(40)]
    lines = ["120", " ".join(names)]
    for i in range(1, 121):
        pixels = rng.integers(256, size=(44, 36, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / "img_align_celeba" / f"{i:06d}.jpg")
        lines.append(f"{i:06d}.jpg " + " ".join(rng.choice(["1", "-1"], 40)))
    (root / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    return root


def metrics(ran):
    assert ran.code == 0, ran.stderr
    return {entry["method"]: entry["seeds"][0]["metrics"] for entry in ran.json["methods"]}


def size_of(path):
    with Image.open(path) as image:
        return image.size


def test_help_ends_with_an_example_that_runs(cli, capsys):
    assert cli("ali", "--help").code == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    example = ali.HELP.rsplit("Example: ", 1)[1].strip()
    assert example == ali.EXAMPLE
    assert example in " ".join(re.sub(r"[│╭╮╰╯─]", " ", shown).split())
    # Of two numbers of steps the last counts.
    ran = cli(*shlex.split(example)[1:], "--steps", "4", "-q")
    assert ran.code == 0, ran.stderr
    assert [entry["method"] for entry in ran.json["methods"]] == list(METHODS)
    for name, said in metrics(ran).items():
        assert {"euclidean_error", "modes", "kl"} <= set(said), name
        assert set(said) <= set(ran.json["definitions"])


def test_a_run_folder_and_its_encoder(cli, table, tmp_path):
    folder = tmp_path / "run"
    ran = cli("ali", table, "--x", "*", "--method", "pca,mine", *FAST, "--run-dir", folder)
    assert set(metrics(ran)) == {"pca", "mine"}
    assert json.loads((folder / "summary.json").read_text()) == ran.json
    for name in ("reconstructions", "curves"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    coded = cli("ali", "encode", folder, table, "-o", tmp_path / "z.parquet")
    assert coded.code == 0, coded.stderr
    written = pq.read_table(tmp_path / "z.parquet")
    assert written.column_names == ["age", "height", "city", "latent"]
    assert written.num_rows == 120
    assert len(written["latent"][0].as_py()) == ran.json["config"]["config"]["code_dim"]
    again = cli("ali", "reconstruct", folder, table)
    assert again.code == 0, again.stderr
    rows = list(csv.DictReader(io.StringIO(again.stdout)))
    assert len(rows) == 120
    assert {row["city"] for row in rows} <= {"Bonn", "Graz", "Oslo"}
    held_out = cli("ali", "encode", folder)
    assert held_out.stdout.splitlines()[0] == "age,height,city,latent0,latent1,latent2,latent3"
    assert len(held_out.stdout.splitlines()) == 25
    table.unlink()
    assert len(cli("ali", "sample", folder, "-n", "7").stdout.splitlines()) == 8
    mutual = cli("estimate", tmp_path / "z.parquet", "--x", "age,height", "--z", "latent", "-e", "ksg", "-q")
    assert mutual.code == 0, mutual.stderr


def test_codes_follow_the_data_and_not_their_order(cli, table, trained, tmp_path):
    head, *lines = table.read_text().splitlines()
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join([head, *reversed(lines)]) + "\n")
    one, two = (
        np.array(pq.read_table(path)["latent"].to_pylist())
        for path in (tmp_path / "one.parquet", tmp_path / "two.parquet")
        if cli("ali", "encode", trained, table if path.stem == "one" else turned, "-o", path).code == 0
    )
    assert one.shape == (120, 4)
    np.testing.assert_allclose(one, two[::-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("arch", ["mlp", "conv"])
def test_digits(cli, digits, tmp_path, arch):
    folder = tmp_path / "run"
    words = ("ali", "mnist", "--data-root", digits, "--method", "pca,ali,mine", "--arch", arch)
    ran = cli(*words, *FAST, "--run-dir", folder)
    for said in metrics(ran).values():
        assert {"euclidean_error", "euclidean_error_01", "label_accuracy", "label_agreement", "ms_ssim"} <= set(said)
        assert said["euclidean_error"] == pytest.approx(2 * said["euclidean_error_01"])
    assert 0.0 <= ran.json["data"]["classifier_accuracy"] <= 1.0
    assert (folder / "traversals.png").exists()
    coded = cli("ali", "encode", folder, "mnist", "-o", tmp_path / "z.parquet")
    assert coded.code == 0, coded.stderr
    written = pq.read_table(tmp_path / "z.parquet")
    assert written.column_names == ["image", "label", "latent"]
    assert (written.num_rows, len(written["image"][0].as_py())) == (40, 784)
    pictures = cli("ali", "reconstruct", folder, "-o", tmp_path / "again")
    assert pictures.code == 0, pictures.stderr
    assert size_of(tmp_path / "again" / "000003.png") == (28, 28)


def test_medium_is_convolutions_between_the_presets(cli, digits):
    words = ("ali", "mnist", "--data-root", digits, "--preset", "medium", "--filters", "4,2", "--method", "ali,mine")
    ran = cli(*words, *FAST, "--evaluate-every", "2")
    assert ran.code == 0, ran.stderr
    settings = ran.json["config"]["config"]
    assert (settings["arch"], settings["clipping"], settings["steps"]) == ("conv", "off", 4)
    assert (settings["generator_filters"], settings["discriminator_filters"]) == (4, 2)
    plain, informed = ran.json["methods"]
    assert [each["step"] for each in plain["seeds"][0]["history"]] == [2, 4]
    # Of four steps the last alone lies in the last quarter.
    last = plain["seeds"][0]["history"][-1]["metrics"]
    assert plain["last_quarter"]["euclidean_error"]["mean"] == last["euclidean_error"]
    assert plain["clipped_share"]["mean"] is None
    assert informed["clipped_share"]["mean"] == 0.0
    references = ran.json["data"]["references"]
    assert references["real"]["label_accuracy"] >= references["noise"]["label_accuracy"]


def test_faces_and_their_attributes(cli, faces, tmp_path):
    folder = tmp_path / "run"
    small = ("--side", "16", "--method", "pca,mine")
    ran = cli("ali", "celeba", "--data-root", faces, *small, *FAST, "--run-dir", folder)
    for said in metrics(ran).values():
        assert 0.0 <= said["attribute_accuracy"] <= 1.0
    assert (ran.json["data"]["images"], ran.json["data"]["images_held_out"]) == (96, 24)
    again = cli("ali", "reconstruct", folder, faces / "img_align_celeba", "-o", tmp_path / "again")
    assert again.code == 0, again.stderr
    assert size_of(tmp_path / "again" / "000120.png") == (16, 16)


def test_a_folder_of_images_with_one_that_is_none(cli, faces, tmp_path):
    (faces / "list_attr_celeba.txt").unlink()
    folder = faces / "img_align_celeba"
    (folder / "000003.jpg").write_bytes(b"no image")
    words = ("ali", folder, "--side", "16", "--method", "pca", *FAST)
    refused = cli(*words)
    assert refused.code == 3
    assert "000003.jpg" in refused.stderr
    assert "--skip-broken" in refused.stderr
    skipped = cli(*words, "--skip-broken")
    assert skipped.code == 0, skipped.stderr
    assert skipped.json["data"]["skipped"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no data set is named"),
        (("gaussian25",), "did you mean gaussians25?"),
        (("no/such/folder",), "there is no folder or file 'no/such/folder'"),
        (("celeba",), "pass --data-root DIR"),
        (("gaussians25", "--method", "alice"), "there is no method 'alice'"),
        (("gaussians25", "--beta", "-1"), "beta is -1.0"),
        (("gaussians25", "--data-root", "x"), "--data-root is for mnist and celeba alone"),
        (("mnist", "--side", "8"), "side is 8"),
        (("mnist", "--noise-channels", "8"), "--noise-channels are for convolutions (try --arch conv)"),
        (("mnist", "--noise-channels", "-1"), "--noise-channels is -1"),
        (("mnist", "--filters", "8"), "--filters is for convolutions, and there are none here (try --widths)"),
        (("mnist", "--arch", "conv", "--widths", "8"), "--widths is for perceptrons, and there are none here"),
        (("gaussians25", "--widths", "0"), "--widths is 0"),
        (("gaussians25", "--preset", "medium"), "preset 'medium' is not known; there are quick, paper"),
        (("gaussians25", "--clip", "decoder"), "encoder"),
        (("gaussians25", "--method", "ali", "--clip", "off"), "--clip is for mine, and the methods are ali"),
        (("encode", "no-run"), "holds no run"),
    ],
)
def test_what_does_not_fit_is_explained(cli, words, message):
    ran = cli("ali", *words)
    assert (ran.code, ran.stdout) == (2, "")
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def codes(path):
    return np.array(pq.read_table(path)["latent"].to_pylist())


def test_a_row_is_encoded_as_it_is_among_others(cli, table, trained, tmp_path):
    out = tmp_path / "z.parquet"
    assert cli("ali", "encode", trained, table, "-o", out).code == 0
    everything, lines = codes(out), table.read_text().splitlines()
    for rows in ([3], [i for i in range(120) if lines[i + 1].endswith("Oslo")]):
        part = tmp_path / "part.csv"
        part.write_text("\n".join([lines[0], *(lines[i + 1] for i in rows)]) + "\n")
        ran = cli("ali", "encode", trained, part, "-o", out)
        assert ran.code == 0, ran.stderr
        np.testing.assert_allclose(codes(out), everything[rows], rtol=1e-4, atol=1e-5)
        assert pq.read_table(out)["city"].to_pylist() == [lines[i + 1].rsplit(",")[-1] for i in rows]
    again = cli("ali", "reconstruct", trained, "-", stdin=f"{lines[0]}\n{lines[1]}\n".encode())
    assert len(again.stdout.splitlines()) == 2, again.stderr


def test_one_point_of_the_plane_is_encoded(cli, tmp_path):
    assert cli("ali", "gaussians25", "--method", "pca", *FAST, "--run-dir", tmp_path / "run").code == 0
    ran = cli("ali", "encode", tmp_path / "run", "-", stdin=b"x0,x1\n0.5,0.5\n")
    assert ran.code == 0, ran.stderr
    assert ran.stdout.splitlines()[1].startswith("0.5,0.5,")


def test_values_far_beyond_what_the_run_has_seen_are_refused(cli, trained):
    ran = cli("ali", "encode", trained, "-", stdin=b"age,height,city\n30,1e60,Oslo\n")
    assert (ran.code, ran.stdout) == (3, "")
    assert "values in column 'height' that are far beyond" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_what_was_held_out_is_encoded_without_a_judge(cli, digits, faces, tmp_path, monkeypatch):
    words = ("--method", "pca", "--side", "16")
    assert cli("ali", "celeba", "--data-root", faces, *words, *FAST, "--run-dir", tmp_path / "faces").code == 0
    words = ("ali", "mnist", "--data-root", digits, "--method", "pca")
    assert cli(*words, *FAST, "--run-dir", tmp_path / "digits").code == 0
    monkeypatch.setattr("minecli.apps.metrics.digit_classifier.load_classifier", None)
    monkeypatch.setattr("minecli.apps.metrics.attribute_classifier.load_attribute_classifier", None)
    for name, count, labelled in (("faces", 24, False), ("digits", 40, True)):
        ran = cli("ali", "encode", tmp_path / name, "-o", tmp_path / "z.parquet")
        assert ran.code == 0, ran.stderr
        written = pq.read_table(tmp_path / "z.parquet")
        assert written.num_rows == count
        assert ("label" in written.column_names) == labelled


def test_broken_images_are_left_out_of_what_is_encoded_where_that_is_asked(cli, faces, tmp_path):
    images, folder = faces / "img_align_celeba", tmp_path / "run"
    (faces / "list_attr_celeba.txt").unlink()
    assert cli("ali", images, "--side", "16", "--method", "pca", *FAST, "--run-dir", folder).code == 0
    (images / "000003.jpg").write_bytes(b"no image")
    refused = cli("ali", "encode", folder, images, "-o", tmp_path / "z.parquet")
    assert refused.code == 3
    assert "000003.jpg" in refused.stderr
    assert "--skip-broken" in refused.stderr
    coded = cli("ali", "encode", folder, images, "--skip-broken", "-o", tmp_path / "z.parquet")
    assert coded.code == 0, coded.stderr
    assert pq.read_table(tmp_path / "z.parquet").num_rows == 119
    assert "files left out because they cannot be decoded: 1 ('000003.jpg'" in coded.stderr
    held_out = cli("ali", "encode", folder, "--skip-broken", "-o", tmp_path / "z.parquet")
    assert held_out.code == 0, held_out.stderr
    again = cli("ali", "reconstruct", folder, images, "--skip-broken", "-o", tmp_path / "again", "-q")
    assert again.code == 0, again.stderr
    assert len(list((tmp_path / "again").iterdir())) == 119


def test_other_data_than_the_run_knows_are_refused(cli, table, trained, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(table.read_text().replace("Oslo", "Rome"))
    ran = cli("ali", "encode", trained, other)
    assert (ran.code, ran.stdout) == (3, "")
    assert "city=Rome, which the run has not seen" in ran.stderr
    images = cli("ali", "reconstruct", trained, table, "-o", tmp_path / "x")
    assert images.code == 2
    assert "no ending, and rows make no images" in images.stderr


def test_all_columns_of_the_data_stand_beside_the_codes(cli, trained, tmp_path):
    data, out = tmp_path / "more.csv", tmp_path / "z.parquet"
    data.write_text('note,age,height,city,latent\n"a, b",30,170.5,Bonn,x\n,40,180.1,Oslo,y\n')
    assert cli("ali", "encode", trained, data, "-o", out).code == 0
    written = pq.read_table(out)
    assert written.column_names == ["note", "age", "height", "city", "latent", "latent_"]
    assert written["note"].to_pylist() == ["a, b", None]
    assert cli("ali", "encode", trained, data, "--only-x", "-o", out).code == 0
    assert pq.read_table(out).column_names == ["age", "height", "city", "latent"]
    alone = np.array(pq.read_table(out)["latent"].to_pylist())
    np.testing.assert_array_equal(alone, np.array(written["latent_"].to_pylist()))
