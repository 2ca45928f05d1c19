"""Images of a folder: what is found, how it is scaled, when it is decoded, and what is said of broken files."""

import errno
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from minecli.apps.datasets import image_folder
from minecli.apps.datasets.image_folder import FEWEST_IMAGES, ImageFolder, shorter_side
from minecli.errors import DataError, UsageError
from minecli.runtime.device import resolve_threads

RNG = np.random.default_rng(0)
ORIENTATION = 0x0112


def noise(height=12, width=10):
    return RNG.integers(256, size=(height, width, 3)).astype(np.uint8)


@pytest.fixture(scope="session")
def many(tmp_path_factory):
    """Just enough small images, in three formats and two folders."""
    root = tmp_path_factory.mktemp("many")
    (root / "b").mkdir()
    for i in range(FEWEST_IMAGES):
        name = f"{i:03}.{('png', 'jpg', 'BMP')[i % 3]}"
        Image.fromarray(noise()).save(root / name if i < 60 else root / "b" / name)
    return root


@pytest.fixture
def root(many, tmp_path):
    """A copy to change."""
    return Path(shutil.copytree(many, tmp_path / "images"))


def opened(root, side=8, threads=1, **settings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_folder, "resolve_threads", partial(resolve_threads, threads))
        return ImageFolder(root, side, **({"device": "cpu"} | settings))


def pixels(images, *numbers):
    """0 to 255, shape (n, height, width, 3), exactly."""
    values = (images.rows(torch.tensor([numbers]))[0] + 1.0) * 127.5
    return values.permute(0, 2, 3, 1).round().to(torch.uint8).numpy()


def refused(*arguments, kind=DataError, **settings):
    with pytest.raises(kind) as caught:
        opened(*arguments, **settings)
    return caught.value.problem, caught.value.hint


@pytest.fixture
def decoded(monkeypatch):
    """The files whose pixels are asked for."""
    asked, usual = [], image_folder._pixels
    monkeypatch.setattr(
        image_folder, "_pixels", lambda path, side, crop: asked.append(path.name) or usual(path, side, crop)
    )
    return asked


def drawn(root, image, name="0.png", **save):
    """What becomes of one image among others, as it is where sides allow: it is the first by name."""
    image.save(root / name, **save)
    return pixels(opened(root, side=min(image.size)), 0)[0]


def test_what_is_found(many):
    images = opened(many)
    assert (len(images), images.shape, images.device, images.skipped, images.notes) == (100, (3, 8, 8), "cpu", 0, ())
    assert images.names == tuple(sorted(p.relative_to(many).as_posix() for p in many.rglob("*.*")))
    assert images.names[0] == "000.png"
    assert images.names[-1] == "b/099.png"


def test_samples(many):
    rows = opened(many).rows(torch.tensor([[0, 99, 5], [5, 5, 1]]))
    assert (rows.shape, rows.dtype) == ((2, 3, 3, 8, 8), torch.float32)
    assert -1.0 <= rows.min() < -0.5 < 0.5 < rows.max() <= 1.0
    assert torch.equal(rows[0, 2], rows[1, 0])
    assert torch.equal(rows[1, 0], rows[1, 1])
    assert not torch.equal(rows[0, 0], rows[0, 1])


def test_samples_are_nobody_elses(many):
    images, indices = opened(many), torch.tensor([[3, 4]])
    first = images.rows(indices).clone()
    images.rows(indices).zero_()
    assert torch.equal(images.rows(indices), first)


def test_threads_do_not_matter(many):
    everything = torch.randperm(100).view(2, 50)
    assert torch.equal(opened(many, threads=1).rows(everything), opened(many, threads=4).rows(everything))
    assert torch.equal(opened(many, threads=None).rows(everything), opened(many, threads=4).rows(everything))


def test_the_centre_is_taken_unscaled(root):
    wide = noise(8, 14)
    assert np.array_equal(drawn(root, Image.fromarray(wide)), wide[:, 3:11])
    high = noise(15, 8)
    assert np.array_equal(drawn(root, Image.fromarray(high)), high[3:11])


@pytest.mark.parametrize(
    ("size", "side", "scaled"),
    [((640, 480), 48, (64, 48)), ((3, 7), 6, (6, 14)), ((8, 8), 8, (8, 8)), ((101, 100), 10, (10, 10))],
)
def test_the_shorter_side_decides(size, side, scaled):
    assert shorter_side(*size, side) == scaled


def test_small_images_are_enlarged(root):
    Image.new("RGB", (2, 3), (10, 20, 30)).save(root / "0.png")
    assert (pixels(opened(root), 0) == [10, 20, 30]).all()


def test_another_crop(root):
    stripes = np.zeros((20, 8, 3), np.uint8)
    stripes[:10] = 255
    Image.fromarray(stripes).save(root / "0.png")
    found = pixels(opened(root, side=4, crop=lambda width, height, side: (side, 5 * side)), 0)[0]
    assert found[:2].min() > 200
    assert found[2:].max() < 50


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("L", (8, 8), 77), (77, 77, 77)),
        (Image.new("1", (8, 8), 1), (255, 255, 255)),
        (Image.new("RGB", (8, 8), (1, 2, 3)).quantize(2), (1, 2, 3)),
        (Image.new("RGBA", (8, 8), (9, 9, 9, 0)), (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (9, 8, 7, 255)), (9, 8, 7)),
        (Image.new("LA", (8, 8), (0, 0)), (255, 255, 255)),
        (Image.fromarray(np.full((8, 8), 257 * 130, np.uint16)), (130, 130, 130)),
    ],
    ids=["grey", "bits", "palette", "transparent", "opaque", "grey and transparent", "16 bits"],
)
def test_every_mode_becomes_rgb(root, image, expected):
    assert (drawn(root, image) == expected).all()


def test_a_transparent_colour(root):
    assert (drawn(root, Image.new("L", (8, 8), 5), transparency=5) == 255).all()


def test_print_colours(root):
    red = drawn(root, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "0.jpg")
    assert (abs(red.astype(int) - [255, 0, 0]) <= 3).all()


def test_webp(root):
    assert (drawn(root, Image.new("RGB", (8, 8), (1, 2, 3)), "0.webp", lossless=True) == [1, 2, 3]).all()


def test_the_way_up_of_a_camera(root):
    shown = noise(8, 12)
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # what was written must be turned a quarter clockwise
    Image.fromarray(np.rot90(shown)).save(root / "0.png", exif=exif)
    assert np.array_equal(pixels(opened(root), 0)[0], shown[:, 2:10])


def test_large_jpegs_are_decoded_small_and_look_the_same(root, monkeypatch):
    across, down = np.meshgrid(np.linspace(0, 255, 400), np.linspace(0, 255, 320))
    Image.fromarray(np.stack([across, down, 255 - across], 2).astype(np.uint8)).save(root / "0.jpg", quality=95)
    sizes, usual = [], JpegImageFile.draft

    def draft(image, *arguments):
        usual(image, *arguments)
        sizes.append(image.size)

    monkeypatch.setattr(JpegImageFile, "draft", draft)
    small = pixels(opened(root), 0)[0]
    assert sizes == [(50, 40)]
    monkeypatch.setattr(JpegImageFile, "draft", lambda *_: None)
    assert abs(small.astype(int) - pixels(opened(root), 0)[0]).max() <= 3


def test_nothing_is_decoded_before_it_is_asked_for(many, decoded):
    images = opened(many)
    part = images.part(np.array([2, 0, 7]))
    assert decoded == []
    images.rows(torch.tensor([[3, 1], [3, 3]]))
    assert sorted(decoded) == ["001.jpg", "003.png"]
    part.rows(torch.tensor([[0]]))
    images.rows(torch.tensor([[1, 2], [3, 1]]))
    assert sorted(decoded) == ["001.jpg", "002.BMP", "003.png"]


def test_the_memory_limit(many, decoded, monkeypatch):
    whole = opened(many)
    monkeypatch.setattr(image_folder, "STORED_BYTES", 2 * 3 * 8 * 8 + 1)
    images, indices = opened(many), torch.tensor([[50, 0, 1], [1, 50, 99]])
    expected = whole.rows(indices)
    decoded.clear()
    assert torch.equal(images.rows(indices), expected)
    assert sorted(decoded) == ["000.png", "001.jpg", "050.BMP", "099.png"]
    decoded.clear()
    assert torch.equal(images.rows(indices), expected)
    assert sorted(decoded) == ["050.BMP", "099.png"], "the first two are kept, the others are not"
    monkeypatch.setattr(image_folder, "STORED_BYTES", 0)
    assert torch.equal(opened(many).rows(indices), expected)


def test_a_part(many):
    images = opened(many)
    part = images.part(np.array([7, 3], np.int32))
    assert (len(part), part.shape, part.device) == (2, (3, 8, 8), "cpu")
    assert torch.equal(part.rows(torch.tensor([[1, 0, 1]])), images.rows(torch.tensor([[3, 7, 3]])))


def test_other_files_are_counted_and_hidden_ones_passed_over(root):
    (root / ".hidden").mkdir()
    for name in ("labels.csv", "b/readme.txt", ".DS_Store", "._000.jpg", ".hidden/1.png"):
        (root / name).write_text("x")
    images = opened(root)
    assert len(images) == 100
    assert images.notes == ("files left out because they are no images by their names: 2 (such as 'b/readme.txt')",)


def test_links(root, tmp_path):
    (root / "b" / "again").symlink_to(root, target_is_directory=True)
    assert len(opened(root)) == 100, "a link back is not followed for ever"
    (tmp_path / "other").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "other" / "x.png")
    (root / "c").symlink_to(tmp_path / "other", target_is_directory=True)
    assert opened(root).names[-1] == "c/x.png"


def broken_in_three_ways(root):
    """One no image, one empty, one cut short; their faults, in the order of names."""
    cut = root / "b" / "097.jpg"
    for path, kept in ((root / "000.png", b"GIF?"), (root / "001.jpg", b""), (cut, cut.read_bytes()[:-60])):
        path.write_bytes(kept)
    return ("'000.png' (no image)", "'001.jpg' (no image)", "'b/097.jpg' (image file is truncated")


def test_broken_files_are_named(root):
    faults = broken_in_three_ways(root)
    problem, hint = refused(root)
    assert problem.startswith(f"3 of 100 images in '{root}' cannot be decoded: {', '.join(faults)}")
    assert hint == "remove them, or try --skip-broken"
    (root / "004.jpg").write_bytes(b"x")
    assert refused(root)[0].endswith("'004.jpg' (no image), ...")


def test_broken_files_are_left_out(root):
    faults = broken_in_three_ways(root)
    for i in range(3):
        Image.new("RGB", (8, 8), (i, i, i)).save(root / f"c{i}.png")
    images = opened(root, broken="skip")
    assert (len(images), images.skipped) == (100, 3)
    assert images.names[:2] == ("002.BMP", "003.png")
    assert images.notes[0].startswith(f"files left out because they cannot be decoded: 3 ({faults[0]}, ")
    assert images.rows(torch.arange(100)[None]).shape == (1, 100, 3, 8, 8)
    for i in range(2):
        (root / f"c{i}.png").unlink()
    assert refused(root, broken="skip") == (
        f"found 98 images in '{root}' besides 3 broken ones; at least 100 are needed",
        "name a folder with more",
    )


def test_large_folders_are_judged_by_headers(root, monkeypatch):
    broken_in_three_ways(root)
    monkeypatch.setattr(image_folder, "DECODED_TO_CHECK_BYTES", 0)
    assert refused(root)[0].startswith("2 of 100 images")
    for name in ("000.png", "001.jpg"):
        Image.fromarray(noise()).save(root / name)
    images, last = opened(root), 97
    assert images.names[last] == "b/097.jpg"
    images.rows(torch.tensor([[0, 96]]))
    with pytest.raises(DataError) as caught:
        images.rows(torch.tensor([[0, last]]))
    assert caught.value.problem.startswith(f"the image '{root}/b/097.jpg' cannot be decoded: image file is truncated")
    assert caught.value.hint == "remove it, or try --skip-broken"
    Image.new("RGB", (8, 8)).save(root / "extra.png")
    assert opened(root, broken="skip").skipped == 1, "to leave files out, all are decoded once"


def test_a_damaged_png_is_seen_in_headers_too(root, monkeypatch):
    monkeypatch.setattr(image_folder, "DECODED_TO_CHECK_BYTES", 0)
    data = bytearray((root / "000.png").read_bytes())
    data[60] ^= 255
    (root / "000.png").write_bytes(data)
    assert "1 of 100 images" in refused(root)[0]


def test_a_file_goes_while_it_is_needed(root):
    Image.new("RGB", (8, 8)).save(root / "extra.png")
    images = opened(root, broken="skip")
    (root / "000.png").unlink()
    with pytest.raises(DataError) as caught:
        images.rows(torch.tensor([[0]]))
    assert caught.value.problem == f"the image '{root}/000.png' cannot be decoded: No such file or directory"
    assert caught.value.hint == "it could be read at first: put it back"


def test_a_link_to_nothing(root):
    (root / "gone.jpg").symlink_to(root / "nowhere")
    assert "'gone.jpg' (No such file or directory)" in refused(root)[0]


def test_too_many_pixels_for_one_image(root, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    Image.new("RGB", (40, 40)).save(root / "0.png")
    assert "1 of 101 images" in refused(root)[0]


def test_other_programs_are_not_started(root):
    (root / "0.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EOF\n")
    assert "'0.png' (no image)" in refused(root)[0]


def test_too_few(root):
    (root / "000.png").unlink()
    assert refused(root) == (
        f"found 99 images in '{root}'; at least 100 are needed",
        "name a folder with more",
    )


def test_no_images(tmp_path):
    suffixes = "name a folder with files .jpg, .jpeg, .png, .bmp, .webp"
    assert refused(tmp_path) == (f"there are no images in '{tmp_path}'", suffixes)
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "b.txt").write_text("x")
    assert refused(tmp_path)[0] == f"there are no images in '{tmp_path}'; it holds 2 other files, such as 'a.csv'"


def test_no_folder(tmp_path):
    gone = tmp_path / "gone"
    assert refused(gone, kind=UsageError) == (f"the folder '{gone}' does not exist", f"ls {tmp_path}")
    gone.write_text("x")
    assert refused(gone, kind=UsageError) == (f"'{gone}' is a file; a folder of images is needed", f"try {tmp_path}")


def test_unreadable_folders(root, monkeypatch):
    usual = os.scandir

    def scan(path):
        if str(path).endswith("b"):
            raise PermissionError(errno.EACCES, "no", str(path))
        return usual(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scan)
        found = refused(root)
    assert found == (f"cannot read the folder '{root}/b': Permission denied", "check its permissions")

    def deny(path):
        raise PermissionError(errno.EACCES, "no", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", deny)
        found = refused(root)
    assert found == (f"cannot read the folder '{root}': Permission denied", "check its permissions")


@pytest.mark.parametrize(("settings", "problem"), [({"side": 0}, "side"), ({"threads": 0}, "--threads is 0")])
def test_settings(many, settings, problem):
    assert problem in refused(many, kind=UsageError, **settings)[0]


def test_what_is_told(many):
    told = []
    opened(many, observer=told.append)
    assert [(e.stage, e.step, e.total) for e in told] == [("checking images", 64, 100), ("checking images", 100, 100)]
