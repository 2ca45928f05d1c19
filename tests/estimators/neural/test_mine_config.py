"""Weight decays: a tuple whatever they were read from, scaled to the rows there are, refused where meaningless."""

import json
import math
from dataclasses import asdict

import pytest

from minecli.errors import UsageError
from minecli.estimators.config import DECAY_ROWS, MOST_MEMBERS, MineConfig
from minecli.estimators.registry import ESTIMATORS

NEURAL = [name for name, entry in ESTIMATORS.items() if issubclass(entry.config, MineConfig)]


@pytest.mark.parametrize("name", NEURAL)
def test_a_config_survives_a_run_folder(name):
    config = ESTIMATORS[name].config(weight_decays=[0.0, 3])
    assert config.weight_decays == (0.0, 3)
    again = ESTIMATORS[name].config(**json.loads(json.dumps(asdict(config))))
    assert again == config
    assert hash(again) == hash(config)


def test_fewer_rows_make_decay_stronger_by_the_root():
    config = MineConfig(weight_decays=(0.0, 0.2, 5.0))
    assert config.weight_decays_for(DECAY_ROWS) == [0.0, 0.2, 5.0]
    assert config.weight_decays_for(DECAY_ROWS // 4) == pytest.approx([0.0, 0.4, 10.0], rel=1e-12)
    assert config.weight_decays_for(4 * DECAY_ROWS) == pytest.approx([0.0, 0.1, 2.5], rel=1e-12)


@pytest.mark.parametrize(
    "decays",
    [
        (),
        (1.0,) * (MOST_MEMBERS + 1),
        0.1,
        None,
        "0.1",
        (-0.1,),
        (0.1, math.nan),
        (math.inf,),
        ("1",),
        (True,),
        (100.0,),
    ],
)
def test_decays_that_mean_nothing_are_refused(decays):
    with pytest.raises(UsageError, match=r"weight_decays is .*; it must be"):
        MineConfig(weight_decays=decays)


@pytest.mark.parametrize("rows", [20, 100, 1000])
def test_no_step_of_a_default_run_turns_weights_around(rows):
    # A step multiplies weights by 1 - rate * decay, which must stay positive for the fewest rows there may be.
    config = MineConfig()
    assert config.learning_rate * max(config.weight_decays_for(rows)) < 1.0
