r"""A GAN whose generator also maximises the mutual information between its samples and their code, and those that it
is compared with.

One step of the method "mine" (paper, equations 16 and 17, with the non-saturating loss):

* the discriminator ascends :math:`E \log D(x) + E \log (1 - D(G(z)))`;
* the generator ascends :math:`E \log D(G(z)) + \beta \hat I(G(z); c)`, the gradient of the second term clipped to
  the length of that of the first (`apps.clipping`);
* the statistics network ascends its bound on pairs (G(z), c), by `mine.training.ascend`.

The other methods have other losses (`losses`) and the same networks, batches and steps. Everything random is drawn
from streams named by seed and step, so that a run resumed from its checkpoint makes the draws it would have made, and
a seed's draws do not depend on the seeds trained beside it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from minecli import events
from minecli.apps.clipping import clip_adaptively, model_norms
from minecli.apps.gan import losses
from minecli.apps.gan.config import GanConfig
from minecli.apps.gan.data import Metrics, RealSamples
from minecli.apps.gan.latent import code_of, draw_prior, prior_of, stream
from minecli.apps.gan.looks import Look, finite, mean_of_last
from minecli.apps.gan.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
    build_statistics_network,
    encoded,
)
from minecli.mine.gradient import MovingAverageDenominator
from minecli.mine.sampling import random_shifts
from minecli.mine.training import ascend
from minecli.result import Status

# The paper's own choice for GANs (Radford et al., 2016).
BETAS = (0.5, 0.999)
# Methods whose discriminator judges pairs of a sample and a latent.
_JOINT = ("veegan", "ali")
# Samples and re-pairings for an evaluation of the bound, of which the logarithm of all pairs is taken at once; images
# cost a convolution for every pair.
_EVALUATION = {1: (2500, 20), 3: (500, 4)}
_SAMPLES_AT_ONCE = 1000


@dataclass(frozen=True)
class Draws:
    """The random draws of a step: real samples (models, b, *shape), the latents of the discriminator's and of each of
    the generator's steps (models, b, latent), the encoder's noise likewise, and re-pairings."""

    real: Tensor
    priors: list[Tensor]
    noises: list[Tensor]
    shifts: list[int]


class GanTraining:
    """The loop and its state.

    Args:
        data: real samples.
        method: one of `config.METHODS`.
        config: settings.
        seeds: one model each, trained side by side.
        metrics: what samples (n, *shape) of one model are judged by, on the CPU.
    """

    def __init__(
        self, data: RealSamples, method: str, config: GanConfig, seeds: Sequence[int], metrics: Metrics
    ) -> None:
        self.data, self.method, self.config, self.seeds, self.metrics = data, method, config, tuple(seeds), metrics
        shape, self.device = data.shape, torch.device(data.device)
        self.pack = config.pack if method == "pacgan" else 1
        judged_latent = config.latent if method in _JOINT else 0
        self.generator = build_generator(seeds, shape, config).to(self.device)
        self.discriminator = build_discriminator(seeds, shape, config, self.pack, judged_latent).to(self.device)
        self.encoder = self.statistics = None
        if method in _JOINT:
            outputs = config.latent * (2 if method == "ali" else 1)
            self.encoder = build_encoder(seeds, shape, config, outputs).to(self.device)
        if method == "mine" and config.beta > 0.0:
            self.statistics = build_statistics_network(seeds, shape, config).to(self.device)
        self.average = MovingAverageDenominator(config.ema_decay)
        self.optimizers = {name: self._adam(network) for name, network in self._networks().items()}
        self.good = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.step = 0
        self.broken: list[int | None] = [None] * len(self.seeds)
        self.history: list[list[Look]] = [[] for _ in self.seeds]
        self._recent: dict[str, Tensor] = {}

    def _adam(self, network: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(network.parameters(), lr=self.config.learning_rate, betas=BETAS, fused=True)

    def _networks(self) -> dict[str, nn.Module]:
        networks = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "encoder": self.encoder,
            "statistics": self.statistics,
        }
        return {name: network for name, network in networks.items() if network is not None}

    def run(
        self,
        observer: events.Observer = events.ignore,
        should_stop: Callable[[], bool] = events.never,
        save: Callable[[dict[str, Any], bool], None] | None = None,
    ) -> bool:
        """Train to the last step; False where it was stopped before. `save` is handed the state and whether it must
        be kept now."""
        while self.step < self.config.steps and not all(b is not None for b in self.broken):
            if should_stop():
                if save is not None:
                    save(self.state_dict(), True)
                return False
            self.advance()
            if self.step % self.config.evaluate_every == 0 or self.step == self.config.steps:
                observer(self._look())
                if save is not None:
                    save(self.state_dict(), self.step == self.config.steps)
        return True

    def status(self, model: int) -> Status:
        """How a model has ended. A GAN has no bound that stops rising: `max_steps` is its regular end."""
        if self.broken[model] is not None:
            return Status.DIVERGED
        return Status.MAX_STEPS if self.step >= self.config.steps else Status.INTERRUPTED

    def advance(self) -> None:
        """One step of all networks."""
        draws = self._draw()
        for group in (g for optimizer in self.optimizers.values() for g in optimizer.param_groups):
            group["lr"] = self.config.learning_rate_at(self.step)
        self._step_discriminator(draws)
        for i in range(1, len(draws.priors)):
            fake = self._step_generator(draws, i)
        if self.statistics is not None:
            bound = ascend(
                self.statistics,
                self.optimizers["statistics"],
                self.average,
                fake,
                code_of(self.config, draws.priors[-1]),
                draws.shifts,
                self.config.statistics(),
            )
            self._remember(information_nats=bound)
        self.step += 1

    def _draw(self) -> Draws:
        count, turns = self.config.batch_size * self.pack, 1 + self.config.generator_steps
        chosen, priors, noises = [], [], []
        for seed in self.seeds:
            draws = stream(seed, "step", self.step)
            chosen.append(torch.randint(len(self.data), (count,), generator=draws))
            priors.append(draw_prior(self.config, turns * count, draws).view(turns, count, -1))
            if self.method == "ali":
                noises.append(torch.randn(turns, count, self.config.latent, generator=draws))
        return Draws(
            self.data.rows(torch.stack(chosen)),
            list(torch.stack(priors, 1).to(self.device)),
            list(torch.stack(noises, 1).to(self.device)) if noises else [],
            random_shifts(count, self.config.marginal_shifts, stream(0, "shifts", self.step)),
        )

    def _real_side(self, draws: Draws, turn: int) -> losses.Side:
        if self.encoder is None:
            return draws.real, None
        outputs = self.encoder(draws.real)
        return draws.real, encoded(outputs, draws.noises[turn]) if draws.noises else outputs

    def _fake_side(self, fake: Tensor, prior: Tensor) -> losses.Side:
        return fake, None if self.encoder is None else prior

    def _step_discriminator(self, draws: Draws) -> None:
        with torch.no_grad():
            real, fake = self._real_side(draws, 0), self._fake_side(self.generator(draws.priors[0]), draws.priors[0])
        loss = losses.discriminator_loss(self.discriminator, real, fake, self.config.gradient_penalty)
        optimizer = self.optimizers["discriminator"]
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        self._remember(discriminator_loss=loss)

    def _step_generator(self, draws: Draws, turn: int) -> Tensor:
        """One step of the generator, and of the encoder if there is one; return the samples made before, detached."""
        prior = draws.priors[turn]
        fake: Tensor = self.generator(prior)
        own = list(self.generator.parameters())
        others = [] if self.encoder is None else list(self.encoder.parameters())
        loss = self._loss(draws, turn, fake)
        gradients = list(torch.autograd.grad(loss.sum(), own + others, retain_graph=self.statistics is not None))
        adversarial = gradients[: len(own)]
        self._remember(generator_loss=loss, adversarial_norm=model_norms(adversarial))
        if self.statistics is not None:
            bound = self.information(fake, code_of(self.config, prior), draws.shifts)
            information = torch.autograd.grad(-self.config.beta * bound.sum(), own)
            self._remember(information_norm=model_norms(information))
            clipped = clip_adaptively(adversarial, information)
            gradients[: len(own)] = [u + a for u, a in zip(adversarial, clipped, strict=True)]
        for parameter, gradient in zip(own + others, gradients, strict=True):
            parameter.grad = gradient
        for name in ("generator", "encoder"):
            if name in self.optimizers:
                self.optimizers[name].step()
        return fake.detach()

    def _loss(self, draws: Draws, turn: int, fake: Tensor) -> Tensor:
        """What generator and encoder descend, shape (models,), the information aside."""
        prior, judge = draws.priors[turn], self.discriminator
        side = self._fake_side(fake, prior)
        if self.method == "ali":
            return losses.ali_loss(judge, self._real_side(draws, turn), side)
        if self.method == "veegan":
            assert self.encoder is not None
            return losses.veegan_loss(judge, side, prior, self.encoder(fake))
        if self.method == "unrolled":
            optimizer = self.optimizers["discriminator"]
            foreseen = losses.unrolled(judge, optimizer, (draws.real, None), side, self.config.unroll)
            return losses.generator_loss(losses.Foreseen(judge, foreseen), side)
        return losses.generator_loss(judge, side)

    def information(self, samples: Tensor, code: Tensor, shifts: Sequence[int]) -> Tensor:
        """The bound on I(samples; code) in nats, shape (models,), differentiable in `samples`."""
        assert self.statistics is not None
        t = self.statistics.score_rows(samples, code, [0, *shifts])
        value: Tensor = self.config.statistics().objective().value_of(t[:, 0], t[:, 1:])
        return value

    def _remember(self, **values: Tensor) -> None:
        for name, value in values.items():
            held = self._recent.get(name)
            self._recent[name] = value.detach() if held is None else held.lerp(value.detach(), 0.02)

    @torch.no_grad()
    def sample(self, count: int, *names: str | int, best: bool = False) -> tuple[Tensor, Tensor]:
        """Draw `count` samples from every model: (models, count, *shape) and their latents, on the CPU. `names` name
        the stream; `best` asks the last generators that were whole instead of the current ones."""
        prior = prior_of(self.seeds, self.config, count, "sample", *names)
        return sampled(self.good if best else self.generator, prior, self.device), prior

    @torch.no_grad()
    def _look(self) -> events.Event:
        samples, prior = self.sample(self.config.samples, "evaluation")
        recent = {name: value.tolist() for name, value in self._recent.items()}
        if self.statistics is not None:
            count, pairings = _EVALUATION[samples.dim() - 2]
            rows, code = samples[:, :count].to(self.device), code_of(self.config, prior[:, :count]).to(self.device)
            shifts = random_shifts(rows.shape[1], pairings, stream(0, "evaluation"))
            recent["information_nats"] = self.information(rows, code, shifts).tolist()
        for m in range(len(self.seeds)):
            if self.broken[m] is None:
                self._look_at(m, samples[m], {name: values[m] for name, values in recent.items()})
        return events.Event(self.method, self.step, self.config.steps, mean_of_last(self.history))

    def _look_at(self, model: int, samples: Tensor, recent: dict[str, float]) -> None:
        if not (bool(torch.isfinite(samples).all()) and finite(recent)):
            self.broken[model] = self.step
            return
        kept, current = self.good.state_dict(), self.generator.state_dict()
        for name, tensor in kept.items():
            tensor[model] = current[name][model]
        self.history[model].append(Look.of(self.step, recent, self.metrics(samples)))

    def state_dict(self) -> dict[str, Any]:
        """Everything `load_state_dict` needs to go on as if nothing had happened."""
        return {
            "step": self.step,
            "broken": self.broken,
            "networks": {name: network.state_dict() for name, network in self._networks().items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "good": self.good.state_dict(),
            "log_average": self.average.log_average,
            "recent": self._recent,
            "history": [[asdict(look) for look in looks] for looks in self.history],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a run with the same data, settings and seeds."""
        self.step, self.broken = int(state["step"]), list(state["broken"])
        for name, network in self._networks().items():
            network.load_state_dict(state["networks"][name])
            self.optimizers[name].load_state_dict(state["optimizers"][name])
        self.good.load_state_dict(state["good"])
        self.average.log_average = None if state["log_average"] is None else state["log_average"].to(self.device)
        self._recent = {name: value.to(self.device) for name, value in state["recent"].items()}
        self.history = [[Look(**look) for look in looks] for looks in state["history"]]


def sampled(generator: nn.Module, prior: Tensor, device: torch.device) -> Tensor:
    """What a generator makes of latents (models, n, latent) by its running statistics: (models, n, *shape), on the
    CPU. The generator is left in the mode it was in."""
    before = generator.training
    generator.eval()
    parts = [generator(part.to(device)).cpu() for part in torch.split(prior, _SAMPLES_AT_ONCE, 1)]
    generator.train(before)
    return torch.cat(parts, 1)
