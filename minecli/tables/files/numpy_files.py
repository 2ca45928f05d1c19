"""NumPy's files: .npy, one array, and .npz, an archive of arrays that are the columns of a table.

    (n,)             a column of n rows
    (n, d)           a column of lists of width d
    (n, d, e, ...)   a column of lists of width d * e * ...
    record arrays    a column per field: "field" of a .npy file, "array.field" of an .npz

The array of a .npy file is called arr_0, as NumPy calls arrays without a name. Those of an archive that have not as
many rows as most others have, or cannot be columns, are left out. Nothing is ever unpickled, and before an array is
read its header is compared with the bytes that are there.
"""

from __future__ import annotations

import ast
import contextlib
import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minecli.errors import DataError
from minecli.tables.files.faults import explained
from minecli.tables.files.formats import Format
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.parts import Part
from minecli.tables.selectors.wording import counted, quoted, repeated

_NAME_OF_A_SINGLE_ARRAY = "arr_0"
_WORD = "a NumPy array"
_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 1 << 18
_PIECE = 1 << 20
# Deflate packs no more than that many bytes into one; an archive that claims more is damaged or made to fill memory.
_DENSEST = 1040
_UNITS_OF_ARROW = {"D", "s", "ms", "us", "ns"}
_COARSE_UNITS = {"Y", "M", "W", "D", "h", "m"}
_KEEP = "np.savez('t.npz', x=x, y=y) keeps plain arrays of one length"

Open = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class _Array:
    """One stored array: what its header says, and how to get at its bytes."""

    name: str
    label: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    start: int
    open: Open

    def values(self) -> npt.NDArray[Any]:
        """The whole array. Raises DataError where bytes are missing or damaged."""
        with explained(self.label, _WORD), _zip_errors(), self.open() as stream:
            stream.read(self.start)
            flat = np.empty(math.prod(self.shape), self.dtype)
            _fill(flat, stream)
        return flat.reshape(self.shape[::-1]).T if self.fortran else flat.reshape(self.shape)


@dataclass(frozen=True)
class _Column:
    """A column: an array, or one field of a record array. `inner` is the shape of one row."""

    array: _Array
    field: str | None
    dtype: np.dtype[Any]
    inner: tuple[int, ...]

    @property
    def width(self) -> int | None:
        return math.prod(self.inner) if self.inner else None


def open_numpy(part: Part) -> OpenTable:
    """Open a .npy file, or an .npz archive: its arrays with one number of rows are the columns, in the order in which
    they are stored.

    Raises DataError where it is damaged or holds no array that can be a column: not a single value, Python objects or
    complex numbers.
    """
    return _open_npy(part.label, part) if part.head(len(_MAGIC)) == _MAGIC else _open_npz(part.label, part)


def _open_npy(label: str, part: Part) -> OpenTable:
    with explained(label, _WORD), part.random() as file:
        size = file.size()
    array = _header(_NAME_OF_A_SINGLE_ARRAY, label, size, part.random)
    if not array.shape:
        raise DataError(f"{label} holds a single value, not an array of rows", hint="save an array with a row each")
    if reason := _unfit(array):
        raise DataError(f"{label} {reason[0]}", hint=reason[1])
    columns = {name or _NAME_OF_A_SINGLE_ARRAY: column for name, column in _columns(array)}
    return _open_table(label, "npy", columns, _flattened(columns))


def _open_npz(label: str, part: Part) -> OpenTable:
    arrays = _stored(label, part)
    unfit = {array.name: reason for array in arrays if (reason := _unfit(array))}
    fit = [array for array in arrays if array.name not in unfit]
    if not fit:
        first = next(iter(unfit), None)
        problem = f"'{first}' {unfit[first][0]}" if first is not None else "it is empty"
        hint = unfit[first][1] if first is not None else _KEEP
        raise DataError(f"{label} has no array that can be a column: {problem}", hint=hint)
    # Where two numbers of rows are equally common, the larger one.
    rows, _ = max(Counter(array.shape[0] for array in fit).items(), key=lambda item: (item[1], item[0]))
    notes = [f"left out of {label}: '{name}' {reason}" for name, (reason, _) in unfit.items()]
    notes += [
        f"left out of {label}: '{array.name}' has {counted(array.shape[0], 'row')}, not {rows}"
        for array in fit
        if array.shape[0] != rows
    ]
    columns = {
        f"{array.name}.{field}" if field else array.name: column
        for array in fit
        if array.shape[0] == rows
        for field, column in _columns(array)
    }
    return _open_table(label, "npz", columns, (*notes, *_flattened(columns)))


def _open_table(label: str, form: Format, columns: Mapping[str, _Column], notes: Sequence[str]) -> OpenTable:
    def read(names: Sequence[str]) -> Any:
        records: dict[str, npt.NDArray[Any]] = {}
        with explained(label, _WORD):
            return pa.table([_arrow(_values(columns[name], records)) for name in names], names=list(names))

    lists = {name: column.width for name, column in columns.items() if column.width is not None}
    return OpenTable(label, form, tuple(columns), read, notes=tuple(notes), lists=lists)


def _values(column: _Column, records: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """The values of a column. Record arrays, which have several, are read once and kept in `records`."""
    array = column.array
    if column.field is None:
        return array.values()
    if array.name not in records:
        records[array.name] = array.values()
    return records[array.name][column.field]


def _stored(label: str, part: Part) -> list[_Array]:
    """The headers of the arrays of an archive."""
    with explained(label, "an archive of NumPy arrays"), _zip_errors():
        archive = zipfile.ZipFile(part.random())
    members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    if twice := repeated(member.filename.removesuffix(".npy") for member in members):
        raise DataError(f"{label} has the same array more than once: {quoted(twice)}", hint=_KEEP)
    arrays = []
    for member in members:
        name = member.filename.removesuffix(".npy")
        if member.file_size > _DENSEST * (member.compress_size + 1):
            raise DataError(
                f"'{name}' of {label} claims {member.file_size} bytes, more than its {member.compress_size} can hold",
                hint="is the file whole? copy or write it again",
            )
        arrays.append(_header(name, f"'{name}' of {label}", member.file_size, _opener(archive, member)))
    return arrays


def _opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Open:
    return lambda: archive.open(member)


@contextlib.contextmanager
def _zip_errors() -> Iterator[None]:
    """The errors of damaged archives as those of damaged files."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error) as error:
        raise OSError(str(error)) from error


def _header(name: str, label: str, size: int, open_: Open) -> _Array:
    """Read the header of an array of `size` bytes, and compare the two.

    The header is the text of a Python dictionary; it is read as a literal, never run.
    """
    with explained(label, _WORD), _zip_errors(), open_() as stream:
        head = bytes(stream.read(12))
        if not head.startswith(_MAGIC) or len(head) < 12:
            raise OSError("the first bytes are not those of a NumPy array")
        if head[6] not in (1, 2, 3):
            raise OSError(f"version {head[6]} of the format is not known")
        start = 10 if head[6] == 1 else 12
        length = int.from_bytes(head[8:start], "little")
        if length > _LONGEST_HEADER:
            raise OSError(f"the header claims {length} bytes")
        text = (head[start:] + bytes(stream.read(max(0, length - 12 + start)))).decode(
            "utf-8" if head[6] == 3 else "latin-1"
        )
        dtype, shape, fortran = _parsed(text)
    needed = start + length + math.prod(shape) * dtype.itemsize
    if needed > size and not dtype.hasobject:
        raise DataError(
            f"{label} is cut short: an array of shape {shape} and type {dtype} needs {needed} bytes, and it has {size}",
            hint="is the file whole? copy or write it again",
        )
    if needed < size and dtype.itemsize and not dtype.hasobject:
        raise DataError(
            f"{label} holds more than an array of shape {shape} and type {dtype}: {size - needed} bytes follow it",
            hint="write each array to a file of its own, or all to one by numpy.savez",
        )
    return _Array(name, label, dtype, shape, fortran, start + length, open_)


def _parsed(text: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """The type, the shape, and whether the first index runs fastest."""
    try:
        content = ast.literal_eval(text.strip())
        shape, fortran = content["shape"], content["fortran_order"]
        dtype = np.lib.format.descr_to_dtype(content["descr"])
    except (ValueError, SyntaxError, TypeError, KeyError, IndexError, RecursionError, MemoryError) as error:
        raise OSError("its header is damaged") from error
    if not (isinstance(shape, tuple) and len(shape) <= 64 and all(type(n) is int and n >= 0 for n in shape)):
        raise OSError(f"its shape is {shape!r}"[:100])
    return dtype, shape, bool(fortran)


def _fill(flat: npt.NDArray[Any], stream: Any) -> None:
    """Read bytes into an array piece by piece; a compressed stream gives them no faster in one."""
    target = flat.view(np.uint8) if flat.dtype.itemsize else np.empty(0, np.uint8)
    done = 0
    while done < len(target):
        piece = stream.read(min(_PIECE, len(target) - done))
        if not piece:
            raise EOFError(f"{len(target) - done} bytes are missing at its end")
        target[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
        done += len(piece)


def _columns(array: _Array) -> Iterator[tuple[str, _Column]]:
    """The columns that an array makes, each with the name of its field, "" for an array without fields."""
    if array.dtype.names is None:
        yield "", _Column(array, None, array.dtype, array.shape[1:])
        return
    for field in array.dtype.names:
        plain, inner = array.dtype[field].base, array.dtype[field].shape
        yield field, _Column(array, field, plain, (*array.shape[1:], *inner))


def _unfit(array: _Array) -> tuple[str, str] | None:
    """Why an array cannot be columns, and what to do about it; None where it can."""
    if not array.shape:
        return "is a single value", _KEEP
    for _, column in _columns(array):
        kind, where = column.dtype.kind, f"field '{column.field}' " if column.field else ""
        if column.dtype.hasobject:
            return f"{where}holds Python objects, which are never loaded", "save a.astype(float) or a.astype(str)"
        if kind == "c":
            return f"{where}holds complex numbers", "save np.stack([a.real, a.imag], axis=-1)"
        if kind == "V":
            return f"{where}holds records within records, or raw bytes", "save each field as an array of its own"
        if kind in "mM" and np.datetime_data(column.dtype)[0] not in _UNITS_OF_ARROW | _COARSE_UNITS:
            return f"{where}holds times of type {column.dtype}", "save a.astype('datetime64[ns]')"
        if kind == "m" and np.datetime_data(column.dtype)[0] in ("Y", "M"):
            return f"{where}holds months or years, which have no fixed length", "save a.astype(int)"
        if column.width == 0 or (column.dtype.itemsize == 0):
            return f"{where}has the shape {array.shape} and no values", _KEEP
    return None


def _flattened(columns: Mapping[str, _Column]) -> tuple[str, ...]:
    return tuple(
        f"'{name}' holds arrays of shape {column.inner}, used as lists of {column.width} entries"
        for name, column in columns.items()
        if len(column.inner) > 1
    )


def _arrow(values: npt.NDArray[Any]) -> Any:
    """Values of shape (n, ...) as an Arrow array of n rows, without a copy where NumPy's bytes are Arrow's."""
    if values.ndim == 1:
        return _flat(values)
    width = math.prod(values.shape[1:])
    return pa.FixedSizeListArray.from_arrays(_flat(np.ascontiguousarray(values).reshape(-1)), width)


def _flat(values: npt.NDArray[Any]) -> Any:
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    kind = values.dtype.kind
    if kind in "mM":
        unit, step = np.datetime_data(values.dtype)
        if step != 1 or unit not in _UNITS_OF_ARROW or (kind == "m" and unit == "D"):
            fine = "s" if unit in _COARSE_UNITS else unit
            values = values.astype(f"{kind}8[{fine}]")
    elif kind == "f" and values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    elif kind == "S":
        texts = pa.array(values)
        try:
            return texts.cast(pa.string())
        except pa.ArrowInvalid:
            return texts
    return pa.array(np.ascontiguousarray(values))
