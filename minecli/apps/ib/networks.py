"""The encoders of the information bottleneck with their classifiers, and their random draws: a seed's draws do not
depend on the seeds trained beside it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from minecli.apps.ensembles.layers import Linear
from minecli.apps.ib.config import IbConfig, is_bounded
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

    def mask(self, share: float, *shape: int) -> Tensor:
        """A mask that is 1 with probability `share`, else 0, shape (models, *shape)."""
        each = [torch.rand(*shape, generator=g, device=self.device) for g in self._streams]
        return (torch.stack(each) < share).float()


# Which encoder a method has: normal codes, noise on the input, noise beside it.
GAUSSIAN = ("dvb", "dvb-additive", "minibatch", "minibatch-additive", "mine-gaussian")
ADDITIVE = ("dvb-additive", "minibatch-additive", "mine-additive")
PROPAGATED = ("mine-propagated",)
# So that the deviations of an untrained encoder are about softplus(-5) = 0.0067 (Alemi et al.).
_DEVIATION_SHIFT = -5.0
# Rows times draws times models that are computed at once, so that memory stays bounded.
_ROWS_AT_ONCE = 48_000


def is_stochastic(method: str) -> bool:
    """Whether a method's encoder draws its codes."""
    return method in GAUSSIAN + ADDITIVE + PROPAGATED


@dataclass(frozen=True)
class Coded:
    """Codes z, shape (models, draws * b, k): all rows' first draws, then their second ones. Of an encoder with noise on
    its codes also their moments given the row and what noise was drawn before: the same shape or, where the rows do not
    differ among draws, (models, b, k)."""

    z: Tensor
    mean: Tensor | None = None
    deviation: Tensor | None = None


class Bottleneck(nn.Module):
    """An encoder of `inputs` columns and a linear classifier of `classes`.

    Args:
        method: one of `config.METHODS`.
        config: sizes.
        inputs: columns of the data.
        classes: how many there are.
        seeds: one model each.
    """

    def __init__(self, method: str, config: IbConfig, inputs: int, classes: int, seeds: Sequence[int]) -> None:
        super().__init__()
        draws = [torch_generator(seed, "ib", "weights") for seed in seeds]
        self.gaussian, self.additive, self.propagated = (method in m for m in (GAUSSIAN, ADDITIVE, PROPAGATED))
        self.stochastic, self.bounded, self.config = is_stochastic(method), is_bounded(method, config), config
        self.dropout = config.dropout if method == "dropout" else 0.0
        widths = [inputs + (config.noise_dim if self.propagated else 0), *[config.hidden] * config.layers]
        self.hidden = nn.ModuleList(xavier(draws, a, b) for a, b in itertools.pairwise(widths))
        deviations = self.gaussian and not self.bounded
        # Of an encoder without noise the last hidden layer is the code: a linear map of it would keep as much.
        self.width = config.code_dim if self.stochastic else config.hidden
        self.code = xavier(draws, config.hidden, self.width * (2 if deviations else 1)) if self.stochastic else None
        self.classifier = xavier(draws, self.width, classes)

    def encode(self, x: Tensor, noise: Noise, draws: int = 1, *, fresh_inputs: bool = True) -> Coded:
        """Draw codes of rows (models, b, inputs).

        Args:
            x: the rows.
            noise: where the draws come from.
            draws: codes per row. An encoder without noise gives the same one each time.
            fresh_inputs: noise on or beside the input is drawn anew for every code, which costs the whole network for
                each. Otherwise it is drawn once, and an encoder with no other noise gives one code per row.
        """
        count, repeats = x.shape[1], draws if fresh_inputs else 1
        if self.additive or self.propagated:
            x = x.repeat(1, repeats, 1)
        if self.additive:
            x = x + self.config.noise * noise.normal(*x.shape[1:])
        if self.propagated:
            x = torch.cat([x, noise.normal(x.shape[1], self.config.noise_dim)], -1)
        code = self._code(x, noise)
        if not self.has_moments:
            return Coded(code.repeat(1, repeats * count // code.shape[1], 1))
        if self.bounded:
            mean, deviation = _drawn_in(code), torch.full_like(code, self.config.code_noise)
        else:
            mean, raw = code.chunk(2, -1)
            deviation = functional.softplus(raw + _DEVIATION_SHIFT)
        times = draws * count // mean.shape[1]
        z = mean.repeat(1, times, 1) + deviation.repeat(1, times, 1) * noise.normal(draws * count, mean.shape[-1])
        return Coded(z, mean, deviation)

    @property
    def has_moments(self) -> bool:
        """Whether the codes of a row, given what noise was drawn on or beside it, are normal with known moments."""
        return self.gaussian or self.bounded

    @property
    def is_known(self) -> bool:
        """Whether q(z|x) is a normal density of known moments."""
        return self.has_moments and not (self.additive or self.propagated)

    def noiseless(self, x: Tensor) -> Tensor:
        """The codes (models, b, k) of a bounded encoder for rows x (models, b, inputs) without any noise."""
        if self.propagated:
            x = torch.cat([x, x.new_zeros(*x.shape[:2], self.config.noise_dim)], -1)
        return _drawn_in(self._code(x))

    def _code(self, x: Tensor, noise: Noise | None = None) -> Tensor:
        """What the layers make of rows and their noise; `noise` is where dropout is drawn from."""
        for layer in self.hidden:
            x = functional.relu(layer(x))
            if self.dropout and self.training and noise is not None:
                x = x * noise.mask(1.0 - self.dropout, *x.shape[1:]) / (1.0 - self.dropout)
        return x if self.code is None else self.code(x)

    def logits(self, z: Tensor) -> Tensor:
        """Unnormalised log probabilities (models, n, classes) of codes (models, n, k)."""
        return self.classifier(z)


def _drawn_in(code: Tensor) -> Tensor:
    """Codes (..., k) drawn into the ball of radius sqrt(k), in their directions: the mean square of their entries stays
    below 1."""
    return code * torch.rsqrt(1.0 + code.square().mean(-1, keepdim=True))


def mean_codes(network: Bottleneck, x: Tensor, noise: Noise, draws: int) -> Tensor:
    """The mean code (models, b, k) of rows x (models, b, inputs) over all noise: exact where the noise is added to the
    code, otherwise over so many draws."""
    coded = network.encode(x, noise, draws if network.stochastic else 1)
    if coded.mean is not None and coded.mean.shape[1] == x.shape[1]:
        return coded.mean
    return coded.z.view(len(coded.z), -1, x.shape[1], coded.z.shape[-1]).mean(1)


@torch.no_grad()
def said_of(
    network: Bottleneck, x: Tensor, targets: Tensor, noise: Noise, draws: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """What networks in evaluation say of rows x (n, inputs), part by part: `logits` of every draw, (models, draws, b,
    outputs), where they compute, and the part's own targets (b,). Encoders without noise are asked once."""
    before = network.training
    network.eval()
    models, device = len(network.classifier.weight), network.classifier.weight.device
    draws = draws if network.stochastic else 1
    at_once = max(1, _ROWS_AT_ONCE // (models * draws))
    for rows, own in zip(torch.split(x, at_once), torch.split(targets, at_once), strict=True):
        coded = network.encode(rows.to(device).expand(models, *rows.shape), noise, draws)
        yield network.logits(coded.z).view(models, draws, len(rows), -1), own
    network.train(before)


def xavier(generators: Sequence[torch.Generator], inputs: int, outputs: int) -> Linear:
    """A linear map with uniform weights of variance 2 / (inputs + outputs), and biases of 0 (Glorot and Bengio, 2010);
    each model draws from its own generator."""
    layer = Linear(generators, inputs, outputs)
    weights = [nn.init.xavier_uniform_(torch.empty(inputs, outputs), generator=g) for g in generators]
    layer.weight = nn.Parameter(torch.stack(weights))
    return layer
