"""Every neural estimator of the registry on known truths, and what each says of itself."""

import math
from dataclasses import asdict

import numpy as np
import pytest

from minecli.errors import UsageError
from minecli.estimators.config import MineConfig, SmileConfig
from minecli.estimators.context import Context
from minecli.estimators.neural.held_out import COVERS, COVERS_NO_BOUND
from minecli.estimators.neural.mine import estimate_mine
from minecli.estimators.registry import ESTIMATORS
from minecli.mine.objectives import BOUNDS
from minecli.result import DiagnosticCode, Status

NEURAL = [name for name, entry in ESTIMATORS.items() if issubclass(entry.config, MineConfig)]
QUICK = {"folds": 2, "max_steps": 300, "batch_size": 128, "hidden": 32, "evaluate_every": 25}


def gaussian(rows, rho, seed, d=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, d))
    return x, rho * x + math.sqrt(1 - rho * rho) * rng.standard_normal((rows, d))


def config(name, **changes):
    return ESTIMATORS[name].config(**{**QUICK, **changes})


def codes(estimate):
    return {d.code for d in estimate.diagnostics}


def test_the_registry_has_one_for_every_bound():
    assert sorted(ESTIMATORS[name].config().bound for name in NEURAL) == sorted(BOUNDS)
    for name in NEURAL:
        assert ESTIMATORS[name].load() is estimate_mine
        assert ESTIMATORS[name].config.estimator == name


def test_settings_are_those_of_mine_but_for_what_suits_the_bound():
    assert {n: ESTIMATORS[n].config().bound for n in ("mine", "mine-f", "mine-js", "smile", "tuba")} == {
        "mine": "donsker-varadhan", "mine-f": "nwj", "mine-js": "jensen-shannon", "smile": "smile", "tuba": "tuba",
    }  # fmt: skip
    plain, contrastive = asdict(MineConfig()), asdict(ESTIMATORS["info-nce"].config())
    differing = {field: value for field, value in contrastive.items() if value != plain[field]}
    assert differing == {"bound": "info-nce", "batch_size": 256, "marginal_shifts": 8, "max_steps": 1200}
    assert list(plain) == list(contrastive)


@pytest.mark.parametrize("name", NEURAL)
def test_kind_and_interval_say_whether_it_is_a_lower_bound(name):
    is_bound = BOUNDS[config(name).bound].lower_bound
    assert is_bound is (name != "smile")
    assert (ESTIMATORS[name].kind == "lower bound") is is_bound
    estimate = estimate_mine(*gaussian(200, 0.5, 0), config(name, max_steps=20), Context())
    assert estimate.estimator == name
    assert estimate.interval.covers == (COVERS if is_bound else COVERS_NO_BOUND)
    assert "neither is a bound" in COVERS_NO_BOUND


@pytest.mark.parametrize("name", NEURAL)
@pytest.mark.parametrize("gaussian_base", [True, False])
def test_strong_dependence_within_a_band(name, gaussian_base, seed):
    x, z = gaussian(2000, 0.9, seed)
    estimate = estimate_mine(x, z, config(name, gaussian_base=gaussian_base), Context(seed=seed))
    # Truth 0.830. Standard errors are about 0.02, of which four: false-fail rate 6e-5; 300 steps without the base may
    # leave 0.04 more unlearnt, and InfoNCE's 256 re-pairings cost 0.01. An error of 0.13 would be found.
    slack = 0.01 if gaussian_base else 0.05
    assert 0.830 - 4 * estimate.standard_error_nats - slack < estimate.mi_nats
    assert estimate.mi_nats < 0.830 + 4 * estimate.standard_error_nats
    assert estimate.standard_error_nats < 0.03
    assert np.corrcoef(estimate.pointwise_nats, x[:, 0] * z[:, 0])[0, 1] > 0.3


@pytest.mark.parametrize("name", NEURAL)
def test_independence_is_about_zero(name, seed):
    estimate = estimate_mine(*gaussian(2000, 0.0, seed), config(name), Context(seed=seed))
    # Four standard errors at zero, which are 4/n each: 0.008. The scale chosen on validation rows silences the rest.
    assert abs(estimate.mi_nats) < 0.02
    assert 0.0 in estimate.interval
    assert DiagnosticCode.NO_DEPENDENCE_FOUND in codes(estimate)
    assert estimate.status is Status.CONVERGED


@pytest.mark.parametrize("name", NEURAL)
def test_same_seed_same_answer(name):
    x, z = gaussian(300, 0.5, 0)
    first, again = (estimate_mine(x, z, config(name, max_steps=30), Context(seed=4)) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("name", ["info-nce", "tuba"])
def test_resumed_estimate_equals_the_uninterrupted_one(name, tmp_path):
    x, z = gaussian(500, 0.5, 0)
    questions = iter(range(10**6))
    settings, file = config(name, max_steps=100), tmp_path / "state.pt"
    whole = estimate_mine(x, z, settings, Context())
    part = estimate_mine(x, z, settings, Context(checkpoint=file, should_stop=lambda: next(questions) >= 60))
    assert part.status is Status.INTERRUPTED
    assert estimate_mine(x, z, settings, Context(checkpoint=file)) == whole


def test_info_nce_says_that_it_is_near_its_ceiling(seed):
    # 5 columns a side, 4.15 nats; 256 re-pairings per row allow ln 257 = 5.55, and cost half a nat well before.
    x, z = gaussian(2000, 0.9, seed, d=5)
    estimate = estimate_mine(x, z, config("info-nce"), Context(seed=seed))
    assert DiagnosticCode.NEAR_LOG_N_CEILING in codes(estimate)
    assert not estimate.trustworthy
    assert estimate.details["bound_ceiling_nats"] == pytest.approx(math.log(257))
    assert estimate.mi_nats < math.log(257)
    assert "bound_ceiling_nats" not in estimate_mine(x, z, config("mine", max_steps=20), Context()).details


def test_info_nce_of_a_deterministic_relation_stays_below_its_ceiling():
    x, _ = gaussian(400, 0.0, 0, d=3)
    z = x @ np.array([[1.0, 2.0, 0.0], [1.0, -1.0, 1.0], [0.0, 1.0, 1.0]])
    estimate = estimate_mine(x, z, config("info-nce"), Context())
    # 200 held-out rows have 199 others each.
    assert estimate.details["bound_ceiling_nats"] == pytest.approx(math.log(200))
    assert estimate.mi_nats <= math.log(200)
    assert max(estimate.details["folds_nats"]) <= math.log(200)


def test_a_narrow_clip_moves_smile_and_a_wide_one_makes_it_mine_js(seed):
    x, z = gaussian(2000, 0.9, seed)
    few = {"max_steps": 100}
    wide, narrow = (estimate_mine(x, z, config("smile", clip=c, **few), Context(seed=seed)) for c in (100.0, 0.3))
    mine_js = estimate_mine(x, z, config("mine-js", **few), Context(seed=seed))
    assert wide.mi_nats == pytest.approx(mine_js.mi_nats, abs=1e-12)
    # The same networks on the same rows: equal folds would mean that the clip arrives nowhere.
    moved = np.subtract(narrow.details["folds_nats"], wide.details["folds_nats"])
    assert np.abs(moved).min() > 1e-3


@pytest.mark.parametrize("clip", [0.0, -1.0, float("inf"), float("nan"), "5", True])
def test_bad_clip_is_refused(clip):
    with pytest.raises(UsageError, match=r"clip is .*; it must be a (finite )?number above 0"):
        SmileConfig(clip=clip)


def test_settings_that_mean_nothing_are_no_settings():
    with pytest.raises(TypeError):
        MineConfig(clip=5.0)
    with pytest.raises(TypeError):
        ESTIMATORS["info-nce"].config(clip=5.0)
    assert "ema_decay" in ESTIMATORS["mine-f"].config.unused
    assert "ema_decay" not in MineConfig.unused


@pytest.mark.parametrize("entry", ESTIMATORS.values(), ids=ESTIMATORS)
def test_every_entry_says_in_one_line_what_it_is(entry):
    for text in (entry.summary, entry.assumes, entry.fails, entry.reference):
        assert 10 < len(text) < 120
        assert "\n" not in text
    assert any(c.isdigit() for c in entry.reference)
