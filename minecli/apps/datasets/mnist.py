"""MNIST from its four standard files: LeCun, Cortes and Burges, "The MNIST database of handwritten digits"."""

from __future__ import annotations

import errno
import gzip
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from minecli import events
from minecli.errors import DataError, UsageError

SIDE = 28
CLASSES = 10
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 1 << 20
_GZIP_START = b"\x1f\x8b"


@dataclass(frozen=True)
class _File:
    """One of the four: its plain name, and the size and SHA256 of its usual gzip form."""

    name: str
    gzip_bytes: int
    gzip_sha256: str

    @property
    def described(self) -> str:
        return f"{self.name}.gz ({self.gzip_bytes:,} bytes)"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one value: an image, or a label."""
        return (SIDE, SIDE) if "idx3" in self.name else ()

    @property
    def magic(self) -> int:
        """What the file starts with: 8 for bytes, and the number of axes."""
        return 0x800 + 1 + len(self.shape)


_TRAIN = (
    _File("train-images-idx3-ubyte", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    _File("train-labels-idx1-ubyte", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
)
_TEST = (
    _File("t10k-images-idx3-ubyte", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    _File("t10k-labels-idx1-ubyte", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)
_FILES = (*_TRAIN, *_TEST)
_ALL_DESCRIBED = ", ".join(file.described for file in _FILES)
_Paths = dict[_File, Path]


@dataclass(frozen=True)
class Digits:
    """Images, shape (n, 28, 28), 0 (paper) to 255 (ink), and what they show, shape (n,), 0 to 9."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    def first(self, count: int) -> Digits:
        """The first `count` digits, or all where there are fewer."""
        return Digits(self.images[:count], self.labels[:count])


def pooled(*parts: Digits) -> Digits:
    """The digits of all parts as one set, in the order of the parts."""
    return Digits(np.concatenate([p.images for p in parts]), np.concatenate([p.labels for p in parts]))


def read_mnist(root: Path | None, observer: events.Observer = events.ignore) -> tuple[Digits, Digits]:
    """Read MNIST's training and test set.

    Args:
        root: the folder with the four files, gzipped or not, or with them in raw/ or MNIST/raw/. None: they are
            fetched once, 11.6 MB, into `default_cache()`, and checked against their known SHA256 sums.
        observer: told what is being fetched.

    Raises:
        UsageError: the folder does not exist or is no folder.
        DataError: a file is missing, cut short, damaged or something else; or it cannot be fetched.
    """
    paths = _fetched(observer) if root is None else _paths_in(root)
    train, test = (_read_part(paths, files) for files in (_TRAIN, _TEST))
    return train, test


def default_cache() -> Path:
    """The folder for downloads and trained classifiers: $MINECLI_CACHE_DIR, else the platform's, on Linux
    $XDG_CACHE_HOME/minecli or ~/.cache/minecli. It need not exist.

    Raises:
        UsageError: there is no home folder.
    """
    import pooch

    named = os.environ.get("MINECLI_CACHE_DIR")
    try:
        return (Path(named) if named else pooch.os_cache("minecli")).expanduser()
    except RuntimeError:
        raise UsageError(
            "there is no home folder to keep downloads in", hint="try MINECLI_CACHE_DIR=/tmp/minecli"
        ) from None


def _paths_in(root: Path) -> _Paths:
    """Where each file is, all of them in the first of the known folders that holds any."""
    try:
        os.listdir(root)
    except FileNotFoundError:
        raise UsageError(f"the folder '{root}' does not exist", hint=f"make it and put in {_ALL_DESCRIBED}") from None
    except NotADirectoryError:
        raise UsageError(
            f"'{root}' is a file; the folder with MNIST's files is needed", hint=f"try --data-root {root.parent}"
        ) from None
    except OSError as failure:
        raise _unreadable(root, failure) from None
    for folder in (root, root / "raw", root / "MNIST" / "raw"):
        paths = {file: path for file in _FILES if (path := _find(folder, file))}
        if len(paths) == len(_FILES):
            return paths
        if paths:
            lacking = ", ".join(file.described for file in _FILES if file not in paths)
            raise DataError(f"'{folder}' lacks {lacking}", hint=f"get what is lacking from {MIRRORS[0]}")
    raise DataError(
        f"'{root}' holds none of MNIST's files: {_ALL_DESCRIBED}",
        hint=f"get them from {MIRRORS[0]}, or leave --data-root out to have them fetched",
    )


def _find(folder: Path, file: _File) -> Path | None:
    """The file under its own name, gzipped or not, or under that of copies that were unpacked by hand."""
    for name in (f"{file.name}.gz", file.name, file.name.replace("-idx", ".idx")):
        if os.path.isfile(folder / name):
            return folder / name
    return None


def _fetched(observer: events.Observer) -> _Paths:
    """Where each file is in the cache, after those that are not there have been fetched."""
    import pooch

    folder = default_cache() / "mnist"
    absent = [file for file in _FILES if not os.path.isfile(folder / f"{file.name}.gz")]
    if absent:
        megabytes = sum(file.gzip_bytes for file in absent) / 1e6
        observer(events.Event("mnist", message=f"fetching {megabytes:.1f} MB from {MIRRORS[0]} into {folder}"))
    # The package speaks for itself on stderr otherwise.
    pooch.get_logger().setLevel("ERROR")
    return {file: _fetch(file, folder) for file in _FILES}


def _fetch(file: _File, folder: Path) -> Path:
    """Fetch the file unless it is there and undamaged."""
    import pooch

    name, reasons = f"{file.name}.gz", []
    for mirror in MIRRORS:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ask = pooch.HTTPDownloader(timeout=_TIMEOUT_SECONDS)
            known = f"sha256:{file.gzip_sha256}"
            pooch.retrieve(mirror + name, known_hash=known, fname=name, path=folder, downloader=ask)
            return folder / name
        except OSError as failure:
            # Failures of the network are OSErrors too, but bear no number; those of the disk do, or are of this type.
            if failure.errno is not None or isinstance(failure, PermissionError):
                raise DataError(
                    f"cannot keep MNIST in '{folder}': {os.strerror(failure.errno or errno.EACCES)}",
                    hint="try MINECLI_CACHE_DIR=/another/folder",
                ) from None
            reasons.append(type(failure).__name__)
        except ValueError:
            reasons.append("what came is not MNIST")
    raise DataError(
        f"MNIST is not in '{folder}', and {name} could not be fetched ({', '.join(dict.fromkeys(reasons))})",
        hint=f"get {_ALL_DESCRIBED} from {MIRRORS[0]} into a folder and pass --data-root DIR",
    )


def _read_part(paths: _Paths, files: tuple[_File, _File]) -> Digits:
    images, labels = (_read(paths[file], file) for file in files)
    of_images, of_labels = (paths[file] for file in files)
    if len(images) != len(labels):
        problem = f"'{of_images}' holds {len(images)} images, '{of_labels}' {len(labels)} labels; there must be as many"
        raise DataError(problem, hint=f"get both again from {MIRRORS[0]}")
    if labels.max() >= CLASSES:
        raise _unusable(of_labels, f"holds the label {labels.max()}; digits are 0 to {CLASSES - 1}")
    return Digits(images, labels)


def _read(path: Path, file: _File) -> npt.NDArray[np.uint8]:
    try:
        with open(path, "rb") as stream:
            # By content, not by name: browsers unpack files and keep the name, or the other way round.
            is_gzip = stream.read(len(_GZIP_START)) == _GZIP_START
            stream.seek(0)
            if not is_gzip:
                return _parse(stream, path, file)
            with gzip.open(stream) as unpacked:
                return _parse(unpacked, path, file)
    except EOFError:
        found = path.stat().st_size
        raise _unusable(path, f"is cut short: it has {found:,} bytes, the usual file {file.gzip_bytes:,}") from None
    except (gzip.BadGzipFile, zlib.error) as damage:
        raise _unusable(path, f"is a damaged gzip file: {damage}") from None
    except OSError as failure:
        raise _unreadable(path, failure) from None


def _unreadable(path: Path, failure: OSError) -> DataError:
    reason = os.strerror(failure.errno) if failure.errno else str(failure)
    return DataError(f"cannot read '{path}': {reason}", hint="check its permissions, or choose another --data-root")


def _parse(stream: IO[bytes] | gzip.GzipFile, path: Path, file: _File) -> npt.NDArray[np.uint8]:
    """The idx format: a magic number, the length of each axis, all big-endian 32-bit, then one byte per value."""
    axes = 1 + len(file.shape)
    start = 4 * (1 + axes)
    header = stream.read(start)
    if len(header) < start:
        raise _unusable(path, f"is cut short: expected a header of {start} bytes, found {len(header)} bytes")
    magic, count, *shape = struct.unpack(f">{1 + axes}I", header)
    if magic != file.magic:
        raise _unusable(path, f"starts with the magic number {magic}; that of {file.name} is {file.magic}")
    if tuple(shape) != file.shape:
        pixels = " x ".join(map(str, shape))
        raise _unusable(path, f"holds images of {pixels} pixels; MNIST's have {SIDE} x {SIDE}")
    if count == 0:
        raise _unusable(path, "is empty: its header says that it holds nothing")
    expected = math.prod((count, *file.shape))
    body = _read_up_to(stream, expected + 1)
    if len(body) != expected:
        short = len(body) < expected
        fault, found = ("cut short", f"{start + len(body):,} bytes") if short else ("too long", "more")
        unpacked = " unpacked" if isinstance(stream, gzip.GzipFile) else ""
        raise _unusable(path, f"is {fault}: expected {start + expected:,} bytes{unpacked}, found {found}")
    return np.frombuffer(body, dtype=np.uint8).reshape(count, *file.shape)


def _unusable(path: Path, why: str) -> DataError:
    return DataError(f"'{path}' {why}", hint=f"get it again from {MIRRORS[0]}")


def _read_up_to(stream: IO[bytes] | gzip.GzipFile, most: int) -> bytearray:
    """Read in pieces: a damaged header may promise terabytes, and memory for them would be asked for at once."""
    body = bytearray()
    while len(body) < most and (piece := stream.read(min(_CHUNK_BYTES, most - len(body)))):
        body += piece
    return body
