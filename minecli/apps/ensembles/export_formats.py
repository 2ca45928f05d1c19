"""The files a model can be exported to, and what they need to be written; looked at before any work."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Literal

from minecli.errors import DeviceError, UsageError

ExportFormat = Literal["pt", "onnx"]

# What a file calls its own description.
ABOUT = "minecli"
_ENDINGS: dict[str, ExportFormat] = {".pt": "pt", ".pt2": "pt", ".onnx": "onnx"}
_NEEDED_FOR_ONNX = ("onnx", "onnxscript")


def export_format(path: Path) -> ExportFormat:
    """The format that a file's ending asks for.

    >>> export_format(Path("model.pt2")), export_format(Path("model.PT"))
    ('pt', 'pt')

    Raises:
        UsageError: another ending.
        DeviceError: what writes the format is not installed.
    """
    form = _ENDINGS.get(path.suffix.lower())
    if form is None:
        raise UsageError(
            f"the ending of '{path}' names no format for models; allowed are .pt (torch) and .onnx",
            hint="try -o model.pt",
        )
    if form == "onnx" and (lacking := [name for name in _NEEDED_FOR_ONNX if importlib.util.find_spec(name) is None]):
        raise DeviceError(
            f"ONNX files need {' and '.join(lacking)}, which {'is' if len(lacking) == 1 else 'are'} not installed",
            hint="pip install 'minecli[onnx]', or write a .pt file",
        )
    return form
