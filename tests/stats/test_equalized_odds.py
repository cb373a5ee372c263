"""Equalized odds: the worse of two rates, each at its share of the level."""

from __future__ import annotations

import fairlearn.metrics as fairlearn
import numpy as np
import pytest

from pytest_aipm.stats.disparity import (
    equalized_odds_difference,
    equalized_odds_ratio,
    rate_difference,
    rate_ratio,
)

TP, POS, FP, NEG = [80, 45, 20], [100, 70, 25], [30, 40, 10], [300, 160, 60]


def test_values_equal_fairlearn() -> None:
    truth, decisions, group = [], [], []
    for place, (tp, pos, fp, neg) in enumerate(zip(TP, POS, FP, NEG, strict=True)):
        truth += [1] * pos + [0] * neg
        decisions += [1] * tp + [0] * (pos - tp) + [1] * fp + [0] * (neg - fp)
        group += [place] * (pos + neg)
    theirs = {"y_true": truth, "y_pred": decisions, "sensitive_features": group}
    assert equalized_odds_difference(TP, POS, FP, NEG).value == pytest.approx(
        fairlearn.equalized_odds_difference(**theirs)
    )
    assert equalized_odds_ratio(TP, POS, FP, NEG).value == pytest.approx(
        fairlearn.equalized_odds_ratio(**theirs)
    )


def test_the_corrected_end_is_taken_at_the_root_of_the_confidence() -> None:
    """1 - sqrt(1 - .05) = .0253 for each of two independent rates."""
    estimate = equalized_odds_difference(TP, POS, FP, NEG)
    level = 1 - 0.02532057
    lower = [rate_difference(*c, confidence=level).lower for c in ((TP, POS), (FP, NEG))]
    upper = [rate_difference(*c).upper for c in ((TP, POS), (FP, NEG))]
    assert estimate.lower == pytest.approx(max(lower), abs=1e-6)
    assert estimate.upper == max(upper)
    mirrored = equalized_odds_ratio(TP, POS, FP, NEG)
    upper = [rate_ratio(*c, confidence=level).upper for c in ((TP, POS), (FP, NEG))]
    lower = [rate_ratio(*c).lower for c in ((TP, POS), (FP, NEG))]
    assert mirrored.upper == pytest.approx(min(upper), abs=1e-6)
    assert mirrored.lower == min(lower)


def test_parts_hold_the_true_positive_rates_then_the_false_positive_rates() -> None:
    estimate = equalized_odds_difference(TP, POS, FP, NEG)
    assert estimate.sizes == tuple(map(float, POS + NEG))
    assert [part[0] for part in estimate.parts] == pytest.approx(
        [a / b for a, b in zip(TP + FP, POS + NEG, strict=True)]
    )
    high, low = estimate.pair
    assert estimate.parts[high][0] - estimate.parts[low][0] == pytest.approx(estimate.value)


def test_a_rate_without_rows_leaves_the_other_one_and_blocks_proof() -> None:
    estimate = equalized_odds_difference([0, 0, 0], [0, 0, 0], FP, NEG)
    assert estimate.value == pytest.approx(0.25 - 0.1)
    assert estimate.upper == 1.0
    assert estimate.lower == pytest.approx(
        rate_difference(FP, NEG, confidence=1 - 0.02532057).lower, abs=1e-6
    )
    assert estimate.pair == (4, 3)


def test_nothing_defined_has_no_value() -> None:
    assert np.isnan(equalized_odds_difference([0], [0], [1], [3]).value)


def test_other_denominators_keep_both_rates() -> None:
    estimate = equalized_odds_difference(TP, POS, FP, NEG)
    assert estimate.at(estimate.sizes) == estimate
    wider = estimate.at([4 * size for size in estimate.sizes])
    assert wider.value == pytest.approx(estimate.value)
    assert wider.lower > estimate.lower
    assert wider.upper < estimate.upper
    assert estimate.at([100] * 6, [0.5] * 5 + [0.7]).pair[0] == 5


def test_groups_must_match() -> None:
    with pytest.raises(ValueError, match="3 groups of positives, 2 of negatives"):
        equalized_odds_difference(TP, POS, FP[:2], NEG[:2])
