"""Neighbour counts from all pairs of rows, in bands, on CPU or GPU: for dimensions where a tree visits every leaf."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import numpy as np

from minecli.errors import DeviceError
from minecli.estimators.nearest.neighbours import Array, Counts, Integers, Rule

if TYPE_CHECKING:
    import torch

# Sixteen rows a band were as fast as any number from 16 to 64: at 10,000 x (20+20) 3.1 s of one core, where one column
# after the other (subtract, absolute, maximum on cached tiles) took 3.5 to 4 s.
_CPU_BAND_ROWS = 16
_CPU_BAND_BYTES = 64 * 2**20
_GPU_BAND_ROWS = 4_096
_GPU_BAND_BYTES = 1024 * 2**20


class BruteSearch:
    """Counts over `points`, shape (n, d_x + d_z), from n^2 distances, d operations each; memory is bounded.

    A band of rows is compared with all rows, so that only the distances (x, z and joint) of a band exist at a time. On
    a CPU each thread works on its own band.
    """

    method: Literal["tree", "brute"] = "brute"
    run = 1

    def __init__(self, points: Array, d_x: int, k: int, threads: int, device: str) -> None:
        n, self._k = len(points), k
        self.order = np.arange(n)
        self._on_cpu = device == "cpu"
        self._threads = max(1, threads) if self._on_cpu else 1
        self._x = _on_device(np.ascontiguousarray(points[:, :d_x]), device)
        self._z = _on_device(np.ascontiguousarray(points[:, d_x:]), device)
        rows, budget = _CPU_BAND_ROWS, _CPU_BAND_BYTES // self._threads
        if not self._on_cpu:
            rows, budget = _GPU_BAND_ROWS, _GPU_BAND_BYTES
        # Per row and pair: three float64 distances and a flag.
        self._band_rows = max(1, min(rows, budget // (25 * n)))
        self.chunk_rows = self._band_rows * (8 * self._threads if self._on_cpu else 1)
        # The same threads all along: what one had used is not given back when it ends, and new ones want their own.
        self._pool = ThreadPoolExecutor(self._threads)

    def counts(self, rows: Integers, rule: Rule, k: int | None = None) -> Counts:
        """As `Search.counts`."""
        k = k or self._k
        bands = [rows[start : start + self._band_rows] for start in range(0, len(rows), self._band_rows)]
        with _serial_torch_operations():
            of_bands = list(self._pool.map(lambda band: self._band_counts(band, rule, k), bands))
        return Counts(
            joint=np.concatenate([c.joint for c in of_bands]),
            x=np.concatenate([c.x for c in of_bands]),
            z=np.concatenate([c.z for c in of_bands]),
            closed=np.concatenate([c.closed for c in of_bands]),
        )

    def _band_counts(self, rows: Integers, rule: Rule, k: int) -> Counts:
        import torch

        index = torch.from_numpy(rows).to(self._x.device)
        x = torch.cdist(self._x[index], self._x, p=float("inf"))
        z = torch.cdist(self._z[index], self._z, p=float("inf"))
        counts = _Band(x, z, torch.maximum(x, z), k).counts(rule)
        return Counts(*(part.cpu().numpy() for part in counts))


class _Band:
    """The distances of some rows to all n rows, each (rows, n), and the counts they give; see `Rule`."""

    def __init__(self, x: torch.Tensor, z: torch.Tensor, joint: torch.Tensor, k: int) -> None:
        self._x, self._z, self._joint, self._k = x, z, joint, k

    def counts(self, rule: Rule) -> tuple[torch.Tensor, ...]:
        """Joint, x, z and closed of `Counts`, each of shape (rows,)."""
        if rule is Rule.RECTANGLE:
            return self._rectangle_counts()
        eps = self._joint.topk(self._k + 1, dim=1, largest=False, sorted=True).values[:, self._k :]
        if rule is Rule.MIXTURE:
            return self._mixture_counts(eps)
        return self._cube_counts(eps, closed=rule is Rule.CLOSED_CUBE)

    def _cube_counts(self, eps: torch.Tensor, *, closed: bool) -> tuple[torch.Tensor, ...]:
        import torch

        reached = eps if closed else torch.nextafter(eps, torch.zeros_like(eps))
        neighbours = torch.full_like(eps[:, 0], self._k, dtype=torch.int64)
        closed_rows = torch.full_like(eps[:, 0], closed, dtype=torch.bool)
        return neighbours, _count(self._x, reached) - 1, _count(self._z, reached) - 1, closed_rows

    def _mixture_counts(self, eps: torch.Tensor) -> tuple[torch.Tensor, ...]:
        import torch

        joint, x, z, _ = self._cube_counts(eps, closed=False)
        _, outer_x, outer_z, _ = self._cube_counts(eps, closed=True)
        duplicated, crowded = eps[:, 0] == 0.0, (outer_x - x) + (outer_z - z) > 1
        if bool((duplicated | crowded).any()):
            in_cube = _count(self._joint, eps)
            joint = torch.where(duplicated, in_cube, torch.where(crowded, in_cube - 1, joint))
        return joint, torch.where(crowded, outer_x, x), torch.where(crowded, outer_z, z), crowded

    def _rectangle_counts(self) -> tuple[torch.Tensor, ...]:
        import torch

        k = self._k
        nearest = self._joint.topk(min(k + 2, self._joint.shape[1]), dim=1, largest=False, sorted=True)
        eps, chosen = nearest.values[:, k : k + 1], nearest.indices[:, : k + 1]
        shared = (nearest.values[:, k + 1 :] == eps).any(1, keepdim=True)
        eps_x = torch.where(shared, eps, self._x.gather(1, chosen).amax(1, keepdim=True))
        eps_z = torch.where(shared, eps, self._z.gather(1, chosen).amax(1, keepdim=True))
        joint = torch.full_like(eps[:, 0], k, dtype=torch.int64)
        if bool(shared.any()):
            joint = torch.where(shared[:, 0], _count(self._joint, eps) - 1, joint)
        closed_rows = torch.ones_like(joint, dtype=torch.bool)
        return joint, _count(self._x, eps_x) - 1, _count(self._z, eps_z) - 1, closed_rows


def _count(distances: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """How many of `distances`, shape (rows, n), are at most `radius`, shape (rows, 1); shape (rows,)."""
    import torch

    # 32-bit sums take two thirds of the time; n stays far below 2^31 where all pairs are compared.
    return (distances <= radius).sum(1, dtype=torch.int32).to(torch.int64)


def _on_device(side: Array, device: str) -> torch.Tensor:
    import torch

    try:
        return torch.from_numpy(side).to(device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(f"the device {device} cannot be used: {reason}", hint="try --device cpu") from error


@contextmanager
def _serial_torch_operations() -> Iterator[None]:
    # Teams of threads inside such short operations spend their time waiting: two took ten times as long as one.
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
