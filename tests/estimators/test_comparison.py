import pytest

from minecli.estimators.comparison import compare, disagree
from minecli.result import Diagnostic, DiagnosticCode, Estimate, Severity, Status

TIES = Diagnostic(DiagnosticCode.TIES_IN_DATA, "tied")
GAP = Diagnostic(DiagnosticCode.TRAIN_HELDOUT_GAP, "gap")


def answer(name, value, *diagnostics, error=0.01, status=Status.CONVERGED):
    return Estimate(name, value, status, error, diagnostics=diagnostics)


def test_agreement_believes_the_first():
    result = compare([answer("mine", 1.0), answer("ksg", 1.04)], 2)
    assert (result.agree, result.believe, result.trustworthy, result.diagnostics) == (True, "mine", True, ())
    assert result.remark == "mine and ksg agree within their uncertainty."


@pytest.mark.parametrize(
    ("a", "b", "error", "expected"),
    [
        (0.10, 0.14, 0.001, False),  # far apart in errors, yet below 0.05 nats
        (0.10, 0.16, 0.001, True),
        (0.10, 0.16, 0.03, False),  # far apart, yet within three combined errors
        (2.0, 2.19, 0.001, False),  # below 10 %
        (2.0, 2.30, 0.001, True),
    ],
)
def test_both_conditions_are_needed(a, b, error, expected):
    assert disagree(answer("mine", a, error=error), answer("ksg", b, error=error)) is expected


@pytest.mark.parametrize(
    ("estimates", "dimensions", "believe", "trustworthy", "why"),
    [
        ([answer("mine", 2.8), answer("ksg", 1.6)], 40, "mine", True, "fall short in 40 dimensions"),
        ([answer("mine", 0.6), answer("ksg", 0.3)], 2, "mine", False, "check for ties, heavy tails"),
        ([answer("mine", 0.3), answer("ksg", 0.6)], 2, "ksg", True, "a lower bound that training has not closed"),
        ([answer("mine", 0.3), answer("ksg", 0.6)], 40, "ksg", False, "a lower bound"),
        ([answer("mine", 0.3), answer("ksg", 0.9, TIES)], 2, "mine", True, "tied values break ksg"),
        ([answer("ksg", 0.9, TIES), answer("mixed-ksg", 0.5)], 2, "mixed-ksg", True, "tied values break ksg"),
        ([answer("ksg", 0.9), answer("mixed-ksg", 0.5)], 2, "mixed-ksg", False, "if values repeat, else ksg"),
        ([answer("mine", 0.9, GAP), answer("ksg", 0.5)], 2, "ksg", True, "mine carries a warning of its own"),
        ([answer("gaussian", 0.1), answer("mine", 0.5)], 2, "mine", True, "not only linear"),
        ([answer("gaussian", 0.9), answer("mine", 0.5)], 2, "mine", True, "correlations overstate it"),
        ([answer("mine", 0.9), answer("mine-f", 0.5)], 2, "mine", True, "the higher is the tighter"),
        ([answer("mine", 0.5), answer("mine-f", 0.9)], 2, "mine-f", False, "the higher is the tighter"),
        ([answer("mine", 0.9), answer("tuba", 0.5)], 2, "mine", True, "the higher is the tighter"),
        ([answer("mine", 0.5), answer("mine-js", 0.9)], 2, "mine-js", False, "the higher is the tighter"),
        ([answer("info-nce", 0.5), answer("mine", 0.9)], 2, "mine", False, "the higher is the tighter"),
        ([answer("info-nce", 2.8), answer("ksg", 1.6)], 40, "info-nce", True, "fall short in 40 dimensions"),
        ([answer("tuba", 0.3), answer("ksg", 0.6)], 2, "ksg", True, "tuba is a lower bound that training"),
        ([answer("smile", 0.9), answer("mine", 0.5)], 2, "mine", False, "smile is no lower bound and may be too high"),
        ([answer("smile", 0.5), answer("mine", 0.9)], 2, "mine", True, "smile can be too low"),
        ([answer("smile", 0.9), answer("ksg", 0.5)], 2, "ksg", False, "smile is no lower bound and may be too high"),
        ([answer("smile", 0.9), answer("ksg", 0.5)], 40, "smile", False, "fall short in 40 dimensions; but it is no"),
        ([answer("smile", 0.5), answer("ksg", 0.9)], 2, "ksg", True, "smile lacks what its training has not closed"),
        ([answer("smile", 0.5), answer("mine", 0.9, GAP)], 2, "smile", False, "mine carries a warning of its own"),
        ([answer("gaussian", 0.1), answer("smile", 0.5)], 2, "smile", True, "not only linear"),
    ],
)
def test_disagreement_says_whom_to_believe_and_why(estimates, dimensions, believe, trustworthy, why):
    for order in (estimates, estimates[::-1]):
        result = compare(order, dimensions)
        assert (result.agree, result.believe, result.trustworthy) == (False, believe, trustworthy)
        (diagnostic,) = result.diagnostics
        assert diagnostic.code is DiagnosticCode.ESTIMATORS_DISAGREE
        assert why in diagnostic.message
        assert f"believe {believe}" in diagnostic.message
        assert (diagnostic.severity is Severity.NOTE) is trustworthy


def test_smile_is_never_called_a_lower_bound():
    for other in ("mine", "mine-f", "info-nce", "ksg", "mixed-ksg", "gaussian"):
        for values in ((0.5, 0.9), (0.9, 0.5)):
            for dimensions in (2, 40):
                result = compare([answer("smile", values[0]), answer(other, values[1])], dimensions)
                (diagnostic,) = result.diagnostics
                assert "two lower bounds" not in diagnostic.message
                assert "smile is a lower bound" not in diagnostic.message


def test_three_answers():
    result = compare([answer("gaussian", 0.1), answer("ksg", 1.6), answer("mine", 2.8)], 40)
    assert result.believe == "mine"
    assert len(result.diagnostics) == 3
    assert result.remark == "gaussian, ksg and mine do not all agree; mine is the one to believe."


def test_one_answer_and_none():
    alone = compare([answer("ksg", 0.5)], 2)
    assert (alone.agree, alone.believe, alone.trustworthy) == (None, "ksg", True)
    stopped = compare([answer("mine", None, status=Status.INTERRUPTED)], 2)
    assert (stopped.believe, stopped.trustworthy) == (None, False)


def test_a_doubtful_value_is_believed_without_trust():
    result = compare([answer("ksg", 0.5, TIES)], 2)
    assert (result.believe, result.trustworthy) == ("ksg", False)


def test_infinity_is_said_instead_of_a_number():
    result = compare([answer("mine", None, status=Status.INFINITE), answer("ksg", 3.0)], 2)
    assert (result.believe, result.trustworthy) == (None, False)
    assert "infinite" in result.remark


CEILING = Diagnostic(DiagnosticCode.NEAR_LOG_N_CEILING, "ceiling")


def test_correlations_never_win_a_disagreement_and_doubts_of_the_other_remain():
    for other in (answer("ksg", 4.35, CEILING), answer("mine", 2.0, GAP), answer("ksg", 2.0, TIES)):
        result = compare([other, answer("gaussian", 0.0025)], 2)
        assert (result.believe, result.trustworthy) == (other.estimator, False)
    result = compare([answer("ksg", 2.0), answer("gaussian", 4.5)], 6)
    assert (result.believe, result.trustworthy) == ("ksg", True)


def test_a_value_at_its_ceiling_does_not_recommend_a_smaller_one():
    result = compare([answer("mine", 1.0), answer("ksg", 6.0, CEILING)], 2)
    assert not result.trustworthy
    assert "believe neither" in result.diagnostics[0].message


def test_in_many_dimensions_neighbours_are_believed_with_a_doubt():
    assert compare([answer("mine", 2.4, GAP), answer("ksg", 3.3)], 8).trustworthy
    assert not compare([answer("mine", 2.4, GAP), answer("ksg", 3.3)], 14).trustworthy
