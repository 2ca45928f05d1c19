"""Which rows which model sees: members of a part lie side by side and share its rows, parts do not."""

import numpy as np
import pytest
import torch

from minecli.estimators.config import MineConfig
from minecli.estimators.neural import rows as rows_module
from minecli.estimators.neural.features import FeatureMap
from minecli.estimators.neural.rows import Batching, ModelRows, split_rows
from minecli.mine.objectives import BOUNDS
from minecli.mine.statistics_network import StatisticsNetwork

OBJECTIVES = {name: bound.objective() for name, bound in BOUNDS.items()}

F64 = torch.float64


def model_rows(members, rows=200, batch_size=16, preprocess="none", dtype=F64, steps=None):
    x = np.random.default_rng(0).standard_normal((rows, 2))
    z = x[:, :1] + np.random.default_rng(1).standard_normal((rows, 1))
    split = split_rows(rows, MineConfig(folds=3), seed=0)
    maps = [(FeatureMap(x, preprocess), FeatureMap(z, preprocess))] * len(split)
    how = Batching(batch_size=batch_size, seed=5, dtype=dtype, members=members, steps=steps)
    return ModelRows(x, z, split, maps, how)


def network(models, seed=0):
    made = StatisticsNetwork(models, 2, 1, hidden=4, generator=torch.Generator().manual_seed(seed), dtype=F64)
    with torch.no_grad():
        made.readout.normal_(generator=torch.Generator().manual_seed(seed + 1))
    return made


@pytest.mark.parametrize("cache", [None, 0])
def test_a_batch_repeats_each_parts_rows_for_its_members(monkeypatch, cache):
    if cache is not None:
        monkeypatch.setattr(rows_module, "CACHE_BYTES", cache)
    alone, shared = model_rows(1), model_rows(2)
    for step in (0, 1, 30):  # the last is of another epoch
        for one, two in zip(alone.batch(step), shared.batch(step), strict=True):
            assert two.shape == (6, *one.shape[1:])
            for model in range(6):
                assert torch.equal(two[model], one[model // 2])
            assert not torch.equal(two[0], two[2])


def test_held_out_rows_are_those_of_the_part_for_all_its_models():
    rows = model_rows(2)
    for part in range(3):
        held_out = rows.split[part].held_out
        x, z = rows.of_part(part, held_out)(slice(3, 9))
        at = held_out[3:9]
        assert len(x) == len(z) == 1
        assert np.array_equal(x[0].numpy(), rows.x[at])
        assert np.array_equal(z[0].numpy(), rows.z[at])


def test_each_member_is_validated_on_the_validation_rows_of_its_part():
    rows, net = model_rows(2), network(6)
    scores = rows.validation_scores(net, 8)
    size = min(len(part.validation) for part in rows.split)
    assert scores.shape[0] == 6
    assert scores.shape[2] == size
    for model in range(6):
        at = rows.split[model // 2].validation[:size]
        x, z = torch.from_numpy(rows.x[at])[None], torch.from_numpy(rows.z[at])[None]
        one = net.select([model])
        assert torch.allclose(scores[model, 0], one(one.project_x(x), one.project_z(z))[0], atol=1e-12)
    objective = OBJECTIVES["donsker-varadhan"]
    assert rows.validation(objective)(net).shape == (6,)


def test_members_with_the_same_weights_have_the_same_criterion():
    rows, net = model_rows(2), network(6)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter[1::2] = parameter[::2]
    values = rows.validation(OBJECTIVES["donsker-varadhan"])(net)
    assert torch.equal(values[::2], values[1::2])
    assert len(set(values.tolist())) == 3


@pytest.mark.parametrize("preprocess", ["rank", "standardize", "none"])
def test_features_are_the_same_numbers_kept_or_not(monkeypatch, preprocess):
    kept = model_rows(2, preprocess=preprocess, dtype=torch.float32)
    monkeypatch.setattr(rows_module, "CACHE_BYTES", 0)
    monkeypatch.setattr(rows_module, "CHUNK_VALUES", 50)  # a few rows at a time
    computed = model_rows(2, preprocess=preprocess, dtype=torch.float32)
    assert (kept._cache is None, computed._cache is None) == (False, True)
    for step in (0, 5):
        for one, other in zip(kept.batch(step), computed.batch(step), strict=True):
            assert torch.equal(one, other)
    for one, other in zip(kept._validation_features, computed._validation_features, strict=True):
        assert torch.equal(one, other)


def test_features_are_kept_where_training_comes_back_to_the_rows(monkeypatch):
    rows = model_rows(1).training_rows
    often = -(-2 * rows // 16)
    assert model_rows(1, steps=often)._cache is not None
    assert model_rows(1, steps=often - 1)._cache is None
    # Three parts of 200 rows with 2 + 1 columns of float64.
    size = 3 * 200 * 3 * 8
    monkeypatch.setattr(rows_module, "CACHE_BYTES", size)
    assert model_rows(1, steps=often)._cache is not None
    monkeypatch.setattr(rows_module, "available_bytes", lambda: 4 * size - 1)
    assert model_rows(1, steps=often)._cache is None


def test_no_epoch_is_too_long_for_the_numbers_of_its_rows():
    assert np.iinfo(np.int32).max >= rows_module.LONGEST_EPOCH


def test_an_epoch_visits_every_training_row_once():
    rows = model_rows(1, rows=200, batch_size=10)
    per_epoch = rows.training_rows // 10
    visited = np.concatenate([rows._places(step) for step in range(per_epoch)], axis=1)
    for part in visited:
        assert len(set(part.tolist())) == per_epoch * 10
