"""The classifier: what it learns, that it always learns the same, and that its cache costs no run."""

import os
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from minecli import events
from minecli.apps.datasets.mnist import Digits, read_mnist
from minecli.apps.metrics import digit_classifier as digits
from minecli.apps.metrics.classifier_training import ClassifierTraining
from minecli.apps.metrics.digit_classifier import ClassifierConfig, learning_rate, load_classifier
from minecli.runtime.checkpoint import fingerprint, save_checkpoint

SMALL = ClassifierConfig(first_maps=8, second_maps=8, hidden=32, epochs=5, batch=20)
# Where it matters little what is learnt.
QUICK = ClassifierConfig(first_maps=2, second_maps=2, hidden=8, epochs=1)


def bars(count, seed):
    """Digits that are easy to tell: a bright bar whose height on the page is the digit, and noise."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 10).astype(np.uint8)
    images = rng.integers(60, size=(count, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 + 2 * label : 6 + 2 * label] = 255
    return Digits(images, labels)


TRAIN, TEST = bars(400, 0), bars(100, 1)


@pytest.fixture(autouse=True)
def one_thread():
    """On one thread sums have one order; the guard of all tests puts the number back."""
    torch.set_num_threads(1)


def trained(cache=None, observer=events.ignore, config=SMALL, train=TRAIN, test=TEST):
    found = load_classifier((train, test), "cpu", cache, observer, config=config)
    assert found is not None
    return found


def as_pixels(images):
    return torch.tensor(images).float() / 127.5 - 1.0


def never_trains(monkeypatch):
    monkeypatch.setattr(ClassifierTraining, "train", lambda *_: pytest.fail("trained again"))


def test_it_learns_what_is_easy():
    said = []
    classifier = trained(observer=said.append)
    assert classifier.accuracy == 1.0
    images = as_pixels(TEST.images)
    assert classifier.classify(images).tolist() == TEST.labels.tolist()
    total = 5 * (400 // 20)
    steps = [e for e in said if "loss_nats" in e.values]
    assert [(e.step, e.total) for e in steps] == [(25, total), (50, total), (75, total), (100, total)]
    assert steps[-1].values["loss_nats"] < 0.1
    assert said[-1].done
    assert said[-1].values == {"test_accuracy": 1.0}


def test_accuracy_is_the_share_of_right_answers():
    wrong = Digits(TEST.images, np.where(np.arange(100) < 30, (TEST.labels + 1) % 10, TEST.labels).astype(np.uint8))
    assert trained(test=wrong).accuracy == pytest.approx(0.7)


def test_shapes_and_batches(monkeypatch):
    classifier = trained()
    images = as_pixels(TEST.images)
    whole = classifier.logits(images)
    assert whole.shape == (100, 10)
    assert not whole.requires_grad
    monkeypatch.setattr(digits, "_IMAGES_AT_ONCE", 7)
    for same in (images, images[:, None], images.double()):
        torch.testing.assert_close(classifier.logits(same), whole)
    assert classifier.classify(images).dtype == torch.int64
    assert classifier.classify(images[:0]).shape == (0,)
    for shape in ((28, 28), (5, 3, 28, 28), (5, 784), (5, 1, 28, 27)):
        with pytest.raises(ValueError, match=r"\(n, 28, 28\) or \(n, 1, 28, 28\) is needed"):
            classifier.logits(torch.zeros(shape))


def test_always_the_same_and_no_draw_is_taken_from_others():
    images = as_pixels(TEST.images)
    before = torch.get_rng_state()
    first = trained().logits(images)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert torch.equal(trained().logits(images), first)
    assert not torch.equal(trained(config=replace(SMALL, seed=1)).logits(images), first)


def test_a_batch_larger_than_the_data():
    said = []
    trained(observer=said.append, config=ClassifierConfig(epochs=2, batch=1000), train=bars(30, 0))
    assert (said[0].step, said[0].total) == (2, 2)


def test_stopping(tmp_path):
    asked = []

    def stop():
        asked.append(1)
        return len(asked) == 3

    assert load_classifier((TRAIN, TEST), "cpu", tmp_path, should_stop=stop, config=SMALL) is None
    assert len(asked) == 3
    assert list(tmp_path.iterdir()) == []


def test_the_cache_saves_the_training(tmp_path, monkeypatch):
    cache = tmp_path / "not" / "there"
    first = trained(cache)
    never_trains(monkeypatch)
    said = []
    second = trained(cache, said.append)
    images = as_pixels(TEST.images)
    assert torch.equal(second.logits(images), first.logits(images))
    assert second.accuracy == first.accuracy
    assert said == []
    assert load_classifier((TRAIN, TEST), "cpu", cache, should_stop=lambda: True, config=SMALL) is not None


def test_other_data_and_settings_are_kept_side_by_side(tmp_path, monkeypatch):
    variants = [{}, {"train": bars(401, 0)}, {"test": bars(90, 1)}, {"config": replace(QUICK, seed=1)}]
    for variant in variants:
        trained(tmp_path, **{"config": QUICK, **variant})
    assert len(list(tmp_path.iterdir())) == 4
    never_trains(monkeypatch)
    for variant in variants:
        trained(tmp_path, **{"config": QUICK, **variant})


def fingerprint_of(config):
    content = {"version": digits._VERSION, **vars(config)}
    return fingerprint(content, TRAIN.images, TRAIN.labels, TEST.images, TEST.labels)


def spoil(path, how):
    if how == "cut short":
        path.write_bytes(path.read_bytes()[:500])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("no checkpoint")
    elif how == "of other data":
        save_checkpoint(path, {"network": {}, "accuracy": 1.0}, fingerprint="another")
    else:
        states = {
            "no network": {"accuracy": 1.0},
            "no accuracy": {"network": digits._Network(QUICK).state_dict()},
            "other shapes": {"network": digits._Network(ClassifierConfig()).state_dict(), "accuracy": 1.0},
            "a list": {"network": [1, 2], "accuracy": 1.0},
        }
        save_checkpoint(path, states[how], fingerprint=fingerprint_of(QUICK))


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("cut short", "cannot be read"),
        ("empty", "cannot be read"),
        ("text", "cannot be read"),
        ("of other data", "belongs to other data or other settings"),
        ("no network", "holds no classifier (KeyError)"),
        ("no accuracy", "holds no classifier (KeyError)"),
        ("other shapes", "holds no classifier (RuntimeError)"),
        ("a list", "holds no classifier (TypeError)"),
    ],
)
def test_a_cache_that_cannot_be_used_is_replaced_and_said(tmp_path, monkeypatch, how, reason):
    first = trained(tmp_path, config=QUICK)
    (path,) = tmp_path.iterdir()
    spoil(path, how)
    said = []
    images = as_pixels(TEST.images)
    assert torch.equal(trained(tmp_path, said.append, QUICK).logits(images), first.logits(images))
    assert said[0].message.startswith("trained again, as ")
    assert str(path) in said[0].message
    assert reason in said[0].message
    assert list(tmp_path.iterdir()) == [path]
    never_trains(monkeypatch)
    trained(tmp_path, config=QUICK)


def test_a_cache_that_cannot_be_made_costs_only_the_cache(tmp_path):
    (tmp_path / "file").write_text("x")
    said = []
    trained(tmp_path / "file" / "cache", said.append, QUICK)
    assert said[-1].message == f"not kept for later runs: {tmp_path / 'file' / 'cache'}: Not a directory"


def test_a_cache_that_cannot_be_written_costs_only_the_cache(tmp_path):
    trained(tmp_path, config=QUICK)
    (path,) = tmp_path.iterdir()
    path.unlink()
    path.mkdir()
    said = []
    trained(tmp_path, said.append, QUICK)
    assert said[0].message.startswith("trained again, as ")
    assert said[-1].message.startswith(f"not kept for later runs: cannot write '{path}': ")


def test_the_learning_rate_rises_and_falls_once():
    config = ClassifierConfig(peak_rate=1.0, warmup_share=0.3)
    rates = [learning_rate(step, 1000, config) for step in range(1000)]
    assert rates[0] == pytest.approx(0.04)
    assert rates.index(max(rates)) == 300
    assert max(rates) == pytest.approx(1.0)
    assert 0.0 < rates[-1] < 1e-4
    assert all(a < b for a, b in pairwise(rates[:301]))
    assert all(a > b for a, b in pairwise(rates[300:]))


@pytest.mark.slow
@pytest.mark.skipif("MINECLI_TEST_DATA" not in os.environ, reason="MINECLI_TEST_DATA names no folder with MNIST")
def test_accuracy_on_mnist():
    train, test = read_mnist(Path(os.environ["MINECLI_TEST_DATA"]) / "MNIST")
    begun = time.perf_counter()
    classifier = trained(config=ClassifierConfig(), train=train, test=test)
    print(f"{classifier.accuracy:.4f} in {time.perf_counter() - begun:.1f} s on one thread")  # noqa: T201
    # 0.9907 was measured; three standard errors of 10,000 answers are 0.003.
    assert classifier.accuracy >= 0.985
