"""The neural estimator as a whole: known truths, guards, protocols, interruption, and what it says of itself."""

import functools
import math

import numpy as np
import pytest
import torch

from minecli.errors import DataError
from minecli.estimators.config import MineConfig
from minecli.estimators.context import Context
from minecli.estimators.neural import cross_fitting
from minecli.estimators.neural.cross_fitting import CrossFitting
from minecli.estimators.neural.held_out import RESOLUTION, Collected, Summary
from minecli.estimators.neural.mine import estimate_mine
from minecli.estimators.outcome import run_estimators
from minecli.estimators.registry import ESTIMATORS
from minecli.mine import fitting as fitting_module
from minecli.mine.contributions import RowTerms
from minecli.mine.evaluation import fit_weights, score_matrix
from minecli.result import DiagnosticCode, Status

# Small and quick: two folds, few steps. What is learnt from the Gaussian base alone needs no more.
QUICK = {"folds": 2, "max_steps": 200, "batch_size": 128, "hidden": 32, "evaluate_every": 25}


def gaussian(rows, rho, seed, d=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, d))
    return x, rho * x + math.sqrt(1 - rho * rho) * rng.standard_normal((rows, d))


@functools.cache
def of_repeats(repeats):
    """The estimate that several tests compare others with."""
    return estimate_mine(*gaussian(600, 0.8, 0), MineConfig(**QUICK, repeats=repeats), Context())


def codes(estimate):
    return {d.code for d in estimate.diagnostics}


@pytest.mark.parametrize("config", [MineConfig(**QUICK), ESTIMATORS["mine-f"].config(**QUICK)])
@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_gaussian_within_its_standard_error(config, rho, seed):
    x, z = gaussian(3000, rho, seed)
    estimate = estimate_mine(x, z, config, Context(seed=seed))
    truth = -0.5 * math.log(1 - rho * rho)
    # Four standard errors: false-fail rate 6e-5 each. They are about 0.015, so an error of 0.06 would be found.
    assert abs(estimate.mi_nats - truth) < 4 * estimate.standard_error_nats
    assert estimate.standard_error_nats < 0.03
    assert estimate.status is Status.CONVERGED
    assert estimate.estimator == config.estimator


@pytest.mark.parametrize("d", [1, 10])
def test_independent_columns_cover_zero(d, seed):
    x, z = gaussian(2000, 0.0, seed, d)
    estimate = estimate_mine(x, z, MineConfig(**QUICK), Context(seed=seed))
    assert 0.0 in estimate.interval
    assert estimate.interval.high_nats < 0.02
    assert DiagnosticCode.NO_DEPENDENCE_FOUND in codes(estimate)
    # An estimator that always answers 0 must not pass: 0.05 nats in the same noise are seen.
    planted = z.copy()
    planted[:, 0] = 0.31 * x[:, 0] + math.sqrt(1 - 0.31**2) * z[:, 0]
    estimate = estimate_mine(x, planted, MineConfig(**QUICK), Context(seed=seed))
    assert estimate.interval.low_nats > 0.0
    assert DiagnosticCode.NO_DEPENDENCE_FOUND not in codes(estimate)


def test_nonlinear_dependence_without_correlation_is_found(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3000, 1))
    z = np.abs(x) + 0.3 * rng.standard_normal((3000, 1))
    estimate = estimate_mine(x, z, MineConfig(**{**QUICK, "max_steps": 400}), Context(seed=seed))
    # I(X; |X| + noise) lies near 0.5 ln(var / noise var) = 0.5 ln(0.363 / 0.09 + 1) = 0.81; no linear method sees any.
    assert estimate.mi_nats > 0.5


def test_dependence_in_the_common_scale_is_found(seed):
    # 5 + 5 Student-t with 2 degrees of freedom, identity scale: 0.448 nats, no correlation, heavy tails.
    rng = np.random.default_rng(seed)
    t = rng.standard_normal((4000, 10)) / np.sqrt(rng.chisquare(2, (4000, 1)) / 2)
    estimate = estimate_mine(
        t[:, :5], t[:, 5:], MineConfig(**{**QUICK, "folds": 4, "max_steps": 500}), Context(seed=seed)
    )
    # A critic on ranks alone reaches 0.196 at n = 10,000; the radial feature is what brings it here.
    assert 0.3 < estimate.mi_nats < 0.448 + 4 * estimate.standard_error_nats


@pytest.mark.parametrize("preprocess", ["rank", "standardize"])
def test_cauchy_data_do_not_explode(preprocess, seed):
    # 1 + 1 Cauchy (Student-t, 1 degree of freedom): 0.224 nats. One runaway score would be the whole log-mean-exp.
    rng = np.random.default_rng(seed)
    t = rng.standard_normal((4000, 2)) / np.sqrt(rng.chisquare(1, (4000, 1)))
    config = MineConfig(**{**QUICK, "preprocess": preprocess})
    estimate = estimate_mine(t[:, :1], t[:, 1:], config, Context(seed=seed))
    assert -0.05 < estimate.mi_nats < 0.224 + 4 * estimate.standard_error_nats
    assert estimate.details["training_nats"] < 0.4
    if preprocess == "rank":
        assert estimate.mi_nats > 0.224 - 0.06


def test_one_enormous_value_changes_next_to_nothing(seed):
    x, z = gaussian(2000, 0.8, seed)
    clean = estimate_mine(x, z, MineConfig(**QUICK), Context(seed=seed))
    x[11], z[12] = 1e300, -1e300
    dirty = estimate_mine(x, z, MineConfig(**QUICK), Context(seed=seed))
    # One joint pair of 2000 may move the mean by at most its bounded score, 2 ln(2000) / 2000 = 0.008, twice.
    assert dirty.mi_nats == pytest.approx(clean.mi_nats, abs=0.03)


def test_same_variable_on_both_sides_is_said_to_be_infinite():
    x, _ = gaussian(100, 0.0, 0)
    estimate = estimate_mine(x, np.exp(-x), MineConfig(**QUICK), Context())
    assert (estimate.mi_nats, estimate.status) == (None, Status.INFINITE)
    assert DiagnosticCode.IDENTICAL_COLUMNS in codes(estimate)


def test_deterministic_relation_is_flagged_at_the_ceiling():
    x, _ = gaussian(2000, 0.0, 0, d=3)
    estimate = estimate_mine(x, x @ np.array([[1.0, 2.0], [1.0, -1.0], [0.0, 1.0]]), MineConfig(**QUICK), Context())
    assert DiagnosticCode.NEAR_LOG_N_CEILING in codes(estimate)
    assert not estimate.trustworthy


def test_same_seed_same_answer_and_another_seed_another():
    x, z = gaussian(500, 0.5, 0)
    config = MineConfig(**{**QUICK, "max_steps": 75})
    first, again, other = (estimate_mine(x, z, config, Context(seed=s)) for s in (1, 1, 2))
    assert first == again
    assert first.mi_nats != other.mi_nats


def test_pointwise_terms_average_to_the_estimate():
    x, z = gaussian(600, 0.8, 0)
    estimate = of_repeats(1)
    assert len(estimate.pointwise_nats) == 600
    assert np.mean(estimate.pointwise_nats) == pytest.approx(estimate.mi_nats, abs=1e-9)
    # The true log ratio of each row, for comparison: the two must go together.
    r2 = 0.64
    true = -0.5 * math.log(1 - r2) - (r2 * (x**2 + z**2) - 1.6 * x * z) / (2 * (1 - r2))
    assert np.corrcoef(estimate.pointwise_nats, true[:, 0])[0, 1] > 0.95


def test_repeats_are_averaged_over_the_same_rows():
    estimate, once = of_repeats(3), of_repeats(1)
    assert estimate.details["models"] == 12  # three repeats of two folds of two networks
    assert len(estimate.pointwise_nats) == 600
    assert estimate.mi_nats == pytest.approx(np.mean(estimate.details["folds_nats"]), abs=1e-9)
    # The first repeat is what would be without the others, and these are others.
    assert estimate.details["folds_nats"][:2] == once.details["folds_nats"]
    assert len(set(estimate.details["folds_nats"])) == 6


def test_a_target_adds_repeats_until_it_is_reached_or_the_budget_ends(monkeypatch):
    x, z = gaussian(600, 0.8, 0)
    asked = {**QUICK, "max_repeats": 3}

    def repeats_at(target):
        estimate = estimate_mine(x, z, MineConfig(**asked, target_precision=target), Context())
        return estimate.details["repeats"], DiagnosticCode.PRECISION_NOT_REACHED in codes(estimate), estimate

    plain, thrice = of_repeats(1), of_repeats(3)
    width = plain.interval.high_nats - plain.interval.low_nats
    assert repeats_at(1.01 * width)[:2] == (1, False)
    # Far below what the rows allow, repeats are not begun in vain.
    done, missed, hopeless = repeats_at(0.01 * width)
    assert (done, missed) == (1, True)
    assert any("only more rows help" in d.message for d in hopeless.diagnostics)
    # With nothing known to come from the rows, all of the budget is used.
    monkeypatch.setattr(Summary, "least_width_nats", 0.0)
    done, missed, spent = repeats_at(0.01 * width)
    assert (done, missed) == (3, True)
    assert spent.mi_nats == thrice.mi_nats


def test_an_interruption_keeps_the_repeats_that_are_done():
    x, z = gaussian(600, 0.8, 0)
    stage = []
    context = Context(observer=lambda e: stage.append(e.stage), should_stop=lambda: "mine (repeat 2)" in stage)
    cut = estimate_mine(x, z, MineConfig(**QUICK, repeats=3), context)
    assert (cut.status, cut.details["repeats"], cut.mi_nats) == (Status.INTERRUPTED, 1, of_repeats(1).mi_nats)


def test_every_repeat_has_its_own_checkpoint(tmp_path):
    x, z = gaussian(600, 0.8, 0)
    config = MineConfig(**{**QUICK, "max_steps": 50}, repeats=2)
    path = tmp_path / "mine.pt"
    whole = estimate_mine(x, z, config, Context(checkpoint=path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine-2.pt", "mine.pt"]
    (tmp_path / "mine-2.pt").unlink()
    steps = []
    resumed = estimate_mine(x, z, config, Context(checkpoint=path, observer=lambda e: steps.append(e.stage)))
    assert resumed == whole
    assert "mine" not in steps  # the first repeat was not trained again


def test_paper_protocol_evaluates_on_the_training_rows(seed):
    x, z = gaussian(300, 0.0, seed, d=10)
    config = {**QUICK, "max_steps": 300}
    paper = estimate_mine(x, z, MineConfig(**config, protocol="paper"), Context(seed=seed))
    held_out = estimate_mine(x, z, MineConfig(**config), Context(seed=seed))
    assert DiagnosticCode.IN_SAMPLE in codes(paper)
    # Truth 0. In-sample, 300 rows of 20 columns are fitted far above it; held out, they are not.
    assert paper.mi_nats > held_out.mi_nats + 4 * held_out.standard_error_nats
    assert paper.mi_nats > 0.2


def test_paper_protocol_does_not_depend_on_the_order_of_the_rows(monkeypatch, seed):
    from minecli.mine import evaluation

    # Rows are re-paired within blocks; in a sorted table a block in file order would hold its own kind only.
    monkeypatch.setattr(evaluation, "BLOCK_ROWS", 100)
    x, z = gaussian(1000, 0.9, seed)
    order = np.argsort(x[:, 0])
    estimate = estimate_mine(x[order], z[order], MineConfig(**QUICK, protocol="paper"), Context(seed=seed))
    # Truth 0.830; in file order it came out near 0. Four standard errors of 0.03, and what 1000 rows overfit.
    assert estimate.mi_nats > 0.830 - 4 * 0.03


def test_held_out_rows_do_not_choose_when_their_own_model_stops(monkeypatch):
    """Change z in the rows held out from model 0, which validate model 1: model 0 must not notice."""
    x, z = gaussian(400, 0.5, 0)
    config = MineConfig(**{**QUICK, "folds": 2, "max_steps": 600, "patience": 2})
    jobs = [CrossFitting.prepare(x, z, config, Context())]
    changed = z.copy()
    held_out = jobs[0].rows.split[0].held_out
    changed[held_out] = np.random.default_rng(1).standard_normal((len(held_out), 1))
    jobs.append(CrossFitting.prepare(x, changed, config, Context()))
    for job in jobs:
        job.train()
    # What is held out from model 0 validates fold 1, whose models have noticed.
    last = [job.training.history[-1].by_model_nats[-1] for job in jobs]
    assert last[0] != last[1]
    for a, b in zip(*(job.training.best.parameters() for job in jobs), strict=True):
        assert np.array_equal(a[0].detach().numpy(), b[0].detach().numpy())


def test_held_out_rows_do_not_choose_how_networks_are_combined():
    """Break the dependence in the rows held out from part 0: the weights of its networks are fitted to other rows."""
    x, z = gaussian(600, 0.8, 0)
    config = MineConfig(**{**QUICK, "folds": 3, "max_steps": 100})
    fitting = CrossFitting.prepare(x, z, config, Context())
    fitting.train()
    before = fitting.weights()
    held_out = fitting.rows.split[0].held_out
    changed = z.copy()
    changed[held_out] = changed[np.roll(held_out, 1)]
    again = CrossFitting.prepare(x, changed, config, Context())
    again.train()
    assert again.weights()[0] == before[0]
    assert sum(before[0]) > 0.5
    # Weights fitted to the held-out rows themselves would notice: there is nothing left to combine networks for.
    features = (side.expand(2, -1, -1) for side in again.rows.of_part(0, held_out)(slice(None)))
    own = score_matrix(again.training.best.select([0, 1]), *features, [0, 3, 7, 20])
    assert fit_weights(own, config.objective()) != before[0]


def test_copies_of_rows_are_warned_of(seed):
    x, z = gaussian(300, 0.0, seed, d=2)
    configs = {"mine": MineConfig(**{**QUICK, "max_steps": 25})}
    (estimate,) = run_estimators(np.tile(x, (4, 1)), np.tile(z, (4, 1)), configs, Context(seed=seed)).estimates
    assert DiagnosticCode.DUPLICATE_ROWS in codes(estimate)
    (estimate,) = run_estimators(x, z, configs, Context(seed=seed)).estimates
    assert DiagnosticCode.DUPLICATE_ROWS not in codes(estimate)


def test_discrete_rows_repeat_without_a_warning(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 12, (1000, 1)).astype(float)
    configs = {"mine": MineConfig(**{**QUICK, "max_steps": 25})}
    (estimate,) = run_estimators(x, x % 3, configs, Context(seed=seed)).estimates
    assert DiagnosticCode.DUPLICATE_ROWS not in codes(estimate)


def test_sides_that_vary_in_a_row_or_two_alone():
    x, z = np.zeros((100, 1)), np.zeros((100, 1))
    x[3] = z[3] = z[4] = 1.0
    for seed in range(3):
        assert estimate_mine(x, z, MineConfig(**QUICK), Context(seed=seed)).mi_nats is not None


def test_features_computed_per_batch_give_the_same_answer(monkeypatch):
    from minecli.estimators.neural import rows

    x, z = gaussian(500, 0.5, 0)
    config = MineConfig(**{**QUICK, "max_steps": 50})
    kept = estimate_mine(x, z, config, Context())
    monkeypatch.setattr(rows, "CACHE_BYTES", 0)
    monkeypatch.setattr(rows, "CHUNK_VALUES", 100)
    computed = estimate_mine(x, z, config, Context())
    assert computed.mi_nats == kept.mi_nats
    assert np.array_equal(computed.pointwise_nats, kept.pointwise_nats)


def test_long_tables_draw_batches_with_replacement(monkeypatch, seed):
    from minecli.estimators.neural import rows

    monkeypatch.setattr(rows, "LONGEST_EPOCH", 100)
    x, z = gaussian(2000, 0.8, seed)
    estimate = estimate_mine(x, z, MineConfig(**QUICK), Context(seed=seed))
    assert abs(estimate.mi_nats - 0.511) < 4 * estimate.standard_error_nats


class StopAfter:
    """Says stop from the n-th question on."""

    def __init__(self, questions):
        self.left = questions

    def __call__(self):
        self.left -= 1
        return self.left < 0


def test_resumed_estimate_equals_the_uninterrupted_one(tmp_path):
    x, z = gaussian(500, 0.5, 0)
    config, file = MineConfig(**{**QUICK, "max_steps": 100}), tmp_path / "mine.pt"
    whole = estimate_mine(x, z, config, Context())
    part = estimate_mine(x, z, config, Context(checkpoint=file, should_stop=StopAfter(60)))
    assert part.status is Status.INTERRUPTED
    assert part.mi_nats is not None
    assert file.exists()
    assert estimate_mine(x, z, config, Context(checkpoint=file)) == whole


def test_interrupted_before_the_first_step_has_no_number():
    x, z = gaussian(200, 0.5, 0)
    estimate = estimate_mine(x, z, MineConfig(**QUICK), Context(should_stop=lambda: True))
    assert (estimate.mi_nats, estimate.status) == (None, Status.INTERRUPTED)


def test_nonfinite_training_has_no_number(monkeypatch):
    from minecli.estimators.neural.rows import ModelRows

    plain = ModelRows.batch

    def poisoned(self, step):
        x, z = plain(self, step)
        return (x * float("nan"), z) if step == 30 else (x, z)

    monkeypatch.setattr(ModelRows, "batch", poisoned)
    x, z = gaussian(200, 0.5, 0)
    estimate = estimate_mine(x, z, MineConfig(**QUICK), Context())
    assert (estimate.mi_nats, estimate.status) == (None, Status.NONFINITE)


def test_too_few_rows_for_the_folds():
    x, z = gaussian(30, 0.5, 0)
    with pytest.raises(DataError, match="30 rows are too few for 5 folds"):
        estimate_mine(x, z, MineConfig(), Context())


def test_constant_side_is_refused_and_a_constant_column_noted():
    x, z = gaussian(200, 0.5, 0)
    with pytest.raises(DataError, match="every column of x is constant"):
        estimate_mine(np.ones_like(x), z, MineConfig(**QUICK), Context())
    few = MineConfig(**{**QUICK, "max_steps": 25})
    estimate = estimate_mine(np.column_stack([x, np.ones(200)]), z, few, Context())
    assert DiagnosticCode.CONSTANT_COLUMN in codes(estimate)


def test_values_beyond_the_precision_are_refused_only_when_passed_through():
    x, z = gaussian(200, 0.5, 0)
    x[3] = 1e300
    with pytest.raises(DataError, match="--preprocess rank"):
        estimate_mine(x, z, MineConfig(**QUICK, preprocess="none"), Context())


def test_wide_groups_go_without_the_gaussian_base(monkeypatch):
    monkeypatch.setattr(cross_fitting, "MOST_BASE_COLUMNS", 1)
    monkeypatch.setattr(cross_fitting, "canonical_correlations", None)
    x, z = gaussian(200, 0.5, 0)
    assert estimate_mine(x, z, MineConfig(**QUICK), Context()).mi_nats is not None


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu():
    x, z = gaussian(3000, 0.9, 0)
    cpu, cuda = (estimate_mine(x, z, MineConfig(**QUICK), Context(device=d)) for d in ("cpu", "cuda:0"))
    # Other rounding, so another trajectory; both within the noise of training.
    assert cuda.mi_nats == pytest.approx(cpu.mi_nats, abs=0.02)


def part(value, influence):
    influence = torch.tensor(influence, dtype=torch.float64)
    return RowTerms(value, torch.full_like(influence, value), influence, 10.0)


def collected(*parts):
    found = Collected(100)
    for k, terms in enumerate(parts):
        found.add(terms, np.arange(50 * (k % 2), 50 * (k % 2) + 50))
    return found.summary(0.95)


def test_standard_error_is_the_larger_of_rows_and_folds():
    spread = [1.0, -1.0] * 25
    rows_only = collected(part(0.5, spread), part(0.5, spread))
    assert rows_only.standard_error_nats == pytest.approx(math.hypot(1.0 / 10.0, RESOLUTION / 100))
    folds_too = collected(part(0.0, spread), part(1.0, spread))
    assert folds_too.mi_nats == 0.5
    assert folds_too.standard_error_nats == pytest.approx(math.hypot(math.sqrt(0.5) / math.sqrt(2), RESOLUTION / 100))
    assert folds_too.interval.high_nats - 0.5 == pytest.approx(1.959964 * folds_too.standard_error_nats, rel=1e-6)


def test_repeats_average_out_what_training_adds_to_the_spread():
    spread = [1.0, -1.0] * 25
    # Rows alone give a variance of 1/100 to the mean, 1/50 to a part's value.
    for repeats in (1, 4):
        found = collected(*[part(0.0, spread), part(1.0, spread)] * repeats)
        of_parts = np.var([0.0, 1.0] * repeats, ddof=1)
        expected = 1 / 100 + (of_parts - 1 / 50) / (2 * repeats) + (RESOLUTION / 100) ** 2
        assert found.standard_error_nats == pytest.approx(math.sqrt(expected))
        assert found.sampling_error_nats == pytest.approx(math.hypot(1 / 10, RESOLUTION / 100))
        assert found.least_width_nats == pytest.approx(2 * 1.959964 * found.sampling_error_nats, rel=1e-6)


def test_the_interval_reaches_up_to_what_training_rows_show():
    spread = [1.0, -1.0] * 25
    for in_sample, gap in ((0.9, 0.4), (0.4, -0.1)):
        found = Collected(100)
        for k in range(2):
            found.add(part(0.5, spread), np.arange(50 * k, 50 * k + 50))
        # Of the rows that trained nothing, none is compared.
        for k in range(3):
            found.add_in_sample(part(in_sample, spread), np.arange(10 * k, 10 * k + 50))
        summary = found.summary(0.95)
        assert summary.training_nats == pytest.approx(in_sample)
        half = 1.959964 * summary.standard_error_nats
        assert summary.interval.low_nats == pytest.approx(0.5 - half, rel=1e-6)
        # Training rows that show less than new ones do not narrow it.
        assert summary.interval.high_nats == pytest.approx(0.5 + max(gap, 0.0) + half, rel=1e-6)
        assert summary.least_width_nats == pytest.approx(max(gap, 0.0) + 2 * half, rel=1e-6)


def test_the_gap_counts_what_a_free_mean_of_exponentials_takes():
    # mine-f and tuba: the value is not the mean of the log ratios, which are 0.7 here for 0.5 and 0.9 for 0.8.
    found, influence = Collected(100), torch.tensor([1.0, -1.0] * 25, dtype=torch.float64)
    for k in range(2):
        rows = np.arange(50 * k, 50 * k + 50)
        found.add(RowTerms(0.5, torch.full_like(influence, 0.7), influence, 10.0), rows)
        found.add_in_sample(RowTerms(0.8, torch.full_like(influence, 0.9), influence, 10.0), rows)
    assert found.summary(0.95).training_nats == pytest.approx(0.8)


def test_contrastive_values_are_compared_at_equal_numbers_of_re_pairings(monkeypatch):
    asked = []
    plain = fitting_module.row_terms

    def noting(*args, **kwargs):
        terms = plain(*args, **kwargs)
        asked.append(terms.ceiling_nats)
        return terms

    monkeypatch.setattr(fitting_module, "row_terms", noting)
    x, z = gaussian(300, 0.9, 0)
    estimate_mine(x, z, ESTIMATORS["info-nce"].config(folds=5, max_steps=20, hidden=8), Context())
    # 60 held-out rows have 59 others; 210 training rows would have more.
    assert asked == [math.log(60)] * 10


def test_repeats_do_not_pretend_to_more_rows():
    spread = [1.0, -1.0] * 25
    once = collected(*[part(0.5, spread)] * 2)
    twice = collected(*[part(0.5, spread)] * 4)
    assert twice.standard_error_nats == pytest.approx(once.standard_error_nats)
    assert twice.pointwise_nats.tolist() == pytest.approx(once.pointwise_nats.tolist())
