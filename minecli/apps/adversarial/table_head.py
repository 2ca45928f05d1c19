r"""The output of a generator of tables: choices drawn by a Gumbel-softmax, and scores.

With logits :math:`l_i`, Gumbel noise :math:`g_i = -\log(-\log u_i)` and temperature :math:`\tau` (Jang, Gu and Poole,
"Categorical reparameterization with Gumbel-softmax", 2017; Maddison, Mnih and Teh, 2017), a choice is the largest of
:math:`l_i + g_i`, which is an exact draw from softmax(l). It goes forward as 0 and 1, as real rows have it, and the
gradient is that of :math:`\operatorname{softmax}((l + g) / \tau)` ("straight through"). Training and sampling draw
alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from minecli.apps.datasets.table_coding import Choices
from minecli.apps.ensembles.layers import Block


class TableGenerator(Block):
    """A network of latents with the choices and scores of a table as its outputs.

    Args:
        body: latents (models, b, latent) to (models, b, features).
        choices: which features are choices, and which scores.
        temperature: of the softmax.

    Its inputs are latents and behind them the Gumbel noise of all choices, (models, b, latent + entries).

    >>> head = TableGenerator(nn.Identity(), Choices(3, ((0, 1),), ((2, 1),)), 0.5)
    >>> head(torch.tensor([[[3.0, 0.0, 7.0, 0.0, 0.0], [3.0, 0.0, 7.0, 0.0, 5.0]]])).tolist()
    [[[1.0, 0.0, 0.0], [0.0, 1.0, 7.0]]]
    """

    def __init__(self, body: nn.Module, choices: Choices, temperature: float) -> None:
        super().__init__()
        self.body, self.temperature, self.entries = body, temperature, choices.entries
        self.groups = len(choices.groups)
        entries = [place for group in choices.groups for place in group]
        scores = [place for place, _ in choices.scores]
        at = {place: i for i, place in enumerate(entries)}
        # The entry after the last stands for 1: a score that is always there.
        gates = [len(entries) if gate is None else at[gate] for _, gate in choices.scores]
        order = sorted(range(choices.width), key=[*entries, *scores].__getitem__)
        groups = [g for g, group in enumerate(choices.groups) for _ in group]
        lists = {"entries": entries, "groups": groups, "scores": scores, "gates": gates, "order": order}
        # No buffers: models do not have them each for itself.
        self._places = {name: torch.tensor(each, dtype=torch.int64) for name, each in lists.items()}

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        """Follow the weights to another device."""
        self._places = {name: fn(places) for name, places in self._places.items()}
        return super()._apply(fn, recurse)  # type: ignore[no-any-return, no-untyped-call]

    def forward(self, inputs: Tensor) -> Tensor:
        split, places = inputs.shape[-1] - self.entries, self._places
        raw: Tensor = self.body(inputs[..., :split])
        chosen = self.chosen(raw[..., places["entries"]], inputs[..., split:])
        gates = torch.cat([chosen, torch.ones_like(raw[..., :1])], -1)[..., places["gates"]]
        return torch.cat([chosen, raw[..., places["scores"]] * gates], -1)[..., places["order"]]

    def chosen(self, logits: Tensor, noise: Tensor) -> Tensor:
        """Choices (..., entries), 0 or 1, by logits and Gumbel noise of the same shape."""
        if not self.entries:
            return logits
        scaled = (logits + noise) / self.temperature
        index = self._places["groups"].expand(scaled.shape)
        largest = scaled.new_full((*scaled.shape[:-1], self.groups), -torch.inf)
        largest = largest.scatter_reduce(-1, index, scaled.detach(), "amax").gather(-1, index)
        sizes = (scaled - largest).exp()
        sums = sizes.new_zeros((*scaled.shape[:-1], self.groups)).scatter_add(-1, index, sizes)
        shares = sizes / sums.gather(-1, index)
        drawn = (scaled.detach() == largest).to(scaled.dtype)
        return drawn + (shares - shares.detach()) if shares.requires_grad else drawn


def gumbel(count: int, entries: int, generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise (count, entries), on the CPU.

    >>> gumbel(2, 3, torch.Generator()).shape
    torch.Size([2, 3])
    """
    # Of 0 the logarithm would be infinite.
    uniform = torch.rand(count, entries, generator=generator).clamp_(min=torch.finfo(torch.float32).tiny)
    return -(-uniform.log()).clamp_(min=torch.finfo(torch.float32).tiny).log()
