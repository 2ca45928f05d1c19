"""Samples under a condition: exact, limited, and explained where there are none."""

import numpy as np
import pyarrow as pa
import pytest

from minecli.apps.gan import conditional
from minecli.apps.gan.conditional import condition_of, draw_where
from minecli.errors import DataError, UsageError
from minecli.tables.origins import Origin

ORIGINS = (
    Origin("odor", "text", ("odor=a", "odor=n"), pa.string(), levels=("a", "n", "x y")),
    Origin("age", "integer", ("age",), pa.int64()),
    Origin("member", "boolean", ("member",), pa.bool_()),
    Origin("code", "category", ("code=1", "code=2"), pa.int64(), levels=(1, 2, 3)),
    Origin("odd name", "float", ("odd name",), pa.float64()),
)


def drawing(seed):
    """A generator of tables, and the share of each level."""
    rng = np.random.default_rng(seed)

    def draw(count):
        return {
            "odor": pa.array(rng.choice(["a", "n", "x y"], count, p=[0.01, 0.79, 0.2])),
            "age": pa.array(rng.integers(0, 100, count)),
            "member": pa.array(rng.random(count) < 0.5),
            "code": pa.array(rng.integers(1, 4, count)),
            "odd name": pa.array(rng.random(count)),
        }

    return draw


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["odor=a"], "(col('odor') == 'a')"),
        (["odor = 'x y'"], "(col('odor') == 'x y')"),
        (["odor=x y", "age=30"], "(col('odor') == 'x y') and (col('age') == 30)"),
        (["member=True"], "(col('member') == True)"),
        (["code=2"], "(col('code') == 2)"),
        (["odd name=0.5"], "(col('odd name') == 0.5)"),
        (["age > 30 or member"], "(age > 30 or member)"),
    ],
)
def test_conditions_are_read_by_the_columns(texts, expected):
    assert condition_of(texts, ORIGINS).text == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("odor=q", r"column 'odor' has no level 'q'; it has 'a', 'n', 'x y'"),
        ("odor in ['a', 'q']", r"column 'odor' has no level 'q'"),
        ("'nn' == odor", r"column 'odor' has no level 'nn'.*did you mean n\?"),
        ("code=7", r"column 'code' has no level '7'; it has '1', '2', '3'"),
        ("oder=a", r"no column 'oder'.*did you mean odor\?"),
        ("weight > 3", r"no column 'weight'.*it has 'odor', 'age'"),
        ("age=old", "cannot be compared"),
        ("age >", "is no condition"),
    ],
)
def test_what_is_no_condition_is_explained(text, message):
    with pytest.raises(UsageError, match=message):
        draw_where(drawing(0), 5, condition_of([text], ORIGINS))


def test_rows_satisfy_the_condition_and_are_those_of_the_generator():
    drawn = draw_where(drawing(0), 3000, condition_of(["age < 10", "odor=n"], ORIGINS))
    table = pa.table(drawn.columns)
    assert table.num_rows == 3000
    assert set(table["odor"].to_pylist()) == {"n"}
    ages = table["age"].to_numpy()
    assert ages.max() < 10
    # Uniform below 10, as the generator's own are: four standard errors.
    assert abs(ages.mean() - 4.5) < 4 * np.sqrt(99 / 12 / 3000)
    assert drawn.share == pytest.approx(0.079, abs=0.006)


def test_the_same_draws_give_the_same_rows():
    one, two = (draw_where(drawing(3), 20, condition_of(["odor=a"], ORIGINS)) for _ in range(2))
    assert pa.table(one.columns).equals(pa.table(two.columns))


def test_rows_that_are_too_rare_are_refused_with_their_share(monkeypatch):
    monkeypatch.setattr(conditional, "MOST_DRAWS", 4000)
    with pytest.raises(DataError, match=r"of 4,000 samples .* satisfy --where .*and 39 rows.*try -n "):
        draw_where(drawing(0), 39, condition_of(["odor=a", "age<50"], ORIGINS))
    with pytest.raises(DataError, match="none of 4,000 samples satisfies --where"):
        draw_where(drawing(0), 10, condition_of(["age > 1000"], ORIGINS))
