"""MNIST from its four standard files, and the stacked digits whose thousand modes are known.

Files: LeCun, Cortes and Burges, "The MNIST database of handwritten digits". Stacked digits: Metz et al., "Unrolled
generative adversarial networks" (2017), in the form of Lin et al., "PacGAN" (2018).
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from minecli import events
from minecli.apps.mode_metrics import reverse_kl
from minecli.errors import DataError, UsageError
from minecli.runtime.seeds import generator

SIDE = 28
CLASSES = 10
MOST_STACKED = 6
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 1 << 20
_FLOOR_DRAWS = 20
_GZIP_START = b"\x1f\x8b"

Rows = npt.NDArray[np.integer[Any]] | slice


@dataclass(frozen=True)
class _File:
    """One of the four: its plain name, what it starts with, and the size and SHA256 of its usual gzip form."""

    name: str
    magic: int
    shape: tuple[int, ...]
    gzip_bytes: int
    gzip_sha256: str

    @property
    def described(self) -> str:
        return f"{self.name}.gz ({self.gzip_bytes:,} bytes)"


_TRAIN = (
    _File(
        "train-images-idx3-ubyte",
        2051,
        (SIDE, SIDE),
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    _File(
        "train-labels-idx1-ubyte",
        2049,
        (),
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
)
_TEST = (
    _File(
        "t10k-images-idx3-ubyte",
        2051,
        (SIDE, SIDE),
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    _File(
        "t10k-labels-idx1-ubyte",
        2049,
        (),
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)
_FILES = (*_TRAIN, *_TEST)
_ALL_DESCRIBED = ", ".join(file.described for file in _FILES)


@dataclass(frozen=True)
class Digits:
    """Images, shape (n, 28, 28), 0 (paper) to 255 (ink), and what they show, shape (n,), 0 to 9."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]


def pooled(*parts: Digits) -> Digits:
    """All parts as one, in their order."""
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
    folder = _fetched(observer) if root is None else _folder_of_files(root)
    return _read_part(folder, _TRAIN), _read_part(folder, _TEST)


def default_cache() -> Path:
    """Where downloads and trained classifiers are kept: $MINECLI_CACHE_DIR, else $XDG_CACHE_HOME/minecli, else
    ~/.cache/minecli. The folder need not exist. UsageError where there is no home folder.
    """
    try:
        if named := os.environ.get("MINECLI_CACHE_DIR"):
            return Path(named).expanduser()
        if named := os.environ.get("XDG_CACHE_HOME"):
            return Path(named).expanduser() / "minecli"
        return Path.home() / ".cache" / "minecli"
    except RuntimeError:
        raise UsageError(
            "there is no home folder to keep downloads in", hint="try MINECLI_CACHE_DIR=/tmp/minecli"
        ) from None


def _folder_of_files(root: Path) -> Path:
    try:
        os.listdir(root)
    except FileNotFoundError:
        raise UsageError(f"the folder '{root}' does not exist", hint=f"make it and put in {_ALL_DESCRIBED}") from None
    except NotADirectoryError:
        raise UsageError(
            f"'{root}' is a file; the folder with MNIST's files is needed", hint=f"try --data-root {root.parent}"
        ) from None
    except OSError as problem:
        raise _unreadable(root, problem) from None
    for folder in (root, root / "raw", root / "MNIST" / "raw"):
        missing = [file for file in _FILES if _find(folder, file) is None]
        if not missing:
            return folder
        if len(missing) < len(_FILES):
            listed = ", ".join(file.described for file in missing)
            raise DataError(f"'{folder}' lacks {listed}", hint=f"get {_it(missing)} from {MIRRORS[0]}")
    raise DataError(
        f"'{root}' holds none of MNIST's files: {_ALL_DESCRIBED}",
        hint=f"get them from {MIRRORS[0]}, or leave --data-root out to have them fetched",
    )


def _it(files: list[_File]) -> str:
    return "it" if len(files) == 1 else "them"


def _find(folder: Path, file: _File) -> Path | None:
    """The file under its own name, gzipped or not, or under that of copies that were unpacked by hand."""
    for name in (f"{file.name}.gz", file.name, file.name.replace("-idx", ".idx")):
        if os.path.isfile(folder / name):
            return folder / name
    return None


def _fetched(observer: events.Observer) -> Path:
    """Fetch what is not there yet; return the folder."""
    try:
        import pooch
    except ImportError:
        raise DataError(
            "fetching MNIST needs the package pooch, which is not installed",
            hint=f"try pip install pooch, or get {_ALL_DESCRIBED} from {MIRRORS[0]} and pass --data-root DIR",
        ) from None
    folder = default_cache() / "mnist"
    missing = [file for file in _FILES if not os.path.isfile(folder / f"{file.name}.gz")]
    megabytes = sum(file.gzip_bytes for file in missing) / 1e6
    # The package speaks for itself on stderr otherwise.
    pooch.get_logger().setLevel("ERROR")
    for done, file in enumerate(_FILES):
        if missing:
            said = "" if done else f"fetching {megabytes:.1f} MB from {MIRRORS[0]} into {folder}"
            observer(events.Event("mnist", done, len(_FILES), message=said))
        _fetch(pooch, file, folder)
    if missing:
        observer(events.Event("mnist", len(_FILES), len(_FILES)))
    return folder


def _fetch(pooch: Any, file: _File, folder: Path) -> None:
    name, reasons = f"{file.name}.gz", []
    for mirror in MIRRORS:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ask = pooch.HTTPDownloader(timeout=_TIMEOUT_SECONDS)
            known = f"sha256:{file.gzip_sha256}"
            pooch.retrieve(mirror + name, known_hash=known, fname=name, path=folder, downloader=ask)
            return
        except ValueError:
            reasons.append("what came is not MNIST")
        except OSError as problem:
            # Failures of the network are OSErrors too, but bear no number; those of the disk do.
            if problem.errno is not None:
                raise DataError(
                    f"cannot keep MNIST in '{folder}': {os.strerror(problem.errno)}",
                    hint="try MINECLI_CACHE_DIR=/another/folder",
                ) from None
            reasons.append(type(problem).__name__)
    raise DataError(
        f"MNIST is not in '{folder}', and {name} could not be fetched ({', '.join(dict.fromkeys(reasons))})",
        hint=f"get {_ALL_DESCRIBED} from {MIRRORS[0]} into a folder and pass --data-root DIR",
    )


def _read_part(folder: Path, files: tuple[_File, _File]) -> Digits:
    images, labels = (_read(folder, file) for file in files)
    if len(images) != len(labels):
        raise DataError(
            f"'{folder}' holds {len(images)} images in {files[0].name} but {len(labels)} labels in {files[1].name}",
            hint=f"get both from {MIRRORS[0]}",
        )
    if labels.max() >= CLASSES:
        raise DataError(
            f"{files[1].name} in '{folder}' holds the label {labels.max()}; digits are 0 to {CLASSES - 1}",
            hint=f"get it from {MIRRORS[0]}",
        )
    return Digits(images, labels)


def _read(folder: Path, file: _File) -> npt.NDArray[np.uint8]:
    path = _find(folder, file)
    if path is None:
        raise DataError(f"'{folder}' lacks {file.described}", hint=f"get it from {MIRRORS[0]}")
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
        problem = f"'{path}' is cut short: it has {path.stat().st_size:,} bytes, the usual file {file.gzip_bytes:,}"
        raise DataError(problem, hint=f"get it again from {MIRRORS[0]}") from None
    except (gzip.BadGzipFile, zlib.error) as damage:
        raise DataError(f"'{path}' is a damaged gzip file: {damage}", hint=f"get it again from {MIRRORS[0]}") from None
    except OSError as failure:
        raise _unreadable(path, failure) from None


def _unreadable(path: Path, problem: OSError) -> DataError:
    reason = os.strerror(problem.errno) if problem.errno else str(problem)
    return DataError(f"cannot read '{path}': {reason}", hint="check its permissions, or choose another --data-root")


def _parse(stream: IO[bytes] | gzip.GzipFile, path: Path, file: _File) -> npt.NDArray[np.uint8]:
    """The idx format: a magic number, the length of each axis, all big-endian 32-bit, then one byte per value."""
    again = f"get it again from {MIRRORS[0]}"
    axes = 1 + len(file.shape)
    header = stream.read(4 * (1 + axes))
    if len(header) < 4 * (1 + axes):
        problem = f"'{path}' is cut short: expected a header of {4 * (1 + axes)} bytes, found {len(header)} bytes"
        raise DataError(problem, hint=again)
    magic, count, *shape = struct.unpack(f">{1 + axes}I", header)
    if magic != file.magic:
        problem = f"'{path}' starts with the magic number {magic}; that of {file.name} is {file.magic}"
        raise DataError(problem, hint=again)
    if tuple(shape) != file.shape:
        problem = f"'{path}' holds images of {' x '.join(map(str, shape))} pixels; MNIST's have {SIDE} x {SIDE}"
        raise DataError(problem, hint=again)
    if count == 0:
        raise DataError(f"'{path}' is empty: its header says that it holds nothing", hint=again)
    expected = math.prod((count, *file.shape))
    body = _read_up_to(stream, expected + 1)
    if len(body) != expected:
        found = f"{len(header) + len(body):,} bytes" if len(body) < expected else "more"
        kind = "cut short" if len(body) < expected else "too long"
        unpacked = " unpacked" if isinstance(stream, gzip.GzipFile) else ""
        problem = f"'{path}' is {kind}: expected {len(header) + expected:,} bytes{unpacked}, found {found}"
        raise DataError(problem, hint=again)
    return np.frombuffer(body, dtype=np.uint8).reshape(count, *file.shape)


def _read_up_to(stream: IO[bytes] | gzip.GzipFile, most: int) -> bytearray:
    """Read in pieces: a damaged header may promise terabytes, and memory for them would be asked for at once."""
    body = bytearray()
    while len(body) < most and (piece := stream.read(min(_CHUNK_BYTES, most - len(body)))):
        body += piece
    return body


@dataclass(frozen=True)
class StackedDigits:
    """Images of several channels, each channel one digit of the pool: a fixed table of indices, shape (count, stack).

    With digits drawn independently every combination of labels occurs, 10^stack modes of about the same weight.
    """

    pool: Digits
    indices: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)

    def batch(self, rows: Rows) -> npt.NDArray[np.float32]:
        """The images of so many rows of the table, shape (b, stack, 28, 28): pixels / 127.5 - 1, from -1 to 1."""
        pixels = self.pool.images[self.indices[rows]].astype(np.float32)
        pixels /= 127.5
        pixels -= 1.0
        return pixels

    def labels(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Their modes, shape (b,), in 0 .. 10^stack - 1: the labels read as a number, the first channel's digit first.

        >>> pool = Digits(np.zeros((3, 28, 28), np.uint8), np.array([7, 0, 2], np.uint8))
        >>> StackedDigits(pool, np.array([[0, 1, 2]])).labels(slice(None)).tolist()
        [702]
        """
        return as_modes(self.pool.labels[self.indices[rows]])


def as_modes(labels: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """Labels of channels, shape (b, stack), read as numbers, shape (b,): the first channel is the leading digit.

    >>> as_modes(np.array([[0, 4, 2], [9, 9, 9]])).tolist()
    [42, 999]
    """
    powers = CLASSES ** np.arange(labels.shape[1] - 1, -1, -1, dtype=np.int64)
    return labels.astype(np.int64) @ powers


def stacked(digits: Digits, count: int, stack: int, seed: int) -> StackedDigits:
    """Draw `count` stacks of `stack` digits, independently and with replacement.

    Published experiments draw from the training and the test set together: pass `pooled(train, test)`.

    Raises:
        UsageError: count below 1, or stack not in 1 .. 6.
    """
    _check_counts(stack, count)
    draws = generator(seed, "stacked-digits", stack).integers(len(digits.labels), size=(count, stack))
    return StackedDigits(digits, draws)


def label_floor(labels: npt.NDArray[np.integer[Any]], stack: int, count: int, seed: int) -> float:
    """The divergence from uniform modes, in nats, that `count` perfect samples have: no model should be far below it.

    The mean, over 20 draws, of sum p ln(10^stack p) over the modes, p their shares among `count` stacks of labels drawn
    independently from `labels`. It is not zero, since samples are few, (10^stack - 1) / (2 count) for uniform labels,
    and since MNIST's digits are not quite as frequent as each other.

    Raises:
        UsageError: count below 1, or stack not in 1 .. 6.

    >>> label_floor(np.arange(10), stack=1, count=100_000, seed=0) < 1e-4
    True
    """
    _check_counts(stack, count)
    rng = generator(seed, "label-floor", stack, count)
    draws = (as_modes(labels[rng.integers(len(labels), size=(count, stack))]) for _ in range(_FLOOR_DRAWS))
    values = [reverse_kl(np.bincount(modes), classes=CLASSES**stack) for modes in draws]
    return math.fsum(values) / len(values)


def _check_counts(stack: int, count: int) -> None:
    if not 1 <= stack <= MOST_STACKED:
        raise UsageError(f"{stack} digits are to be stacked; 1 to {MOST_STACKED} can be", hint="try --stack 3")
    if count < 1:
        raise UsageError(f"{count} stacked digits are asked for; at least 1 is needed", hint="try 128000 of them")
