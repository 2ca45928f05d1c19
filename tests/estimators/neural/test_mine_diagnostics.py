"""Each reason to doubt a neural estimate, forced, and absent where there is none."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from minecli.estimators.neural.held_out import Collected, Summary
from minecli.estimators.neural.mine_diagnostics import Training, diagnose
from minecli.mine.contributions import RowTerms
from minecli.result import DiagnosticCode, Interval, Status

GOOD = Training(
    protocol="held-out",
    status=Status.CONVERGED,
    validation_nats=(0.1, 0.4, 0.5, 0.5),
    still_rising=False,
    held_out_rows=500,
    effective_share=0.9,
)


def summary(value=0.5, error=0.01, folds=(0.49, 0.51), gap=0.02):
    interval = Interval(value - 2 * error, value + gap + 2 * error, 0.95, "")
    return Summary(value, error, 0.8 * error, interval, folds, np.zeros(1), value + gap)


def codes(training=GOOD, numbers=None, rows=1000, d_x=1, d_z=1):
    return {d.code for d in diagnose(training, numbers or summary(), rows, d_x, d_z).diagnostics}


def test_a_sound_estimate_has_none():
    assert codes() == set()
    assert diagnose(GOOD, summary(), 1000, 1, 1).status is Status.CONVERGED


@pytest.mark.parametrize(
    ("training", "numbers", "code"),
    [
        (replace(GOOD, protocol="paper"), None, DiagnosticCode.IN_SAMPLE),
        (replace(GOOD, still_rising=True, status=Status.MAX_STEPS), None, DiagnosticCode.STILL_INCREASING),
        (replace(GOOD, validation_nats=(0.1, 0.5, 0.2)), None, DiagnosticCode.FELL_FROM_PEAK),
        (GOOD, summary(gap=0.4), DiagnosticCode.TRAIN_HELDOUT_GAP),
        (replace(GOOD, effective_share=0.005), None, DiagnosticCode.FEW_EFFECTIVE_ROWS),
        (GOOD, summary(5.5, folds=(5.5, 5.5)), DiagnosticCode.NEAR_LOG_N_CEILING),
        (GOOD, summary(0.01), DiagnosticCode.NO_DEPENDENCE_FOUND),
        (GOOD, summary(0.5, folds=(0.2, 0.8)), DiagnosticCode.FOLDS_DISAGREE),
    ],
)
def test_each_doubt_is_raised(training, numbers, code):
    assert code in codes(training, numbers)


def test_a_contrastive_bound_is_doubted_well_below_its_ceiling():
    # ln 65 = 4.17 with 64 re-paired rows per row: 2.3 nats below, it falls short by a tenth of a nat or more.
    for value, doubted in ((1.8, False), (1.95, True)):
        numbers = replace(summary(value, folds=(value, value)), ceiling_nats=math.log(65))
        found = diagnose(GOOD, numbers, 1000, 1, 1).diagnostics
        assert (DiagnosticCode.NEAR_LOG_N_CEILING in {d.code for d in found}) is doubted
        assert all("add -e mine" in d.message and "4.17" in d.message for d in found)
    # One reason is enough where both ceilings are near.
    numbers = replace(summary(5.5, folds=(5.5, 5.5)), ceiling_nats=math.log(257))
    assert len(diagnose(GOOD, numbers, 1000, 1, 1).diagnostics) == 1


def test_few_samples_depend_on_the_number_of_columns():
    assert DiagnosticCode.FEW_SAMPLES in codes(rows=199)
    assert DiagnosticCode.FEW_SAMPLES in codes(rows=799, d_x=20, d_z=20)
    assert DiagnosticCode.FEW_SAMPLES not in codes(rows=800, d_x=20, d_z=20)


def test_far_below_zero_is_divergence():
    assert diagnose(GOOD, summary(-0.3), 1000, 1, 1).status is Status.DIVERGED
    assert diagnose(GOOD, summary(-0.01), 1000, 1, 1).status is Status.CONVERGED


def test_an_interrupted_run_stays_interrupted_however_low():
    interrupted = replace(GOOD, status=Status.INTERRUPTED)
    assert diagnose(interrupted, summary(-0.3), 1000, 1, 1).status is Status.INTERRUPTED


def test_one_fold_apart_is_seen_through_the_sum_of_the_parts():
    found = Collected(500)
    for k, value in enumerate([0.5, 0.5, 0.5, 0.5, 2.0]):
        ones = torch.ones(100, dtype=torch.float64)
        found.add(RowTerms(value, value * ones, torch.linspace(-1.0, 1.0, 100), 90.0), np.arange(100) + 100 * k)
    assert DiagnosticCode.FOLDS_DISAGREE in codes(numbers=found.summary(0.95))


def test_a_fold_apart_is_seen_however_many_repeats_there_are():
    folds = (1.0, 1.0, 1.0, 1.0, 1.6)
    for repeats in (1, 10):
        numbers = summary(1.12, 0.025, folds * repeats)
        assert DiagnosticCode.FOLDS_DISAGREE in codes(replace(GOOD, repeats=repeats), numbers)


def test_an_interrupted_run_is_not_told_to_repeat_more_often():
    stopped = replace(GOOD, status=Status.INTERRUPTED, target_precision=0.01)
    assert DiagnosticCode.PRECISION_NOT_REACHED not in codes(stopped)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        # 0.04 wide but for the gap of 0.02; with 0.8 of the standard error coming from the rows, 0.052 at the least.
        (0.061, None),
        (0.055, "raise --max-repeats"),
        (0.05, "0.052 come from the number of rows"),
    ],
)
def test_a_precision_out_of_reach_is_told_from_one_that_needs_more_repeats(target, why):
    found = diagnose(replace(GOOD, target_precision=target, repeats=3), summary(), 1000, 1, 1).diagnostics
    assert [d.code for d in found] == ([DiagnosticCode.PRECISION_NOT_REACHED] if why else [])
    assert all(why in d.message and "0.06 nats wide after 3 repeats" in d.message for d in found)
