"""The classifier of attributes: what it learns, what it is judged on, and that its cache costs no run."""

import math

import numpy as np
import pytest
import torch

from minecli.apps.datasets.real_samples import RealRows
from minecli.apps.metrics import attribute_classifier as attributes
from minecli.apps.metrics.attribute_classifier import AttributeConfig, LabelledImages, load_attribute_classifier
from minecli.apps.metrics.classifier_training import ClassifierTraining
from minecli.runtime.checkpoint import load_checkpoint, save_checkpoint

SMALL = AttributeConfig(filters=4, layers=2, steps=150)
# Where it matters little what is learnt.
QUICK = AttributeConfig(filters=2, layers=2, steps=3, batch=8)
LEARNT, HELD_OUT = np.arange(150), np.arange(150, 200)


def bright(seed=0, share=0.4):
    """Noise whose red and green are bright or dark: two attributes."""
    rng = np.random.default_rng(seed)
    truth = rng.random((200, 2)) < share
    pixels = rng.normal(0, 0.2, size=(200, 3, 16, 16)).astype(np.float32)
    pixels[:, :2] += np.where(truth, 0.5, -0.5)[:, :, None, None]
    return RealRows(torch.from_numpy(pixels)), truth


@pytest.fixture(autouse=True)
def one_thread():
    """On one thread sums have one order; the guard of all tests puts the number back."""
    torch.set_num_threads(1)


def trained(cache=None, config=QUICK, data=None, held_out=HELD_OUT, **rest):
    images, truth = bright() if data is None else data
    found = load_attribute_classifier(
        LabelledImages(images, truth, LEARNT, held_out), "cpu", cache, config=config, **rest
    )
    assert found is not None
    return found


def never_trains(monkeypatch):
    monkeypatch.setattr(ClassifierTraining, "train", lambda *_: pytest.fail("trained again"))


def test_it_learns_what_is_easy_and_is_kept(tmp_path, monkeypatch):
    said = []
    images, truth = bright()
    first = trained(tmp_path, SMALL, observer=said.append)
    assert first.balanced_accuracy > 0.95
    assert said[-1].done
    assert said[-1].values == {"balanced_accuracy": first.balanced_accuracy}
    predicted = first.predict(images.values)
    assert predicted.shape == truth.shape
    assert predicted.dtype == np.bool_
    assert (predicted == truth).mean() > 0.95
    never_trains(monkeypatch)
    second = trained(tmp_path, SMALL)
    assert second.balanced_accuracy == first.balanced_accuracy
    assert (second.predict(images.values) == predicted).all()


def test_attributes_that_are_rare_are_learnt_as_well():
    assert trained(None, SMALL, bright(share=0.1)).balanced_accuracy > 0.9


def test_always_the_same_and_no_draw_is_taken_from_others():
    images, before = bright()[0].values, torch.get_rng_state()
    first = trained().predict(images)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert (trained().predict(images) == first).all()


def test_parts_and_shapes(monkeypatch):
    classifier, images = trained(), bright()[0].values
    whole = classifier.predict(images)
    monkeypatch.setattr(attributes, "_AT_ONCE", 7)
    assert (classifier.predict(images.double()) == whole).all()
    assert classifier.predict(images[:0]).shape == (0, 2)
    for shape in ((3, 16, 16), (5, 1, 16, 16), (5, 3, 16, 15)):
        with pytest.raises(ValueError, match=r"\(n, 3, 16, 16\) is needed"):
            classifier.predict(torch.zeros(shape))
    with pytest.raises(ValueError, match="for 200 images"):
        trained(data=(bright()[0], bright()[1][:100]))


def test_nothing_to_be_judged_on_is_none_and_kept_so(tmp_path, monkeypatch):
    data = bright()[0], np.ones((200, 2), bool)
    assert trained(tmp_path, data=data).balanced_accuracy is None
    assert trained(tmp_path, held_out=HELD_OUT[:0]).balanced_accuracy is None
    never_trains(monkeypatch)
    assert trained(tmp_path, data=data).balanced_accuracy is None


def test_other_images_of_the_same_attributes_are_trained_anew(tmp_path):
    images, truth = bright()
    trained(tmp_path)
    others = images.values.clone()
    others[HELD_OUT[-1]] += 0.1
    trained(tmp_path, data=(RealRows(others), truth))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (None, "cannot be read"),
        ({"balanced_accuracy": 1.0}, "holds no classifier (KeyError)"),
        ({"network": {"out": torch.zeros(1)}, "balanced_accuracy": 1.0}, "holds no classifier (RuntimeError)"),
        ({"network": [1], "balanced_accuracy": 1.0}, "holds no classifier (TypeError)"),
    ],
)
def test_a_cache_that_cannot_be_used_is_replaced_and_said(tmp_path, monkeypatch, state, reason):
    first = trained(tmp_path)
    (path,) = tmp_path.iterdir()
    if state is None:
        path.write_text("no checkpoint")
    else:
        content = torch.load(path, weights_only=True)["fingerprint"]
        save_checkpoint(path, state, fingerprint=content)
        assert set(load_checkpoint(path, fingerprint=content)) == set(state)
    said, images = [], bright()[0].values
    assert (trained(tmp_path, observer=said.append).predict(images) == first.predict(images)).all()
    assert said[0].message.startswith("trained again, as ")
    assert reason in said[0].message
    never_trains(monkeypatch)
    trained(tmp_path)


def test_a_cache_that_cannot_be_made_costs_only_the_cache(tmp_path):
    (tmp_path / "file").write_text("x")
    said = []
    trained(tmp_path / "file" / "cache", observer=said.append)
    assert said[-1].message == f"not kept for later runs: {tmp_path / 'file' / 'cache'}: Not a directory"


def test_a_stopped_classifier_is_none(tmp_path):
    images, truth = bright()
    labelled = LabelledImages(images, truth, LEARNT, HELD_OUT)
    assert load_attribute_classifier(labelled, "cpu", tmp_path, should_stop=lambda: True) is None
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_in_finite_numbers():
    said = []
    trained(observer=said.append)
    assert [(event.step, event.total) for event in said[:-1]] == [(3, 3)]
    assert all(math.isfinite(value) for event in said for value in event.values.values())
