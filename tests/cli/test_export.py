"""`export` of `minecli gan`, `ali` and `ib`: the program gives what the run's model gives, without minecli."""

import importlib.util
import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from minecli.apps.ib import config as ib_config
from minecli.apps.ib.networks import is_stochastic
from minecli.cli import ali, gan, ib

ON_CPU = ("--threads", "1", "--device", "cpu", "-q")
FAST = ("--steps", "4", "--seeds", "2", "--batch-size", "20", "--samples", "50", *ON_CPU)
TINY = {"code_dim": 3, "hidden": 8, "statistics_hidden": 8, "epochs": 2, "batch_size": 20, "least_steps": 1,
        "test_draws": 3, "noise_dim": 2, "evaluate_every": 1, "information_steps": 4}  # fmt: skip
WITH_ONNX = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="onnx, onnxscript or onnxruntime is not installed",
)
FORMATS = ["pt", pytest.param("onnx", marks=WITH_ONNX)]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "data.csv"
    cities = rng.choice(["Bonn", "Graz", "Oslo"], 120)
    rows = zip(rng.normal(1e6, 30, 120).round(2), cities, rng.normal(size=120).round(3), strict=True)
    path.write_text("age,city,score,kind\n" + "".join(f"{a},{c},{s},{c[0]}\n" for a, c, s in rows))
    return path


@pytest.fixture(scope="module")
def runs(cli, table, tmp_path_factory):
    """Finished runs, by their names, which the tests only read."""
    made = {}
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(ib_config._TABLE, "quick", replace(ib_config._TABLE["quick"], **TINY))
        for module in ("ib", "ali", "gan"):
            patched.setattr(f"minecli.report.{module}_figures.pictures", lambda *_: {})
        methods = "baseline,dvb,mine"
        of_ib = ("ib", table, "--method", methods, "--encoder", "propagated,additive", "--seeds", "2", *ON_CPU)
        for name, words in {
            "ib": (*of_ib, "--x", "age,city", "--target", "kind"),
            "ib-number": (*of_ib, "--x", "age,city", "--target", "score"),
            "ali": ("ali", table, "--x", "age,city", "--method", "mine", *FAST),
            "gan": ("gan", "spiral", "--method", "mine", *FAST),
        }.items():
            ran = cli(*words, "--run-dir", folder / name)
            assert ran.code == 0, ran.stderr
            made[name] = folder / name
    return made


def opened(path):
    """The program of a file as a function of arrays, and what the file says of itself."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path))
        names = [port.name for port in session.get_inputs()]
        about = json.loads(session.get_modelmeta().custom_metadata_map["minecli"])
        assert [port.name for port in session.get_outputs()] == [port["name"] for port in about["outputs"]]
        return lambda *given: session.run(None, dict(zip(names, given, strict=True))), about
    extra = {"minecli.json": ""}
    program = torch.export.load(io.BytesIO(path.read_bytes()), extra_files=extra).module()

    def call(*given):
        found = program(*map(torch.from_numpy, given))
        return [each.numpy() for each in (found if isinstance(found, tuple | list) else (found,))]

    return call, json.loads(extra["minecli.json"])


def features(table):
    """The rows of the table as the description of a file says that they go in."""
    lines = [line.split(",") for line in table.read_text().splitlines()[1:]]
    return np.array([[float(a), *(float(c == level) for level in ("Bonn", "Graz", "Oslo"))] for a, c, *_ in lines])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("kind", "method"),
    [("ib", "baseline"), ("ib", "dvb"), ("ib", "mine-propagated"), ("ib", "mine-additive"), ("ib-number", "baseline"),
     ("ib-number", "dvb")],
)  # fmt: skip
def test_an_encoder_gives_the_codes_of_encode(cli, runs, table, tmp_path, kind, method, form):
    out, codes = tmp_path / f"model.{form}", tmp_path / "z.parquet"
    words = (runs[kind], "--method", method, "--model", "1")
    ran = cli("ib", "export", *words, "-o", out)
    assert ran.code == 0, ran.stderr
    program, about = opened(out)
    assert (about["method"], about["seed"], about["target"]) == (method, 1, "kind" if kind == "ib" else "score")
    assert about["features"] == ["age", "city=Bonn", "city=Graz", "city=Oslo"]
    inputs = [port["name"] for port in about["inputs"]]
    assert inputs == (["values", "noise"] if is_stochastic(method) else ["values"])
    rows = features(table)
    noise = [np.zeros((len(rows), about["inputs"][1]["shape"][1]), np.float32)] if is_stochastic(method) else []
    found = program(rows, *noise)
    assert [tuple(each.shape) for each in found] == [(120, port["shape"][1]) for port in about["outputs"]]
    assert cli("ib", "encode", *words, table, "-o", codes).code == 0
    written = pq.read_table(codes)
    if method in ("baseline", "dvb"):
        # Of these the mean code needs no draws.
        np.testing.assert_allclose(found[0], np.array(written["latent"].to_pylist()), rtol=1e-5, atol=1e-5)
    if method == "baseline" and kind == "ib":
        np.testing.assert_allclose(found[1].max(1), written["confidence"].to_numpy(), atol=1e-5)
        assert [about["classes"][i] for i in found[1].argmax(1)] == written["predicted"].to_pylist()
    if method == "baseline" and kind == "ib-number":
        np.testing.assert_allclose(found[1][:, 0], written["predicted"].to_numpy(), atol=1e-5)
        np.testing.assert_allclose(found[2][:, 0], written["deviation"].to_numpy(), atol=1e-5)
    if noise:
        drawn = np.random.default_rng(0).normal(size=noise[0].shape).astype(np.float32)
        assert not np.allclose(program(rows, drawn)[0], found[0])
        one = program(rows[:1], drawn[:1])
        np.testing.assert_allclose(one[0], program(rows, drawn)[0][:1], atol=1e-6)


@pytest.mark.parametrize("form", FORMATS)
def test_ali_encodes_and_reconstructs(cli, runs, table, tmp_path, form):
    out, codes = tmp_path / f"model.{form}", tmp_path / "z.parquet"
    ran = cli("ali", "export", runs["ali"], "-o", out)
    assert ran.code == 0, ran.stderr
    program, about = opened(out)
    latent, deviation, again = program(features(table))
    assert cli("ali", "encode", runs["ali"], table, "-o", codes).code == 0
    np.testing.assert_allclose(latent, np.array(pq.read_table(codes)["latent"].to_pylist()), atol=1e-5)
    assert (deviation > 0.0).all()
    assert (again.shape, again.dtype) == ((120, 4), np.float64)
    assert cli("ali", "export", runs["ali"], "-o", out, "--part", "generator").code == 0
    generator, about = opened(out)
    assert about["inputs"][0]["meaning"] == "independent draws, standard normal"
    np.testing.assert_allclose(generator(latent)[0], again, rtol=1e-6)
    assert cli("ali", "reconstruct", runs["ali"], table, "-o", codes).code == 0
    np.testing.assert_allclose(again[:, 0], pq.read_table(codes)["age"].to_numpy(), atol=0.01)


@pytest.mark.parametrize("form", FORMATS)
def test_a_generator_gives_samples(cli, runs, tmp_path, form):
    out = tmp_path / f"model.{form}"
    assert cli("gan", "export", runs["gan"], "-o", out, "--model", "1").code == 0
    program, about = opened(out)
    from minecli.apps.adversarial.draws import draw_prior, stream
    from minecli.apps.gan.config import GanRequest
    from minecli.runtime.run_directory import open_run

    request = open_run(runs["gan"]).read_request(GanRequest.from_stored)
    prior = draw_prior(request.config, 30, stream(0, "drawn", 1)).numpy()
    assert about["inputs"][0]["shape"] == ["rows", prior.shape[1]]
    assert cli("gan", "sample", runs["gan"], "-n", "30", "--model", "1", "-o", tmp_path / "s.parquet").code == 0
    samples = pq.read_table(tmp_path / "s.parquet")
    np.testing.assert_allclose(program(prior)[0], np.stack([c.to_numpy() for c in samples.columns], 1), atol=1e-5)


@pytest.mark.parametrize("form", FORMATS)
def test_images(cli, make_digits, tmp_path, monkeypatch, classifier_cache, form):
    words = ("ali", "mnist", "--data-root", make_digits(60, 20), "--arch", "conv", "--method", "ali", "--seeds", "1")
    monkeypatch.setenv("MINECLI_CACHE_DIR", str(classifier_cache))
    monkeypatch.setattr("minecli.report.ali_figures.pictures", lambda *_: {})
    ran = cli(*words, "--steps", "1", "--batch-size", "10", "--samples", "20", *ON_CPU, "--run-dir", tmp_path / "run")
    assert ran.code == 0, ran.stderr
    assert cli("ali", "export", tmp_path / "run", "-o", tmp_path / f"m.{form}").code == 0
    program, about = opened(tmp_path / f"m.{form}")
    assert about["inputs"][0]["shape"] == ["rows", 1, 28, 28]
    latent, _, again = program(np.zeros((3, 1, 28, 28), np.float32))
    assert (len(latent), again.shape) == (3, (3, 1, 28, 28))


def test_the_file_loads_where_minecli_is_not_installed(cli, runs, tmp_path):
    out = tmp_path / "model.pt2"
    assert cli("ib", "export", runs["ib"], "--method", "dvb", "-o", out).code == 0
    code = (
        "import sys, torch; m = torch.export.load(sys.argv[1]).module();"
        "p = m(torch.zeros(5, 4, dtype=torch.float64), torch.zeros(5, 3))[1];"
        "assert not any(name.startswith('minecli') for name in sys.modules); print(tuple(p.shape))"
    )
    words = [sys.executable, "-W", "ignore", "-c", code, str(out)]
    ran = subprocess.run(words, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "(5, 3)"


def test_a_file_holds_the_weights_of_one_seed(cli, runs, tmp_path):
    sizes = []
    for model in ("0", "1"):
        assert cli("ib", "export", runs["ib"], "--model", model, "-o", tmp_path / "m.pt").code == 0
        program = torch.export.load(io.BytesIO((tmp_path / "m.pt").read_bytes()))
        sizes.append({name: w.untyped_storage().nbytes() for name, w in program.state_dict.items()})
        assert all(w.untyped_storage().nbytes() == w.nbytes for w in program.state_dict.values())
    assert sizes[0] == sizes[1]


def test_training_exports_what_export_does(cli, table, tmp_path, monkeypatch):
    monkeypatch.setitem(ib_config._TABLE, "quick", replace(ib_config._TABLE["quick"], **TINY))
    monkeypatch.setattr("minecli.report.ib_figures.pictures", lambda *_: {})
    words = ("ib", table, "--x", "age,city", "--target", "kind", "--method", "dvb", "--seeds", "2", "--threads", "1")
    folder, out = tmp_path / "run", tmp_path / "m.pt"
    ran = cli(*words, "--device", "cpu", "-q", "--run-dir", folder, "--export", out)
    assert ran.code == 0, ran.stderr
    rows = features(table)
    first = opened(out)[0](rows, np.zeros((120, 3), np.float32))
    for again in (("ib", "--resume", folder, "--export", out), ("ib", "export", folder, "-o", out)):
        out.unlink()
        assert cli(*again, "-q").code == 0
        found = opened(out)[0](rows, np.zeros((120, 3), np.float32))
        assert all(np.array_equal(a, b) for a, b in zip(first, found, strict=True))


def places(tmp_path):
    (tmp_path / "folder.pt").mkdir()
    locked = tmp_path / "locked.pt"
    locked.write_text("x")
    return {
        "no-such-folder/model.pt": "does not exist",
        "folder.pt": "is a folder",
        "model.txt": "the ending of 'model.txt' names no format for models; allowed are .pt (torch) and .onnx",
        "model": "names no format for models",
        "run/model.pt": "is in the run's own folder",
        "/proc/model.pt": "cannot write",
    }


@pytest.mark.parametrize("command", ["export", "training"])
def test_a_file_that_cannot_be_written_is_refused_before_the_work(cli, table, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)

    def loaded(*args, **kwargs):
        raise AssertionError("this comes too late")

    monkeypatch.setattr("minecli.runtime.run_directory.open_run", loaded)
    monkeypatch.setattr("minecli.apps.ib.labelled_rows.load_user_classes", loaded)
    for place, message in places(tmp_path).items():
        words = ("export", "run", "-o", place)
        if command == "training":
            words = (table, "--x", "age", "--target", "kind", "--run-dir", "run", "--export", place, *ON_CPU)
        refused = cli("ib", *words)
        assert (refused.code, refused.stdout) == (2, ""), refused.stderr
        assert message in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
        assert not (tmp_path / "run").exists()


def test_what_else_cannot_be_exported_is_explained(cli, runs, table, tmp_path, monkeypatch):
    out = tmp_path / "m.pt"
    for words, message in (
        (("ib", "export", table.parent, "-o", out), "holds no run"),
        (("ib", "export", runs["gan"], "-o", out), "run of `minecli gan`"),
        (("ib", "export", runs["ib"], "-o", out, "--method", "dropout"), "the run has no method 'dropout'"),
        (("ib", "export", runs["ib"], "-o", out, "--model", "7"), "has no model of seed 7"),
        (("ib", table, "--x", "age", "--target", "kind", "--export", out), "add --run-dir run"),
    ):
        refused = cli(*words)
        assert (refused.code, refused.stdout) == (2, ""), refused.stderr
        assert message in refused.stderr
        assert not out.exists()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    refused = cli("ib", "export", runs["ib"], "-o", tmp_path / "m.onnx")
    assert refused.code == 5
    assert "pip install 'minecli[onnx]'" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("module", [gan, ali, ib])
def test_help_ends_with_an_example(cli, capsys, module):
    command = module.EXPORT_EXAMPLE.split()[1]
    assert cli(command, "export", "--help").code == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert module.EXPORT_EXAMPLE in " ".join(shown.split())
