"""Measures of reconstruction against their definitions."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from minecli.apps.ali.linear import PcaCoder
from minecli.apps.datasets.mnist import read_mnist
from minecli.apps.metrics import reconstruction
from minecli.apps.metrics.reconstruction import DEFINITIONS, attribute_scores, ms_ssim, reconstruction_metrics


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


def test_parts_make_no_difference(monkeypatch):
    x, again = images(7), images(7, seed=1)
    whole = reconstruction_metrics(x, again)
    monkeypatch.setattr(reconstruction, "_ROWS_AT_ONCE", 3)
    assert reconstruction_metrics(x, again) == pytest.approx(whole)
    rows = (x - again).flatten(1).double().numpy()
    assert whole["euclidean_error"] == pytest.approx(np.linalg.norm(rows, axis=1).mean())
    assert whole["mean_squared_error"] == pytest.approx((rows**2).mean())


def test_labels_kept_and_labels_agreed_are_two_things():
    x, again = torch.ones(4, 1, 2, 2), torch.ones(4, 1, 2, 2)
    x[0], again[1] = -1.0, -1.0
    # True 1 1 0 1; of the originals 0 1 1 1; of the reconstructions 1 0 1 1.
    found = reconstruction_metrics(x, again, classifier=Threshold(), labels=torch.tensor([1, 1, 0, 1]))
    assert (found["label_accuracy"], found["label_agreement"]) == (0.5, 0.5)
    found = reconstruction_metrics(x, x, classifier=Threshold(), labels=torch.tensor([1, 1, 0, 1]))
    assert (found["label_accuracy"], found["label_agreement"]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("x", "again"), [((3, 1, 4, 4), (3, 4, 4)), ((3, 2), (1, 2)), ((3, 2), (3, 1)), ((0, 2), (0, 2)), ((3,), (3,))]
)
def test_shapes_that_would_broadcast_are_refused(x, again):
    with pytest.raises(ValueError, match="samples of shape"):
        reconstruction_metrics(torch.zeros(x), torch.zeros(again))
    with pytest.raises(ValueError, match="of shape"):
        ms_ssim(torch.zeros(x), torch.zeros(again))


def test_one_label_per_sample_is_needed():
    with pytest.raises(ValueError, match=r"labels of shape \(1,\) for 4 samples"):
        reconstruction_metrics(images(), images(), classifier=Threshold(), labels=torch.tensor([1]))


def test_structural_similarity_is_one_for_equals_and_falls_with_noise():
    x, noise = images(), images(seed=1)
    values = [ms_ssim(x, (1 - share) * x + share * noise) for share in (0.0, 0.2, 0.5, 1.0)]
    assert values[0] == pytest.approx(1.0, abs=1e-5)
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.6


def test_structural_similarity_is_of_pixels_that_are_not_negative():
    # On -1 to 1 the means of these greys have other signs, and the similarity would be 0.
    grey = torch.full((1, 1, 28, 28), 0.05, dtype=torch.float64)
    luminance = (2 * 0.525 * 0.475 + 1e-4) / (0.525**2 + 0.475**2 + 1e-4)
    assert ms_ssim(grey, -grey) == pytest.approx(luminance**0.1333, abs=1e-5)
    assert ms_ssim(torch.full_like(grey, 3.0), torch.ones_like(grey)) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("channels", "side"), [(3, 64), (1, 176), (1, 180)])
def test_structural_similarity_of_larger_images_and_colours(channels, side):
    x = torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert ms_ssim(x, x) == pytest.approx(1.0, abs=1e-5)
    assert ms_ssim(x, x.flip(3)) < 0.5


def test_it_does_not_depend_on_how_many_are_compared_at_once(monkeypatch):
    x, noise = images(7), images(7, seed=1)
    whole = ms_ssim(x, noise)
    monkeypatch.setattr(reconstruction, "_SSIM_AT_ONCE", 3)
    assert ms_ssim(x, noise) == pytest.approx(whole, abs=1e-5)


def test_without_the_library_there_is_no_similarity(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics.functional.image", None)
    assert ms_ssim(images(), images()) is None


def test_balanced_accuracy_leaves_out_what_does_not_vary():
    true = np.array([[True, False, True], [False, False, True]])
    found = attribute_scores(np.array([[True, False, False], [True, False, True]]), true)
    assert found == {"attribute_accuracy": 0.5, "attribute_agreement": pytest.approx(4 / 6)}
    assert attribute_scores(true[:1], true[:1])["attribute_accuracy"] is None


def test_attributes_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"both \(n, k\) are needed"):
        attribute_scores(np.zeros((2, 3), bool), np.zeros((1, 3), bool))


@pytest.mark.slow
@pytest.mark.skipif("MINECLI_TEST_DATA" not in os.environ, reason="MINECLI_TEST_DATA names no folder with MNIST")
def test_calibration_on_mnist():
    """Pairs of other digits and principal components, of 1000 test digits; two decimals were computed independently."""
    train, test = read_mnist(Path(os.environ["MINECLI_TEST_DATA"]) / "MNIST")
    x = torch.tensor(test.images[:1000]).float()[:, None] / 127.5 - 1.0
    other = x[torch.randperm(1000, generator=torch.Generator().manual_seed(0))]
    assert reconstruction_metrics(x, other)["euclidean_error_01"] == pytest.approx(9.84, abs=0.1)
    assert ms_ssim(x[:200], other[:200]) == pytest.approx(0.25, abs=0.03)
    rows = torch.tensor(train.images).flatten(1).float() / 127.5 - 1.0
    for components, similarity in ((8, 0.65), (32, 0.85), (128, 0.96)):
        coder = PcaCoder.fit(rows, components)
        again = coder.decode(coder.encode(x.flatten(1))).float().reshape(x.shape)
        assert ms_ssim(x[:200], again[:200]) == pytest.approx(similarity, abs=0.03)
