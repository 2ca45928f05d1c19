"""A trained model as a file that loads without minecli: a program of torch (`torch.export`), or ONNX.

The model of one seed is exported for any number of rows. What is random in it is an input, so that the program gives
the same answer each time, and whoever runs it decides over the draws. Beside the program the file holds, as JSON, what
goes in and what comes out, in which units, and how a table's columns become numbers: the extra file `minecli.json` of a
torch program, the metadata entry `minecli` of ONNX.
"""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from minecli.apps.ensembles.config import ComparisonRequest
from minecli.apps.ensembles.export_formats import ABOUT, ExportFormat
from minecli.errors import DataError
from minecli.version import __version__

# Two rows, since a single one would be taken for the only number there is.
_EXAMPLE_ROWS = 2


class Columns(Protocol):
    """The columns of a user's table: value = centre + scale * feature."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the d features."""

    @property
    def centre(self) -> npt.NDArray[np.float64]:
        """Of the features, (d,)."""

    @property
    def scale(self) -> npt.NDArray[np.float64]:
        """Of the features, (d,)."""

    def to_json(self) -> dict[str, Any]:
        """All there is to know about them as plain values."""


@dataclass(frozen=True)
class Port:
    """What goes into a program or comes out of it: `shape` of one row, and what it means."""

    name: str
    shape: tuple[int, ...]
    meaning: str
    dtype: torch.dtype = torch.float32

    def to_json(self) -> dict[str, Any]:
        """As plain values; the first entry of the shape is the rows."""
        kind = str(self.dtype).removeprefix("torch.")
        return {"name": self.name, "shape": ["rows", *self.shape], "dtype": kind, "meaning": self.meaning}

    def example(self) -> Tensor:
        """Two rows of zeros."""
        return torch.zeros(_EXAMPLE_ROWS, *self.shape, dtype=self.dtype)


@dataclass(frozen=True)
class Exportable:
    """A program, what goes in and comes out, and what else there is to know about it as plain values."""

    program: nn.Module
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    about: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What the file says about itself."""
        ports = {"inputs": self.inputs, "outputs": self.outputs}
        described = {name: [port.to_json() for port in each] for name, each in ports.items()}
        return {"minecli": __version__, **self.about, **described}


def exported(model: Exportable, form: ExportFormat) -> bytes:
    """The content of the file.

    Raises:
        DataError: this version of torch cannot export the program.
    """
    with _quietly():
        try:
            return _as_onnx(model) if form == "onnx" else _as_torch(model)
        except Exception as problem:
            first = (str(problem).splitlines() or [""])[0][:200]
            raise DataError(
                f"torch {torch.__version__} could not export the model: {type(problem).__name__}: {first}",
                hint="another version of torch may; minecli is tested with 2.13",
            ) from problem


def _as_torch(model: Exportable) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(_traced(model), buffer, extra_files={f"{ABOUT}.json": json.dumps(model.to_json())})
    return buffer.getvalue()


def _traced(model: Exportable) -> torch.export.ExportedProgram:
    examples = tuple(port.example() for port in model.inputs)
    rows = torch.export.Dim("rows")
    # Weights that are parts of those of all seeds would be stored with the others.
    for parameter in (*model.program.parameters(), *model.program.buffers()):
        parameter.data = parameter.data.clone()
    return torch.export.export(
        model.program.eval(), examples, dynamic_shapes=tuple({0: rows} for _ in examples), strict=False
    )


def _as_onnx(model: Exportable) -> bytes:
    program: Any = torch.onnx.export(
        _traced(model),
        dynamo=True,
        input_names=[port.name for port in model.inputs],
        output_names=[port.name for port in model.outputs],
        verbose=False,
    )
    program.model.metadata_props[ABOUT] = json.dumps(model.to_json())
    buffer = io.BytesIO()
    program.save(buffer)
    return buffer.getvalue()


@contextmanager
def _quietly() -> Iterator[None]:
    """What exporters say about libraries that are not there, and about themselves, is for their developers."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


class Scaling(nn.Module):
    """Rows of a table in units of their array (n, d) float64 to features (n, d) float32, and back."""

    centre: Tensor
    scale: Tensor

    def __init__(self, table: Columns) -> None:
        super().__init__()
        for name, values in (("centre", table.centre), ("scale", table.scale)):
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64)))

    def forward(self, values: Tensor) -> Tensor:
        """Values to features."""
        return ((values - self.centre) / self.scale).float()

    def back(self, features: Tensor) -> Tensor:
        """Features to values."""
        return self.centre + self.scale * features.double()


def about(request: ComparisonRequest, method: str, model: int, table: Columns | None) -> dict[str, Any]:
    """What a file says of where its model comes from; of a user's table the columns of the file and the features they
    make: `features` names them in the order of the program's columns."""
    known: dict[str, Any] = {"command": request.COMMAND, "dataset": request.dataset, "method": method, "seed": model}
    if table is not None:
        known |= {"features": list(table.names), "table": table.to_json()}
    return known


def values_port(name: str, table: Columns, what: str) -> Port:
    """Rows of a table in units of its array."""
    meaning = (
        f"{what}, one column per entry of `features`, in the table's own units: numbers as they are, 1 or 0 for a "
        "level of a category or a boolean (such as colour=red), dates and times as `table` says"
    )
    return Port(name, (len(table.names),), meaning, torch.float64)


def pixels_port(name: str, shape: tuple[int, ...], what: str) -> Port:
    """Images, or rows of pixels."""
    return Port(name, shape, f"{what}, pixels from -1 to 1")
