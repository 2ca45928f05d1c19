"""Principal components in the place of an encoder and a generator: the anchor that costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from minecli import events
from minecli.apps.adversarial.data import RealSamples
from minecli.apps.adversarial.latent import prior_of
from minecli.apps.ali.config import AliConfig
from minecli.apps.ali.training import Judge
from minecli.apps.comparison.looks import Look
from minecli.apps.comparison.side_by_side import Save
from minecli.apps.pca import PcaCoder

_AT_ONCE = 1000


class LinearCoding:
    """Principal components with whitened codes, so that fresh normal latents make samples; the same for every seed.

    It is given and asked what `AliTraining` is.
    """

    method = "pca"

    def __init__(
        self,
        data: RealSamples,
        held_out: Tensor,
        config: AliConfig,
        seeds: Sequence[int],
        judge_model: Judge,
        bounded: bool = False,
    ) -> None:
        self.data, self.held_out, self.config, self.judge_model = data, held_out, config, judge_model
        self.seeds, self.bounded = tuple(seeds), bounded
        self.step, self.steps = 0, 1
        self.broken: list[int | None] = [None] * len(self.seeds)
        self.history: list[list[Look]] = [[] for _ in self.seeds]
        self._coder: PcaCoder | None = None

    def run(
        self,
        observer: events.Observer = events.ignore,
        should_stop: Callable[[], bool] = events.never,
        save: Save | None = None,
    ) -> bool:
        """Fit the components."""
        if should_stop():
            return False
        if self._coder is None:
            parts = torch.split(torch.arange(min(len(self.data), self.config.rows)), _AT_ONCE)
            rows = torch.cat([self.data.rows(part[None])[0].flatten(1).cpu() for part in parts])
            self._coder = PcaCoder.fit(rows, min(self.config.latent, *rows.shape))
            if save is not None:
                save(self.state_dict(), True)
        observer(events.Event(self.method, 1, 1))
        return True

    def status(self, model: int) -> str:
        """There is nothing to train."""
        del model
        return "closed-form"

    def encode(self, samples: Tensor, best: bool = False) -> Tensor:
        """Whitened codes (models, n, l) of samples (n, *shape)."""
        del best
        codes = self.coder.encode(samples.flatten(1)) / self.coder.deviations
        return codes.float().expand(len(self.seeds), *codes.shape)

    def decode(self, latents: Tensor, best: bool = False) -> Tensor:
        """Samples (models, n, *shape) of latents (models, n, l)."""
        del best
        shape = self.data.shape
        rows = self.coder.decode(latents.flatten(0, 1) * self.coder.deviations, self.bounded)
        return rows.float().reshape(*latents.shape[:2], *shape)

    def sample(self, count: int, *names: str | int, best: bool = False) -> Tensor:
        """Fresh samples (models, count, *shape)."""
        prior = prior_of(self.seeds, self.config, count, "sample", *names)
        return self.decode(prior[..., : len(self.coder.deviations)], best)

    @property
    def coder(self) -> PcaCoder:
        """The components; they are there once `run` has come back."""
        assert self._coder is not None
        return self._coder

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs."""
        return {"coder": self.coder.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of an earlier run."""
        self._coder = PcaCoder.from_state(state["coder"])
