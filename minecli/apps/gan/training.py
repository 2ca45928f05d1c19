r"""A GAN whose generator also maximises the mutual information between its samples and their code, and those that it
is compared with.

One step of the method "mine" (paper, equations 16 and 17, with the non-saturating loss):

* the discriminator ascends :math:`E \log D(x) + E \log (1 - D(G(z)))`;
* the generator ascends :math:`E \log D(G(z)) + \beta \hat I(G(z); c)`, the gradient of the second term clipped to
  the length of that of the first (`adversarial.clipping`);
* the statistics network ascends its bound on pairs (G(z), c), by `mine.training.ascend`.

Where `one_latent` is set all of them use the latents that the discriminator saw, as PacGAN does, and the samples are
made once. Where `averaging` is, samples come from averaged weights of the generator, which is trained as before.
A table's generator, whose outputs are choices and scores (`adversarial.table_head`), also descends `mean_weight` times
the distance of its batch's means from those of the real rows (`losses.mean_distance`), whatever the method.

The other methods have other losses (`adversarial.losses`) and the same networks, batches and steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from minecli.apps.adversarial import losses
from minecli.apps.adversarial.draws import Draws, StepNeeds, code_of
from minecli.apps.adversarial.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
    build_statistics_network,
    build_table_generator,
    encoded,
)
from minecli.apps.adversarial.training import AdversarialTraining
from minecli.apps.datasets.real_samples import RealSamples
from minecli.apps.datasets.table_coding import Choices
from minecli.apps.gan.config import GanConfig
from minecli.apps.gan.references import SampleMetrics

# Methods whose discriminator sees pairs of a sample and a latent.
_JOINT = ("veegan", "ali")


def generator_of(seeds: Sequence[int], shape: tuple[int, ...], config: GanConfig, choices: Choices | None) -> nn.Module:
    """Generators of samples of a shape, or of a table's coded rows."""
    if choices is None:
        return build_generator(seeds, shape, config)
    return build_table_generator(seeds, choices, config, config.temperature)


def _moments(data: RealSamples) -> tuple[Tensor, Tensor]:
    """Mean and variance of each feature of all real rows, (features,) both."""
    rows = data.rows(torch.arange(len(data))[None])[0]
    return rows.mean(0), rows.var(0, correction=0)


class GanTraining(AdversarialTraining):
    """GANs of one method.

    Args:
        data: real samples.
        method: one of `config.METHODS`.
        config: settings.
        seeds: one model each, trained side by side.
        metrics: of samples (n, *shape) of one model, on the CPU.
        choices: of a table's features; None where samples are no coded rows of a table.
    """

    STORED = ("generator",)

    config: GanConfig

    def __init__(
        self,
        data: RealSamples,
        method: str,
        config: GanConfig,
        seeds: Sequence[int],
        metrics: SampleMetrics,
        choices: Choices | None = None,
    ) -> None:
        self.metrics = metrics
        self.pack = config.pack if method == "pacgan" else 1 if choices is None else config.table_pack
        self.joint, self.informed = method in _JOINT, method == "mine" and config.beta > 0.0
        shape = data.shape
        networks = {
            "generator": generator_of(seeds, shape, config, choices),
            "discriminator": build_discriminator(seeds, shape, config, self.pack, config.latent if self.joint else 0),
        }
        if self.joint:
            outputs = config.latent * (2 if method == "ali" else 1)
            networks["encoder"] = build_encoder(seeds, shape, config, outputs)
        if self.informed:
            networks["statistics"] = build_statistics_network(seeds, shape, config)
        turns = 1 if config.one_latent else 1 + config.generator_steps
        entries = 0 if choices is None else choices.entries
        needs = StepNeeds(config.batch_size * self.pack, turns, method == "ali", choices=entries)
        super().__init__(data, method, config, seeds, networks, needs)
        self.discriminator = self.networks["discriminator"]
        self.moments = None if choices is None or not config.mean_weight else _moments(data)

    def advance(self) -> None:
        """One step of all networks."""
        draws, one_latent = self.draw(), self.config.one_latent
        with torch.set_grad_enabled(one_latent):
            made: Tensor = self.generator(draws.priors[0])
        with torch.no_grad():
            real = self._real_side(draws, 0)
        fake = self._fake_side(made.detach(), draws.priors[0])
        loss = losses.discriminator_loss(self.discriminator, real, fake, self.config.gradient_penalty)
        self.remember(discriminator_loss=loss)
        self.descend("discriminator", loss)
        for step in range(self.config.generator_steps):
            turn = 0 if one_latent else 1 + step
            # The first step's samples are those that the discriminator saw: no network behind them has changed.
            samples = self.step_generator(draws, turn, made if one_latent and step == 0 else None)
        if self.informed:
            self.ascend_statistics(samples, code_of(self.config, draws.priors[-1]), draws.shifts)
        self.average_weights()

    def step_generator(self, draws: Draws, turn: int, made: Tensor | None = None) -> Tensor:
        """One step of the generator, and of the encoder if there is one; return the samples made before, detached.
        `made` are these samples with their gradient, where they are there already."""
        prior = draws.priors[turn]
        fake: Tensor = self.generator(prior) if made is None else made
        loss = self._loss(draws, turn, fake)
        if self.moments is not None:
            loss = loss + self.config.mean_weight * losses.mean_distance(fake, *self.moments)
        bound = self.information(fake, code_of(self.config, prior), draws.shifts) if self.informed else None
        self.descend_informed(["generator", "encoder"] if self.joint else ["generator"], loss, bound)
        return fake.detach()

    def _loss(self, draws: Draws, turn: int, fake: Tensor) -> Tensor:
        """What generator and encoder descend, shape (models,), the information aside."""
        latent, discriminator = draws.priors[turn][..., : self.config.latent], self.discriminator
        side = self._fake_side(fake, latent)
        if self.method == "ali":
            return losses.ali_loss(discriminator, self._real_side(draws, turn), side)
        if self.method == "veegan":
            return losses.veegan_loss(discriminator, side, latent, self.networks["encoder"](fake))
        if self.method == "unrolled":
            optimizer = self.optimizers["discriminator"]
            foreseen = losses.unrolled(discriminator, optimizer, (draws.real, None), side, self.config.unroll)
            return losses.generator_loss(losses.Foreseen(discriminator, foreseen), side)
        return losses.generator_loss(discriminator, side)

    def _real_side(self, draws: Draws, turn: int) -> losses.Side:
        if not self.joint:
            return draws.real, None
        outputs = self.networks["encoder"](draws.real)
        return draws.real, encoded(outputs, draws.noises[turn]) if draws.noises else outputs

    def _fake_side(self, fake: Tensor, prior: Tensor) -> losses.Side:
        return fake, prior[..., : self.config.latent] if self.joint else None

    def made(self) -> tuple[list[Tensor], Tensor, Tensor]:
        """Fresh samples, and their codes."""
        prior = self.prior(self.config.samples, "evaluation")
        samples = self.decode(prior)
        return [samples], samples, code_of(self.config, prior)

    def metrics_of(self, *made: Tensor) -> Mapping[str, float | None]:
        """Of fresh samples."""
        return self.metrics(*made)
