"""What a model looks like that is trained against a discriminator."""

from __future__ import annotations

from dataclasses import dataclass

from minecli.apps.comparison.looks import Look


@dataclass(frozen=True)
class AdversarialLook(Look):
    """One model at one step. Losses, norms and the bound are smoothed over the last steps, but for the bound of a
    statistics network, which is evaluated on fresh samples, in nats."""

    discriminator_loss: float | None
    generator_loss: float | None
    adversarial_norm: float | None
    information_norm: float | None
