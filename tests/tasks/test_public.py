"""The 40 public tasks: their names, their published truths, and each truth once more from its densities."""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from inverse_maps import inverse
from scipy import stats

from minecli.runtime.seeds import generator
from minecli.tasks.public import PUBLIC
from minecli.tasks.registry import make_task, task_names
from minecli.tasks.task import parameters

# True information in nats, to the four digits of the benchmark's tables.
PUBLISHED = {
    "1v1-normal-0.75": 0.4133,
    "normal_cdf-1v1-normal-0.75": 0.4133,
    "1v1-additive-0.1": 1.7094,
    "1v1-additive-0.75": 0.3333,
    "1v1-bimodal-0.75": 0.4133,
    "wiggly-1v1-normal-0.75": 0.4133,
    "half_cube-1v1-normal-0.75": 0.4133,
    "student-identity-1-1-1": 0.2242,
    "asinh-student-identity-1-1-1": 0.2242,
    "swissroll_x-normal_cdf-1v1-normal-0.75": 0.4133,
    "multinormal-dense-2-2-0.5": 0.2939,
    "multinormal-dense-3-3-0.5": 0.4133,
    "multinormal-dense-5-5-0.5": 0.5928,
    "multinormal-dense-25-25-0.5": 1.2922,
    "multinormal-dense-50-50-0.5": 1.6243,
    "multinormal-sparse-2-2-2-2.0": 1.0217,
    "multinormal-sparse-3-3-2-2.0": 1.0217,
    "multinormal-sparse-5-5-2-2.0": 1.0217,
    "multinormal-sparse-25-25-2-2.0": 1.0217,
    "student-identity-2-2-1": 0.4319,
    "student-identity-2-2-2": 0.1931,
    "student-identity-3-3-2": 0.2909,
    "student-identity-3-3-3": 0.1787,
    "student-identity-5-5-2": 0.4482,
    "student-identity-5-5-3": 0.2985,
    "normal_cdf-multinormal-sparse-3-3-2-2.0": 1.0217,
    "normal_cdf-multinormal-sparse-5-5-2-2.0": 1.0217,
    "normal_cdf-multinormal-sparse-25-25-2-2.0": 1.0217,
    "half_cube-multinormal-sparse-3-3-2-2.0": 1.0217,
    "half_cube-multinormal-sparse-5-5-2-2.0": 1.0217,
    "half_cube-multinormal-sparse-25-25-2-2.0": 1.0217,
    "spiral-multinormal-sparse-3-3-2-2.0": 1.0217,
    "spiral-multinormal-sparse-5-5-2-2.0": 1.0217,
    "spiral-multinormal-sparse-25-25-2-2.0": 1.0217,
    "spiral-normal_cdf-multinormal-sparse-3-3-2-2.0": 1.0217,
    "spiral-normal_cdf-multinormal-sparse-5-5-2-2.0": 1.0217,
    "spiral-normal_cdf-multinormal-sparse-25-25-2-2.0": 1.0217,
    "asinh-student-identity-2-2-1": 0.4319,
    "asinh-student-identity-3-3-2": 0.2909,
    "asinh-student-identity-5-5-2": 0.4482,
}
ROWS = 8000
# Means are compared within five standard errors: a true value fails once in 1.7 million comparisons, of which this
# file makes about 120. The standard errors lie between 0.004 and 0.02 nats for the information.
SIGMAS = 5.0


def test_the_forty_names_in_order():
    assert list(PUBLIC) == list(PUBLISHED)
    assert len(PUBLIC) == 40
    assert all(task.name == name for name, task in PUBLIC.items())
    assert set(PUBLIC) < set(task_names())


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_truth(name):
    # Rounding to four digits is at most 5e-5.
    assert make_task(name).true_mi_nats() == pytest.approx(PUBLISHED[name], abs=5.001e-5)
    assert parameters(make_task(name)) == {}


def sparse_correlation(dim: int) -> np.ndarray:
    """Two signals of weight 2 on both sides, weight 2 of its own elsewhere, noise of weight 1 everywhere, rescaled."""
    loadings = np.zeros((2 * dim, 2 * dim - 2 + 2 * dim))
    for i in range(dim):
        loadings[i, i] = 2.0
        loadings[dim + i, i if i < 2 else dim + i - 2] = 2.0
    loadings[:, 2 * dim - 2 :] = np.eye(2 * dim)
    covariance = loadings @ loadings.T
    scale = np.sqrt(np.diag(covariance))
    return covariance / np.outer(scale, scale)


def base_law(name: str) -> tuple[int, Callable[[np.ndarray], object]]:
    """Columns per side, and the joint distribution of any set of columns before the maps, from the name alone."""
    if found := re.search(r"1v1-(normal|bimodal)-0\.75$", name):
        matrix, dof = np.array([[1.0, 0.75], [0.75, 1.0]]), math.inf
    elif found := re.search(r"multinormal-dense-(\d+)-\1-0\.5$", name):
        matrix, dof = 0.5 + 0.5 * np.eye(2 * int(found[1])), math.inf
    elif found := re.search(r"multinormal-sparse-(\d+)-\1-2-2\.0$", name):
        matrix, dof = sparse_correlation(int(found[1])), math.inf
    else:
        found = re.search(r"student-identity-(\d+)-\1-(\d)$", name)
        matrix, dof = np.eye(2 * int(found[1])), float(found[2])

    def law(columns):
        part = matrix[columns, columns]
        if math.isinf(dof):
            return stats.multivariate_normal(np.zeros(len(part)), part)
        return stats.multivariate_t(np.zeros(len(part)), part, df=dof)

    return len(matrix) // 2, law


def assert_mean(values, truth):
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(np.mean(values) - truth) < SIGMAS * error, (np.mean(values), truth, error)


@pytest.mark.parametrize("name", [name for name in PUBLISHED if "additive" not in name])
def test_densities_through_the_inverse_maps(name, seed):
    task = PUBLIC[name]
    x, z = task.sample(ROWS, generator(seed, "public", name))
    plain_x, plain_z = inverse(task.x_map, x), inverse(task.z_map, z)
    assert np.allclose(task.x_map.forward(plain_x), x, rtol=0, atol=1e-6 * (1 + np.abs(x)))
    assert np.allclose(task.z_map.forward(plain_z), z, rtol=0, atol=1e-6 * (1 + np.abs(z)))
    dim, law = base_law(name)
    assert plain_x.shape == plain_z.shape == (ROWS, dim)
    both, side_x, side_z = law(slice(0, 2 * dim)), law(slice(0, dim)), law(slice(dim, 2 * dim))
    joint = both.logpdf(np.hstack([plain_x, plain_z]))
    # Densities of the maps cancel from the ratio.
    ratio = joint - side_x.logpdf(plain_x) - side_z.logpdf(plain_z)
    assert_mean(ratio, task.true_mi_nats())
    # The sample follows the law the ratio rests on: as surprising as its entropies say, jointly and side by side.
    assert_mean(-joint, float(both.entropy()))
    assert_mean(-side_x.logpdf(plain_x), float(side_x.entropy()))


@pytest.mark.parametrize("name", [name for name in PUBLISHED if "normal" in name and "student" not in name])
def test_correlations_before_the_maps(name, seed):
    task = PUBLIC[name]
    x, z = task.sample(ROWS, generator(seed, "correlations", name))
    both = np.hstack([inverse(task.x_map, x), inverse(task.z_map, z)])
    dim, law = base_law(name)
    # The standard error of a product of unit normals is at most sqrt(2/n); of up to 5050 entries the largest deviation
    # exceeds 6 of them once in 100,000 tests.
    expected = law(slice(0, 2 * dim)).cov
    assert np.max(np.abs(both.T @ both / ROWS - expected)) < 6 * math.sqrt(2 / ROWS)


@pytest.mark.parametrize("epsilon", [0.1, 0.75])
def test_additive_by_its_densities(epsilon, seed):
    task = PUBLIC[f"1v1-additive-{epsilon}"]
    x, z = (side[:, 0] for side in task.sample(ROWS, generator(seed, "additive")))
    assert np.all((x > 0) & (x < 1) & (np.abs(z - x) < epsilon))
    length = np.minimum(1, z + epsilon) - np.maximum(0, z - epsilon)  # of the values of x that z leaves possible
    assert_mean(-np.log(length), task.true_mi_nats())
    assert stats.kstest(x, "uniform").pvalue > 1e-6
    assert stats.kstest(z - x, "uniform", args=(-epsilon, 2 * epsilon)).pvalue > 1e-6


@pytest.mark.parametrize(
    ("name", "law_x", "law_z"),
    [
        ("normal_cdf-1v1-normal-0.75", stats.uniform.cdf, stats.uniform.cdf),
        (
            "1v1-bimodal-0.75",
            lambda v: 0.3 * stats.norm.cdf(v) + 0.7 * stats.norm.cdf(v, 5),
            lambda v: 0.5 * stats.norm.cdf(v, -1) + 0.5 * stats.norm.cdf(v, 3),
        ),
        (
            "asinh-student-identity-1-1-1",
            lambda v: stats.cauchy.cdf(np.sinh(v)),
            lambda v: stats.cauchy.cdf(np.sinh(v)),
        ),
    ],
)
def test_margins(name, law_x, law_z, seed):
    x, z = PUBLIC[name].sample(ROWS, generator(seed, "margins", name))
    # Fails for a true law once in a million; detects a distribution function that is 0.04 off anywhere.
    assert stats.kstest(x[:, 0], law_x).pvalue > 1e-6
    assert stats.kstest(z[:, 0], law_z).pvalue > 1e-6


def turned(rows: np.ndarray, i: int, j: int) -> np.ndarray:
    """Every row turned in the plane (i, j) by its squared length over its dimension, as a complex number."""
    angle = np.sum(rows**2, axis=1) / rows.shape[1]
    plane = (rows[:, i] + 1j * rows[:, j]) * np.exp(-1j * angle)
    result = rows.copy()
    result[:, i], result[:, j] = plane.real, plane.imag
    return result


@pytest.mark.parametrize("dim", [3, 5, 25])
def test_spirals_by_complex_numbers(dim):
    x, z = PUBLIC[f"multinormal-sparse-{dim}-{dim}-2-2.0"].sample(100, generator(0, "spiral"))
    for prefix, plain in (("", (x, z)), ("normal_cdf-", (stats.norm.cdf(x), stats.norm.cdf(z)))):
        sample = PUBLIC[f"spiral-{prefix}multinormal-sparse-{dim}-{dim}-2-2.0"].sample(100, generator(0, "spiral"))
        # The x side turns its first two columns, the z side its second and third.
        assert np.allclose(sample[0], turned(plain[0], 0, 1), rtol=0, atol=1e-12)
        assert np.allclose(sample[1], turned(plain[1], 1, 2), rtol=0, atol=1e-12)


def test_wiggly_by_value():
    x, z = PUBLIC["1v1-normal-0.75"].sample(100, generator(0, "wiggly"))
    wiggly_x, wiggly_z = PUBLIC["wiggly-1v1-normal-0.75"].sample(100, generator(0, "wiggly"))
    added_x = 0.4 * np.sin(x) + 0.2 * np.sin(1.7 * x + 1) + 0.03 * np.sin(3.3 * x - 2.5)
    added_z = -0.4 * np.sin(0.4 * z) + 0.17 * np.sin(1.3 * z + 3.5) + 0.02 * np.sin(4.3 * z - 2.5)
    assert np.allclose(wiggly_x - x, added_x, rtol=0, atol=1e-12)
    assert np.allclose(wiggly_z - z, added_z, rtol=0, atol=1e-12)


def test_spirals_hide_the_linear_correlation(seed):
    plain = PUBLIC["multinormal-sparse-3-3-2-2.0"].sample(ROWS, generator(seed, "plain"))
    hidden = PUBLIC["spiral-multinormal-sparse-3-3-2-2.0"].sample(ROWS, generator(seed, "plain"))

    def strongest(pair):
        return np.max(np.abs(np.corrcoef(np.hstack(pair).T)[:3, 3:]))

    assert strongest(hidden) < 0.75 * strongest(plain)
