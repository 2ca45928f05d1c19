"""Measures of reconstruction against their definitions."""

import numpy as np
import pytest
import torch

from minecli.apps import reconstruction
from minecli.apps.adversarial.data import RealRows
from minecli.apps.attributes import AttributeConfig, load_attribute_classifier
from minecli.apps.reconstruction import DEFINITIONS, attribute_scores, ms_ssim, reconstruction_metrics


def images(count=4, side=28, seed=0):
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Threshold:
    """A classifier of two classes: whether the mean is above zero."""

    def classify(self, x):
        return (x.flatten(1).mean(1) > 0).long()


def test_errors_are_what_they_say():
    x = torch.zeros(2, 1, 2, 2)
    again = torch.stack([torch.full((1, 2, 2), 0.5), torch.full((1, 2, 2), -1.0)])
    found = reconstruction_metrics(x, again, classifier=Threshold(), labels=torch.tensor([1, 1]))
    assert found["euclidean_error"] == pytest.approx((1.0 + 2.0) / 2)
    assert found["euclidean_error_01"] == pytest.approx(0.75)
    assert found["mean_squared_error"] == pytest.approx((0.25 + 1.0) / 2)
    assert found["label_accuracy"] == 0.5
    assert found["label_agreement"] == 0.5
    assert set(found) <= set(DEFINITIONS)


def test_rows_have_no_scale_of_pixels():
    assert set(reconstruction_metrics(torch.zeros(3, 2), torch.ones(3, 2))) == {"euclidean_error", "mean_squared_error"}


def test_structural_similarity_is_one_for_equals_and_falls_with_noise():
    x, noise = images(), images(seed=1)
    values = [ms_ssim(x, (1 - share) * x + share * noise) for share in (0.0, 0.2, 0.5, 1.0)]
    assert values[0] == pytest.approx(1.0, abs=1e-5)
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.6


def test_it_does_not_depend_on_how_many_are_compared_at_once(monkeypatch):
    x, noise = images(7), images(7, seed=1)
    whole = ms_ssim(x, noise)
    monkeypatch.setattr(reconstruction, "_AT_ONCE", 3)
    assert ms_ssim(x, noise) == pytest.approx(whole, abs=1e-5)


def test_without_the_library_there_is_no_similarity(monkeypatch):
    monkeypatch.setattr(reconstruction, "_library", lambda: None)
    assert ms_ssim(images(), images()) is None


def test_balanced_accuracy_leaves_out_what_does_not_vary():
    true = np.array([[True, False, True], [False, False, True]])
    found = attribute_scores(np.array([[True, False, False], [True, False, True]]), true)
    assert found == {"attribute_accuracy": 0.5, "attribute_agreement": pytest.approx(4 / 6)}
    assert attribute_scores(true[:1], true[:1])["attribute_accuracy"] is None


def test_a_classifier_of_attributes_learns_and_is_kept(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    bright = rng.random((200, 2)) < 0.4
    pixels = rng.normal(0, 0.2, size=(200, 3, 16, 16)).astype(np.float32)
    pixels[:, 0] += np.where(bright[:, 0], 0.5, -0.5)[:, None, None]
    pixels[:, 1] += np.where(bright[:, 1], 0.5, -0.5)[:, None, None]
    data, learnt, kept = RealRows(torch.from_numpy(pixels)), np.arange(150), np.arange(150, 200)
    config = AttributeConfig(filters=4, layers=2, steps=150)
    first = load_attribute_classifier(data, bright, learnt, kept, "cpu", tmp_path, config=config)
    assert first.balanced_accuracy > 0.95
    monkeypatch.setattr("minecli.apps.attributes._train", lambda *_: pytest.fail("trained again"))
    second = load_attribute_classifier(data, bright, learnt, kept, "cpu", tmp_path, config=config)
    assert second.balanced_accuracy == first.balanced_accuracy
    assert (second.predict(data.values) == first.predict(data.values)).all()


def test_a_stopped_classifier_is_none(tmp_path):
    data = RealRows(torch.zeros(20, 3, 16, 16))
    truth = np.zeros((20, 1), bool)
    args = (data, truth, np.arange(15), np.arange(15, 20), "cpu", tmp_path)
    assert load_attribute_classifier(*args, should_stop=lambda: True) is None
    assert list(tmp_path.iterdir()) == []
