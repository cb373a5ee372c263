"""The judge compares a value and its two ends with a limit, and nothing else decides."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aipm.checks.base import Measurement
from pytest_aipm.judge import Entry, Rules, decide, judge, roll_up
from pytest_aipm.records import (
    BaselineComparison,
    Because,
    Formula,
    GroupValue,
    Limit,
    RunVerdict,
    Verdict,
)
from pytest_aipm.stats.disparity import rate_difference

finite = st.floats(-10, 10)


def gap(x, n, **kwargs):
    """A measured difference of rates between groups a, b, c."""
    names = ("a", "b", "c", "d")[: len(n)]
    estimate = rate_difference(x, n)
    groups = tuple(
        GroupValue(
            group={"g": name},
            n=int(size),
            numerator=int(count),
            denominator=int(size),
            value=count / size if size else None,
            judged=size > 0,
        )
        for name, count, size in zip(names, x, n, strict=True)
    )
    return Measurement(
        estimate=estimate,
        formula=Formula(id="selection_rate_difference"),
        summary="the gap",
        n=int(sum(n)),
        groups=groups,
        part_names=names,
        **kwargs,
    )


def entry_of(measurement, state):
    """The same finding as an approved baseline holds it."""
    estimate = measurement.estimate
    return Entry(
        value=estimate.value,
        interval=(estimate.lower, estimate.upper),
        state=state,
        sizes=estimate.sizes,
        part_names=measurement.part_names,
        groups=measurement.groups,
    )


AT_MOST = Rules(limit=Limit(max=0.10))


@pytest.mark.parametrize(
    ("value", "lower", "upper", "decide_on", "state"),
    [
        (0.05, 0.00, 0.09, "interval", "holds"),
        (0.05, 0.00, 0.10, "interval", "holds"),
        (0.05, 0.00, 0.11, "interval", "open"),
        (0.20, 0.10, 0.30, "interval", "open"),
        (0.20, 0.11, 0.30, "interval", "breach"),
        (0.05, 0.00, 0.11, "proof", "breach"),
        (0.05, 0.00, 0.09, "proof", "holds"),
        (0.10, 0.00, 0.90, "point", "holds"),
        (0.11, 0.00, 0.90, "point", "breach"),
        (math.nan, math.nan, math.nan, "interval", "open"),
        (math.nan, math.nan, math.nan, "point", "open"),
        (math.nan, math.nan, math.nan, "proof", "breach"),
    ],
)
def test_each_rule_reads_its_own_number(value, lower, upper, decide_on, state):
    assert decide(value, lower, upper, Limit(max=0.10), decide_on) == state


def test_a_minimum_is_the_mirror_of_a_maximum():
    assert decide(0.7, 0.6, 0.79, Limit(min=0.8), "interval") == "breach"
    assert decide(0.9, 0.8, 0.95, Limit(min=0.8), "interval") == "holds"
    assert decide(0.9, 0.7, 0.95, Limit(min=0.8), "interval") == "open"


@given(value=finite, below=st.floats(0, 5), above=st.floats(0, 5), limit=finite)
def test_interval_never_contradicts_point_when_it_decides(value, below, above, limit):
    bound = Limit(max=limit)
    sure = decide(value, value - below, value + above, bound, "interval")
    if sure != "open":
        assert decide(value, value - below, value + above, bound, "point") == sure


@given(value=finite, below=st.floats(0, 5), above=st.floats(0, 5), limit=finite)
def test_proof_fails_whatever_interval_does_not_prove(value, below, above, limit):
    bound = Limit(max=limit)
    ends = (value, value - below, value + above)
    holds = decide(*ends, bound, "interval") == "holds"
    assert decide(*ends, bound, "proof") == ("holds" if holds else "breach")


def test_a_clear_gap_fails_and_says_value_interval_and_limit():
    found = judge(gap([100, 400], [1000, 1000]), AT_MOST)
    assert (found.verdict, found.because, found.failing) == (Verdict.FAIL, Because.LIMIT, True)
    assert "the gap (interval 0.27" in found.reason
    assert "≤ 0.10" in found.reason


def test_a_small_gap_on_many_rows_passes():
    found = judge(gap([4000, 4100], [10_000, 10_000]), AT_MOST)
    assert (found.verdict, found.failing) == (Verdict.PASS, False)


def test_too_few_rows_are_inconclusive_and_say_what_would_help():
    found = judge(gap([20, 17], [50, 50]), AT_MOST)
    assert found.verdict == Verdict.INCONCLUSIVE
    assert not found.failing
    assert found.detectable.gap > 0.10
    assert found.rows_needed.total > 100
    assert found.rows_needed.pair
    assert "in 8 of 10 samples" in found.reason


@pytest.mark.parametrize("change", [{"on_inconclusive": "fail"}, {"strict": True}])
def test_inconclusive_can_be_made_to_fail_without_changing_its_name(change):
    found = judge(gap([20, 17], [50, 50]), replace(AT_MOST, **change))
    assert (found.verdict, found.failing) == (Verdict.INCONCLUSIVE, True)


def test_warn_needs_the_whole_interval_beyond_it():
    rules = Rules(limit=Limit(max=0.20), warn=Limit(max=0.05))
    assert judge(gap([3000, 4000], [10_000, 10_000]), rules).verdict == Verdict.WARN
    assert judge(gap([3500, 4000], [10_000, 10_000]), rules).verdict == Verdict.PASS


def test_advice_warns_where_an_error_would_fail():
    found = judge(gap([100, 400], [1000, 1000]), replace(AT_MOST, severity="advice"))
    assert (found.verdict, found.failing) == (Verdict.WARN, False)


def test_unknown_rows_fail_by_count_but_a_broken_limit_is_named_first():
    breach = (Because.UNKNOWN, "90 of 100 rows have no g")
    fair = judge(gap([4000, 4100], [10_000, 10_000], breach=breach), AT_MOST)
    assert (fair.verdict, fair.because) == (Verdict.FAIL, Because.UNKNOWN)
    unfair = judge(gap([100, 400], [1000, 1000], breach=breach), AT_MOST)
    assert unfair.because == Because.LIMIT
    assert "90 of 100" in unfair.reason


def test_a_proven_regression_fails_inside_the_limit():
    worse = BaselineComparison(
        value=0.01, delta=0.05, interval=(0.03, 0.07), verdict="worse", limit=0.02, group="a and b"
    )
    found = judge(gap([4000, 4600], [10_000, 10_000]), AT_MOST, comparison=worse)
    assert (found.verdict, found.because) == (Verdict.FAIL, Because.REGRESSION)
    assert "between a and b" in found.reason


def test_a_change_that_is_not_shown_leaves_the_limit_standing_unless_strict():
    unclear = BaselineComparison(
        value=0.01, delta=0.03, interval=(-0.1, 0.1), verdict="inconclusive", limit=0.02
    )
    measured = gap([4000, 4100], [10_000, 10_000])
    loose = judge(measured, AT_MOST, comparison=unclear)
    assert (loose.verdict, loose.failing) == (Verdict.PASS, False)
    assert "change not shown" in loose.reason
    strict = replace(AT_MOST, strict=True)
    assert judge(measured, strict, comparison=unclear).failing
    undeclared = unclear.model_copy(update={"limit": None})
    assert not judge(measured, strict, comparison=undeclared).failing


# -- every way to read two limits and a warning ------------------------------------------------


@dataclass(frozen=True)
class Ends:
    """An estimate that is nothing but its value and its two ends."""

    value: float
    lower: float
    upper: float
    parts: tuple = ()
    sizes: tuple = ()

    def detectable(self, _limit, **_):
        return None

    def rows_needed(self, _limit, **_):
        return None


BETWEEN = {"limit": Limit(min=0.2, max=0.6), "warn": Limit(min=0.3, max=0.5)}
FLOOR = {"limit": Limit(min=0.2), "warn": Limit(min=0.3)}
CEILING = {"limit": Limit(max=0.6), "warn": Limit(max=0.5)}
PASSES, WARNS, FAILS, UNDECIDED = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.INCONCLUSIVE
TABLE = [
    # interval: wholly beyond, wholly inside, else open; warn speaks only when wholly beyond it
    ("interval", BETWEEN, (0.40, 0.35, 0.45), PASSES),
    ("interval", BETWEEN, (0.40, 0.25, 0.45), PASSES),
    ("interval", BETWEEN, (0.55, 0.45, 0.58), PASSES),
    ("interval", BETWEEN, (0.55, 0.52, 0.58), WARNS),
    ("interval", BETWEEN, (0.25, 0.22, 0.28), WARNS),
    ("interval", BETWEEN, (0.55, 0.52, 0.62), UNDECIDED),
    ("interval", BETWEEN, (0.25, 0.15, 0.28), UNDECIDED),
    ("interval", BETWEEN, (0.40, 0.10, 0.70), UNDECIDED),
    ("interval", BETWEEN, (0.70, 0.61, 0.80), FAILS),
    ("interval", BETWEEN, (0.10, 0.05, 0.19), FAILS),
    ("interval", BETWEEN, (0.50, 0.50, 0.50), PASSES),
    ("interval", BETWEEN, (0.60, 0.60, 0.60), WARNS),
    ("interval", BETWEEN, (0.20, 0.20, 0.20), WARNS),
    ("interval", FLOOR, (0.90, 0.85, 0.95), PASSES),
    ("interval", FLOOR, (0.25, 0.22, 0.29), WARNS),
    ("interval", FLOOR, (0.25, 0.15, 0.95), UNDECIDED),
    ("interval", FLOOR, (0.10, 0.05, 0.15), FAILS),
    ("interval", CEILING, (0.01, 0.00, 0.05), PASSES),
    ("interval", CEILING, (0.55, 0.51, 0.59), WARNS),
    ("interval", CEILING, (0.55, 0.10, 0.65), UNDECIDED),
    ("interval", CEILING, (0.70, 0.65, 0.75), FAILS),
    # point: the estimate alone, against both levels
    ("point", BETWEEN, (0.40, 0.10, 0.90), PASSES),
    ("point", BETWEEN, (0.50, 0.10, 0.90), PASSES),
    ("point", BETWEEN, (0.55, 0.10, 0.90), WARNS),
    ("point", BETWEEN, (0.25, 0.10, 0.90), WARNS),
    ("point", BETWEEN, (0.60, 0.10, 0.90), WARNS),
    ("point", BETWEEN, (0.61, 0.10, 0.90), FAILS),
    ("point", BETWEEN, (0.19, 0.10, 0.90), FAILS),
    # proof: only what holds wholly; a warning unless it holds inside that, too
    ("proof", BETWEEN, (0.40, 0.35, 0.45), PASSES),
    ("proof", BETWEEN, (0.40, 0.25, 0.45), WARNS),
    ("proof", BETWEEN, (0.55, 0.52, 0.58), WARNS),
    ("proof", BETWEEN, (0.40, 0.10, 0.45), FAILS),
    ("proof", BETWEEN, (0.40, 0.35, 0.65), FAILS),
    ("proof", FLOOR, (0.40, 0.19, 0.95), FAILS),
    ("proof", CEILING, (0.40, 0.00, 0.61), FAILS),
]


@pytest.mark.parametrize(("decide_on", "levels", "ends", "verdict"), TABLE)
def test_two_limits_and_a_warning_are_read_as_promised(decide_on, levels, ends, verdict):
    measured = Measurement(
        estimate=Ends(*ends), formula=Formula(id="any"), summary="the value", n=100
    )
    found = judge(measured, Rules(decide_on=decide_on, **levels))
    assert (found.verdict, found.failing) == (verdict, verdict == FAILS), found.reason
    advised = judge(measured, Rules(decide_on=decide_on, severity="advice", **levels))
    assert (advised.verdict, advised.failing) == (WARNS if verdict == FAILS else verdict, False)
    strict = judge(measured, Rules(decide_on=decide_on, strict=True, **levels))
    assert (strict.verdict, strict.failing) == (verdict, verdict in (FAILS, UNDECIDED))
    # a point that is not the interval's verdict says that it is not certain
    low, high = ends[1:]
    limit = levels["limit"]
    unsure = (limit.min or 0) > low or high > (limit.max or 1)
    assert ("not certain" in found.reason) == (decide_on == "point" and unsure)
    # without `warn` it is a pass
    bare = judge(measured, Rules(decide_on=decide_on, limit=limit))
    assert bare.verdict == (PASSES if verdict == WARNS else verdict)


# -- evidence lost -----------------------------------------------------------------------------


def test_losing_four_fifths_of_the_rows_of_a_failing_audit_stays_red():
    full = gap([1000, 1260], [5000, 5000])
    assert judge(full, Rules(limit=Limit(max=0.03))).verdict == Verdict.FAIL
    few = gap([40, 51], [200, 200])
    rules = Rules(limit=Limit(max=0.03))
    assert judge(few, rules).verdict == Verdict.INCONCLUSIVE
    lost = judge(few, rules, entry=entry_of(full, "breach"))
    assert (lost.verdict, lost.because) == (Verdict.FAIL, Because.EVIDENCE_LOST)


def test_losing_one_row_is_not_evidence_lost():
    full = gap([1000, 1183], [5000, 5000])
    rules = Rules(limit=Limit(max=full.estimate.lower - 1e-9))
    assert judge(full, rules).verdict == Verdict.FAIL
    almost = gap([1000, 1182], [5000, 4999])
    found = judge(almost, rules, entry=entry_of(full, "breach"))
    assert found.verdict == Verdict.INCONCLUSIVE


def test_what_the_baseline_could_not_decide_cannot_be_lost():
    few = gap([20, 17], [50, 50])
    found = judge(few, AT_MOST, entry=entry_of(few, "open"))
    assert found.verdict == Verdict.INCONCLUSIVE


def test_a_group_that_is_gone_does_not_turn_red_into_green():
    before = gap([400, 400, 100], [1000, 1000, 1000])
    assert judge(before, AT_MOST).verdict == Verdict.FAIL
    after = gap([4000, 4000], [10_000, 10_000])
    assert judge(after, AT_MOST).verdict == Verdict.PASS
    found = judge(after, AT_MOST, entry=entry_of(before, "breach"))
    assert (found.verdict, found.because) == (Verdict.FAIL, Because.EVIDENCE_LOST)
    assert "no longer judged: c" in found.reason


def test_a_group_that_is_gone_and_was_harmless_changes_nothing():
    before = gap([4000, 4000, 4000], [10_000, 10_000, 10_000])
    after = gap([4000, 4000], [10_000, 10_000])
    assert judge(after, AT_MOST, entry=entry_of(before, "holds")).verdict == Verdict.PASS


@settings(max_examples=25)
@given(
    rates=st.lists(st.integers(5, 95), min_size=2, max_size=4),
    share=st.sampled_from([2, 5, 10, 50]),
)
def test_fewer_rows_at_the_same_rates_never_turn_a_failure_green(rates, share):
    full = gap([20 * rate for rate in rates], [2000] * len(rates))
    few = gap([20 * rate // share for rate in rates], [2000 // share] * len(rates))
    verdict = judge(full, AT_MOST).verdict
    state = decide(
        full.estimate.value, full.estimate.lower, full.estimate.upper, AT_MOST.limit, "interval"
    )
    if verdict == Verdict.FAIL:
        found = judge(few, AT_MOST, entry=entry_of(full, state))
        near = abs(few.estimate.value - full.estimate.value) > 0.02
        assert found.verdict == Verdict.FAIL or near


# -- the roll-up -------------------------------------------------------------------------------

PASS = (Verdict.PASS, None, False, "error")
OPEN = (Verdict.INCONCLUSIVE, Because.LIMIT, False, "error")


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ([(Verdict.NOT_JUDGED, Because.DISABLED, False, "error")], RunVerdict.UNPROVEN),
        ([], RunVerdict.UNPROVEN),
        ([PASS], RunVerdict.PASS),
        ([PASS, OPEN], RunVerdict.UNPROVEN),
        ([PASS, (Verdict.INCONCLUSIVE, Because.LIMIT, False, "advice")], RunVerdict.PASS),
        ([PASS, (Verdict.INCONCLUSIVE, Because.LIMIT, True, "error")], RunVerdict.FAIL),
        ([PASS, (Verdict.NOT_JUDGED, Because.NO_EVIDENCE, False, "error")], RunVerdict.UNPROVEN),
        ([PASS, (Verdict.NOT_JUDGED, Because.NOT_APPLICABLE, False, "error")], RunVerdict.PASS),
        ([PASS, (Verdict.NOT_JUDGED, Because.DISABLED, False, "error")], RunVerdict.PASS),
        ([PASS, (Verdict.ERROR, Because.ERROR, True, "error")], RunVerdict.FAIL),
        ([OPEN, (Verdict.FAIL, Because.LIMIT, True, "error")], RunVerdict.FAIL),
        ([PASS, (Verdict.WAIVED, Because.LIMIT, False, "error")], RunVerdict.PASS),
        ([PASS, (Verdict.WARN, Because.LIMIT, False, "error")], RunVerdict.PASS),
    ],
)
def test_a_run_is_fail_unproven_or_pass(findings, verdict):
    assert roll_up({str(i): each for i, each in enumerate(findings)}) == verdict
