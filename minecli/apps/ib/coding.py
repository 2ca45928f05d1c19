"""Encoders and classifiers that a run has kept, without the data they were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from minecli.apps.comparison.layout import with_latent
from minecli.apps.comparison.running import kept_networks, require_state
from minecli.apps.ib.inputs import Inputs
from minecli.apps.ib.networks import Bottleneck, mean_codes
from minecli.apps.ib.noise import Noise
from minecli.apps.ib.request import IbRequest
from minecli.errors import UsageError

_AT_ONCE = 1000
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Coder:
    """One model of a run, and what its classes are called."""

    network: Bottleneck
    classes: tuple[bool | int | str, ...]
    seed: int
    draws: int

    @torch.no_grad()
    def encode(self, x: Tensor, drawn: bool = False) -> tuple[Tensor, Tensor]:
        """Codes (n, k) of rows (n, inputs), and class probabilities (n, classes), averaged over draws. A code is the
        mean over all noise, which an encoder that transforms its noise has to average over draws; `drawn`: one draw."""
        noise, draws = Noise([self.seed], _CPU, "encode"), self.draws if self.network.stochastic else 1
        codes, probabilities = [], []
        for part in torch.split(x, _AT_ONCE):
            z = self.network.encode(part[None], noise, draws).z
            p = functional.softmax(self.network.logits(z), -1).view(draws, len(part), -1)
            probabilities.append(p.mean(0))
            codes.append(z[0, : len(part)] if drawn else mean_codes(self.network, part[None], noise, draws)[0])
        return torch.cat(codes), torch.cat(probabilities)


def load_coder(folder: Path, request: IbRequest, method: str, model: int) -> Coder:
    """The model of seed `model` that a run's folder keeps: that of the chosen epoch.

    Raises:
        UsageError: the run has not come far enough.
        DataError: its checkpoint cannot be read.
    """
    state = require_state(folder, request, method, "encoder")
    which, final = request.seeds.index(model), state["final"]
    broken = None if final is None else final["broken"][which]
    # Of a training that is over the state holds no networks but those to use.
    if final is None or (broken is None and "networks" in final):
        doing = "choosing the epoch" if final is None else "training the encoder"
        raise UsageError(
            f"the run in '{folder}' is still {doing} of method '{method}'",
            hint=f"go on with it: minecli ib --resume {folder}",
        )
    if not final["history"][which]:
        raise UsageError(
            f"the model of method '{method}' and seed {model} diverged before the first look at it",
            hint="name another by --model, or train with a smaller --beta or --learning-rate",
        )
    weights = state["good"]["classifier"]
    extra = request.config.noise_dim if method == "mine-propagated" else 0
    inputs, classes = weights["hidden.0.weight"].shape[1] - extra, tuple(state["classes"])
    network = Bottleneck(method, request.config, inputs, len(classes), request.seeds).eval()
    kept_networks(state, request.seeds, model, classifier=network)
    return Coder(network, classes, model, request.config.test_draws)


def coded_columns(inputs: Inputs, coder: Coder, *, drawn: bool, as_list: bool) -> dict[str, Any]:
    """The inputs as columns, the label where it is known, their codes, and `predicted` and `confidence`."""
    codes, probabilities = coder.encode(inputs.x, drawn)
    confidence, answers = probabilities.max(-1)
    columns: dict[str, Any] = dict(inputs.columns)
    if inputs.labels is not None:
        columns["label"] = inputs.labels
    columns = with_latent(columns, codes.numpy().astype(np.float32), as_list)
    said = {"predicted": [coder.classes[i] for i in answers.tolist()], "confidence": confidence.numpy()}
    for name, values in said.items():
        free = name
        while free in columns:
            free += "_"
        columns[free] = values
    return columns
