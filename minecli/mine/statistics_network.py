r"""The statistics network T(x, z) ("also called critic"), several models evaluated as one.

Each side passes through a tower of its own, and the joint part starts from the sum of what they give,
:math:`h_1 = \phi(f(x) + g(z) + b)`: towers are computed once per row and re-paired freely, so that a marginal pair
costs an addition and the joint layers, not another pass over the features. Without tower layers f and g are linear,
and the network is the plain perceptron of the pair.

On top of the perceptron stands an optional base: the log density ratio of the Gaussian with the training rows'
canonical correlations, whose leading variates the towers see beside the features. The perceptron's last layer starts
from zero, so that training begins at the base and learns what the Gaussian misses. The sum is bounded smoothly by
:math:`\pm c`, because a single re-paired row with an
enormous score would be the whole log-mean-exp of held-out data.
"""

from __future__ import annotations

import copy
import itertools
import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from minecli.mine.canonical import Canonical, shrink_correlations
from minecli.mine.sampling import shifted

Draw = Callable[..., nn.Parameter]

# Keeps the size of signals about the same from hidden layer to hidden layer.
HIDDEN_GAIN = 1.3
# So many canonical variates are shown to the towers, so much larger than they are: they are the directions in which
# the sides are known to depend, freed of what else moves the columns.
MOST_SHOWN = 8
SHOWN_SCALE = 3.0


@dataclass(frozen=True)
class Projected:
    """What pairs need of one side's rows: hidden (models, b, h), variates (models, b, r), energy (models, b)."""

    hidden: Tensor
    variates: Tensor
    energy: Tensor

    def shifted(self, shift: int) -> Projected:
        """The same rows, shifted cyclically against the other side."""
        return Projected(shifted(self.hidden, shift), shifted(self.variates, shift), shifted(self.energy, shift))


class LogRatioBase(nn.Module):
    """A log density ratio that networks start from: the sum of the products of what `project` gives of both sides'
    variates, and of their energies, times a gain that is learnt, one per model."""

    gain: nn.Parameter

    @property
    def shown(self) -> int:
        """How many columns `features` gives the towers."""
        return 0

    @abstractmethod
    def columns(self, side: str) -> int:
        """How many columns of a side it is a function of, the first ones."""

    def variates(self, side: str, columns: Tensor) -> Tensor:
        """What it takes of a side's `columns`, (models, b, r)."""
        return columns

    def features(self, variates: Tensor) -> Tensor:
        """What the towers see of the variates beside the columns, (models, b, shown)."""
        return variates[..., : self.shown]

    @abstractmethod
    def project(self, side: str, variates: Tensor) -> tuple[Tensor, Tensor]:
        """A side's factors of the products, (models, b, r), and its energies (models, b)."""


class GaussianBase(LogRatioBase):
    r"""The log density ratio of jointly Gaussian groups as a function of their canonical variates u, v:

    .. math:: \sum_i \frac{\rho_i}{1-\rho_i^2} u_i v_i - \frac{\rho_i^2}{2 (1-\rho_i^2)} (u_i^2 + v_i^2)
              - \tfrac12 \log(1-\rho_i^2)

    times a gain that is learnt, one per model, starting from 1.

    Args:
        fits: one fit per model, all of the same numbers of columns.
        rows: how many rows each was fitted to; fewer rows shrink the correlations more.
    """

    def __init__(self, fits: Sequence[Canonical], rows: int) -> None:
        super().__init__()
        variates = min(min(f.x_weights.shape[1], f.z_weights.shape[1]) for f in fits)
        # One row cannot support a larger log ratio than about log n, whatever the sample correlation.
        ceiling = math.sqrt(1.0 - 1.0 / rows)
        shrunk = [shrink_correlations(f.correlations, rows, f.x_rank, f.z_rank)[:variates] for f in fits]
        correlations = torch.stack([torch.from_numpy(s).clamp(max=ceiling) for s in shrunk])
        self.register_buffer("correlations", correlations)
        for side in ("x", "z"):
            weights = torch.stack([torch.from_numpy(getattr(f, f"{side}_weights"))[:, :variates] for f in fits])
            means = torch.stack([torch.from_numpy(getattr(f, f"{side}_mean")) for f in fits])
            self.register_buffer(f"{side}_weights", weights)
            self.register_buffer(f"{side}_mean", means[:, None, :])
        self.gain = nn.Parameter(torch.ones(len(fits), 1, dtype=correlations.dtype))

    @property
    def shown(self) -> int:
        """How many variates of a side the towers are shown."""
        return min(MOST_SHOWN, self.get_buffer("correlations").shape[-1])

    def columns(self, side: str) -> int:
        """How many columns of a side it was fitted to."""
        return int(self.get_buffer(f"{side}_mean").shape[-1])

    def variates(self, side: str, columns: Tensor) -> Tensor:
        """The canonical variates (models, b, r) of a side's `columns`, of mean square 1."""
        return torch.bmm(columns - self.get_buffer(f"{side}_mean"), self.get_buffer(f"{side}_weights"))

    def features(self, variates: Tensor) -> Tensor:
        """The leading variates as the towers see them, shape (models, b, shown): the more correlated, the larger."""
        roots = self.get_buffer("correlations")[:, None, : self.shown].sqrt()
        return SHOWN_SCALE * roots * variates[..., : self.shown]

    def project(self, side: str, variates: Tensor) -> tuple[Tensor, Tensor]:
        """What the log ratio takes of a side: variates (models, b, r), on x's side with the cross weight, and energies
        (models, b)."""
        squared = self.get_buffer("correlations").square()[:, None, :]
        energy = -(variates.square() * squared / (2.0 * (1.0 - squared))).sum(-1)
        if side == "z":
            return variates, energy - 0.5 * torch.log1p(-squared).sum(-1)
        return variates * squared.sqrt() / (1.0 - squared), energy


class Tower(nn.Module):
    """What one side's features (models, b, features) become before they meet the other side's: `layers` hidden layers
    of `hidden` units and a linear one, shape (models, b, hidden)."""

    def __init__(self, draw: Draw, features: int, hidden: int, layers: int) -> None:
        super().__init__()
        widths = [features, *[hidden] * (layers + 1)]
        self.weights = nn.ParameterList(
            draw(rows, columns, 1.0 if i in (0, layers) else HIDDEN_GAIN)
            for i, (rows, columns) in enumerate(itertools.pairwise(widths))
        )
        zeros = torch.zeros_like(self.weights[0][:, :1])
        self.biases = nn.ParameterList(nn.Parameter(zeros.clone()) for _ in range(layers))

    def forward(self, features: Tensor) -> Tensor:
        h = features
        for weight, bias in zip(self.weights, self.biases, strict=False):
            h = nn.functional.silu(torch.baddbmm(bias, h, weight))
        return torch.bmm(h, self.weights[-1])


class StatisticsNetwork(nn.Module):
    """T(x, z) for `models` models at once, as a log density ratio (bounds add their own offset).

    Args:
        models: how many networks, all of one shape.
        x_features: number of features of x; the first ones are what the base was fitted to.
        z_features: likewise for z.
        hidden: units per hidden layer.
        layers: hidden layers of the joint part, the additive first one included.
        tower_layers: hidden layers of each side's tower.
        ceiling: the smooth bound c on the absolute value, in nats; infinity for none.
        generator: where the initial weights are drawn from.
        base: the log ratio to start from, or None.
        baseline: subtract the logarithm of a learnt a(x), 1 at first (see `bounds.tuba`).

    >>> network = StatisticsNetwork(3, 2, 1, hidden=8, generator=torch.Generator().manual_seed(0))
    >>> x, z = torch.zeros(3, 5, 2), torch.zeros(3, 5, 1)
    >>> network(network.project_x(x), network.project_z(z)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self,
        models: int,
        x_features: int,
        z_features: int,
        *,
        hidden: int,
        layers: int = 2,
        tower_layers: int = 0,
        ceiling: float = math.inf,
        generator: torch.Generator,
        base: LogRatioBase | None = None,
        baseline: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()

        def drawn(rows: int, columns: int, gain: float = 1.0) -> nn.Parameter:
            # Drawn in float64 whatever the precision, so that both precisions start from the same network.
            values = torch.randn(models, rows, columns, generator=generator, dtype=torch.float64)
            return nn.Parameter((values * gain / math.sqrt(rows)).to(dtype))

        def zeros(rows: int, columns: int) -> nn.Parameter:
            return nn.Parameter(torch.zeros(models, rows, columns, dtype=dtype))

        self.ceiling = ceiling
        shown = 0 if base is None else base.shown
        self.x_tower = Tower(drawn, x_features + shown, hidden, tower_layers)
        self.z_tower = Tower(drawn, z_features + shown, hidden, tower_layers)
        self.bias = zeros(1, hidden)
        self.weights = nn.ParameterList(drawn(hidden, hidden, HIDDEN_GAIN) for _ in range(layers - 1))
        self.biases = nn.ParameterList(zeros(1, hidden) for _ in range(layers - 1))
        self.readout = zeros(hidden, 1)
        self.base = None if base is None else base.to(dtype)
        self.baseline_readout = zeros(hidden, 1) if baseline else None
        self.baseline_bias = zeros(1, 1) if baseline else None

    @property
    def models(self) -> int:
        """How many networks are held."""
        return int(self.bias.shape[0])

    def project_x(self, x: Tensor) -> Projected:
        """Project rows of x, shape (models, b, x_features)."""
        projected = self._projected("x", x, self.x_tower)
        projected = replace(projected, hidden=projected.hidden + self.bias)
        if self.baseline_readout is None or self.baseline_bias is None:
            return projected
        # The base's gain multiplies it, too: a power of a positive function of x is one again.
        log_baseline = torch.baddbmm(self.baseline_bias, nn.functional.silu(projected.hidden), self.baseline_readout)
        return replace(projected, energy=projected.energy - log_baseline.squeeze(-1))

    def project_z(self, z: Tensor) -> Projected:
        """Project rows of z, shape (models, b, z_features)."""
        return self._projected("z", z, self.z_tower)

    def select(self, models: Sequence[int]) -> StatisticsNetwork:
        """A copy that holds some of the models alone."""
        chosen = list(models)
        return self._with([tensor.data[chosen] for tensor in self._tensors()])

    @property
    def signature(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of everything a model consists of: networks with the same one can be joined."""
        return tuple(tuple(tensor.shape[1:]) for tensor in self._tensors())

    @classmethod
    def joined(cls, networks: Sequence[StatisticsNetwork]) -> StatisticsNetwork:
        """A copy that holds the models of several networks, in their order.

        Args:
            networks: all of one `signature`, on one device.

        Raises:
            RuntimeError: the shapes differ.
        """
        each = zip(*(network._tensors() for network in networks), strict=True)
        return networks[0]._with([torch.cat([part.data for part in parts]) for parts in each])

    def _tensors(self) -> list[Tensor]:
        """Everything a network consists of, models first."""
        return [*self.parameters(), *self.buffers()]

    def _with(self, tensors: Sequence[Tensor]) -> StatisticsNetwork:
        """A copy that consists of these; what they replace is not copied."""
        new = (
            nn.Parameter(tensor, old.requires_grad) if isinstance(old, nn.Parameter) else tensor
            for old, tensor in zip(self._tensors(), tensors, strict=True)
        )
        return copy.deepcopy(self, dict(zip(map(id, self._tensors()), new, strict=True)))

    def decaying(self) -> list[nn.Parameter]:
        """The weights that weight decay applies to: those between features and hidden units. Biases, the readout and
        the base's gain decide how large T is, which the bound itself should."""
        return [*self.x_tower.weights, *self.z_tower.weights, *self.weights]

    def _projected(self, side: str, features: Tensor, tower: Tower) -> Projected:
        if self.base is None:
            return Projected(tower(features), features[..., :0], features.new_zeros(features.shape[:2]))
        fitted = self.base.columns(side)
        variates = self.base.variates(side, features[..., :fitted])
        shown = torch.cat([features, self.base.features(variates)], -1)
        return Projected(tower(shown), *self.base.project(side, variates))

    def forward(self, x: Projected, z: Projected) -> Tensor:
        """Score the pairs of row i of `x` with row i of `z`; shape (models, b), in nats."""
        return self._read(*self._pair(x, z))

    def score(self, x: Projected, z: Projected, shifts: Sequence[int]) -> Tensor:
        """Score row i of `x` with row i - s of `z` for each shift s (0: the joint pair).

        Returns:
            Shape (models, len(shifts), b), in nats.
        """
        pairs = [self._pair(x, z.shifted(s) if s else z) for s in shifts]
        t = self._read(torch.cat([h for h, _ in pairs], 1), torch.cat([ratio for _, ratio in pairs], 1))
        return t.view(-1, len(shifts), x.hidden.shape[1])

    def score_rows(self, x: Tensor, z: Tensor, shifts: Sequence[int]) -> Tensor:
        """`score` of the rows themselves: x (models, b, x_features) and z (models, b, z_features)."""
        return self.score(self.project_x(x), self.project_z(z), shifts)

    def _pair(self, x: Projected, z: Projected) -> tuple[Tensor, Tensor]:
        """What pairs amount to before the nonlinearity (models, b, h), and the base's log ratio (models, b)."""
        if self.base is None:
            return x.hidden + z.hidden, x.energy
        return x.hidden + z.hidden, (x.variates * z.variates).sum(-1) + x.energy + z.energy

    def _read(self, hidden: Tensor, log_ratio: Tensor) -> Tensor:
        h = nn.functional.silu(hidden)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            h = nn.functional.silu(torch.baddbmm(bias, h, weight))
        t = torch.bmm(h, self.readout).squeeze(-1)
        if self.base is not None:
            t = t + self.base.gain * log_ratio
        elif self.baseline_readout is not None:
            t = t + log_ratio
        bounded: Tensor = t if math.isinf(self.ceiling) else self.ceiling * torch.tanh(t / self.ceiling)
        return bounded
