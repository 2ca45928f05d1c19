r"""Adversarially learned inference whose encoder also maximises the mutual information of its pairs, and those that it
is compared with.

One step of the method "mine" (paper, equation 19; both sides non-saturating), with :math:`q(z|x)` the encoder's normal:

* the discriminator tells encoder pairs (x, E(x)) from generator pairs (G(z), z);
* encoder and generator each pass for the other, and the encoder ascends :math:`\beta \hat I(x; E(x))`, the gradient
  of that clipped to the length of its adversarial one (`adversarial.clipping`); the generator is not on its path;
* the statistics network ascends its bound on encoder pairs, by `mine.training.ascend`.

With x's entropy a constant, the more information the pairs share and the closer both joints are, the smaller the
expected :math:`-\log p(x|z)` of encoder pairs: reconstructions get better (paper, section 5.2).

`alice-l2` and `alice-adv` add the cycle terms of Li et al., "ALICE" (2017): squared errors, or discriminators that tell
(x, x) from (x, G(E(x))) and (z, z) from (z, E(G(z))). `autoencoder` has the squared error alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from minecli.apps.adversarial import losses
from minecli.apps.adversarial.draws import Draws, StepNeeds, stream
from minecli.apps.adversarial.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
    build_pair_discriminator,
    build_statistics_network,
    code_by,
)
from minecli.apps.adversarial.training import AdversarialTraining
from minecli.apps.ali.config import AliConfig
from minecli.apps.ali.datasets import MEASURED_IN_TRAINING, AliDataset
from minecli.apps.ensembles.training import applied

# Images whose maps of noise are in memory together.
_MAPS_AT_ONCE = 100


class AliTraining(AdversarialTraining):
    """Encoders and generators of one method.

    Args:
        dataset: real samples to learn from, and what models are measured by: reconstructions of the first held-out
            samples, and fresh samples.
        method: one of `config.METHODS` that is trained.
        config: settings.
        seeds: one model each, trained side by side.
    """

    STORED = ("encoder", "generator")

    config: AliConfig

    def __init__(self, dataset: AliDataset, method: str, config: AliConfig, seeds: Sequence[int]) -> None:
        self.dataset, self.held_out = dataset, dataset.held_out[:MEASURED_IN_TRAINING]
        shape, latent = dataset.real.shape, config.latent
        self.adversarial = method != "autoencoder"
        self.informed = method == "mine" and config.beta > 0.0
        networks: dict[str, nn.Module] = {
            "encoder": build_encoder(seeds, shape, config, config.encoder_outputs, config.noise_channels),
            "generator": build_generator(seeds, shape, config, bounded=dataset.bounded),
        }
        if self.adversarial:
            networks["discriminator"] = build_discriminator(
                seeds, shape, config, latent=latent, direct=config.direct_latent
            )
        if method == "alice-adv":
            networks["sample cycles"] = build_pair_discriminator(seeds, shape, config, "sample cycles")
            networks["latent cycles"] = build_pair_discriminator(seeds, (latent,), config, "latent cycles")
        if self.informed:
            networks["statistics"] = build_statistics_network(seeds, shape, config)
        needs = StepNeeds(config.batch_size, turns=2, noisy=True, noise=config.noise_maps(shape))
        super().__init__(dataset.real, method, config, seeds, networks, needs)
        self.encoder = self.networks["encoder"]

    def advance(self) -> None:
        """One step of all networks."""
        draws = self.draw()
        if self.adversarial:
            self._step_discriminators(draws)
        code = code_by(self.encoder, draws.real, draws.noises[1])
        fake: Tensor = self.generator(draws.priors[1])
        loss = self._loss(draws, code, fake)
        bound = self.information(draws.real, code, draws.shifts) if self.informed else None
        self.descend_informed(["encoder", "generator"], loss, bound)
        if self.informed:
            self.ascend_statistics(draws.real, code.detach(), draws.shifts)
        self.average_weights()

    def _step_discriminators(self, draws: Draws) -> None:
        real, prior = draws.real, draws.priors[0]
        with torch.no_grad():
            code, fake = code_by(self.encoder, real, draws.noises[0]), self.generator(prior)
        penalty = self.config.gradient_penalty
        loss = losses.discriminator_loss(self.networks["discriminator"], (real, code), (fake, prior), penalty)
        self.remember(discriminator_loss=loss)
        self.descend("discriminator", loss)
        if self.method != "alice-adv":
            return
        with torch.no_grad():
            again, back = self.generator(code), code_by(self.encoder, fake, draws.noises[0])
        for name, truth, made in (("sample cycles", real, again), ("latent cycles", prior, back)):
            self.descend(name, losses.discriminator_loss(self.networks[name], (truth, truth), (truth, made)))

    def _loss(self, draws: Draws, code: Tensor, fake: Tensor) -> Tensor:
        """What encoder and generator descend, shape (models,), the information aside."""
        real, prior = draws.real, draws.priors[1]
        if not self.adversarial:
            return losses.squared_error(real, self.generator(code))
        loss = losses.ali_loss(self.networks["discriminator"], (real, code), (fake, prior))
        if not self.method.startswith("alice"):
            return loss
        again, back = self.generator(code), code_by(self.encoder, fake, draws.noises[1])
        if self.method == "alice-l2":
            errors = losses.squared_error(real, again) + losses.squared_error(prior, back)
            return loss + self.config.reconstruction_weight * errors
        of_samples = losses.generator_loss(self.networks["sample cycles"], (real, again))
        of_latents = losses.generator_loss(self.networks["latent cycles"], (prior, back))
        return loss + self.config.cycle_weight * (of_samples + of_latents)

    def encode(self, samples: Tensor, best: bool = False) -> Tensor:
        """The means of q(z|x) by every model, (models, n, l), of samples (n, *shape), on the CPU; `best` asks the last
        encoders that were finite when evaluated instead of the current ones. Where noise comes in as maps, the code
        with noise that is the same for all samples."""
        encoder = self.last_finite["encoder"] if best else self.judged("encoder")
        outputs = applied(encoder, samples.expand(len(self.seeds), *samples.shape), self.device)
        return outputs[..., : self.config.latent]

    def made(self) -> tuple[list[Tensor], Tensor, Tensor]:
        """Reconstructions of held-out samples, and fresh samples; the former's originals, and codes drawn for them."""
        truth = self.held_out.expand(len(self.seeds), *self.held_out.shape)
        again = self.decode(self.encode(self.held_out))
        return [again, self.sample(self.config.samples, "evaluation")], truth, self._drawn_code()

    @torch.no_grad()
    def _drawn_code(self) -> Tensor:
        """Latents drawn from q(z|x) of the held-out samples, (models, n, l), on the CPU."""
        shape, streams = self.needs.noise or (self.config.latent,), [stream(seed, "noise") for seed in self.seeds]
        encoder = self.judged("encoder")
        before, codes = encoder.training, []
        encoder.eval()
        for part in torch.split(self.held_out, _MAPS_AT_ONCE if self.needs.noise else MEASURED_IN_TRAINING):
            noise = torch.stack([torch.randn(len(part), *shape, generator=each) for each in streams])
            samples = part.expand(len(self.seeds), *part.shape).to(self.device)
            codes.append(code_by(encoder, samples, noise.to(self.device)).cpu())
        encoder.train(before)
        return torch.cat(codes, 1)

    def metrics_of(self, *made: Tensor) -> Mapping[str, float | None]:
        """Of reconstructions, and of fresh samples."""
        again, samples = made
        return self.dataset.metrics(again, samples, np.arange(len(again)))
