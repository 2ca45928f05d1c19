"""Both searches give the counts of the slow definition, exactly, on continuous, rounded and repeated values."""

import numpy as np
import pytest
from slow_knn import slow_counts

from minecli.errors import DeviceError
from minecli.estimators.nearest import neighbours_brute
from minecli.estimators.nearest.neighbour_search import choose_method, prepare
from minecli.estimators.nearest.neighbours import Rule
from minecli.estimators.nearest.neighbours_tree import _SortedColumn

RULES = list(Rule)
METHODS = ["tree", "brute"]


def continuous(d_x, d_z, n=150):
    g = np.random.default_rng(d_x + 10 * d_z)
    shared = g.standard_normal((n, 1))
    return shared + g.standard_normal((n, d_x)), shared - g.standard_normal((n, d_z))


def rounded(d_x, d_z, step=0.1):
    x, z = continuous(d_x, d_z)
    # Multiples of 0.1 are not exact in binary, so that x + eps and x_j often differ in the last bit alone.
    return np.round(x / step) * step, np.round(z / step) * step


def repeated():
    x, z = continuous(2, 1, n=40)
    rows = np.random.default_rng(3).integers(0, 40, 150)
    return x[rows], z[rows]


def letters():
    g = np.random.default_rng(4)
    return g.integers(0, 3, (150, 1)).astype(float), g.integers(0, 4, (150, 1)).astype(float)


def half_discrete():
    x, z = continuous(1, 1)
    return np.where(np.arange(150)[:, None] % 2 == 0, 0.0, x), z


DATA = {
    "1+1": continuous(1, 1),
    "2+3": continuous(2, 3),
    "5+5": continuous(5, 5),
    "rounded 1+1": rounded(1, 1),
    "rounded 2+2": rounded(2, 2, 0.3),
    "coarse 1+1": rounded(1, 1, 0.5),
    "repeated rows": repeated(),
    "letters": letters(),
    "half discrete": half_discrete(),
    "huge and tiny": (continuous(1, 1)[0] * 1e150, continuous(1, 1)[1] * 1e-150),
}


def as_tuples(counts):
    return list(zip(counts.joint.tolist(), counts.x.tolist(), counts.z.tolist(), counts.closed.tolist(), strict=True))


def search_in(x, z, k, method, threads=1, device="cpu"):
    return prepare(np.hstack([x, z]), x.shape[1], k, method=method, threads=threads, device=device)


@pytest.mark.parametrize("data", DATA.values(), ids=DATA.keys())
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("method", METHODS)
def test_counts_equal_the_slow_definition(data, rule, method):
    x, z = data
    for k in (1, 3, 10):
        found = search_in(x, z, k, method).counts(np.arange(len(x)), rule)
        assert as_tuples(found) == slow_counts(x, z, k, rule)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("method", METHODS)
def test_the_fewest_possible_rows(rule, method):
    x, z = np.array([[0.0], [1.0], [3.0], [3.0]]), np.array([[0.0], [5.0], [1.0], [1.0]])
    assert as_tuples(search_in(x, z, 3, method).counts(np.arange(4), rule)) == slow_counts(x, z, 3, rule)


@pytest.mark.parametrize("method", METHODS)
def test_some_rows_in_any_order(method):
    x, z = DATA["rounded 2+2"]
    rows = np.array([149, 3, 3, 70])
    expected = slow_counts(x, z, 3, Rule.CUBE)
    assert as_tuples(search_in(x, z, 3, method).counts(rows, Rule.CUBE)) == [expected[i] for i in rows]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_small_bands_and_two_threads_change_nothing(rule, monkeypatch):
    x, z = DATA["rounded 2+2"]
    expected = search_in(x, z, 3, "brute").counts(np.arange(150), rule)
    monkeypatch.setattr(neighbours_brute, "_CPU_BAND_ROWS", 7)
    found = search_in(x, z, 3, "brute", threads=2).counts(np.arange(150), rule)
    assert as_tuples(found) == as_tuples(expected)


def test_the_tree_counts_the_same_with_two_threads():
    x, z = DATA["2+3"]
    one = search_in(x, z, 3, "tree").counts(np.arange(150), Rule.CUBE)
    two = search_in(x, z, 3, "tree", threads=2).counts(np.arange(150), Rule.CUBE)
    assert as_tuples(one) == as_tuples(two)


def test_brute_force_leaves_torchs_thread_count_as_it_was():
    import torch

    before = torch.get_num_threads()
    x, z = DATA["5+5"]
    search_in(x, z, 3, "brute", threads=2).counts(np.arange(150), Rule.CUBE)
    assert torch.get_num_threads() == before


def test_bands_shrink_with_the_number_of_rows(monkeypatch):
    monkeypatch.setattr(neighbours_brute, "_CPU_BAND_BYTES", 25 * 150 * 4)
    x, z = DATA["1+1"]
    assert search_in(x, z, 3, "brute").chunk_rows == 4 * 8


def test_bisection_settles_edges_that_were_rounded():
    # 0.1 + 0.2 exceeds 0.3 by one bit, and 0.3 - 0.1 falls short of 0.2: the bound is inside, the difference says out.
    column = np.array([0.1, 0.3, 0.30000000000000004, 0.5])
    counter = _SortedColumn(column)
    for centre in column:
        for other in column:
            for radius in (
                abs(other - centre),
                np.nextafter(abs(other - centre), 0),
                np.nextafter(abs(other - centre), 1),
            ):
                expected = int((np.abs(column - centre) <= radius).sum())
                assert counter.within(np.array([[centre]]), np.array([radius])).tolist() == [expected]


def test_bisection_on_many_decimal_values():
    values = np.random.default_rng(0).integers(-300, 300, 400) * 0.01
    counter = _SortedColumn(values)
    for step in range(1, 40):
        radii = np.full(400, step * 0.01)
        expected = (np.abs(values[None, :] - values[:, None]) <= radii[:, None]).sum(axis=1)
        assert counter.within(values[:, None], radii).tolist() == expected.tolist()


def test_the_choice_follows_its_rule():
    assert [choose_method(10_000, d) for d in (2, 10, 11, 40)] == ["tree", "tree", "brute", "brute"]
    assert choose_method(1_999, 500) == "tree"
    assert choose_method(2_000, 500) == "brute"
    assert choose_method(10_000_000, 27) == "tree"


def test_auto_uses_the_choice():
    x, z = DATA["5+5"]
    assert search_in(x, z, 3, "auto").method == "tree"


def test_a_missing_device_is_an_error():
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    x, z = DATA["1+1"]
    with pytest.raises(DeviceError, match=r"^the device cuda:0 cannot be used: .+ \(try --device cpu\)$"):
        search_in(x, z, 3, "brute", device="cuda:0")


@pytest.mark.gpu
@pytest.mark.parametrize("data", DATA.values(), ids=DATA.keys())
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_gpu_counts_the_same(data, rule):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x, z = data
    found = search_in(x, z, 3, "brute", device="cuda:0").counts(np.arange(len(x)), rule)
    assert as_tuples(found) == slow_counts(x, z, 3, rule)
