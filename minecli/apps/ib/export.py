"""An encoder with its classifier, or what it predicts of a number, as a program of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli.apps.datasets.sample_columns import read_columns
from minecli.apps.ensembles.exporting import Exportable, Port, Scaling, about, pixels_port, values_port
from minecli.apps.ib.config import IbRequest
from minecli.apps.ib.networks import Bottleneck, Noise
from minecli.apps.ib.results import load_coder

_PIXELS = 784


class _Given:
    """In the place of `Noise`: takes the columns of what it was given, or counts those that are asked for."""

    def __init__(self, noise: Tensor | None = None) -> None:
        self.noise, self.used = noise, 0

    def normal(self, *shape: int) -> Tensor:
        """The next columns, shape (1, *shape)."""
        start, self.used = self.used, self.used + shape[-1]
        return torch.zeros(1, *shape) if self.noise is None else self.noise[None, :, start : self.used]


class IbProgram(nn.Module):
    """Rows (n, d), and standard normal numbers (n, w) where the encoder draws, to codes (n, k) and class probabilities
    (n, classes); of a number to codes, and mean and deviation (n, 1) of its predicted distribution."""

    def __init__(self, network: Bottleneck, scaling: Scaling | None, is_number: bool) -> None:
        super().__init__()
        self.network, self.scaling, self.is_number = network, scaling, is_number

    def forward(self, rows: Tensor, noise: Tensor | None = None) -> tuple[Tensor, ...]:
        features = rows if self.scaling is None else self.scaling(rows)
        z = self.network.encode(features[None], cast(Noise, _Given(noise))).z
        said = self.network.logits(z)[0]
        if not self.is_number:
            return z[0], functional.softmax(said, -1)
        centre, unit = (getattr(self.network, name).view(1, 1) for name in ("centre", "unit"))
        mean, log_deviation = said.double().chunk(2, -1)
        return z[0], centre + unit * mean, unit * log_deviation.exp()


def noise_width(network: Bottleneck, inputs: int) -> int:
    """How many standard normal numbers a code takes."""
    counting = _Given()
    network.encode(torch.zeros(1, 2, inputs), cast(Noise, counting))
    return counting.used


def load_exportable(folder: Path, request: IbRequest, method: str, model: int) -> Exportable:
    """The model of seed `model` that a run's folder holds; see `results.load_coder` for the errors."""
    coder = load_coder(folder, request, method, model)
    table = read_columns(folder) if request.is_table else None
    inputs = _PIXELS if table is None else len(table.names)
    rows = pixels_port("pixels", (_PIXELS,), "digits") if table is None else values_port("values", table, "rows")
    program = IbProgram(coder.network, None if table is None else Scaling(table), coder.is_number)
    width = noise_width(coder.network, inputs)
    known: dict[str, Any] = about(request, method, model, table) | {"target": request.target}
    if not coder.is_number:
        known["classes"] = list(coder.classes)
    return Exportable(program, [rows, *_noise(width)], _outputs(coder.network.width, len(coder.classes)), known)


def _noise(width: int) -> list[Port]:
    meaning = "standard normal draws: zeros leave all noise out, several calls with others give several codes of a row"
    return [Port("noise", (width,), meaning)] if width else []


def _outputs(width: int, classes: int) -> list[Port]:
    latent = Port("latent", (width,), "code")
    if classes:
        return [latent, Port("probabilities", (classes,), "of each entry of `classes`, given the code")]
    units = "of the target given the code, in its own units"
    return [latent, *(Port(name, (1,), f"{name} {units}", torch.float64) for name in ("mean", "deviation"))]
