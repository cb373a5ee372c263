"""Attacks on one scale: published values, brute force, and worlds in which nobody is given away."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from privacy import HARDER, KINDS, fitted_null, null
from scipy.special import expit, logit
from scipy.stats import binom, binomtest, norm
from statsmodels.stats.multitest import multipletests

from pytest_aipm.stats.attacks import MOST, Area, Newcombe, Ratio, head, tail
from pytest_aipm.stats.exposure import Undecided, exposure, holm
from pytest_aipm.stats.parts import AucPart, rate_bounds


class TestPublishedValues:
    def test_the_epsilon_of_all_found_and_none_wrongly(self) -> None:
        # TensorFlow Privacy, epsilon_lower_bound_test, after arXiv:2006.07709: 4.54 at 99 %
        lower, upper = rate_bounds([500, 0], [500, 500], 0.005)
        assert math.log(lower[0] / upper[1]) == pytest.approx(4.54, abs=0.005)

    def test_wilsons_interval_of_850_in_1000(self) -> None:
        # anonymeter, test_confidence: .849 +- .022 at 95 % two-sided
        lower, upper = rate_bounds(850, 1000, 0.025, "wilson")
        assert (float(lower) + float(upper)) / 2 == pytest.approx(0.849, abs=5e-4)
        assert (float(upper) - float(lower)) / 2 == pytest.approx(0.022, abs=5e-4)

    @pytest.mark.parametrize(
        ("counts", "interval"),
        [((56, 70, 48, 80), (0.0524, 0.3339)), ((9, 10, 3, 10), (0.1705, 0.8090))],
    )
    def test_newcombes_differences(self, counts: tuple, interval: tuple) -> None:
        # Newcombe 1998, table II, method 10, two-sided 95 %
        lower, upper = Newcombe(*counts, name="").bound(0.025)
        assert (lower, upper) == pytest.approx(interval, abs=5e-5)

    @pytest.mark.parametrize(
        ("area", "epsilon"), [(0.55, 0.201), (0.60, 0.405), (0.70, 0.847), (0.731, 1.0)]
    )
    def test_the_epsilon_that_an_area_implies(self, area: float, epsilon: float) -> None:
        # under pure epsilon-differential privacy the best curve has the corner (a, 1 - a),
        # a = 1 / (1 + e^eps), hence the area 1 - a
        found = Area(AucPart(area, 1e-4, 1e3, 1e3), "")
        assert found.value == pytest.approx(epsilon, abs=5e-4)
        corner = 1 / (1 + math.exp(found.value))
        curve = np.array([0, corner, 1]), np.array([0, 1 - corner, 1])
        width, height = np.diff(curve[0]), (curve[1][1:] + curve[1][:-1]) / 2
        assert float(width @ height) == pytest.approx(area)


class TestRatio:
    def test_its_bounds_are_those_of_the_conditional_binomial(self) -> None:
        found = Ratio(30, 1000, 10, 500, "")
        ends = binomtest(30, 40).proportion_ci(0.90, "exact")
        expected = [float(logit(end)) + math.log(500 / 1000) for end in (ends.low, ends.high)]
        assert found.bound(0.05) == pytest.approx((max(0, expected[0]), expected[1]))

    @pytest.mark.parametrize("rate", [0.01, 0.05, 0.3, 0.9])
    @pytest.mark.parametrize("n", [50, 400])
    def test_a_ratio_of_one_is_told_apart_from_one_at_most_as_often_as_promised(
        self, rate: float, n: int
    ) -> None:
        x, y = (np.arange(size + 1) for size in (n, n // 2))
        chance = np.outer(binom.pmf(x, n, rate), binom.pmf(y, n // 2, rate))
        total = 0.0
        for i, j in zip(*np.nonzero(chance > 1e-9), strict=True):
            if Ratio(i, n, j, n // 2, "").bound(0.05)[0] > 0:
                total += chance[i, j]
        assert total <= 0.05

    def test_nothing_seen_says_nothing(self) -> None:
        assert Ratio(0, 50, 0, 50, "").bound(0.05) == (0.0, MOST)
        assert Ratio(5, 50, 0, 50, "").bound(0.05)[1] == MOST

    def test_scaling_keeps_rates(self) -> None:
        found = Ratio(30, 1000, 10, 500, "")
        twice = found.scaled(3000)
        assert (twice.x, twice.n_x, twice.y, twice.n_y) == (60, 2000, 20, 1000)


class TestOperatingPoints:
    def test_the_cut_is_chosen_on_one_half_and_counted_on_the_other(self) -> None:
        others = np.arange(100.0)
        half = others < 50
        (found,) = head(np.full(10, 60.0), others, half, share=0.1, name="")
        # the best tenth of the first half begins at 45
        assert (found.x, found.n_x, found.y, found.n_y) == (10, 10, 50, 50)

    def test_the_tail_looks_at_the_worst(self) -> None:
        members = np.arange(100.0)
        (found,) = tail(members, np.zeros(30), members < 50, share=0.1, name="")
        assert (found.x, found.n_x, found.y, found.n_y) == (30, 30, 0, 50)

    def test_ties_lie_beyond_the_cut_together(self) -> None:
        (found,) = head(np.zeros(40), np.zeros(60), np.arange(60) < 30, share=0.01, name="")
        assert (found.x, found.y) == (40, 30)
        assert found.value == pytest.approx(0, abs=0.02)

    def test_who_stands_out_of_a_crowd_of_ties_is_seen(self) -> None:
        members, others = np.zeros(4000), np.zeros(4000)
        members[:40] = 1.0
        whole, apart = head(members, others, np.arange(4000) < 2000, share=0.01, name="head")
        assert whole.value == pytest.approx(0, abs=1e-3)
        assert (apart.x, apart.n_x, apart.y, apart.n_y) == (40, 4000, 0, 2000)
        assert apart.name == "head but for ties"
        # all 40 are members, of whom there are two for each other that is counted; the bound of 40
        # of 40 is by Clopper and Pearson the fortieth root of the level
        assert apart.bound(0.05)[0] == pytest.approx(float(logit(0.05 ** (1 / 40))) - math.log(2))
        mirror = tail(-others, -members, np.arange(4000) < 2000, share=0.01, name="head")
        assert mirror == [whole, apart]

    def test_what_stands_out_can_break_a_limit_and_opens_no_end(self) -> None:
        members, others = np.zeros(4000), np.zeros(4000)
        half = np.arange(4000) < 2000
        assert len(head(members, others, half, share=0.01, name="")) == 1
        members[0] = 1.0
        assert exposure(head(members, others, half, share=0.01, name="")).upper < 0.1
        members[:40] = 1.0
        assert exposure(head(members, others, half, share=0.01, name="")).lower > 1.0


class TestError:
    @pytest.mark.parametrize("truth", [0.45, 0.5, 0.6])
    def test_of_an_area_below_a_coin_toss_is_as_large_as_above(self, truth: float) -> None:
        # the spread of the logit over samples, each of whose epsilons would end at 0
        rng, n = np.random.default_rng(0), 300
        shift = math.sqrt(2) * norm.ppf(truth)
        parts = [
            AucPart.from_scores(rng.normal(shift, 1, n), rng.normal(0, 1, n)) for _ in range(300)
        ]
        spread = float(np.std([logit(each.value) for each in parts]))
        found = np.mean([Area(each, "").error(settling=False) for each in parts])
        assert found == pytest.approx(spread, rel=0.15)


class TestExposure:
    def test_the_lower_end_is_corrected_and_the_upper_one_is_not(self) -> None:
        attacks = [Area(AucPart(a, 1e-4, 1e3, 1e3), str(a), "auc") for a in (0.55, 0.6, 0.5)]
        found = exposure(attacks)
        assert found.value == 0.6
        assert found.lower == attacks[1].bound(0.05 / 3)[0]
        assert found.upper == attacks[1].bound(0.05)[1]
        assert found.strongest.name == "0.6"

    def test_the_value_is_of_what_is_shown_not_of_what_is_largest(self) -> None:
        noisy, sure = Ratio(3, 30, 1, 15, "noisy"), Area(AucPart(0.7, 1e-5, 1e4, 1e4), "sure")
        assert noisy.scaled(45, 1.5).value > sure.value
        assert exposure([noisy.scaled(45, 1.5), sure]).strongest.name == "sure"

    def test_groups_are_parts_and_one_without_rows_leaves_it_open(self) -> None:
        empty = Area(AucPart(math.nan, 0.0, 3, 0), "b")
        full = Area(AucPart(0.5, 1e-5, 1e4, 1e4), "a")
        found = exposure([full, empty], apart=True)
        assert (found.sizes, found.upper, found.pair) == ((2e4, 3.0), MOST, (0,))
        judged = exposure([full, empty], apart=True, min_size=10)
        assert judged.upper < 0.1
        assert math.isnan(exposure([empty], apart=True).value)

    @pytest.mark.parametrize("truth", [0.55, 0.66])
    def test_the_rows_needed_decide_in_eight_of_ten_samples(self, truth: float) -> None:
        start = exposure([Area(AucPart(truth, 1 / 600, 100, 100), "", "auc")])
        factor, _ = start.rows_needed((None, 0.60))
        n, decided = math.ceil(100 * factor), 0
        shift = math.sqrt(2) * norm.ppf(truth)
        rng = np.random.default_rng(0)
        for _ in range(200):
            part = AucPart.from_scores(rng.normal(shift, 1, n), rng.normal(0, 1, n))
            found = exposure([Area(part, "", "auc")])
            decided += found.lower > 0.60 if truth > 0.60 else found.upper <= 0.60
        assert 0.65 <= decided / 200 <= 0.95

    def test_more_rows_are_told_at_other_sizes(self) -> None:
        found = exposure([Ratio(30, 1000, 10, 500, ""), Area(AucPart(0.6, 1e-4, 1e3, 1e3), "")])
        larger = found.at([found.sizes[0] * 4])
        assert larger.lower > found.lower
        assert larger.value == pytest.approx(found.value, abs=0.05)

    def test_a_failed_premise_leaves_the_value_and_opens_both_ends(self) -> None:
        found = exposure([Area(AucPart(0.9, 1e-4, 1e3, 1e3), "", "auc")])
        left = Undecided.of(found, 0.0, 1.0)
        assert (left.value, left.lower, left.upper) == (0.9, 0.0, 1.0)
        assert left.rows_needed((None, 0.6)) is None


def test_holm_goes_on_where_bonferroni_stops() -> None:
    areas = (0.60, 0.528, 0.50, 0.50)
    attacks = [Area(AucPart(a, 1.6e-4, 1e3, 1e3), "", "auc") for a in areas]
    assert attacks[1].bound(0.05 / 4)[0] < 0.5 < attacks[1].bound(0.05 / 3)[0]
    assert holm(attacks, 0.5, 0.95) == [True, True, False, False]
    assert holm(attacks[2:], 0.5, 0.95) == [False, False]


@dataclass(frozen=True)
class Known:
    """An attack of which only its p-value is known."""

    p: float
    value: float = 0.0
    aside: bool = False

    def bound(self, alpha: float) -> tuple[float, float]:
        return (1.0 if self.p <= alpha else -1.0), 2.0


@pytest.mark.parametrize("seed", range(20))
def test_holm_is_holms_of_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).uniform(0, 0.06, size=5)
    expected = multipletests(p, alpha=0.05, method="holm")[0]
    assert holm([Known(float(each)) for each in p], 0.0, 0.95) == expected.tolist()


@pytest.mark.parametrize("kind", [*KINDS, *HARDER])
@pytest.mark.parametrize(("n", "runs"), [(20, 200), (100, 200), (1000, 80)])
def test_nobody_is_given_away_where_there_is_nobody(n: int, runs: int, kind: str) -> None:
    """The small sibling of `benchmarks/privacy.py`."""
    found = null(n, runs, **{**KINDS, **HARDER}[kind])
    assert found.fail == 0
    assert found.fail_auc <= (1 if n < 100 else 0)  # 2 of 4,000 in the benchmark
    assert found.signal <= binom.ppf(0.999, runs, 0.05)


@pytest.mark.parametrize("kind", ["2 classes", "5 classes", "numbers"])
def test_nor_where_the_difficulty_of_rows_is_learned(kind: str) -> None:
    found = fitted_null(110, 15, kind)
    assert (found.fail, found.fail_auc) == (0, 0)
    assert found.signal <= binom.ppf(0.999, 15, 0.05)


def test_the_sigmoid_of_an_epsilon_is_its_area() -> None:
    part = AucPart(0.62, 1e-4, 1e3, 1e3)
    moved = Area(part, "").scaled(2000, 1.2)
    assert moved.part.value == pytest.approx(expit(1.2))
