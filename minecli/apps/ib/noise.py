"""Random draws for several models at once: a seed's draws do not depend on the seeds trained beside it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from minecli.runtime.seeds import torch_generator


class Noise:
    """Draws where the networks compute: one stream per model, named by seed and purpose.

    >>> one, both = (Noise(seeds, torch.device("cpu"), "step", 3) for seeds in ((7,), (1, 7)))
    >>> bool((one.normal(2, 2)[0] == both.normal(2, 2)[1]).all())
    True
    """

    def __init__(self, seeds: Sequence[int], device: torch.device, *names: str | int) -> None:
        self.device = device
        self._streams = [torch_generator(seed, "ib", *names, device=device) for seed in seeds]

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, shape (models, *shape)."""
        return torch.stack([torch.randn(*shape, generator=g, device=self.device) for g in self._streams])

    def kept(self, share: float, *shape: int) -> Tensor:
        """A mask that is 1 with probability `share`, else 0, shape (models, *shape)."""
        each = [torch.rand(*shape, generator=g, device=self.device) for g in self._streams]
        return (torch.stack(each) < share).float()
