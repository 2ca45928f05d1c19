"""Canonical correlations: against their definition, their invariances, and the edge of noise."""

import numpy as np
import pytest

from minecli.mine.canonical import canonical_correlations, shrink_correlations

# Products of float64 matrices of a few thousand rows, scaled to unit variance.
ROUNDING = 1e-9


def correlated(rng, rows=2000, rho=(0.8, 0.3)):
    x = rng.standard_normal((rows, 3))
    z = rng.standard_normal((rows, 2))
    for i, r in enumerate(rho):
        z[:, i] = r * x[:, i] + np.sqrt(1 - r * r) * z[:, i]
    return x, z


def test_variates_are_white_and_correlate_pairwise(seed):
    x, z = correlated(np.random.default_rng(seed))
    found = canonical_correlations(x, z)
    u, v = (x - found.x_mean) @ found.x_weights, (z - found.z_mean) @ found.z_weights
    assert np.allclose(u.T @ u / len(x), np.eye(2), atol=ROUNDING)
    assert np.allclose(v.T @ v / len(x), np.eye(2), atol=ROUNDING)
    assert np.allclose(u.T @ v / len(x), np.diag(found.correlations), atol=ROUNDING)


def test_invariant_under_affine_maps(seed):
    rng = np.random.default_rng(seed)
    x, z = correlated(rng)
    mapped = x @ rng.standard_normal((3, 3)) + 5.0
    expected = canonical_correlations(x, z).correlations
    assert np.allclose(canonical_correlations(mapped, -3.0 * z).correlations, expected, atol=1e-7)


def test_dependent_and_constant_columns_are_left_out(seed):
    x, z = correlated(np.random.default_rng(seed))
    padded = np.column_stack([x, x[:, 0] + x[:, 1], np.full(len(x), 7.0)])
    found = canonical_correlations(padded, z)
    assert found.x_rank == 3
    assert np.allclose(found.correlations, canonical_correlations(x, z).correlations, atol=1e-7)


def test_noise_is_shrunk_to_zero_and_signal_kept(seed):
    rng = np.random.default_rng(seed)
    x, z = rng.standard_normal((3000, 20)), rng.standard_normal((3000, 20))
    z[:, 0] = 0.8 * x[:, 0] + 0.6 * z[:, 0]
    found = canonical_correlations(x, z)
    shrunk = shrink_correlations(found.correlations, 3000, 20, 20)
    # Null correlations reach (sqrt 20 + sqrt 20) / sqrt 3000 = 0.163; a second one may stick out by the width of the
    # largest singular value's distribution, never by as much as 0.1.
    assert found.correlations[1] > 0.1
    assert shrunk[1] < 0.1
    assert (shrunk[2:] == 0.0).all()
    # Standard error of a correlation of 0.8: 0.36 / sqrt 3000 = 0.007; 5 of them.
    assert shrunk[0] == pytest.approx(0.8, abs=0.035)


def test_as_many_columns_as_rows_support_nothing():
    rng = np.random.default_rng(0)
    found = canonical_correlations(rng.standard_normal((70, 40)), rng.standard_normal((70, 40)))
    assert found.correlations[0] == pytest.approx(1.0)
    assert (shrink_correlations(found.correlations, 70, found.x_rank, found.z_rank) == 0.0).all()
    assert len(shrink_correlations(np.zeros(0), 70, 0, 0)) == 0


def test_shrinking_never_increases_or_disorders():
    r = np.linspace(1.0, 0.0, 101)
    shrunk = shrink_correlations(r, 500, 5, 3)
    assert (shrunk <= r).all()
    assert (np.diff(shrunk) <= 0.0).all()
