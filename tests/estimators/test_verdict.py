"""The rule table: each rule has a case that forces it and a near miss that it must leave alone."""

from dataclasses import replace

import pytest

from minecli.estimators.evidence import distinguishable
from minecli.estimators.exclusions import EXCLUSIONS
from minecli.estimators.facts import Block, Facts, Side
from minecli.estimators.parts import Part
from minecli.estimators.row_order import RowOrder
from minecli.estimators.verdict import DECISIONS, Answer, constant, decide
from minecli.result import Diagnostic, DiagnosticCode, Direction, Estimate, Interval, Severity, Status
from minecli.tables.value_kinds import ValueKind

CONTINUOUS = Side(("x",), (ValueKind.CONTINUOUS,))
LABELS = Side(("z",), (ValueKind.DISCRETE,), levels=2, entropy_nats=0.69, entropy_error_nats=0.001)
FACTS = Facts(5000, CONTINUOUS, CONTINUOUS, order=RowOrder(False, 1.0, 5000.0))
WITH_LABELS = replace(FACTS, z=LABELS)


def warned(code, severity=Severity.WARNING):
    return Diagnostic(code, f"told of {code}", severity)


GAP, RISING, FEW = map(
    warned, (DiagnosticCode.TRAIN_HELDOUT_GAP, DiagnosticCode.STILL_INCREASING, DiagnosticCode.FEW_SAMPLES)
)
FAR, CEILING = warned(DiagnosticCode.FAR_NEIGHBOURS), warned(DiagnosticCode.NEAR_LOG_N_CEILING)


def answer(name, value, *diagnostics, error=0.01, status=Status.CONVERGED, low=None, high="", **details):
    bound = name not in ("ksg", "mixed-ksg", "gaussian", "smile", "plug-in")
    ends = value - 2 * error if low is None else low, value + 2 * error if high == "" else high
    interval = Interval(*ends, 0.95, "it", certified=bound)
    return Estimate(name, value, status, error, interval, diagnostics=diagnostics, details={"k": 3} | details)


def mine(value, *diagnostics, seen=None, **others):
    return answer("mine", value, *diagnostics, training_nats=value + 0.01 if seen is None else seen, **others)


def ruled(verdict):
    return {out.estimator: out.rule for out in verdict.exclusions}


# What was said wrongly before: a warning "too low" handed belief to a lower value.


def test_a_warning_that_a_value_is_too_low_never_hands_belief_to_a_lower_value():
    verdict = decide([mine(0.446, GAP, error=0.031, low=0.385, high=None), answer("ksg", 0.204)], FACTS)
    assert (verdict.answer, verdict.at_least_nats, verdict.trustworthy) == (Answer.AT_LEAST, 0.385, False)
    assert ruled(verdict) == {"ksg": "below a bound"}


@pytest.mark.parametrize("code", [c for c in DiagnosticCode if c.direction is Direction.TOO_LOW])
def test_of_every_such_warning(code):
    for low, high in ((0.5, 0.9), (0.5, 0.56)):
        verdict = decide([mine(high, warned(code), low=high - 0.1, high=None), answer("ksg", low)], FACTS)
        assert not verdict.trustworthy
        assert verdict.mi_nats is None


def test_a_value_that_errs_low_has_no_upper_end():
    verdict = decide([mine(0.547, low=0.529), answer("ksg", 0.586, FAR)], FACTS)
    ksg = verdict.estimates[1].interval
    assert (ksg.high_nats, ksg.open_because) == (None, "the value errs low (far-neighbours)")


# Exclusions.


def test_unsuited_kinds_are_out_and_lose_interval_and_error():
    told = warned(DiagnosticCode.UNSUITED_KINDS)
    verdict = decide([answer("ksg", 0.3, told)], FACTS)
    assert ruled(verdict) == {"ksg": "unsuited kinds"}
    assert (verdict.answer, verdict.trustworthy) == (Answer.CANNOT_SAY, False)
    assert verdict.estimates[0].interval is None
    assert verdict.estimates[0].standard_error_nats is None
    assert decide([answer("ksg", 0.3)], FACTS).trustworthy


def test_in_sample_values_are_out():
    verdict = decide([mine(2.0, warned(DiagnosticCode.IN_SAMPLE)), answer("ksg", 0.3)], FACTS)
    assert ruled(verdict) == {"mine": "in sample"}
    assert (verdict.answer, verdict.mi_nats) == (Answer.BELIEVE, 0.3)
    assert ruled(decide([mine(0.3), answer("ksg", 0.3)], FACTS)) == {}


@pytest.mark.parametrize(("value", "out"), [(-5.779, True), (-0.04, True), (-0.029, False)])
def test_values_below_zero_are_out_beyond_three_errors(value, out):
    verdict = decide([answer("ksg", value, error=0.01)], FACTS)
    assert (ruled(verdict) == {"ksg": "below zero"}) is out
    assert (verdict.estimates[0].interval is None) is out


@pytest.mark.parametrize(("value", "out"), [(0.75, True), (0.71, False)])
def test_values_above_the_entropy_are_out(value, out):
    verdict = decide([answer("mixed-ksg", value, error=0.01)], WITH_LABELS)
    assert (ruled(verdict) == {"mixed-ksg": "above the entropy"}) is out


def test_an_interval_does_not_reach_beyond_the_entropy():
    verdict = decide([mine(0.68, high=0.9)], WITH_LABELS)
    assert verdict.estimates[0].interval.high_nats == pytest.approx(WITH_LABELS.most_nats)


def test_terms_that_do_not_vary_measure_nothing_but_a_table():
    assert ruled(decide([answer("mixed-ksg", 0.0001, error=0.0)], WITH_LABELS)) == {"mixed-ksg": "no width"}
    assert ruled(decide([answer("plug-in", 0.69, error=0.0)], WITH_LABELS)) == {}
    assert ruled(decide([answer("mixed-ksg", 0.0001, error=1e-4)], WITH_LABELS)) == {}


@pytest.mark.parametrize(("value", "out"), [(0.30, True), (0.62, False)])
def test_values_below_a_part_of_the_columns_are_out(value, out):
    odor = Part("odor", "class", "plug-in", 0.628, 0.005)
    verdict = decide([answer("mixed-ksg", value)], WITH_LABELS, [odor])
    assert (ruled(verdict) == {"mixed-ksg": "below a part"}) is out
    if out:
        assert (verdict.answer, verdict.at_least_nats) == (Answer.AT_LEAST, pytest.approx(0.608))
        assert "'odor' and 'class' alone" in verdict.reason


@pytest.mark.parametrize(("value", "out"), [(0.44, True), (0.46, False)])
def test_values_below_the_lower_end_of_a_bound_are_out(value, out):
    verdict = decide([mine(0.5, low=0.45), answer("ksg", value)], FACTS)
    assert (ruled(verdict) == {"ksg": "below a bound"}) is out
    assert verdict.mi_nats == 0.5


def test_a_part_that_is_the_whole_is_no_argument_against_its_own_estimator():
    one = [replace(side, blocks=(Block("a", 0),)) for side in (CONTINUOUS, CONTINUOUS)]
    alone = replace(FACTS, x=one[0], z=one[1])
    part = Part("a", "b", "ksg", 0.5, 0.01)
    assert ruled(decide([answer("ksg", 0.4)], alone, [part])) == {}
    assert ruled(decide([mine(0.4, low=0.37)], alone, [part])) == {"mine": "below a part"}
    assert ruled(decide([answer("ksg", 0.4)], FACTS, [part])) == {"ksg": "below a part"}


@pytest.mark.parametrize(("table", "believed"), [(0.628, True), (0.70, False)])
def test_a_table_of_the_same_two_columns_settles_what_training_left_open(table, believed):
    one = [replace(LABELS, blocks=(Block(name, 0),), levels=4) for name in ("odor", "class")]
    both = Facts(8000, *one, order=RowOrder(False, 1.0, 8000.0), cells=8)
    part = Part("odor", "class", "plug-in", table, 0.004)
    rising = mine(0.616, RISING, status=Status.MAX_STEPS, low=0.60, high=None)
    verdict = decide([rising], both, [part])
    assert (verdict.answer is Answer.BELIEVE) is believed
    assert decide([rising], FACTS, [part]).answer is not Answer.BELIEVE


def test_a_bound_that_may_be_too_high_excludes_nothing():
    for code in (DiagnosticCode.FOLDS_DISAGREE, DiagnosticCode.FEW_EFFECTIVE_ROWS, DiagnosticCode.IN_SAMPLE):
        assert "ksg" not in ruled(decide([mine(0.9, warned(code), low=0.8), answer("ksg", 0.5)], FACTS))
    assert "ksg" not in ruled(decide([answer("smile", 0.9, low=0.8), answer("ksg", 0.5)], FACTS))


# Decisions.


def test_infinite_information_has_no_number():
    told = warned(DiagnosticCode.IDENTICAL_COLUMNS)
    verdict = decide([Estimate("mine", None, Status.INFINITE, diagnostics=(told,)), answer("gaussian", 3.0)], FACTS)
    assert (verdict.answer, verdict.rule, verdict.trustworthy) == (Answer.CANNOT_SAY, "infinite", False)
    assert "told of identical-columns" in verdict.reason


def test_infinity_of_an_unsuited_formula_is_no_evidence():
    told = warned(DiagnosticCode.UNSUITED_KINDS)
    odd = Estimate("gaussian", None, Status.INFINITE, diagnostics=(told,))
    assert decide([odd, mine(0.5)], FACTS).mi_nats == 0.5
    assert decide([replace(odd, diagnostics=()), mine(0.5)], FACTS).rule == "infinite"
    assert decide([replace(odd, diagnostics=()), mine(0.5)], WITH_LABELS).mi_nats == 0.5


def test_where_rows_depend_nothing_is_believed():
    depend = replace(FACTS, order=RowOrder(True, 20.0, 250.0))
    verdict = decide([mine(0.5), answer("ksg", 0.5)], depend)
    assert (verdict.answer, verdict.rule, verdict.trustworthy) == (Answer.CANNOT_SAY, "rows depend", False)
    assert "250 independent" in verdict.reason
    assert decide([mine(0.5), answer("ksg", 0.5)], FACTS).trustworthy


@pytest.mark.parametrize(("share", "trusted"), [(0.012, False), (0.008, True)])
def test_where_rows_are_copies_nothing_is_believed(share, trusted):
    verdict = decide([mine(0.5), answer("mixed-ksg", 0.5)], replace(FACTS, copies=share))
    assert verdict.trustworthy is trusted
    assert (verdict.rule == "copies") is not trusted


def test_without_a_value_nothing_can_be_said():
    verdict = decide([Estimate("mine", None, Status.INTERRUPTED)], FACTS)
    assert (verdict.answer, verdict.rule) == (Answer.CANNOT_SAY, "no value")


def test_agreeing_sound_values_are_believed_and_the_bound_is_named_first():
    for order in (1, -1):
        verdict = decide([mine(1.0), answer("ksg", 1.04)][::order], FACTS)
        assert (verdict.answer, verdict.estimator, verdict.mi_nats, verdict.agree) == (
            Answer.BELIEVE,
            "mine",
            1.0,
            True,
        )


def test_a_table_goes_before_all():
    verdict = decide([mine(0.61), answer("plug-in", 0.62), answer("gaussian", 0.3)], WITH_LABELS)
    assert (verdict.answer, verdict.estimator) == (Answer.BELIEVE, "plug-in")


def test_two_losers_that_quarrel_do_not_doom_the_winner():
    ksg, gaussian = answer("ksg", -5.8, warned(DiagnosticCode.UNSUITED_KINDS)), answer("gaussian", 1.43)
    verdict = decide([answer("plug-in", 0.628), ksg, gaussian], WITH_LABELS)
    assert (verdict.trustworthy, verdict.mi_nats) == (True, 0.628)


def test_neighbours_that_see_more_than_a_bound_has_reached_are_believed_if_they_are_close():
    verdict = decide([mine(0.3), answer("ksg", 0.6)], FACTS)
    assert (verdict.answer, verdict.estimator) == (Answer.BELIEVE, "ksg")
    verdict = decide([mine(0.3), answer("ksg", 0.6, FAR)], FACTS)
    assert (verdict.answer, verdict.at_least_nats) == (Answer.AT_LEAST, pytest.approx(0.28))
    assert "ksg finds 0.600 nats, mine 0.300" in verdict.reason
    assert verdict.estimates[0].interval.high_nats is None  # a second opinion lies above


def test_two_that_err_low_together_prove_nothing():
    """A checkerboard: both fall short, agree, and were believed."""
    verdict = decide([mine(0.547, seen=0.62, low=0.529), answer("ksg", 0.586, FAR)], FACTS)
    assert (verdict.answer, verdict.at_least_nats) == (Answer.AT_LEAST, 0.529)


@pytest.mark.parametrize(("error", "believed"), [(0.045, False), (0.039, True)])
def test_a_value_without_precision_is_not_quoted(error, believed):
    verdict = decide([answer("ksg", 0.3, error=error)], FACTS)
    assert (verdict.answer is Answer.BELIEVE) is believed


@pytest.mark.parametrize(("seen", "believed"), [(0.55, False), (0.53, True)])
def test_a_bound_whose_networks_know_their_rows_better_is_a_bound_alone(seen, believed):
    verdict = decide([mine(0.5, seen=seen)], FACTS)
    assert (verdict.answer is Answer.BELIEVE) is believed
    assert verdict.answer in (Answer.BELIEVE, Answer.AT_LEAST)


def test_what_is_not_settled_is_a_lower_limit():
    for status, told in ((Status.MAX_STEPS, RISING), (Status.CONVERGED, CEILING), (Status.CONVERGED, FEW)):
        verdict = decide([mine(4.675, told, status=status, low=4.629, high=None)], FACTS)
        assert (verdict.answer, verdict.at_least_nats, verdict.trustworthy) == (Answer.AT_LEAST, 4.629, False)


@pytest.mark.parametrize("name", ["gaussian", "smile"])
def test_correlations_and_what_is_no_bound_are_never_believed(name):
    assert decide([answer(name, 0.5)], FACTS).answer is Answer.CANNOT_SAY
    verdict = decide([answer(name, 0.5), mine(0.3)], FACTS)
    assert (verdict.answer, verdict.estimator) == (Answer.BELIEVE, "mine")


def test_nothing_found_needs_an_upper_limit_to_be_trusted():
    nothing = [mine(0.0, error=0.005), answer("ksg", 0.005, error=0.01)]
    verdict = decide(nothing, FACTS)
    assert (verdict.answer, verdict.trustworthy) == (Answer.NO_DEPENDENCE, True)
    assert verdict.at_most_nats == pytest.approx(0.025)
    # Networks alone may have missed it, and in many dimensions, or among few rows, neighbours may, too.
    wide = replace(FACTS, x=Side(("a", "b", "c"), (ValueKind.CONTINUOUS,) * 3, dimensions=3))
    for estimates, facts in ((nothing[:1], FACTS), (nothing, wide), (nothing, replace(FACTS, rows=400))):
        verdict = decide(estimates, facts)
        assert (verdict.answer, verdict.trustworthy) == (Answer.NO_DEPENDENCE, False)


def test_an_upper_limit_is_never_below_what_chance_leaves_room_for():
    low = answer("ksg", -0.02, error=0.01)
    verdict = decide([replace(low, interval=replace(low.interval, high_nats=-0.001))], FACTS)
    assert verdict.at_most_nats == pytest.approx(0.0196)


def test_codes_have_no_order_that_neighbours_could_go_by():
    ids = replace(FACTS, x=replace(CONTINUOUS, codes=300))
    verdict = decide([answer("mixed-ksg", 0.0, error=0.005)], ids)
    assert (verdict.answer, verdict.trustworthy) == (Answer.NO_DEPENDENCE, False)


@pytest.mark.parametrize(("rows", "high", "believed"), [(90, 0.65, False), (400, 0.65, True), (400, 0.75, False)])
def test_tables_of_few_rows_are_not_believed(rows, high, believed):
    few = replace(WITH_LABELS, rows=rows, x=LABELS, cells=4)
    verdict = decide([answer("plug-in", 0.61, low=0.57, high=high)], few)
    assert (verdict.answer is Answer.BELIEVE) is believed
    assert verdict.estimates[0].mi_nats in verdict.estimates[0].interval


def test_what_neighbours_show_by_chance_beside_a_bound_of_nothing_is_nothing():
    verdict = decide([mine(-0.003, error=0.006), answer("ksg", 0.035, error=0.016, low=0.003)], FACTS)
    assert (verdict.answer, verdict.trustworthy) == (Answer.NO_DEPENDENCE, False)
    verdict = decide([mine(-0.003, error=0.006), answer("ksg", 0.30, error=0.016)], FACTS)
    assert (verdict.answer, verdict.mi_nats) == (Answer.BELIEVE, 0.30)


def test_a_bound_below_zero_excludes_nothing():
    assert ruled(decide([mine(-0.001, error=0.0005, low=-0.002), answer("ksg", -0.0025)], FACTS)) == {}


def test_something_beside_nothing_is_not_nothing():
    verdict = decide([mine(0.0, error=0.005), answer("ksg", 0.3, FAR)], FACTS)
    assert verdict.answer is Answer.CANNOT_SAY


def test_a_constant_side_has_none():
    verdict = constant(["ksg", "mine"], "z")
    assert (verdict.answer, verdict.mi_nats, verdict.trustworthy) == (Answer.BELIEVE, 0.0, True)
    assert [e.mi_nats for e in verdict.estimates] == [0.0, 0.0]


def test_disagreement_needs_both_three_errors_and_the_tolerance():
    for a, b, error, expected in (
        (0.10, 0.14, 0.001, False),  # far apart in errors, yet within 0.05 nats
        (0.10, 0.16, 0.001, True),
        (0.10, 0.16, 0.03, False),  # far apart, yet within three combined errors
        (2.0, 2.19, 0.001, False),  # within 10 %
        (2.0, 2.30, 0.001, True),
    ):
        assert distinguishable(answer("ksg", a, error=error), answer("ksg", b, error=error)) is expected


def test_the_tables_are_complete():
    assert len({rule.name for rule in (*EXCLUSIONS, *DECISIONS)}) == len(EXCLUSIONS) + len(DECISIONS)
    assert all(rule.says for rule in (*EXCLUSIONS, *DECISIONS))
    assert {code.direction for code in DiagnosticCode} == set(Direction)
