"""CelebA: its layout, its list of attributes, its scale, and what is held out. The images are drawn here."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from minecli.apps.datasets.celeba import ATTRIBUTES, HOME, IMAGES, celeba_scale, held_out, is_celeba, read_celeba, split
from minecli.errors import DataError, UsageError

RNG = np.random.default_rng(0)
COUNT = 100
NAMES = [f"Attribute_{i}" for i in range(40)]
VALUES = RNG.integers(2, size=(COUNT + 5, 40)).astype(bool)


def file_name(number):
    return f"{number:06}.jpg"


def listed():
    """Lines of a list with five rows more than there are images."""
    rows = [" ".join([file_name(i + 1), *("1" if v else "-1" for v in row)]) for i, row in enumerate(VALUES)]
    return [str(len(rows)), " ".join(NAMES) + " ", *rows]


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("celeba")
    (root / IMAGES).mkdir()
    for number in range(1, COUNT + 1):
        pixels = RNG.integers(256, size=(22, 18, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / IMAGES / file_name(number))
    (root / ATTRIBUTES).write_text("\n".join(listed()) + "\n")
    return root


@pytest.fixture
def root(whole, tmp_path):
    """A copy to change."""
    return Path(shutil.copytree(whole, tmp_path / "celeba"))


def refused(root, kind=DataError, **settings):
    with pytest.raises(kind) as caught:
        read_celeba(root, side=16, **settings)
    return caught.value.problem, caught.value.hint


def rewritten(root, change):
    lines = listed()
    change(lines)
    (root / ATTRIBUTES).write_text("\n".join(lines) + "\n")
    return refused(root)


@pytest.mark.parametrize("below", ["", IMAGES])
def test_images_and_attributes(whole, below):
    assert is_celeba(whole / below)
    faces = read_celeba(whole / below, side=16)
    assert faces.images.names == tuple(file_name(i + 1) for i in range(COUNT))
    assert faces.images.shape == (3, 16, 16)
    assert faces.names == tuple(NAMES)
    assert (faces.attributes.shape, faces.attributes.dtype) == ((COUNT, 40), np.bool_)
    assert np.array_equal(faces.attributes, VALUES[:COUNT])


def test_the_folder_of_images_from_within(whole, monkeypatch):
    monkeypatch.chdir(whole / IMAGES)
    assert len(read_celeba(Path("."), side=16).images) == COUNT


def test_other_layouts(root):
    (root / "Anno").mkdir()
    (root / ATTRIBUTES).rename(root / "Anno" / ATTRIBUTES)
    assert is_celeba(root)
    assert is_celeba(root / IMAGES)
    (root / IMAGES).rename(root / "inner")
    assert not is_celeba(root)
    (root / IMAGES).mkdir()
    (root / "inner").rename(root / IMAGES / IMAGES)
    faces = read_celeba(root, side=16)
    assert faces.images.names[0] == f"{IMAGES}/000001.jpg"
    assert np.array_equal(faces.attributes, VALUES[:COUNT])


def test_no_layout(tmp_path):
    assert not is_celeba(tmp_path)
    assert not is_celeba(tmp_path / "gone")
    (tmp_path / ATTRIBUTES).write_text("x")
    assert not is_celeba(tmp_path)
    assert not is_celeba(tmp_path / ATTRIBUTES)


@pytest.mark.parametrize(("side", "scaled"), [(64, (64, 78)), (32, (32, 39)), (128, (128, 156)), (16, (16, 20))])
def test_the_scale(side, scaled):
    assert celeba_scale(178, 218, side) == scaled


def test_the_scale_of_others_reproduced(root):
    # 64 wide, 78 high, rows 7 to 70: a picture of that very size is only cut.
    pixels = np.repeat(np.arange(78, dtype=np.uint8)[:, None, None] * 3, 64, 1).repeat(3, 2)
    Image.fromarray(pixels).save(root / IMAGES / file_name(1), quality=100)
    row = (read_celeba(root).images.rows(torch.tensor([[0]]))[0, 0, 0, :, 30] + 1.0) * 127.5
    assert (row - torch.arange(7, 71) * 3).abs().max() <= 2


def test_settings_reach_the_images(root):
    (root / IMAGES / file_name(101)).write_bytes(b"x")
    assert "'000101.jpg' (no image)" in refused(root)[0]
    told = []
    faces = read_celeba(root, side=16, broken="skip", observer=told.append)
    assert (faces.images.skipped, len(faces.attributes)) == (1, COUNT)
    assert told


def test_no_folder(root):
    gone = root / "gone"
    assert refused(gone, UsageError) == (
        f"the folder '{gone}' does not exist",
        f"get {IMAGES} and {ATTRIBUTES} from {HOME}",
    )
    assert refused(root / ATTRIBUTES, UsageError) == (
        f"'{root / ATTRIBUTES}' is a file; the folder with {IMAGES} and {ATTRIBUTES} is needed",
        f"try --data-root {root}",
    )


def test_no_images(tmp_path):
    assert refused(tmp_path) == (
        f"'{tmp_path}' holds no folder {IMAGES}",
        f"get it from {HOME}; images of any other folder can be learnt with minecli ali {tmp_path}",
    )


@pytest.mark.parametrize("below", ["", IMAGES])
def test_no_list(root, below):
    (root / ATTRIBUTES).unlink()
    assert refused(root / below) == (
        f"{ATTRIBUTES} is missing beside '{root / IMAGES}'",
        f"get it from {HOME}, or learn the images without attributes: minecli ali {root / IMAGES}",
    )


def test_images_without_rows(root):
    for number in (301, 302, 303, 304):
        Image.new("RGB", (18, 22)).save(root / IMAGES / file_name(number))
    problem, hint = refused(root)
    shown = "'000301.jpg', '000302.jpg', '000303.jpg', ..."
    assert problem == f"4 of 104 images in '{root / IMAGES}' have no row in '{root / ATTRIBUTES}': {shown}"
    assert hint == f"get the list again from {HOME}, or learn without attributes: minecli ali {root / IMAGES}"


@pytest.mark.parametrize(
    ("line", "text", "problem"),
    [
        (0, "000001.jpg 1", "line 1 of '{}' is '000001.jpg 1'; it must be the number of rows"),
        (0, "104", "'{}' announces 104 rows and holds 105"),
        (1, "Male Young", "line 2 of '{}' names 2 attributes; CelebA has 40"),
        (1, " ".join(["Male", *NAMES[:38], "Male"]), "line 2 of '{}' names 39 attributes; CelebA has 40"),
        (4, "000003.jpg 1 -1", "line 5 of '{}' holds 2 values; a file's name and 40 values are needed"),
        (4, "", "line 5 of '{}' holds 0 values; a file's name and 40 values are needed"),
        (4, "000003.jpg" + " 0" * 40, "line 5 of '{}' holds the value '0'; values are 1 and -1"),
        (4, "000002.jpg" + " 1" * 40, "line 5 of '{}' is the second for '000002.jpg'"),
    ],
)
def test_damaged_lists(root, line, text, problem):
    def change(lines):
        lines[line] = text

    assert rewritten(root, change) == (problem.format(root / ATTRIBUTES), f"get it again from {HOME}")


def test_lists_cut_short(root):
    path = root / ATTRIBUTES
    assert rewritten(root, lambda lines: lines.__delitem__(slice(-3, None)))[0] == (
        f"'{path}' announces 105 rows and holds 102"
    )
    assert rewritten(root, lambda lines: lines.__delitem__(slice(1, None)))[0].startswith("line 2 of ")
    path.write_text("\n")
    assert refused(root)[0] == f"line 1 of '{path}' is ''; it must be the number of rows"
    path.write_bytes(b"\xff\xfe1")
    assert refused(root)[0] == f"'{path}' is no text"


def test_an_unreadable_list(root, monkeypatch):
    def deny(path, encoding):
        raise PermissionError(13, "no", str(path))

    monkeypatch.setattr(Path, "read_text", deny)
    assert refused(root) == (f"cannot read '{root / ATTRIBUTES}': Permission denied", "check its permissions")


@pytest.mark.parametrize(
    ("number", "part"),
    [
        (1, "train"),
        (162_770, "train"),
        (162_771, "validation"),
        (182_637, "validation"),
        (182_638, "test"),
        (202_599, "test"),
    ],
)
def test_the_official_parts(number, part):
    assert split(number) == part


@pytest.mark.parametrize("number", [0, -1, 202_600])
def test_no_such_image(number):
    with pytest.raises(DataError, match=f"no image {number} in CelebA; they are numbered 1 to 202599"):
        split(number)


def test_official_parts_are_held_out():
    which, rule = held_out([file_name(i) for i in (5, 162_770, 162_771, 182_638, 202_599)])
    assert which.tolist() == [False, False, True, True, True]
    assert rule == "CelebA's official validation and test images: 162771 to 202599"


@pytest.mark.parametrize(("first", "part"), [(1, "train"), (162_771, "validation"), (182_638, "test")])
def test_samples_of_one_part(first, part):
    names = [file_name(i) for i in range(first, first + 10)]
    which, rule = held_out(names)
    assert which.tolist() == [False] * 8 + [True] * 2
    assert rule == f"the last 20% of images by name, since all are of the official {part} part"
    assert np.array_equal(held_out(names[::-1])[0], which[::-1]), "by name, whatever the order"


def test_other_names():
    which, rule = held_out(["c.jpg", "a.jpg", "202600.jpg", "b/000001.jpg", "000002.jpg"])
    assert which.tolist() == [True, False, False, False, False]
    assert rule == "the last 20% of images by name"
    # Validation and test alone: nothing would be left to learn from.
    assert held_out([file_name(i) for i in (162_771, 182_638)])[1] == "the last 20% of images by name"


def test_one_image_cannot_be_parted():
    with pytest.raises(DataError, match="1 images cannot be parted"):
        held_out(["000001.jpg"])


@pytest.mark.skipif("MINECLI_TEST_DATA" not in os.environ, reason="MINECLI_TEST_DATA names no folder with celeba")
def test_real_faces():
    faces = read_celeba(Path(os.environ["MINECLI_TEST_DATA"]) / "celeba")
    assert (len(faces.images), faces.names[20], faces.names[39]) == (3000, "Male", "Young")
    assert faces.attributes.mean(0)[[20, 39]] == pytest.approx([0.446, 0.751], abs=5e-4)
    which, rule = held_out(faces.images.names)
    assert (which.sum(), rule.startswith("the last 20%")) == (600, True)
    rows = faces.images.rows(torch.arange(50)[None])
    assert (rows.shape, bool(rows.std() > 0.3)) == ((1, 50, 3, 64, 64), True)
