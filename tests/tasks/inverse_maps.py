"""The inverse of every map of tasks, on its range: what injective means, and what densities are checked through."""

import math
from functools import singledispatch

import numpy as np
from scipy.special import ndtr, ndtri

from minecli.tasks import maps

HALVINGS = 54  # of brackets a few units wide: down to the spacing of floats


@singledispatch
def inverse(map_, values):
    """The rows whose images are `values`."""
    raise TypeError(f"{map_} has no inverse here")


@inverse.register
def _(map_: maps.Identity, values):
    return values


@inverse.register
def _(map_: maps.Chain, values):
    for step in reversed(map_.maps):
        values = inverse(step, values)
    return values


@inverse.register
def _(map_: maps.NormalCdf, values):
    return ndtri(values)


@inverse.register
def _(map_: maps.HalfCube, values):
    return np.sign(values) * np.cbrt(values * values)


@inverse.register
def _(map_: maps.Asinh, values):
    return np.sinh(values)


@inverse.register
def _(map_: maps.Wiggly, values):
    reach = sum(abs(amplitude) for amplitude, _, _ in map_.waves)
    low, high = values - reach, values + reach
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        short = map_.forward(middle) < values
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return 0.5 * (low + high)


@inverse.register
def _(map_: maps.NormalToMixture, values):
    def area(side):
        return sum(w * ndtr(side * (values - m)) for m, w in zip(map_.means, map_.weights, strict=True))

    # The side where the area is below 1/2 keeps its digits.
    below, above = area(1.0), area(-1.0)
    return np.where(below < above, ndtri(below), -ndtri(above))


@inverse.register
def _(map_: maps.Spiral, values):
    return maps.Spiral(plane=map_.plane, speed=-map_.speed).forward(values)


@inverse.register
def _(map_: maps.SwissRoll, values):
    t = 21 * np.hypot(values[:, :1], values[:, 1:])
    return (t / (1.5 * math.pi) - 1) / 2
