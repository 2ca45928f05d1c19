"""CelebA's aligned faces with their attributes: Liu, Luo, Wang and Tang, "Deep learning face attributes in the wild",
2015. The whole set has 202,599 images; parts of it are read as well.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
import numpy.typing as npt

from minecli import events
from minecli.apps.datasets.image_folder import Broken, ImageFolder, first_of
from minecli.errors import DataError, UsageError
from minecli.tables.splitting import share_of

IMAGES, ATTRIBUTES = "img_align_celeba", "list_attr_celeba.txt"
ATTRIBUTE_COUNT = 40
HOME = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"

Part = Literal["train", "validation", "test"]
# Each part's last image.
_ENDS: dict[Part, int] = {"train": 162_770, "validation": 182_637, "test": 202_599}
_LAST = _ENDS["test"]
_HELD_OUT = 0.2
_VALUES = {"1": True, "-1": False}
# The official archive has the list in a folder of its own.
_LIST_FOLDERS = ("", "Anno")


@dataclass(frozen=True)
class CelebA:
    """Faces and what is said of them.

    Attributes:
        images: the faces; `images.names` says which.
        attributes: of each image, shape (n, 40).
        names: of the attributes, 40.
    """

    images: ImageFolder
    attributes: npt.NDArray[np.bool_]
    names: tuple[str, ...]


def celeba_scale(width: int, height: int, side: int) -> tuple[int, int]:
    """The size faces are scaled to before their centre is cut out: 64 wide and 78 high for 64 x 64 (Dumoulin et al.,
    "Adversarially learned inference", 2017), and in this ratio for other sides.

    >>> celeba_scale(178, 218, 64)
    (64, 78)
    """
    del width, height
    return side, round(side * 78 / 64)


def is_celeba(root: Path) -> bool:
    """Whether a folder is laid out as CelebA: images and list are there, or it is the folder of images itself.

    >>> is_celeba(Path("no such folder"))
    False
    """
    return _find_list(root) is not None and _images_of(root).is_dir()


def read_celeba(
    root: Path,
    side: int = 64,
    *,
    device: str = "cpu",
    broken: Broken = "error",
    observer: events.Observer = events.ignore,
) -> CelebA:
    """Read CelebA, or a part of it: every image needs its row of attributes, rows may lack their image.

    Args:
        root: the folder that holds img_align_celeba/ and list_attr_celeba.txt (which may be in Anno/), or
            img_align_celeba/ itself with the list beside it.
        side: height and width of samples, in pixels; see `celeba_scale`.
        device, broken, observer: see `ImageFolder`.

    Raises:
        UsageError: root does not exist or is no folder.
        DataError: images or list are missing; the list is damaged; an image without a row; what `ImageFolder` raises.
    """
    folder, listed = _images_of(root), _find_list(root)
    if not root.exists():
        raise UsageError(f"the folder '{root}' does not exist", hint=f"get {IMAGES} and {ATTRIBUTES} from {HOME}")
    if not root.is_dir():
        problem = f"'{root}' is a file; the folder with {IMAGES} and {ATTRIBUTES} is needed"
        raise UsageError(problem, hint=f"try --data-root {root.parent}")
    if not folder.is_dir():
        raise DataError(
            f"'{root}' holds no folder {IMAGES}",
            hint=f"get it from {HOME}; images of any other folder can be learnt with minecli ali {root}",
        )
    if listed is None:
        raise DataError(
            f"{ATTRIBUTES} is missing beside '{folder}'",
            hint=f"get it from {HOME}, or learn the images without attributes: minecli ali {folder}",
        )
    # The list first: it is read in a moment, whereas looking at 202,599 images takes a while.
    names, rows = _read_attributes(listed)
    images = ImageFolder(folder, side, device=device, broken=broken, crop=celeba_scale, observer=observer)
    # Archives unpacked twice hold the images one folder deeper.
    files = [PurePosixPath(name).name for name in images.names]
    if lacking := [f"'{file}'" for file in files if file not in rows]:
        raise DataError(
            f"{len(lacking):,} of {len(files):,} images in '{folder}' have no row in '{listed}': {first_of(lacking)}",
            hint=f"get the list again from {HOME}, or learn without attributes: minecli ali {folder}",
        )
    return CelebA(images, np.array([rows[file] for file in files], np.bool_), names)


def split(number: int) -> Part:
    """The official part that an image belongs to, by the number in its name, 1 to 202,599.

    Raises:
        DataError: no such image.

    >>> split(162_770), split(162_771), split(202_599)
    ('train', 'validation', 'test')
    """
    for part, end in _ENDS.items():
        if 1 <= number <= end:
            return part
    raise DataError(f"there is no image {number} in CelebA; they are numbered 1 to {_LAST}", hint="check its name")


def held_out(names: Sequence[str]) -> tuple[npt.NDArray[np.bool_], str]:
    """Which images are not to be learnt from, shape (n,), and the rule in words.

    Those of the official validation and test parts. Where that would leave nothing on one side, as in samples of one
    part, or where names are not CelebA's numbers, the last 20 % by name.

    Raises:
        DataError: fewer than two images.

    >>> held_out(["000001.jpg", "200000.jpg"])[0].tolist()
    [False, True]
    >>> held_out([f"{i:06}.jpg" for i in range(1, 6)])[0].tolist()
    [False, False, False, False, True]
    """
    if len(names) < 2:
        raise DataError(f"{len(names)} images cannot be parted", hint="at least 2 are needed")
    numbers = [_number(name) for name in names]
    parts = [split(number) for number in numbers if number is not None]
    if len(parts) == len(names):
        official = np.array([part != "train" for part in parts])
        if official.any() and not official.all():
            return official, f"CelebA's official validation and test images: {_ENDS['train'] + 1} to {_LAST}"
    chosen = np.zeros(len(names), np.bool_)
    chosen[sorted(range(len(names)), key=names.__getitem__)[-share_of(len(names), _HELD_OUT) :]] = True
    why = f"all are of the official {parts[0]} part" if len(parts) == len(names) and len(set(parts)) == 1 else ""
    return chosen, f"the last {_HELD_OUT:.0%} of images by name" + (f", since {why}" if why else "")


def _number(name: str) -> int | None:
    stem = PurePosixPath(name).stem
    number = int(stem) if stem.isascii() and stem.isdigit() else 0
    return number if 1 <= number <= _LAST else None


def _images_of(root: Path) -> Path:
    return root / IMAGES if (root / IMAGES).is_dir() or root.absolute().name != IMAGES else root


def _find_list(root: Path) -> Path | None:
    beside = _images_of(root).absolute().parent
    places = (beside / folder / ATTRIBUTES for folder in _LIST_FOLDERS)
    return next((path for path in places if os.path.isfile(path)), None)


def _read_attributes(path: Path) -> tuple[tuple[str, ...], dict[str, list[bool]]]:
    """The names of the attributes, and the row of each image: a line with the number of rows, one with the names, then
    a file's name and 40 values of 1 or -1 per line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise _damaged(f"'{path}' is no text") from None
    except OSError as failure:
        reason = os.strerror(failure.errno) if failure.errno else str(failure)
        raise DataError(f"cannot read '{path}': {reason}", hint="check its permissions") from None
    while lines and not lines[-1].strip():
        lines.pop()
    first = lines[0].strip() if lines else ""
    if not (first.isascii() and first.isdigit()):
        raise _damaged(f"line 1 of '{path}' is '{first[:40]}'; it must be the number of rows")
    names = tuple(lines[1].split()) if len(lines) > 1 else ()
    if len(set(names)) != ATTRIBUTE_COUNT or len(names) != ATTRIBUTE_COUNT:
        raise _damaged(f"line 2 of '{path}' names {len(set(names))} attributes; CelebA has {ATTRIBUTE_COUNT}")
    rows: dict[str, list[bool]] = {}
    for line, text in enumerate(lines[2:], start=3):
        name, *values = text.split() or [""]
        if fault := _fault(name, values, rows):
            raise _damaged(f"line {line} of '{path}' {fault}")
        rows[name] = [_VALUES[value] for value in values]
    if len(rows) != int(first):
        raise _damaged(f"'{path}' announces {int(first):,} rows and holds {len(rows):,}")
    return names, rows


def _damaged(problem: str) -> DataError:
    return DataError(problem, hint=f"get it again from {HOME}")


def _fault(name: str, values: list[str], rows: dict[str, list[bool]]) -> str:
    """What is wrong with a row, "" where nothing is."""
    if len(values) != ATTRIBUTE_COUNT:
        return f"holds {len(values)} values; a file's name and {ATTRIBUTE_COUNT} values are needed"
    if wrong := set(values) - _VALUES.keys():
        return f"holds the value '{min(wrong)}'; values are 1 and -1"
    return f"is the second for '{name}'" if name in rows else ""
