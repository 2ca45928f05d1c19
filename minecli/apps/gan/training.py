r"""A GAN whose generator also maximises the mutual information between its samples and their code.

One step (paper, equations 16 and 17, with the non-saturating loss):

* the discriminator ascends :math:`E \log D(x) + E \log (1 - D(G(z)))`;
* the generator ascends :math:`E \log D(G(z)) + \beta \hat I(G(z); c)`, the gradient of the second term clipped to
  the length of that of the first (`apps.clipping`);
* the statistics network ascends its bound on pairs (G(z), c), by `mine.training.ascend`.

Everything random is drawn from streams named by seed and step, so that a run resumed from its checkpoint makes the
draws it would have made, and a seed's draws do not depend on the seeds trained beside it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from minecli import events
from minecli.apps.clipping import clip_adaptively, model_norms
from minecli.apps.gan.config import GanConfig
from minecli.apps.gan.networks import Discriminator, build_generator, build_statistics_network
from minecli.mine.gradient import MovingAverageDenominator
from minecli.mine.sampling import random_shifts
from minecli.mine.training import ascend
from minecli.result import Status
from minecli.runtime.seeds import child_seed

Metrics = Callable[[Tensor], dict[str, float | None]]

# The paper's own choice for GANs (Radford et al., 2016).
BETAS = (0.5, 0.999)
# Re-pairings for an evaluation of the bound, of which the logarithm of all pairs is taken at once.
EVALUATION_SHIFTS = 20


@dataclass(frozen=True)
class Look:
    """What a model looked like at a step: losses, norms and the bound in nats, and the metrics of its samples."""

    step: int
    discriminator_loss: float | None
    generator_loss: float | None
    information_nats: float | None
    adversarial_norm: float | None
    information_norm: float | None
    metrics: dict[str, float | None]


class GanTraining:
    """The loop and its state.

    Args:
        data: real rows, shape (n, columns), on the device that computes.
        method: "gan", "mine" (with the information term) or "pacgan".
        config: settings.
        seeds: one model each, trained side by side.
        metrics: what samples (n, columns) of one model are judged by.
    """

    def __init__(self, data: Tensor, method: str, config: GanConfig, seeds: Sequence[int], metrics: Metrics) -> None:
        self.data, self.method, self.config, self.seeds, self.metrics = data, method, config, tuple(seeds), metrics
        columns, device = data.shape[1], data.device
        self.pack = config.pack if method == "pacgan" else 1
        self.generator = build_generator(seeds, columns, config).to(device)
        self.discriminator = Discriminator(seeds, columns, config, self.pack).to(device)
        self.statistics = None
        if method == "mine" and config.beta > 0.0:
            self.statistics = build_statistics_network(seeds, columns, config).to(device)
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
        networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        if self.statistics is not None:
            networks["statistics"] = self.statistics
        return networks

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
        rows, priors, shifts = self._draw()
        for group in (g for optimizer in self.optimizers.values() for g in optimizer.param_groups):
            group["lr"] = self.config.learning_rate
        self._ascend_discriminator(rows, priors[0])
        for prior in priors[1:]:
            fake = self._ascend_generator(prior, shifts)
        if self.statistics is not None:
            code = priors[-1][..., self.config.noise_dim :]
            self._remember(
                information_nats=ascend(
                    self.statistics,
                    self.optimizers["statistics"],
                    self.average,
                    fake,
                    code,
                    shifts,
                    self.config.statistics(),
                )
            )
        self.step += 1

    def _draw(self) -> tuple[Tensor, list[Tensor], list[int]]:
        """Real rows (models, b, columns), priors (models, b, latent) and the re-pairings of this step."""
        count, latent = self.config.batch_size * self.pack, self.config.noise_dim + self.config.code_dim
        chosen, priors = [], []
        for seed in self.seeds:
            draws = torch.Generator().manual_seed(child_seed(seed, "gan", "step", self.step))
            chosen.append(torch.randint(len(self.data), (count,), generator=draws))
            priors.append(torch.randn(1 + self.config.generator_steps, count, latent, generator=draws))
        rows = self.data[torch.stack(chosen).to(self.data.device)]
        prior = torch.stack(priors, 1).to(self.data.device)
        draws = torch.Generator().manual_seed(child_seed(0, "gan", "shifts", self.step))
        return rows, list(prior), random_shifts(count, self.config.marginal_shifts, draws)

    def _ascend_discriminator(self, rows: Tensor, prior: Tensor) -> None:
        with torch.no_grad():
            fake = self.generator(prior)
        loss = (softplus(-self.discriminator(rows)) + softplus(self.discriminator(fake))).mean(1)
        optimizer = self.optimizers["discriminator"]
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        self._remember(discriminator_loss=loss)

    def _ascend_generator(self, prior: Tensor, shifts: Sequence[int]) -> Tensor:
        """One step of the generator; return the rows it made before, detached."""
        fake = self.generator(prior)
        parameters = list(self.generator.parameters())
        loss = softplus(-self.discriminator(fake)).mean(1)
        gradients = list(torch.autograd.grad(loss.sum(), parameters, retain_graph=self.statistics is not None))
        self._remember(generator_loss=loss, adversarial_norm=model_norms(gradients))
        if self.statistics is not None:
            bound = self.information(fake, prior[..., self.config.noise_dim :], shifts)
            information = torch.autograd.grad(-self.config.beta * bound.sum(), parameters)
            self._remember(information_norm=model_norms(information))
            clipped = clip_adaptively(gradients, information)
            gradients = [u + a for u, a in zip(gradients, clipped, strict=True)]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimizers["generator"].step()
        detached: Tensor = fake.detach()
        return detached

    def information(self, rows: Tensor, code: Tensor, shifts: Sequence[int]) -> Tensor:
        """The bound on I(rows; code) in nats, shape (models,), differentiable in `rows`."""
        assert self.statistics is not None
        network = self.statistics
        t: Tensor = network.score(network.project_x(rows), network.project_z(code), [0, *shifts])
        value: Tensor = self.config.statistics().objective().value_of(t[:, 0], t[:, 1:])
        return value

    def _remember(self, **values: Tensor) -> None:
        for name, value in values.items():
            held = self._recent.get(name)
            self._recent[name] = value.detach() if held is None else held.lerp(value.detach(), 0.02)

    @torch.no_grad()
    def sample(self, count: int, *names: str | int, best: bool = False) -> tuple[Tensor, Tensor]:
        """Draw `count` rows from every model: (models, count, columns), and their codes. `names` name the stream;
        `best` asks the last generators that were whole instead of the current ones."""
        latent = self.config.noise_dim + self.config.code_dim
        prior = torch.stack(
            [
                torch.randn(
                    count, latent, generator=torch.Generator().manual_seed(child_seed(seed, "gan", "sample", *names))
                )
                for seed in self.seeds
            ]
        ).to(self.data.device)
        generator = self.good if best else self.generator
        generator.eval()
        rows: Tensor = generator(prior)
        self.generator.train()
        return rows, prior[..., self.config.noise_dim :]

    @torch.no_grad()
    def _look(self) -> events.Event:
        rows, code = self.sample(self.config.samples, "evaluation")
        recent = {name: value.tolist() for name, value in self._recent.items()}
        if self.statistics is not None:
            draws = torch.Generator().manual_seed(child_seed(0, "gan", "evaluation"))
            shifts = random_shifts(rows.shape[1], EVALUATION_SHIFTS, draws)
            recent["information_nats"] = self.information(rows, code, shifts).tolist()
        for m in range(len(self.seeds)):
            if self.broken[m] is None:
                self._look_at(m, rows[m], {name: values[m] for name, values in recent.items()})
        return events.Event(self.method, self.step, self.config.steps, self._summary())

    def _look_at(self, model: int, rows: Tensor, recent: dict[str, float]) -> None:
        finite = bool(torch.isfinite(rows).all()) and all(abs(v) < float("inf") for v in recent.values())
        if not finite:
            self.broken[model] = self.step
            return
        kept, current = self.good.state_dict(), self.generator.state_dict()
        for name, tensor in kept.items():
            tensor[model] = current[name][model]
        known = {name: recent.get(name) for name in Look.__dataclass_fields__ if name not in ("step", "metrics")}
        self.history[model].append(Look(self.step, metrics=self.metrics(rows.cpu()), **known))

    def _summary(self) -> dict[str, float]:
        """The mean over the seeds that are whole of what the progress line shows."""
        last = [h[-1] for h in self.history if h]
        values: dict[str, list[float]] = {}
        for look in last:
            for name, value in {**look.metrics, "information_nats": look.information_nats}.items():
                if value is not None:
                    values.setdefault(name, []).append(value)
        return {name: sum(v) / len(v) for name, v in values.items()}

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
        device = self.data.device
        self.step, self.broken = int(state["step"]), list(state["broken"])
        for name, network in self._networks().items():
            network.load_state_dict(state["networks"][name])
            self.optimizers[name].load_state_dict(state["optimizers"][name])
        self.good.load_state_dict(state["good"])
        self.average.log_average = None if state["log_average"] is None else state["log_average"].to(device)
        self._recent = {name: value.to(device) for name, value in state["recent"].items()}
        self.history = [[Look(**look) for look in looks] for looks in state["history"]]
