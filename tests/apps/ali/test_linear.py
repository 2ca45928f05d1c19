"""Principal components against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from minecli.apps.ali import linear as pca
from minecli.apps.ali.linear import PcaCoder
from minecli.errors import UsageError


def rows(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)))


@pytest.mark.parametrize(("n", "d"), [(200, 6), (8, 30)])
def test_it_is_what_scikit_learn_gives(n, d):
    data, k = rows(n, d), 4
    ours, theirs = PcaCoder.fit(data, k), PCA(k, svd_solver="full").fit(data.numpy())
    np.testing.assert_allclose(np.abs(ours.components.numpy().T @ theirs.components_.T), np.eye(k), atol=1e-8)
    again = theirs.inverse_transform(theirs.transform(data.numpy()))
    np.testing.assert_allclose(ours.decode(ours.encode(data)).numpy(), again, atol=1e-8)
    np.testing.assert_allclose(ours.deviations.numpy(), np.sqrt(theirs.explained_variance_ * (n - 1) / n), rtol=1e-8)


@pytest.mark.parametrize(("n", "d"), [(50, 6), (8, 30)])
def test_parts_make_no_difference(monkeypatch, n, d):
    data = rows(n, d)
    whole = PcaCoder.fit(data, 3).state_dict()
    monkeypatch.setattr(pca, "_ROWS_AT_ONCE", 7)
    for name, value in PcaCoder.fit(data, 3).state_dict().items():
        torch.testing.assert_close(value, whole[name])


@pytest.mark.parametrize("d", [3, 30])
def test_components_are_orthonormal_beyond_the_rank_too(d):
    data = rows(4, 2) @ torch.ones(2, d, dtype=torch.float64)
    basis = PcaCoder.fit(data, 3).components
    torch.testing.assert_close(basis.T @ basis, torch.eye(3, dtype=torch.float64))


def test_all_components_lose_nothing_and_the_state_is_all():
    data = rows(50, 5)
    coder = PcaCoder.from_state(PcaCoder.fit(data, 5).state_dict())
    torch.testing.assert_close(coder.decode(coder.encode(data)), data)


def test_rows_without_variation_have_finite_codes():
    coder = PcaCoder.fit(torch.ones(10, 3), 2)
    assert torch.isfinite(coder.encode(torch.ones(4, 3)) / coder.deviations).all()


@pytest.mark.parametrize("count", [0, 4])
def test_more_components_than_there_are_is_an_error(count):
    with pytest.raises(UsageError, match="have 1 to 3"):
        PcaCoder.fit(torch.randn(10, 3), count)
