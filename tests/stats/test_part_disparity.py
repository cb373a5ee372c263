"""MOVER between numbers that only have bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep

from pytest_aipm.stats.disparity import part_difference, part_ratio
from pytest_aipm.stats.part_disparity import mover_ratio
from pytest_aipm.stats.parts import AucPart, MeanPart, RatePart


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_mover_of_two_wilson_rates_is_newcombes_interval() -> None:
    parts = [RatePart(56, 70, "wilson"), RatePart(48, 80, "wilson")]
    plain = part_difference(parts)
    theirs = confint_proportions_2indep(56, 70, 48, 80, method="newcomb", alpha=0.10)
    assert plain.upper == pytest.approx(theirs[1], abs=1e-9)
    corrected = confint_proportions_2indep(56, 70, 48, 80, method="newcomb", alpha=0.05)
    assert plain.lower == pytest.approx(corrected[0], abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(*[st.floats(0.05, 0.9)] * 2),
    st.tuples(*[st.floats(0.01, 0.3)] * 4),
)
def test_a_ratio_bound_is_where_the_bound_of_a_linear_combination_is_zero(
    centre: tuple[float, float], widths: tuple[float, float, float, float]
) -> None:
    (v1, v2), (down1, up1, down2, up2) = centre, widths
    one, other = (v1, max(v1 - down1, 0), v1 + up1), (v2, max(v2 - down2, 0), v2 + up2)
    lower, upper = mover_ratio(one, other)

    def below(rho: float) -> float:
        return v1 - rho * v2 - np.hypot(v1 - one[1], rho * (other[2] - v2))

    def above(rho: float) -> float:
        return v1 - rho * v2 + np.hypot(one[2] - v1, rho * (v2 - other[1]))

    assert lower <= v1 / v2 <= upper
    if one[1] > 1e-6:
        assert lower == pytest.approx(brentq(below, 0, v1 / v2), abs=1e-7)
    if other[1] > 0.02:
        assert upper == pytest.approx(brentq(above, v1 / v2, 1e9), rel=1e-6)


def aucs(sizes: tuple[int, ...], shift: float = 1.0, seed: int = 1) -> list[AucPart]:
    rng = generator(seed)
    return [AucPart.from_scores(rng.normal(shift, 1, m), rng.normal(0, 1, 2 * m)) for m in sizes]


def test_the_lower_end_is_corrected_over_ordered_pairs_and_the_upper_one_is_not() -> None:
    parts = aucs((300, 100, 20))
    estimate = part_difference(parts)
    lower, upper = [], []
    for i in parts:
        for j in parts:
            if i is not j:
                down, up = i.bound(0.05 / 6)[0], j.bound(0.05 / 6)[1]
                gap = i.value - j.value
                lower.append(gap - np.hypot(i.value - down, up - j.value))
                up, down = i.bound(0.05)[1], j.bound(0.05)[0]
                upper.append(gap + np.hypot(up - i.value, j.value - down))
    assert estimate.lower == pytest.approx(max(0, *lower))
    assert estimate.upper == pytest.approx(max(upper))
    assert estimate.value == pytest.approx(np.ptp([part.value for part in parts]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(2, 60), min_size=2, max_size=5), st.integers(0, 999))
def test_the_value_lies_inside_and_order_does_not_matter(sizes: list[int], seed: int) -> None:
    parts = aucs(tuple(sizes), seed=seed)
    for measure in (part_difference, part_ratio):
        estimate, turned = measure(parts), measure(parts[::-1])
        assert estimate.lower <= estimate.value <= estimate.upper
        assert (estimate.lower, estimate.upper) == pytest.approx((turned.lower, turned.upper))
        wider = estimate.at([4 * size for size in estimate.sizes])
        assert wider.lower >= estimate.lower - 1e-9
        assert wider.upper <= estimate.upper + 1e-9


def test_one_comparator_by_name_or_size() -> None:
    parts = aucs((300, 100, 20))
    named, largest = (part_difference(parts, reference=key) for key in (0, "largest"))
    assert named.upper == largest.upper
    assert named.value == pytest.approx(max(abs(part.value - parts[0].value) for part in parts[1:]))
    ratio = part_ratio(parts, reference=2)
    assert ratio.value == pytest.approx(min(p.value for p in parts[:2]) / parts[2].value)
    assert ratio.pair[0] == 2
    with pytest.raises(ValueError, match="no overall value"):
        part_difference(parts, reference="overall")


def test_an_undefined_part_blocks_proof_only() -> None:
    parts = aucs((300, 100))
    undefined = AucPart.from_scores([], [0.5])
    plain, blocked = part_difference(parts), part_difference([*parts, undefined])
    assert blocked.value == plain.value
    assert blocked.lower == plain.lower
    assert blocked.upper == 1.0
    assert part_ratio([*parts, undefined]).lower == 0.0
    assert part_difference([*parts, undefined], min_size=10).upper == plain.upper
    assert np.isnan(part_difference([parts[0], undefined]).value)
    assert np.isnan(part_difference([parts[0], undefined], reference=1).value)


def test_few_rows_of_a_mean_prove_no_gap_but_widen_the_other_end() -> None:
    rng = generator(5)
    parts = [MeanPart.from_values(rng.normal(m, 1, k)) for m, k in ((0, 300), (0, 300), (5, 20))]
    estimate = part_difference(parts)
    assert estimate.value > 4
    assert estimate.lower == 0.0
    assert estimate.upper > 5
    assert part_ratio([MeanPart.from_values(rng.normal(9, 1, 20))] * 2).upper == 1.0


def test_negative_numbers_have_no_ratio() -> None:
    parts = [MeanPart.from_values(generator(6).normal(m, 1, 100)) for m in (-5, 5)]
    assert np.isnan(part_ratio(parts).value)


def test_a_small_group_at_the_limit_is_rarely_found_beyond_it() -> None:
    """AUC .95 in a large group, .85 in one of 10 and 20 rows; plain DeLong fails 23 %."""
    rng = generator(8)
    large = AucPart(0.95, 1e-7, 50_000, 50_000)
    fails = 0
    for _ in range(1500):
        scores = rng.normal(np.sqrt(2) * norm.ppf(0.85), 1, 10), rng.normal(0, 1, 20)
        fails += part_difference([large, AucPart.from_scores(*scores)]).lower > 0.10
    assert fails / 1500 <= 0.065
