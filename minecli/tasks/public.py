"""The 40 tasks of a public benchmark, under their public names.

Czyz, Grabowski, Vogt, Beerenwinkel, Marx: *Beyond Normal: On the Evaluation of Mutual Information Estimators*
(NeurIPS 2023); definitions and names as in the repository cbg-ethz/bmi, truths in nats. The distributions are the
same, the random draws are not: samples of another program cannot be repeated bit by bit.

Two conventions. The 2.0 that ends `multinormal-sparse-5-5-2-2.0` is the
weight of a shared signal beside noise of weight 1: a correlation of 4 / (4 + 1) = 0.8. A spiral turns by the squared
length of a row over its dimension.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from minecli.tasks.additive import UniformNoise
from minecli.tasks.gaussian import Gaussian
from minecli.tasks.mapped import Mapped
from minecli.tasks.maps import (
    Asinh,
    Chain,
    HalfCube,
    Identity,
    Map,
    NormalCdf,
    NormalToMixture,
    Spiral,
    SwissRoll,
    Wiggly,
)
from minecli.tasks.multinormal import DenseMultinormal, SparseMultinormal
from minecli.tasks.student import Student
from minecli.tasks.task import Task

_RHO = 0.75
_WAVES_X = Wiggly(((0.4, 1.0, 0.0), (0.2, 1.7, 1.0), (0.03, 3.3, -2.5)))
_WAVES_Z = Wiggly(((-0.4, 0.4, 0.0), (0.17, 1.3, 3.5), (0.02, 4.3, -2.5)))
_BIMODAL_X = NormalToMixture(means=(0.0, 5.0), weights=(0.3, 0.7))
_BIMODAL_Z = NormalToMixture(means=(-1.0, 3.0), weights=(0.5, 0.5))


def _one_to_one() -> Iterator[Mapped]:
    normal = f"1v1-normal-{_RHO}"
    base = Gaussian(dim=1, rho=_RHO)
    cdf = NormalCdf()
    yield Mapped(name=normal, base=base)
    yield Mapped(name=f"normal_cdf-{normal}", base=base, x_map=cdf, z_map=cdf)
    for epsilon in (0.1, 0.75):
        yield Mapped(name=f"1v1-additive-{epsilon}", base=UniformNoise(dim=1, epsilon=epsilon))
    yield Mapped(name=f"1v1-bimodal-{_RHO}", base=base, x_map=_BIMODAL_X, z_map=_BIMODAL_Z)
    yield Mapped(name=f"wiggly-{normal}", base=base, x_map=_WAVES_X, z_map=_WAVES_Z)
    yield Mapped(name=f"half_cube-{normal}", base=base, x_map=HalfCube(), z_map=HalfCube())
    yield _student(1, 1)
    yield _asinh(_student(1, 1))
    yield Mapped(name=f"swissroll_x-normal_cdf-{normal}", base=base, x_map=Chain((cdf, SwissRoll())), z_map=cdf)


def _multinormal() -> Iterator[Mapped]:
    for dim in (2, 3, 5, 25, 50):
        yield Mapped(name=f"multinormal-dense-{dim}-{dim}-0.5", base=DenseMultinormal(dim=dim, rho=0.5))
    for dim in (2, 3, 5, 25):
        yield _sparse(dim, "", Identity(), Identity())


def _students() -> Iterator[Mapped]:
    for dim, dof in ((2, 1), (2, 2), (3, 2), (3, 3), (5, 2), (5, 3)):
        yield _student(dim, dof)


def _transformed() -> Iterator[Mapped]:
    dims = (3, 5, 25)
    cdf = NormalCdf()
    for dim in dims:
        yield _sparse(dim, "normal_cdf-", cdf, cdf)
    for dim in dims:
        yield _sparse(dim, "half_cube-", HalfCube(), HalfCube())
    for dim in dims:
        yield _sparse(dim, "spiral-", *_spirals(dim))
    for dim in dims:
        spiral_x, spiral_z = _spirals(dim)
        yield _sparse(dim, "spiral-normal_cdf-", Chain((cdf, spiral_x)), Chain((cdf, spiral_z)))
    for dim, dof in ((2, 1), (3, 2), (5, 2)):
        yield _asinh(_student(dim, dof))


def _sparse(dim: int, prefix: str, x_map: Map, z_map: Map) -> Mapped:
    base = SparseMultinormal(dim=dim, pairs=2, rho=0.8)
    return Mapped(name=f"{prefix}multinormal-sparse-{dim}-{dim}-2-2.0", base=base, x_map=x_map, z_map=z_map)


def _spirals(dim: int) -> tuple[Spiral, Spiral]:
    """The planes differ, so that no common rotation of both sides undoes the maps."""
    return Spiral(plane=(0, 1), speed=1 / dim), Spiral(plane=(1, 2), speed=1 / dim)


def _student(dim: int, dof: int) -> Mapped:
    return Mapped(name=f"student-identity-{dim}-{dim}-{dof}", base=Student(dim=dim, dof=float(dof), rho=0.0))


def _asinh(task: Mapped) -> Mapped:
    return Mapped(name=f"asinh-{task.name}", base=task.base, x_map=Asinh(), z_map=Asinh())


def _all() -> Iterator[Mapped]:
    yield from _one_to_one()
    yield from _multinormal()
    yield from _students()
    yield from _transformed()


PUBLIC: Mapping[str, Task] = {task.name: task for task in _all()}
