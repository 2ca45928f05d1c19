"""Parquet: one file, or the parts of a folder as a data set of pyarrow's with columns of its folders' names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq

from minecli.errors import DataError
from minecli.runtime.memory import refuse_beyond
from minecli.tables.files.faults import explained
from minecli.tables.files.opened import OpenTable
from minecli.tables.files.parts import Part, Source
from minecli.tables.files.schemas import differing_types

_BYTES_OF_TEXT = 16


def open_parquet(part: Part) -> OpenTable:
    """One Parquet file; its footer is read once. Raises DataError where it is none."""
    # Without pre-buffering the compressed bytes of all columns are not held beside the decoded ones.
    with explained(part.label, "Parquet"):
        file = pq.ParquetFile(part.random(), pre_buffer=False, page_checksum_verification=True)
        schema, rows = file.schema_arrow, file.metadata.num_rows

    def read(columns: Sequence[str]) -> Any:
        forecast(schema, columns, rows, part.label)
        with explained(part.label, "Parquet"):
            # The reader takes "a" for "a.b" as well, hence the select.
            return file.read(columns=list(columns)).select(list(columns))

    with explained(part.label, "Parquet"):
        return OpenTable.of_schema(part.label, "parquet", schema, read)


def open_parts(source: Source) -> OpenTable:
    """Parquet files as one table, one after the other: with the columns that any of them has, types widened where they
    differ, and a column for each folder that is called NAME=VALUE.

    Raises DataError where a part cannot be read, and where types do not fit.
    """
    schema, rows = _unified(source.parts)
    base = source.base
    paths = [part.path for part in source.parts]
    with explained(source.label, "Parquet"):
        scanning = ds.ParquetFragmentScanOptions(pre_buffer=False, page_checksum_verification=True)
        form = ds.ParquetFileFormat(default_fragment_scan_options=scanning)
        folders = _folder_columns(source, form, schema)
        partitioning = ds.HivePartitioning(pa.schema(folders)) if folders else None
        options = ds.FileSystemFactoryOptions(partition_base_dir=base, partitioning=partitioning)
        factory = ds.FileSystemDatasetFactory(pa.fs.LocalFileSystem(), paths, form, options)
        for field in folders:
            schema = schema.append(field)
        data = factory.finish(schema)

    def read(columns: Sequence[str]) -> Any:
        forecast(schema, columns, rows, source.label)
        with explained(source.label, "Parquet"):
            return data.to_table(columns=list(columns))

    with explained(source.label, "Parquet"):
        return OpenTable.of_schema(source.label, "parquet", schema, read)


def _unified(parts: Sequence[Part]) -> tuple[Any, int]:
    """A schema that all parts fit, and how many rows they have together."""
    rows, schema = 0, None
    for part in parts:
        with explained(part.label, "Parquet"), pq.ParquetFile(part.random()) as file:
            here, count = file.schema_arrow, file.metadata.num_rows
        rows += count
        try:
            schema = here if schema is None else pa.unify_schemas([schema, here], promote_options="permissive")
        except pa.ArrowException:
            first = parts[0].label
            raise differing_types(schema, here, first, part.label) or DataError(
                f"the parts {first} and {part.label} do not fit", hint="parts of one table need one schema"
            ) from None
    return schema, rows


def has_folder_columns(source: Source) -> bool:
    """Whether some folder between the base of a source and its parts is called NAME=VALUE."""
    base = source.base
    return base is not None and any("=" in piece for part in source.parts for piece in _folders(str(part.path), base))


def _folder_columns(source: Source, form: Any, schema: Any) -> list[Any]:
    """The columns that the names of folders make; one that the files themselves have is theirs."""
    if not has_folder_columns(source):
        return []
    options = ds.FileSystemFactoryOptions(partition_base_dir=source.base, partitioning=ds.HivePartitioning.discover())
    paths = [part.path for part in source.parts]
    factory = ds.FileSystemDatasetFactory(pa.fs.LocalFileSystem(), paths, form, options)
    known = set(schema.names)
    return [field for field in factory.inspect(promote_options="permissive") if field.name not in known]


def _folders(path: str, base: str) -> tuple[str, ...]:
    return Path(path).parent.relative_to(base).parts if Path(path).is_relative_to(base) else ()


def forecast(schema: Any, columns: Sequence[str], rows: int, label: str) -> None:
    """Raise MemoryShort where the named columns of so many rows would not fit into memory."""
    width = sum(_bytes_of(schema.field(name).type) for name in columns)
    what = f"reading {len(columns)} columns of {rows:,} rows of {label}"
    refuse_beyond(round(rows * width), what, "name fewer columns")


def _bytes_of(type_: Any) -> float:
    if pa.types.is_fixed_size_list(type_):
        return float(type_.list_size * _bytes_of(type_.value_type))
    try:
        return float(type_.bit_width) / 8
    except ValueError:
        return _BYTES_OF_TEXT
