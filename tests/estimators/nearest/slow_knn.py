"""The nearest-neighbour formulas written for reading: all pairs at once, one row after the other, no search.

This is the definition that the fast searches are held against; see `minecli.estimators.nearest.neighbours.Rule` for
the rules.
"""

import numpy as np
from scipy.special import digamma

from minecli.estimators.nearest.neighbours import Rule


def distances(side):
    """Maximum-norm distances between all rows of `side`, shape (n, n)."""
    return np.abs(side[:, None, :] - side[None, :, :]).max(axis=2)


def slow_counts(x, z, k, rule):
    """Return a list of (joint, n_x, n_z, closed), one per row."""
    dx, dz = distances(x), distances(z)
    joint = np.maximum(dx, dz)
    found = []
    for i in range(len(x)):
        others = np.arange(len(x)) != i
        to_x, to_z, to_joint = dx[i, others], dz[i, others], joint[i, others]
        nearest_first = np.argsort(to_joint, kind="stable")
        eps = to_joint[nearest_first[k - 1]]
        found.append(_count_one(to_x, to_z, to_joint, nearest_first[:k], eps, k, rule))
    return found


def _count_one(to_x, to_z, to_joint, nearest, eps, k, rule):
    closed = (int((to_x <= eps).sum()), int((to_z <= eps).sum()))
    strict = (int((to_x < eps).sum()), int((to_z < eps).sum())) if eps > 0 else closed
    in_cube = int((to_joint <= eps).sum())
    if rule is Rule.CUBE:
        return (k, *strict, False)
    if rule is Rule.CLOSED_CUBE:
        return (k, *closed, True)
    if rule is Rule.MIXTURE:
        if eps == 0:
            return (in_cube + 1, *closed, False)
        at_edge = sum(closed) - sum(strict)
        return (in_cube, *closed, True) if at_edge > 1 else (k, *strict, False)
    if in_cube > k:
        return (in_cube, *closed, True)
    eps_x, eps_z = to_x[nearest].max(), to_z[nearest].max()
    return (k, int((to_x <= eps_x).sum()), int((to_z <= eps_z).sum()), True)


def slow_terms(x, z, k, rule):
    """The rows' contributions in nats: equation (8) for open counts, equation (9) for rectangles."""
    n = len(x)
    terms = []
    for joint, n_x, n_z, closed in slow_counts(x, z, k, rule):
        if rule is Rule.RECTANGLE:
            terms.append(digamma(joint) - 1 / joint + digamma(n) - digamma(n_x) - digamma(n_z))
        elif closed:
            terms.append(digamma(joint) + digamma(n) - digamma(n_x) - digamma(n_z))
        else:
            terms.append(digamma(joint) + digamma(n) - digamma(n_x + 1) - digamma(n_z + 1))
    return np.array(terms)
