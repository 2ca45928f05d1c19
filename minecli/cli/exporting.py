"""`minecli gan|ali|ib export`, and `--export` of their training: a model as a file that loads without minecli."""

from __future__ import annotations

import importlib
from pathlib import Path

from minecli.apps.ensembles.config import ComparisonRequest
from minecli.apps.ensembles.export_formats import export_format
from minecli.cli.destinations import check_destinations
from minecli.cli.options import Parameters, option
from minecli.cli.shared_options import RESULT_PANEL
from minecli.cli.streams import Streams

EXPORT_OUTPUT: Parameters = {
    "output": option(
        Path, ".pt (a program of torch) or .onnx.", "--output", "-o", default=Path("model.pt"), metavar="FILE"
    ),
}
EXPORT: Parameters = {
    "export": option(
        Path | None, "Write the last method's first model as .onnx or .pt; with --run-dir.", "--export",
        panel=RESULT_PANEL, metavar="FILE",
    )
}  # fmt: skip
EXPORT_HELP = """Write a model of a finished run as a program that loads without minecli.

.pt and .pt2: torch.export.load(open(FILE, "rb")).module(). .onnx: any runtime of ONNX. Either takes any number of
rows, and says in JSON what goes in and comes out (extra file minecli.json; metadata entry minecli). {more}

Example: {example}
"""


def check_export(path: Path, option: str, run: Path | None) -> None:
    """Refuse a file that cannot be written, or whose ending names no format, before any work.

    Raises:
        UsageError: the ending, the place.
        DeviceError: what writes the format is not installed.
    """
    export_format(path)
    check_destinations({option: path}, "", run=run)


def write_export(
    run: Path, request: ComparisonRequest, chosen: tuple[str, int], output: Path, streams: Streams, **how: str
) -> None:
    """Write the model of the method and seed that are `chosen` of the run in `run`; `how` is what an application may be
    told besides.

    Raises:
        UsageError, DataError: the run has no such model.
        OutputError: the file cannot be written.
    """
    from minecli.apps.ensembles.exporting import exported
    from minecli.runtime.writing import write_bytes

    application = importlib.import_module(f"minecli.apps.{request.COMMAND}.export")
    exportable = application.load_exportable(run, request, *chosen, **how)
    write_bytes(output, exported(exportable, export_format(output)))
    ins, outs = (", ".join(port.name for port in ports) for ports in (exportable.inputs, exportable.outputs))
    streams.info(f"{chosen[0]}, seed {chosen[1]}, in {output}: {ins} to {outs}")
