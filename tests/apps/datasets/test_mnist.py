"""Reading MNIST's files: every layout, every kind of damage, and fetching without a network."""

import errno
import gzip
import math
import os
import struct
from pathlib import Path

import numpy as np
import pooch
import pytest

from minecli.apps.datasets import mnist
from minecli.apps.datasets.mnist import MIRRORS, default_cache, pooled, read_mnist
from minecli.errors import DataError, UsageError

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
AGAIN = f"get it again from {MIRRORS[0]}"


def idx(magic, shape, values):
    return struct.pack(f">{1 + len(shape)}I", magic, *shape) + np.asarray(values, np.uint8).tobytes()


def contents(train=12, test=5):
    """The four files' bytes, unpacked, with so many digits."""
    rng = np.random.default_rng(0)
    found = {}
    for images, labels, count in ((TRAIN_IMAGES, TRAIN_LABELS, train), (TEST_IMAGES, TEST_LABELS, test)):
        found[images] = idx(2051, (count, 28, 28), rng.integers(256, size=(count, 28, 28)))
        found[labels] = idx(2049, (count,), np.arange(count) % 10)
    return found


@pytest.fixture
def folder(tmp_path):
    """A folder with the four files, unpacked."""
    for name, content in contents().items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def refused(folder, error=DataError):
    with pytest.raises(error) as caught:
        read_mnist(folder)
    assert "\n" not in str(caught.value)
    return caught.value.problem, caught.value.hint


@pytest.mark.parametrize("inside", ["", "raw", "MNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
def test_layouts(tmp_path, inside, packed):
    place = tmp_path / inside
    place.mkdir(parents=True, exist_ok=True)
    files = contents()
    for name, content in files.items():
        (place / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)
    train, test = read_mnist(tmp_path)
    assert (train.images.shape, test.images.shape) == ((12, 28, 28), (5, 28, 28))
    assert train.images.tobytes() == files[TRAIN_IMAGES][16:]
    assert test.images.tobytes() == files[TEST_IMAGES][16:]
    assert train.labels.tolist() == [*range(10), 0, 1]
    assert test.labels.tolist() == list(range(5))
    assert train.images.dtype == train.labels.dtype == np.uint8
    both = pooled(train, test)
    assert both.images.shape == (17, 28, 28)
    assert both.labels.tolist() == [*range(10), 0, 1, *range(5)]


def test_names_say_nothing_of_the_content(folder):
    # As some browsers and copies have them: unpacked but named .gz, packed but not named so, a point for the hyphen.
    os.rename(folder / TRAIN_IMAGES, folder / f"{TRAIN_IMAGES}.gz")
    (folder / TEST_LABELS).write_bytes(gzip.compress((folder / TEST_LABELS).read_bytes()))
    os.rename(folder / TEST_IMAGES, folder / "t10k-images.idx3-ubyte")
    train, test = read_mnist(folder)
    assert (len(train.images), len(test.labels)) == (12, 5)


def test_one_file_is_missing(folder):
    (folder / TRAIN_LABELS).unlink()
    assert refused(folder) == (
        f"'{folder}' lacks {TRAIN_LABELS}.gz (28,881 bytes)",
        f"get what is lacking from {MIRRORS[0]}",
    )


def test_two_files_are_missing(folder):
    (folder / TRAIN_IMAGES).unlink()
    (folder / TEST_LABELS).unlink()
    problem, _ = refused(folder)
    assert problem.endswith(f"lacks {TRAIN_IMAGES}.gz (9,912,422 bytes), {TEST_LABELS}.gz (4,542 bytes)")


def test_an_empty_folder(tmp_path):
    problem, hint = refused(tmp_path)
    assert problem.startswith(f"'{tmp_path}' holds none of MNIST's files: {TRAIN_IMAGES}.gz (9,912,422 bytes), ")
    assert hint == f"get them from {MIRRORS[0]}, or leave --data-root out to have them fetched"


def test_no_folder(tmp_path):
    problem, hint = refused(tmp_path / "absent", UsageError)
    assert problem == f"the folder '{tmp_path / 'absent'}' does not exist"
    assert hint.startswith(f"make it and put in {TRAIN_IMAGES}.gz (9,912,422 bytes), ")


def test_a_file_instead_of_a_folder(folder):
    assert refused(folder / TRAIN_IMAGES, UsageError) == (
        f"'{folder / TRAIN_IMAGES}' is a file; the folder with MNIST's files is needed",
        f"try --data-root {folder}",
    )


def test_a_folder_that_cannot_be_read(tmp_path):
    # No permission would do as well, but not where the tests run as the superuser.
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert refused(loop) == (
        f"cannot read '{loop}': {os.strerror(errno.ELOOP)}",
        "check its permissions, or choose another --data-root",
    )


def test_a_file_that_cannot_be_read(folder, monkeypatch):
    def denied(path, mode):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(mnist, "open", denied, raising=False)
    assert refused(folder) == (
        f"cannot read '{folder / TRAIN_IMAGES}': Permission denied",
        "check its permissions, or choose another --data-root",
    )


IMAGES, LABELS = contents()[TRAIN_IMAGES], contents()[TRAIN_LABELS]
DAMAGE = {
    "no byte": (TRAIN_IMAGES, b"", "is cut short: expected a header of 16 bytes, found 0 bytes"),
    "header": (TRAIN_LABELS, LABELS[:7], "is cut short: expected a header of 8 bytes, found 7 bytes"),
    "images": (TRAIN_IMAGES, IMAGES[:-100], "is cut short: expected 9,424 bytes, found 9,324 bytes"),
    "labels": (TRAIN_LABELS, LABELS[:-1], "is cut short: expected 20 bytes, found 19 bytes"),
    "too long": (TRAIN_LABELS, LABELS + b"\0", "is too long: expected 20 bytes, found more"),
    "packed": (
        TRAIN_IMAGES,
        gzip.compress(IMAGES[:-100], mtime=0),
        "is cut short: expected 9,424 bytes unpacked, found 9,324 bytes",
    ),
    "magic": (TRAIN_IMAGES, LABELS, f"starts with the magic number 2049; that of {TRAIN_IMAGES} is 2051"),
    "a page": (
        TRAIN_LABELS,
        b"<html>Not found</html>",
        f"starts with the magic number 1013478509; that of {TRAIN_LABELS} is 2049",
    ),
    "shape": (
        TRAIN_IMAGES,
        idx(2051, (12, 32, 28), np.zeros(12 * 32 * 28)),
        "holds images of 32 x 28 pixels; MNIST's have 28 x 28",
    ),
    "empty": (TRAIN_LABELS, idx(2049, (0,), []), "is empty: its header says that it holds nothing"),
    # The header promises 3 TB: this must be found out without asking for the memory.
    "huge": (TRAIN_IMAGES, struct.pack(">4I", 2051, 2**32 - 1, 28, 28) + b"\0" * 9, "found 25 bytes"),
    "label": (TRAIN_LABELS, idx(2049, (12,), [*range(11), 200]), "holds the label 200; digits are 0 to 9"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_content(folder, kind):
    name, content, expected = DAMAGE[kind]
    (folder / name).write_bytes(content)
    problem, hint = refused(folder)
    assert problem.startswith(f"'{folder / name}' ")
    assert problem.endswith(expected)
    assert hint == AGAIN


@pytest.mark.parametrize("kept", [2, 9, 15, 5000])
def test_a_gzip_file_that_is_cut_short(folder, kept):
    (folder / TRAIN_IMAGES).write_bytes(gzip.compress(IMAGES)[:kept])
    problem = f"'{folder / TRAIN_IMAGES}' is cut short: it has {kept:,} bytes, the usual file 9,912,422"
    assert refused(folder) == (problem, AGAIN)


@pytest.mark.parametrize(
    ("place", "reason"), [(2, "Unknown compression method"), (10, "invalid block type"), (-5, "CRC check failed")]
)
def test_a_damaged_gzip_file(folder, place, reason):
    packed = bytearray(gzip.compress(IMAGES))
    packed[place] = 0xFF - (packed[place] == 0xFF)
    (folder / TRAIN_IMAGES).write_bytes(packed)
    problem, hint = refused(folder)
    assert problem.startswith(f"'{folder / TRAIN_IMAGES}' is a damaged gzip file: ")
    assert reason in problem
    assert hint == AGAIN


def test_counts_that_differ(folder):
    (folder / TEST_LABELS).write_bytes(idx(2049, (4,), [0, 1, 2, 3]))
    assert refused(folder) == (
        f"'{folder / TEST_IMAGES}' holds 5 images, '{folder / TEST_LABELS}' 4 labels; there must be as many",
        f"get both again from {MIRRORS[0]}",
    )


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MINECLI_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/minecli"),
        ({"MINECLI_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/minecli"),
        ({"MINECLI_CACHE_DIR": "~/c", "HOME": "/h"}, "/h/c"),
    ],
)
def test_the_cache_place(monkeypatch, variables, expected):
    for name in ("MINECLI_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_cache() == Path(expected)


def test_no_home(monkeypatch):
    monkeypatch.delenv("MINECLI_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    # What it does where neither HOME nor the user's entry says where that is.
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(UsageError, match=r"no home folder .*MINECLI_CACHE_DIR"):
        default_cache()


class Mirror:
    """Stands for the network: hands out the files, or fails as it is told to."""

    def __init__(self, failures=()):
        self.asked, self.failures = [], list(failures)

    def retrieve(self, url, known_hash, fname, path, downloader):
        assert isinstance(downloader, pooch.HTTPDownloader)
        assert known_hash.startswith("sha256:")
        assert len(known_hash) == 7 + 64
        self.asked.append(url)
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        target = Path(path) / fname
        if not target.exists():
            target.write_bytes(gzip.compress(contents()[fname.removesuffix(".gz")]))
        return str(target)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MINECLI_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fetch_from(monkeypatch, *failures):
    mirror = Mirror(failures)
    monkeypatch.setattr(pooch, "retrieve", mirror.retrieve)
    return mirror


def test_fetching(cache, monkeypatch):
    mirror, said = fetch_from(monkeypatch), []
    train, _ = read_mnist(None, said.append)
    assert len(train.images) == 12
    assert mirror.asked == [f"{MIRRORS[0]}{n}.gz" for n in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)]
    assert [e.message for e in said] == [f"fetching 11.6 MB from {MIRRORS[0]} into {cache / 'mnist'}"]
    again = []
    read_mnist(None, again.append)
    assert again == [], "what is there is not announced"
    (cache / "mnist" / f"{TEST_IMAGES}.gz").unlink()
    read_mnist(None, again.append)
    assert "fetching 1.6 MB" in again[0].message


def test_the_second_mirror_helps_out(cache, monkeypatch):
    mirror = fetch_from(monkeypatch, ConnectionError("no route"))
    train, _ = read_mnist(None)
    assert len(train.images) == 12
    assert mirror.asked[:2] == [f"{m}{TRAIN_IMAGES}.gz" for m in MIRRORS]


class Timeout(OSError):
    """Failures of the network are OSErrors without a number."""


@pytest.mark.parametrize(
    ("failures", "reasons"),
    [
        ([Timeout("late"), ValueError("hash")], "Timeout, what came is not MNIST"),
        ([Timeout("late"), Timeout("late")], "Timeout"),
    ],
)
def test_both_mirrors_fail(cache, monkeypatch, failures, reasons):
    fetch_from(monkeypatch, *failures)
    problem, hint = refused(None)
    assert problem == f"MNIST is not in '{cache / 'mnist'}', and {TRAIN_IMAGES}.gz could not be fetched ({reasons})"
    assert hint.startswith(f"get {TRAIN_IMAGES}.gz (9,912,422 bytes), ")
    assert hint.endswith(f"from {MIRRORS[0]} into a folder and pass --data-root DIR")


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "full"), PermissionError("cannot write to the folder")])
def test_the_disk_fails(cache, monkeypatch, failure):
    mirror = fetch_from(monkeypatch, failure)
    problem, hint = refused(None)
    reason = os.strerror(failure.errno or errno.EACCES)
    assert problem == f"cannot keep MNIST in '{cache / 'mnist'}': {reason}"
    assert hint == "try MINECLI_CACHE_DIR=/another/folder"
    assert len(mirror.asked) == 1, "another mirror does not help"


def test_the_cache_is_a_file(cache, monkeypatch):
    mirror = fetch_from(monkeypatch)
    cache.write_text("x")
    problem, _ = refused(None)
    assert problem == f"cannot keep MNIST in '{cache / 'mnist'}': Not a directory"
    assert mirror.asked == []


@pytest.mark.skipif("MINECLI_TEST_DATA" not in os.environ, reason="MINECLI_TEST_DATA names no folder with MNIST")
def test_the_real_files():
    root = Path(os.environ["MINECLI_TEST_DATA"]) / "MNIST"
    train, test = read_mnist(root)
    assert (train.images.shape, test.images.shape) == ((60_000, 28, 28), (10_000, 28, 28))
    # As LeCun et al. list them: from 5,421 fives to 6,742 ones.
    assert np.bincount(train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert math.isclose(train.images.mean() / 255, 0.1307, abs_tol=5e-5)


@pytest.mark.skipif("MINECLI_TEST_DATA" not in os.environ, reason="MINECLI_TEST_DATA names no folder with MNIST")
def test_the_known_sums_are_those_of_the_real_files(cache, monkeypatch):
    # The whole of pooch but the network: the files are laid where it would put them, and found to be right.
    (cache / "mnist").mkdir(parents=True)
    for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS):
        source = Path(os.environ["MINECLI_TEST_DATA"]) / "MNIST" / "raw" / f"{name}.gz"
        (cache / "mnist" / source.name).symlink_to(source)
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", lambda *_: pytest.fail("fetched what is there"))
    train, _ = read_mnist(None)
    assert len(train.images) == 60_000
