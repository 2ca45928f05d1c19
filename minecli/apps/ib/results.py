"""What came of a run of the information bottleneck: its answer as plain values, what pictures show, and its models,
which encode and predict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from minecli.apps.datasets.sample_columns import Inputs, free_name
from minecli.apps.ensembles.results import (
    Application,
    TrainedMethod,
    entry_of,
    kept_networks,
    require_state,
    summary_of,
)
from minecli.apps.ib.choice import WEIGHED, IbPhases
from minecli.apps.ib.config import IbRequest
from minecli.apps.ib.evaluation import (
    DEFINITIONS,
    Answers,
    binomial_error_percent,
    compare,
    confusion,
    entropy,
    label_information,
    recall_of,
)
from minecli.apps.ib.information import is_near_ceiling, to_json
from minecli.apps.ib.labelled_rows import Classified, load_classified
from minecli.apps.ib.networks import Bottleneck, Noise, is_stochastic, mean_codes
from minecli.apps.ib.regression import (
    NUMBER_DEFINITIONS,
    NumberAnswers,
    build_bottleneck,
    compare_numbers,
    paired_rows,
    squared_errors,
)
from minecli.errors import UsageError
from minecli.result import Estimate

# Others are compared with it where it is among the methods: the paper's own anchor.
REFERENCE = "dvb"
_IN_TRAINING = "information_in_training_nats"
_CPU = torch.device("cpu")
_AT_ONCE = 1000
_SHOWN_ROWS = 3000


def method_entry(trained: TrainedMethod[IbPhases], data: Classified) -> dict[str, Any]:
    """One method's answer: test metrics of every seed, the choice, what the choice was made of, and I(X;Z)."""
    phases = trained.training
    if not trained.finished or phases.final is None:
        return entry_of(trained) | {"choice": None, "choosing": []}
    answers, labels = phases.test_answers, phases.data.test.labels
    ceiling = math.log(paired_rows(len(labels))) if phases.data.is_number else entropy(labels)
    metrics = phases.chosen_metrics(answers)
    informations = phases.information.get("final", [])
    for one, information in zip(metrics, informations, strict=False):
        if one:
            one |= _informed(information)
    entry = entry_of(trained, metrics)
    for m, seed in enumerate(entry["seeds"]):
        nats, error = label_information(answers, labels, m) if metrics[m] else (None, None)
        seed["label_information"] = {"nats": nats, "standard_error_nats": error, "status": seed["status"]}
        seed["label_information"]["ceiling_nats"] = ceiling
        if isinstance(answers, Answers) and metrics[m]:
            matrix = confusion(answers.probabilities[m], labels)
            seed |= {"confusion": matrix, "recall": recall_of(matrix)}
    for seed, information in zip(entry["seeds"], informations, strict=False):
        seed["information_nats"], seed["information"] = information.mi_nats, to_json(information)
    error = entry["summary"].get("error_percent")
    return entry | {
        "choice": None if phases.choice is None else {"beta": phases.choice.beta, "epoch": phases.choice.epoch},
        "beta": phases.beta,
        "weighed": phases.method in WEIGHED,
        "epochs": phases.config.epochs,
        "binomial_error_percent": error and binomial_error_percent(error["mean"], len(phases.data.test)),
        "choosing": plane(phases),
    }


def _informed(information: Estimate) -> dict[str, float | None]:
    measured = to_json(information)
    known = {
        "divergence_nats": measured["divergence_nats"],
        "information_low_nats": measured["low_nats"],
        "information_high_nats": measured["high_nats"],
    }
    return {"information_nats": information.mi_nats} | {k: v for k, v in known.items() if v is not None}


def plane(phases: IbPhases) -> list[dict[str, Any]]:
    """The metrics of every beta on the rows held back, after the last epoch: means over seeds. The information plane is
    I(X;Z) against I(Z;Y) of these, in nats."""
    training = phases.choosing
    if training is None:
        return []
    informations = phases.information.get("choosing", [])
    points = []
    for beta in dict.fromkeys(beta for _, beta in phases.models):
        own = [m for m, (_, b) in enumerate(phases.models) if b == beta and training.diverged_at[m] is None]
        evaluations = [training.history[m][-1] for m in own if training.history[m]]
        metrics = [dict(each.metrics) | {_IN_TRAINING: each.information_nats} for each in evaluations]
        for m, one in zip(own, metrics, strict=True):
            if informations:
                one |= _informed(informations[m])
        near = any(is_near_ceiling(informations[m]) for m in own) if informations else False
        points.append({"beta": beta, "summary": summary_of(metrics), "near_ceiling": near})
    return points


def comparisons(methods: Sequence[TrainedMethod[IbPhases]]) -> dict[str, Any]:
    """Every method against dvb, or the first of them, on the same test rows; pairs of which a model diverged or was
    stopped are left out."""
    done = {
        each.method: each.training
        for each in methods
        if each.finished and each.training.final is not None and set(each.training.diverged_at) == {None}
    }
    if len(done) < 2:
        return {"comparisons": []}
    reference = REFERENCE if REFERENCE in done else next(iter(done))
    if done[reference].data.is_number:
        squares = {method: _squares(phases) for method, phases in done.items()}
        other = squares[reference]
        numbers = [compare_numbers(m, own, reference, other) for m, own in squares.items() if m != reference]
        return {"comparisons": [asdict(each) for each in numbers]}
    wrong = {method: _wrong(phases) for method, phases in done.items()}
    compared = [asdict(compare(m, w, reference, wrong[reference])) for m, w in wrong.items() if m != reference]
    return {"comparisons": compared}


def _wrong(phases: IbPhases) -> npt.NDArray[np.bool_]:
    answers = phases.test_answers
    assert isinstance(answers, Answers)
    wrong: npt.NDArray[np.bool_] = (answers.probabilities.argmax(-1) != phases.data.test.labels).numpy()
    return wrong


def _squares(phases: IbPhases) -> npt.NDArray[np.float64]:
    """The squared errors of every seed on the test rows, in units of the target's variance there."""
    answers, targets = phases.test_answers, phases.data.test.labels
    assert isinstance(answers, NumberAnswers)
    each = torch.stack([squared_errors(answers, targets, m) for m in range(len(phases.seeds))])
    squares: npt.NDArray[np.float64] = (each / targets.double().var(correction=0)).numpy()
    return squares


@dataclass(frozen=True)
class Scatter:
    """Codes of test rows in a bottleneck of two columns, (n, 2), and their classes (n,)."""

    method: str
    codes: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


@torch.no_grad()
def scatter_of(trained: TrainedMethod[IbPhases]) -> Scatter | None:
    """One code for each of the first test rows by the first seed; None where the bottleneck has not two columns, there
    are no classes, or the seed diverged."""
    phases = trained.training
    if phases.config.code_dim != 2 or phases.data.is_number or not is_stochastic(phases.method):
        return None
    if phases.final is None or phases.diverged_at[0] is not None:
        return None
    network: Any = phases.final.last_finite["classifier"]
    test = phases.data.test
    x = test.x[:_SHOWN_ROWS].to(phases.device)
    noise = Noise(phases.seeds, phases.device, "picture")
    codes = network.encode(x.expand(len(phases.seeds), *x.shape), noise).z[0]
    return Scatter(trained.method, codes.cpu().numpy(), test.labels[:_SHOWN_ROWS].numpy())


@dataclass(frozen=True)
class Coder:
    """One model of a run, on the CPU, and what its classes are called.

    `seed` decides what an encoder with noise draws, `draws` over how many codes per row it is averaged.
    """

    network: Bottleneck
    classes: tuple[bool | int | str, ...]
    seed: int
    draws: int

    @torch.no_grad()
    def encode(self, x: Tensor, drawn: bool = False) -> tuple[Tensor, Tensor]:
        """Codes (n, k) of rows (n, inputs), and class probabilities (n, classes), averaged over draws; or, of a number,
        mean and deviation (n, 2) of what is predicted, float64 and in its own units. A code is the mean over all noise,
        which an encoder that transforms its noise has to average over draws; `drawn`: one draw."""
        noise, draws = Noise([self.seed], _CPU, "encode"), self.draws if self.network.stochastic else 1
        codes, probabilities = [], []
        for part in torch.split(x, _AT_ONCE):
            z = self.network.encode(part[None], noise, draws).z
            said = self.network.logits(z).view(draws, len(part), -1)
            probabilities.append(self._of_number(said) if self.is_number else functional.softmax(said, -1).mean(0))
            codes.append(z[0, : len(part)] if drawn else mean_codes(self.network, part[None], noise, draws)[0])
        return torch.cat(codes), torch.cat(probabilities)

    @property
    def is_number(self) -> bool:
        """Whether the target is a number."""
        return not self.classes

    def _of_number(self, said: Tensor) -> Tensor:
        """Mean and deviation (n, 2) of the mixture of normal distributions that draws (draws, n, 2) say."""
        mean, log_deviation = said.double().unbind(-1)
        variance = log_deviation.exp().square().mean(0) + mean.var(0, correction=0)
        centre, unit = (getattr(self.network, name).view(()) for name in ("centre", "unit"))
        return torch.stack([centre + unit * mean.mean(0), unit * variance.sqrt()], -1)


def load_coder(folder: Path, request: IbRequest, method: str, model: int) -> Coder:
    """The model of seed `model` that a run's folder holds: that of the chosen epoch.

    Raises:
        UsageError: the run has not come far enough.
        DataError: its checkpoint cannot be read.
    """
    state = require_state(folder, request, method, "encoder")
    which, final = request.seeds.index(model), state["final"]
    diverged_at = None if final is None else final["broken"][which]
    # Of a training that is over the state holds no networks but those to use.
    if final is None or (diverged_at is None and "networks" in final):
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
    network = build_bottleneck(method, request.config, inputs, len(classes), request.seeds).eval()
    kept_networks(state, request.seeds, model, classifier=network)
    return Coder(network, classes, model, request.config.test_draws)


def coded_columns(inputs: Inputs, coder: Coder, *, drawn: bool, as_list: bool) -> dict[str, Any]:
    """The inputs as columns, the label where it is known, their codes, and `predicted` and `confidence`; of a number
    `predicted` and `deviation`."""
    codes, probabilities = coder.encode(inputs.samples.flatten(1), drawn)
    if coder.is_number:
        columns = inputs.coded(codes.numpy().astype(np.float32), as_list)
        for name, values in zip(("predicted", "deviation"), probabilities.unbind(-1), strict=True):
            columns[free_name(name, columns)] = values.numpy()
        return columns
    confidence, answers = probabilities.max(-1)
    columns = inputs.coded(codes.numpy().astype(np.float32), as_list)
    columns[free_name("predicted", columns)] = [coder.classes[i] for i in answers.tolist()]
    columns[free_name("confidence", columns)] = confidence.numpy()
    return columns


def definitions_for(data: Classified) -> dict[str, str]:
    """What the metrics of a data set are, by name."""
    if not data.is_number:
        return DEFINITIONS
    return {k: v for k, v in DEFINITIONS.items() if k.startswith(("information", "divergence"))} | NUMBER_DEFINITIONS


APPLICATION = Application(load_classified, IbPhases, method_entry, definitions=definitions_for, across=comparisons)
