"""Principal components: the linear code of a given size with the smallest squared error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from minecli.errors import UsageError

# Rows are made float64 in parts: a hundred thousand faces of 64 x 64 take 10 GB.
_ROWS_AT_ONCE = 10_000


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

    def state_dict(self) -> dict[str, Tensor]:
        """What `from_state` needs."""
        return {"mean": self.mean, "components": self.components, "deviations": self.deviations}

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> PcaCoder:
        """What `state_dict` gave."""
        return cls(state["mean"], state["components"], state["deviations"])
