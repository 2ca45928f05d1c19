r"""What the classifiers of table 3 minimise, per model and in nats, and their training.

A loss takes logits (models, draws * b, classes) and labels (models, b), of which every draw has the same.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli.apps.ensembles.training import Evaluation, Measurement, Schedule, SideBySideTraining
from minecli.apps.ib.config import IbConfig
from minecli.apps.ib.densities import known_bounds
from minecli.apps.ib.evaluation import answers_of, metrics_of
from minecli.apps.ib.labelled_rows import Part
from minecli.apps.ib.networks import Coded, Noise
from minecli.apps.ib.regression import build_bottleneck, gaussian_loss
from minecli.apps.ib.statistics_networks import CodeMemory, CodeStatistics, NoisyStatistics
from minecli.mine.sampling import random_shifts
from minecli.runtime.seeds import torch_generator


def classification_loss(
    method: str, logits: Tensor, labels: Tensor, config: IbConfig, weights: Tensor | None = None
) -> Tensor:
    """The cross-entropy of the labels with what a method adds to it, shape (models,); each row counts by the weight of
    its class, where there are `weights` (classes,).

    `label-smoothing` spreads a share of each label evenly over all classes; `confidence-penalty` subtracts
    `confidence_weight` times the entropy of the answers.
    """
    log_p = functional.log_softmax(logits, -1)
    every = labels.repeat(1, logits.shape[1] // labels.shape[1])
    each = -log_p.gather(-1, every[..., None]).squeeze(-1)
    loss = each.mean(1) if weights is None else (each * weights[every]).mean(1)
    if method == "label-smoothing":
        return (1.0 - config.smoothing) * loss - config.smoothing * log_p.mean((1, 2))
    if method == "confidence-penalty":
        return loss + config.confidence_weight * (log_p.exp() * log_p).sum(-1).mean(1)
    return loss


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """The weight of each class, (classes,), with which all weigh the same, and a row 1 on average.

    >>> class_weights(torch.tensor([0, 0, 0, 1]), 2)
    tensor([0.6667, 2.0000])
    """
    return len(labels) / (classes * torch.bincount(labels, minlength=classes).clamp(min=1).float())


def divergence_from_prior(coded: Coded) -> Tensor:
    r"""The mean over rows of :math:`KL(q(z|x) \,\|\, N(0, I))` in nats, shape (models,), an upper bound on I(X;Z):

    .. math:: \tfrac12 \sum_i \mu_i^2 + \sigma_i^2 - 1 - 2 \log \sigma_i

    >>> one = torch.ones(1, 4, 2)
    >>> divergence_from_prior(Coded(one, one, one))
    tensor([1.])
    """
    mean, deviation = cast(Tensor, coded.mean), cast(Tensor, coded.deviation)
    each = mean.square() + deviation.square() - 1.0 - 2.0 * torch.log(deviation.clamp(min=1e-12))
    return 0.5 * each.sum(-1).mean(-1)


_SHIFTS = "shifts"
# So many batches: few enough that the encoder has not moved far, and rows enough to know the codes' density by.
_REMEMBERED = 30


@dataclass(frozen=True)
class IbEvaluation(Evaluation):
    """One model at one step: also the smoothed loss without what beta weighs, in nats, and the divergence of its codes
    from the prior. The bound on the information is that on training batches, which says how training goes."""

    loss_nats: float | None
    divergence_nats: float | None


class IbTraining(SideBySideTraining):
    """Classifiers of one method, each with a seed and a beta.

    Args:
        train: rows to learn from.
        held_out: rows to be evaluated on.
        method: one of `config.METHODS`.
        config: settings.
        models: (seed, beta) of each; what a seed draws does not depend on beta.
        classes: how many there are; 0 where the target is a number.
        device: where it computes.
        chosen_epoch: the averaged weights of the last evaluation up to this epoch are stored; None: of the last one.
    """

    EVALUATION = IbEvaluation
    STORED = ("classifier",)

    def __init__(
        self,
        train: Part,
        held_out: Part,
        method: str,
        config: IbConfig,
        models: Sequence[tuple[int, float]],
        classes: int,
        device: torch.device,
        chosen_epoch: int | None = None,
    ) -> None:
        self.train, self.held_out, self.config = train.to(device), held_out, config
        self.chosen_epoch = config.epochs if chosen_epoch is None else chosen_epoch
        seeds, betas = [seed for seed, _ in models], [beta for _, beta in models]
        self.betas = torch.tensor(betas, device=device)
        self.batch = min(config.batch_size, len(train))
        self.per_pass = len(train) // self.batch
        self.per_epoch = self.per_pass * max(1, math.ceil(config.least_steps / (config.epochs * self.per_pass)))
        self.variational, self.known = method.startswith("dvb"), method.startswith("minibatch")
        self.informed = method.startswith("mine") and max(betas) > 0.0
        inputs = train.x.shape[1]
        balanced = classes and config.class_weights == "balanced"
        self.weights = class_weights(self.train.labels, classes) if balanced else None
        network = build_bottleneck(method, config, inputs, classes, seeds, train.scale)
        networks: dict[str, nn.Module] = {"classifier": network}
        if self.informed:
            bounded = network.bounded
            networks["statistics"] = (
                CodeStatistics(config, seeds, len(train), learnt=not network.is_known)
                if bounded
                else NoisyStatistics(config, inputs, seeds)
            )
        schedule = Schedule(config.epochs * self.per_epoch, config.evaluate_every * self.per_epoch)
        super().__init__(method, schedule, config.statistics(), seeds, device, networks)
        self.network = network
        self.averaged = copy.deepcopy(network).eval().requires_grad_(False)
        remembered = _REMEMBERED * self.batch if network.bounded else 0
        self.memory = CodeMemory(len(seeds), config.code_dim, remembered).to(device)
        self._orders: tuple[int, Tensor] = (-1, torch.empty(0))

    def learning_rate(self, network: str) -> float:
        """That of encoder and classifier falls from epoch to epoch."""
        return self.config.statistics_rate if network == "statistics" else self.config.learning_rate_at(self.epoch)

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self.step // self.per_epoch

    def advance(self) -> None:
        """One step of all networks: of the statistics network upwards, of encoder and classifier downwards."""
        x, labels = self.rows_of_step()
        noise = Noise(self.seeds, self.device, "step", self.step)
        coded = self.network.encode(x, noise, self.config.train_draws, fresh_inputs=False)
        loss = self.prediction_loss(self.network.logits(coded.z), labels)
        self.descend_bottleneck(loss, self._information(x, coded, noise))

    def prediction_loss(self, answers: Tensor, labels: Tensor) -> Tensor:
        """What a batch costs in nats, shape (models,): of a number the mean of -log q(y|z), of classes
        `classification_loss`."""
        if labels.is_floating_point():
            return gaussian_loss(answers, labels)
        return classification_loss(self.method, answers, labels, self.config, self.weights)

    def _information(self, x: Tensor, coded: Coded, noise: Noise) -> Tensor | None:
        """What bounds I(X;Z) in nats, shape (models,), differentiable in the encoder; the statistics network has gone
        its steps upwards before. None where nothing does."""
        if self.variational:
            divergence = divergence_from_prior(coded)
            self.remember(divergence_nats=divergence)
            return divergence
        if self.known:
            z, own = coded.z[:, : self.batch], cast(Tensor, coded.mean)[:, : self.batch]
            means = torch.cat([own, self.memory.known], 1)
            bounds = known_bounds(z, means, torch.full_like(means[:, :1], self.config.code_noise))
            self.memory.remember(own)
            self.remember(information_nats=bounds.low)
            # Both say much the same below the logarithm of the rows; above it only the upper one still has a slope.
            return bounds.high
        return self._evaded(x, coded, noise) if self.informed else None

    def _evaded(self, x: Tensor, coded: Coded, noise: Noise) -> Tensor:
        """The bound by the statistics network, which has ascended it before."""
        t, z = self.networks["statistics"], coded.z[:, : self.batch]
        if isinstance(t, NoisyStatistics):
            t.noise = noise
            bound = self._ascended(x, z)
            t.noise = None
        else:
            mean = cast(Tensor, coded.mean)[:, : self.batch] if self.network.is_known else self.network.noiseless(x)
            bound = self._ascended(mean, z)
            self.memory.remember(mean)
        # The information is at least 0: a bound below is the statistics network being misled, and to mislead it
        # further would gain nothing but size.
        return bound.clamp(min=0.0)

    def _ascended(self, x: Tensor, z: Tensor) -> Tensor:
        """The bound between rows, or their mean codes, and codes (models, b, k), after the steps that the statistics
        network goes up on them."""
        self._see(z.detach())
        for turn in range(self.config.statistics_steps):
            self.ascend_statistics(x.detach(), z.detach(), self._shifts(turn))
        self._see(z)
        return self.information(x, z, self._shifts("encoder"))

    def _see(self, z: Tensor) -> None:
        t = self.networks["statistics"]
        if isinstance(t, CodeStatistics):
            t.see(z, self.memory.known)

    def descend_bottleneck(self, loss: Tensor, information: Tensor | None) -> None:
        """One step of encoder and classifier DOWN their loss plus beta times what bounds the information, each shape
        (models,) and in nats."""
        self.remember(loss_nats=loss)
        if information is not None:
            loss = loss + self.betas * information
        parameters = list(self.network.parameters())
        # The gradient of the statistics network's parameters is neither wanted nor left behind.
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss.sum(), parameters), strict=True):
            parameter.grad = gradient
        self.optimizers["classifier"].step()
        self._average()

    def rows_of_step(self) -> tuple[Tensor, Tensor]:
        """The batch of every model: (models, b, inputs) and (models, b). Each seed has its own order in each pass."""
        current, place = divmod(self.step, self.per_pass)
        if self._orders[0] != current:
            streams = [torch_generator(s, "ib", "pass", current) for s in self.seeds]
            orders = torch.stack([torch.randperm(len(self.train), generator=g) for g in streams])
            self._orders = current, orders.to(self.device)
        start = place * self.batch
        rows = self._orders[1][:, start : start + self.batch]
        return self.train.x[rows], self.train.labels[rows]

    def _shifts(self, name: str | int) -> list[int]:
        if self.network.bounded:
            # All of them: one product of matrices scores them together.
            return list(range(1, self.batch))
        draws = torch_generator(0, "ib", _SHIFTS, self.step, name)
        return random_shifts(self.batch, self.config.marginal_shifts, draws)

    @torch.no_grad()
    def _average(self) -> None:
        """The average of the weights so far, those of step s weighing averaging^(t - s)."""
        keep, done = self.config.averaging, self.step + 1
        share = (1.0 - keep) / (1.0 - keep**done)
        slow: list[Tensor] = [*self.averaged.parameters()]
        fast: list[Tensor] = [*self.network.parameters()]
        torch._foreach_lerp_(slow, fast, share)

    def measure(self) -> tuple[list[Measurement], Tensor | None]:
        """For every model whether the answers of its averaged weights on the rows held out are finite, and their
        metrics, see `evaluation.DEFINITIONS`; no bound, which is watched on the batches."""
        noise = Noise(self.seeds, self.device, "evaluation")
        answers = answers_of(self.averaged, self.held_out.x, self.held_out.labels, noise, self.config.test_draws)
        return [
            (whole, metrics_of(answers, self.held_out.labels, m) if whole else {})
            for m, whole in enumerate(answers.finite)
        ], None

    def judged(self, name: str) -> nn.Module:
        """See `SideBySideTraining.judged`: of the classifier the averaged weights."""
        return self.averaged if name == "classifier" else super().judged(name)

    def store(self, model: int) -> None:
        """See `SideBySideTraining.store`; up to the chosen epoch."""
        if self.epoch <= self.chosen_epoch:
            super().store(model)

    def state_dict(self) -> dict[str, Any]:
        """See `SideBySideTraining.state_dict`; of a training that is over, what it leaves alone."""
        state = super().state_dict()
        if self.step >= self.steps:
            return {k: v for k, v in state.items() if k not in ("networks", "optimizers")}
        return state | {"averaged": self.averaged.state_dict(), "memory": self.memory.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a run with the same data, settings and seeds; what it leaves out stays as it is."""
        super().load_state_dict(self.part_states() | state)
        if "averaged" in state:
            self.averaged.load_state_dict(state["averaged"])
        if "memory" in state:  # runs of earlier versions have none
            self.memory.load_state_dict(state["memory"])
