"""Images of a folder as samples of one size, decoded when they are first asked for.

Every image is scaled and its centre cut out. JPEGs much larger than that are decoded at an eighth, a quarter or half
of their size, which the format allows, but never at less than twice the size they are scaled to: pixels then differ
little from those of the whole image, and small images, such as CelebA's, do not differ at all.

Measured on CelebA's images, 178 x 218 pixels, one core: 3,000 headers take 0.1 s, 3,000 whole images 1.0 s decoded and
2.0 s decoded and scaled to 64 x 64.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from minecli import events
from minecli.apps.datasets.real_samples import SamplePart, from_bytes
from minecli.errors import DataError, UsageError
from minecli.runtime.device import resolve_threads
from minecli.tables.selectors.wording import counted

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
FEWEST_IMAGES = 100
STORED_BYTES = 2 << 30
# Folders up to this size are decoded once to check them, a few seconds; of larger ones only headers are read.
DECODED_TO_CHECK_BYTES = 64 << 20

# Content decides, not the name; but formats that Pillow leaves to other programs stay shut.
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF")
_MOST_THREADS = 8
_CHECKED_AT_A_TIME = 64
_SHOWN = 3
_ORIENTATION, _UPRIGHT = 0x0112, 1
_ON_ITS_SIDE = (5, 6, 7, 8)
# What Pillow raises over damaged files, as found in its decoders.
_DAMAGE = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

Pixels = npt.NDArray[np.uint8]
Broken = Literal["error", "skip"]
# Width, height and side to the width and height that an image is scaled to, neither below side.
Crop = Callable[[int, int, int], tuple[int, int]]


def shorter_side(width: int, height: int, side: int) -> tuple[int, int]:
    """The size at which the shorter side is `side` and the shape is kept.

    >>> shorter_side(640, 480, 48)
    (64, 48)
    """
    shorter = min(width, height)
    return max(side, round(width * side / shorter)), max(side, round(height * side / shorter))


class ImageFolder:
    """The images of a folder and the folders in it, by name, as `RealSamples` of shape (3, side, side).

    Images of any mode become RGB: greys are repeated, what is transparent lies on white, 16 bits become 8. The way up
    that a camera noted is kept. Hidden files are passed over in silence, other files that are no images by their
    suffix are counted in `notes`.

    As many threads as `resolve_threads` allows decode, 8 at most; they do not change the result.

    At construction every header is read, and small folders are decoded as well, as all are with broken="skip". The
    first images, up to `STORED_BYTES` of pixels, are held in memory once they are decoded; the others are decoded
    each time.

    Args:
        root: the folder.
        side: height and width of samples.
        device: where samples are wanted, such as "cpu" or "cuda:0".
        broken: "error" to refuse a folder with files that cannot be decoded, "skip" to leave those files out.
        crop: the size an image is scaled to before its centre is cut out.
        observer: told how far the check has come.

    Attributes:
        names: paths relative to root with "/" between their parts, sorted.
        skipped: how many files were left out because they are broken.
        notes: sentences on what was left out.

    Raises:
        UsageError: root does not exist or is no folder; side below 1.
        DataError: a folder cannot be read; fewer than `FEWEST_IMAGES` images; broken images, by name.
    """

    def __init__(
        self,
        root: Path,
        side: int,
        *,
        device: str,
        broken: Broken = "error",
        crop: Crop = shorter_side,
        observer: events.Observer = events.ignore,
    ) -> None:
        if side < 1:
            raise UsageError(f"the side of images is {side}; it must be at least 1", hint="try --side 64")
        self._root, self._side, self._device, self._broken = root, side, device, broken
        self._decode = partial(_pixels, side=side, crop=crop)
        self._pool = ThreadPoolExecutor(min(resolve_threads().count, _MOST_THREADS))
        named, others = _image_names(root)
        if not named:
            instead = f"; it holds {len(others):,} other files, such as '{others[0]}'" if others else ""
            hint = f"name a folder with files {', '.join(SUFFIXES)}"
            raise DataError(f"there are no images in '{root}'{instead}", hint=hint)
        faults = self._check(named, observer)
        self.names: tuple[str, ...] = tuple(name for name in named if name not in faults)
        self.skipped = len(faults)
        self.notes = tuple(self._said(faults, others))
        if len(self.names) < FEWEST_IMAGES:
            left = f"{counted(len(self.names), 'image')} in '{root}'"
            besides = f" besides {len(faults)} broken ones" if faults else ""
            problem = f"found {left}{besides}; at least {FEWEST_IMAGES} are needed"
            raise DataError(problem, hint="name a folder with more")
        room = min(len(self.names), STORED_BYTES // (3 * side * side))
        # Not filled with anything: the system gives memory for images that have come, not for all.
        self._stored: Pixels = np.empty((room, *self.shape), np.uint8)
        self._is_stored = np.zeros(len(self.names), np.bool_)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image, (3, side, side)."""
        return (3, self._side, self._side)

    @property
    def device(self) -> str:
        """The name of the device on which images are wanted."""
        return self._device

    def part(self, numbers: npt.NDArray[np.integer[Any]]) -> SamplePart:
        """Some of the images, by their numbers and in their order, as samples of their own; nothing is decoded."""
        return SamplePart(self, torch.from_numpy(numbers.astype(np.int64)))

    def rows(self, indices: Tensor) -> Tensor:
        """Images by number: int64 (models, b) to float32 (models, b, 3, side, side), -1 (dark) to 1 (bright).

        Raises:
            DataError: a file cannot be decoded: only now, since only its header had been read, or since it changed.
        """
        wanted, places = np.unique(indices.cpu().numpy(), return_inverse=True)
        absent = wanted[~self._is_stored[wanted]]
        pixels: Pixels = np.empty((len(wanted), *self.shape), np.uint8)
        if len(absent):
            decoded = self._pool.map(self._image, absent.tolist())
            for place, number, one in zip(np.searchsorted(wanted, absent), absent, decoded, strict=True):
                pixels[place] = one
                if number < len(self._stored):
                    self._stored[number], self._is_stored[number] = one, True
        there = ~np.isin(wanted, absent)
        pixels[there] = self._stored[wanted[there]]
        batch = torch.from_numpy(pixels[places.reshape(tuple(indices.shape))])
        return from_bytes(batch.to(self._device))

    def _image(self, number: int) -> Pixels:
        path = self._root / self.names[number]
        try:
            return self._decode(path)
        except _DAMAGE as damage:
            skipping = self._broken == "skip"
            hint = "it could be read at first: put it back" if skipping else "remove it, or try --skip-broken"
            raise DataError(f"the image '{path}' cannot be decoded: {_reason(damage)}", hint=hint) from None

    def _check(self, names: Sequence[str], observer: events.Observer) -> dict[str, str]:
        """What is wrong with which files; DataError where any is and none is to be left out."""
        paths = [self._root / name for name in names]
        # Files that are gone, or links to nothing, count nothing: the check that follows names them.
        total = sum(os.path.getsize(path) for path in paths if os.path.exists(path))
        whole = self._broken == "skip" or total <= DECODED_TO_CHECK_BYTES
        faults: dict[str, str] = {}
        fault_of = partial(_fault, whole=whole)
        for start in range(0, len(names), _CHECKED_AT_A_TIME):
            piece = slice(start, start + _CHECKED_AT_A_TIME)
            checked = zip(names[piece], self._pool.map(fault_of, paths[piece]), strict=True)
            faults |= {name: fault for name, fault in checked if fault is not None}
            done = min(start + _CHECKED_AT_A_TIME, len(names))
            observer(events.Event("checking images", done, len(names)))
        if faults and self._broken == "error":
            raise DataError(
                f"{len(faults):,} of {len(names):,} images in '{self._root}' cannot be decoded: {_listed(faults)}",
                hint="remove them, or try --skip-broken",
            )
        return faults

    def _said(self, faults: dict[str, str], others: Sequence[str]) -> Iterator[str]:
        if faults:
            yield f"files left out because they cannot be decoded: {len(faults):,} ({_listed(faults)})"
        if others:
            yield f"files left out because they are no images by their names: {len(others):,} (such as '{others[0]}')"


def _image_names(root: Path) -> tuple[list[str], list[str]]:
    """Sorted paths relative to root: of images by their suffix, and of other files."""
    try:
        os.listdir(root)
    except FileNotFoundError:
        raise UsageError(f"the folder '{root}' does not exist", hint=f"ls {root.parent}") from None
    except NotADirectoryError:
        raise UsageError(f"'{root}' is a file; a folder of images is needed", hint=f"try {root.parent}") from None
    except OSError as failure:
        _refuse(failure)
    images: list[str] = []
    others: list[str] = []
    for name in _files(root):
        (images if name.lower().endswith(SUFFIXES) else others).append(name)
    return sorted(images), sorted(others)


def _files(root: Path) -> Iterator[str]:
    """Files that are not hidden, links followed, each folder once: a link may lead back to where it came from."""
    seen: set[str] = set()
    for folder, below, names in os.walk(root, followlinks=True, onerror=_refuse):
        real = os.path.realpath(folder)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        # In order, so that of two ways to one folder the same is taken everywhere.
        below[:] = sorted(name for name in below if not name.startswith("."))
        inside = Path(folder).relative_to(root)
        yield from ((inside / name).as_posix() for name in names if not name.startswith("."))


def _refuse(failure: OSError) -> NoReturn:
    problem = f"cannot read the folder '{failure.filename}': {_reason(failure)}"
    raise DataError(problem, hint="check its permissions") from None


def _fault(path: Path, whole: bool) -> str | None:
    """What keeps a file from being decoded, as far as its header says, or for sure where it is read whole."""
    try:
        if whole:
            _open(path.read_bytes()).load()
        else:
            with open(path, "rb") as stream, Image.open(stream, formats=_FORMATS) as image:
                image.verify()
    except _DAMAGE as damage:
        return _reason(damage)
    return None


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=_FORMATS)


def _pixels(path: Path, side: int, crop: Crop) -> Pixels:
    """One image, shape (3, side, side), scaled and cut. Raises what Pillow raises."""
    # Read at once: from a file Pillow reads in pieces, and threads wait for each other between them.
    with _open(path.read_bytes()) as image:
        orientation = image.getexif().get(_ORIENTATION, _UPRIGHT)
        width, height = crop(*(image.size[::-1] if orientation in _ON_ITS_SIDE else image.size), side)
        image.draft("RGB", (2 * max(width, height),) * 2)
        upright = image if orientation == _UPRIGHT else ImageOps.exif_transpose(image)
        scaled = _as_rgb(upright).resize((width, height), Image.Resampling.LANCZOS)
    left, top = (width - side) // 2, (height - side) // 2
    return np.asarray(scaled)[top : top + side, left : left + side].transpose(2, 0, 1)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(np.clip(np.asarray(image, np.float32) / 257, 0, 255).round().astype(np.uint8))
    elif "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _listed(faults: dict[str, str]) -> str:
    return first_of([f"'{name}' ({fault})" for name, fault in faults.items()])


def first_of(names: Sequence[str]) -> str:
    """The first names of many, for a message.

    >>> first_of(["a", "b", "c", "d"])
    'a, b, c, ...'
    """
    return ", ".join([*names[:_SHOWN], "..."] if len(names) > _SHOWN else names)


def _reason(damage: BaseException) -> str:
    if isinstance(damage, UnidentifiedImageError):
        return "no image"
    if isinstance(damage, OSError) and damage.errno:
        return os.strerror(damage.errno)
    return str(damage).strip().split("\n")[0].rstrip(".") or type(damage).__name__
