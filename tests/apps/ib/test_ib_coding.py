"""Encoders that a run has kept: which model they are, and that nothing else passes for one."""

import numpy as np
import pytest
import torch
from ib_toys import blobs, classified, request, weights

from minecli.apps.datasets.sample_columns import Inputs, Layout
from minecli.apps.ensembles.results import checkpoint_path
from minecli.apps.ib.choice import IbPhases
from minecli.apps.ib.results import coded_columns, load_coder
from minecli.errors import UsageError
from minecli.runtime.checkpoint import fingerprint, save_checkpoint


def keep(folder, asked, method, state):
    save_checkpoint(checkpoint_path(folder, method), state, fingerprint=fingerprint(asked.marked(method)))


def finished(folder, method, **changes):
    asked = request(method, seeds=(3, 5), choose=False, **changes)
    phases = IbPhases(asked, classified(), method)
    assert phases.run(save=lambda state, at_once: keep(folder, asked, method, state))
    return asked, phases


@pytest.mark.parametrize("method", ["baseline", "mine-propagated", "mine-gaussian"])
def test_the_coder_is_the_kept_model_of_its_seed(tmp_path, method):
    asked, phases = finished(tmp_path, method)
    for which, seed in enumerate(asked.seeds):
        coder = load_coder(tmp_path, asked, method, seed)
        for one, every in zip(weights(coder.network), weights(phases.final.last_finite["classifier"]), strict=True):
            assert torch.equal(one[0], every[which])
        codes, probabilities = coder.encode(blobs(30).x)
        assert codes.shape == (30, 16 if method == "baseline" else 4)
        torch.testing.assert_close(probabilities.sum(-1), torch.ones(30))
        assert torch.equal(coder.encode(blobs(30).x)[0], codes)


def test_an_exact_mean_code_does_not_depend_on_the_other_rows(tmp_path):
    asked, _ = finished(tmp_path, "mine-gaussian")
    coder = load_coder(tmp_path, asked, "mine-gaussian", 3)
    rows = blobs(30).x
    torch.testing.assert_close(coder.encode(rows)[0][7:8], coder.encode(rows[7:8])[0])
    assert not torch.allclose(coder.encode(rows, drawn=True)[0], coder.encode(rows)[0], rtol=1e-6)


def test_many_rows_are_encoded_in_parts(tmp_path, monkeypatch):
    asked, _ = finished(tmp_path, "dvb")
    coder = load_coder(tmp_path, asked, "dvb", 5)
    whole = coder.encode(blobs(50).x)[0]
    monkeypatch.setattr("minecli.apps.ib.results._AT_ONCE", 7)
    torch.testing.assert_close(coder.encode(blobs(50).x)[0], whole)


def test_predictions_are_named_and_names_are_free(tmp_path):
    asked, _ = finished(tmp_path, "baseline", learning_rate=0.02, epochs=8)
    coder = load_coder(tmp_path, asked, "baseline", 3)
    part = blobs(60, distance=9.0)
    taken = {"predicted": np.arange(60), "latent0": np.arange(60)}
    inputs = Inputs(part.x, Layout(part.x.shape[1:], lambda rows: taken), labels=part.labels.numpy())
    columns = coded_columns(inputs, coder, drawn=False, as_list=False)
    codes = [f"latent_{i}" for i in range(16)]
    assert list(columns) == ["predicted", "latent0", "label", *codes, "predicted_", "confidence"]
    said = ["abc".index(word) for word in columns["predicted_"]]
    assert np.mean(np.array(said) == part.labels.numpy()) > 0.9
    assert columns["predicted"].tolist() == columns["latent0"].tolist() == list(range(60))


@pytest.mark.parametrize(("stopped_at", "doing"), [(2, "choosing the epoch"), (14, "training the encoder")])
def test_what_is_still_in_training_is_no_encoder(tmp_path, stopped_at, doing):
    asked, states = request("mine-gaussian"), []
    phases, stop = IbPhases(asked, classified(), "mine-gaussian"), iter([False] * stopped_at + [True])
    assert not phases.run(should_stop=lambda: next(stop), save=lambda state, at_once: states.append(state))
    keep(tmp_path, asked, "mine-gaussian", states[-1])
    with pytest.raises(UsageError, match=f"is still {doing} of method 'mine-gaussian'"):
        load_coder(tmp_path, asked, "mine-gaussian", 0)
    with pytest.raises(UsageError, match="has no encoder of method 'dvb' yet"):
        load_coder(tmp_path, request("dvb"), "dvb", 0)


def test_a_model_that_never_was_whole_is_no_encoder(tmp_path):
    asked, phases = finished(tmp_path, "dvb")
    state = phases.state_dict()
    state["final"]["broken"][1], state["final"]["history"][1] = 6, []
    keep(tmp_path, asked, "dvb", state)
    assert load_coder(tmp_path, asked, "dvb", 3).seed == 3
    with pytest.raises(UsageError, match="the model of method 'dvb' and seed 5 diverged before the first look"):
        load_coder(tmp_path, asked, "dvb", 5)
