"""A method's whole training: epoch and beta are chosen on rows held back, then all rows are learnt from.

The test rows choose nothing; the best of the evaluations on them is reported under a name that says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch

from minecli import events
from minecli.apps.ensembles.training import Evaluation, Save
from minecli.apps.ib import information
from minecli.apps.ib.config import IbRequest
from minecli.apps.ib.evaluation import AnyAnswers, answers_of, metrics_of
from minecli.apps.ib.information import measured_information
from minecli.apps.ib.labelled_rows import Classified, Part
from minecli.apps.ib.networks import Noise, is_stochastic
from minecli.apps.ib.training import IbTraining
from minecli.result import Estimate, Status

# Methods that beta means something to.
WEIGHED = IbRequest.USED_BY["betas"]


@dataclass(frozen=True)
class Choice:
    """The beta and the epoch whose rows held back were answered best, by the mean over seeds of the error, see
    `error_name`."""

    beta: float
    epoch: int
    error: float


class IbPhases:
    """One method with all its seeds; `IbTraining` says how it is trained.

    `choosing` trains every seed with every beta on a part of the rows, `final` every seed with the chosen beta on all;
    `information` is what I(X;Z) was measured to be: of the models of `choosing`, where there are several betas, and of
    those of `final`.
    """

    def __init__(self, request: IbRequest, data: Classified, method: str) -> None:
        self.request, self.data, self.method, self.config = request, data, method, request.config
        self.device, self.seeds = torch.device(data.device), request.seeds
        betas = self.config.betas if method in WEIGHED else self.config.betas[:1]
        self.models = tuple((seed, beta) for beta in betas for seed in self.seeds)
        self.choosing: IbTraining | None = None
        self.final: IbTraining | None = None
        self.choice: Choice | None = None
        self.information: dict[str, list[Estimate]] = {}
        # Of the networks that are measuring it, where they are not done.
        self.measuring: dict[str, Any] | None = None
        if self.config.choose:
            self.choosing = self._training(data.learnt, data.held_back, self.models, None)

    def _training(
        self, train: Part, held_out: Part, models: Sequence[tuple[int, float]], epoch: int | None
    ) -> IbTraining:
        classes = len(self.data.classes)
        return IbTraining(train, held_out, self.method, self.config, models, classes, self.device, epoch)

    @property
    def step(self) -> int:
        """The number of steps that are done in the phase that is under way."""
        training = self.final or self.choosing
        return 0 if training is None else training.step

    @property
    def steps(self) -> int:
        """The number of steps of the phase that is under way."""
        training = self.final or self.choosing
        return 0 if training is None else training.steps

    @property
    def history(self) -> list[list[Evaluation]]:
        """The evaluations of the models of the final phase, on the test rows."""
        return [[] for _ in self.seeds] if self.final is None else self.final.history

    @property
    def diverged_at(self) -> list[int | None]:
        """The step at which each seed diverged; None for those that did not."""
        if self.final is not None:
            return self.final.diverged_at
        step = None
        if self.choosing is not None and self.choice is None and None not in self.choosing.diverged_at:
            step = self.choosing.step
        return [step] * len(self.seeds)

    def status(self, model: int) -> str:
        """How a seed has ended, one of the words of `result.Status`."""
        if self.final is None:
            return Status.DIVERGED if self.diverged_at[model] is not None else Status.INTERRUPTED
        return self.final.status(model)

    def run(
        self,
        observer: events.Observer = events.ignore,
        should_stop: Callable[[], bool] = events.never,
        save: Save | None = None,
    ) -> bool:
        """Go through both phases and measure the information; False where it was stopped before."""

        def save_whole(state: dict[str, Any], at_once: bool) -> None:
            del state
            if save is not None:
                save(self.state_dict(), at_once)

        if self.choosing is not None:
            if self.choice is None:
                if not self.choosing.run(_staged(observer, "choosing"), should_stop, save_whole):
                    return False
                self.choice = chosen(self.choosing, self.models)
            if self.choice is None:
                return True
            many = len(self.models) > len(self.seeds)
            if many and not self._measure("choosing", self.choosing, observer, should_stop, save_whole):
                return False
            save_whole({}, True)
        final = self.final or self._begin_final()
        if not final.run(observer, should_stop, save_whole):
            return False
        if not self._measure("final", final, observer, should_stop, save_whole):
            return False
        save_whole({}, True)
        return True

    @property
    def beta(self) -> float:
        """The weight that was chosen, or the only one."""
        return self.config.betas[0] if self.choice is None else self.choice.beta

    def _begin_final(self) -> IbTraining:
        epoch = None if self.choice is None else self.choice.epoch
        models = [(seed, self.beta) for seed in self.seeds]
        self.final = self._training(self.data.train, self.data.test, models, epoch)
        return self.final

    def _measure(
        self,
        phase: str,
        training: IbTraining,
        observer: events.Observer,
        should_stop: Callable[[], bool],
        save: Save,
    ) -> bool:
        """Measure I(X;Z) of a phase's models on the rows they are evaluated on; False where it was stopped."""
        if phase in self.information or not is_stochastic(self.method):
            return True

        def hold(state: dict[str, Any]) -> None:
            self.measuring = state
            save({}, False)

        measured = measured_information(training, observer, should_stop, self.measuring, hold)
        if measured is None:
            save({}, True)
            return False
        self.information[phase], self.measuring = measured, None
        return True

    def chosen_metrics(self, answers: AnyAnswers) -> list[dict[str, float | None]]:
        """Every seed's numbers by its answers on the test rows: at the chosen epoch, at the last, and at the best for
        the eye."""
        assert self.final is not None
        each: list[dict[str, float | None]] = []
        for m in range(len(self.seeds)):
            evaluations = self.final.history[m]
            if not evaluations:
                each.append({})
                continue
            metrics = metrics_of(answers, self.data.test.labels, m)
            name = error_name(evaluations[-1].metrics)
            errors = [each.metrics[name] for each in evaluations]
            last_step = self.final.chosen_epoch * self.final.per_epoch
            until_chosen = [each for each in evaluations if each.step <= last_step]
            metrics["information_in_training_nats"] = until_chosen[-1].information_nats if until_chosen else None
            metrics[f"last_{name}"] = errors[-1] if self.diverged_at[m] is None else None
            metrics[f"oracle_{name}"] = min(e for e in errors if e is not None)
            each.append(metrics)
        return each

    @cached_property
    def test_answers(self) -> AnyAnswers:
        """What the models to use say about the test rows, once training is done; computed once."""
        assert self.final is not None
        noise = Noise(self.seeds, self.device, "evaluation")
        test = self.data.test
        network: Any = self.final.last_finite["classifier"]
        return answers_of(network, test.x, test.labels, noise, self.config.test_draws)

    def state_dict(self) -> dict[str, Any]:
        """Everything `load_state_dict` needs to go on as if nothing had happened; "good" are the models to use."""
        state: dict[str, Any] = {
            "classes": list(self.data.classes),
            "choice": None if self.choice is None else [self.choice.beta, self.choice.epoch, self.choice.error],
            "information": {k: [information.to_json(i) for i in each] for k, each in self.information.items()},
            "measuring": self.measuring,
            "choosing": None if self.choosing is None else self.choosing.state_dict(),
            "final": None if self.final is None else self.final.state_dict(),
        }
        if self.final is not None:
            state["good"] = state["final"].pop("good")
            if state["choosing"] is not None:
                state["choosing"].pop("good")
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a run with the same data, settings and seeds."""
        self.choice = None if state["choice"] is None else Choice(*state["choice"])
        measured = state["information"]
        self.information = {k: [information.from_json(i) for i in each] for k, each in measured.items()}
        self.measuring = state.get("measuring")
        if self.choosing is not None:
            self.choosing.load_state_dict(state["choosing"])
        if state["final"] is not None:
            self._begin_final().load_state_dict(state["final"] | {"good": state["good"]})


def chosen(training: IbTraining, models: Sequence[tuple[int, float]]) -> Choice | None:
    """The beta and epoch of the least mean error on the rows held back, of equal ones of the least mean -log
    likelihood; None where no model is finite. A beta with which some seed diverged is not chosen where there are
    others."""
    ranked: list[tuple[bool, float, float, Choice]] = []
    for beta in dict.fromkeys(beta for _, beta in models):
        own = [m for m, (_, b) in enumerate(models) if b == beta]
        finite = [m for m in own if training.diverged_at[m] is None]
        for evaluations in zip(*(training.history[m] for m in finite), strict=True):
            error = _mean([each.metrics[error_name(each.metrics)] for each in evaluations])
            epoch = evaluations[0].step // training.per_epoch
            likelihood = _mean([each.metrics["nll_nats"] for each in evaluations])
            ranked.append((len(finite) < len(own), error, likelihood, Choice(beta, epoch, error)))
    return min(ranked, key=lambda each: each[:3])[3] if ranked else None


def error_name(metrics: Mapping[str, float | None]) -> str:
    """The metric that chooses: the error of classes, the root mean squared error of a number."""
    return "rmse" if "rmse" in metrics else "error_percent"


def _mean(values: Sequence[float | None]) -> float:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else math.inf


def _staged(observer: events.Observer, phase: str) -> events.Observer:
    """Events whose stage says in which phase they are."""
    return lambda event: observer(replace(event, stage=f"{event.stage}, {phase}"))
