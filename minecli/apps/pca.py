"""Principal components: the linear code of a given size with the smallest squared error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from minecli.errors import UsageError


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
        mean = rows.double().mean(0)
        centred = rows.double() - mean
        if d <= n:
            _, vectors = torch.linalg.eigh(centred.T @ centred)
        else:
            _, left = torch.linalg.eigh(centred @ centred.T)
            # Beyond the rank there is nothing to project on; an orthonormal basis is completed instead.
            vectors = torch.linalg.qr(centred.T @ left.flip(1))[0].flip(1)
        chosen = vectors.flip(1)[:, :components]
        largest = chosen.gather(0, chosen.abs().argmax(0, keepdim=True))
        chosen = chosen * torch.where(largest < 0, -1.0, 1.0)
        deviations = (centred @ chosen).square().mean(0).sqrt()
        return cls(mean, chosen, deviations.clamp(min=torch.finfo(torch.float32).tiny))

    def encode(self, rows: Tensor) -> Tensor:
        """Codes (n, k) of rows (n, d), float64."""
        return (rows.double() - self.mean) @ self.components

    def decode(self, codes: Tensor) -> Tensor:
        """Rows (n, d) of codes (n, k), float64."""
        return codes.double() @ self.components.T + self.mean

    def state_dict(self) -> dict[str, Tensor]:
        """What `from_state` needs."""
        return {"mean": self.mean, "components": self.components, "deviations": self.deviations}

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> PcaCoder:
        """What `state_dict` gave."""
        return cls(state["mean"], state["components"], state["deviations"])
