"""Numbers and sentences: what a reader sees must never contradict the verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import (
    ARABIC,
    OVERRIDE,
    finding,
    intersections,
    lending,
    odds,
    record_of,
    small_cells,
)

from pytest_aipm.records import (
    Asked,
    Because,
    Detectable,
    Finding,
    Formula,
    GroupValue,
    Limit,
    RunVerdict,
    Verdict,
)
from pytest_aipm.report import terminal_lines
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.plain import clip, columns_of, plain_line
from pytest_aipm.report.ranking import breach, ranked, worst
from pytest_aipm.report.sentences import counts_sentence, headline, missing_sentence
from pytest_aipm.report.words import (
    MINUS,
    TIMES,
    Figures,
    count,
    day,
    figures,
    group_name,
    limit_text,
    listed,
    natural,
    percent,
    scope_name,
)

rates = st.floats(0, 1, allow_nan=False)


def of(value: float | None, limit: Limit | None = None, **more: object) -> Finding:
    return finding("x.y", "y", (), "pass", value=value, limit=limit, **more)


def number(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-").replace(",", ""))


@given(rates, st.sampled_from([0.1, 0.8, 0.05, 0.5]), rates, rates)
def test_a_printed_number_never_seems_to_lie_on_the_other_side_of_its_limit(
    value: float, bound: float, low: float, high: float
) -> None:
    interval = (min(low, high), max(low, high))
    one = of(value, Limit(max=bound), interval=interval)
    if abs(value - bound) < 1e-6:
        return  # six digits are the most a report prints
    shown = number(figures(one)(value))
    assert (shown > bound) == (value > bound)
    assert (shown < bound) == (value < bound)


@given(st.floats(1e-12, 1e12, allow_nan=False))
def test_what_is_not_zero_is_not_printed_as_zero(value: float) -> None:
    assert number(Figures(2)(value)) != 0


@pytest.mark.parametrize(
    ("value", "interval", "text", "between"),
    [
        (0.6602, (0.6011, 0.7302), "0.66", "0.60 to 0.73"),
        (0.7281, (0.7123, 0.7438), "0.728", "0.712 to 0.744"),
        (43.1127, (40.93, 45.49), "43.1", "40.9 to 45.5"),
        (8.2312, (3.1021, 13.4432), "8.2", "3.1 to 13.4"),
        (0.0032, (0.0013, 0.0066), "0.0032", "0.0013 to 0.0066"),
        (-0.25, (-0.5, None), "\N{MINUS SIGN}0.250", "from \N{MINUS SIGN}0.500"),
        (0.0, (0.0, 0.0006), "0", "0 to 0.00060"),
        (1234567.0, None, "1,234,567", "\N{EN DASH}"),
        (None, None, "\N{EN DASH}", "\N{EN DASH}"),
    ],
)
def test_digits_follow_the_width_of_the_interval(
    value: float, interval: tuple[float, float], text: str, between: str
) -> None:
    one = of(value, interval=interval)
    assert figures(one)(value) == text
    assert figures(one).interval(one.interval) == between


def test_a_value_just_beyond_its_limit_keeps_the_digits_that_say_so() -> None:
    assert figures(of(0.79996, Limit(min=0.8)))(0.79996) == "0.79996"


def test_changes_carry_a_sign() -> None:
    assert Figures(2)(0.05, signed=True) == "+0.05"
    assert Figures(2)(-0.05, signed=True) == "\N{MINUS SIGN}0.05"
    assert Figures(2)(0.0, signed=True) == "0"


@pytest.mark.parametrize(
    ("limit", "sign", "words"),
    [
        (Limit(min=0.8), "≥ 0.80", "at least 0.80"),
        (Limit(max=0.005), "≤ 0.005", "at most 0.005"),
        (Limit(max=50), "≤ 50", "at most 50"),
        (Limit(min=0.8, max=1.25), "0.80 to 1.25", "between 0.80 and 1.25"),
        (None, "\N{EN DASH}", "\N{EN DASH}"),
    ],
)
def test_a_limit_is_printed_as_it_was_written(limit: Limit, sign: str, words: str) -> None:
    assert limit_text(limit) == sign
    assert limit_text(limit, words=True) == words


def test_shares_become_natural_frequencies_that_differ_where_the_shares_differ() -> None:
    assert natural([0.4698, 0.7118]) == ["47 of 100", "71 of 100"]
    assert natural([0.4698, 0.4712]) == ["470 of 1,000", "471 of 1,000"]
    assert natural([0.003]) == ["3 of 1,000"]
    assert natural([0.0, 1.0]) == ["0 of 100", "100 of 100"]
    assert natural([1.4]) is None
    assert natural([]) is None


@given(rates)
def test_a_share_that_is_neither_none_nor_all_is_not_printed_as_such(share: float) -> None:
    text = percent(share)
    if 1e-4 < share < 1 - 1e-4:
        assert text not in ("0 %", "100 %")


def test_small_words() -> None:
    assert percent(0.4123) == "41 %"
    assert count(3757) == "3,757"
    assert count(2.5) == "2.5"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == ""
    assert scope_name(()) == "overall"
    assert scope_name(("sex", "race")) == f"by sex{TIMES}race"
    assert day("2026-12-31") == "31 Dec 2026"
    assert day("2026-11-23T03:40:00+00:00", clock=True) == "23 Nov 2026, 03:40 UTC"
    assert day("next week") == "next week"


def test_groups_that_are_numbers_are_named_with_their_attribute() -> None:
    assert group_name({"sex": "female", "race": "Black"}) == "female · Black"
    assert group_name({"sex": "1"}) == "sex 1"
    assert group_name({"sex": ""}) == "sex (empty)"
    assert group_name({"sex": "(unknown)"}) == "(unknown)"
    assert group_name({"sex": ARABIC}) == ARABIC
    assert group_name({}) == "all rows"
    assert group_name({"race": "Black", "sex": "female"}, ("sex", "race")) == "female · Black"


def test_text_from_data_cannot_steer_a_terminal() -> None:
    assert plain_line(OVERRIDE) == "evil[31m"
    assert plain_line("a\nb\t c\x07") == "a b c"
    assert columns_of("\u5973") == 2
    assert clip("\u5973\u5973\u5973", 5) == "\u5973\u5973…"
    assert clip("short", 10) == "short"


def test_findings_are_ordered_by_verdict_and_then_by_distance_to_the_limit() -> None:
    order = [f.verdict for f in ranked(lending().findings)]
    assert [v.value for v in dict.fromkeys(order)] == [
        "fail",
        "error",
        "inconclusive",
        "warn",
        "waived",
        "pass",
        "not_judged",
    ]
    near = of(0.09, Limit(max=0.1), interval=(0.08, 0.1), id="near")
    far = of(0.02, Limit(max=0.1), interval=(0.01, 0.03), id="far")
    assert [f.id for f in ranked([far, near])] == ["near", "far"]
    assert breach(near) == pytest.approx(-0.5)
    assert breach(of(None, Limit(max=0.1))) is None
    assert breach(of(0.3)) is None


def test_nothing_needs_reading_first_when_all_pass() -> None:
    assert worst([of(0.1)]) is None
    assert worst(lending().findings) is not None


def test_the_sentence_counts_everything_and_passes_last() -> None:
    assert counts_sentence(lending().findings) == (
        "2 of 12 checks fail, 1 could not be measured, 2 are inconclusive, 1 warns, 1 is waived "
        "and 1 is not judged; 4 pass."
    )
    assert counts_sentence([of(0.1)]) == "The one check passes."
    assert counts_sentence([of(0.1), of(0.2)]) == "All 2 checks pass."
    assert counts_sentence([]) == "No check ran."


def test_unproven_is_said_to_be_no_pass() -> None:
    one = of(0.1).model_copy(update={"verdict": Verdict.INCONCLUSIVE})
    assert headline([one], RunVerdict.UNPROVEN).endswith("but this is not a pass.")


def test_a_pass_that_rests_on_waivers_says_so() -> None:
    one = of(0.1).model_copy(update={"verdict": Verdict.WAIVED})
    assert headline([one, of(0.1)], RunVerdict.PASS) == (
        "1 of 2 checks is waived; 1 passes. Without the waiver this would be a FAIL."
    )
    assert "Without the waivers this" in headline([one, one], RunVerdict.PASS)
    assert "Without" not in headline([of(0.1)], RunVerdict.PASS)


def test_an_inconclusive_finding_that_fails_the_build_is_named() -> None:
    one = of(0.1).model_copy(update={"verdict": Verdict.INCONCLUSIVE, "failing": True})
    said = headline([one], RunVerdict.FAIL)
    assert said.endswith("1 inconclusive fails the build, as the policy asks.")
    for asks, who in (("fail", "the policy"), ("warn", "--aipm-strict")):
        told = one.model_copy(update={"asked": Asked(on_inconclusive=asks)})
        assert headline([told], RunVerdict.FAIL).endswith(f"as {who} asks.")


def test_a_partial_run_says_what_did_not_run() -> None:
    record = record_of(lending(), partial=True, missing=("a::b::c", "a::b::d"))
    assert missing_sentence(record).startswith("PARTIAL: 2 planned checks did not run.")
    assert missing_sentence(record_of(lending())) == ""


def test_the_effect_names_both_groups_in_people_the_value_and_the_limit() -> None:
    assert Answer(intersections()).effect == (
        f"Selection rate by sex{TIMES}race: 47 of 100 for female · Black, 71 of 100 for male · "
        "White, a ratio of 0.66 (interval 0.60 to 0.73); the policy asks for at least 0.80."
    )
    assert Answer(intersections()).change == (
        f"Worse than the approved baseline (0.75 then, change {MINUS}0.09)."
    )


def test_what_was_counted_over_all_there_is_has_no_interval_of_equal_ends() -> None:
    one = finding("governance.waivers", "waived", (), "fail", value=3.0, interval=(3.0, 3.0))
    counted = one.model_copy(update={"kind": "census"})
    assert Answer(counted).interval == "exact"
    assert "interval" not in Answer(counted).effect
    assert Answer(one).interval == "3 to 3"
    assert not Answer(counted.model_copy(update={"value": None, "interval": None})).exact
    for each, shown in ((counted, False), (one, True)):
        audit = lending().model_copy(update={"findings": (each,)})
        assert ("3 [3, 3]" in "".join(terminal_lines(record_of(audit)))) is shown


def test_of_several_rates_the_one_that_makes_the_value_decides() -> None:
    answer = Answer(odds())
    assert answer.quantity == "false positive rate"
    assert [g.group["race"] for g in answer.pair] == ["White", "Black"]


def test_a_comparator_that_is_not_the_highest_group_is_found_by_the_numbers() -> None:
    groups = tuple(
        GroupValue(group={"g": name}, n=100, value=value)
        for name, value in (("a", 0.3), ("b", 0.5), ("c", 0.6))
    )
    one = finding(
        "fairness.demographic_parity_ratio", "r", ("g",), "pass", value=0.3 / 0.5, groups=groups
    )
    assert [g.group["g"] for g in Answer(one).pair] == ["a", "b"]
    lone = one.model_copy(update={"value": 0.123})
    assert Answer(lone).pair == ()


@pytest.mark.parametrize(
    ("value", "kind"), [(0.3, "level"), (0.4, "difference"), (3 / 7, "ratio"), (0.77, "level")]
)
def test_what_a_value_is_made_of_is_read_from_the_numbers(value: float, kind: str) -> None:
    groups = tuple(GroupValue(group={"g": n}, n=9, value=v) for n, v in (("a", 0.3), ("b", 0.7)))
    one = finding("own.check", "own", ("g",), "pass", value=value, groups=groups)
    assert Answer(one).kind == kind


def test_an_open_question_says_what_would_settle_it() -> None:
    said = Answer(small_cells()).settle
    assert "smallest gap these rows would have caught in 8 of 10 samples is 0.62 for tiny" in said
    assert "About 81,234 rows" in said
    assert Answer(of(0.1)).settle == ""


def test_the_unit_follows_the_value() -> None:
    one = of(43.1, Limit(max=50), unit="points", formula=Formula(id="mae"))
    assert Answer(one).effect == "MAE overall: 43.1 points; the policy asks for at most 50."
    assert Answer(of(None, reason="no rows")).effect == "no rows"


@pytest.mark.parametrize("verdict", ["worse", "better", "same", "inconclusive"])
def test_every_change_has_a_sentence(verdict: str) -> None:
    old = intersections().baseline
    assert old is not None
    one = intersections().model_copy(
        update={"baseline": old.model_copy(update={"verdict": verdict})}
    )
    assert f"(0.75 then, change {MINUS}0.09)" in Answer(one).change
    still = one.model_copy(update={"baseline": old.model_copy(update={"delta": 0.0})})
    assert Answer(still).change == "The same value as in the approved baseline."
    hidden = one.model_copy(
        update={"baseline": old.model_copy(update={"value": None, "delta": None})}
    )
    assert "(" not in Answer(hidden).change


def test_noise_of_subtracting_equal_numbers_is_nothing() -> None:
    shown = Figures(3, "", (0.05,))
    assert shown(-4.4e-19) == "0"
    assert shown(0.05 + 1e-17) == "0.050"
    assert shown(0.05001) == "0.05001"


def test_a_floor_tells_what_it_could_catch_from_the_limit_on() -> None:
    one = of(0.7, Limit(min=0.6), detectable=Detectable(gap=0.1, beyond=True))
    said = Answer(one).settle
    assert said.startswith("The smallest value these rows would have caught in 8 of 10 samples is ")
    assert said.endswith(" beyond the limit.")


def test_a_finding_without_a_pair_says_its_reason_without_what_would_settle_it() -> None:
    reason = "accuracy is worst for f: 0.8, these rows cannot tell; about 46 rows would settle it"
    one = of(0.8, because=Because.LIMIT, reason=reason)
    assert Answer(one).plain == "accuracy is worst for f: 0.8, these rows cannot tell."
    lost = of(0.8, because=Because.EVIDENCE_LOST, reason="evidence lost; accuracy is 0.8")
    assert Answer(lost).plain == "evidence lost; accuracy is 0.8."


def test_the_short_reason_is_in_words() -> None:
    assert Answer(of(0.1, because=Because.NO_EVIDENCE)).because == "no evidence"
    assert Answer(of(0.1)).because == ""
