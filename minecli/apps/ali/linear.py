"""Principal components, the linear code of a given size with the smallest squared error: what they are, and as one of
the methods that are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from minecli import events
from minecli.apps.adversarial.draws import prior_of
from minecli.apps.ali.config import AliConfig
from minecli.apps.ali.datasets import AliDataset
from minecli.apps.ensembles.training import Evaluation, Save
from minecli.errors import UsageError

# Rows are made float64 in parts: a hundred thousand faces of 64 x 64 take 10 GB.
_ROWS_AT_ONCE = 10_000
_SAMPLES_AT_ONCE = 1000


@dataclass(frozen=True)
class PcaCoder:
    """The leading principal components of some rows, all float64 on the CPU.

    Attributes:
        mean: of the rows, shape (d,).
        components: orthonormal columns, shape (d, k), the largest variance first, each with its largest entry positive.
        deviations: standard deviations of the codes of the rows, shape (k,), at least a tiny positive number.
    """

    mean: Tensor
    components: Tensor
    deviations: Tensor

    @classmethod
    def fit(cls, rows: Tensor, components: int) -> PcaCoder:
        """The components of rows (n, d), from the smaller one of the two Gram matrices.

        Raises:
            UsageError: components not in 1 .. min(n, d).

        >>> PcaCoder.fit(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), 1).components.T
        tensor([[0.6000, 0.8000]], dtype=torch.float64)
        """
        n, d = rows.shape
        if not 1 <= components <= min(n, d):
            raise UsageError(
                f"{components} components are asked for; {n} rows of {d} columns have 1 to {min(n, d)}",
                hint=f"try --code-dim {min(n, d)}",
            )
        parts = torch.split(rows, _ROWS_AT_ONCE)
        mean = sum((part.double().sum(0) for part in parts), torch.zeros(d, dtype=torch.float64)) / n
        if d <= n:
            gram = torch.zeros(d, d, dtype=torch.float64)
            for part in parts:
                centred = part.double() - mean
                gram += centred.T @ centred
            chosen = torch.linalg.eigh(gram)[1].flip(1)[:, :components]
        else:
            centred = rows.double() - mean
            left = torch.linalg.eigh(centred @ centred.T)[1].flip(1)[:, :components]
            # Beyond the rank there is nothing to project on; an orthonormal basis is completed instead.
            chosen = torch.linalg.qr(centred.T @ left)[0]
        largest = chosen.gather(0, chosen.abs().argmax(0, keepdim=True))
        chosen = chosen * torch.where(largest < 0, -1.0, 1.0)
        variances = sum(((part.double() - mean) @ chosen).square().sum(0) for part in parts) / n
        deviations = torch.as_tensor(variances).sqrt()
        return cls(mean, chosen, deviations.clamp(min=torch.finfo(torch.float32).tiny))

    def encode(self, rows: Tensor) -> Tensor:
        """Codes (n, k) of rows (n, d), float64."""
        return (rows.double() - self.mean) @ self.components

    def decode(self, codes: Tensor, bounded: bool = False) -> Tensor:
        """Rows (n, d) of codes (n, k), float64; held within -1 and 1 where they are `bounded`, as pixels are: a sum of
        components may leave that range, which what ends in a tanh cannot.

        >>> coder = PcaCoder.fit(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), 1)
        >>> coder.decode(torch.tensor([[2.5]]), bounded=True)
        tensor([[1., 1.]], dtype=torch.float64)
        """
        rows = codes.double() @ self.components.T + self.mean
        return rows.clamp(-1.0, 1.0) if bounded else rows

    def whitened(self, samples: Tensor) -> Tensor:
        """Codes of samples (n, *shape) in units of their deviations, (n, k) float32."""
        return (self.encode(samples.flatten(1)) / self.deviations).float()

    def samples_of(self, latents: Tensor, shape: tuple[int, ...], bounded: bool) -> Tensor:
        """Samples (n, *shape) float32 of such codes; for `bounded` see `decode`."""
        return self.decode(latents * self.deviations, bounded).float().reshape(-1, *shape)

    def state_dict(self) -> dict[str, Tensor]:
        """The three tensors, which `from_state` takes."""
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> PcaCoder:
        """The components whose `state_dict` is given."""
        return cls(state["mean"], state["components"], state["deviations"])


class LinearCoding:
    """Principal components with whitened codes, so that fresh normal latents make samples; the same for every seed.

    It is given and asked what `AliTraining` is: `best` means nothing here.
    """

    method = "pca"

    def __init__(self, dataset: AliDataset, config: AliConfig, seeds: Sequence[int]) -> None:
        self.data, self.bounded = dataset.real, dataset.bounded
        self.config, self.seeds = config, tuple(seeds)
        self.step, self.steps = 0, 1
        self.diverged_at: list[int | None] = [None] * len(self.seeds)
        self.history: list[list[Evaluation]] = [[] for _ in self.seeds]
        self._coder: PcaCoder | None = None

    def run(
        self,
        observer: events.Observer = events.ignore,
        should_stop: Callable[[], bool] = events.never,
        save: Save | None = None,
    ) -> bool:
        """Fit the components; False where it was stopped before."""
        if should_stop():
            return False
        if self._coder is None:
            parts = torch.split(torch.arange(min(len(self.data), self.config.rows)), _SAMPLES_AT_ONCE)
            rows = torch.cat([self.data.rows(part[None])[0].flatten(1).cpu() for part in parts])
            self._coder = PcaCoder.fit(rows, min(self.config.latent, *rows.shape))
            if save is not None:
                save(self.state_dict(), True)
        observer(events.Event(self.method, 1, 1))
        return True

    def status(self, model: int) -> str:
        """ "closed-form": there is nothing to train."""
        del model
        return "closed-form"

    def encode(self, samples: Tensor, best: bool = False) -> Tensor:
        """Whitened codes (models, n, l) of samples (n, *shape), on the CPU."""
        del best
        codes = self.coder.whitened(samples)
        return codes.expand(len(self.seeds), *codes.shape)

    def decode(self, latents: Tensor, best: bool = False) -> Tensor:
        """Samples (models, n, *shape) of latents (models, n, l), on the CPU."""
        del best
        rows = self.coder.samples_of(latents.flatten(0, 1), self.data.shape, self.bounded)
        return rows.view(*latents.shape[:2], *rows.shape[1:])

    def sample(self, count: int, *names: str | int, best: bool = False) -> Tensor:
        """Fresh samples (models, count, *shape); `names` name the stream."""
        prior = prior_of(self.seeds, self.config, count, "sample", *names)
        return self.decode(prior[..., : len(self.coder.deviations)], best)

    @property
    def coder(self) -> PcaCoder:
        """The components; there are none before `run` has come back, or a state was taken up."""
        assert self._coder is not None
        return self._coder

    def state_dict(self) -> dict[str, Any]:
        """The components, which `load_state_dict` takes."""
        return {"coder": self.coder.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of an earlier run."""
        self._coder = PcaCoder.from_state(state["coder"])
