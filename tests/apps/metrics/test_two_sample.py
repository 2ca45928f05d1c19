import json
import math

import numpy as np
import pytest

from minecli.apps.metrics import two_sample as module
from minecli.apps.metrics.two_sample import two_sample_report
from minecli.errors import DataError, UsageError

LEAST_P = 1 / 201


def normal(rows, columns=2, rho=0.0, seed=0):
    draws = np.random.default_rng(seed).standard_normal((rows, columns))
    draws[:, 1:2] = rho * draws[:, :1] + math.sqrt(1 - rho**2) * draws[:, 1:2]
    return draws


def report(real, generated, seed=0):
    return two_sample_report(real, generated, [f"c{j}" for j in range(np.shape(real)[1])], seed)


def slow_energy(x, y):
    def mean(a, b):
        return np.mean([np.linalg.norm(p - q) for p in a for q in b])

    return 2 * mean(x, y) - mean(x, x) - mean(y, y)


def test_equal_distributions_look_equal():
    # A p-value is below 0.02 in one of 50 seeds; the share is within 0.05 in all but one of 500.
    found = report(normal(800, seed=1), normal(700, seed=2))
    assert all(c["ks_p_value"] > 0.02 for c in found["columns"])
    joint = found["joint"]
    assert joint["energy_p_value"] > 0.02
    assert joint["same_sample_share"] == pytest.approx(0.5, abs=0.05)
    assert joint["correlation"]["difference"] < 0.2


def test_a_shift_is_seen_by_its_column_and_jointly():
    real = normal(600, seed=1)
    found = report(real, normal(600, seed=2) + np.array([0.0, 1.0]))
    still, shifted = found["columns"]
    assert still["ks_p_value"] > 0.02
    assert shifted["ks_p_value"] < 1e-20
    # The largest difference of two normal distribution functions, 1 apart, is 2 Phi(1/2) - 1.
    assert shifted["ks"] == pytest.approx(0.383, abs=0.08)
    assert shifted["wasserstein"] == pytest.approx(1.0, abs=0.2)
    assert shifted["generated_mean"] - shifted["real_mean"] == pytest.approx(1.0, abs=0.2)
    assert found["joint"]["energy_p_value"] == pytest.approx(LEAST_P)
    assert found["joint"]["energy_distance"] > 5 * found["joint"]["energy_by_chance"]


def test_equal_columns_with_another_relation_are_seen_jointly_only():
    found = report(normal(600, 3, rho=0.9, seed=1), normal(600, 3, seed=2))
    assert all(c["ks_p_value"] > 0.02 for c in found["columns"])
    joint = found["joint"]
    assert joint["energy_p_value"] == pytest.approx(LEAST_P)
    assert joint["same_sample_share"] > 0.58
    pair = joint["correlation"]
    assert (pair["first"], pair["second"]) == ("c0", "c1")
    assert pair["real"] == pytest.approx(0.9, abs=0.05)
    assert pair["difference"] == pytest.approx(abs(pair["real"] - pair["generated"]))
    assert pair["difference"] > 0.7


def test_columns_by_hand():
    column = report(np.array([[0.0], [2.0], [4.0]]), np.array([[1.0], [3.0], [5.0]]))["columns"][0]
    assert column == {
        "name": "c0",
        "ks": pytest.approx(1 / 3),
        "ks_p_value": pytest.approx(1.0),
        "real_mean": 2.0,
        "generated_mean": 3.0,
        "real_std": 2.0,
        "generated_std": 2.0,
        "wasserstein": 0.5,
    }


def test_the_energy_distance_is_that_of_its_definition_in_any_unit_and_place():
    # Multiples of 1/1024 survive the addition of a large power of two.
    real, generated = (np.round(1024 * rows) / 1024 for rows in (normal(40, seed=1), normal(25, seed=2) + 0.5))
    unit = real.std(0, ddof=1)
    expected = slow_energy(real / unit, generated / unit)
    for factor, offset in (([1, 1], 0.0), ([1e-6, 1e6], 0.0), ([1, 1], 2.0**40)):
        found = report(real * factor + offset, generated * factor + offset)["joint"]
        assert found["energy_distance"] == pytest.approx(expected, rel=1e-6)


def test_the_p_value_is_uniform_under_equality():
    # 150 p-values: 5 % lie below 0.05, more than 17 of them with probability 4e-4. Sizes differ as users' do.
    rng = np.random.default_rng(0)
    values = []
    for seed in range(150):
        n, m = rng.integers(5, 60, 2)
        found = report(rng.exponential(size=(n, 2)), rng.exponential(size=(m, 2)), seed)
        values.append(found["joint"]["energy_p_value"])
    assert np.sum(np.array(values) < 0.05) <= 17
    assert np.mean(values) == pytest.approx(0.5, abs=0.1)


def test_nearest_neighbours_by_hand():
    # Two pairs of the same side, far from each other: every nearest neighbour is of the same side.
    apart = report(np.array([[0.0], [1.0]]), np.array([[50.0], [51.0]]))["joint"]
    assert apart["same_sample_share"] == 1.0
    assert apart["same_sample_by_chance"] == pytest.approx(1 / 3)
    # Copies: every row's nearest neighbour is its copy on the other side.
    copied = normal(100)
    assert report(copied, copied)["joint"]["same_sample_share"] == 0.0
    # Rows that are all alike share their votes: one of three others is of the same side.
    alike = report(np.ones((2, 1)), np.ones((2, 1)))["joint"]
    assert alike["same_sample_share"] == pytest.approx(1 / 3)


def test_the_share_does_not_depend_on_how_many_rows_each_side_has():
    found = report(normal(900, seed=1), normal(90, seed=2))["joint"]
    assert found["same_sample_by_chance"] == pytest.approx(89 / 179)
    assert found["same_sample_share"] == pytest.approx(0.5, abs=0.15)
    assert (found["real_rows"], found["generated_rows"]) == (900, 90)
    assert report(normal(900, seed=1), normal(90, seed=2) + 100)["joint"]["same_sample_share"] == 1.0


def test_one_generated_value_repeated_keeps_apart():
    found = report(normal(300), np.full((300, 2), 0.1))
    assert found["columns"][0]["generated_std"] == 0
    assert found["columns"][0]["ks_p_value"] < 1e-10
    assert found["joint"]["same_sample_share"] > 0.9
    assert found["joint"]["energy_p_value"] == pytest.approx(LEAST_P)
    assert found["joint"]["correlation"] is None


def test_many_rows_are_thinned_by_the_seed(monkeypatch):
    monkeypatch.setattr(module, "JOINT_ROWS", 50)
    real, generated = normal(200, seed=1), normal(120, seed=2)
    found = report(real, generated)
    assert (found["real_rows"], found["generated_rows"]) == (200, 120)
    assert (found["joint"]["real_rows"], found["joint"]["generated_rows"]) == (50, 50)
    assert report(real, generated) == found
    assert report(real, generated, seed=1)["joint"] != found["joint"]
    assert report(real, generated, seed=1)["columns"] == found["columns"]


def test_constant_columns():
    real, generated = normal(60, 3, seed=1), normal(60, 3, seed=2)
    real[:, 2] = generated[:, 2] = 0.1
    same = report(real, generated)
    assert same["columns"][2]["ks"] == 0
    assert same["columns"][2]["real_std"] == 0
    assert same["columns"][2]["wasserstein"] is None
    # A column without differences changes nothing.
    assert same["joint"] == report(real[:, :2], generated[:, :2])["joint"]
    generated[:, 2] = 0.2
    other = report(real, generated)
    assert other["columns"][2]["ks"] == 1
    assert other["joint"]["energy_p_value"] == pytest.approx(LEAST_P)
    assert other["joint"]["same_sample_share"] > 0.95


def test_repeated_values_are_no_difference():
    # Tossed dice: the exact p-value errs on the large side, and ties must not favour the own side.
    rng = np.random.default_rng(0)
    found = report(rng.integers(1, 7, (300, 2)), rng.integers(1, 7, (300, 2)))
    assert all(c["ks_p_value"] > 0.05 for c in found["columns"])
    assert found["joint"]["energy_p_value"] > 0.05
    assert found["joint"]["same_sample_share"] == pytest.approx(0.5, abs=0.05)


def test_p_values_are_good_on_both_sides_of_the_change_to_the_limit():
    # Different sizes around 1,000, without a warning, and close to each other.
    real, generated = normal(1001, 1, seed=1), normal(997, 1, seed=2)
    limit = report(real, generated)["columns"][0]["ks_p_value"]
    exact = report(real[:1000], generated)["columns"][0]["ks_p_value"]
    assert limit == pytest.approx(exact, abs=0.05)


def test_the_report_is_plain_also_of_wild_values():
    wild = np.array([[1e100, -1e-300], [-1e100, 1e-300], [0.0, 0.0]])
    for real, generated in ((normal(30), normal(30, seed=1)), (wild, normal(20)), (1e-45 * normal(20), wild)):
        json.dumps(report(real, generated), allow_nan=False)


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (np.ones((1, 2)), np.ones((5, 2)), "there are 1 real rows"),
        (np.ones((5, 2)), np.ones((0, 2)), "there are 0 generated rows"),
        (np.ones((5, 2)), np.ones((5, 3)), r"generated rows have shape \(5, 3\) and 2 column names"),
        (np.ones(5), np.ones((5, 2)), r"real rows have shape \(5,\)"),
        (np.ones((5, 2)), np.array([[0.0, 1.0], [0.0, math.nan]]), "generated column 'b' has values"),
        (np.array([[math.inf, 1.0], [0.0, 1.0]]), np.ones((5, 2)), "real column 'a' has values"),
        (np.array([[1e101, 1.0], [0.0, 1.0]]), np.ones((5, 2)), "beyond 1e\\+100"),
    ],
)
def test_what_cannot_be_compared(real, generated, message):
    with pytest.raises(DataError, match=message):
        two_sample_report(real, generated, ["a", "b"], 0)


def test_no_columns_and_wrong_seeds_are_refused():
    with pytest.raises(DataError, match="0 column names"):
        two_sample_report(np.ones((5, 0)), np.ones((5, 0)), [], 0)
    with pytest.raises(UsageError, match="seed is -1"):
        report(normal(5), normal(5), seed=-1)


def test_the_quick_distances_are_those_of_the_report():
    real, generated = normal(300, 3, rho=0.5, seed=1), normal(200, 3, seed=2)
    generated[:, 2] = generated[:, 2].round()
    found = report(real, generated)
    quick = module.ks_distances(np.sort(real, axis=0), generated)
    assert quick == pytest.approx([c["ks"] for c in found["columns"]], rel=1e-12)
    gaps = module.correlation_gaps(real, generated)
    apart = np.abs(np.corrcoef(real.T) - np.corrcoef(generated.T))
    assert gaps.mean_gap == pytest.approx((apart[0, 1] + apart[0, 2] + apart[1, 2]) / 3)
    assert module.correlation_gaps(real, generated * [1.0, 0.0, 0.0]) is None
    assert module.correlation_gaps(real, generated * [1.0, 0.0, 1.0]).varies == (0, 2)
