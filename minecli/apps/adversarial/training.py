"""What trainings against a discriminator share: the step of a generator that also raises the information, and what is
watched of it."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from minecli.apps.adversarial.clipping import model_norms, shortened
from minecli.apps.adversarial.config import AdversarialConfig
from minecli.apps.adversarial.draws import Draws, StepNeeds, draw_step, prior_of, stream
from minecli.apps.datasets.real_samples import RealSamples
from minecli.apps.ensembles.training import Evaluation, Measurement, Schedule, SideBySideTraining, applied
from minecli.mine.sampling import random_shifts

# Samples and shifts for an evaluation of the bound, of which one logarithm is of all pairs; images cost a convolution
# for every pair.
EVALUATION_SAMPLES = {1: 2500, 3: 500}
EVALUATION_SHIFTS = {1: 20, 3: 4}


@dataclass(frozen=True)
class AdversarialEvaluation(Evaluation):
    """One model at one step. Losses, norms and the bound are smoothed over the last steps, but for the bound of a
    statistics network, which is evaluated on fresh samples, in nats. `clipped_share` is the share of all steps so
    far at which the gradient of the information was shortened."""

    discriminator_loss: float | None
    generator_loss: float | None
    adversarial_norm: float | None
    information_norm: float | None
    clipped_share: float | None = None


class AdversarialTraining(SideBySideTraining):
    """Several models with a generator, one per seed; `config` gives schedule and statistics, see `SideBySideTraining`
    for the rest.

    Args:
        data: real samples, on the device where the models compute.
        needs: what a step draws.
    """

    EVALUATION = AdversarialEvaluation
    # Whether a statistics network bounds the information.
    informed: bool

    def __init__(
        self,
        data: RealSamples,
        method: str,
        config: AdversarialConfig,
        seeds: Sequence[int],
        networks: Mapping[str, nn.Module],
        needs: StepNeeds,
    ) -> None:
        self.data, self.config, self.needs = data, config, needs
        schedule = Schedule(config.steps, config.evaluate_every)
        super().__init__(method, schedule, config.statistics(), seeds, torch.device(data.device), networks)
        self.generator = self.networks["generator"]
        # Of what is stored, the averages of the weights so far, where they are asked for.
        self.averaged = {
            name: copy.deepcopy(self.networks[name]).eval().requires_grad_(False)
            for name in (self.STORED if config.averaging else ())
        }
        # At how many informed steps each model's gradient was shortened, and how many there were.
        self._shortened, self._informed_steps = torch.zeros(len(self.seeds), device=self.device), 0

    def draw(self) -> Draws:
        """The draws of the step that comes, on the device of the data."""
        return draw_step(self.config, self.seeds, self.data, self.step, self.needs)

    def prior(self, count: int, *names: str | int) -> Tensor:
        """Latents of all models, (models, count, l), and the noise of choices behind them, on the CPU; `names` name the
        stream."""
        return prior_of(self.seeds, self.config, count, "sample", *names, choices=self.needs.choices)

    def judged(self, name: str) -> nn.Module:
        """See `SideBySideTraining.judged`: the averaged weights, where they are averaged."""
        return self.averaged.get(name, self.networks[name])

    @torch.no_grad()
    def average_weights(self) -> None:
        """Move averaged weights and running statistics towards the current ones: at first as a mean of all steps."""
        decay = min(self.config.averaging, (1.0 + self.step) / (10.0 + self.step))
        for name, averaged in self.averaged.items():
            current = self.networks[name].state_dict()
            for part, value in averaged.state_dict().items():
                value.lerp_(current[part], 1.0 - decay)

    def _parts(self) -> dict[str, Mapping[str, Any]]:
        return {**super()._parts(), **({"averaged": self.averaged} if self.averaged else {})}

    def decode(self, latents: Tensor, best: bool = False) -> Tensor:
        """What every model's generator makes of latents (models, n, l): (models, n, *shape), on the CPU. `best` asks
        the last generators that were finite when evaluated instead of the current ones."""
        return applied(self.last_finite["generator"] if best else self.judged("generator"), latents, self.device)

    def sample(self, count: int, *names: str | int, best: bool = False) -> Tensor:
        """Fresh samples of every model, (models, count, *shape), on the CPU; `names` name the stream."""
        return self.decode(self.prior(count, *names), best)

    @abstractmethod
    def made(self) -> tuple[list[Tensor], Tensor, Tensor]:
        """What evaluations measure: all that the models make, (models, n, *shape) each; and the samples and latents
        between which the information is bounded, where it is."""

    @abstractmethod
    def metrics_of(self, *made: Tensor) -> Mapping[str, float | None]:
        """The metrics of what one model makes, all finite: (n, *shape) each."""

    def measure(self) -> tuple[list[Measurement], Tensor | None]:
        """See `SideBySideTraining.measure`."""
        made, samples, latent = self.made()
        measurements: list[Measurement] = []
        for m in range(len(self.seeds)):
            own = [part[m] for part in made]
            is_finite = all(bool(torch.isfinite(part).all()) for part in own)
            known = is_finite and self.diverged_at[m] is None
            measurements.append((is_finite, self.metrics_of(*own) if known else {}))
        return measurements, self._information_on(samples, latent) if self.informed else None

    def learning_rate(self, network: str) -> float:
        """The learning rate of the step that comes, the same for all networks."""
        return self.config.learning_rate_at(self.step)

    def descend_informed(self, names: Sequence[str], loss: Tensor, bound: Tensor | None = None) -> None:
        """One step of several networks on their loss, and of the first one also on the information.

        Args:
            names: the networks; the first is on the information's path.
            loss: shape (models,).
            bound: on the information in nats, shape (models,); weighed by beta, its gradient is clipped to what
                `config.clipping` names (module `clipping`) and ASCENDED.
        """
        own = list(self.networks[names[0]].parameters())
        others = [p for name in names[1:] for p in self.networks[name].parameters()]
        gradients = list(torch.autograd.grad(loss.sum(), own + others, retain_graph=bound is not None))
        adversarial = gradients[: len(own)]
        own_norms = model_norms(adversarial)
        self.remember(generator_loss=loss, adversarial_norm=own_norms)
        if bound is not None:
            information = torch.autograd.grad(-self.config.beta * bound.sum(), own)
            clipped = self._clipped(information, self._limits(own_norms, gradients))
            gradients[: len(own)] = [u + a for u, a in zip(adversarial, clipped, strict=True)]
        for parameter, gradient in zip(own + others, gradients, strict=True):
            parameter.grad = gradient
        for name in names:
            self.optimizers[name].step()

    def _limits(self, own_norms: Tensor, gradients: Sequence[Tensor]) -> Tensor:
        """How long the information's gradient may be, shape (models,)."""
        if self.config.clipping == "off":
            return torch.full_like(own_norms, torch.inf)
        # An encoder comes first, and its norms are then the own ones.
        return own_norms if self.config.clipping == "encoder" else model_norms(gradients)

    def _clipped(self, information: Sequence[Tensor], limits: Tensor) -> Sequence[Tensor]:
        """The information's gradient as the step uses it, at most as long as the limits (models,)."""
        norms = model_norms(information)
        self._shortened += norms > limits
        self._informed_steps += 1
        self._recent["clipped_share"] = self._shortened / self._informed_steps
        self.remember(information_norm=norms)
        return shortened(information, norms, limits)

    def clipped_share(self, model: int) -> float | None:
        """The share of a model's steps so far at which the gradient of the information was shortened."""
        return float(self._shortened[model]) / self._informed_steps if self._informed_steps else None

    def state_dict(self) -> dict[str, Any]:
        """See `SideBySideTraining.state_dict`."""
        return {**super().state_dict(), "shortened": (self._shortened, self._informed_steps)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `SideBySideTraining.load_state_dict`."""
        super().load_state_dict(state)
        # Earlier versions did not count.
        shortened, self._informed_steps = state.get("shortened", (self._shortened, 0))
        self._shortened = shortened.to(self.device)

    def _information_on(self, samples: Tensor, latent: Tensor) -> Tensor:
        """The bound in nats, shape (models,), on the first of many pairs, with many shifted pairs in one logarithm: for
        evaluations, not for training."""
        dims = samples.dim() - 2
        count = EVALUATION_SAMPLES[dims]
        rows, code = samples[:, :count].to(self.device), latent[:, :count].to(self.device)
        shifts = random_shifts(rows.shape[1], EVALUATION_SHIFTS[dims], stream(0, "evaluation"))
        return self.information(rows, code, shifts)
